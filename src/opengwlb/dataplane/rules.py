"""Rule sets in the map `rules`: written by content, each once, and never changed where a program may be reading.

A change of rules makes another set under another number in another place; then each interface's configuration is turned to it by one
store, and the former set's place is used again only when no program can be reading it any more. So packets meet the old rules or the new
ones, nothing between, and what programs remember of a set by its number is never said of another.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from opengwlb.model.plane import Plane, Rules, RuleSet, Table

from . import layout
from .maps import Map

REST_S = 1.0
"""A place that programs were told to leave is not written before. They read a set for microseconds."""
NUMBERS = 1 << 28
_WORD = 8
_HEADER = 15
"""Words before the tables: length and number, then a `rule_direction` for each direction."""
_DIRECTION = struct.Struct("=8I6I")


class Place(NamedTuple):
    number: int
    at: int
    """Word in the map."""


NOWHERE = Place(0, 0)
"""Of no rules at all."""


class Places:
    """Where rule sets are. By identity: comparing them costs more than finding them."""

    def __init__(self, found: Mapping[int, tuple[RuleSet, Place]]) -> None:
        self._found = found

    def of(self, rules: RuleSet | None) -> Place | None:
        """None for a set that found no room."""
        if rules is None:
            return NOWHERE
        found = self._found.get(id(rules))
        return found[1] if found else None


NO_PLACES = Places({})


@dataclass(slots=True)
class _Kept:
    place: Place
    words: int
    left_at: float | None = None
    """Since when nobody is told of it."""


class RuleStore:
    """Not for several threads at once. Close it."""

    def __init__(self, found: Map) -> None:
        self._held = mmap.mmap(found.fd, layout.RULE_PAGES * layout.RULE_WORDS * _WORD)
        self._kept: dict[bytes, _Kept] = {}
        self._encoded: dict[int, tuple[RuleSet, bytes]] = {}
        self._free = [
            (page * layout.RULE_WORDS + (page == 0), (page + 1) * layout.RULE_WORDS)
            for page in range(layout.RULE_PAGES)
        ]
        """Extents from, to. The very first word is the last number that was given."""

    def close(self) -> None:
        self._held.close()

    def adopt(self, guards: Iterable[layout.eni_guard]) -> None:
        """Takes over what an earlier server's interfaces are told of."""
        places = {place for guard in guards for place in (guard.groups_at, guard.acl_at) if place}
        for at in sorted(places):
            head = self._read(at)
            words, number = head >> 32, head & 0xFFFFFFFF
            self._take(at, words)
            content = self._held[(at + 1) * _WORD : (at + words) * _WORD]
            self._kept[content] = _Kept(Place(number, at), words)

    def place(self, plane: Plane) -> Places:
        """Writes what is new of a plane's rule sets."""
        self._reuse(time.monotonic())
        wanted = {id(one): one for one in rule_sets(plane)}
        self._encoded = {key: self._encoded.get(key) or (one, encode(one)) for key, one in wanted.items()}
        found: dict[int, tuple[RuleSet, Place]] = {}
        for key, (one, content) in self._encoded.items():
            kept = self._kept.get(content) or self._write(content)
            if kept is not None:
                kept.left_at = None
                found[key] = one, kept.place
        return Places(found)

    def settle(self) -> None:
        """The interfaces are told of the last `place`: what else there is may rest, and then go."""
        contents = {content for _, content in self._encoded.values()}
        now = time.monotonic()
        for content, kept in self._kept.items():
            if content not in contents and kept.left_at is None:
                kept.left_at = now

    def _reuse(self, now: float) -> None:
        gone = [
            content for content, kept in self._kept.items() if kept.left_at is not None and now - kept.left_at > REST_S
        ]
        for content in gone:
            kept = self._kept.pop(content)
            self._give(kept.place.at, kept.words)

    def _write(self, content: bytes) -> _Kept | None:
        words = 1 + len(content) // _WORD
        at = self._room(words)
        if at is None:
            return None
        number = self._read(0) % (NUMBERS - 1) + 1
        self._put(0, struct.pack("=Q", number))
        self._put(at, struct.pack("=II", number, words) + content)
        kept = self._kept[content] = _Kept(Place(number, at), words)
        return kept

    def _room(self, words: int) -> int | None:
        for start, end in self._free:
            if end - start >= words:
                self._take(start, words)
                return start
        return None

    def _take(self, at: int, words: int) -> None:
        for index, (start, end) in enumerate(self._free):
            if start <= at and at + words <= end:
                left = ((start, at), (at + words, end))
                self._free[index : index + 1] = [one for one in left if one[0] < one[1]]
                return

    def _give(self, at: int, words: int) -> None:
        self._free = sorted([*self._free, (at, at + words)])
        merged: list[tuple[int, int]] = []
        for start, end in self._free:
            if merged and merged[-1][1] == start and start % layout.RULE_WORDS:
                merged[-1] = merged[-1][0], end
            else:
                merged.append((start, end))
        self._free = merged

    def _read(self, at: int) -> int:
        return int(struct.unpack_from("=Q", self._held, at * _WORD)[0])

    def _put(self, at: int, content: bytes) -> None:
        self._held[at * _WORD : at * _WORD + len(content)] = content


