"""Accounts and their access keys: what AWS does outside of its API, here for the CLI and the server's admin endpoint.

Errors carry IAM's codes, so that a caller reads them like any other answer.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import Any

from opengwlb.api.common.defaults import dhcp_options_id
from opengwlb.api.secrets import session_key
from opengwlb.model.account import AccessKey, Account, ClientToken, QuotaSetting
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.iam import Role
from opengwlb.model.snapshot import KINDS
from opengwlb.model.vpc import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, SecurityGroup, Subnet, Vpc
from opengwlb.policy import sessions
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError
from opengwlb.wire.sigv4 import Credential

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KEY_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


def create_account(store: Store, *, name: str, account_id: str | None = None) -> tuple[Account, AccessKey]:
    """A new account with its first key. `account_id`: 12 digits, or None for random ones.

    Raises ValidationError (name or id malformed) and EntityAlreadyExists (name or id taken).
    """
    if not _NAME.fullmatch(name):
        raise AwsError("ValidationError", f"'{name}' is not an account name: use at most 64 letters, digits and . _ -")
    if account_id is not None and not re.fullmatch(r"[0-9]{12}", account_id):
        raise AwsError("ValidationError", f"'{account_id}' is not an account id: it must be 12 digits")

    def work(tx: Transaction) -> tuple[Account, AccessKey]:
        for other in tx.values(Account):
            if name == other.name:
                raise AwsError("EntityAlreadyExists", f"Account with name {name} already exists.", status=409)
            if account_id == other.id:
                raise AwsError("EntityAlreadyExists", f"Account with id {account_id} already exists.", status=409)
        account = Account(id=account_id or _free_id(tx), name=name)
        tx.put(account)
        return account, _new_key(tx, account.id)

    return store.transact(work)


def create_access_key(store: Store, *, account_id: str) -> AccessKey:
    """One more key for an account. Raises NoSuchEntity."""

    def work(tx: Transaction) -> AccessKey:
        _account(tx, account_id)
        return _new_key(tx, account_id)

    return store.transact(work)


def list_accounts(store: Store) -> list[tuple[Account, list[AccessKey]]]:
    """Every account with its keys, in order of creation."""
    snapshot = store.snapshot()
    keys = list(snapshot.values(AccessKey))
    return [(account, [key for key in keys if key.account == account.id]) for account in snapshot.values(Account)]


def find_account(store: Store, *, name_or_id: str) -> Account:
    """By name or by id. Raises NoSuchEntity."""
    for account in store.snapshot().values(Account):
        if name_or_id in (account.name, account.id):
            return account
    raise AwsError("NoSuchEntity", f"The account {name_or_id} cannot be found.", status=404)


def find_access_key(store: Store, key_id: str) -> AccessKey | None:
    """The key that signs with this id: its secret and account. None when nobody has it."""
    return store.snapshot().get(AccessKey, key_id)


def find_credential(store: Store, key_id: str) -> Credential | None:
    """As `find_access_key`, in the wire's words."""
    key = find_access_key(store, key_id)
    return None if key is None else Credential(access_key=key.id, secret=key.secret, account=key.account)


def find_session(store: Store, token: str) -> Credential | None:
    """The temporary credentials that a session token vouches for, expired ones too. None when this server did not give it out, or
    when its role is gone or another one of that name."""
    found = sessions.read(token, key=session_key(store))
    if found is None:
        return None
    snapshot, session = store.snapshot(), found.session
    role = snapshot.get(Role, session.role) if session.role else None
    if role is None and (session.role or snapshot.get(Account, session.account) is None):
        return None
    if role is not None and role.role_id != session.role_id:
        return None
    return Credential(
        access_key=found.access_key,
        secret=found.secret,
        account=session.account,
        session_token=token,
        expires=session.expires,
        role=session.role,
        arn=session.arn if role else "",
        user_id=session.user_id if role else "",
    )


def delete_account(store: Store, *, account_id: str) -> None:
    """Remove an account, its keys and its untouched default VPCs.

    Raises NoSuchEntity, and DeleteConflict naming what the account still has.
    """

    def work(tx: Transaction) -> None:
        _account(tx, account_id)
        owned = [
            (kind, obj)
            for kind in KINDS
            if kind is not Account
            for obj in tx.values(kind)
            if getattr(obj, "account", None) == account_id or _token_of(obj, account_id)
        ]
        default_vpcs = {obj.id for _, obj in owned if isinstance(obj, Vpc) and obj.is_default}
        left = [obj.id for _, obj in owned if not _goes_with_account(obj, default_vpcs)]
        if left:
            raise AwsError(
                "DeleteConflict",
                f"Cannot delete account {account_id}, it still has: {', '.join(left)}. Delete these first.",
                status=409,
            )
        for kind, obj in owned:
            tx.delete(kind, obj.id)
        tx.delete(Account, account_id)

    store.transact(work)


def _account(tx: Transaction, account_id: str) -> Account:
    account = tx.get(Account, account_id)
    if account is None:
        raise AwsError("NoSuchEntity", f"The account {account_id} cannot be found.", status=404)
    return account


def _new_key(tx: Transaction, account_id: str) -> AccessKey:
    key = AccessKey(
        id="AKIA" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16)),
        account=account_id,
        secret="".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40)),
    )
    tx.put(key)
    return key


def _free_id(tx: Transaction) -> str:
    while True:
        account_id = f"{secrets.randbelow(9 * 10**11) + 10**11}"
        if tx.get(Account, account_id) is None:
            return account_id


def _token_of(obj: Any, account_id: str) -> bool:
    return isinstance(obj, ClientToken) and obj.id.split("/", 1)[0] == account_id


def _goes_with_account(obj: Any, default_vpcs: set[str]) -> bool:
    """What nobody made by a call, or what is only remembered."""
    match obj:
        case AccessKey() | ClientToken() | QuotaSetting():
            return True
        case Vpc():
            return obj.is_default
        case Subnet():
            return obj.default_for_az and obj.vpc in default_vpcs
        case InternetGateway():
            return obj.vpc in default_vpcs
        case RouteTable():
            return obj.vpc in default_vpcs and any(association.main for association in obj.associations)
        case SecurityGroup():
            return obj.vpc in default_vpcs and obj.name == "default"
        case NetworkAcl():
            return obj.vpc in default_vpcs and obj.is_default
        case DhcpOptions():
            return obj.id == dhcp_options_id(account=obj.account, region=obj.region)
        case Instance():
            return obj.state is InstanceState.TERMINATED
        case _:
            return False
