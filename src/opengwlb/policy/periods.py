"""Which periods can be asked for, and what of the past each of them shows. Source: the GetMetricStatistics API reference."""

from __future__ import annotations

from opengwlb.model.metrics import DAY, HOUR, MINUTE, RETENTION

SHORT = (1, 5, 10, 20, 30)
"""Periods below a minute: of high-resolution metrics."""


def is_period(seconds: int) -> bool:
    return seconds in SHORT or (seconds > 0 and seconds % MINUTE == 0)


def oldest(period: int, *, now: float) -> float:
    """Data points before it are not shown with this period: they are only kept more coarsely, or no more."""
    return now - max(one.keep for one in RETENTION if period % one.step == 0)


def rounded_start(start: float, *, period: int, now: float) -> int:
    """Where the first period begins: the older, the rounder."""
    if period in SHORT:
        grid = period
    elif start > now - 15 * DAY:
        grid = MINUTE
    elif start > now - 63 * DAY:
        grid = 5 * MINUTE
    else:
        grid = HOUR
    return int(start // grid * grid)
