"""`gwlb metrics`: what CloudWatch was told in the last minutes, in one table. Asks the server's own CloudWatch API, as any client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cyclopts import App
from rich.console import Group, RenderableType

from . import credentials, lab, show, watching
from .parameters import Account, Json, Name, Region, Watch
from .refusal import Refusal

PERIOD_S = 60
MOST_MINUTES = 1440
"""Data points of one answer."""
COLUMNS = ("metric", "of", "unit", "sum", "average", "minimum", "maximum", "last")
STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


def register(app: App) -> None:
    app.command(metrics)


def metrics(
    metric: str | None = None,
    /,
    *,
    namespace: str | None = None,
    minutes: int = 15,
    limit: int = 200,
    watch: Watch = None,
    account: Account = credentials.OPERATOR,
    region: Region = lab.DEFAULT_REGION,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Show an account's CloudWatch metrics of the last minutes: of its load balancers, endpoints and instances, and its own.

    Parameters
    ----------
    metric
        Only metrics of this name, NewFlowCount for instance.
    namespace
        Only this namespace: AWS/GatewayELB, AWS/PrivateLinkEndpoints, AWS/PrivateLinkServices, AWS/EC2 or one of your own.
    minutes
        How far to look back.
    limit
        The most metrics to show.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise Refusal(f"--minutes can be 1 to {MOST_MINUTES}: ask for older data points with `aws cloudwatch`.")
    client = _cloudwatch(name, account=account, region=region)
    wanted = {key: value for key, value in (("MetricName", metric), ("Namespace", namespace)) if value is not None}
    watching.answer(
        lambda: list(_rows(client, wanted, minutes=minutes, limit=limit)),
        lambda rows: _drawn(rows, of=f"{account}, the last {minutes} minutes"),
        every=watch,
        as_json=json,
        within=lambda rows: {"metrics": rows},
    )


def _drawn(rows: list[dict[str, Any]], *, of: str) -> RenderableType:
    """A table for each namespace."""
    if not rows:
        return show.drawn([], title=f"metrics of {of}", empty="no data points yet")
    namespaces = sorted({row["namespace"] for row in rows})
    return Group(
        *(
            show.drawn((_shown(row) for row in rows if row["namespace"] == one), title=f"{one}: {of}", columns=COLUMNS)
            for one in namespaces
        )
    )


def _cloudwatch(name: str, *, account: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    server = lab.require_running(name)
    key = credentials.profile(lab.data_dir_of(name), name=account)
    return boto3.client(
        "cloudwatch",
        endpoint_url=server.endpoint,
        region_name=region,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        config=Config(retries={"total_max_attempts": 2}, ignore_configured_endpoint_urls=True),
    )


def _rows(client: Any, wanted: dict[str, str], *, minutes: int, limit: int) -> Iterator[dict[str, Any]]:
    """One for each metric and unit with data points in that time."""
    now = datetime.now(UTC)
    left = limit
    for page in client.get_paginator("list_metrics").paginate(RecentlyActive="PT3H", **wanted):
        for metric in page["Metrics"]:
            told = client.get_metric_statistics(
                **metric,
                StartTime=now - timedelta(minutes=minutes),
                EndTime=now + timedelta(seconds=PERIOD_S),
                Period=PERIOD_S,
                Statistics=list(STATISTICS),
            )["Datapoints"]
            for unit in dict.fromkeys(point["Unit"] for point in told):
                if not left:
                    return
                left -= 1
                yield _row(metric, unit, [point for point in told if point["Unit"] == unit])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "metric": row["name"], "of": list(row["dimensions"].values())}


def _row(metric: dict[str, Any], unit: str, told: list[dict[str, Any]]) -> dict[str, Any]:
    count, total = sum(point["SampleCount"] for point in told), sum(point["Sum"] for point in told)
    return {
        "namespace": metric["Namespace"],
        "name": metric["MetricName"],
        "dimensions": {one["Name"]: one["Value"] for one in metric["Dimensions"]},
        "unit": unit,
        "sum": total,
        "average": total / count,
        "minimum": min(point["Minimum"] for point in told),
        "maximum": max(point["Maximum"] for point in told),
        "last": f"{max(point['Timestamp'] for point in told):%H:%M}",
        "points": [
            {
                "at": f"{point['Timestamp']:%Y-%m-%dT%H:%M:%SZ}",
                "count": point["SampleCount"],
                "sum": point["Sum"],
                "minimum": point["Minimum"],
                "maximum": point["Maximum"],
            }
            for point in told
        ],
    }
