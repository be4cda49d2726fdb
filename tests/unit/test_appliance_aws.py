"""The SDK's way to AWS without boto3."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from opengwlb_appliance import aws

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIVEN = aws.Credentials(access_key="ASIAEXAMPLE", secret="s+/ecret", token="to/ken==")


def test_it_signs_as_botocore_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: NOW.replace(tzinfo=None), raising=False)
    url, body, headers = (
        "https://ec2.ap-northeast-2.amazonaws.com/",
        b"Action=DescribeVpcs&Version=2016-11-15",
        {"Content-Type": "a/b; c"},
    )
    request = AWSRequest(
        method="POST", url=url, data=body, headers={**headers, "Host": "ec2.ap-northeast-2.amazonaws.com"}
    )
    auth.SigV4Auth(BotocoreCredentials(GIVEN.access_key, GIVEN.secret, GIVEN.token), "ec2", "ap-northeast-2").add_auth(
        request
    )
    ours = aws.sign(url, headers, body, credentials=GIVEN, region="ap-northeast-2", service="ec2", now=NOW)
    assert request.headers["X-Amz-Date"] == ours["X-Amz-Date"]
    assert request.headers["Authorization"] == ours["Authorization"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            b'<?xml version="1.0"?><Response><Errors><Error><Code>A.B</Code><Message>m</Message></Error></Errors></Response>',
            "A.B",
        ),
        (b'<ErrorResponse xmlns="urn:x"><Error><Code>C</Code><Message>m</Message></Error></ErrorResponse>', "C"),
        (b'{"__type": "D", "message": "m"}', "D"),
        (b"<html", "Unknown"),
    ],
)
def test_refusals_of_every_protocol_become_one_error(body: bytes, code: str) -> None:
    assert aws._refusal(body).code == code


def test_credentials_are_kept_until_shortly_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    now = [datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()]

    def get(self: Any, path: str) -> str:
        asked.append(path)
        if path.endswith("/"):
            return "fw"
        return '{"Code": "Success", "AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c", "Expiration": "2026-11-23T18:00:00Z"}'

    monkeypatch.setattr(aws.Metadata, "get", get)
    monkeypatch.setattr(aws.time, "time", lambda: now[0])
    metadata = aws.Metadata()
    assert metadata.credentials() is metadata.credentials() and len(asked) == 2
    now[0] += 6 * 3600 - aws.RENEW_S + 1
    metadata.credentials()
    assert len(asked) == 4
