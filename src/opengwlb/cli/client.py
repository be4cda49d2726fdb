"""Signed requests to what the server offers besides AWS's API (`/_gwlb/v1/…`): accounts, flows, drops, walks."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode

from . import credentials, lab
from .refusal import Refusal

SERVICE = "gwlb"
"""The service name that requests to the read API are signed for."""
PIECE = 1 << 16
"""Bytes of a streamed answer that are handed on at once, at most."""


class Answered(Refusal):
    """The server refused; `code` is AWS's or IAM's word for why, or the HTTP status."""

    def __init__(self, sentence: str, *, code: str) -> None:
        super().__init__(sentence)
        self.code = code


class Client:
    """JSON in, JSON out, signed as one account."""

    def __init__(self, endpoint: str, *, access_key: str, secret_key: str, region: str = lab.DEFAULT_REGION) -> None:
        self.endpoint = endpoint
        self._access_key, self._secret_key, self._region = access_key, secret_key, region

    def get(self, path: str, **query: str | int | None) -> Any:
        """`get("flows", limit=10)` is `GET /_gwlb/v1/flows?limit=10`; None is left out."""
        return self._call("GET", path, query=_given(query))

    def stream(self, path: str, **query: str | int | None) -> Iterator[bytes]:
        """The same answer as it comes, in pieces."""
        return self.download(path, query, timeout_s=60)

    def download(self, path: str, query: Mapping[str, str | int | None], *, timeout_s: float) -> Iterator[bytes]:
        """The same; `timeout_s` is for the silence between two pieces."""
        with self._opened("GET", path, query=_given(query), body=b"", timeout_s=timeout_s) as answer:
            while piece := answer.read1(PIECE):
                yield piece

    def post(self, path: str, body: Mapping[str, Any], *, timeout_s: float = 60) -> Any:
        return self._call("POST", path, body=json.dumps(body).encode(), timeout_s=timeout_s)

    def delete(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        return self._call("DELETE", path, query=query)

    def lines(self, path: str, body: Mapping[str, Any], *, timeout_s: float) -> Iterator[dict[str, Any]]:
        """A POST that is answered with one JSON object a line, each as it comes. `timeout_s` is for the silence between two."""
        url = f"{self.endpoint}/_gwlb/v1/{quote(path)}"
        data = json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=self._signed("POST", url, data), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                for line in answer:
                    yield json.loads(line)
        except urllib.error.HTTPError as error:
            raise _answered(error) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Refusal(f"The server at {self.endpoint} does not answer ({reason}): its log says more.") from error

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        timeout_s: float = 60,
    ) -> Any:
        with self._opened(method, path, query=query, body=body, timeout_s=timeout_s) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    @contextlib.contextmanager
    def _opened(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | Sequence[tuple[str, str]],
        body: bytes,
        timeout_s: float,
    ) -> Iterator[HTTPResponse]:
        url = f"{self.endpoint}/_gwlb/v1/{quote(path)}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        request = urllib.request.Request(url, data=body or None, headers=self._signed(method, url, body), method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            raise _answered(error) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Refusal(
                f"The server at {self.endpoint} does not answer ({reason}): `gwlb status` and its log say more."
            ) from error

    def _signed(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request. botocore is loaded for it here: `gwlb --help` and `gwlb env` sign nothing."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        signed = AWSRequest(method, url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(Credentials(self._access_key, self._secret_key), SERVICE, self._region).add_auth(signed)
        return dict(signed.headers)


def _given(query: Mapping[str, str | int | None]) -> dict[str, str]:
    return {key: str(value) for key, value in query.items() if value is not None}


def _answered(error: urllib.error.HTTPError) -> Answered:
    said = error.read()
    try:
        answer = json.loads(said)
        return Answered(f"{answer['code']}: {answer['message']}", code=answer["code"])
    except (ValueError, KeyError, TypeError):
        words = said[:200].decode(errors="replace") or error.reason
        return Answered(f"The server answered {error.code}: {words}", code=str(error.code))


def operator(name: str) -> Client:
    """A client with the operator's key, for the running server of this name."""
    return as_account(name, account=credentials.OPERATOR)


def as_account(name: str, *, account: str) -> Client:
    server = lab.require_running(name)
    key = credentials.profile(lab.data_dir_of(name), name=account)
    return Client(server.endpoint, access_key=key.access_key, secret_key=key.secret_key)
