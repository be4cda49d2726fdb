"""The rows of `metrics.py`: tables, transactions, and data points merged into chunks."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from opengwlb.model.metrics import RETENTION, Datum, MetricKey, Point

from . import chunks
from .protocol import StoreError

FORMAT = 1
SCHEMA = """
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    dimensions BLOB NOT NULL, newest INTEGER NOT NULL, UNIQUE (account, region, namespace, name, dimensions)
);
CREATE TABLE series (id INTEGER PRIMARY KEY, metric INTEGER NOT NULL, unit TEXT NOT NULL, UNIQUE (metric, unit));
CREATE TABLE chunks (
    series INTEGER NOT NULL, step INTEGER NOT NULL, start INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (series, step, start)
) WITHOUT ROWID;
CREATE INDEX chunks_by_age ON chunks (step, start);
"""
SPANS = {one.step: one.span for one in RETENTION}
"""Resolution -> seconds that one chunk covers."""


class Transaction:
    """All of the statements inside or none; SQLite's errors become StoreError."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be written: {error}") from error
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            self._connection.execute("ROLLBACK" if error is not None else "COMMIT")
        except sqlite3.Error as problem:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise StoreError(f"{self._path} cannot be written: {problem}") from problem
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{self._path} cannot be written: {error}") from error


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
    return connection


def opened(path: Path) -> sqlite3.Connection:
    """The file with its tables, made when it is new. Raises sqlite3.Error, StoreError."""
    # Made here with its mode; SQLite gives the -wal and -shm files the same.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path)
    _prepare(connection, path)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found == 0:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif found != FORMAT:
        raise StoreError(f"{path} has format {found}, this version reads {FORMAT}: use the version that wrote it")


def insert_series(connection: sqlite3.Connection, metric: int, unit: str) -> int:
    made = connection.execute("INSERT INTO series (metric, unit) VALUES (?, ?)", (metric, unit)).lastrowid
    assert made is not None
    return made


def write_points(
    connection: sqlite3.Connection, data: Sequence[Datum], series: dict[tuple[MetricKey, str], int], *, merge: bool
) -> None:
    by_chunk: dict[tuple[int, int, int], dict[int, list[Point]]] = {}
    for one in data:
        start = one.at - one.at % SPANS[one.step]
        places = by_chunk.setdefault((series[one.key, one.unit], one.step, start), {})
        places.setdefault((one.at - start) // one.step, []).append(one.point)
    for (number, step, start), places in by_chunk.items():
        _into_chunk(connection, number, step=step, start=start, places=places, merge=merge)


def _into_chunk(
    connection: sqlite3.Connection,
    series: int,
    *,
    step: int,
    start: int,
    places: dict[int, list[Point]],
    merge: bool = True,
) -> None:
    row = connection.execute(
        "SELECT body FROM chunks WHERE series = ? AND step = ? AND start = ?", (series, step, start)
    ).fetchone()
    body = chunks.changed(b"" if row is None else row[0], places, merge=merge)
    connection.execute(
        "INSERT INTO chunks VALUES (?, ?, ?, ?) ON CONFLICT (series, step, start) DO UPDATE SET body = excluded.body",
        (series, step, start, body),
    )


def roll(
    connection: sqlite3.Connection, series: int, *, start: int, step: int, into: int, points: dict[int, Point]
) -> None:
    span = SPANS[into]
    by_chunk: dict[int, dict[int, list[Point]]] = {}
    for place, point in points.items():
        at = start + place * step
        chunk = at - at % span
        by_chunk.setdefault(chunk, {}).setdefault((at - chunk) // into, []).append(point)
    for chunk, places in by_chunk.items():
        _into_chunk(connection, series, step=into, start=chunk, places=places)
