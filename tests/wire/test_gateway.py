"""The gateway on a real socket, judged by boto3; and what clients that are not boto3 may throw at it."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.routing import Route
from test_sigv4 import ACCOUNT, KEY, KNOWN, SECRET, signed

from opengwlb.wire.errors import AwsError
from opengwlb.wire.gateway import Call, Gateway, Origin

REGION = "ap-northeast-2"
IMPLEMENTED = {
    ("ec2", "DescribeVpcs"), ("ec2", "CreateVpc"), ("ec2", "DeleteVpc"), ("ec2", "CreateSubnet"),
    ("elbv2", "DescribeLoadBalancers"), ("elbv2", "CreateLoadBalancer"), ("sts", "GetCallerIdentity"),
}  # fmt: skip


class Toy:
    """Answers with what the test put there, and remembers the call."""

    def __init__(self) -> None:
        self.answer: Callable[[], dict[str, Any]] = dict
        self.call: Call | None = None

    def __call__(self, call: Call) -> dict[str, Any]:
        self.call = call
        return self.answer()

    def fails(self, error: Exception) -> None:
        def answer() -> dict[str, Any]:
            raise error

        self.answer = answer


class Lab:
    def __init__(self, *, auth: Any) -> None:
        self.toy = Toy()
        gateway = Gateway(
            handle=self.toy,
            credentials=KNOWN.get,
            auth=auth,
            clock=time.time,
            default_account="999999999999",
            default_region="eu-west-1",
            implemented=lambda: IMPLEMENTED,
        )
        app = Starlette(routes=[Route("/", gateway.endpoint, methods=["GET", "POST"])])
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def client(self, name: str, *, key: str = KEY, secret: str = SECRET) -> Any:
        return boto3.client(
            name,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )

    def send(
        self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        assert response.headers["x-amzn-requestid"]
        connection.close()
        return response.status, text


@pytest.fixture(scope="module")
def labs() -> Iterator[dict[str, Lab]]:
    running = {auth: Lab(auth=auth) for auth in ("sigv4", "off")}
    yield running
    for lab in running.values():
        lab.stop()


@pytest.fixture
def lab(labs: dict[str, Lab]) -> Lab:
    labs["sigv4"].toy.answer = dict
    return labs["sigv4"]


@pytest.fixture
def open_lab(labs: dict[str, Lab]) -> Lab:
    labs["off"].toy.answer = dict
    return labs["off"]


def error_of(call: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    assert response["ResponseMetadata"]["RequestId"]
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_boto3_calls_each_service_and_reads_the_answer(lab: Lab) -> None:
    lab.toy.answer = lambda: {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": False, "Tags": [{"Key": "<&>", "Value": "한"}]}]}
    answer = lab.client("ec2").describe_vpcs(Filters=[{"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}], MaxResults=5)
    assert answer["Vpcs"] == lab.toy.answer()["Vpcs"]
    assert lab.toy.call == Call(
        service="ec2",
        operation="DescribeVpcs",
        params={"Filters": [{"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}], "MaxResults": 5},
        account=ACCOUNT,
        region=REGION,
        access_key=KEY,
        request_id=answer["ResponseMetadata"]["RequestId"],
        origin=Origin(address="127.0.0.1"),
    )
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == lab.toy.call.request_id
    lab.toy.answer = lambda: {"LoadBalancers": []}
    assert lab.client("elbv2").describe_load_balancers(Names=["a"])["LoadBalancers"] == []
    lab.toy.answer = lambda: {"Account": ACCOUNT}
    assert lab.client("sts").get_caller_identity()["Account"] == ACCOUNT
    lab.toy.answer = dict
    assert lab.client("ec2").delete_vpc(VpcId="vpc-1")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_aws_errors_reach_boto3_with_code_message_and_status(lab: Lab) -> None:
    lab.toy.fails(AwsError("InvalidVpcID.NotFound", "The vpc ID '<x>' does not exist"))
    expected = ("InvalidVpcID.NotFound", "The vpc ID '<x>' does not exist", 400)
    assert error_of(lambda: lab.client("ec2").describe_vpcs()) == expected
    lab.toy.fails(AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412))
    assert error_of(lambda: lab.client("ec2").delete_vpc(VpcId="v", DryRun=True))[::2] == ("DryRunOperation", 412)
    elbv2 = lab.client("elbv2")
    lab.toy.fails(AwsError("LoadBalancerNotFound", "none"))
    with pytest.raises(elbv2.exceptions.LoadBalancerNotFoundException):
        elbv2.describe_load_balancers()


def test_an_unexpected_exception_is_an_internal_error_and_the_next_call_works(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.toy.fails(ZeroDivisionError("secret detail"))
    code, message, status = error_of(lambda: lab.client("ec2").describe_vpcs())
    assert (code, status) == ("InternalError", 500) and "secret" not in message
    assert error_of(lambda: lab.client("sts").get_caller_identity())[::2] == ("InternalFailure", 500)
    assert "ZeroDivisionError" in caplog.text
    lab.toy.answer = lambda: {"Vpcs": "not a list"}
    assert error_of(lambda: lab.client("ec2").describe_vpcs())[0] == "InternalError"
    lab.toy.answer = dict
    lab.client("ec2").describe_vpcs()


def test_refused_signatures_have_each_services_own_code(lab: Lab) -> None:
    assert error_of(lambda: lab.client("ec2", key="AKIANO").describe_vpcs())[::2] == ("AuthFailure", 401)
    assert error_of(lambda: lab.client("sts", key="AKIANO").get_caller_identity())[::2] == ("InvalidClientTokenId", 403)
    for name, call in (("ec2", "describe_vpcs"), ("elbv2", "describe_load_balancers")):
        wrong = lab.client(name, secret="wrong")
        assert error_of(getattr(wrong, call))[::2] == ("SignatureDoesNotMatch", 403)
    status, text = lab.send("POST", "/", body=b"Action=DescribeVpcs&Version=2016-11-15")
    assert status == 403 and "MissingAuthenticationToken" in text


def test_unknown_and_unimplemented_actions_are_told_apart(lab: Lab) -> None:
    code, message, _ = error_of(lambda: lab.client("ec2").describe_volumes())
    assert code == "UnsupportedOperation" and "not implemented by OpenGWLB" in message
    code, message, _ = error_of(lambda: lab.client("elbv2").describe_rules())
    assert code == "InvalidAction" and "not implemented by OpenGWLB" in message
    assert error_of(lambda: lab.client("elb").describe_load_balancers())[0] == "InvalidAction"


@pytest.mark.parametrize(
    ("form", "code", "says"),
    [
        ("Action=Fly&Version=2016-11-15", "InvalidAction", "The action Fly is not valid"),
        ("Version=2016-11-15", "MissingAction", "missing an action"),
        ("Action=DescribeVpcs&Version=1999-01-01", "InvalidAction", "no service here has"),
        ("Action=DeleteVpc&Version=2016-11-15", "MissingParameter", "must contain the parameter VpcId"),
        ("Action=DescribeVpcs&Version=2016-11-15&Wing.1=x", "UnknownParameter", "parameter Wing is not recognized"),
        ("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Wing=x", "UnknownParameter", "Filter.1.Wing"),
        ("Action=DescribeVpcs&Version=2016-11-15&MaxResults=ten", "InvalidParameterValue", "Value (ten)"),
        ("Action=DescribeVpcs&Version=2016-11-15&MaxResults=99999999999", "InvalidParameterValue", "99999999999"),
        ("Action=DescribeVpcs&Version=2016-11-15&DryRun=perhaps", "InvalidParameterValue", "boolean"),
        ("Action=DescribeVpcs&Version=2016-11-15&VpcId=x", "InvalidParameterValue", "VpcId"),
        ("Action=DescribeVpcs&Version=2016-11-15&VpcId.1=x&VpcId=y", "MalformedQueryString", "VpcId"),
        ("Action=DescribeVpcs&Version=2016-11-15&VpcId.1=%ff", "MalformedQueryString", "malformed"),
        ("Action=DescribeVpcs&Version=2016-11-15&" + "a." * 5000 + "b=1", "MalformedQueryString", "deeply"),
        (
            "Action=CreateLoadBalancer&Version=2015-12-01",
            "ValidationError",
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            "Action=CreateLoadBalancer&Version=2015-12-01&Name=a&Type=gate&Tags.member.1.Value=x",
            "ValidationError",
            "2 validation errors detected: ",
        ),
        (
            "Action=CreateLoadBalancer&Version=2015-12-01&Name=a&Type=gate",
            "ValidationError",
            "Value 'gate' at 'type' failed to satisfy constraint: Member must satisfy enum value set: "
            "[application, network, gateway]",
        ),
        ("Action=CreateLoadBalancer&Version=2015-12-01&Name=a&Subnets.1=x", "MalformedInput", ".member.1"),
    ],
)  # fmt: skip
def test_wrong_requests_get_awss_codes(open_lab: Lab, form: str, code: str, says: str) -> None:
    open_lab.toy.call = None
    status, text = open_lab.send("POST", "/", body=form.encode())
    assert status == 400
    assert f"<Code>{code}</Code>" in text and says in text
    assert open_lab.toy.call is None


def test_query_services_ignore_what_they_do_not_know(open_lab: Lab) -> None:
    status, _ = open_lab.send("POST", "/", body=b"Action=DescribeLoadBalancers&Version=2015-12-01&Wing=x")
    assert status == 200


def test_parameters_may_come_in_the_query_string(open_lab: Lab) -> None:
    status, _ = open_lab.send("GET", "/?Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1")
    assert status == 200 and open_lab.toy.call is not None
    assert open_lab.toy.call.params == {"VpcIds": ["vpc-1"]}
    assert (open_lab.toy.call.account, open_lab.toy.call.region) == ("999999999999", "eu-west-1")


def test_without_authentication_a_known_key_chooses_its_account_and_any_other_the_default(open_lab: Lab) -> None:
    open_lab.client("ec2", secret="wrong").describe_vpcs()
    assert open_lab.toy.call is not None
    assert (open_lab.toy.call.account, open_lab.toy.call.region) == (ACCOUNT, REGION)
    open_lab.client("ec2", key="test", secret="test").describe_vpcs()
    assert open_lab.toy.call.account == "999999999999"


def test_a_gzip_body_is_signed_compressed_and_parsed_unpacked(lab: Lab) -> None:
    body = gzip.compress(b"Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1")
    request = signed(url=f"http://127.0.0.1:{lab.port}/", body=body, headers={"Content-Encoding": "gzip"})
    assert lab.send("POST", "/", body=body, headers=dict(request.headers))[0] == 200
    assert lab.toy.call is not None and lab.toy.call.params == {"VpcIds": ["vpc-1"]}


def test_bodies_that_are_too_large_are_refused_before_they_are_read(open_lab: Lab) -> None:
    with socket.create_connection(("127.0.0.1", open_lab.port), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert b"413" in connection.recv(4096).splitlines()[0]
    bomb = gzip.compress(b"a" * (2 << 20))
    assert len(bomb) < 10_000
    status, text = open_lab.send("POST", "/", body=bomb, headers={"Content-Encoding": "gzip"})
    assert status == 413 and "RequestEntityTooLarge" in text


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe\x00garbage", {}),
        (b"{}", {"Content-Type": "application/json"}),
        (b"not gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b"Action=X")[:-5], {"Content-Encoding": "gzip"}),
        (b"&&&===&", {"Authorization": "AWS4-HMAC-SHA256 \xff"}),
        (b"a=1&" * 30_000, {}),
    ],
)
def test_garbage_gets_an_aws_error_and_the_server_stays_up(open_lab: Lab, body: bytes, headers: dict[str, str]) -> None:
    status, text = open_lab.send("POST", "/", body=body, headers=headers)
    assert status == 400 and "<Code>" in text
    open_lab.client("ec2").describe_vpcs()


def test_a_presigned_url_calls_an_action(lab: Lab) -> None:
    url = f"http://127.0.0.1:{lab.port}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = signed(method="GET", url=url, body=b"", presign=True, service="sts")
    assert lab.send("GET", f"/?{request.query}")[0] == 200
    assert lab.toy.call is not None and (lab.toy.call.service, lab.toy.call.params) == ("sts", {})
    assert lab.send("GET", f"/?{request.query}".replace("GetCaller", "GetOther"))[0] == 403
