"""Every store runs the same suite: add an implementation to `STORES` and it joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=STORES)
def open_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[OpenStore]:
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(STORES[request.param](tmp_path, clock))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
