"""CloudWatch's data points in one file of their own, apart from the objects: they are many, and nobody watches them.

A series is a metric in one unit. Its data points lie in chunks (`chunks.py`), one row each, of the resolution that their age still
has (`model.metrics.RETENTION`); `roll` adds up what grew too old for its resolution, a bounded number of chunks at a time.

A transaction is on its way to the disk when `put` returns (SQLite's WAL, `synchronous = NORMAL`): killing the process loses nothing,
a power cut the last moments. Times are passed in.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from opengwlb.model.metrics import DAY, MINUTE, RETENTION, Datum, MetricKey, Point

from . import chunks
from . import metric_rows as rows
from .protocol import StoreError

CUSTOM_METRICS = 10_000
"""Of one account, outside of AWS's namespaces: memory and disk of one account are bounded. One with long dimensions counts as several."""
COUNTED_BYTES = 256
"""So many bytes of names, or part of them, count as one metric."""
FORGOTTEN_AFTER = RETENTION[-1].keep + DAY
"""Seconds after its newest data point that a metric has certainly nothing left."""


class TooManyMetrics(StoreError):
    """An account has `CUSTOM_METRICS`, and wants another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A metric that exists."""

    id: int
    """In order of creation."""
    key: MetricKey
    newest: int
    """Start of its newest data point's minute, since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A data point as it is kept."""

    unit: str
    at: int
    step: int
    point: Point


