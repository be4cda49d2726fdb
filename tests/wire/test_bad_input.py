"""What a hostile or broken client sends, over raw sockets, to a real server: AWS's error, nothing changed, no stack trace, and nobody else
is held up."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.stories.server import REGION, Server

from opengwlb.cli import credentials

EC2 = "2016-11-15"
FORM = "application/x-www-form-urlencoded"
QUICK_S = 2.0
"""What the server may take over anything here, on a busy machine."""


class Lab:
    def __init__(self, directory: Path) -> None:
        self.server = Server(
            name=f"bad{os.getpid() % 10000}", data_dir=directory / "data", options=("--data-plane", "none")
        )
        self.server.start()

    def send(self, data: bytes, *, timeout_s: float = 20.0) -> bytes:
        """What comes back until the server closes, or says no more."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=timeout_s) as sock:
            with contextlib.suppress(OSError):  # closed in the middle of it, having said why
                sock.sendall(data)
            return received(sock)

    def request(
        self,
        body: bytes,
        *,
        account: str = "operator",
        service: str = "ec2",
        at: datetime | None = None,
        **headers: str,
    ) -> bytes:
        """A signed request as bytes, as of a moment."""
        profile = credentials.profile(self.server.data_dir, name=account)
        return self.signed(body, Credentials(profile.access_key, profile.secret_key), service=service, at=at, **headers)

    def signed(
        self, body: bytes, keys: Credentials, *, service: str = "ec2", at: datetime | None = None, **headers: str
    ) -> bytes:
        given = {"Content-Type": FORM, "Host": f"127.0.0.1:{self.server.port}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        asked = AWSRequest("POST", f"http://127.0.0.1:{self.server.port}/", data=body, headers=given)
        signer = SigV4Auth(keys, service, REGION)
        if at is None:
            signer.add_auth(asked)
        else:
            asked.context["timestamp"] = f"{at:%Y%m%dT%H%M%SZ}"
            asked.headers["X-Amz-Date"] = asked.context["timestamp"]
            text = signer.string_to_sign(asked, signer.canonical_request(asked))
            signer._inject_signature_to_request(asked, signer.signature(text, asked))
        lines = [f"{name}: {value}" for name, value in asked.headers.items() if name.lower() != "content-length"]
        head = "\r\n".join(["POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
        return head.encode() + body

    def ask(self, fields: dict[str, str], **more: Any) -> tuple[int, str]:
        return parsed(self.send(self.request(urlencode({"Version": EC2, **fields}).encode(), **more)))

    def objects(self) -> str:
        """What there is, without what differs in each answer."""
        every = [
            self.ask({"Action": action})[1] for action in ("DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups")
        ]
        return re.sub(r"<requestId>.*?</requestId>", "", "".join(every))


def received(sock: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def parsed(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(None, 2)[1]), body.decode()


def code(body: str) -> str:
    found = re.search(r"<Code>(.*?)</Code>", body)
    return found[1] if found else ""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("bad-input"))
    yield made
    made.server.down()


@pytest.fixture(autouse=True)
def nothing_changes_and_nobody_trips(lab: Lab) -> Iterator[None]:
    before = lab.objects()
    yield
    start = time.monotonic()
    assert lab.objects() == before
    assert time.monotonic() - start < 3 * QUICK_S
    log = lab.server.log.read_text()
    assert "Traceback" not in log, log[-3000:]


def test_a_body_of_ten_megabytes_is_refused_unread(lab: Lab):
    status, body = parsed(lab.send(lab.request(b"Action=DescribeVpcs&Version=2016-11-15&X=" + b"a" * 10_000_000)))
    assert (status, code(body)) == (413, "RequestEntityTooLarge")


def test_ten_megabytes_in_chunks_are_refused_as_soon_as_they_are_too_many(lab: Lab):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    assert parsed(lab.send(head + chunk * 160 + b"0\r\n\r\n"))[0] == 413


def test_a_small_body_that_unpacks_to_ten_megabytes_is_refused(lab: Lab):
    packed = gzip.compress(b"Action=DescribeVpcs&Version=2016-11-15&X=" + b"a" * 10_000_000)
    status, body = parsed(lab.send(lab.request(packed, Content_Encoding="gzip")))
    assert (status, code(body)) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\xff\xfe" * 100,
        b"%%%=%zz&&&===",
        b"<xml><a></xml>",
        b"{",
        b"\xa1\x61",
        b"Action=%ff%fe&Version=2016-11-15",
    ],
    ids=["nothing", "bytes", "percents", "xml", "json", "cbor", "no UTF-8"],
)
def test_a_body_that_is_no_form_gets_a_client_error(lab: Lab, body: bytes):
    status, text = parsed(lab.send(lab.request(body)))
    assert 400 <= status < 500 and code(text)


@pytest.mark.parametrize("kind", ["text/xml", "application/cbor", "application/json", "nonsense", ""])
def test_a_wrong_content_type_changes_nothing_about_a_form(lab: Lab, kind: str):
    status, _ = parsed(lab.send(lab.request(b"Action=DescribeVpcs&Version=2016-11-15", Content_Type=kind)))
    assert status == 200 or 400 <= status < 500


@pytest.mark.parametrize(
    "name",
    [
        "Filter.1." + "Value.1." * 20_000 + "X",
        "Filter." + "." * 100_000,
        "Filter.999999999999999999999.Name",
        "Filter.1000000000.Name",
        "Filter.-1.Name",
        "TagSpecification.1.Tag.1.Key.Tag.1.Key",
        "VpcId" + ".1" * 50_000,
    ],
    ids=["deep", "dots", "astronomic", "a billion", "negative", "beyond a leaf", "list of lists"],
)
def test_nested_and_numbered_names_cost_no_more_than_they_are_long(lab: Lab, name: str):
    start = time.monotonic()
    status, body = lab.ask({"Action": "DescribeVpcs", name: "x"})
    assert status == 200 or (400 <= status < 500 and code(body))
    assert time.monotonic() - start < QUICK_S


def test_a_list_of_tens_of_thousands_is_answered_or_refused_quickly(lab: Lab):
    start = time.monotonic()
    fields = {f"VpcId.{number}": f"vpc-{number:017x}" for number in range(1, 20_000)}
    status, body = lab.ask({"Action": "DescribeVpcs", **fields})
    assert 400 <= status < 500 and code(body)
    assert time.monotonic() - start < QUICK_S


def test_wildcards_do_not_explode(lab: Lab):
    start = time.monotonic()
    pattern = "*a" * 100 + "*b"
    status, body = lab.ask(
        {"Action": "DescribeSecurityGroups", "Filter.1.Name": "description", "Filter.1.Value.1": pattern}
    )
    assert status == 200 and "<item>" not in body
    long = "a" * 200
    vpc = re.search(r"<vpcId>(.*?)<", lab.ask({"Action": "DescribeVpcs"})[1])
    assert vpc
    made = lab.ask(
        {"Action": "CreateSecurityGroup", "GroupName": "wild", "GroupDescription": long, "VpcId": vpc[1]}
    )  # fmt: skip
    group = re.search(r"<groupId>(.*?)<", made[1])
    assert group, made
    try:
        status, body = lab.ask(
            {"Action": "DescribeSecurityGroups", "Filter.1.Name": "description", "Filter.1.Value.1": pattern}
        )
        assert status == 200 and group[1] not in body
        status, body = lab.ask(
            {"Action": "DescribeSecurityGroups", "Filter.1.Name": "description", "Filter.1.Value.1": "*a" * 100}
        )
        assert status == 200 and group[1] in body
        assert time.monotonic() - start < 3 * QUICK_S
    finally:
        lab.ask({"Action": "DeleteSecurityGroup", "GroupId": group[1]})


def test_a_replayed_request_with_another_body_is_refused(lab: Lab):
    request = lab.request(urlencode({"Action": "DescribeVpcs", "Version": EC2}).encode())
    status, body = parsed(lab.send(request.replace(b"DescribeVpcs", b"DescribeVpcz")))
    assert (status, code(body)) == (403, "SignatureDoesNotMatch") or code(body) == "AuthFailure"


@pytest.mark.parametrize("minutes", [-16, 16], ids=["replayed a quarter of an hour later", "from the future"])
def test_a_skewed_signature_is_refused(lab: Lab, minutes: int):
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    status, body = lab.ask({"Action": "CreateVpc", "CidrBlock": "10.0.0.0/16"}, at=at)
    assert 400 <= status <= 403 and code(body) in ("SignatureDoesNotMatch", "RequestExpired", "AuthFailure")


def test_a_signature_of_another_secret_or_service_is_refused(lab: Lab):
    body = urlencode({"Action": "CreateVpc", "CidrBlock": "10.0.0.0/16", "Version": EC2}).encode()
    profile = credentials.profile(lab.server.data_dir, name="operator")
    for keys in (Credentials(profile.access_key, "wrong"), Credentials("AKIAUNKNOWNUNKNOWN00", "wrong")):
        status, text = parsed(lab.send(lab.signed(body, keys)))
        assert status in (401, 403) and code(text)
    status, text = parsed(lab.send(lab.request(body, service="s3")))
    assert 400 <= status < 500 and code(text)


def test_conflicting_writes_in_parallel_end_as_if_one_came_after_the_other(lab: Lab):
    vpc = re.search(r"<vpcId>(.*?)<", lab.ask({"Action": "CreateVpc", "CidrBlock": "10.77.0.0/16"})[1])
    assert vpc
    try:
        with ThreadPoolExecutor(8) as pool:
            fields = {"Action": "CreateSubnet", "VpcId": vpc[1], "CidrBlock": "10.77.1.0/24"}
            answers = list(pool.map(lambda _: lab.ask(fields), range(8)))
        assert sorted(status for status, _ in answers) == [200, *[400] * 7]
        assert {code(body) for status, body in answers if status == 400} == {"InvalidSubnet.Conflict"}
        subnet = re.search(r"<subnetId>(.*?)<", next(body for status, body in answers if status == 200))
        assert subnet
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: lab.ask({"Action": "DeleteSubnet", "SubnetId": subnet[1]}), range(8)))
        assert sorted(status for status, _ in answers) == [200, *[400] * 7]
        assert {code(body) for status, body in answers if status == 400} == {"InvalidSubnetID.NotFound"}
    finally:
        lab.ask({"Action": "DeleteVpc", "VpcId": vpc[1]})


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"GET /\r\n\r\n",
        os.urandom(4096),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=[
        "TLS", "HTTP/0.9", "noise", "negative length", "endless length", "two lengths", "a megabyte of header",
        "20,000 headers", "less than announced", "no such method",
    ],
)  # fmt: skip
def test_what_is_no_request_ends_with_its_connection(lab: Lab, data: bytes):
    answer = lab.send(data, timeout_s=0.5)
    assert not answer or re.match(rb"HTTP/1\.1 (4\d\d|501)", answer), answer[:200]


