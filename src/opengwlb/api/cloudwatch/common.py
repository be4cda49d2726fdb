"""What CloudWatch's operations share: errors, names of metrics, and data points of a time range by period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opengwlb.api.context import Context
from opengwlb.model.metrics import MetricKey, Point
from opengwlb.policy import periods, points
from opengwlb.store.metrics import MetricStore
from opengwlb.wire.errors import AwsError

GATEWAY_ELB = "AWS/GatewayELB"


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def validation(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def storage(ctx: Context) -> MetricStore:
    if ctx.metrics is None:
        raise AwsError("InternalServiceError", "This server keeps no metrics.", status=500)
    return ctx.metrics


def dimensions_of(given: Sequence[Mapping[str, str]], *, where: str) -> tuple[tuple[str, str], ...]:
    """Sorted pairs. Raises InvalidParameterValue for a name that comes twice."""
    pairs = tuple(sorted((one["Name"], one["Value"]) for one in given))
    if len({name for name, _ in pairs}) != len(pairs):
        raise invalid(f"The parameter {where} must not have two dimensions of the same name.")
    return pairs


def asked_key(ctx: Context, given: Mapping[str, Any], *, where: str) -> MetricKey:
    """The metric that is asked for. AWS's documents also write a Gateway Load Balancer's dimension as `gateway/NAME/ID`."""
    namespace = given["Namespace"]
    dimensions = dimensions_of(given.get("Dimensions") or (), where=f"{where}Dimensions")
    if namespace == GATEWAY_ELB:
        dimensions = tuple((name, as_stored(name, value)) for name, value in dimensions)
    return MetricKey(
        account=ctx.account,
        region=ctx.region,
        namespace=namespace,
        name=given["MetricName"],
        dimensions=dimensions,
    )


def as_stored(name: str, value: str) -> str:
    return f"gwy/{value.removeprefix('gateway/')}" if name == "LoadBalancer" and value.startswith("gateway/") else value


@dataclass(frozen=True, slots=True)
class Found:
    """Data points of one metric by unit and start of period, and how many stored ones they were made of."""

    points: list[tuple[int, str, Point]]
    """(start, unit, everything in the period), by time."""
    read: int


def found(ctx: Context, key: MetricKey, *, start: float, end: float, period: int, unit: str | None) -> Found:
    """What a time range holds, added up by period. Periods begin at the start, rounded as AWS rounds it."""
    first = periods.rounded_start(start, period=period, now=ctx.now)
    shown_from = periods.oldest(period, now=ctx.now)
    by_period: dict[tuple[int, str], list[Point]] = {}
    read = 0
    since = max(first, int(shown_from))
    for one in storage(ctx).points(key, start=since, end=-int(-end // 1), unit=unit):
        read += 1
        if one.at >= shown_from and period % one.step == 0:
            begin = one.at - (one.at - first) % period
            by_period.setdefault((begin, one.unit), []).append(one.point)
    merged = [(begin, each, points.merged(several)) for (begin, each), several in by_period.items()]
    return Found(sorted(merged, key=lambda each: each[:2]), read)