class MetricStore:
    """Safe for several threads. Raises StoreError when the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        try:
            self._writer = rows.opened(path)
            self._reader = rows.connect(path)
            known = self._writer.execute(
                "SELECT id, account, region, namespace, name, dimensions, newest FROM metrics ORDER BY id"
            ).fetchall()
            self._metrics = {one.key: one for one in map(_listed, known)}
            by_id = {one.id: one.key for one in self._metrics.values()}
            self._series = {
                (by_id[metric], unit): number
                for number, metric, unit in self._writer.execute("SELECT id, metric, unit FROM series")
                if metric in by_id
            }
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error
        self._custom = _counted(self._metrics)

    def put(self, data: Iterable[Datum]) -> None:
        """Add data points, all or none. Raises TooManyMetrics."""
        self._write(data, merge=True)

    def replace(self, data: Iterable[Datum]) -> None:
        """Put data points in the place of those that are there, all or none: who writes owns the metric and says what is so far."""
        self._write(data, merge=False)

    def _write(self, data: Iterable[Datum], *, merge: bool) -> None:
        given = list(data)
        with self._writing:
            newest: dict[MetricKey, int] = {}
            for one in given:
                newest[one.key] = max(newest.get(one.key, 0), one.at - one.at % MINUTE)
            new = [key for key in newest if key not in self._metrics]
            self._check_room(new)
            with rows.Transaction(self._writer, self._path) as connection:
                metrics = {key: self._touch(connection, key, at) for key, at in newest.items()}
                series = {
                    both: self._series.get(both) or rows.insert_series(connection, metrics[both[0]].id, both[1])
                    for both in dict.fromkeys((one.key, one.unit) for one in given)
                }
                rows.write_points(connection, given, series, merge=merge)
            self._metrics.update(metrics)
            self._series.update(series)
            self._custom.update(_counted(new))

    def _check_room(self, new: Sequence[MetricKey]) -> None:
        for account, more in _counted(new).items():
            if self._custom[account] + more > CUSTOM_METRICS:
                raise TooManyMetrics(f"{account} has {self._custom[account]} metrics of {CUSTOM_METRICS}")

    def _touch(self, connection: sqlite3.Connection, key: MetricKey, newest: int) -> Listed:
        """The metric, made when it is new, as fresh as its newest data point."""
        listed = self._metrics.get(key)
        if listed is not None and newest <= listed.newest:
            return listed
        if listed is not None:
            connection.execute("UPDATE metrics SET newest = ? WHERE id = ?", (newest, listed.id))
            return Listed(id=listed.id, key=key, newest=newest)
        dimensions = msgspec.json.encode(key.dimensions)
        made = connection.execute(
            "INSERT INTO metrics (account, region, namespace, name, dimensions, newest) VALUES (?, ?, ?, ?, ?, ?)",
            (key.account, key.region, key.namespace, key.name, dimensions, newest),
        )
        assert made.lastrowid is not None
        return Listed(id=made.lastrowid, key=key, newest=newest)

    def listed(self, account: str, *, region: str, since: int = 0) -> list[Listed]:
        """An account's metrics with a data point at `since` or later, in order of creation."""
        metrics = self._metrics
        found = [
            one
            for key, one in list(metrics.items())
            if key.account == account and key.region == region and one.newest >= since
        ]
        return sorted(found, key=lambda one: one.id)

    def points(self, key: MetricKey, *, start: int, end: int, unit: str | None = None) -> Iterator[Stored]:
        """Those with `start <= at < end`, by resolution and time, chunk by chunk."""
        for series_unit, number in self._series_of(key, unit):
            for step, span in rows.SPANS.items():
                for chunk, body in self._chunks(number, step=step, start=start - start % span, end=end):
                    for place, point in self._decoded(body).items():
                        at = chunk + place * step
                        if start <= at < end:
                            yield Stored(unit=series_unit, at=at, step=step, point=point)

    def _series_of(self, key: MetricKey, unit: str | None) -> list[tuple[str, int]]:
        if unit is not None:
            number = self._series.get((key, unit))
            return [] if number is None else [(unit, number)]
        if key not in self._metrics:
            return []
        with self._reading:
            found = self._reader.execute(
                "SELECT unit, id FROM series WHERE metric = ? ORDER BY id", (self._metrics[key].id,)
            )
            return found.fetchall()

    def _chunks(self, series: int, *, step: int, start: int, end: int) -> list[tuple[int, bytes]]:
        with self._reading:
            found = self._reader.execute(
                "SELECT start, body FROM chunks WHERE series = ? AND step = ? AND start >= ? AND start < ? ORDER BY start",
                (series, step, start, end),
            )
            return found.fetchall()

    def _decoded(self, body: bytes) -> dict[int, Point]:
        try:
            return chunks.decode(body)
        except msgspec.MsgspecError as error:
            raise StoreError(f"{self._path} holds a chunk that cannot be read: {error}") from error

    def roll(self, now: float, *, most: int = 500) -> int:
        """Add up, or delete, what is too old for its resolution: `most` chunks of each at a time. How many there were."""
        done = 0
        for index, one in enumerate(RETENTION):
            coarser = RETENTION[index + 1] if index + 1 < len(RETENTION) else None
            before = int(now) - one.keep - one.span
            with self._writing:
                old = self._writer.execute(
                    "SELECT series, start, body FROM chunks WHERE step = ? AND start <= ? ORDER BY start LIMIT ?",
                    (one.step, before, most),
                ).fetchall()
                if not old:
                    continue
                with rows.Transaction(self._writer, self._path) as connection:
                    if coarser is not None:
                        for series, start, body in old:
                            rows.roll(
                                connection,
                                series,
                                start=start,
                                step=one.step,
                                into=coarser.step,
                                points=self._decoded(body),
                            )
                    connection.executemany(
                        "DELETE FROM chunks WHERE series = ? AND step = ? AND start = ?",
                        [(series, one.step, start) for series, start, _ in old],
                    )
            done += len(old)
        self._forget(lambda key, newest: newest < now - FORGOTTEN_AFTER)
        return done

    def forget(self, account: str | None = None) -> None:
        """Delete everything of an account; of all when None."""
        self._forget(lambda key, newest: account in (None, key.account))

    def _forget(self, gone: Callable[[MetricKey, int], bool]) -> None:
        with self._writing:
            lost = [one for one in self._metrics.values() if gone(one.key, one.newest)]
            if not lost:
                return
            numbers = [(one.id,) for one in lost]
            with rows.Transaction(self._writer, self._path) as connection:
                connection.executemany(
                    "DELETE FROM chunks WHERE series IN (SELECT id FROM series WHERE metric = ?)", numbers
                )
                connection.executemany("DELETE FROM series WHERE metric = ?", numbers)
                connection.executemany("DELETE FROM metrics WHERE id = ?", numbers)
            keys = {one.key for one in lost}
            self._metrics = {key: one for key, one in self._metrics.items() if key not in keys}
            self._series = {both: number for both, number in self._series.items() if both[0] not in keys}
            self._custom = _counted(self._metrics)

    def close(self) -> None:
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()


def _listed(row: tuple[int, str, str, str, str, bytes, int]) -> Listed:
    number, account, region, namespace, name, dimensions, newest = row
    pairs = tuple((key, value) for key, value in msgspec.json.decode(dimensions, type=list[tuple[str, str]]))
    key = MetricKey(account=account, region=region, namespace=namespace, name=name, dimensions=pairs)
    return Listed(id=number, key=key, newest=newest)


def _counted(keys: Iterable[MetricKey]) -> Tally[str]:
    """Account -> how many custom metrics these count as."""
    counted: Tally[str] = Tally()
    for key in keys:
        if not key.namespace.startswith("AWS/"):
            size = len(key.namespace) + len(key.name) + sum(len(name) + len(value) for name, value in key.dimensions)
            counted[key.account] += 1 + size // COUNTED_BYTES
    return counted
