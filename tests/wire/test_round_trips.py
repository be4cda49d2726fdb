"""Our codec against botocore's, every operation of every service in each of its protocols: its serialiser -> our parser, and back."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import Values

from opengwlb.wire import cbor, xml
from opengwlb.wire.ec2 import Ec2FormCompiler
from opengwlb.wire.errors import AwsError
from opengwlb.wire.form import read_form, tree
from opengwlb.wire.gateway import FORMS
from opengwlb.wire.models import SERVICES, Operation, Service, service
from opengwlb.wire.sigv4 import HttpRequest

SEEDS = range(4)
SPOKEN = [(name, protocol) for name in SERVICES for protocol in service(name).model.metadata["protocols"]]
ASKED = {
    "ssm": (
        "GetParameter", "GetParameters", "GetParametersByPath", "PutParameter", "DeleteParameter", "DeleteParameters",
        "DescribeParameters",
    ),
}  # fmt: skip
"""Of a service whose other operations have patterns of their own by the dozen: what is asked here."""


def parsed_by_us(spoken: Service, name: str, value: dict[str, Any], *, operation: Operation | None = None) -> Any:
    serializer = create_serializer(spoken.speaks, include_validation=False)
    request = serializer.serialize_to_request(value, spoken.model.operation_model(name))
    if spoken.speaks not in FORMS:
        if spoken.speaks == "json":
            assert request["headers"]["X-Amz-Target"] == f"{spoken.target}.{name}"
        else:
            asked = HttpRequest(
                method="POST",
                path=request["url_path"],
                query="",
                headers=tuple((key.lower(), value) for key, value in request["headers"].items()),
                body=request["body"],
            )
            assert cbor.named(asked) == (spoken.target, name)
        operation = operation or spoken.operation(name)
        assert operation is not None
        return operation.parse(request["body"])
    pairs = read_form(urlencode(request["body"], doseq=True).encode())
    assert dict(pairs)["Action"] == name
    operation = operation or spoken.operation(name)
    assert operation is not None
    return operation.parse([pair for pair in pairs if pair[0] not in ("Action", "Version")])


def parsed_by_botocore(
    spoken: Service, name: str, answer: dict[str, Any], *, operation: Operation | None = None
) -> Any:
    operation = operation or spoken.operation(name)
    assert operation is not None
    response = {
        "status_code": 200,
        "headers": {"x-amzn-requestid": "some-id"},
        "body": operation.serialise(answer, "some-id"),
    }
    parsed = create_parser(spoken.speaks).parse(response, spoken.model.operation_model(name).output_shape)
    metadata = parsed.pop("ResponseMetadata")
    if spoken.model.operation_model(name).output_shape is not None or spoken.speaks != cbor.NAME:
        # botocore overlooks the header of a CBOR answer that has no body.
        assert metadata["RequestId"] == "some-id"
    return parsed


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
def test_every_request_botocore_sends_parses_to_what_it_was_made_from(name: str, protocol: str, seed: int) -> None:
    spoken = service(name, protocol=protocol)
    values = Values(seed, strict=name != "ec2", empty_lists=name != "ec2")
    for operation in ASKED.get(name, spoken.model.operation_names):
        value = values.structure(spoken.model.operation_model(operation).input_shape)
        assert parsed_by_us(spoken, operation, value) == value, operation


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
def test_every_answer_we_write_is_read_by_botocore_as_it_was(name: str, protocol: str, seed: int) -> None:
    spoken = service(name, protocol=protocol)
    values = Values(seed, strict=False)
    for operation in spoken.model.operation_names:
        answer = values.structure(spoken.model.operation_model(operation).output_shape)
        assert parsed_by_botocore(spoken, operation, answer) == answer, operation


@pytest.mark.parametrize(("name", "protocol"), SPOKEN)
@pytest.mark.parametrize("status", [400, 403, 500])
def test_every_error_we_write_is_read_by_botocore_with_its_code_and_message(
    name: str, protocol: str, status: int
) -> None:
    spoken = service(name, protocol=protocol)
    modelled = {str(shape.error_code) for shape in spoken.model.error_shapes if shape.error_code}
    for code in sorted(modelled | {"ValidationError", "Throttling"}):
        for message in ("It says <what> & why: €", "two\nlines"):
            error = AwsError(code, message, status=status)
            response = {
                "status_code": status,
                "headers": {"x-amzn-requestid": "some-id", **spoken.protocol.error_headers(error)},
                "body": spoken.protocol.error(error, "some-id"),
            }
            parsed = create_parser(spoken.speaks).parse(response, None)
            assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == (code, message)
            assert parsed["ResponseMetadata"]["RequestId"] == "some-id"


def test_planted_bugs_are_caught_by_the_fuzz(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codecs that forget ec2's capital letters, to escape, that a time has a tag, or that a double is no integer: each must fail above."""
    monkeypatch.setattr(Ec2FormCompiler, "field_name", lambda self, name, shape: shape.serialization.get("name", name))
    broken = Service("ec2")
    monkeypatch.setattr("test_round_trips.service", lambda name, protocol: broken)
    with pytest.raises(Exception, match="UnknownParameter"):
        test_every_request_botocore_sends_parses_to_what_it_was_made_from("ec2", "ec2", 0)
    monkeypatch.setitem(xml.SCALARS, "string", str)
    broken = Service("elbv2")
    with pytest.raises(Exception, match="invalid XML"):
        test_every_answer_we_write_is_read_by_botocore_as_it_was("elbv2", "query", 0)
    broken = Service("cloudwatch", protocol=cbor.NAME)
    monkeypatch.setitem(cbor._MEANINGS, cbor.TIME, lambda value, immutable: value)
    with pytest.raises(AwsError, match="SerializationException"):
        test_every_request_botocore_sends_parses_to_what_it_was_made_from("cloudwatch", cbor.NAME, 0)
    monkeypatch.setattr(cbor, "_shown", lambda value, shape: value.timestamp() if hasattr(value, "year") else value)
    broken = Service("cloudwatch", protocol=cbor.NAME)
    with pytest.raises(AssertionError):
        for seed in SEEDS:
            test_every_answer_we_write_is_read_by_botocore_as_it_was("cloudwatch", cbor.NAME, seed)


