"""CloudWatch behind the real gateway, asked by boto3 in all three protocols; and what no SDK would send."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import cbor2
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st
from service_lab import REGION, ServiceLab, error_of

from opengwlb.wire import cbor
from opengwlb.wire.errors import AwsError

PROTOCOLS = ("smithy-rpc-v2-cbor", "json", "query")
TARGET = "GraniteServiceVersion20100801"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceLab]:
    made = ServiceLab(tmp_path_factory.mktemp("cloudwatch"))
    yield made
    made.stop()


def client(lab: ServiceLab, protocol: str = "json", **more: Any) -> Any:
    """boto3 in the protocol asked for; by itself it chooses JSON."""
    made = boto3.client(
        "cloudwatch",
        endpoint_url=lab.url,
        region_name=REGION,
        aws_access_key_id=lab.key.id,
        aws_secret_access_key=lab.key.secret,
        config=Config(retries={"max_attempts": 0}, **more),
    )
    made._serializer = create_serializer(protocol)
    made._response_parser = create_parser(protocol)
    made.meta.service_model.__dict__["resolved_protocol"] = protocol
    return made


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_data_points_come_back_as_they_were_put(lab: ServiceLab, protocol: str) -> None:
    asked = client(lab, protocol)
    namespace = f"App/{protocol}"
    dimensions = [{"Name": "Host", "Value": "a"}, {"Name": "Zone", "Value": "1"}]
    asked.put_metric_data(
        Namespace=namespace,
        MetricData=[
            {"MetricName": "Latency", "Dimensions": dimensions, "Timestamp": NOW, "Value": 1.5, "Unit": "Milliseconds"},
            {
                "MetricName": "Latency",
                "Dimensions": dimensions[::-1],
                "Timestamp": NOW + timedelta(seconds=59.5),
                "Values": [2, 4.5],
                "Counts": [3, 1],
                "Unit": "Milliseconds",
            },
            {
                "MetricName": "Set",
                "Timestamp": NOW,
                "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 5},
            },
        ],
    )
    listed = asked.list_metrics(Namespace=namespace, Dimensions=[{"Name": "Host"}])["Metrics"]
    assert listed == [{"Namespace": namespace, "MetricName": "Latency", "Dimensions": dimensions}]
    window = {"StartTime": NOW - timedelta(minutes=5), "EndTime": NOW + timedelta(minutes=5), "Period": 60}
    told = asked.get_metric_statistics(
        Namespace=namespace,
        MetricName="Latency",
        Dimensions=dimensions,
        Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
        **window,
    )
    assert told["Label"] == "Latency"
    (point,) = told["Datapoints"]
    assert point == {
        "Timestamp": NOW,
        "SampleCount": 5.0,
        "Sum": 12.0,
        "Average": 2.4,
        "Minimum": 1.5,
        "Maximum": 4.5,
        "Unit": "Milliseconds",
    }
    percentiles = asked.get_metric_statistics(
        Namespace=namespace, MetricName="Latency", Dimensions=dimensions, ExtendedStatistics=["p50", "tm80"], **window
    )["Datapoints"][0]["ExtendedStatistics"]
    assert percentiles == {"p50": 2.0, "tm80": pytest.approx((1.5 + 3 * 2) / 4)}
    data = asked.get_metric_data(
        MetricDataQueries=[
            {
                "Id": name.lower(),
                "MetricStat": {
                    "Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": of},
                    "Period": 60,
                    "Stat": stat,
                },
            }
            for name, of, stat in (("Latency", dimensions, "Maximum"), ("Set", [], "Sum"), ("None", [], "Sum"))
        ],
        StartTime=window["StartTime"],
        EndTime=window["EndTime"],
    )
    shown = {one["Id"]: (one["Timestamps"], one["Values"], one["StatusCode"]) for one in data["MetricDataResults"]}
    assert shown == {
        "latency": ([NOW], [4.5], "Complete"),
        "set": ([NOW], [10.0], "Complete"),
        "none": ([], [], "Complete"),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_errors_are_named_as_boto3_knows_them(lab: ServiceLab, protocol: str) -> None:
    asked = client(lab, protocol)
    code, message, status = error_of(
        lambda: asked.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "a", "Value": 1}])
    )
    assert (code, status) == ("InvalidParameterValue", 400) and "AWS/EC2" in message
    with pytest.raises(asked.exceptions.InvalidParameterValueException):
        asked.put_metric_data(Namespace="AWS/EC2", MetricData=[{"MetricName": "a", "Value": 1}])
    code, message, _ = error_of(lambda: asked.put_metric_data(Namespace=":App", MetricData=[]))
    assert code == "ValidationError" and "'namespace'" in message
    code, message, _ = error_of(lambda: asked.describe_alarms())
    assert code == "InvalidAction" and "DescribeAlarms" in message
    mine = lab.key
    try:
        lab.key = replace(mine, id="AKIAIOSFODNN7EXAMPLE")
        code, _, status = error_of(lambda: client(lab, protocol).list_metrics())
    finally:
        lab.key = mine
    assert (code, status) in (("InvalidClientTokenId", 403), ("UnrecognizedClientException", 400))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_large_requests_come_compressed_and_signed_as_sent(lab: ServiceLab, protocol: str) -> None:
    asked = client(lab, protocol, request_min_compression_size_bytes=128)
    sent: list[Any] = []
    asked.meta.events.register("before-send", lambda request, **_: sent.append(request.headers))
    many = [{"MetricName": f"m{number}", "Value": number, "Timestamp": NOW} for number in range(300)]
    asked.put_metric_data(Namespace=f"Many/{protocol}", MetricData=many)
    pages = list(asked.get_paginator("list_metrics").paginate(Namespace=f"Many/{protocol}"))
    assert sent[0]["Content-Encoding"] in ("gzip", b"gzip")
    assert {"smithy-rpc-v2-cbor": "cbor", "json": "x-amz-json-1.0", "query": "urlencoded"}[protocol] in str(
        sent[0]["Content-Type"]
    )
    assert sum(len(page["Metrics"]) for page in pages) == 300


def send(lab: ServiceLab, protocol: str, operation: str, body: bytes, **more: str) -> tuple[int, dict[str, str], bytes]:
    """A signed request with any body; (status, headers, body)."""
    path, headers = {
        "smithy-rpc-v2-cbor": (
            f"/service/{TARGET}/operation/{operation}",
            {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"},
        ),
        "json": ("/", {"X-Amz-Target": f"{TARGET}.{operation}", "Content-Type": "application/x-amz-json-1.0"}),
        "query": ("/", {"Content-Type": "application/x-www-form-urlencoded"}),
    }[protocol]
    if protocol == "query" and not more:
        body = urlencode({"Action": operation, "Version": "2010-08-01"}).encode() + b"&" + body
    signed = AWSRequest("POST", lab.url + path, data=body, headers={**headers, **more})
    SigV4Auth(Credentials(lab.key.id, lab.key.secret), "monitoring", REGION).add_auth(signed)
    connection = http.client.HTTPConnection(lab.url.removeprefix("http://"), timeout=10)
    started = time.monotonic()
    connection.request("POST", path, body, dict(signed.headers))
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers.items()), answer.read()
    assert time.monotonic() - started < 5, "a bad request must not take long"
    connection.close()
    return found


HOSTILE = {
    "smithy-rpc-v2-cbor": [
        b"\x81" * 100_000, b"\xa1" * 100_000, b"\xd8\x1c" * 50_000, b"\x9b" + b"\xff" * 8, b"\x7b\x7f" + b"\xff" * 7, b"\xbf",
        b"\xff", b"\x01", b"\x80", b"\xa0\xa0", b"\xa1\x61", b"\xf8\xff", b"\xa1\x61a\xd8\x23\x63(a+", cbor2.dumps({"Namespace": 5}),
        b"\xbf" + b"\x61a\x80" * 300_000 + b"\xff\x00",
        cbor2.dumps({"Namespace": "A", "MetricData": [{"MetricName": "a", "Value": 1.0, "Timestamp": 5}]}),
        cbor2.dumps({"Namespace": "A", "MetricData": [{"MetricName": "a", "Value": 2**70}]}),
        cbor2.dumps({"Namespace": "A", "MetricData": {"MetricName": "a"}}),
        b"\xa2\x69Namespace\x61A\x6aMetricData\x81\xa2\x6aMetricName\x61a\x69Timestamp\xc1\xfb\x7f\xf0\0\0\0\0\0\0",
    ],
    "json": [
        b"[" * 100_000, b'{"a":' * 100_000, b"{", b"[]", b"5", b"\xff", b'{"Namespace": 5}', b"1" * 100_000, b"{}{}",
        b'{"Namespace": "A", "MetricData": [{"MetricName": "a", "Value": 1' + b"0" * 400 + b"}]}",
        b'{"Namespace": "A", "MetricData": [{"MetricName": "a", "Value": "1"}]}',
        b'{"Namespace": "A", "MetricData": [{"MetricName": "a", "Value": true}]}',
        b'{"Namespace": "A", "MetricData": [{"MetricName": "a", "Timestamp": 1e300}]}',
        b'{"Namespace": "A", "MetricData": [{"MetricName": "a", "Timestamp": "yesterday"}]}',
        b'{"Namespace": "A", "MetricData": "no"}',
    ],
    "query": [
        b"MetricData=1&Namespace=A", b"MetricData.member.x.Value=1&Namespace=A", b"Namespace=%ff", b"Namespace.a.b=1",
        b"&".join(b"a%d=1" % n for n in range(30_000)), b"Namespace=A&MetricData.member.1.Value=one&MetricData.member.1.MetricName=a",
        b"Namespace=A&MetricData.member.1.Timestamp=now&MetricData.member.1.MetricName=a", b".".join([b"a"] * 1000) + b"=1",
        b"Namespace=A&MetricData.1.MetricName=a",
    ],
}  # fmt: skip
CODES = {"SerializationException", "ValidationException", "ValidationError", "MalformedInput", "MalformedQueryString"}


def code_of(protocol: str, headers: dict[str, str], body: bytes) -> str:
    if protocol == "query":
        return body.decode().partition("<Code>")[2].partition("</Code>")[0]
    if protocol == "json":
        return str(json.loads(body)["__type"]).rpartition("#")[2]
    assert headers["smithy-protocol"] == "rpc-v2-cbor" and headers["content-type"] == "application/cbor"
    return str(cbor2.loads(body)["__type"]).rpartition("#")[2]


@pytest.mark.parametrize(
    ("protocol", "body"),
    [(name, body) for name, bodies in HOSTILE.items() for body in bodies],
    ids=lambda one: str(one)[:40],
)
def test_what_cannot_be_read_is_refused_in_its_own_protocol_and_changes_nothing(
    lab: ServiceLab, protocol: str, body: bytes
) -> None:
    before = len(lab.metrics.listed(lab.account.id, region=REGION))
    status, headers, answer = send(lab, protocol, "PutMetricData", body)
    assert status == 400 and code_of(protocol, headers, answer) in CODES, answer
    assert b"Traceback" not in answer and len(answer) < 2000
    assert len(lab.metrics.listed(lab.account.id, region=REGION)) == before


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_gzip_is_unpacked_to_a_bound_and_bombs_are_refused(lab: ServiceLab, protocol: str) -> None:
    for body, codes in (
        (gzip.compress(b"a" * 200_000_000), {"RequestEntityTooLarge"}),
        (gzip.compress(b"{}")[:-4], {"SerializationException", "MalformedQueryString"}),
        (b"no gzip", {"SerializationException", "MalformedQueryString"}),
    ):
        status, headers, answer = send(lab, protocol, "PutMetricData", body, **{"Content-Encoding": "gzip"})
        assert status in (400, 413) and code_of(protocol, headers, answer) in codes
    status, headers, answer = send(lab, protocol, "PutMetricData", b"", **{"Content-Encoding": "br"})
    assert status == 415 and code_of(protocol, headers, answer) == "UnsupportedMediaType"


def test_cbor_that_other_encoders_write_is_read_too(lab: ServiceLab) -> None:
    """Go's encoder writes single floats where they fit; RFC 8949 allows half ones, undefined, and things of unknown length."""
    at = int(NOW.timestamp())
    body = (
        b"\xbf\x69Namespace\x7f\x62Go\x62/1\xff\x6aMetricData\x9f"
        b"\xbf\x6aMetricName\x61a\x65Value\xfa\x3f\xc0\x00\x00\x69Timestamp\xc1\x1a" + at.to_bytes(4, "big") + b"\xff"
        b"\xa4\x6aMetricName\x61b\x65Value\xf9\x3e\x00\x64Unit\xf7\x69Timestamp\xc1\xfb"
        + b"\x41"
        + b"\0" * 7
        + b"\xff\xff"
    )
    status, headers, answer = send(lab, "smithy-rpc-v2-cbor", "PutMetricData", body)
    assert status == 400 and "two weeks" in cbor2.loads(answer)["message"], answer
    body = body.replace(b"\x69Timestamp\xc1\xfb\x41" + b"\0" * 7, b"\x67Nothing\x01")
    status, headers, answer = send(lab, "smithy-rpc-v2-cbor", "PutMetricData", body)
    assert (status, answer, headers["smithy-protocol"]) == (200, b"", "rpc-v2-cbor"), answer
    found = lab.metrics.listed(lab.account.id, region=REGION)
    values = {
        one.key.name: [each.point.sum for each in lab.metrics.points(one.key, start=0, end=2**40)]
        for one in found
        if one.key.namespace == "Go/1"
    }
    assert values == {"a": [1.5], "b": [1.5]}


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "json"])
def test_a_megabyte_of_mistakes_is_answered_shortly(lab: ServiceLab, protocol: str) -> None:
    """A million data points without a name: each is a mistake that the answer would name."""
    body = {
        "smithy-rpc-v2-cbor": b"\xa2\x69Namespace\x61A\x6aMetricData\x9f" + b"\xa0" * 1_000_000 + b"\xff",
        "json": b'{"Namespace":"A","MetricData":[' + b"{}," * 330_000 + b"{}]}",
    }[protocol]
    status, headers, answer = send(lab, protocol, "PutMetricData", body)
    assert status == 400 and code_of(protocol, headers, answer) == "ValidationException" and len(answer) < 20_000


