"""PutMetricData: an account's own metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.metrics import DAY, HOUR, MINUTE, Datum, MetricKey, Point
from opengwlb.policy import points
from opengwlb.store.metrics import CUSTOM_METRICS, TooManyMetrics
from opengwlb.wire.errors import AwsError

from .common import combination, dimensions_of, invalid, storage

MOST_METRICS = 1000
MOST_VALUES = 150
OLDEST_S, NEWEST_S = 14 * DAY, 2 * HOUR
LARGEST = 2.0**360
_KINDS = ("Value", "Values", "StatisticValues")


@action("cloudwatch", "PutMetricData")
def put_metric_data(ctx: Context, params: Parameters) -> Answer:
    """Everything or nothing is stored. Errors: InvalidParameterValue, InvalidParameterCombination, MissingParameter, Throttling."""
    if params.get("EntityMetricData") or params.get("StrictEntityValidation"):
        raise combination("EntityMetricData is not supported here: send the metrics in MetricData, without entities.")
    namespace, given = params["Namespace"], params.get("MetricData") or []
    if namespace.upper().startswith("AWS/"):
        raise invalid(f"The value {namespace} for parameter Namespace is invalid. It must not begin with AWS/.")
    _check_text(namespace, "Namespace")
    if not given:
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    if len(given) > MOST_METRICS:
        raise invalid(f"The collection MetricData must not have a size greater than {MOST_METRICS}.")
    data = []
    for place, one in enumerate(given, start=1):
        where = f"MetricData.member.{place}"
        point = _point(one, where)
        if point is not None:
            data.append(_datum(ctx, namespace, one, point=point, where=where))
    try:
        storage(ctx).put(data)
    except TooManyMetrics as error:
        raise AwsError(
            "Throttling",
            f"Rate exceeded: an account has {CUSTOM_METRICS} custom metrics at most here. Send data points of existing ones.",
        ) from error
    return {}


def _datum(ctx: Context, namespace: str, one: Mapping[str, Any], *, point: Point, where: str) -> Datum:
    _check_text(one["MetricName"], f"{where}.MetricName")
    resolution = one.get("StorageResolution", MINUTE)
    if resolution not in (1, MINUTE):
        raise invalid(f"The value {resolution} for parameter {where}.StorageResolution is invalid. It can be 1 or 60.")
    stamp = one.get("Timestamp")
    at = ctx.now if stamp is None else stamp.timestamp()
    if at < ctx.now - OLDEST_S:
        raise invalid(f"The parameter {where}.Timestamp must specify a time within two weeks of current time.")
    if at > ctx.now + NEWEST_S:
        raise invalid(f"The parameter {where}.Timestamp must specify a time within two hours of current time.")
    given = one.get("Dimensions") or ()
    for number, dimension in enumerate(given, start=1):
        _check_text(dimension["Name"], f"{where}.Dimensions.member.{number}.Name", colon=False)
        _check_text(dimension["Value"], f"{where}.Dimensions.member.{number}.Value")
    key = MetricKey(
        account=ctx.account,
        region=ctx.region,
        namespace=namespace,
        name=one["MetricName"],
        dimensions=dimensions_of(given, where=f"{where}.Dimensions"),
    )
    second = math.floor(at)
    return Datum(key=key, unit=one.get("Unit", "None"), at=second - second % resolution, step=resolution, point=point)


def _point(one: Mapping[str, Any], where: str) -> Point | None:
    """None when all counts are zero: nothing was measured."""
    kinds = [kind for kind in _KINDS if one.get(kind) is not None]
    if not kinds:
        raise AwsError("MissingParameter", f"The parameter {where}.Value, .Values or .StatisticValues is required.")
    if len(kinds) > 1:
        raise combination(
            f"The parameters {where}.{kinds[0]} and {where}.{kinds[1]} are mutually exclusive and you have specified both."
        )
    if one.get("Counts") is not None and kinds != ["Values"]:
        raise combination(f"The parameter {where}.Counts needs the parameter {where}.Values.")
    match kinds[0]:
        case "Value":
            return points.single(_number(one["Value"], f"{where}.Value"))
        case "Values":
            return _of_values(one["Values"], one.get("Counts"), where)
    return _of_statistics(one["StatisticValues"], f"{where}.StatisticValues")


def _of_values(values: Sequence[float], counts: Sequence[float] | None, where: str) -> Point | None:
    if not values:
        raise AwsError("MissingParameter", f"The parameter {where}.Values is required.")
    if len(values) > MOST_VALUES:
        raise invalid(f"The collection {where}.Values must not have a size greater than {MOST_VALUES}.")
    if counts is not None and len(counts) != len(values):
        raise invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    for place, value in enumerate(values, start=1):
        _number(value, f"{where}.Values.member.{place}")
    for place, count in enumerate(counts or (), start=1):
        if _number(count, f"{where}.Counts.member.{place}") < 0:
            raise invalid(f"The value {count} for parameter {where}.Counts.member.{place} is invalid.")
    return points.of_values(values, [1.0] * len(values) if counts is None else counts)


def _of_statistics(given: Mapping[str, float], where: str) -> Point:
    count, total, low, high = (
        _number(given[name], f"{where}.{name}") for name in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if count <= 0:
        raise invalid(f"The value {count} for parameter {where}.SampleCount is invalid. It must be positive.")
    if low > high:
        raise invalid(f"The parameter {where}.Maximum must be greater than or equal to the parameter {where}.Minimum.")
    if low == high and not math.isclose(total, low * count):
        raise invalid(f"The parameter {where}.Sum does not fit to Minimum, Maximum and SampleCount.")
    return Point(count, total, low, high)


def _number(value: float, where: str) -> float:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise invalid(f"The value {value} for parameter {where} is invalid.")
    return value


def _check_text(text: str, where: str, *, colon: bool = True) -> None:
    if not text.isascii() or not text.isprintable() or not text.strip() or (not colon and text.startswith(":")):
        raise invalid(
            f"The value {text} for parameter {where} is invalid. Use printable ASCII characters, not only spaces."
        )
