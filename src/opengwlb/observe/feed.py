"""What happens, for everybody who listens: one thread follows the store and samples traffic, while there is somebody.

Listeners are woken and take what is new for them; nothing is kept for each, so one that does not read holds up and costs nothing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from opengwlb.model.snapshot import Snapshot
from opengwlb.store.protocol import Compacted, Store

from .events import Told
from .owners import Owners
from .traffic import Second

SAMPLE_S = 1.0
KEPT = 4096
"""Changes that are kept for listeners, so that most of them never ask the store."""
Wake = Callable[[], None]


class Feed:
    """Any thread may call; `sample` and `forget` are a `TrafficSampler`'s."""

    def __init__(
        self, store: Store, owners: Owners, *, sample: Callable[[], Second | None], forget: Callable[[], None]
    ) -> None:
        self._store = store
        self._owners = owners
        self._sample = sample
        self._forget = forget
        self._lock = threading.Lock()
        self._wakes: set[Wake] = set()
        self._thread: threading.Thread | None = None
        self._kept: deque[Told] = deque(maxlen=KEPT)
        self._from = self._until = 0
        """`_kept` has every change after revision `_from` up to `_until`."""
        self._number = 0
        self._second: Second | None = None
        self.closed = False

    @property
    def listeners(self) -> int:
        return len(self._wakes)

    @property
    def newest(self) -> tuple[int, Second | None]:
        """The last second of traffic, and its number."""
        return self._number, self._second

    @contextlib.contextmanager
    def listening(self, wake: Wake) -> Iterator[None]:
        """`wake` is called from the feed's thread whenever there may be something new, and when the feed is closed."""
        with self._lock:
            self._wakes.add(wake)
            if self._thread is None and not self.closed:
                self._begin(self._store.snapshot())
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._wakes.discard(wake)

    def close(self) -> None:
        """Whoever listens is woken to end. Also from a signal's handler, so it takes no lock."""
        self.closed = True
        for wake in tuple(self._wakes):
            wake()

    def stop(self) -> None:
        """Close, and let the thread end."""
        self.close()
        if (thread := self._thread) is not None:
            thread.join(10.0)

    def since(self, revision: int) -> tuple[int, list[Told]]:
        """(revision up to which these are all, the changes after `revision`). Raises Compacted."""
        with self._lock:
            if self._thread is not None and self._from <= revision <= self._until:
                return self._until, [one for one in self._kept if one.revision > revision]
        changes = self._store.changes(revision)
        return (changes[-1].revision if changes else revision), self._owners.told(changes)

    def _begin(self, snapshot: Snapshot) -> None:
        self._kept.clear()
        self._from = self._until = snapshot.revision

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            with self._lock:
                if self.closed or not self._wakes:
                    self._thread = None
                    self._second = None
                    self._forget()
                    return
            changed = self._store.wait(self._until, max(0.0, due - time.monotonic())) != self._until
            if changed:
                self._follow()
            sampled = time.monotonic() >= due
            if sampled:
                due = max(due + SAMPLE_S, time.monotonic())
                second = self._sample()
                self._second = second
                self._number += 1
            if changed or sampled:
                for wake in tuple(self._wakes):
                    wake()

    def _follow(self) -> None:
        try:
            changes = self._store.changes(self._until)
        except Compacted:  # this thread did not come to run for so long: listeners are told by the store
            with self._lock:
                self._begin(self._store.snapshot())
            return
        told = self._owners.told(changes)
        with self._lock:
            for one in told:
                if len(self._kept) == KEPT:
                    self._from = self._kept[0].revision
                self._kept.append(one)
            self._until = changes[-1].revision if changes else self._until
