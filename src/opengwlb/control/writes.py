"""Writing statuses back without undoing what an API call did meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy.status import Writes
from opengwlb.store.protocol import Store, Transaction


def write_back(store: Store, decide: Callable[[Snapshot], Writes]) -> None:
    """Store what `decide` says of the newest revision, in one transaction.

    Decided once on a snapshot without the writer's lock, since mostly nothing is to be written; when something is, decided
    again inside the transaction, where the revision cannot move.
    """
    if not decide(store.snapshot()):
        return

    def work(tx: Transaction) -> None:
        # No other writer can commit while this runs, so the newest snapshot is the transaction's own ground.
        writes = decide(store.snapshot())
        for kind, object_id in writes.delete:
            tx.delete(kind, object_id)
        for obj in writes.put:
            tx.put(obj)

    store.transact(work)
