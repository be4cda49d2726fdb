"""Remembers whose each object was, so that its deletion, which no longer says it, is told to those who could see the object."""

from __future__ import annotations

import threading
from collections import ChainMap, deque
from collections.abc import Sequence

from opengwlb.model.snapshot import KINDS
from opengwlb.store.protocol import Change, Compacted, Store

from . import events
from .events import Told

DELETED = events.LATELY
"""Objects that are no more and whose owners are remembered."""
_IDLE_S = 600.0
"""Far less than the time for which a store keeps changes."""


class Owners:
    """`reconcile` is called by a `Loop`; any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._of: dict[str, frozenset[str]] = {}
        self._gone: deque[str] = deque()
        self._until: int | None = None

    def reconcile(self) -> float:
        with self._lock:
            self._follow()
        return _IDLE_S

    def told(self, changes: Sequence[Change]) -> list[Told]:
        """Of changes that the store has told: each as a row, and who may read it."""
        with self._lock:
            self._follow()
            return events.told(changes, ChainMap({}, self._of))

    def _follow(self) -> None:
        if self._until is None:
            self._begin()
            return
        try:
            changes = self._store.changes(self._until)
        except Compacted:
            self._begin()
        else:
            self._learn(changes)

    def _begin(self) -> None:
        """Also from the changes that are kept: what was deleted before this server started was somebody's."""
        snapshot, changes = self._store.snapshot(), events.lately(self._store)
        self._until = snapshot.revision
        self._learn(changes)
        for kind in KINDS:
            for one in snapshot.values(kind):
                if (accounts := events.seen_by(one, one.id)) is not None:
                    self._of[one.id] = accounts

    def _learn(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.object is None:
                self._gone.append(change.id)
            elif (accounts := events.seen_by(change.object, change.id)) is not None:
                self._of[change.id] = accounts
            self._until = max(self._until or 0, change.revision)
        while len(self._gone) > DELETED:
            self._of.pop(self._gone.popleft(), None)
