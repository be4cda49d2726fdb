"""Attributes of load balancers, target groups and listeners: which keys exist, their defaults, and which values AWS takes.

Objects store only what was set; whoever reads goes through `effective` or the typed readers below, so a default lives in one place.
Only the keys that AWS has for type gateway are known (facts 4.3): access logs, DNS and zonal shift are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal


class BadAttribute(ValueError):
    """The message is AWS's, for a ValidationError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    default: str
    check: Callable[[str, str], None]
    """(key, value); raises BadAttribute."""


def _one_of(*allowed: str) -> Callable[[str, str], None]:
    def check(key: str, value: str) -> None:
        if value not in allowed:
            raise BadAttribute(f"'{value}' must be one of [{', '.join(allowed)}]")

    return check


def _boolean(key: str, value: str) -> None:
    if value not in ("true", "false"):
        raise BadAttribute(f"'{key}' value '{value}' must be one of [true, false]")


def _between(low: int, high: int) -> Callable[[str, str], None]:
    def check(key: str, value: str) -> None:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise BadAttribute(f"'{key}' value '{value}' must be between '{low}-{high}' inclusive")

    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The attributes of one kind of object, in the order AWS lists them."""

    noun: str
    attributes: Mapping[str, Attribute]
    extensions: Mapping[str, Attribute] = field(default_factory=dict)
    """Keys that AWS does not have: taken by modify, described only once they were set, so that tools see AWS's list."""


LOAD_BALANCER = Scope(
    noun="Load balancer",
    attributes={
        "deletion_protection.enabled": Attribute(default="false", check=_boolean),
        "load_balancing.cross_zone.enabled": Attribute(default="false", check=_boolean),
    },
    extensions={
        "opengwlb.adopt.enabled": Attribute(default="false", check=_boolean),
        "opengwlb.mss_clamping.enabled": Attribute(default="true", check=_boolean),
        "opengwlb.pmtud.enabled": Attribute(default="false", check=_boolean),
    },
)
_FAILOVER = _one_of("rebalance", "no_rebalance")
TARGET_GROUP = Scope(
    noun="Target group",
    attributes={
        "stickiness.enabled": Attribute(default="false", check=_boolean),
        "deregistration_delay.timeout_seconds": Attribute(default="300", check=_between(0, 3600)),
        "stickiness.type": Attribute(
            default="source_ip_dest_ip_proto", check=_one_of("source_ip_dest_ip_proto", "source_ip_dest_ip")
        ),
        "target_failover.on_deregistration": Attribute(default="no_rebalance", check=_FAILOVER),
        "target_failover.on_unhealthy": Attribute(default="no_rebalance", check=_FAILOVER),
        "send_tcp_reset.on_deregistration.enabled": Attribute(default="false", check=_boolean),
        "send_tcp_reset.on_unhealthy.enabled": Attribute(default="false", check=_boolean),
    },
    extensions={
        "opengwlb.passive_health.enabled": Attribute(default="false", check=_boolean),
        "opengwlb.passive_health.window_ms": Attribute(default="210", check=_between(50, 10000)),
    },
)
LISTENER = Scope(
    noun="Listener",
    attributes={
        "tcp.idle_timeout.seconds": Attribute(default="350", check=_between(60, 6000)),
        "send_tcp_reset.on_idle_timeout.enabled": Attribute(default="false", check=_boolean),
    },
)


def effective(scope: Scope, stored: Mapping[str, str]) -> dict[str, str]:
    """Every attribute of the scope with its value: what was set, or the default."""
    listed = {key: stored.get(key, attribute.default) for key, attribute in scope.attributes.items()}
    return listed | {key: stored[key] for key in scope.extensions if key in stored}