def test_any_bytes_are_cbor_or_refused_and_what_we_write_reads_back() -> None:
    plain = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=9)
        | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    )  # fmt: skip

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=60) | plain.map(cbor2.dumps), st.integers(0, 59), st.integers(0, 255))
    def check(body: bytes, place: int, byte: int) -> None:
        for each in (body, body[:place] + bytes([byte]) + body[place + 1 :], body[:place]):
            try:
                cbor.decode(each)
            except AwsError as error:
                assert error.code == "SerializationException"

    @settings(max_examples=200, deadline=None)
    @given(plain)
    def same(value: Any) -> None:
        assert cbor.decode(cbor.encode(value)) == value

    check()
    same()


def test_a_role_may_be_held_to_namespaces(lab: ServiceLab) -> None:
    """As AWS's own agent policies do it, by cloudwatch:namespace."""
    iam, sts = lab.client("iam"), lab.client("sts")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": lab.account.id}, "Action": "sts:AssumeRole"}],
    }
    may = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "cloudwatch:PutMetricData",
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": "Agent"}},
            }
        ],
    }
    role = iam.create_role(RoleName="agent", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="agent", PolicyName="may", PolicyDocument=json.dumps(may))
    given = sts.assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    agent = lab.client("cloudwatch", given)
    datum = {"MetricName": "a", "Value": 1, "Dimensions": [{"Name": "Arn", "Value": "arn:aws:ec2:r:1:instance/i-1"}]}
    agent.put_metric_data(Namespace="Agent", MetricData=[datum])
    for refused in (
        lambda: agent.put_metric_data(Namespace="Other", MetricData=[datum]),
        lambda: agent.list_metrics(),
    ):
        assert error_of(refused)[0] in ("AccessDenied", "AccessDeniedException")


