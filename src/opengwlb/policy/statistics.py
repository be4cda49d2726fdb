"""Statistics of data points, by CloudWatch's names: `Average`, `p99.9`, `tm90`, `TM(10%:90%)`, `TC(:0.5)`, `PR(:300)`, `IQM`.

The grammar is that of the service model's pattern for statistics. Which value a percentile names where several would do is not
documented; here it is the smallest that so many percent of the values do not exceed (nearest rank).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from opengwlb.model.metrics import Point

from .points import spread_of

Statistic = Callable[[Point], float | None]
"""A data point -> the statistic's value; None when the data point cannot tell, or nothing of it is left after trimming."""

SIMPLE: dict[str, Statistic] = {
    "SampleCount": lambda point: point.count,
    "Average": lambda point: point.sum / point.count,
    "Sum": lambda point: point.sum,
    "Minimum": lambda point: point.minimum,
    "Maximum": lambda point: point.maximum,
}
_SHORT = re.compile(r"(p|tm|tc|ts|wm)([0-9]{1,2}(?:\.[0-9]{0,10})?|100)", re.ASCII)
_NUMBER = r"[0-9]+(?:\.[0-9]{0,10})?(?:[Ee][+-]?[0-9]{1,3})?"
_LONG = re.compile(rf"(TM|TC|TS|WM|PR)\(({_NUMBER})?(%?):({_NUMBER})?(%?)\)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Trim:
    """Between which values: in percent of their number, or themselves."""

    low: float | None
    high: float | None
    percent: bool

    def kept(self, spread: dict[float, float]) -> list[tuple[float, float]]:
        """(value, how often) of what lies between, by value."""
        ordered = sorted(spread.items())
        if not self.percent:
            # Above the lower bound, up to the upper one with it (as AWS has TM(low:high)).
            return [
                (value, count)
                for value, count in ordered
                if (self.low is None or value > self.low) and (self.high is None or value <= self.high)
            ]
        total = sum(spread.values())
        first, last = total * (self.low or 0.0) / 100, total * (100.0 if self.high is None else self.high) / 100
        found, passed = [], 0.0
        for value, count in ordered:
            inside = min(passed + count, last) - max(passed, first)
            if inside > 0:
                found.append((value, inside))
            passed += count
        return found


def percentile(spread: dict[float, float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed."""
    wanted = sum(spread.values()) * percent / 100
    passed, value = 0.0, 0.0
    for value, count in sorted(spread.items()):  # noqa: B007  (the last value is the answer when rounding leaves a rest)
        passed += count
        if passed >= wanted * (1 - 1e-12):
            break
    return value


def parse(name: str) -> Statistic | None:
    """The statistic of this name; None when there is no such one."""
    if name in SIMPLE:
        return SIMPLE[name]
    if name == "IQM":
        return _of_spread(_trimmed("tm", _Trim(25.0, 75.0, True)))
    short = _SHORT.fullmatch(name)
    if short is not None:
        kind, percent = short[1], float(short[2])
        if kind == "p":
            return _of_spread(lambda spread: percentile(spread, percent))
        return _of_spread(_trimmed(kind, _Trim(None, percent, True)))
    long = _LONG.fullmatch(name)
    if long is None:
        return None
    kind, low, low_percent, high, high_percent = long.groups()
    percents = {sign for bound, sign in ((low, low_percent), (high, high_percent)) if bound is not None}
    stray = (low is None and low_percent) or (high is None and high_percent)
    if len(percents) != 1 or stray:
        return None
    trim = _Trim(None if low is None else float(low), None if high is None else float(high), percents == {"%"})
    beyond = trim.percent and max(trim.low or 0.0, trim.high or 0.0) > 100
    backward = trim.low is not None and trim.high is not None and trim.low >= trim.high
    if beyond or backward or (kind == "PR" and trim.percent):
        return None
    return _of_spread(_trimmed(kind.lower(), trim))


def _of_spread(work: Callable[[dict[float, float]], float | None]) -> Statistic:
    def of(point: Point) -> float | None:
        spread = spread_of(point)
        return None if spread is None else work(spread)

    return of


def _trimmed(kind: str, trim: _Trim) -> Callable[[dict[float, float]], float | None]:
    def of(spread: dict[float, float]) -> float | None:
        kept = trim.kept(spread)
        count = sum(times for _, times in kept)
        match kind:
            case "tc":
                return count
            case "ts":
                return math.fsum(value * times for value, times in kept)
            case "pr":
                return 100 * count / sum(spread.values())
            case "wm":
                return _winsorized(spread, kept, trim)
        return math.fsum(value * times for value, times in kept) / count if count else None

    return of


def _winsorized(spread: dict[float, float], kept: list[tuple[float, float]], trim: _Trim) -> float | None:
    """The mean with what was cut off counted as the bound that it lies beyond."""
    if not kept:
        return None
    low, high = kept[0][0], kept[-1][0]
    if not trim.percent:
        low, high = (low if trim.low is None else trim.low), (high if trim.high is None else trim.high)
    total = math.fsum(min(max(value, low), high) * times for value, times in spread.items())
    return total / sum(spread.values())
