"""Which slots of the flow table hold the flows that are asked for, without making an object of any other: by column, in chunks.

The table is shared with programs that write it, so what is read may change in the next moment; whoever needs a flow whole reads its slot
again (`FlowTable`). Nothing that is answered refers to the table's memory: an array that did would keep the map from being closed.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from opengwlb.model.flows import FlowKind

from .flow_verdicts import ASKED, passed
from .layout import FLOW_BUSY, FLOW_VALID, MAGLEV_SIZE, flow_slot, flow_tuple
from .wanted import NS_PER_S, Latest, Wanted

CHUNK = 16384
"""Slots read at once: 1 MiB, so that the next column is read from the cache."""
FEW = 1 << 22
"""Kinds that are told apart by counting in an array of so many places, rather than by sorting."""
_SLOT, _TUPLE = np.dtype(flow_slot), np.dtype(flow_tuple)

Column = NDArray[Any]
VerdictOf = Callable[[int, int, int, int], str]
"""(state, endpoint, target, target's generation) of a live flow -> its verdict."""


_JUDGED = ("state", "endpoint", "target", "target_generation")


def live(
    table: memoryview, tuples: memoryview, wanted: Wanted, *, now_ns: int, verdict_of: VerdictOf, limit: int
) -> Latest:
    """The wanted flows that are not expired, those seen last first. `table` and `tuples` are the maps `flows` and `flow_tuples` as
    bytes."""
    texts = np.frombuffer(tuples, dtype=_TUPLE)
    names = ("last_seen_ns", *(_JUDGED if wanted.verdict is not None else ()))
    found = _gather(_chunks(table), texts, wanted, names, lambda slots, _: _is_live(slots, now_ns))
    if wanted.verdict is not None:
        kinds, which = _grouped([found["state"] & ASKED, *(found[name] for name in _JUDGED[1:])])
        is_wanted = np.array([verdict_of(*kind) == wanted.verdict for kind in kinds], dtype=bool)
        found = _only(found, is_wanted[which])
    return _latest(found["last_seen_ns"], found["index"], limit)


def changed(
    table: memoryview,
    tuples: memoryview,
    wanted: Wanted,
    *,
    after_ns: int,
    until_ns: int,
    verdict_of: VerdictOf,
    limit: int,
) -> tuple[Latest, Latest]:
    """Of the wanted flows, those that began and those that expired in the time given.

    What expired is told from what it left in its slot: a flow whose slot was given to another one meanwhile is not met.
    """
    texts = np.frombuffer(tuples, dtype=_TUPLE)

    def began_in(slots: Column, first: int) -> Column:
        created = texts["created_ns"][first : first + len(slots)].astype(np.int64)
        return _is_valid(slots) & (after_ns < created) & (created <= until_ns)

    def ended_in(slots: Column, first: int) -> Column:
        end = _end_ns(slots)
        return _is_valid(slots) & (after_ns < end) & (end <= until_ns)

    def verdicts(found: Mapping[str, Column]) -> Iterator[str]:
        return map(verdict_of, *(found[name].tolist() for name in _JUDGED))

    began = _gather(_chunks(table), texts, wanted, _JUDGED, began_in)
    ended = _gather(_chunks(table), texts, wanted, ("state", "last_seen_ns", "idle_s"), ended_in)
    if wanted.verdict is not None:
        began = _only(began, np.array([one == wanted.verdict for one in verdicts(began)], dtype=bool))
        ended = _only(ended, np.array([passed(one) == wanted.verdict for one in ended["state"].tolist()], dtype=bool))
    return (
        _latest(texts["created_ns"][began["index"]], began["index"], limit),
        _latest(_end_ns(ended), ended["index"], limit),
    )


def tally(table: memoryview, tuples: memoryview, *, now_ns: int, with_places: bool = False) -> Tally[FlowKind]:
    """How many live flows there are of each kind; `with_places` those of one kind apart by their place in a Maglev table.

    The place is the upper half of the tag, which is the hash that a target is chosen by (bpf/lib/select.h).
    """
    names = ("endpoint", "target", *(("tag",) if with_places else ()))
    texts = np.frombuffer(tuples, dtype=_TUPLE)
    found = _gather(_chunks(table), texts, Wanted(), names, lambda slots, _: _is_live(slots, now_ns))
    columns = [found["endpoint"], found["target"], texts["protocol"][found["index"]]]
    if with_places:
        columns.append((found["tag"] >> np.uint64(32)) % np.uint64(MAGLEV_SIZE))
    kinds, which = _grouped(columns)
    counts = np.bincount(which, minlength=len(kinds)).tolist()
    return Tally({FlowKind(*kind): count for kind, count in zip(kinds, counts, strict=True)})


def _chunks(table: memoryview) -> Iterator[tuple[int, Column]]:
    """(index of its first slot, its slots)."""
    slots = np.frombuffer(table, dtype=_SLOT, count=len(table) // ctypes.sizeof(flow_slot))
    for first in range(0, len(slots), CHUNK):
        yield first, slots[first : first + CHUNK]


def _gather(
    chunks: Iterator[tuple[int, Column]],
    texts: Column,
    wanted: Wanted,
    names: Sequence[str],
    keep: Callable[[Column, int], Column],
) -> dict[str, Column]:
    """Copies of the columns of these names, and `index`, of the wanted slots that `keep(slots, first)` says yes to."""
    found: dict[str, list[Column]] = {name: [] for name in ("index", *names)}
    for first, slots in chunks:
        chosen = keep(slots, first)
        for name, these in (("target", wanted.targets), ("endpoint", wanted.endpoints)):
            if these is not None:
                chosen &= np.isin(slots[name], np.array(sorted(these), dtype=np.uint64))
        places = np.flatnonzero(chosen)
        if wanted.asks_for_ends:
            places = places[_has_ends(texts[places + first], wanted)]
        found["index"].append(places + first)
        for name in names:
            found[name].append(slots[name][places])
    return {name: np.concatenate(parts) if parts else np.zeros(0, np.int64) for name, parts in found.items()}


def _has_ends(texts: Column, wanted: Wanted) -> Column:
    """Which of these tuples have the protocol, and at either end the port and the addresses."""
    chosen = np.ones(len(texts), dtype=bool)
    if wanted.protocol is not None:
        chosen &= texts["protocol"] == wanted.protocol
    if wanted.port is not None:
        port = np.frombuffer(wanted.port.to_bytes(2, "big"), dtype=np.uint8)
        chosen &= (texts["source_port"] == port).all(axis=1) | (texts["destination_port"] == port).all(axis=1)
    for network in wanted.addresses:
        size = network.max_prefixlen // 8
        prefix, mask = (np.frombuffer(one.packed, np.uint8) for one in (network.network_address, network.netmask))
        ends = [(texts[name][:, :size] & mask == prefix).all(axis=1) for name in ("source", "destination")]
        chosen &= (texts["family"] == network.version) & (ends[0] | ends[1])
    return np.asarray(chosen)


def _only(found: Mapping[str, Column], chosen: Column) -> dict[str, Column]:
    return {name: column[chosen] for name, column in found.items()}


def _is_valid(slots: Column) -> Column:
    return np.asarray(slots["tag"] & np.uint64(FLOW_VALID | FLOW_BUSY) == FLOW_VALID)


def _is_live(slots: Column, now_ns: int) -> Column:
    return np.asarray(_is_valid(slots) & (now_ns <= _end_ns(slots)))


def _end_ns(slots: Column | Mapping[str, Column]) -> Column:
    """When flows expire. Signed: another CPU's clock may be a tick ahead."""
    return np.asarray(slots["last_seen_ns"].astype(np.int64) + slots["idle_s"].astype(np.int64) * NS_PER_S)


def _latest(when: Column, indexes: Column, limit: int) -> Latest:
    total = len(when)
    if total > limit:
        chosen = np.argpartition(when, total - limit)[total - limit :] if limit else np.zeros(0, np.int64)
        when, indexes = when[chosen], indexes[chosen]
    return Latest(total=total, indexes=indexes[np.lexsort((indexes, when))[::-1]].tolist())


def _grouped(columns: Sequence[Column]) -> tuple[list[tuple[int, ...]], Column]:
    """The different rows that the columns have, and for each row the number of its kind among them."""
    values = [_values(column) for column in columns]
    shape = tuple(max(len(one), 1) for one in values)
    codes = np.zeros(len(columns[0]), np.int64)
    for column, known in zip(columns, values, strict=True):
        codes = codes * max(len(known), 1) + np.searchsorted(known, column)
    size = math.prod(shape)
    if size <= FEW:  # much quicker than sorting
        there = np.flatnonzero(np.bincount(codes, minlength=size))
        numbers = np.zeros(size, np.int64)
        numbers[there] = np.arange(len(there))
        which = numbers[codes]
    else:
        there, which = np.unique(codes, return_inverse=True)
    parts = (known[place].tolist() for known, place in zip(values, np.unravel_index(there, shape), strict=True))
    return list(zip(*parts, strict=True)), which


def _values(column: Column) -> Column:
    """What is in a column, sorted. By pieces: sorting what fits the cache is quicker, and few values are left of each."""
    pieces = [np.unique(column[first : first + CHUNK]) for first in range(0, len(column), CHUNK)]
    return np.unique(np.concatenate(pieces)) if pieces else column
