"""GetMetricStatistics: one metric, several statistics."""

from __future__ import annotations

from typing import Any

from opengwlb.api.common.describe import timestamp
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.metrics import Point
from opengwlb.policy import periods, statistics

from .common import asked_key, combination, found, invalid

MOST_POINTS = 1440


@action("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(ctx: Context, params: Parameters) -> Answer:
    """Data points by time; of each unit its own when none is named."""
    simple, extended = params.get("Statistics") or [], params.get("ExtendedStatistics") or []
    if not simple and not extended:
        raise combination("Must specify either Statistics or ExtendedStatistics")
    if simple and extended:
        raise combination("Must specify either Statistics or ExtendedStatistics, but not both")
    of_extended = {name: statistics.parse(name) for name in extended}
    for name, one in of_extended.items():
        if one is None or name in statistics.SIMPLE:
            raise invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
    period, start, end = params["Period"], params["StartTime"].timestamp(), params["EndTime"].timestamp()
    if not periods.is_period(period):
        raise invalid(
            f"The value {period} for parameter Period is invalid. It can be 1, 5, 10, 20, 30 or a multiple of 60."
        )
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    wanted = -int(-(end - start) // period)
    if wanted > MOST_POINTS:
        raise combination(
            f"You have requested up to {wanted:,} datapoints, which exceeds the limit of {MOST_POINTS:,}. You may reduce the "
            "datapoints requested by increasing Period, or decreasing the time range."
        )
    key = asked_key(ctx, params, where="")
    rows = found(ctx, key, start=start, end=end, period=period, unit=params.get("Unit")).points
    shown = (_shown(at, unit, point, simple, of_extended) for at, unit, point in rows)
    return {"Label": key.name, "Datapoints": [one for one in shown if one is not None]}


def _shown(
    at: int, unit: str, point: Point, simple: list[str], extended: dict[str, statistics.Statistic | None]
) -> dict[str, Any] | None:
    """None when no statistic that was asked for can be told."""
    datapoint: dict[str, Any] = {"Timestamp": timestamp(at), "Unit": unit}
    for name in simple:
        datapoint[name] = statistics.SIMPLE[name](point)
    told = {name: value for name, one in extended.items() if one is not None and (value := one(point)) is not None}
    if told:
        datapoint["ExtendedStatistics"] = told
    return datapoint if simple or told else None
