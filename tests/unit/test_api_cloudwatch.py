"""CloudWatch's operations as AWS documents them: limits, refusals, time, periods and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_harness import Api, refused
from starlette.applications import Starlette
from starlette.testclient import TestClient

import opengwlb.api.cloudwatch  # noqa: F401  (registers the actions)
from opengwlb import admin
from opengwlb.api import accounts
from opengwlb.api.context import Context
from opengwlb.model.metrics import DAY, HOUR, MINUTE
from opengwlb.store import metrics as metrics_module
from opengwlb.store.metrics import MetricStore

NOW = 1_800_000_000.0
METRIC = {"Namespace": "App", "MetricName": "Load"}


@dataclass(frozen=True, kw_only=True)
class Metrics(Api):
    metrics: MetricStore

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.call("cloudwatch", operation, **params)

    def context(self) -> Context:
        return replace(super().context(), metrics=self.metrics)

    def put(self, *data: dict[str, Any], namespace: str = "App") -> None:  # type: ignore[override]  # data points, not objects
        self("PutMetricData", Namespace=namespace, MetricData=[{"MetricName": "Load", **one} for one in data])

    def statistics(self, *, start: float, end: float, period: int = 60, **more: Any) -> list[dict[str, Any]]:
        asked = {**METRIC, **({} if "ExtendedStatistics" in more else {"Statistics": ["Sum"]}), **more}
        found = self("GetMetricStatistics", StartTime=time(start), EndTime=time(end), Period=period, **asked)
        return list(found["Datapoints"])


def time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def query(name: str = "a", *, stat: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    return {"Id": name, "MetricStat": {"Metric": METRIC, "Period": period, "Stat": stat}, **more}


@pytest.fixture
def cw(api: Api, tmp_path: Path) -> Iterator[Metrics]:
    metrics = MetricStore(tmp_path / "metrics.sqlite")
    yield Metrics(store=api.store, now=NOW, metrics=metrics)
    metrics.close()


def _set(count: int, total: int, low: int, high: int) -> dict[str, int]:
    return {"SampleCount": count, "Sum": total, "Minimum": low, "Maximum": high}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("MissingParameter", {}, "Value"),
    ("InvalidParameterCombination", {"Value": 1.0, "Values": [1.0]}, "mutually exclusive"),
    ("InvalidParameterCombination", {"Value": 1.0, "Counts": [1.0]}, "Counts"),
    ("InvalidParameterValue", {"Value": float("nan")}, "nan"),
    ("InvalidParameterValue", {"Value": float("-inf")}, "inf"),
    ("InvalidParameterValue", {"Value": 2.0**361}, "Value"),
    ("InvalidParameterValue", {"Values": [1.0] * 151}, "150"),
    ("InvalidParameterValue", {"Values": [1.0, 2.0], "Counts": [1.0]}, "same size"),
    ("InvalidParameterValue", {"Values": [1.0], "Counts": [-1.0]}, "Counts"),
    ("MissingParameter", {"Values": []}, "Values"),
    ("InvalidParameterValue", {"Value": 1.0, "Timestamp": time(NOW - 14 * DAY - 1)}, "two weeks"),
    ("InvalidParameterValue", {"Value": 1.0, "Timestamp": time(NOW + 2 * HOUR + 1)}, "two hours"),
    ("InvalidParameterValue", {"Value": 1.0, "StorageResolution": 30}, "1 or 60"),
    ("InvalidParameterValue", {"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "b"}] * 2}, "same name"),
    ("InvalidParameterValue", {"Value": 1.0, "Dimensions": [{"Name": ":a", "Value": "b"}]}, "Name"),
    ("InvalidParameterValue", {"Value": 1.0, "Dimensions": [{"Name": "a", "Value": " "}]}, "Value"),
    ("InvalidParameterValue", {"Value": 1.0, "Dimensions": [{"Name": "a", "Value": "é"}]}, "ASCII"),
    ("InvalidParameterValue", {"StatisticValues": _set(0, 0, 0, 0)}, "positive"),
    ("InvalidParameterValue", {"StatisticValues": _set(2, 3, 2, 1)}, "Maximum"),
    ("InvalidParameterValue", {"StatisticValues": _set(2, 9, 2, 2)}, "Sum"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "wrong", "words"), WRONG)
def test_one_wrong_data_point_refuses_the_whole_call(cw: Metrics, code: str, wrong: dict[str, Any], words: str) -> None:
    with refused(code, words):
        cw.put({"Value": 1.0}, wrong)
    assert cw("ListMetrics")["Metrics"] == []


def test_a_call_takes_a_thousand_metrics_of_ones_own_and_no_entities(cw: Metrics) -> None:
    with refused("InvalidParameterValue", "1000"):
        cw.put(*[{"Value": 1.0}] * 1001)
    cw.put(*[{"Value": 1.0}] * 1000)
    with refused("InvalidParameterValue", "AWS/"):
        cw.put({"Value": 1.0}, namespace="AWS/GatewayELB")
    with refused("MissingParameter", "MetricData"):
        cw("PutMetricData", Namespace="App")
    with refused("InvalidParameterCombination", "entities"):
        cw("PutMetricData", Namespace="App", EntityMetricData=[{"MetricData": [{"MetricName": "a", "Value": 1.0}]}])
    with refused("InvalidParameterValue", "Namespace"):
        cw.put({"Value": 1.0}, namespace="Ünfit")


def test_times_at_the_limits_are_taken_and_no_time_means_now(cw: Metrics) -> None:
    cw.put({"Value": 1.0}, *[{"Value": 1.0, "Timestamp": time(NOW + age)} for age in (-14 * DAY, 2 * HOUR)])
    found = cw.statistics(start=NOW - 15 * DAY + MINUTE, end=NOW + DAY, period=HOUR)
    assert [one["Timestamp"].timestamp() for one in found] == [
        at - (at - (NOW - 15 * DAY + MINUTE)) % HOUR for at in (NOW - 14 * DAY, NOW, NOW + 2 * HOUR)
    ]


def test_beyond_the_account_s_metrics_calls_are_throttled_and_known_metrics_go_on(
    cw: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_module, "CUSTOM_METRICS", 2)
    for name in ("a", "b"):
        cw.put({"MetricName": name, "Value": 1.0})
    with refused("Throttling", "metrics"):
        cw.put({"MetricName": "c", "Value": 1.0})
    cw.put({"MetricName": "b", "Value": 1.0})


def test_regular_metrics_have_minutes_and_high_resolution_ones_seconds_for_three_hours(cw: Metrics) -> None:
    for second in (0, 1, 7, 61):
        cw.put({"Value": 1.0, "Timestamp": time(NOW - HOUR + second), "StorageResolution": 1})
    cw.put({"Value": 5.0, "Timestamp": time(NOW - HOUR + 90)})
    span = {"start": NOW - HOUR, "end": NOW - HOUR + 120}

    def told(now: float, period: int) -> list[tuple[int, float]]:
        found = replace(cw, now=now).statistics(period=period, **span)
        return [(int(one["Timestamp"].timestamp() - span["start"]), one["Sum"]) for one in found]

    assert told(NOW, 1) == [(0, 1), (1, 1), (7, 1), (61, 1)]
    assert told(NOW, 5) == [(0, 2), (5, 1), (60, 1)]
    assert told(NOW, 60) == [(0, 3), (60, 6)]
    later = NOW + 2 * HOUR + 2
    assert told(later, 1) == [(7, 1), (61, 1)] and told(later, 60) == told(NOW, 60)
    while cw.metrics.roll(NOW + DAY):
        pass
    assert told(NOW + DAY, 1) == [] and told(NOW + DAY, 60) == told(NOW, 60)
    assert told(NOW + 16 * DAY, 60) == []
    assert [value for _, value in told(NOW + 16 * DAY, 300)] == [9]


STATISTICS_WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("InvalidParameterCombination", {"Statistics": ["Sum"], "ExtendedStatistics": ["p50"]}, "not both"),
    ("InvalidParameterValue", {"ExtendedStatistics": ["p101"]}, "p101"),
    ("InvalidParameterValue", {"ExtendedStatistics": ["Sum"]}, "Sum"),
    ("InvalidParameterValue", {"period": 90}, "multiple of 60"),
    ("InvalidParameterValue", {"end": NOW}, "less than"),
    ("InvalidParameterCombination", {"end": NOW + 1441 * MINUTE}, "1,441 datapoints"),
]


@pytest.mark.parametrize(("code", "wrong", "words"), STATISTICS_WRONG)
def test_statistics_that_cannot_be_asked_for_are_refused(
    cw: Metrics, code: str, wrong: dict[str, Any], words: str
) -> None:
    with refused(code, words):
        cw.statistics(**{"start": NOW, "end": NOW + MINUTE, **wrong})


def test_statistics_without_any_statistic_are_refused(cw: Metrics) -> None:
    with refused("InvalidParameterCombination", "Must specify either"):
        cw("GetMetricStatistics", **METRIC, StartTime=time(NOW), EndTime=time(NOW + 60), Period=60)


def test_statistics_are_told_of_each_unit_or_of_the_one_asked_for(cw: Metrics) -> None:
    cw.put({"Value": 1.0, "Unit": "Bytes"}, {"Value": 2.0, "Unit": "Count"}, {"Value": -3.0})
    span = {"start": NOW - MINUTE, "end": NOW + MINUTE}
    assert {(one["Unit"], one["Sum"]) for one in cw.statistics(**span)} == {("Bytes", 1), ("Count", 2), ("None", -3)}
    assert [one["Sum"] for one in cw.statistics(Unit="Count", **span)] == [2]
    assert cw.statistics(Unit="Percent", **span) == []
    found = cw.statistics(ExtendedStatistics=["p50"], **span)
    assert {one["Unit"] for one in found} == {"Bytes", "Count"}, "no percentiles of negative values"


DATA_WRONG: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (lambda: {"MetricDataQueries": []}, "between 1 and 500"),
    (lambda: {"MetricDataQueries": [query("a")] * 2}, "unique"),
    (lambda: {"MetricDataQueries": [query("A")]}, "pattern"),
    (lambda: {"MetricDataQueries": [query(ReturnData=False)]}, "ReturnData"),
    (lambda: {"MetricDataQueries": [{"Id": "a"}]}, "MetricStat"),
    (lambda: {"MetricDataQueries": [{"Id": "a", "Expression": "SUM(METRICS())"}]}, "not supported"),
    (lambda: {"MetricDataQueries": [query(), {"Id": "b", "Expression": "SEARCH(' {App} ', 'Sum', 60)"}]}, "SEARCH"),
    (lambda: {"MetricDataQueries": [query(Period=60)]}, "Period"),
    (lambda: {"MetricDataQueries": [query(period=61)]}, "multiple of 60"),
    (lambda: {"MetricDataQueries": [query(stat="Median")]}, "Median"),
    (lambda: {"MetricDataQueries": [query(AccountId="222222222222")]}, "AccountId"),
    (lambda: {"MetricDataQueries": [query(Label="${MAX}")]}, "dynamic label"),
    (lambda: {"MaxDatapoints": 0}, "MaxDatapoints"),
    (lambda: {"MaxDatapoints": 100_801}, "MaxDatapoints"),
    (lambda: {"LabelOptions": {"Timezone": "KST"}}, "Timezone"),
    (lambda: {"EndTime": time(NOW - HOUR)}, "less than"),
]


@pytest.mark.parametrize(("wrong", "words"), DATA_WRONG)
def test_queries_that_cannot_be_answered_are_refused(
    cw: Metrics, wrong: Callable[[], dict[str, Any]], words: str
) -> None:
    asked = {"MetricDataQueries": [query()], "StartTime": time(NOW - HOUR), "EndTime": time(NOW), **wrong()}
    with refused("ValidationError", words):
        cw("GetMetricData", **asked)


@pytest.mark.parametrize("order", ["TimestampAscending", "TimestampDescending"])
@pytest.mark.parametrize("most", [1, 7, 30, 1000])
def test_pages_joined_are_the_whole(cw: Metrics, order: str, most: int) -> None:
    stamps = [NOW - NOW % 60 - n * MINUTE for n in range(40)]
    cw.put(*[{"Value": float(n), "Timestamp": time(at)} for n, at in enumerate(stamps)])
    cw.put(*[{"Value": float(n), "Timestamp": time(at), "Unit": "Count"} for n, at in enumerate(stamps[:5])])
    asked: dict[str, Any] = {
        "MetricDataQueries": [query("a"), query("b", stat="Maximum", period=300), query("hidden", ReturnData=False)],
        "StartTime": time(stamps[-1]),
        "EndTime": time(NOW + MINUTE),
        "ScanBy": order,
        "MaxDatapoints": most,
    }
    found: dict[str, list[tuple[datetime, float]]] = {"a": [], "b": []}
    pages = 0
    while True:
        answer = cw("GetMetricData", **asked)
        pages += 1
        for one in answer["MetricDataResults"]:
            assert one["StatusCode"] == "Complete" or "NextToken" in answer
            found[one["Id"]] += zip(one["Timestamps"], one["Values"], strict=True)
        if "NextToken" not in answer:
            break
        asked["NextToken"] = answer["NextToken"]
    assert len(found["a"]) == 45 and len(found["b"]) >= 8 and (pages == 1) == (most == 1000)
    for values in found.values():
        times = [at for at, _ in values]
        assert times == sorted(times, reverse=order == "TimestampDescending")


@pytest.mark.parametrize("token", ["x", "W10=", "Wzk5LG51bGxd", "WzAsIngiXQ==", "ü"])
def test_a_token_that_nobody_gave_is_invalid(cw: Metrics, token: str) -> None:
    asked = {"MetricDataQueries": [query()], "StartTime": time(NOW - HOUR), "EndTime": time(NOW)}
    with refused("InvalidNextToken"):
        cw("GetMetricData", **asked, NextToken=token)
    with refused("InvalidParameterValue", "NextToken"):
        cw("ListMetrics", NextToken="-" + token)


def test_a_page_ends_where_much_was_read(cw: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opengwlb.api.cloudwatch.get_metric_data.READ", 10)
    cw.put(*[{"Value": 1.0, "Timestamp": time(NOW - n * MINUTE)} for n in range(8)])
    asked = {
        "MetricDataQueries": [query(name) for name in "abcd"],
        "StartTime": time(NOW - HOUR),
        "EndTime": time(NOW + MINUTE),
    }
    answer = cw("GetMetricData", **asked)
    assert [one["Id"] for one in answer["MetricDataResults"]] == ["a", "b"]
    rest = cw("GetMetricData", **asked, NextToken=answer["NextToken"])
    assert [one["Id"] for one in rest["MetricDataResults"]] == ["c", "d"] and "NextToken" not in rest


def test_metrics_are_listed_by_name_dimension_and_age_five_hundred_at_a_time(cw: Metrics) -> None:
    cw.put(*[{"MetricName": f"m{n}", "Value": 1.0} for n in range(600)])
    cw.put({"Value": 1.0, "Timestamp": time(NOW - 4 * HOUR)}, namespace="Old")
    first = cw("ListMetrics", Namespace="App")
    rest = cw("ListMetrics", Namespace="App", NextToken=first["NextToken"])
    assert (len(first["Metrics"]), len(rest["Metrics"])) == (500, 100) and "NextToken" not in rest
    assert [one["MetricName"] for one in cw("ListMetrics", MetricName="m7")["Metrics"]] == ["m7"]
    assert len(cw("ListMetrics", Namespace="Old")["Metrics"]) == 1
    assert not cw("ListMetrics", Namespace="Old", RecentlyActive="PT3H")["Metrics"]
    assert not replace(cw, now=NOW + 15 * DAY)("ListMetrics")["Metrics"]
    for more in ({"IncludeLinkedAccounts": True}, {"OwningAccount": cw.account}):
        with refused("InvalidParameterValue", "monitoring account"):
            cw("ListMetrics", **more)


def test_a_deleted_account_s_metrics_go_with_it_and_a_reset_takes_all(cw: Metrics, tmp_path: Path) -> None:
    account, _ = accounts.create_account(cw.store, name="leaving")
    leaving = replace(cw, account=account.id)
    for one in (cw, leaving):
        one.put({"Value": 1.0})
    routes = admin.routes(
        store=cw.store,
        data_dir=tmp_path,
        region=cw.region,
        authenticate=lambda request, body: admin.OPERATOR_ACCOUNT,
        status=dict,
        health=dict,
        test_hooks=True,
        forget=cw.metrics.forget,
    )
    client = TestClient(Starlette(routes=routes))
    answer = client.delete("/_gwlb/v1/accounts/leaving", params={"force": "true"})
    assert answer.status_code == 200, answer.text
    assert not leaving("ListMetrics")["Metrics"] and cw("ListMetrics")["Metrics"]
    assert client.post("/moto-api/reset").status_code == 200
    assert not cw("ListMetrics")["Metrics"]


def test_a_gateway_load_balancer_is_found_by_the_dimension_that_aws_documents_too(cw: Metrics) -> None:
    from opengwlb.model.metrics import Datum, MetricKey
    from opengwlb.policy import points

    key = MetricKey(
        account=cw.account,
        region=cw.region,
        namespace="AWS/GatewayELB",
        name="NewFlowCount",
        dimensions=(("LoadBalancer", "gwy/fw/0123456789abcdef"),),
    )
    at = int(NOW - NOW % 60)
    cw.metrics.put([Datum(key=key, unit="Count", at=at, step=60, point=points.single(3.0))])
    for tail in ("gwy/fw/0123456789abcdef", "gateway/fw/0123456789abcdef"):
        dimensions = [{"Name": "LoadBalancer", "Value": tail}]
        found = cw.statistics(
            start=at,
            end=at + 60,
            Namespace="AWS/GatewayELB",
            MetricName="NewFlowCount",
            Dimensions=dimensions,
        )
        assert [one["Sum"] for one in found] == [3]
        assert len(cw("ListMetrics", Dimensions=dimensions)["Metrics"]) == 1
