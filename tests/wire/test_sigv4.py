"""The verifier against botocore.auth: it accepts what botocore signs, and nothing that was changed afterwards."""

from __future__ import annotations

import calendar
import time
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from opengwlb.wire.errors import AwsError
from opengwlb.wire.identity import Authenticator, Identity
from opengwlb.wire.sigv4 import Credential, HttpRequest

KEY, SECRET, ACCOUNT = "AKIAEXAMPLE000000001", "some/secret+key", "111122223333"
TOKEN_KEY, TOKEN = "ASIAEXAMPLE000000002", "token+/="
KNOWN = {
    KEY: Credential(access_key=KEY, secret=SECRET, account=ACCOUNT),
    TOKEN_KEY: Credential(access_key=TOKEN_KEY, secret=SECRET, account=ACCOUNT, session_token=TOKEN),
}
BODY = b"Action=DescribeVpcs&Version=2016-11-15"


def signed(
    *,
    method: str = "POST",
    url: str = "http://127.0.0.1:4566/",
    body: bytes = BODY,
    key: str = KEY,
    secret: str = SECRET,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    presign: bool = False,
    service: str = "ec2",
) -> HttpRequest:
    """Signed by botocore, as a server receives it."""
    sent = AWSRequest(method=method, url=url, data=body, headers=headers or {})
    credentials = Credentials(key, secret, token)
    signer = SigV4QueryAuth if presign else SigV4Auth
    signer(credentials, service, "ap-northeast-2").add_auth(sent)
    parts = urlsplit(sent.url)
    received = {"host": parts.netloc} | {name.lower(): value for name, value in sent.headers.items()}
    return HttpRequest(
        method=method,
        path=parts.path,
        query=parts.query,
        headers=tuple(
            (name, value.decode() if isinstance(value, bytes) else value) for name, value in received.items()
        ),
        body=body,
    )


def check(request: HttpRequest, *, now: float | None = None, service: str | None = None) -> Identity:
    authenticator = Authenticator(
        credentials=KNOWN.get,
        auth="sigv4",
        clock=lambda: time.time() if now is None else now,
        default_account="1",
        default_region="r",
    )
    return authenticator.authenticate(request, service=service)


def refused(request: HttpRequest, *, now: float | None = None) -> tuple[str, int]:
    with pytest.raises(AwsError) as caught:
        check(request, now=now)
    return caught.value.code, caught.value.status


def with_header(request: HttpRequest, name: str, value: str | None) -> HttpRequest:
    others = tuple(header for header in request.headers if header[0] != name)
    return replace(request, headers=others if value is None else (*others, (name, value)))


def test_what_botocore_signs_is_accepted_with_account_and_region() -> None:
    expected = Identity(access_key=KEY, account=ACCOUNT, region="ap-northeast-2", service="ec2")
    assert check(signed()) == expected
    assert check(signed(body=b"")) == expected
    assert check(signed(method="GET", body=b"", presign=True)) == expected
    assert check(signed(headers={"X-Odd": "  two   spaces ", "Content-Type": "text/plain"})) == expected
    assert check(signed(key=TOKEN_KEY, token=TOKEN)).account == ACCOUNT
    assert check(signed(method="GET", body=b"", key=TOKEN_KEY, token=TOKEN, presign=True)).account == ACCOUNT


@settings(max_examples=200, deadline=None)
@given(
    path=st.lists(st.sampled_from(["a", "b%20c", "..", ".", "", "~x", "%2F", "i-0ab", "a+b", "e=f"]), max_size=5),
    query=st.lists(st.sampled_from(["a=1", "b=%20x", "a=0", "z", "B=2", "c=%ED%95%9C", "d="]), max_size=4),
    body=st.binary(max_size=20),
)
def test_any_path_query_and_body_is_accepted_as_botocore_signs_it(
    path: list[str], query: list[str], body: bytes
) -> None:
    url = f"http://127.0.0.1:4566/{'/'.join(path)}" + (f"?{'&'.join(query)}" if query else "")
    assert check(signed(url=url, body=body)).account == ACCOUNT


