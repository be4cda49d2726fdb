"""A reconciler's thread: it runs when the store changes, when its own time comes, and again after a failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from opengwlb.store.protocol import Store

log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.2
LAST_RETRY_S = 10.0


class Loop:
    """Calls `reconcile()` level-triggered: many changes while it runs are one more run, and every run sees the newest revision.

    `reconcile` returns in how many seconds it wants to be called again without a change. An exception is logged, kept in
    `error`, and retried with a growing pause; a change in the store cuts the pause short.
    """

    def __init__(self, reconcile: Callable[[], float], *, name: str, store: Store) -> None:
        self.name = name
        self.error: str | None = None
        self.failures = 0
        """Passes that raised, since the start."""
        self._reconcile = reconcile
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Let the current pass end; raises if it does not."""
        self._stopping.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"the {self.name} reconciler did not stop within {timeout_s} s")

    def _run(self) -> None:
        pause_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            revision = self._store.snapshot().revision
            try:
                wait_s = self._reconcile()
            except Exception as error:
                self.error, self.failures = f"{type(error).__name__}: {error}", self.failures + 1
                log.exception("the %s reconciler failed; again in %.1f s", self.name, pause_s)
                wait_s = pause_s
                pause_s = min(pause_s * 2, LAST_RETRY_S)
            else:
                self.error, pause_s = None, FIRST_RETRY_S
            self._wait(revision, wait_s)

    def _wait(self, revision: int, wait_s: float) -> None:
        # In slices, so that `stop` need not interrupt a store that knows nothing of it.
        while wait_s > 0 and not self._stopping.is_set():
            slice_s = min(wait_s, 0.5)
            if self._store.wait(revision, slice_s) > revision:
                return
            wait_s -= slice_s