def test_any_text_makes_well_formed_xml_that_keeps_what_xml_can_carry() -> None:
    @settings(max_examples=300, deadline=None)
    @given(st.text(st.characters(codec=None)))
    def check(text: str) -> None:
        read = ElementTree.fromstring(f"<a>{xml.escape(text)}</a>".encode()).text or ""
        carried = "".join("\ufffd" if xml.SPECIAL.match(c) and c not in "&<>\r" else c for c in text)
        assert read == carried

    check()


def test_a_tree_of_names_holds_every_value_once() -> None:
    names = st.lists(st.text("abc1", min_size=1, max_size=3), min_size=1, max_size=4).map(".".join)

    def leaves(node: Any, prefix: tuple[str, ...] = ()) -> dict[str, str]:
        if isinstance(node, str):
            return {".".join(prefix): node}
        return {key: leaf for part, child in node.items() for key, leaf in leaves(child, (*prefix, part)).items()}

    @settings(max_examples=200, deadline=None)
    @given(st.dictionaries(names, st.text(max_size=3), max_size=6))
    def check(values: dict[str, str]) -> None:
        clash = any(other.startswith(f"{name}.") for name in values for other in values)
        try:
            assert leaves(tree(values.items())) == values
            assert not clash
        except AwsError as error:
            assert clash and error.code == "MalformedQueryString"

    check()


def test_members_that_are_none_are_left_out_and_unknown_ones_are_a_mistake_of_ours() -> None:
    elbv2 = service("elbv2")
    answer = {"LoadBalancers": [{"LoadBalancerName": "a", "DNSName": None}]}
    assert parsed_by_botocore(elbv2, "DescribeLoadBalancers", answer) == {"LoadBalancers": [{"LoadBalancerName": "a"}]}
    for wrong in ({"LoadBalancer": []}, {"LoadBalancers": "a"}, {"LoadBalancers": [{"LoadBalancerName": 5}]}):
        with pytest.raises((ValueError, TypeError)):
            parsed_by_botocore(elbv2, "DescribeLoadBalancers", wrong)


def test_times_are_written_with_milliseconds_from_seconds_since_the_epoch_too() -> None:
    assert xml.timestamp(1795435200.25) == "2026-11-23T12:00:00.250Z"


def test_a_hundred_route_tables_are_written_in_a_few_milliseconds() -> None:
    operation = service("ec2").operation("DescribeRouteTables")
    assert operation is not None
    routes = [{"DestinationCidrBlock": f"10.0.{n}.0/24", "GatewayId": "local", "State": "active"} for n in range(10)]
    answer = {"RouteTables": [{"RouteTableId": f"rtb-{n}", "Routes": routes} for n in range(100)]}
    operation.serialise(answer, "warm")
    best = min(_seconds(lambda: operation.serialise(answer, "id")) for _ in range(5))
    assert best < 0.05, f"{best * 1000:.1f} ms; 1.4 ms was measured on an idle machine"


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
