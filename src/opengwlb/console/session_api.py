"""`/console/api/session`: logging in, looking who is logged in, entering another account as the operator, logging out."""

from __future__ import annotations

import asyncio
import hmac
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opengwlb.api import accounts
from opengwlb.api.common.zones import region_names
from opengwlb.model.account import AccessKey, Account
from opengwlb.store.protocol import Store
from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError
from opengwlb.wire.limits import Limits
from opengwlb.wire.sigv4 import Credential, UnknownKey

from . import sessions
from .answers import LoginAsked, SessionState, SignedIn, SwitchAsked
from .http import as_json, asked, endpoint
from .visitors import Visitors, cookie, require_own_page

PATH = "/console/api/session"
LOGINS_PER_S = 5.0
"""Of one address, wrong or right; a burst of ten seconds' worth passes."""
WRONG_S = 1.0
"""A wrong login is answered this late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What every page shows of the server."""

    operator: str
    """The account that may enter every other."""
    default_region: str
    data_plane: Literal["kernel", "none"]
    auth: Literal["sigv4", "off"]


def routes(*, store: Store, visitors: Visitors, about: About, clock: Callable[[], float]) -> list[Route]:
    calls = _SessionCalls(store=store, visitors=visitors, about=about, clock=clock)
    return [
        Route(PATH, endpoint(calls.look), methods=["GET"]),
        Route(PATH, endpoint(calls.log_in), methods=["POST"]),
        Route(PATH, endpoint(calls.log_out), methods=["DELETE"]),
        Route(f"{PATH}/switch", endpoint(calls.switch), methods=["POST"]),
    ]


class _SessionCalls:
    def __init__(self, *, store: Store, visitors: Visitors, about: About, clock: Callable[[], float]) -> None:
        self._store = store
        self._visitors = visitors
        self._about = about
        self._clock = clock
        self._logins = Limits(rate=LOGINS_PER_S)

    async def look(self, request: Request) -> Response:
        require_own_page(request)
        return await self._answer(self._visitors.logged_in(request))

    async def log_in(self, request: Request) -> Response:
        require_own_page(request)
        address = request.client.host if request.client else ""
        if not self._logins.allow(address, now=self._clock()):
            raise AwsError("Throttling", "Too many logins from this address: wait a moment.", status=429)
        want = asked(await read_body(request), kind=LoginAsked)
        try:
            credential = self._proven(want)
        except AwsError:
            await asyncio.sleep(WRONG_S)
            raise
        return await self._entered(request, credential)

    async def switch(self, request: Request) -> Response:
        require_own_page(request)
        want = asked(await read_body(request), kind=SwitchAsked)
        if self._about.operator not in self._visitors.logged_in(request):
            raise AwsError("AccessDenied", "Only the operator's session may enter another account.", status=403)
        found = accounts.find_account(self._store, name_or_id=want.account)
        keys = (key for key in self._store.snapshot().values(AccessKey) if key.account == found.id and key.active)
        key = next(keys, None)
        if key is None:
            raise AwsError("NoSuchEntity", f"The account {want.account} has no active access key.", status=404)
        return await self._entered(request, Credential(access_key=key.id, secret=key.secret, account=key.account))

    async def log_out(self, request: Request) -> Response:
        require_own_page(request)
        leaving = request.query_params.get("account")
        staying = self._visitors.logged_in(request)
        all_of_them = [name for name in request.cookies if name.startswith(cookie(request))]
        gone = [cookie(request, leaving)] if leaving else all_of_them
        answer = await self._answer({a: c for a, c in staying.items() if cookie(request, a) not in gone})
        for name in set(gone) & request.cookies.keys():
            answer.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    def _proven(self, want: LoginAsked) -> Credential:
        """The key that a login shows to have. Raises AwsError in the words of AWS's front door."""
        if want.token:
            visitors, now_s = self._visitors, self._clock()
            access_key = sessions.login_key(want.token, secret_of=visitors.secret_of, now_s=now_s)
            if access_key is None:
                raise AwsError("ExpiredToken", "This login has ended: run `gwlb console` once more.", status=403)
        else:
            access_key = want.access_key
        credential = self._visitors.credential(access_key)
        if credential is None:
            raise UnknownKey
        right = hmac.compare_digest(credential.secret.encode(), want.secret_key.encode())
        if not (want.token or right or self._about.auth == "off"):
            raise AwsError("SignatureDoesNotMatch", "The secret access key does not belong to this key.", status=403)
        return credential

    async def _entered(self, request: Request, credential: Credential) -> Response:
        present = self._visitors.logged_in(request) | {credential.account: credential}
        answer = await self._answer(dict(sorted(present.items())))
        self._visitors.enter(request, answer, credential)
        return answer

    async def _answer(self, present: dict[str, Credential]) -> Response:
        snapshot = self._store.snapshot()
        about = self._about
        signed_in = []
        for account, credential in present.items():
            found = snapshot.get(Account, account)
            signed_in.append(
                SignedIn(
                    account=account,
                    name=found.name if found else account,
                    operator=account == about.operator,
                    access_key=credential.access_key,
                )
            )
        # The first call reads botocore's list of regions.
        regions = await run_in_threadpool(region_names)
        state = SessionState(
            accounts=tuple(signed_in),
            default_region=about.default_region,
            regions=tuple(sorted(regions)),
            data_plane=about.data_plane,
            version=importlib.metadata.version("opengwlb"),
        )
        return as_json(msgspec.json.encode(state))
