"""What only the SQLite store has: a file, a lock, a process that may be killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from stores import Clock

from opengwlb.model.account import Account
from opengwlb.model.vpc import InternetGateway
from opengwlb.store.protocol import StoreError
from opengwlb.store.sqlite import SqliteStore

WRITER = """
import sys, time
from pathlib import Path
from opengwlb.model.account import Account
from opengwlb.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]), clock=time.time)
number = len(list(store.snapshot().values(Account)))
while True:
    for part in "ab":
        store.transact(lambda t: [t.put(Account(id=f"{number:08d}{half}{part}", name="x")) for half in "01"])
        print(number, part, flush=True)
    number += 1
"""


def path_in(directory: Path) -> Path:
    return directory / "opengwlb.db"


def open_at(directory: Path, clock: Clock) -> SqliteStore:
    return SqliteStore(path_in(directory), clock=clock)


def edit(directory: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(path_in(directory)) as connection:
        connection.execute(statement, values)
    connection.close()


def test_no_acknowledged_write_is_lost_when_the_process_is_killed(tmp_path: Path, clock: Clock) -> None:
    for kill_after in (1, 7, 40):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path_in(tmp_path))], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().split() for _ in range(kill_after)]
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += [line.split() for line in writer.stdout.read().splitlines() if len(line.split()) == 2]
        writer.wait()
        writer.stdout.close()
        store = open_at(tmp_path, clock)
        ids = set(store.snapshot().all(Account))
        for number, part in acknowledged:
            assert {f"{int(number):08d}{half}{part}" for half in "01"} <= ids
        assert len(ids) % 2 == 0, "half a transaction is there"
        assert store.snapshot().revision * 2 == len(ids) == len(store.changes(0))
        store.close()


def test_a_second_process_is_told_who_has_the_data_directory(tmp_path: Path, clock: Clock) -> None:
    first = open_at(tmp_path, clock)
    with pytest.raises(StoreError, match=f"in use by another OpenGWLB \\(process {os.getpid()}\\)"):
        open_at(tmp_path, clock)
    first.close()
    open_at(tmp_path, clock).close()


def test_the_files_are_readable_by_their_owner_only(tmp_path: Path, clock: Clock) -> None:
    store = open_at(tmp_path, clock)
    store.transact(lambda t: t.put(Account(id="1", name="a")))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes) >= {"opengwlb.db", "opengwlb.db-wal", "opengwlb.db.lock"}
    assert set(modes.values()) == {0o600}
    store.close()


def test_a_row_without_a_field_that_has_a_default_is_read_and_unknown_fields_are_ignored(
    tmp_path: Path, clock: Clock
) -> None:
    open_at(tmp_path, clock).close()
    body = b'{"id": "igw-1", "account": "1", "region": "r", "of_a_newer_version": 1}'
    edit(tmp_path, "INSERT INTO objects (kind, id, body) VALUES ('InternetGateway', 'igw-1', ?)", body)
    store = open_at(tmp_path, clock)
    assert store.snapshot().get(InternetGateway, "igw-1") == InternetGateway(id="igw-1", account="1", region="r")
    store.close()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO objects (kind, id, body) VALUES ('Unicorn', 'u-1', '{}')", "holds a Unicorn"),
        ("INSERT INTO objects (kind, id, body) VALUES ('Account', '1', '{\"id\"')", "Account 1 cannot be read"),
        ("INSERT INTO objects (kind, id, body) VALUES ('Account', '1', '{\"id\": 1}')", "Account 1 cannot be read"),
        ("INSERT INTO objects (kind, id, body) VALUES ('Account', '1', x'ff')", "Account 1 cannot be read"),
        ("PRAGMA user_version = 99", "has format 99"),
    ],
)
def test_data_that_cannot_be_read_is_named_at_open(tmp_path: Path, clock: Clock, statement: str, says: str) -> None:
    open_at(tmp_path, clock).close()
    edit(tmp_path, statement)
    for _ in range(2):  # the second time too: a failed open gives the lock back
        with pytest.raises(StoreError, match=says):
            open_at(tmp_path, clock)


def test_a_file_that_is_no_database_is_named_at_open(tmp_path: Path, clock: Clock) -> None:
    path_in(tmp_path).write_bytes(b"not a database, surely" * 100)
    with pytest.raises(StoreError, match=r"opengwlb\.db cannot be opened"):
        open_at(tmp_path, clock)


def test_pruning_never_leaves_a_hole_when_the_clock_jumps_back(tmp_path: Path, clock: Clock) -> None:
    store = open_at(tmp_path, clock)
    for step in (0, 7200, -7200, -3600, 5400, 3600):
        clock.now += step
        store.transact(lambda t: t.put(Account(id=str(t.revision), name="a")))
    kept = [change.revision for change in store.changes(1)]
    assert kept == list(range(kept[0], store.snapshot().revision + 1))
    store.close()
