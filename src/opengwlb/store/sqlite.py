"""The store on one machine: everything in memory, every transaction on disk before it is acknowledged.

Reads are of an immutable snapshot that the writer swaps at commit, so a describe call never waits for an fsync. On
disk there are the objects as they are now, and the changes of at least the last `keep_s` seconds for watchers. Objects
are JSON by class name: a field added to the model with a default reads old rows, and a person can read them with the
sqlite3 tool.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from opengwlb.model.snapshot import KINDS, Snapshot

from .overlay import Objects, Overlay, merged
from .protocol import Change, Compacted, StoreError, Transaction

R = TypeVar("R")

FORMAT = 1
"""Of the tables below, kept in SQLite's user_version; a change of them needs a migration here."""

SCHEMA = """
CREATE TABLE objects (
    place INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (kind, id)
);
CREATE TABLE changes (
    revision INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB, at REAL NOT NULL,
    PRIMARY KEY (revision, kind, id)
) WITHOUT ROWID;
CREATE TABLE head (revision INTEGER NOT NULL);
INSERT INTO head VALUES (0);
"""
# `place` is the order of creation: an upsert keeps it, and a new row gets the highest.

KIND_NAMED = {kind.__name__: kind for kind in KINDS}
DECODERS = {kind.__name__: msgspec.json.Decoder(kind) for kind in KINDS}
ENCODER = msgspec.json.Encoder()

PRUNES_PER_KEEP = 60
"""Old changes are deleted this many times in `keep_s` seconds (once a minute by default)."""


