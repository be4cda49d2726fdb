"""From counters that only grow, and numbers that come and go, to CloudWatch's data points.

AWS's services report once a minute. Here a period's data point is there from its first seconds on and says what is so far; every
pass puts a newer one in its place, the last of them when the next period begins. So people see their packets at once, and the data
points of the past are the same as if they had been written once. What came between two passes belongs to the period of the first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from opengwlb.model.metrics import MINUTE, Datum, MetricKey, Point
from opengwlb.policy import points

Kind = Literal["sum", "peak", "share", "sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one thing says at one moment."""

    id: Hashable
    """Of the thing that counts: the same in the next pass."""
    keys: tuple[MetricKey, ...]
    """Where it is reported. Things that report to the same metric are samples of it, as AWS has it with a load balancer's nodes."""
    unit: str
    value: float
    kind: Kind = "sum"
    """`sum`, `peak` and `share` are of a counter: what came in the period, most in a second between two passes, or a second
    on average over the period; `sample` is a number by itself."""
    always: bool = True
    """Reported when it is zero too."""
    period: int = MINUTE
    """Seconds."""


@dataclass(slots=True)
class _Open:
    """A period that has not ended."""

    start: int
    opened: float
    seen: float
    """Of the counter, at `at`."""
    at: float
    grown: float = 0.0
    peak: float = 0.0
    samples: list[float] = field(default_factory=list)

    def take(self, measure: Measure, *, now: float) -> None:
        if measure.kind == "sample":
            self.samples.append(measure.value)
        else:
            # Less than before: the counter began anew.
            more = measure.value - self.seen if measure.value >= self.seen else measure.value
            self.grown += more
            self.peak = max(self.peak, more / (now - self.at)) if now > self.at else self.peak
        self.seen, self.at = measure.value, now

    def point(self, kind: Kind) -> Point | None:
        match kind:
            case "sum":
                return points.single(self.grown)
            case "peak":
                return points.single(self.peak)
            case "share":
                return points.single(self.grown / (self.at - self.opened)) if self.at > self.opened else None
        return points.of_values(self.samples, [1.0] * len(self.samples))


class Ledger:
    """Periods of everything that reports. Not for several threads at once."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Open] = {}
        self._last: float | None = None
        self._written: dict[tuple[MetricKey, str], tuple[int, Point]] = {}

    def take(self, measures: Iterable[Measure], *, now: float) -> list[Datum]:
        """Data points to be put in the place of what is there. `now` is the time of day, and goes forward.

        What is counted at the first pass was counted by an earlier life; what is new later counted from nothing.
        """
        by_metric: dict[tuple[MetricKey, str, int], list[Point]] = {}
        still: dict[Hashable, _Open] = {}
        for measure in measures:
            start = int(now - now % measure.period)
            one = self._open.get(measure.id) or self._opened(measure, now=now)
            ended = one.start < start
            if ended and measure.kind == "sample":
                one = _Open(start=start, opened=now, seen=0.0, at=now)
            one.take(measure, now=now)
            point = one.point(measure.kind)
            if point is not None and (measure.always or point.sum):
                for key in measure.keys:
                    by_metric.setdefault((key, measure.unit, one.start), []).append(point)
            if ended and measure.kind != "sample":
                one = _Open(start=start, opened=now, seen=measure.value, at=now)
            still[measure.id] = one
        self._open, self._last = still, now
        return self._changed(by_metric)

    def _opened(self, measure: Measure, *, now: float) -> _Open:
        since = now if self._last is None else self._last
        seen = measure.value if self._last is None else 0.0
        return _Open(start=int(since - since % measure.period), opened=since, seen=seen, at=since)

    def _changed(self, by_metric: dict[tuple[MetricKey, str, int], list[Point]]) -> list[Datum]:
        data = []
        for (key, unit, start), several in by_metric.items():
            point = points.merged(several)
            if self._written.get((key, unit)) != (start, point):
                data.append(Datum(key=key, unit=unit, at=start, step=MINUTE, point=point))
        written = {(key, unit) for key, unit, _ in by_metric}
        self._written = {both: kept for both, kept in self._written.items() if both in written}
        self._written |= {(one.key, one.unit): (one.at, one.point) for one in data}
        return data
