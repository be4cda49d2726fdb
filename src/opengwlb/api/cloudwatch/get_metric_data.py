"""GetMetricData: many metrics, one statistic each, in pages.

A page ends at MaxDatapoints, or where so many stored data points were read that others should get their turn. Which part of the
queries a page of AWS holds is not documented: here each page goes on where the last one stopped, query by query.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opengwlb.api.common.describe import timestamp
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.metrics import MetricKey
from opengwlb.policy import periods, statistics
from opengwlb.wire.errors import AwsError

from .common import asked_key, found, validation

MOST_QUERIES = 500
MOST_POINTS = 100_800
READ = 200_000
"""Stored data points that one page is made of, about: half a second."""
_ID = re.compile(r"[a-z][A-Za-z0-9_]*", re.ASCII)
_ZONE = re.compile(r"[+-][0-9]{4}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    id: str
    key: MetricKey
    statistic: statistics.Statistic
    period: int
    unit: str | None
    label: str
    returned: bool


@action("cloudwatch", "GetMetricData")
def get_metric_data(ctx: Context, params: Parameters) -> Answer:
    """Errors: ValidationError, InvalidNextToken."""
    queries = _queries(ctx, params["MetricDataQueries"])
    start, end = params["StartTime"].timestamp(), params["EndTime"].timestamp()
    if start >= end:
        raise validation("The parameter StartTime must be less than the parameter EndTime.")
    zone = (params.get("LabelOptions") or {}).get("Timezone")
    if zone is not None and not _ZONE.fullmatch(zone):
        raise validation(f"The value {zone} for parameter LabelOptions.Timezone is invalid. It is written as +0130.")
    most = params.get("MaxDatapoints", MOST_POINTS)
    if not 1 <= most <= MOST_POINTS:
        raise validation(f"The value {most} for parameter MaxDatapoints must be between 1 and {MOST_POINTS}.")
    ascending = params.get("ScanBy") == "TimestampAscending"
    asked = [query for query in queries if query.returned]
    index, bound = _resume(params.get("NextToken"), len(asked))
    results: list[dict[str, Any]] = []
    read = 0
    while index < len(asked) and most > 0 and read < READ:
        query = asked[index]
        series = found(ctx, query.key, start=start, end=end, period=query.period, unit=query.unit)
        read += series.read
        values = [(at, value) for at, _, point in series.points if (value := query.statistic(point)) is not None]
        if not ascending:
            values.reverse()
        if bound is not None:
            values = [one for one in values if (one[0] > bound if ascending else one[0] < bound)]
        page = _page(values, most)
        results.append(_result(query, page, complete=len(page) == len(values)))
        most -= len(page)
        if len(page) < len(values):
            bound = page[-1][0] if page else bound
            break
        index, bound = index + 1, None
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    if index < len(asked):
        answer["NextToken"] = base64.urlsafe_b64encode(json.dumps([index, bound]).encode()).decode()
    return answer


def _page(values: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """At most `most`, but never only a part of those at one moment, which are of several units: at least one moment's."""
    if len(values) <= most:
        return list(values)
    end = most
    while end > 0 and values[end - 1][0] == values[end][0]:
        end -= 1
    if end == 0:
        end = next((place for place, one in enumerate(values) if one[0] != values[0][0]), len(values))
    return list(values[:end])


def _result(query: _Query, values: Sequence[tuple[int, float]], *, complete: bool) -> dict[str, Any]:
    return {
        "Id": query.id,
        "Label": query.label,
        "Timestamps": [timestamp(at) for at, _ in values],
        "Values": [value for _, value in values],
        "StatusCode": "Complete" if complete else "PartialData",
        "Messages": [],
    }


def _queries(ctx: Context, given: Sequence[Mapping[str, Any]]) -> list[_Query]:
    if not 1 <= len(given) <= MOST_QUERIES:
        raise validation(f"The collection MetricDataQueries must have a size between 1 and {MOST_QUERIES}.")
    made = [_query(ctx, one, f"MetricDataQueries.member.{place}") for place, one in enumerate(given, start=1)]
    if len({query.id for query in made}) != len(made):
        raise validation("The values for parameter Id in MetricDataQueries must be unique.")
    if not any(query.returned for query in made):
        raise validation("At least one query of MetricDataQueries must have ReturnData set to true.")
    return made


def _query(ctx: Context, given: Mapping[str, Any], where: str) -> _Query:
    if not _ID.fullmatch(given["Id"]):
        raise validation(
            f"The value {given['Id']} for parameter {where}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    if given.get("Expression") is not None:
        raise validation(
            f"{where}.Expression is not supported here: metric math, SEARCH and Metrics Insights are not built. Ask for the metrics "
            "by MetricStat and calculate with what is returned."
        )
    stat = given.get("MetricStat")
    if stat is None:
        raise validation(f"Either MetricStat or Expression must be set in {where}.")
    if given.get("Period") is not None:
        raise validation(f"{where}.Period must not be set with MetricStat: its own Period counts.")
    if given.get("AccountId") not in (None, ctx.account):
        raise validation(f"{where}.AccountId is another account: this is no monitoring account.")
    label = given.get("Label")
    if label is not None and "${" in label:
        raise validation(f"{where}.Label is a dynamic label, which is not supported here: give it as plain text.")
    metric, period = stat["Metric"], stat["Period"]
    for member in ("Namespace", "MetricName"):
        if not metric.get(member):
            raise validation(f"{where}.MetricStat.Metric.{member} is required.")
    if not periods.is_period(period):
        raise validation(f"{where}.MetricStat.Period can be 1, 5, 10, 20, 30 or a multiple of 60, not {period}.")
    statistic = statistics.parse(stat["Stat"])
    if statistic is None:
        raise validation(f"The value {stat['Stat']} for parameter {where}.MetricStat.Stat is not supported.")
    return _Query(
        id=given["Id"],
        key=asked_key(ctx, metric, where=f"{where}.MetricStat.Metric."),
        statistic=statistic,
        period=period,
        unit=stat.get("Unit"),
        label=metric["MetricName"] if label is None else label,
        returned=given.get("ReturnData", True),
    )


def _resume(token: str | None, queries: int) -> tuple[int, int | None]:
    """(query to go on with, time of the last data point of it that was given)"""
    if token is None:
        return 0, None
    try:
        index, bound = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error) as error:
        raise _no_token() from error
    if type(index) is not int or not 0 <= index < queries or not (bound is None or type(bound) is int):
        raise _no_token()
    return index, bound


def _no_token() -> AwsError:
    return AwsError(
        "InvalidNextToken", "The next token specified is invalid: it is none that this query was answered with."
    )
