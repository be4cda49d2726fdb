"""The health of one target: probe results in, state out (facts section 3).

A target that has passed no check yet becomes healthy with its first success and unhealthy after `unhealthy_threshold` failures;
after that `healthy_threshold` successes or `unhealthy_threshold` failures in a row change its state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from opengwlb.model.elb import HealthCheck, TargetState


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetHealth:
    state: TargetState = TargetState.INITIAL
    reason: str = "Elb.InitialHealthChecking"
    description: str = "Initial health checks in progress"
    successes: int = 0
    """In a row."""
    failures: int = 0
    """In a row."""


HEALTHY = TargetHealth(state=TargetState.HEALTHY, reason="", description="")


def observe(health: TargetHealth, result: ProbeResult, *, check: HealthCheck) -> TargetHealth:
    """The target's health after one more probe."""
    if result.failure is None:
        successes = health.successes + 1
        needed = check.healthy_threshold if health.state is TargetState.UNHEALTHY else 1
        if successes >= needed:
            return replace(HEALTHY, successes=successes)
        return replace(health, successes=successes, failures=0)
    failures = health.failures + 1
    if failures >= check.unhealthy_threshold:
        return TargetHealth(
            state=TargetState.UNHEALTHY,
            reason=result.failure.value,
            description=_sentence(result),
            failures=failures,
        )
    return replace(health, successes=0, failures=failures)


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
