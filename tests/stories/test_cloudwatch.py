"""Real packets become CloudWatch's data points, read with boto3 and the AWS CLI, each account its own part."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import REGION, Server, until

WITHIN_S = 45
"""A pass of the publisher comes every ten seconds."""


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server)
    made = customer(server, service=inspected.service_name)
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    yield inspected, made


def window() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=15), "EndTime": now + timedelta(minutes=5)}


def of_load_balancer(inspected: Partner) -> str:
    return inspected.load_balancer.split(":loadbalancer/")[1]


def total(cloudwatch: Any, namespace: str, name: str, dimensions: dict[str, str], *, stat: str = "Sum") -> float | None:
    """Over the last minutes; None without any data point."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}], **window()
    )["MetricDataResults"][0]["Values"]
    if not found:
        return None
    return sum(found) if stat in ("Sum", "SampleCount") else max(found)


def opened(server: Server) -> float:
    """Flows that the kernel counted, whichever were asked for: a connection that is tried again is another."""
    with urllib.request.urlopen(f"{server.endpoint}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("aws_gatewayelb_NewFlowCount_total{"))


def test_traffic_is_told_to_the_load_balancer_s_account_by_zone_and_whole(server: Server, lab):
    inspected, made = lab
    cloudwatch = server.client("cloudwatch", "partner")
    whole = {"LoadBalancer": of_load_balancer(inspected)}
    of_zone = {**whole, "AvailabilityZone": f"{REGION}a"}

    def told(name: str, dimensions: dict[str, str] = whole, **more: Any) -> float | None:
        return total(cloudwatch, "AWS/GatewayELB", name, dimensions, **more)

    for _ in range(5):
        reachable(server, made.public["a"])
    flows = opened(server)
    assert flows >= 6
    until(lambda: told("NewFlowCount") == flows, what=f"{flows} flows are told, and no other", seconds=WITHIN_S)
    assert told("NewFlowCount", of_zone) == flows
    bytes_told = told("ProcessedBytes")
    assert bytes_told is not None and bytes_told > 5 * 500 and told("ProcessedPackets") > 5 * 10
    assert told("PacketsDroppedCount_InvalidGeneveTunnel") == 0, "always reported"
    assert told("RejectedFlowCount_TCP") is None, "reported when it is not zero"
    assert told("PeakBytesPerSecond", stat="Maximum") >= 5 * 500 / 60
    hosts = {**whole, "TargetGroup": inspected.target_group.split(":", 5)[5]}
    assert told("HealthyHostCount", hosts, stat="Maximum") == 1
    written = total(
        cloudwatch,
        "AWS/GatewayELB",
        "NewFlowCount",
        {"LoadBalancer": whole["LoadBalancer"].replace("gwy/", "gateway/")},
    )
    assert written == flows, "AWS's pages write the dimension this way too"


def test_the_command_line_reads_the_same(server: Server, lab):
    inspected, _ = lab
    at = window()
    found = server.cli(
        "cloudwatch", "get-metric-statistics", "--namespace", "AWS/GatewayELB", "--metric-name", "NewFlowCount",
        "--dimensions", f"Name=LoadBalancer,Value={of_load_balancer(inspected)}", "--statistics", "Sum", "--period", "3600",
        "--start-time", at["StartTime"].isoformat(), "--end-time", at["EndTime"].isoformat(), account="partner",
    )  # fmt: skip
    assert sum(one["Sum"] for one in found["Datapoints"]) >= 6 and found["Label"] == "NewFlowCount"
    names = server.cli("cloudwatch", "list-metrics", "--namespace", "AWS/GatewayELB", account="partner")["Metrics"]
    assert {"NewFlowCount", "HealthyHostCount", "ConsumedLCUs"} <= {one["MetricName"] for one in names}
    assert not server.cli("cloudwatch", "list-metrics", "--namespace", "AWS/GatewayELB", account="customer1")["Metrics"]
    server.cli(
        "cloudwatch",
        "put-metric-data",
        "--namespace",
        "Mine",
        "--metric-name",
        "a",
        "--value",
        "7",
        account="customer1",
    )
    assert total(server.client("cloudwatch", "customer1"), "Mine", "a", {}) == 7


def test_an_endpoint_is_told_to_both_its_accounts(server: Server, lab):
    inspected, made = lab
    endpoint = made.endpoints["a"]
    mine, theirs = server.client("cloudwatch", "customer1"), server.client("cloudwatch", "partner")
    dimensions = {
        "Endpoint Type": "GatewayLoadBalancer",
        "Service Name": inspected.service_name,
        "VPC Endpoint Id": endpoint,
        "VPC Id": made.vpc,
    }
    seen = until(
        lambda: total(mine, "AWS/PrivateLinkEndpoints", "BytesProcessed", dimensions),
        what="the endpoint's bytes are told",
        seconds=WITHIN_S,
    )
    assert seen > 500
    of_service = {"Service Id": inspected.service_id, "VPC Endpoint Id": endpoint}
    assert total(theirs, "AWS/PrivateLinkServices", "BytesProcessed", of_service) > 500
    count = total(
        theirs, "AWS/PrivateLinkServices", "EndpointsCount", {"Service Id": inspected.service_id}, stat="Maximum"
    )
    assert count == 1
    assert total(theirs, "AWS/PrivateLinkEndpoints", "BytesProcessed", dimensions) is None


def test_an_instance_s_work_and_traffic_are_told(server: Server, lab):
    _, made = lab
    instance = made.applications["a"]
    cloudwatch = server.client("cloudwatch", "customer1")
    until(
        lambda: (total(cloudwatch, "AWS/EC2", "NetworkOut", {"InstanceId": instance}) or 0) > 500,
        what="what the web server sent is told",
        seconds=WITHIN_S,
    )
    assert total(cloudwatch, "AWS/EC2", "NetworkPacketsIn", {"InstanceId": instance}) > 10
    busy = until(
        lambda: total(cloudwatch, "AWS/EC2", "CPUUtilization", {"InstanceId": instance}, stat="Maximum"),
        what="the instance's processor time is told",
        seconds=WITHIN_S,
    )
    assert 0 < busy <= 110
    assert total(cloudwatch, "AWS/EC2", "StatusCheckFailed", {"InstanceId": instance}, stat="Maximum") == 0
    theirs = server.client("cloudwatch", "partner")
    assert total(theirs, "AWS/EC2", "NetworkOut", {"InstanceId": instance}) is None


def test_a_restarted_server_goes_on_where_it_was(server: Server, lab):
    inspected, made = lab
    cloudwatch = server.client("cloudwatch", "partner")
    whole = {"LoadBalancer": of_load_balancer(inspected)}
    hosts = {**whole, "TargetGroup": inspected.target_group.split(":", 5)[5]}

    def passes() -> float:
        """Each pass of the publisher is a sample of the host count."""
        return total(cloudwatch, "AWS/GatewayELB", "HealthyHostCount", hosts, stat="SampleCount") or 0.0

    def another_pass(what: str) -> None:
        so_far = passes()
        until(lambda: passes() > so_far, what=what, seconds=WITHIN_S)

    another_pass("every flow so far is told")
    before = total(cloudwatch, "AWS/GatewayELB", "NewFlowCount", whole)
    assert before is not None
    server.kill()
    server.start()
    # It takes what is there as counted; only then come the new ones.
    another_pass("the new server made its first pass")
    already = opened(server)
    for _ in range(3):
        reachable(server, made.public["a"])
    more = opened(server) - already
    assert more >= 3
    until(
        lambda: total(cloudwatch, "AWS/GatewayELB", "NewFlowCount", whole) == before + more,
        what=f"exactly {more} more than {before} are told",
        seconds=WITHIN_S,
    )


def test_gwlb_metrics_shows_what_there_is(server: Server, lab):
    inspected, _ = lab
    text = server.gwlb("metrics", "--account", "partner").stdout
    assert "NewFlowCount" in text and of_load_balancer(inspected) in text
    rows = json.loads(
        server.gwlb("metrics", "NewFlowCount", "--account", "partner", "--namespace", "AWS/GatewayELB", "--json").stdout
    )["metrics"]
    assert rows and {row["name"] for row in rows} == {"NewFlowCount"}
    assert all(row["sum"] >= 6 for row in rows) and all(row["points"] for row in rows)
