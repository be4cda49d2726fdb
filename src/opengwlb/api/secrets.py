"""What the service signs with, kept in the store: made when it is first needed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from opengwlb.model.iam import Secret
from opengwlb.store.protocol import Store, Transaction

SESSIONS = "sessions"


def session_key(store: Store) -> bytes:
    """Signs session tokens and the metadata service's tokens."""
    return bytes.fromhex(secret(store, SESSIONS, make=lambda: secrets.token_hex(32)))


def secret(store: Store, name: str, *, make: Callable[[], str]) -> str:
    """The secret of this name; `make` gives the first one, outside of the transaction because it may take its time."""
    found = store.snapshot().get(Secret, name)
    if found is not None:
        return found.value
    value = make()

    def work(tx: Transaction) -> str:
        there = tx.get(Secret, name)
        if there is not None:
            return there.value
        tx.put(Secret(id=name, value=value))
        return value

    return store.transact(work)
