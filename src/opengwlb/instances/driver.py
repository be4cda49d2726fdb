"""What the rest of OpenGWLB asks of an OCI runtime: start, stop, remove, and say what runs.

An instance is a box with its own processes, mounts, host name and control group, in a network namespace that someone
else made. One implementation exists (`runc.py`); the protocol keeps the choice behind one door
(docs/decisions/0001-oci-runtime.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opengwlb.model.images import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSpec:
    """An instance that should run."""

    id: str
    """`i-…`."""
    boot: int
    """Which start of the instance this is: a higher one than the running instance's is a reboot."""
    namespace: str
    """Path of its network namespace, with addresses, routes and links already there."""
    image_kind: str
    """The `kind` of its image."""
    hostname: str
    user_data: bytes = b""
    """Decoded."""
    addresses: tuple[str, ...] = ()
    """Its own, without prefix length: what its host name resolves to in the box."""
    nameservers: tuple[str, ...] = ()
    search: str = ""
    """The domain that short host names are in."""
    authority: str = ""
    """PEM of the certificate authority behind interface endpoints: trusted in recipes over the machine's /usr."""
    memory_bytes: int = 1 << 30
    cpus: float = 1.0
    """Seconds of processor time in each second, over all its processes."""
    processes: int = 2048
    content: str = ""
    """The image's directory below the data directory's `images/`; empty for recipes over the machine's /usr."""
    launch: Launch | None = None
    """The first process of an `oci` or `rootfs` image."""


def resolver_file(spec: InstanceSpec) -> str:
    """/etc/resolv.conf"""
    search = f"search {spec.search}\n" if spec.search else ""
    return search + "".join(f"nameserver {server}\n" for server in spec.nameservers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningInstance:
    """What the runtime says of an instance."""

    boot: int
    pid: int
    """Of its first process, on the host; 0 when not alive."""
    alive: bool
    """False: its first process ended by itself. Its disk and console are still there."""
    starting: bool = False
    """Its user data runs, and its image's program waits for that: call `start` again until it no longer says so."""


class InstanceError(Exception):
    """The runtime refused or failed; the message says what it said."""


class InstanceDriver(Protocol):
    """Every method is idempotent and may be called by any thread; calls for one instance must not overlap."""

    def start(self, spec: InstanceSpec) -> None:
        """Run `spec`; nothing if that boot runs already, a reboot if an older one does (call again while `running` shows the
        older one). Raises InstanceError."""

    def stop(self, instance: str) -> bool:
        """End all its processes: politely for two seconds, then not. The disk stays. False while a virtual machine shuts
        down, which may take a minute: call again. Raises InstanceError."""

    def remove(self, instance: str) -> None:
        """Stop it and leave nothing: no disk, mount, control group or console. Raises InstanceError."""

    def running(self) -> dict[str, RunningInstance]:
        """Everything the runtime knows, also what an earlier process of this program started. Raises InstanceError."""

    def console(self, instance: str) -> bytes:
        """The last 64 KB of what the instance printed, over all its boots; empty for an unknown one."""

    def exec(self, instance: str, argv: tuple[str, ...], *, tty: bool = False) -> list[str]:
        """The command line that runs `argv` in the instance: for `os.execvp` or `subprocess`."""

    def destroy(self) -> None:
        """Stop every instance and leave nothing outside the data directory. Raises InstanceError."""
