"""The server's own HTTP calls that AWS has no counterpart for: accounts, status, health, and the test hook.

Accounts and status need the operator's key; health needs none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from opengwlb.api import accounts
from opengwlb.api.reset import reset
from opengwlb.cli import credentials
from opengwlb.model.account import AccessKey, Account
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
    found = [keys for account, keys in accounts.list_accounts(store) if account.id == OPERATOR_ACCOUNT]
    if found:
        key, made = found[0][0], False
    else:
        _, key = accounts.create_account(store, name=credentials.OPERATOR, account_id=OPERATOR_ACCOUNT)
        made = True
    # Written again each time: a file lost or half-written by a crash heals.
    for account, keys in accounts.list_accounts(store):
        if keys:
            _write_profile(data_dir, account.name, keys[0], region=region)
    _write_profile(data_dir, "default", key, region=region)
    return made


def _write_profile(data_dir: Path, name: str, key: AccessKey, *, region: str) -> None:
    profile = credentials.Profile(name=name, access_key=key.id, secret_key=key.secret)
    credentials.put_profile(data_dir, profile, region=region)


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
) -> list[Route]:
    """`health()` maps each reconciler that is in trouble to its error; empty is healthy."""
    operator_only = operator_only_by(authenticate)

    def list_accounts(request: Request, body: bytes) -> Any:
        return {
            "accounts": [
                {"name": account.name, "id": account.id, "access_keys": ", ".join(key.id for key in keys)}
                for account, keys in accounts.list_accounts(store)
            ]
        }

    def create_account(request: Request, body: bytes) -> Any:
        try:
            asked = msgspec.json.decode(body, type=_NewAccount)
        except msgspec.MsgspecError as error:
            raise AwsError("ValidationError", f"Send {{'name': …, 'id': … or null}} as JSON: {error}") from error
        account, key = accounts.create_account(store, name=asked.name, account_id=asked.id)
        _write_profile(data_dir, account.name, key, region=region)
        return {"name": account.name, "id": account.id, "access_key": key.id, "secret_key": key.secret}

    def delete_account(request: Request, body: bytes) -> Any:
        account: Account = accounts.find_account(store, name_or_id=request.path_params["account"])
        if account.id == OPERATOR_ACCOUNT:
            raise AwsError("DeleteConflict", "The operator's account cannot be deleted.", status=409)
        accounts.delete_account(store, account_id=account.id)
        credentials.remove_profile(data_dir, name=account.name)
        return {"deleted": account.name}

    async def healthy(request: Request) -> Response:
        troubles = health()
        return JSONResponse(
            {"status": "in trouble" if troubles else "ok", "troubles": troubles},
            status_code=503 if troubles else 200,
        )

    async def start_over(request: Request) -> Response:
        await run_in_threadpool(reset, store)
        return JSONResponse({"status": "ok"})

    found = [
        Route("/_gwlb/health", healthy),
        Route("/_gwlb/v1/accounts", operator_only(list_accounts), methods=["GET"]),
        Route("/_gwlb/v1/accounts", operator_only(create_account), methods=["POST"]),
        Route("/_gwlb/v1/accounts/{account}", operator_only(delete_account), methods=["DELETE"]),
        Route("/_gwlb/v1/status", operator_only(lambda request, body: status()), methods=["GET"]),
    ]
    if test_hooks:
        found.append(Route("/moto-api/reset", start_over, methods=["POST"]))
    return found


class _NewAccount(msgspec.Struct):
    name: str
    id: str | None = None
