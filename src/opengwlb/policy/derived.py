"""Values derived from stored objects one by one, each remembered together with what was read for it.

The functions that derive stay what they are: pure, of a whole view. They are handed a view that notes what they ask; when the next
revision comes, only those are asked again whose answers may be others. Nothing has to be declared, so nothing can be forgotten: what a
function did not read cannot change what it says. `tests/unit/test_standing.py` compares it with deriving everything anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from opengwlb.model.snapshot import Index, Snapshot, Stored

T = TypeVar("T", bound=Stored)
V = TypeVar("V")

Read = tuple[Any, Hashable]
"""(kind, id), (index, key), (name of another source, key); `EVERY` as the second is all that is there."""
EVERY = object()


class Tracked(Snapshot):
    """A snapshot that notes in `reads` what it is asked.

    With a focus, `values` of that kind is the one object alone: a function that walks all objects of a kind does its work for one.
    """

    __slots__ = ("_focus", "_snapshot", "reads")

    def __init__(self, snapshot: Snapshot, *, focus: tuple[type[Any], str] | None = None) -> None:
        super().__init__(snapshot.revision, {})
        self._snapshot = snapshot
        self._focus = focus
        self.reads: set[Read] = set()

    def get(self, kind: type[T], object_id: str | None) -> T | None:
        if object_id is None:
            return None
        self.reads.add((kind, object_id))
        return self._snapshot.get(kind, object_id)

    def values(self, kind: type[T]) -> Iterable[T]:
        if self._focus is not None and self._focus[0] is kind:
            found = self.get(kind, self._focus[1])
            return () if found is None else (found,)
        self.reads.add((kind, EVERY))
        return self._snapshot.values(kind)

    def all(self, kind: type[T]) -> Mapping[str, T]:
        self.reads.add((kind, EVERY))
        return self._snapshot.all(kind)

    def find(self, index: Index[T], key: Hashable) -> tuple[T, ...]:
        self.reads.add((index, key))
        return self._snapshot.find(index, key)


class TrackedMap(Mapping[str, V]):
    """A mapping that is no part of a snapshot, noted under a name of its own; `focus` as of `Tracked`."""

    def __init__(self, name: str, values: Mapping[str, V], *, reads: set[Read], focus: str | None = None) -> None:
        self._name, self._values, self._reads, self._focus = name, values, reads, focus

    def __getitem__(self, key: str) -> V:
        self._reads.add((self._name, key))
        return self._values[key]

    def __iter__(self) -> Any:
        if self._focus is not None:
            self._reads.add((self._name, self._focus))
            return iter((self._focus,) if self._focus in self._values else ())
        self._reads.add((self._name, EVERY))
        return iter(self._values)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Changes:
    """What differs between two revisions, as reads that may be answered otherwise."""

    def __init__(self) -> None:
        self.reads: set[Read] = set()
        self.ids: dict[type[Any], set[str]] = {}
        """Kind -> ids of objects that came, went or are others."""

    def between(self, older: Snapshot | None, newer: Snapshot, *, indexes: Iterable[Index[Any]]) -> Changes:
        """`older` None: everything is new."""
        of: dict[type[Any], list[Index[Any]]] = {}
        for index in indexes:
            of.setdefault(index.kind, []).append(index)
        for kind, object_id, was, now in newer.differences(older or Snapshot(-1, {})):
            self.add(kind, object_id)
            self.ids.setdefault(kind, set()).add(object_id)
            for index in of.get(kind, ()):
                self.reads |= {(index, key) for one in (was, now) if one is not None for key in index.keys(one)}
        return self

    def add(self, source: Any, key: Hashable) -> None:
        self.reads |= {(source, key), (source, EVERY)}


class Pieces(Generic[V]):
    """One value for each root, and what was read for it. Not for several threads."""

    def __init__(self, derive: Callable[[str, Snapshot], tuple[V | None, set[Read]]]) -> None:
        """`derive(root, snapshot)`: the value (None: there is none) and the reads that it rests on."""
        self._derive = derive
        self._values: dict[str, V] = {}
        self._reads: dict[str, set[Read]] = {}
        self._readers: dict[Read, set[str]] = {}
        self.indexes: set[Index[Any]] = set()
        """That some value was once looked up by."""

    @property
    def values(self) -> Mapping[str, V]:
        return self._values

    def update(
        self, snapshot: Snapshot, *, changes: Changes, roots: Iterable[str]
    ) -> dict[str, tuple[V | None, V | None]]:
        """Derive again what rests on something that changed, and `roots`, which may be new or gone. Root -> (before, after), where
        they differ."""
        doubtful = set(roots)
        readers = self._readers
        for read in changes.reads:
            if read in readers:
                doubtful |= readers[read]
        found: dict[str, tuple[V | None, V | None]] = {}
        for root in doubtful:
            before = self._values.get(root)
            after, reads = self._derive(root, snapshot)
            self._note(root, reads if after is not None else set())
            if after is None:
                self._values.pop(root, None)
            elif before == after:
                continue
            else:
                self._values[root] = after
            if before != after:
                found[root] = before, after
        return found

    def _note(self, root: str, reads: set[Read]) -> None:
        known = self._reads.get(root, set())
        for read in known - reads:
            readers = self._readers[read]
            readers.discard(root)
            if not readers:
                del self._readers[read]
        for read in reads - known:
            if isinstance(read[0], Index):
                self.indexes.add(read[0])
            self._readers.setdefault(read, set()).add(root)
        if reads:
            self._reads[root] = reads
        else:
            self._reads.pop(root, None)
