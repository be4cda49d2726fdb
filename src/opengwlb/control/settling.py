"""`--data-plane none --test-hooks`: what a call starts is finished before its answer is sent.

Suites for the AWS API look right after a create call, without waiting. The reconcilers are the ordinary ones; only when they run differs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from opengwlb.store.protocol import Store

Call = TypeVar("Call")
Answer = TypeVar("Answer")

MOST_ROUNDS = 10
"""Each round makes one step of every object; the longest way (an instance with its interfaces, terminated) takes four."""


class Settling:
    def __init__(self, *, store: Store, passes: Sequence[Callable[[], float]]) -> None:
        """`passes` are reconcilers, in the order in which one makes work for the next."""
        self._store = store
        self._passes = passes
        self._lock = threading.Lock()
        self._settled = -1

    def after(self, handle: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """`handle`, and then everything that it started. The answer is what it was before: `pending`, as AWS says."""

        def handled(call: Call) -> Answer:
            answer = handle(call)
            if self._store.snapshot().revision != self._settled:
                self.reconcile()
            return answer

        return handled

    def reconcile(self) -> float:
        """Run until nothing moves any more; in how many seconds something is due by itself."""
        with self._lock:
            for _ in range(MOST_ROUNDS):
                before = self._store.snapshot().revision
                wait_s = min(run() for run in self._passes)
                if self._store.snapshot().revision == before:
                    break
            self._settled = before
        return wait_s
