"""Who is behind a request that a browser made: the accounts of its cookies, and whether our own page asked.

A cookie comes with whatever page asks, so nothing counts that another page could have sent: see docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from opengwlb.wire.errors import AwsError
from opengwlb.wire.sigv4 import Credential

from . import sessions

COOKIE = "gwlb_session"
"""Followed by the port and the account: several accounts are logged in side by side, and a host's cookies are of all its ports."""
ACCOUNT = "x-gwlb-account"
OWN = "x-gwlb-console"
"""A header that no form and no link of another page can set."""
_LOOKING = ("GET", "HEAD")


class Visitors:
    """`credentials` finds an access key that is active; `default_account` is whose an unknown one is with `--auth off`."""

    def __init__(
        self,
        *,
        credentials: Callable[[str], Credential | None],
        auth: Literal["sigv4", "off"],
        default_account: str,
        clock: Callable[[], float],
    ) -> None:
        self._credentials = credentials
        self._auth = auth
        self._default_account = default_account
        self._clock = clock

    def credential(self, access_key: str) -> Credential | None:
        """What signs for this key; with `--auth off` every key is known, as it is to the gateway."""
        found = self._credentials(access_key)
        if found is None and self._auth == "off" and sessions.nameable(access_key):
            return Credential(access_key=access_key, secret="", account=self._default_account)
        return found

    def secret_of(self, access_key: str) -> str | None:
        found = self.credential(access_key)
        return None if found is None else found.secret

    def claims(self, request: Request) -> bool:
        """Whether it comes with a session's cookie and nothing stronger: a signature counts before it."""
        signed = "authorization" in request.headers or "X-Amz-Algorithm" in request.query_params
        return not signed and any(name.startswith(cookie(request)) for name in request.cookies)

    def logged_in(self, request: Request) -> dict[str, Credential]:
        """Account -> the key of its session. What has ended, or names another account than its key's, is left out."""
        found: dict[str, Credential] = {}
        now_s = self._clock()
        for name, value in request.cookies.items():
            if not name.startswith(cookie(request)):
                continue
            access_key = sessions.session_key(value, secret_of=self.secret_of, now_s=now_s)
            credential = None if access_key is None else self.credential(access_key)
            if credential is not None and name == cookie(request, credential.account):
                found[credential.account] = credential
        return dict(sorted(found.items()))

    def chosen(self, request: Request) -> Credential:
        """The session that the request chooses, by header or, where none can be set, by `?account=`. Raises AwsError."""
        require_own_page(request)
        account = request.headers.get(ACCOUNT) or request.query_params.get("account")
        present = self.logged_in(request)
        if account is None and len(present) == 1:
            (credential,) = present.values()
            return credential
        if account is None and present:
            raise AwsError("ValidationError", f"Several accounts are logged in: choose one by {ACCOUNT}.")
        if account not in present:
            raise AwsError("ExpiredToken", "The session of this account has ended: log in again.", status=403)
        return present[account]

    def enter(self, request: Request, response: Response, credential: Credential) -> None:
        """Give the browser a session."""
        token = sessions.session_token(credential.access_key, credential.secret, now_s=self._clock())
        response.set_cookie(
            cookie(request, credential.account),
            token,
            max_age=sessions.SESSION_S,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )


def cookie(request: Request, account: str = "") -> str:
    """The name of an account's cookie at the server that the browser asks; without an account, how they all begin."""
    port = request.url.port or {"http": 80, "https": 443}[request.url.scheme]
    return f"{COOKIE}_{port}_{account}"


def require_own_page(request: Request) -> None:
    """Refuses (AccessDenied, 403) what a page of somebody else could have made a browser send."""
    looking = request.method in _LOOKING
    if not _same_origin(request, looking=looking):
        raise AwsError("AccessDenied", "Only the console's own pages may ask this.", status=403)
    if looking:
        return
    if request.headers.get(OWN) != "1":
        raise AwsError("AccessDenied", f"A request that changes something needs the header {OWN}: 1.", status=403)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if has_body and kind != "application/json":
        raise AwsError("UnsupportedMediaType", "Send JSON, as application/json.", status=415)


def _same_origin(request: Request, *, looking: bool) -> bool:
    """By what browsers say and pages cannot forge. Another port of this machine is the same site, and another origin all the same."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin" or (looking and site == "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
