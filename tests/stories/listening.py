"""A listener to the event stream, that speaks HTTP as a browser's EventSource does."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "ap-northeast-2"


@dataclass(frozen=True, kw_only=True)
class Event:
    name: str
    data: Any
    id: int | None
    """That of this event, None when it carried none."""


class Listener:
    """`last_id` is what an EventSource would send when it connects again."""

    def __init__(self, endpoint: str, key: tuple[str, str], *, timeout_s: float = 20.0) -> None:
        self._endpoint, self._key, self._timeout_s = endpoint, key, timeout_s
        self.last_id: int | None = None

    def events(self, *, since: int | None = None) -> Iterator[Event]:
        """Until the server ends it; an id alone only moves `last_id`. Raises OSError after a silence of `timeout_s`."""
        query = "" if since is None else "?" + urlencode({"since": since})
        headers = {} if self.last_id is None else {"Last-Event-ID": str(self.last_id)}
        with urllib.request.urlopen(self._signed(f"stream{query}", headers), timeout=self._timeout_s) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            for line in answer:
                text = line.decode().rstrip("\n")
                if text and not text.startswith(":"):
                    name, _, value = text.partition(": ")
                    fields[name] = value
                elif not text:
                    number = int(fields["id"]) if "id" in fields else None
                    self.last_id = self.last_id if number is None else number
                    if "data" in fields:
                        yield Event(name=fields["event"], data=json.loads(fields["data"]), id=number)
                    fields = {}

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self._signed(path, {}), timeout=self._timeout_s) as answer:
            return json.loads(answer.read())

    def _signed(self, path: str, headers: dict[str, str]) -> urllib.request.Request:
        url = f"{self._endpoint}/_gwlb/v1/{path}"
        request = AWSRequest("GET", url)
        SigV4Auth(Credentials(*self._key), "gwlb", REGION).add_auth(request)
        return urllib.request.Request(url, headers={**dict(request.headers), **headers})
