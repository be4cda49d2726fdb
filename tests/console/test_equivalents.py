"""The texts to copy, judged by what would run them: the AWS CLI's own driver and boto3, stopped right before they send."""

from __future__ import annotations

import contextlib
import io
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from awscli.clidriver import create_clidriver
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer

from opengwlb.api import dispatch
from opengwlb.console.answers import EquivalentAsked
from opengwlb.console.boto3_text import client_name
from opengwlb.console.bridge import completed, modelled
from opengwlb.console.equivalents import equivalent
from opengwlb.wire.models import service

REGION = "ap-northeast-2"
IMPLEMENTED = sorted(dispatch.implemented())
LOADER = Loader()
PLAIN = "arn:x-1.y/z-012345678"
HARD = 'it\'s a="b", [c] {d} $e \\ 방화벽\n-f'


@dataclass
class _Sent:
    bodies: list[Any] = field(default_factory=list)

    def __call__(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.bodies.append(params["body"])
        return type("Answer", (), {"status_code": 200})(), {}


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PAGER": ""}.items():
            patch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def by_cli() -> Any:
    """Text -> the body that the AWS CLI sends for it."""
    sent = _Sent()
    common = create_clidriver()
    common.session.register("before-call", sent)

    def fresh() -> Any:
        """`modify-…` leaves checks behind in a driver, which would refuse every command after it."""
        driver = create_clidriver()
        driver.session.register_component("data_loader", common.session.get_component("data_loader"))
        driver.session.register("before-call", sent)
        return driver

    def run(text: str) -> Any:
        driver = fresh() if " modify-" in text else common
        sent.bodies.clear()
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            words = shlex.split(text)
            assert words[0] == "aws"
            code = driver.main(words[1:])
        assert sent.bodies, f"{text}\n{code}: {told.getvalue()[-600:]}"
        return sent.bodies[0]

    return run


@pytest.fixture(scope="module")
def by_boto3() -> Any:
    sent = _Sent()
    clients: dict[str, Any] = {}

    def run(name: str, text: str) -> Any:
        if name not in clients:
            clients[name] = boto3.client(name, region_name=REGION)
            clients[name].meta.events.register("before-call", sent)
        sent.bodies.clear()
        exec(text, {client_name(name): clients[name]})
        return sent.bodies[0]

    return run


def _sample(shape: Shape, text: str, flag: bool, *, left_out: Collection[str] = (), depth: int = 0) -> Any:
    match shape:
        case StructureShape():
            return {
                name: _sample(member, text, flag, depth=depth + 1)
                for name, member in shape.members.items()
                if name not in left_out and (depth < 8 or not isinstance(member, StructureShape | ListShape))
            }
        case ListShape():
            return [_sample(shape.member, text, flag, depth=depth + 1)] * (1 if flag else 2)
        case MapShape():
            return {"key": _sample(shape.value, text, flag, depth=depth + 1)}
    match shape.type_name:
        case "string":
            return shape.enum[0] if shape.enum else text
        case "boolean":
            return flag
        case "integer" | "long":
            return max(7, shape.metadata.get("min", 0))
        case "float" | "double":
            return 1.5
        case "timestamp":
            return "2026-11-23T12:00:00Z"
    return "c3NoLWVkMjU1MTkgYWJj"


def _expected(operation: OperationModel, parameters: Mapping[str, Any]) -> Any:
    spoken = service(operation.service_model.service_name)
    return create_serializer(spoken.speaks, include_validation=False).serialize_to_request(
        completed(operation, parameters, spoken), operation
    )["body"]


def _paging(name: str, operation: str) -> set[str]:
    """Members by which the CLI's own paging speaks; the console's pages never give them."""
    try:
        page = LOADER.load_service_model(name, "paginators-1")["pagination"].get(operation, {})
    except DataNotFoundError:
        return set()
    tokens = page.get("input_token", [])
    return {*([tokens] if isinstance(tokens, str) else tokens), page.get("limit_key", "")}


EXCLUDING = {"RunInstances": {"NetworkInterfaces"}}
"""Members that the CLI does not take together with the others, as AWS does not."""


def _asked(name: str, action: str, text: str, flag: bool) -> EquivalentAsked:
    operation = modelled(name, action)
    shape = operation.input_shape
    parameters = (
        {}
        if shape is None
        else _sample(shape, text, flag, left_out=_paging(name, action) | EXCLUDING.get(action, set()))
    )
    return EquivalentAsked(service=name, operation=action, parameters=parameters)


@pytest.mark.parametrize(("name", "action"), IMPLEMENTED)
@pytest.mark.parametrize(("text", "flag"), [(PLAIN, True), (HARD, False)], ids=["plain", "hard"])
def test_every_operation_is_written_as_both_clients_understand_it(
    by_cli: Any, by_boto3: Any, name: str, action: str, text: str, flag: bool
) -> None:
    wanted = _asked(name, action, text, flag)
    written = equivalent(wanted, region=REGION)
    expected = _expected(modelled(name, action), wanted.parameters)
    assert by_boto3(name, written.boto3) == expected, written.boto3
    assert by_cli(written.aws) == expected, written.aws


def test_the_texts_read_as_people_write_them() -> None:
    create = equivalent(
        EquivalentAsked(
            service="ec2",
            operation="CreateRoute",
            parameters={"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": "vpce-1"},
        ),
        region=REGION,
    )
    assert create.aws == (
        "aws ec2 create-route --route-table-id rtb-1 --destination-cidr-block 0.0.0.0/0 --vpc-endpoint-id vpce-1 "
        "--region ap-northeast-2"
    )
    assert create.boto3 == (
        "ec2.create_route(RouteTableId='rtb-1', DestinationCidrBlock='0.0.0.0/0', VpcEndpointId='vpce-1')"
    )
    look = EquivalentAsked(
        service="ec2",
        operation="DescribeVpcs",
        parameters={"Filters": [{"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}]},
    )
    assert "--filters Name=vpc-id,Values=vpc-1,vpc-2 --region" in equivalent(look, region=REGION).aws
    run = EquivalentAsked(
        service="ec2", operation="RunInstances", parameters={"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}
    )
    assert "run-instances --image-id ami-1 --count 1 --region" in equivalent(run, region=REGION).aws


@pytest.mark.parametrize(
    "text", ["-1", "--x", "[1]", "{}", "a b", "", "http://169.254.169.254/x", "file:///etc/passwd", "$(id)"]
)
def test_no_value_means_anything_but_itself(by_cli: Any, text: str) -> None:
    """No option, no file to read, no page to fetch, nothing for the shell."""
    for operation, parameters in (
        (
            "CreateNetworkAclEntry",
            {"NetworkAclId": "acl-1", "Protocol": text, "RuleNumber": 1, "RuleAction": "allow", "Egress": False},
        ),
        ("CreateVpc", {"CidrBlock": text}),
        ("DescribeVpcs", {"VpcIds": [text]}),
        ("CreateTags", {"Resources": ["vpc-1"], "Tags": [{"Key": "Name", "Value": text}]}),
    ):
        wanted = EquivalentAsked(service="ec2", operation=operation, parameters=parameters)
        written = equivalent(wanted, region=REGION).aws
        assert by_cli(written) == _expected(modelled("ec2", operation), parameters), written
