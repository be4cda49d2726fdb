"""The health of one target: probe results in, state out (facts section 3).

A target that has passed no check yet becomes healthy with its first success and unhealthy after `unhealthy_threshold` failures;
after that `healthy_threshold` successes or `unhealthy_threshold` failures in a row change its state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from opengwlb.model.elb import HealthCheck, Target, TargetState

CONDEMNED_HARDER = 5
"""So often the successes that a condemned target needs are doubled, at most."""


class Failure(StrEnum):
    """Reason codes of a failed probe."""

    FAILED = "Target.FailedHealthChecks"
    TIMEOUT = "Target.Timeout"
    MISMATCH = "Target.ResponseCodeMismatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    failure: Failure | None = None
    """None: the probe succeeded."""
    code: int | None = None
    """HTTP status, when there was one."""
    said: str = ""
    """For people: `connected`, `200`, `refused`, `timeout` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealth:
    state: TargetState = TargetState.INITIAL
    reason: str = "Elb.InitialHealthChecking"
    description: str = "Initial health checks in progress"
    successes: int = 0
    """In a row."""
    failures: int = 0
    """In a row."""
    condemned_at: float | None = None
    """As the target's: what was probed before says nothing."""
    condemned: int = 0


HEALTHY = TargetHealth(state=TargetState.HEALTHY, reason="", description="")
NOT_CHECKED = TargetHealth(
    state=TargetState.UNAVAILABLE,
    reason="Elb.InternalError",
    description="Health checks failed due to an internal error",
)
"""There is nothing here that could send a probe."""


def observe(health: TargetHealth, result: ProbeResult, *, check: HealthCheck) -> TargetHealth:
    """The target's health after one more probe."""
    if result.failure is None:
        successes = health.successes + 1
        if successes >= _needed(health, check=check):
            return replace(HEALTHY, successes=successes, condemned=health.condemned)
        return replace(health, successes=successes, failures=0)
    failures = health.failures + 1
    if failures >= check.unhealthy_threshold:
        return replace(
            health,
            state=TargetState.UNHEALTHY,
            reason=result.failure.value,
            description=_sentence(result),
            successes=0,
            failures=failures,
        )
    return replace(health, successes=0, failures=failures)


def _needed(health: TargetHealth, *, check: HealthCheck) -> int:
    """Successes in a row. Twice as many each time that a target was condemned again: health checks alone do not tell of it."""
    if health.state is not TargetState.UNHEALTHY:
        return 1
    doubled = min(max(health.condemned - 1, 0), CONDEMNED_HARDER) if health.condemned_at is not None else 0
    return check.healthy_threshold << doubled


def known(target: Target) -> TargetHealth:
    """What is stored of a target's health, before it was probed again."""
    if target.state not in (TargetState.HEALTHY, TargetState.UNHEALTHY):
        return TargetHealth()
    return TargetHealth(
        state=target.state,
        reason=target.reason,
        description=target.description,
        condemned_at=target.condemned_at,
        condemned=target.condemned,
    )


def informed(health: TargetHealth, target: Target) -> TargetHealth:
    """The health that probes made of a target, unless it was condemned meanwhile: then its probes count anew."""
    if target.condemned_at is None or target.condemned_at == health.condemned_at:
        return health
    return known(target)


def _sentence(result: ProbeResult) -> str:
    if result.failure is Failure.MISMATCH:
        return f"Health checks failed with these codes: [{result.code}]"
    if result.failure is Failure.TIMEOUT:
        return "Request timed out"
    return "Health checks failed"


def matches(code: int, matcher: str) -> bool:
    """Whether an HTTP status is within `200`, `200,202` or `200-399`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= code <= int(high or low):
            return True
    return False