def test_clients_that_send_nothing_more_hold_nobody_up(lab: Lab):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nAction="
    idle = [socket.create_connection(("127.0.0.1", lab.server.port)) for _ in range(200)]
    try:
        for sock in idle:
            sock.sendall(head)
        start = time.monotonic()
        assert lab.ask({"Action": "DescribeVpcs"})[0] == 200
        assert time.monotonic() - start < QUICK_S
    finally:
        for sock in idle:
            sock.close()


def test_keys_of_a_deleted_account_open_nothing(lab: Lab):
    lab.server.account("gone")
    profile = credentials.profile(lab.server.data_dir, name="gone")
    keys = Credentials(profile.access_key, profile.secret_key)
    body = urlencode({"Action": "DescribeVpcs", "Version": EC2}).encode()
    assert parsed(lab.send(lab.signed(body, keys)))[0] == 200
    lab.server.gwlb("account", "delete", "gone", check=False)
    status, text = parsed(lab.send(lab.signed(body, keys)))
    if status == 200:
        pytest.skip("accounts cannot be deleted")
    assert (status, code(text)) in [(401, "AuthFailure"), (403, "InvalidClientTokenId")]


def test_a_storm_of_broken_requests_from_many_threads_leaves_the_server_well(lab: Lab):
    requests = [lab.request(os.urandom(200)) for _ in range(20)]
    stop = time.monotonic() + 2

    def storm(number: int) -> int:
        count = 0
        while time.monotonic() < stop:
            assert 400 <= parsed(lab.send(requests[(number + count) % len(requests)]))[0] < 500
            count += 1
        return count

    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(storm(n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(found)
