"""The server's own HTTP calls about accounts, their keys and their quotas; `gwlb account` makes them, with the operator's key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from opengwlb.api import access_keys, account_removal, accounts
from opengwlb.api.common import quotas
from opengwlb.cli import credentials
from opengwlb.model.account import AccessKey, Account
from opengwlb.policy.quotas import QUOTAS
from opengwlb.store.protocol import Store
from opengwlb.wire.errors import AwsError

Work = Callable[[Request, bytes], Any]
T = TypeVar("T")


class _NewAccount(msgspec.Struct):
    name: str
    id: str | None = None


class _KeyStatus(msgspec.Struct):
    active: bool


class _Quota(msgspec.Struct):
    name: str
    value: int


def write_profile(store: Store, account: Account, *, data_dir: Path, region: str, name: str = "") -> None:
    """DIR/credentials' profile of an account: its first active key, or no profile when it has none."""
    profile = name or account.name
    keys = [
        key for owner, keys in accounts.list_accounts(store) if owner.id == account.id for key in keys if key.active
    ]
    if not keys:
        credentials.remove_profile(data_dir, name=profile)
        return
    written = credentials.Profile(name=profile, access_key=keys[0].id, secret_key=keys[0].secret)
    credentials.put_profile(data_dir, written, region=region)


class _Calls:
    """Each method is one call: (request, body) -> what is answered as JSON."""

    def __init__(
        self, *, store: Store, data_dir: Path, region: str, operator: str, forget: Callable[[str], None]
    ) -> None:
        self._store = store
        self._data_dir = data_dir
        self._region = region
        self._operator = operator
        self._forget = forget

    def list_accounts(self, request: Request, body: bytes) -> Any:
        return {
            "accounts": [
                {"name": account.name, "id": account.id, "access_keys": ", ".join(key.id for key in keys)}
                for account, keys in accounts.list_accounts(self._store)
            ]
        }

    def create_account(self, request: Request, body: bytes) -> Any:
        asked = _read(body, _NewAccount, "{'name': …, 'id': … or null}")
        account, key = accounts.create_account(self._store, name=asked.name, account_id=asked.id)
        self._profile(account)
        return {"name": account.name, "id": account.id, "access_key": key.id, "secret_key": key.secret}

    def delete_account(self, request: Request, body: bytes) -> Any:
        account = self._account(request)
        if account.id == self._operator:
            raise AwsError("DeleteConflict", "The operator's account cannot be deleted.", status=409)
        force = request.query_params.get("force") == "true"
        count = account_removal.delete_account(self._store, account_id=account.id, force=force)
        self._forget(account.id)
        credentials.remove_profile(self._data_dir, name=account.name)
        return {"deleted": account.name, "objects": count}

    def list_keys(self, request: Request, body: bytes) -> Any:
        wanted = self._account(request).id
        keys = next(keys for account, keys in accounts.list_accounts(self._store) if account.id == wanted)
        return {"access_keys": [_shown(key) for key in keys]}

    def create_key(self, request: Request, body: bytes) -> Any:
        account = self._account(request)
        key = access_keys.create_access_key(self._store, account_id=account.id)
        self._profile(account)
        return {**_shown(key), "secret_key": key.secret}

    def change_key(self, request: Request, body: bytes) -> Any:
        account, asked = self._account(request), _read(body, _KeyStatus, "{'active': true or false}")
        key = access_keys.set_active(
            self._store,
            account_id=account.id,
            key_id=request.path_params["key"],
            active=asked.active,
            keep_one=account.id == self._operator,
        )
        self._profile(account)
        return _shown(key)

    def delete_key(self, request: Request, body: bytes) -> Any:
        account, key_id = self._account(request), request.path_params["key"]
        keep_one = account.id == self._operator
        access_keys.delete_access_key(self._store, account_id=account.id, key_id=key_id, keep_one=keep_one)
        self._profile(account)
        return {"deleted": key_id}

    def list_quotas(self, request: Request, body: bytes) -> Any:
        account, view = self._account(request), self._store.snapshot()
        return {
            "quotas": [
                {
                    "name": quota.name,
                    "value": quotas.limit_of(view, quota.name, account=account.id),
                    "default": quota.default,
                    "adjustable": quota.adjustable,
                    "aws": f"{quota.title} ({quota.code})" if quota.code else quota.title,
                }
                for quota in QUOTAS.values()
            ]
        }

    def set_quota(self, request: Request, body: bytes) -> Any:
        account, asked = self._account(request), _read(body, _Quota, "{'name': …, 'value': a number}")
        quota = quotas.set_limit(self._store, account=account.id, name=asked.name, value=asked.value)
        return {"name": quota.name, "value": asked.value, "default": quota.default}

    def _account(self, request: Request) -> Account:
        return accounts.find_account(self._store, name_or_id=request.path_params["account"])

    def _profile(self, account: Account) -> None:
        write_profile(self._store, account, data_dir=self._data_dir, region=self._region)
        if account.id == self._operator:
            write_profile(self._store, account, data_dir=self._data_dir, region=self._region, name="default")


def routes(
    *,
    store: Store,
    data_dir: Path,
    region: str,
    operator_only: Callable[[Work], Callable[[Request], Any]],
    operator: str,
    forget: Callable[[str], None] = lambda account: None,
) -> list[Route]:
    """`operator` is the account that cannot be deleted and always has a key that signs.
    `forget(account)` deletes what is kept of an account
    beside the objects."""
    calls = _Calls(store=store, data_dir=data_dir, region=region, operator=operator, forget=forget)
    every, one = "/_gwlb/v1/accounts", "/_gwlb/v1/accounts/{account}"
    return [
        Route(path, operator_only(work), methods=[method])
        for method, path, work in (
            ("GET", every, calls.list_accounts),
            ("POST", every, calls.create_account),
            ("DELETE", one, calls.delete_account),
            ("GET", f"{one}/keys", calls.list_keys),
            ("POST", f"{one}/keys", calls.create_key),
            ("POST", f"{one}/keys/{{key}}", calls.change_key),
            ("DELETE", f"{one}/keys/{{key}}", calls.delete_key),
            ("GET", f"{one}/quotas", calls.list_quotas),
            ("POST", f"{one}/quotas", calls.set_quota),
        )
    ]


def _shown(key: AccessKey) -> dict[str, Any]:
    return {"access_key": key.id, "status": "Active" if key.active else "Inactive"}


def _read(body: bytes, form: type[T], words: str) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AwsError("ValidationError", f"Send {words} as JSON: {error}") from error
