"""The stores that run the shared suite: add an implementation to `STORES` and it joins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from opengwlb.store.protocol import Store
from opengwlb.store.sqlite import SqliteStore


class Clock:
    """Seconds since the epoch, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


OpenStore = Callable[[], Store]
"""Opens the same data again; the caller closes the earlier one first."""


def _sqlite(directory: Path, clock: Clock) -> Store:
    return SqliteStore(directory / "opengwlb.db", clock=clock)


STORES: dict[str, Callable[[Path, Clock], Store]] = {"sqlite": _sqlite}
