"""Data points: made of values, added up, and kept small without losing what percentiles need.

Count, sum, minimum and maximum are always exact. The spread is exact up to `MOST` different values in a period; beyond that values
share buckets whose width is 2 %, or 4, 8 … % until they fit, so a percentile is off by half of that at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from opengwlb.model.metrics import Point

MOST = 150
"""Different values of one data point. PutMetricData takes as many."""
FINEST = math.log(1.02)
"""Width of the first buckets, in the logarithm."""


def single(value: float) -> Point:
    return Point(1.0, value, value, value)


def of_values(values: Sequence[float], counts: Sequence[float]) -> Point | None:
    """Values with how often each occurred; None when nothing did."""
    spread: dict[float, float] = {}
    for value, count in zip(values, counts, strict=True):
        if count > 0:
            spread[value] = spread.get(value, 0.0) + count
    if not spread:
        return None
    total = math.fsum(value * count for value, count in spread.items())
    return Point(sum(spread.values()), total, min(spread), max(spread), _fitting(spread) if len(spread) > 1 else None)


def spread_of(point: Point) -> dict[float, float] | None:
    """Value -> how often; None when a statistic set left it unknown, or values are negative: AWS has no percentiles of those."""
    if point.minimum < 0:
        return None
    if point.minimum == point.maximum:
        return {point.minimum: point.count}
    return None if point.spread is None else dict(point.spread)


def merged(points: Iterable[Point]) -> Point:
    """All of them as one; there must be one at least."""
    several = list(points)
    if len(several) == 1:
        return several[0]
    low = min(point.minimum for point in several)
    high = max(point.maximum for point in several)
    spread: dict[float, float] | None = {}
    if low == high:
        spread = None
    for point in several:
        found = spread_of(point) if spread is not None else None
        if found is None or spread is None:
            spread = None
            break
        for value, count in found.items():
            spread[value] = spread.get(value, 0.0) + count
    return Point(
        sum(point.count for point in several),
        math.fsum(point.sum for point in several),
        low,
        high,
        None if spread is None else _fitting(spread),
    )


def _fitting(spread: dict[float, float]) -> dict[float, float] | None:
    """At most `MOST` values; None with negative ones among them."""
    if min(spread) < 0:
        return None
    width = FINEST
    found = spread
    while len(found) > MOST:
        found = {}
        for value, count in spread.items():
            middle = 0.0 if value == 0 else math.exp((math.floor(math.log(value) / width) + 0.5) * width)
            found[middle] = found.get(middle, 0.0) + count
        width *= 2
    return found
