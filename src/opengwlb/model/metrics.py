"""Metrics and their data points, as CloudWatch knows them. They are kept apart from the objects: `store/metrics.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricKey:
    """What tells metrics apart: each combination of dimensions is one of its own."""

    account: str
    region: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    """(name, value), sorted."""


@dataclass(frozen=True, slots=True)
class Point:
    """Everything that was measured in one period."""

    count: float
    sum: float
    minimum: float
    maximum: float
    spread: Mapping[float, float] | None = None
    """Value -> how often; None when it is not known, or when all values are equal (`minimum == maximum`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """What is to be added to a metric."""

    key: MetricKey
    unit: str
    at: int
    """Start of the second or minute that it belongs to, since the epoch."""
    step: int
    """1 or 60: the resolution that it is stored with."""
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A resolution, and how long data points keep it."""

    step: int
    keep: int
    """Seconds."""
    span: int
    """Seconds that are stored together."""


RETENTION = (
    Retention(step=1, keep=3 * HOUR, span=MINUTE),
    Retention(step=MINUTE, keep=15 * DAY, span=HOUR),
    Retention(step=5 * MINUTE, keep=63 * DAY, span=6 * HOUR),
    Retention(step=HOUR, keep=455 * DAY, span=3 * DAY),
)
"""AWS's steps, finest first: what is too old for one is added up in the next. Source: the GetMetricStatistics API reference."""
