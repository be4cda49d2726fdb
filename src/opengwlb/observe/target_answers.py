"""What `targets` answers: each target's health over time, as types from which the console's own are made."""

from __future__ import annotations

import msgspec


class TargetProbe(msgspec.Struct, kw_only=True, frozen=True):
    """One health check."""

    at: float
    """When it began, in seconds since the epoch."""
    ok: bool
    took_ms: float
    said: str
    """`connected`, a status code, `refused`, `timeout`, `reset`, `unreachable`, or what else went wrong, in few words."""


class TargetChecks(msgspec.Struct, kw_only=True, frozen=True):
    """How a target is probed, and how its probes went."""

    interval_s: int
    timeout_s: int
    healthy_threshold: int
    unhealthy_threshold: int
    successes: int
    """In a row, up to now."""
    failures: int
    """In a row, up to now."""
    probes: tuple[TargetProbe, ...]
    """The newest 120 at most, oldest first; since this server started."""


class TargetDraining(msgspec.Struct, kw_only=True, frozen=True):
    """A target that was deregistered and still has its delay."""

    since: float
    until: float
    """Seconds since the epoch."""
    seconds_left: float
    flows_left: int
    flows_at_start: int
    """Live flows when this server first saw it drain."""
    rebalance: bool
    """Its flows move to other targets when the delay ends; otherwise they stay for as long as they are active."""


class TargetTransition(msgspec.Struct, kw_only=True, frozen=True):
    """A change of state that the store still remembers."""

    at: float
    state: str
    reason: str


class TargetTimeline(msgspec.Struct, kw_only=True, frozen=True):
    """One registration."""

    target_group: str
    """ARN."""
    target: str
    """`i-…` or an address, as registered."""
    name: str | None
    """The instance's tag `Name`."""
    address: str | None
    zone: str | None
    state: str
    reason: str
    description: str
    given: int | None
    """Packets; None where nothing carries any."""
    returned: int | None
    flows: int | None
    """Live ones."""
    health: TargetChecks
    draining: TargetDraining | None
    transitions: tuple[TargetTransition, ...]
    """Oldest first."""


class TargetsAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The answer of `targets`."""

    targets: tuple[TargetTimeline, ...]
