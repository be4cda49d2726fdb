"""A reconciler's thread: it runs when the store changes, when its own time comes, and again after a failure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from opengwlb.model.snapshot import KINDS, Snapshot
from opengwlb.store.protocol import Store

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 10.0


class Loop:
    """Calls `reconcile()` level-triggered: many changes while it runs are one more run, and every run sees the newest revision.

    `reconcile` returns in how many seconds it wants to be called again without a change. An exception is logged, kept in
    `error`, and retried with a growing pause; a change in the store cuts the pause short.
    """

    def __init__(
        self,
        reconcile: Callable[[], float],
        *,
        name: str,
        store: Store,
        ignores: Collection[type[Any]] = (),
        after_s: float = 0.0,
    ) -> None:
        """`ignores` are kinds whose changes do not wake it. It runs no sooner than `after_s` after a change: who is in a hurry goes
        first, and several changes are one run."""
        self.name = name
        self.error: str | None = None
        self.failures = 0
        """Passes that raised, since the start."""
        self._reconcile = reconcile
        self._heeds = tuple(kind for kind in KINDS if kind not in ignores)
        self._after_s = after_s
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin no further pass, and do not wait for the current one: a server tells all its loops first, and then awaits each."""
        self._stopping.set()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Let the current pass end; raises if it does not."""
        self.end()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"the {self.name} reconciler did not stop within {timeout_s} s")

    def _run(self) -> None:
        pause_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            before = self._store.snapshot()
            try:
                wait_s = self._reconcile()
            except Exception as error:
                self.error, self.failures = f"{type(error).__name__}: {error}", self.failures + 1
                log.exception("the %s reconciler failed; again in %.1f s", self.name, pause_s)
                wait_s = pause_s
                pause_s = min(pause_s * 2, LAST_RETRY_S)
            else:
                self.error, pause_s = None, FIRST_RETRY_S
            self._wait(before, wait_s)

    def _wait(self, before: Snapshot, wait_s: float) -> None:
        """Until the time is over, or something that it heeds is other than in `before`."""
        until = time.monotonic() + wait_s
        seen = before.revision
        while (left_s := until - time.monotonic()) > 0 and not self._stopping.is_set():
            # In slices, so that `stop` need not interrupt a store that knows nothing of it.
            if self._store.wait(seen, min(left_s, 0.5)) == seen:
                continue
            # Rests before it looks, so that it wakes once for many changes, also for those that it ignores.
            self._stopping.wait(min(self._after_s, left_s))
            now = self._store.snapshot()
            seen = now.revision
            if not now.same(before, self._heeds):
                return
