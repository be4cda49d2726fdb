"""What an appliance declares about itself: how it is started, asked for its health, and what it does by design.

A declaration is checked, not believed: traffic that is declared as dropped and comes back fails its check.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TRAFFIC = (
    "udp", "gre", "esp", "sctp", "icmp", "icmp-errors", "fragments", "ip-options", "ipv6", "ipv6-extensions", "midstream",
    "one-way",
)  # fmt: skip
"""What a policy may drop without being a worse appliance for it."""


class ProfileError(ValueError):
    """The profile cannot be used; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    user_data: str = ""
    """Of the instance that is started. `{nodes}` becomes the addresses of the nodes that will send, `{node}` the first."""
    health_protocol: Literal["http", "https", "tcp"] = "http"
    health_port: int = 80
    health_path: str = "/"
    start_s: float = 60.0
    """Within this time after its start it answers its health check."""
    probe: Literal["tcp", "udp"] = "tcp"
    """What the checks that are not about a protocol send."""
    port: int = 443
    """The server's port in them: one that the policy lets through."""
    rewrites: Literal["nothing", "payload", "proxy"] = "nothing"
    """`payload`: inner packets may come back changed. `proxy`: it ends TCP itself, or returns nothing (two-arm NAT)."""
    drops: frozenset[str] = frozenset()
    """Of TRAFFIC."""
    namespace: str = ""
    """Of a target that runs on this machine: path of its network namespace, so that its processes can be found."""
    restart: tuple[str, ...] = ()
    """Of a target: the command that restarts it, and ends when its old processes are gone."""


_TABLES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "instance": {"user_data": str, "user_data_file": str, "start_s": (int, float)},
    "health": {"protocol": str, "port": int, "path": str},
    "traffic": {"probe": str, "port": int, "drops": list, "rewrites": str},
    "target": {"namespace": str, "restart": list},
}


def read_profile(path: Path) -> Profile:
    """Raises ProfileError, and OSError when the file cannot be read."""
    return parse_profile(path.read_text(encoding="utf-8"), beside=path.parent)


def parse_profile(text: str, *, beside: Path = Path()) -> Profile:
    """A profile in TOML. `beside` is where `user_data_file` is looked for. Raises ProfileError and OSError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ProfileError(f"the profile is not TOML: {problem}") from problem
    _check_names(document)
    instance, health = document.get("instance", {}), document.get("health", {})
    traffic, target = document.get("traffic", {}), document.get("target", {})
    if "user_data" in instance and "user_data_file" in instance:
        raise ProfileError("[instance] has user_data and user_data_file: give one")
    user_data = instance.get("user_data", "")
    if "user_data_file" in instance:
        user_data = (beside / instance["user_data_file"]).read_text(encoding="utf-8")
    unknown = sorted(set(map(str, traffic.get("drops", ()))) - set(TRAFFIC))
    if unknown:
        raise ProfileError(f"[traffic] drops: {unknown[0]!r} is none of {', '.join(TRAFFIC)}")
    return Profile(
        user_data=user_data,
        start_s=float(instance.get("start_s", 60.0)),
        health_protocol=_one_of("[health] protocol", health.get("protocol", "http"), ("http", "https", "tcp")),
        health_port=_port("[health] port", health.get("port", 80)),
        health_path=health.get("path", "/"),
        probe=_one_of("[traffic] probe", traffic.get("probe", "tcp"), ("tcp", "udp")),
        port=_port("[traffic] port", traffic.get("port", 443)),
        rewrites=_one_of("[traffic] rewrites", traffic.get("rewrites", "nothing"), ("nothing", "payload", "proxy")),
        drops=frozenset(traffic.get("drops", ())),
        namespace=target.get("namespace", ""),
        restart=tuple(map(str, target.get("restart", ()))),
    )


def _check_names(document: dict[str, Any]) -> None:
    for table, keys in document.items():
        known = _TABLES.get(table)
        if known is None or not isinstance(keys, dict):
            raise ProfileError(f"{table!r} is none of the tables {', '.join(f'[{name}]' for name in _TABLES)}")
        for key, value in keys.items():
            if key not in known:
                raise ProfileError(f"[{table}] has no key {key!r}; it has {', '.join(known)}")
            if not isinstance(value, known[key]) or isinstance(value, bool):
                raise ProfileError(f"[{table}] {key} = {value!r} is of the wrong type")


def _one_of(what: str, value: str, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise ProfileError(f"{what} = {value!r} is none of {', '.join(known)}")
    return value


def _port(what: str, value: int) -> int:
    if not 0 < value < 65536:
        raise ProfileError(f"{what} = {value} is no port")
    return value
