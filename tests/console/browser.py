"""What a browser does with the console: keeps cookies, says where a request comes from, chooses an account."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx2

from opengwlb.cli.credentials import Profile

SESSION = "/console/api/session"
PAGE = {"sec-fetch-site": "same-origin", "x-gwlb-console": "1"}
"""What the console's own pages send with each request."""


class Browser:
    def __init__(self, endpoint: str) -> None:
        self.http = httpx2.Client(base_url=endpoint, timeout=30)
        self.account = ""
        """The chosen one."""

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def ask(self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """As a page asks, unless `headers` say otherwise; None takes one away."""
        sent = PAGE | ({"x-gwlb-account": self.account} if self.account else {}) | (headers or {})
        sent = {name: value for name, value in sent.items() if value}
        return self.http.request(method, path, json=body, headers=sent)

    def log_in(self, profile: Profile, *, secret: str | None = None) -> Any:
        """The answer; the account that was entered is the chosen one."""
        asked = {"access_key": profile.access_key, "secret_key": profile.secret_key if secret is None else secret}
        answer = self.ask("POST", SESSION, body=asked)
        if answer.status_code == 200:
            found = [each for each in answer.json()["accounts"] if each["access_key"] == profile.access_key]
            self.account = found[0]["account"]
        return answer

    def aws(self, service: str, operation: str, parameters: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.ask("POST", f"/console/api/aws/{service}/{operation}", body=parameters or {}, headers=headers)
