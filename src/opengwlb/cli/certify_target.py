"""A target that runs already, as `gwlb certify` and `gwlb replay` see it: by its address alone, or with its namespace."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opengwlb.certify.appliance import Place
from opengwlb.certify.judgement import NotApplicable
from opengwlb.certify.profile import Profile
from opengwlb.fabric.namespaces import NETNS

from .refusal import Refusal

OWN_NAMESPACE = Path("/proc/self/ns/net")
_GENEVE_PORT = "6081"
_RESTART_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An `Appliance` that somebody else started."""

    name: str
    address: str
    namespace: Path | None
    restart_command: tuple[str, ...]

    @property
    def restarts(self) -> bool:
        return bool(self.restart_command)

    def restart(self) -> None:
        if not self.restart_command:
            raise NotApplicable("nobody said how it is restarted: [target] restart in a profile does")
        done = subprocess.run(
            self.restart_command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_RESTART_S,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise OSError(
                f"{self.restart_command[0]} ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}"
            )

    def console(self) -> str:
        return ""


def target(address: str, *, profile: Profile, netns: str, nodes: tuple[str, ...]) -> tuple[Target, Place]:
    """Refuses what has no route or cannot be listened on. `netns` is where the nodes are; empty for this namespace."""
    host, colon, port = address.partition(":")
    if colon and port != _GENEVE_PORT:
        raise Refusal(
            f"--target {address}: a Gateway Load Balancer sends to port {_GENEVE_PORT} and no other.", status=2
        )
    here = namespace_path(netns) if netns else OWN_NAMESPACE
    own = namespace_path(profile.namespace) if profile.namespace else None
    route = _ip(here, "-json", "route", "get", host)
    if not route or "dev" not in route[0]:
        raise Refusal(f"--target {address}: there is no route to it from here.")
    sources = nodes or (str(route[0].get("prefsrc", "")),)
    made = Target(name=host, address=host, namespace=own, restart_command=profile.restart)
    device = _device_of(own, host) if own else str(route[0]["dev"])
    place = Place(
        nodes=sources,
        namespaces=tuple(here for _ in sources),
        watch=own or here,
        device=device,
        at_appliance=own is not None,
    )
    return made, place


def namespace_path(name: str) -> Path:
    """`/proc/123/ns/net` or a name under /run/netns. Refuses when there is none."""
    path = Path(name) if "/" in name else NETNS / name
    if not path.exists():
        raise Refusal(f"There is no network namespace {name}: `ip netns` lists those with names.")
    return path


def _device_of(namespace: Path, address: str) -> str:
    for link in _ip(namespace, "-json", "address", "show"):
        if any(one.get("local") == address for one in link.get("addr_info", ())):
            return str(link["ifname"])
    raise Refusal(f"No interface in {namespace} has the address {address}: [target] namespace names another one.")


def _ip(namespace: Path, *arguments: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["nsenter", f"--net={namespace}", "--", "ip", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refusal(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return list(json.loads(done.stdout or "[]"))
