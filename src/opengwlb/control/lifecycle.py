"""Moves objects on when their time comes: drained targets leave, unanswered connection requests expire."""

from __future__ import annotations

from collections.abc import Callable

from opengwlb.policy import status
from opengwlb.store.protocol import Store

from .writes import write_back


class LifecycleReconciler:
    def __init__(self, *, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._due = status.Due()

    def reconcile(self) -> float:
        now = self._clock()
        write_back(self._store, lambda snapshot: self._due.writes(snapshot, now=now))
        return max(status.next_due(self._store.snapshot(), now=now) - now, 0.05)
