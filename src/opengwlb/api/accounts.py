"""Accounts: what AWS does outside of its API, here for the CLI and the server's admin endpoint.

Errors carry IAM's codes, so that a caller reads them like any other answer.
"""

from __future__ import annotations

import re
import secrets

from opengwlb.api.access_keys import new_key
from opengwlb.api.secrets import session_key
from opengwlb.model.account import AccessKey, Account
from opengwlb.model.iam import Role
from opengwlb.policy import sessions
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError
from opengwlb.wire.sigv4 import Credential

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


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
        return account, new_key(tx, account.id)

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
    """As `find_access_key`, in the wire's words. A key that is not active is nobody's."""
    key = find_access_key(store, key_id)
    return (
        None if key is None or not key.active else Credential(access_key=key.id, secret=key.secret, account=key.account)
    )


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
        policies=session.policies,
    )


def _free_id(tx: Transaction) -> str:
    while True:
        account_id = f"{secrets.randbelow(9 * 10**11) + 10**11}"
        if tx.get(Account, account_id) is None:
            return account_id