def changed(scope: Scope, stored: Mapping[str, str], changes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`stored` after `changes`, all of them or none. Raises BadAttribute."""
    asked: dict[str, str] = {}
    for key, value in changes:
        attribute = scope.attributes.get(key) or scope.extensions.get(key)
        if attribute is None:
            raise BadAttribute(f"{scope.noun} attribute key '{key}' is not recognized")
        if key in asked:
            raise BadAttribute(f"{scope.noun} attribute key '{key}' is specified more than once")
        attribute.check(key, value)
        asked[key] = value
    after = {**stored, **asked}
    if scope is TARGET_GROUP:
        _check_target_group(after, asked)
    return after


def _check_target_group(stored: Mapping[str, str], asked: Mapping[str, str]) -> None:
    now = effective(TARGET_GROUP, stored)
    failover = ("target_failover.on_deregistration", "target_failover.on_unhealthy")
    if any(key in asked for key in failover) and (
        not all(key in asked for key in failover) or asked[failover[0]] != asked[failover[1]]
    ):
        raise BadAttribute(f"'{failover[0]}' and '{failover[1]}' must be set together to the same value")
    if "true" in (now["send_tcp_reset.on_deregistration.enabled"], now["send_tcp_reset.on_unhealthy.enabled"]):
        if now["stickiness.enabled"] == "true":
            raise BadAttribute("'send_tcp_reset' cannot be enabled when 'stickiness.enabled' is 'true'")
        if now[failover[0]] == "rebalance":
            raise BadAttribute("'send_tcp_reset' cannot be enabled when 'target_failover' is 'rebalance'")


def deletion_protected(load_balancer: Mapping[str, str]) -> bool:
    return effective(LOAD_BALANCER, load_balancer)["deletion_protection.enabled"] == "true"


def cross_zone(load_balancer: Mapping[str, str]) -> bool:
    return effective(LOAD_BALANCER, load_balancer)["load_balancing.cross_zone.enabled"] == "true"


def deregistration_delay_s(target_group: Mapping[str, str]) -> int:
    return int(effective(TARGET_GROUP, target_group)["deregistration_delay.timeout_seconds"])


def tcp_idle_s(listener: Mapping[str, str]) -> int:
    return int(effective(LISTENER, listener)["tcp.idle_timeout.seconds"])


def reset_on_idle(listener: Mapping[str, str]) -> bool:
    return effective(LISTENER, listener)["send_tcp_reset.on_idle_timeout.enabled"] == "true"


def stickiness(target_group: Mapping[str, str]) -> int:
    """How much of the tuple makes a flow: 5, 3 (addresses and protocol) or 2 (addresses)."""
    now = effective(TARGET_GROUP, target_group)
    if now["stickiness.enabled"] == "false":
        return 5
    return 2 if now["stickiness.type"] == "source_ip_dest_ip" else 3


def rebalances(target_group: Mapping[str, str]) -> bool:
    """Whether flows leave a target that became unhealthy or was deregistered; both attributes are always equal."""
    return effective(TARGET_GROUP, target_group)["target_failover.on_unhealthy"] == "rebalance"


def resets(target_group: Mapping[str, str], *, on: Literal["unhealthy", "deregistration"]) -> bool:
    return effective(TARGET_GROUP, target_group)[f"send_tcp_reset.on_{on}.enabled"] == "true"


def passive_window_ms(target_group: Mapping[str, str]) -> int | None:
    """For how long a target may take packets and return none; None: only health checks tell what is unhealthy."""
    known = TARGET_GROUP.extensions
    enabled, window = "opengwlb.passive_health.enabled", "opengwlb.passive_health.window_ms"
    if target_group.get(enabled, known[enabled].default) == "false":
        return None
    return int(target_group.get(window, known[window].default))


def extension(load_balancer: Mapping[str, str], name: str) -> bool:
    """One of our own switches of a load balancer: `adopt`, `mss_clamping`, `pmtud`."""
    key = f"opengwlb.{name}.enabled"
    return load_balancer.get(key, LOAD_BALANCER.extensions[key].default) == "true"
