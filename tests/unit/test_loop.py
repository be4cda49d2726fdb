"""A reconciler's thread: woken, retried and ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from opengwlb.control.loop import Loop
from opengwlb.store.sqlite import SqliteStore

SOON_S = 10.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 1.0)
    yield made
    made.close()


def test_told_to_end_it_finishes_its_pass_and_begins_no_other(store: SqliteStore) -> None:
    entered, leave, passes = threading.Event(), threading.Event(), []

    def reconcile() -> float:
        passes.append(len(passes))
        entered.set()
        leave.wait(SOON_S)
        return 0.0

    loop = Loop(reconcile, name="one", store=store)
    loop.start()
    assert entered.wait(SOON_S)
    loop.end()
    leave.set()
    loop.stop()
    assert passes == [0]


def test_a_pass_that_does_not_end_is_told_and_not_waited_for_in_silence(store: SqliteStore) -> None:
    entered, leave = threading.Event(), threading.Event()

    def reconcile() -> float:
        entered.set()
        leave.wait(SOON_S)
        return 0.0

    loop = Loop(reconcile, name="stuck", store=store)
    loop.start()
    assert entered.wait(SOON_S)
    with pytest.raises(TimeoutError, match="stuck"):
        loop.stop(timeout_s=0.01)
    leave.set()
    loop.stop()


def test_a_pass_that_raised_is_tried_again_and_forgotten_when_it_succeeds(store: SqliteStore) -> None:
    passes, again = [], threading.Event()

    def reconcile() -> float:
        passes.append(len(passes))
        if len(passes) == 1:
            raise ValueError("no such link")
        again.set()
        return SOON_S

    loop = Loop(reconcile, name="one", store=store)
    loop.start()
    assert again.wait(SOON_S)
    loop.stop()
    assert (loop.failures, loop.error) == (1, None)
