"""The access keys of accounts: more of them, and fewer. A key that is not active signs nothing, as on AWS."""

from __future__ import annotations

import secrets
import string
from dataclasses import replace

from opengwlb.model.account import AccessKey, Account
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError

MOST_KEYS = 10
"""Of an account; AWS has two of a user, here an account has no users."""
_KEY_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


def create_access_key(store: Store, *, account_id: str) -> AccessKey:
    """One more key for an account. Raises NoSuchEntity, LimitExceeded."""

    def work(tx: Transaction) -> AccessKey:
        if tx.get(Account, account_id) is None:
            raise AwsError("NoSuchEntity", f"The account {account_id} cannot be found.", status=404)
        if sum(key.account == account_id for key in tx.values(AccessKey)) >= MOST_KEYS:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for AccessKeysPerAccount: {MOST_KEYS}", status=409)
        return new_key(tx, account_id)

    return store.transact(work)


def set_active(store: Store, *, account_id: str, key_id: str, active: bool, keep_one: bool) -> AccessKey:
    """Whether a key signs. `keep_one`: the last active key stays active. Raises NoSuchEntity, DeleteConflict."""

    def work(tx: Transaction) -> AccessKey:
        key = _key(tx, account_id, key_id)
        if not active:
            _check_last(tx, key, keep_one=keep_one)
        changed = replace(key, active=active)
        tx.put(changed)
        return changed

    return store.transact(work)


def delete_access_key(store: Store, *, account_id: str, key_id: str, keep_one: bool) -> None:
    """Errors as `set_active`."""

    def work(tx: Transaction) -> None:
        key = _key(tx, account_id, key_id)
        _check_last(tx, key, keep_one=keep_one)
        tx.delete(AccessKey, key.id)

    store.transact(work)


def new_key(tx: Transaction, account_id: str) -> AccessKey:
    key = AccessKey(
        id="AKIA" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16)),
        account=account_id,
        secret="".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40)),
    )
    tx.put(key)
    return key


def _key(tx: Transaction, account_id: str, key_id: str) -> AccessKey:
    key = tx.get(AccessKey, key_id)
    if key is None or key.account != account_id:
        raise AwsError("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.", status=404)
    return key


def _check_last(tx: Transaction, key: AccessKey, *, keep_one: bool) -> None:
    others = (one for one in tx.values(AccessKey) if one.account == key.account and one.id != key.id)
    if keep_one and key.active and not any(other.active for other in others):
        raise AwsError(
            "DeleteConflict", f"{key.id} is the last active key of the operator: make another first.", status=409
        )