def test_a_change_of_any_signed_part_is_refused() -> None:
    good = signed(url="http://127.0.0.1:4566/x?a=1", headers={"X-Amz-Target": "Op"})
    mismatch = ("SignatureDoesNotMatch", 403)
    authorization = good.header("authorization") or ""
    assert check(good)
    for changed in (
        replace(good, method="PUT"),
        replace(good, path="/y"),
        replace(good, query="a=2"),
        replace(good, query=""),
        replace(good, body=BODY + b"x"),
        replace(good, headers=(*good.headers, ("host", "evil"))),
        with_header(good, "host", "127.0.0.1:4567"),
        with_header(good, "x-amz-target", "Other"),
        with_header(good, "x-amz-target", None),
        with_header(good, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        with_header(good, "authorization", authorization.replace("ap-northeast-2", "us-east-1")),
        with_header(good, "authorization", authorization.replace("/ec2/", "/sts/")),
        with_header(good, "authorization", authorization.replace("host;", "")),
        with_header(good, "authorization", authorization[:-1] + ("0" if authorization[-1] != "0" else "1")),
        with_header(good, "authorization", authorization.replace(";x-amz-target", "")),
    ):
        assert changed != good
        assert refused(changed) == mismatch, changed
    assert refused(signed(secret="another")) == mismatch
    stamp = good.header("x-amz-date") or ""
    assert refused(with_header(good, "x-amz-date", stamp[:-3] + ("00Z" if stamp[-3:] != "00Z" else "01Z"))) == mismatch


def test_a_presigned_url_is_refused_when_changed_or_over() -> None:
    good = signed(method="GET", body=b"", url="http://127.0.0.1:4566/?Action=X", presign=True)
    assert check(good)
    assert refused(replace(good, query=good.query.replace("Action=X", "Action=Y")))[0] == "SignatureDoesNotMatch"
    assert (
        refused(replace(good, query=good.query.replace("Expires=3600", "Expires=9999")))[0] == "SignatureDoesNotMatch"
    )
    assert check(good, now=time.time() + 3500)
    assert refused(good, now=time.time() + 3700)[0] == "SignatureDoesNotMatch"
    assert (
        refused(replace(good, query=good.query.replace("Expires=3600", "Expires=9999999")))[0] == "IncompleteSignature"
    )


def test_an_old_or_early_signature_is_refused_and_five_minutes_are_allowed() -> None:
    good = signed()
    stamp = calendar.timegm(time.strptime(good.header("x-amz-date") or "", "%Y%m%dT%H%M%SZ"))
    for off in (-300, 0, 300):
        assert check(good, now=stamp + off)
    for off in (-302, 302):
        with pytest.raises(AwsError, match=r"Signature (expired|not yet current)"):
            check(good, now=stamp + off)


def test_unknown_keys_and_wrong_session_tokens_are_refused() -> None:
    invalid = ("InvalidClientTokenId", 403)
    assert refused(signed(key="AKIANOBODY")) == invalid
    assert refused(signed(key=TOKEN_KEY)) == invalid
    assert refused(signed(key=TOKEN_KEY, token="other")) == invalid
    assert refused(signed(token=TOKEN)) == invalid


def test_a_missing_or_broken_authorization_is_named() -> None:
    good = signed()
    assert refused(with_header(good, "authorization", None)) == ("MissingAuthenticationToken", 403)
    for value in (
        "",
        "Basic abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA256 ,,,=,",
        "\xff",
    ):
        assert refused(with_header(good, "authorization", value)) == ("IncompleteSignature", 400), value
    assert refused(with_header(good, "x-amz-date", None)) == ("IncompleteSignature", 400)
    assert refused(with_header(good, "x-amz-date", "today")) == ("IncompleteSignature", 400)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
def test_garbage_in_the_headers_is_an_aws_error(authorization: str, date: str) -> None:
    request = with_header(
        with_header(signed(), "authorization", f"AWS4-HMAC-SHA256 {authorization}"), "x-amz-date", date
    )
    assert refused(request)[1] in (400, 403)


def test_a_signature_for_another_service_is_refused_where_one_is_wanted() -> None:
    assert check(signed(service="gwlb"), service="gwlb").service == "gwlb"
    with pytest.raises(AwsError, match="correct service: 'gwlb'"):
        check(signed(), service="gwlb")