class SqliteStore:
    """A `Store` in one file. `path` is the database; its lock file stands beside it.

    `clock` gives seconds since the epoch. Raises `StoreError` when another process has it open or it cannot be read.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float], keep_s: float = 3600.0) -> None:
        self._path = path
        self._clock = clock
        self._keep_s = keep_s
        self._next_prune = 0.0
        self._writer = threading.Lock()
        self._writer_thread: int | None = None
        self._reader = threading.Lock()
        self._committed = threading.Condition()
        self._closed = False
        self._lock_file = _lock(path)
        try:
            self._write_connection = _open(path)
            self._read_connection = _connect(path)
            revision, self._objects = self._load()
        except BaseException as error:
            os.close(self._lock_file)
            if isinstance(error, sqlite3.Error):
                raise StoreError(f"{path} cannot be opened: {error}") from error
            raise
        self._snapshot = Snapshot(revision, self._objects)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def transact(self, work: Callable[[Transaction], R]) -> R:
        if self._writer_thread == threading.get_ident():
            raise RuntimeError("a transaction inside a transaction: pass the outer one down")
        with self._writer:
            self._writer_thread = threading.get_ident()
            try:
                overlay = Overlay(self._snapshot)
                try:
                    result = work(overlay)
                finally:
                    changed = overlay.finish()
                if changed:
                    self._commit(changed)
                return result
            finally:
                self._writer_thread = None

    def changes(self, since: int) -> list[Change]:
        # Bounded by the published snapshot: a watcher never hears of a revision it cannot read yet.
        revision = self._snapshot.revision
        if since == revision:
            return []
        with self._reader:
            self._check_open()
            rows = self._read_connection.execute(
                "SELECT revision, kind, id, body, at FROM changes"
                " WHERE revision > ? AND revision <= ? ORDER BY revision",
                (since, revision),
            ).fetchall()
        # Revisions have no holes, so a missing first one was pruned; a future one belongs to another life of this data.
        if not rows or rows[0][0] != since + 1:
            raise Compacted(f"changes after revision {since} are not kept")
        try:
            return [_change(row) for row in rows]
        except (KeyError, msgspec.MsgspecError) as error:
            # History of a version before a migration; the objects themselves were read at open.
            raise Compacted(f"changes after revision {since} were written by another version: {error}") from error

    def history(self, kind: type[Any], *, since: int = 0) -> list[Change]:
        with self._reader:
            self._check_open()
            rows = self._read_connection.execute(
                "SELECT revision, kind, id, body, at FROM changes"
                " WHERE revision > ? AND revision <= ? AND kind = ? ORDER BY revision",
                (since, self._snapshot.revision, kind.__name__),
            ).fetchall()
        found = []
        for row in rows:
            with contextlib.suppress(msgspec.MsgspecError):  # written by a version before a migration
                found.append(_change(row))
        return found

    def wait(self, since: int, timeout_s: float) -> int:
        with self._committed:
            self._committed.wait_for(lambda: self._snapshot.revision > since or self._closed, timeout_s)
        return self._snapshot.revision

    def reset(self) -> None:
        def delete_all(transaction: Transaction) -> None:
            for kind in KINDS:
                for obj in transaction.values(kind):
                    transaction.delete(kind, obj.id)

        self.transact(delete_all)

    def close(self) -> None:
        """Wakes everyone in `wait`; later writes raise StoreError. Closing twice is fine."""
        with self._writer, self._reader, self._committed:
            if self._closed:
                return
            self._closed = True
            self._committed.notify_all()
            self._write_connection.close()
            self._read_connection.close()
            os.close(self._lock_file)

    def _commit(self, changed: Objects) -> None:
        self._check_open()
        revision = self._snapshot.revision + 1
        now = self._clock()
        rows = [
            (revision, kind.__name__, object_id, None if obj is None else _encode(obj), now)
            for kind, by_id in changed.items()
            for object_id, obj in by_id.items()
        ]
        connection = self._write_connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for _, kind_name, object_id, body, _ in rows:
                if body is None:
                    connection.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind_name, object_id))
                else:
                    connection.execute(
                        "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?)"
                        " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                        (kind_name, object_id, body),
                    )
            connection.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE head SET revision = ?", (revision,))
            if now >= self._next_prune:
                self._prune(before=now - self._keep_s)
                self._next_prune = now + self._keep_s / PRUNES_PER_KEEP
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        touched = {kind: merged(self._objects.get(kind, {}), by_id) for kind, by_id in changed.items()}
        self._objects = self._objects | touched
        with self._committed:
            self._snapshot = Snapshot(revision, self._objects)
            self._committed.notify_all()

    def _prune(self, *, before: float) -> None:
        """Delete up to the first revision that is young enough: never a hole, even if the clock jumped back."""
        self._write_connection.execute(
            "DELETE FROM changes WHERE revision <"
            " (SELECT revision FROM changes WHERE at >= ? ORDER BY revision LIMIT 1)",
            (before,),
        )

    def _load(self) -> tuple[int, Objects]:
        objects: Objects = {}
        for kind_name, object_id, body in self._read_connection.execute(
            "SELECT kind, id, body FROM objects ORDER BY place"
        ):
            kind = KIND_NAMED.get(kind_name)
            if kind is None:
                raise StoreError(f"{self._path} holds a {kind_name} ({object_id}), which this version does not know")
            try:
                objects.setdefault(kind, {})[object_id] = DECODERS[kind_name].decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise StoreError(f"{self._path}: {kind_name} {object_id} cannot be read: {error}") from error
        (revision,) = self._read_connection.execute("SELECT revision FROM head").fetchone()
        return revision, objects

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self._path} is closed")


def _change(row: tuple[int, str, str, bytes | None, float]) -> Change:
    revision, kind, object_id, body, at = row
    return Change(
        revision=revision,
        kind=KIND_NAMED[kind],
        id=object_id,
        object=None if body is None else DECODERS[kind].decode(body),
        at=at,
    )


def _encode(obj: Any) -> bytes:
    """JSON that reads back as an equal object: refused now, rather than when the store is opened next."""
    body = ENCODER.encode(obj)
    try:
        same = DECODERS[type(obj).__name__].decode(body) == obj
    except msgspec.MsgspecError as error:
        raise TypeError(f"{obj!r} has a field of the wrong type: {error}") from error
    if not same:
        raise TypeError(f"{obj!r} does not read back equal: a field has the wrong type")
    return body


def _lock(path: Path) -> int:
    """Take the data directory for this process until the descriptor is closed (also by `kill -9`)."""
    lock_path = path.with_name(path.name + ".lock")
    descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise StoreError(
            f"{path.parent} is in use by another OpenGWLB (process {holder}): stop it, or choose another --data-dir"
        ) from error
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # FULL: in WAL mode only then is a commit on the disk when it returns.
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
    return connection


def _open(path: Path) -> sqlite3.Connection:
    # Made here with its mode, since access keys are in it; SQLite gives the -wal and -shm files the same.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = _connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif found != FORMAT:
        connection.close()
        raise StoreError(f"{path} has format {found}, this version reads {FORMAT}: use the version that wrote it")
    return connection
