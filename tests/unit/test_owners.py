"""Whose an object was is known when it is deleted, so that its deletion is told to them and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_plan import vpc
from watched_lab import CONSUMER

from opengwlb.model.vpc import Vpc
from opengwlb.observe import events, owners
from opengwlb.observe.owners import Owners
from opengwlb.observe.visibility import Viewer
from opengwlb.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    yield made
    made.close()


MINE = vpc("a")


def deleted(store: SqliteStore, asked: Owners, *, since: int, account: str = MINE.account) -> list[str]:
    rows = events.rows(asked.told(store.changes(since)), viewer=Viewer(account, False), limit=100)
    return [row["id"] for row in rows if row["event"] == "deleted"]


def test_a_deletion_is_told_to_its_owner_also_when_the_creation_was_told_before(store: SqliteStore) -> None:
    asked = Owners(store)
    store.transact(lambda tx: tx.put(MINE))
    created = store.snapshot().revision
    asked.told(store.changes(0))
    store.transact(lambda tx: tx.delete(Vpc, MINE.id))
    assert deleted(store, asked, since=created) == [MINE.id]
    assert deleted(store, asked, since=created, account=CONSUMER) == []
    assert deleted(store, asked, since=created) == [MINE.id], "it was told once, and forgotten"


def test_what_was_deleted_before_the_server_started_was_somebodys(store: SqliteStore) -> None:
    store.transact(lambda tx: tx.put(MINE))
    created = store.snapshot().revision
    store.transact(lambda tx: tx.delete(Vpc, MINE.id))
    assert deleted(store, Owners(store), since=created) == [MINE.id]


def test_what_came_and_went_between_two_questions_is_learned_by_the_loop(store: SqliteStore) -> None:
    asked = Owners(store)
    assert asked.reconcile() > 0
    store.transact(lambda tx: tx.put(MINE))
    created = store.snapshot().revision
    asked.reconcile()
    store.transact(lambda tx: tx.delete(Vpc, MINE.id))
    asked.reconcile()
    assert deleted(store, asked, since=created) == [MINE.id]


def test_only_so_many_that_are_gone_are_remembered(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "DELETED", 2)
    asked = Owners(store)
    asked.reconcile()
    made = [vpc(f"{number}") for number in range(4)]
    store.transact(lambda tx: [tx.put(one) for one in made])
    created = store.snapshot().revision
    for one in made:
        store.transact(lambda tx, one=one: tx.delete(Vpc, one.id))
    assert deleted(store, asked, since=created) == [one.id for one in made[2:]]
    assert deleted(store, asked, since=created, account=CONSUMER) == []
