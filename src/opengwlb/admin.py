"""The server's own HTTP calls that AWS has no counterpart for: accounts, status, health, and the test hook.

Accounts and status need the operator's key; health needs none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from opengwlb import admin_accounts
from opengwlb.api import accounts
from opengwlb.api.reset import reset
from opengwlb.cli import credentials
from opengwlb.store.protocol import Store
from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError

log = logging.getLogger(__name__)

OPERATOR_ACCOUNT = "123456789012"
"""The default account: who holds its key operates the server."""

Authenticate = Callable[[Request, bytes], str]
"""(request, body) -> the account that signed it; raises AwsError."""


def first_start(store: Store, *, data_dir: Path, region: str) -> bool:
    """Make the operator's account and write DIR/credentials; True when it did, False when they were there."""
    found = [account for account, _ in accounts.list_accounts(store) if account.id == OPERATOR_ACCOUNT]
    made = not found
    operator = (
        found[0] if found else accounts.create_account(store, name=credentials.OPERATOR, account_id=OPERATOR_ACCOUNT)[0]
    )
    # Written again each time: a file lost or half-written by a crash heals.
    for account, _ in accounts.list_accounts(store):
        admin_accounts.write_profile(store, account, data_dir=data_dir, region=region)
    admin_accounts.write_profile(store, operator, data_dir=data_dir, region=region, name="default")
    return made


def operator_only_by(
    authenticate: Authenticate,
) -> Callable[[Callable[[Request, bytes], Any]], Callable[[Request], Any]]:
    """Wraps `work(request, body)`, whose answer becomes JSON, so that only the operator's key reaches it."""

    def operator_only(work: Callable[[Request, bytes], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await read_body(request)
                if authenticate(request, body) != OPERATOR_ACCOUNT:
                    raise AwsError("AccessDenied", "This needs the operator's key: use --profile operator.", status=403)
                return JSONResponse(await run_in_threadpool(work, request, body))
            except AwsError as error:
                return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)

        return endpoint

    return operator_only


def routes(
    *,
    store: Store,
    data_dir: Path,
    region: str,
    authenticate: Authenticate,
    status: Callable[[], dict[str, Any]],
    health: Callable[[], dict[str, str]],
    test_hooks: bool,
    forget: Callable[[str | None], None] = lambda account: None,
) -> list[Route]:
    """`health()` maps each reconciler that is in trouble to its error; empty is healthy. `forget(account)` deletes what is kept of an
    account beside the objects, of all of them when None."""
    operator_only = operator_only_by(authenticate)

    async def healthy(request: Request) -> Response:
        troubles = health()
        return JSONResponse(
            {"status": "in trouble" if troubles else "ok", "troubles": troubles},
            status_code=503 if troubles else 200,
        )

    async def start_over(request: Request) -> Response:
        await run_in_threadpool(reset, store)
        await run_in_threadpool(forget, None)
        return JSONResponse({"status": "ok"})

    found = [
        Route("/_gwlb/health", healthy),
        *admin_accounts.routes(
            store=store,
            data_dir=data_dir,
            region=region,
            operator_only=operator_only,
            operator=OPERATOR_ACCOUNT,
            forget=forget,
        ),
        Route("/_gwlb/v1/status", operator_only(lambda request, body: status()), methods=["GET"]),
    ]
    if test_hooks:
        found.append(Route("/moto-api/reset", start_over, methods=["POST"]))
    return found
