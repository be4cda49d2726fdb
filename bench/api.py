"""Requests a second of a describe call: signature, parsing, action and XML, over one kept connection."""

from __future__ import annotations

import http.client
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.stories.server import REGION, Server

from opengwlb.cli import credentials

BODY = b"Action=DescribeRouteTables&Version=2016-11-15"
SECONDS = 3.0


def rates(server: Server, *, account: str) -> tuple[float, float]:
    """(DescribeRouteTables, the bare health page) in requests a second."""
    profile = credentials.profile(server.data_dir, name=account)
    signed = AWSRequest(
        "POST",
        f"{server.endpoint}/",
        data=BODY,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Host": f"127.0.0.1:{server.port}"},
    )
    SigV4Auth(Credentials(profile.access_key, profile.secret_key), "ec2", REGION).add_auth(signed)
    describe = _rate(server.port, "POST", "/", body=BODY, headers=dict(signed.headers))
    return describe, _rate(server.port, "GET", "/_gwlb/health", body=None, headers={})


def _rate(port: int, method: str, path: str, *, body: bytes | None, headers: dict[str, str]) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    done, start = 0, time.monotonic()
    while (elapsed := time.monotonic() - start) < SECONDS:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        done += 1
    connection.close()
    return done / elapsed
