"""A client that costs little: one kept connection, form requests signed with a few hashes, answers left as bytes."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

VERSIONS = {"ec2": "2016-11-15", "elasticloadbalancing": "2015-12-01", "sts": "2011-06-15"}
"""By signing name."""


@lru_cache(maxsize=64)
def _key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class Refused(Exception):
    """Answered with an error: status and body."""


class Client:
    def __init__(self, port: int, *, access_key: str, secret: str, region: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._host = f"127.0.0.1:{port}"
        self._access_key, self._secret, self._region = access_key, secret, region

    def call(self, service: str, action: str, **parameters: str) -> str:
        """The body of the answer. Keys are as on the wire, with `__` for a dot: `Filter__1__Name`. Raises Refused."""
        status, body = self.ask(service, {"Action": action, "Version": VERSIONS[service]} | _dotted(parameters))
        if status != 200:
            raise Refused(f"{action}: {status} {body[:600]}")
        return body

    def ask(self, service: str, fields: Mapping[str, str]) -> tuple[int, str]:
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()
        self._connection.request("POST", "/", body=body, headers=self._headers(service, body))
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def close(self) -> None:
        self._connection.close()

    def _headers(self, service: str, body: bytes) -> dict[str, str]:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        date = stamp[:8]
        kind = "application/x-www-form-urlencoded"
        canonical = (
            f"POST\n/\n\ncontent-type:{kind}\nhost:{self._host}\nx-amz-date:{stamp}\n\n"
            f"content-type;host;x-amz-date\n{hashlib.sha256(body).hexdigest()}"
        )
        scope = f"{date}/{self._region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = _key(self._secret, date, self._region, service)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": kind,
            "X-Amz-Date": stamp,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={self._access_key}/{scope}, "
            f"SignedHeaders=content-type;host;x-amz-date, Signature={signature}",
        }


def _dotted(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("__", "."): value for name, value in parameters.items()}


def found(body: str, tag: str) -> str:
    """The text of the first element of this name."""
    start = body.index(f"<{tag}>") + len(tag) + 2
    return body[start : body.index("<", start)]