def rule_sets(plane: Plane) -> Iterator[RuleSet]:
    """All that a plane's interfaces name, some more than once."""
    for entry in plane.enis.values():
        for guard in (entry.guard, *(one for _, one in entry.behind)):
            for one in (guard.groups, guard.acl) if guard else ():
                if one is not None:
                    yield one


def errors(plane: Plane, places: Places) -> Iterator[tuple[str, str]]:
    """Interfaces that nothing passes, and why."""
    for entry in plane.enis.values():
        for guard in (entry.guard, *(one for _, one in entry.behind)):
            if guard is None:
                continue
            if guard.refused:
                yield guard.interface, guard.refused
            elif places.of(guard.groups) is None or places.of(guard.acl) is None:
                yield guard.interface, "there is no room for its rules beside all others: nothing passes"


def encode(rules: RuleSet) -> bytes:
    """A set's words behind the first."""
    writer = _Writer()
    directions = b"".join(writer.direction(one) for one in (rules.egress, rules.ingress))
    return directions + b"".join(writer.parts)


class _Writer:
    """What comes behind the header, and where it is."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._at = _HEADER
        self._vectors: dict[tuple[int, int], int] = {}

    def direction(self, rules: Rules) -> bytes:
        tables = (rules.services, rules.ipv4, rules.ipv6, rules.classes)
        most = max((bits.bit_length() for table in tables for _, bits in table), default=0)
        width = (most + 63) // 64
        placed: list[int] = []
        for table in tables:
            wide = table is rules.ipv6
            placed += (len(table), self._table(table, width, wide=wide))
        everywhere4, everywhere6, allow = (
            self._vector(bits, width) for bits in (rules.everywhere4, rules.everywhere6, rules.allow)
        )
        return _DIRECTION.pack(*placed, everywhere4, everywhere6, width, rules.full, allow, 0)

    def _table(self, table: Table, width: int, *, wide: bool) -> int:
        entries = [(start, self._vector(bits, width)) for start, bits in table]
        if wide:
            packed = b"".join(
                struct.pack("=QQQ", start >> 64, start & 0xFFFFFFFFFFFFFFFF, vector) for start, vector in entries
            )
        else:
            packed = struct.pack(f"={len(entries)}Q", *(start << 32 | vector for start, vector in entries))
        return self._add(packed)

    def _vector(self, bits: int, width: int) -> int:
        if not bits:
            return 0
        found = self._vectors.get((bits, width))
        if found is None:
            found = self._vectors[bits, width] = self._add(bits.to_bytes(width * _WORD, "little"))
        return found

    def _add(self, content: bytes) -> int:
        at = self._at
        self.parts.append(content)
        self._at += len(content) // _WORD
        return at
