"""Start over: what POST /moto-api/reset does for API test suites."""

from __future__ import annotations

from opengwlb.model.account import AccessKey, Account, QuotaSetting
from opengwlb.model.snapshot import KINDS
from opengwlb.store.protocol import Store, Transaction


def reset(store: Store) -> None:
    """Delete every object but the accounts, their keys and their quotas, in one transaction.

    The next call in an account and region finds default VPCs again: they are made when first needed.
    """

    def work(tx: Transaction) -> None:
        for kind in KINDS:
            if kind in (Account, AccessKey, QuotaSetting):
                continue
            for obj in tx.values(kind):
                tx.delete(kind, obj.id)

    store.transact(work)
