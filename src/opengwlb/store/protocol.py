"""What a store promises. `sqlite.py` keeps it on one machine; another one must pass the same tests (tests/store).

- One writer at a time; a transaction sees its own writes, and either all of it is kept or none.
- When `transact` returns, the write survives `kill -9` and power loss.
- Revisions are global and grow by one per transaction that changed something.
- `changes(since)` gives every change after `since`, or raises `Compacted` when some of them are no longer kept (at
  least an hour is). A watcher that is told so relists from `snapshot()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from opengwlb.model.snapshot import Snapshot, Stored

R = TypeVar("R")
T = TypeVar("T", bound=Stored)


class Compacted(Exception):
    """Changes after the asked revision are no longer kept: relist."""


class StoreError(Exception):
    """The store cannot be opened, read or written. Nothing of the failed transaction is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    revision: int
    kind: type[Any]
    id: str
    object: Any | None
    """None: deleted."""
    at: float
    """Seconds since the epoch."""


class Transaction(Protocol):
    """A snapshot that can be written. Not usable after `transact` returned."""

    @property
    def revision(self) -> int: ...
    def get(self, kind: type[T], object_id: str | None) -> T | None: ...
    def values(self, kind: type[T]) -> Iterable[T]: ...
    def put(self, obj: Stored) -> None:
        """Insert or replace by (type, id). Putting an equal object changes nothing."""

    def delete(self, kind: type[Any], object_id: str) -> None:
        """Deleting what is not there changes nothing."""


class Store(Protocol):
    def snapshot(self) -> Snapshot:
        """The newest committed revision. Never blocks on a writer."""

    def transact(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` alone; an exception from it rolls everything back and is raised again."""

    def changes(self, since: int) -> list[Change]:
        """Every change after revision `since`, oldest first."""

    def history(self, kind: type[Any], *, since: int = 0) -> list[Change]:
        """What is still kept of the changes of one kind after revision `since`, oldest first; never raises `Compacted`."""

    def wait(self, since: int, timeout_s: float) -> int:
        """Block until the revision is above `since` or the time is over; the current revision."""

    def reset(self) -> None:
        """Delete every object (for --test-hooks); itself one transaction."""

    def close(self) -> None: ...