def test_a_path_of_another_service_or_operation_is_no_operation(lab: ServiceLab) -> None:
    for path in (f"/service/{TARGET}/operation/Nothing", "/service/AmazonSSM/operation/ListMetrics"):
        signed = AWSRequest("POST", lab.url + path, data=b"\xa0", headers={"smithy-protocol": "rpc-v2-cbor"})
        SigV4Auth(Credentials(lab.key.id, lab.key.secret), "monitoring", REGION).add_auth(signed)
        connection = http.client.HTTPConnection(lab.url.removeprefix("http://"), timeout=10)
        connection.request("POST", path, b"\xa0", dict(signed.headers))
        answer = connection.getresponse()
        assert answer.status == 404 and "UnknownOperationException" in cbor2.loads(answer.read())["__type"]
        connection.close()


def test_accounts_do_not_see_each_others_metrics(lab: ServiceLab, tmp_path: Path) -> None:
    from opengwlb.api import accounts

    client(lab).put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "a", "Value": 1}])
    _, key = accounts.create_account(lab.store, name="other")
    other = lab.client("cloudwatch", {"AccessKeyId": key.id, "SecretAccessKey": key.secret})
    assert other.list_metrics()["Metrics"] == []
    window = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1), "Period": 60}
    assert not other.get_metric_statistics(Namespace="Mine", MetricName="a", Statistics=["Sum"], **window)["Datapoints"]
    other.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "a", "Value": 5}])
    mine = client(lab).get_metric_statistics(Namespace="Mine", MetricName="a", Statistics=["Sum"], **window)
    assert [one["Sum"] for one in mine["Datapoints"]] == [1.0]
