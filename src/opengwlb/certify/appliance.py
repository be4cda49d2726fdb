"""What is tried: where it is, which processes it is made of, how it is restarted."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opengwlb_appliance.geneve import PORT

from .judgement import NotApplicable


class Appliance(Protocol):
    @property
    def name(self) -> str:
        """As the report calls it."""

    @property
    def address(self) -> str: ...

    @property
    def namespace(self) -> Path | None:
        """Of its network, when it runs on this machine."""

    @property
    def restarts(self) -> bool:
        """Whether `restart` can be asked for."""

    def restart(self) -> None:
        """Returns when the new one is being started and the old processes are gone. Raises NotApplicable."""

    def console(self) -> str:
        """What it printed last; empty when nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """From where it is tried."""

    nodes: tuple[str, ...]
    """Addresses that play load balancer: one or two."""
    namespaces: tuple[Path, ...]
    """Of each node."""
    watch: Path
    """The namespace where frames are captured."""
    device: str
    at_appliance: bool
    """The device is the appliance's own; else it is the node's."""


class Processes:
    """The processes in a network namespace, read from /proc."""

    def __init__(self, namespace: Path | None) -> None:
        self._namespace = namespace

    def all(self) -> dict[int, str]:
        """Name by pid. Raises NotApplicable where they cannot be seen."""
        if self._namespace is None:
            raise NotApplicable("its processes cannot be seen from here")
        wanted = self._namespace.stat().st_ino
        found = {}
        for entry in os.listdir("/proc"):
            with suppress(OSError):
                if entry.isdigit() and os.stat(f"/proc/{entry}/ns/net").st_ino == wanted:
                    found[int(entry)] = Path(f"/proc/{entry}/comm").read_text(encoding="utf-8").strip()
        return found

    def loops(self, *, health_port: int) -> dict[int, str]:
        """Those that hold a socket of the tunnel and not only answer for it. Raises NotApplicable when there are none."""
        known = self.all()
        first = next(iter(known), None)
        if first is None:
            raise NotApplicable("nothing runs in its namespace")
        tunnel = _inodes(first, "udp", port=PORT) | _inodes(first, "raw") | _inodes(first, "packet")
        pages = _inodes(first, "tcp", port=health_port) | _inodes(first, "tcp6", port=health_port)
        holders = {pid: name for pid, name in known.items() if _sockets(pid) & tunnel}
        if not holders:
            raise NotApplicable("no process holds its tunnel: it works in the kernel, where nothing gets stuck")
        return {pid: name for pid, name in holders.items() if not _sockets(pid) & pages} or holders

    @contextmanager
    def stopped(self, pids: dict[int, str]) -> Iterator[None]:
        """They get SIGSTOP, and SIGCONT at the end."""
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def _inodes(pid: int, table: str, *, port: int | None = None) -> set[str]:
    """Socket inodes in a table of /proc/PID/net; with a local port, only its own. Listening ones alone for TCP."""
    found = set()
    try:
        lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return set()
    for line in lines:
        fields = line.split()
        if table == "packet":
            found.add(fields[8])
        elif (port is None or fields[1].endswith(f":{port:04X}")) and (table[:3] != "tcp" or fields[3] == "0A"):
            found.add(fields[9])
    return found


def _sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if link.startswith("socket:["):
                    found.add(link[8:-1])
    return found
