"""The last probes of every target, in memory: what the state in the store does not say."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from opengwlb.policy.health import ProbeResult, TargetHealth

KEPT = 120
"""Probes of a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One probe."""

    at: float
    """When it began, in seconds since the epoch."""
    ok: bool
    took_s: float
    said: str
    """As `ProbeResult.said`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What is known of one target."""

    successes: int = 0
    """In a row, as the thresholds count them."""
    failures: int = 0
    last: tuple[Probed, ...] = ()
    """Oldest first."""

    def newest(self, count: int) -> Probes:
        return replace(self, last=self.last[len(self.last) - count :] if count < len(self.last) else self.last)


@dataclass(slots=True)
class _Kept:
    probes: deque[Probed]
    successes: int = 0
    failures: int = 0


class ProbeLog:
    """Written by the health checker, read by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, _Kept] = {}

    def add(self, target: str, result: ProbeResult, *, health: TargetHealth, at: float, took_s: float) -> None:
        """`target` is `Target.id`; `health` is what this probe made of it."""
        probed = Probed(at=at, ok=result.failure is None, took_s=took_s, said=result.said)
        with self._lock:
            kept = self._of.setdefault(target, _Kept(deque(maxlen=KEPT)))
            kept.probes.append(probed)
            kept.successes, kept.failures = health.successes, health.failures

    def of(self, target: str) -> Probes:
        """Empty for a target that was never probed since the server started."""
        with self._lock:
            kept = self._of.get(target)
            if kept is None:
                return Probes()
            return Probes(successes=kept.successes, failures=kept.failures, last=tuple(kept.probes))

    def keep(self, is_there: Callable[[str], bool]) -> None:
        """Forgets the targets that are no more."""
        with self._lock:
            for target in [one for one in self._of if not is_there(one)]:
                del self._of[target]
