"""Which slots of the flow table hold the flows that are asked for, without making an object of any other: by column, in chunks.

A strided memoryview turns a column of 65,536 slots into a list in C; two million slots take a tenth of a second to search by target
and four tenths to tally.
"""

from __future__ import annotations

import ctypes
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from opengwlb.model.flows import FlowKind

from .flow_verdicts import passed
from .layout import FLOW_BUSY, FLOW_VALID, MAGLEV_SIZE, flow_slot, flow_tuple

CHUNK = 65536
"""Slots read at once: enough to make the loop cheap, little enough to stay out of the memory's way."""
NS_PER_S = 1_000_000_000
_CODES: dict[int, Literal["B", "H", "I", "Q"]] = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Of unsigned numbers, by their width."""
_SLOT, _TUPLE = ctypes.sizeof(flow_slot), ctypes.sizeof(flow_tuple)
_CREATED = flow_tuple.created_ns.offset // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which flows; None stands for all."""

    endpoints: frozenset[int] | None = None
    targets: frozenset[int] | None = None
    """Slots, as in `TargetEntry`."""
    verdict: str | None = None
    """By name, as `FlowVerdicts` has them."""


VerdictOf = Callable[[int, int, int, int], str]
"""(state, endpoint, target, target's generation) of a live flow -> its verdict."""


def live(table: memoryview, wanted: Wanted, *, now_ns: int, verdict_of: VerdictOf) -> Iterator[tuple[int, int]]:
    """(when last seen, index) of each wanted flow that is not expired. `table` is the map `flows` as bytes."""
    for first, part in _chunks(table):
        seen, tags = _column(part, "last_seen_ns"), _column(part, "tag")
        idle = _column(part, "idle_s")
        found = _candidates(part, wanted)
        if wanted.verdict is not None:
            judged = tuple(_column(part, name) for name in ("state", "endpoint", "target", "target_generation"))
            found = [i for i in found if verdict_of(*[column[i] for column in judged]) == wanted.verdict]
        for i in found:
            if tags[i] & (FLOW_VALID | FLOW_BUSY) == FLOW_VALID and now_ns - seen[i] <= idle[i] * NS_PER_S:
                yield seen[i], first + i


def changed(
    table: memoryview, tuples: memoryview, wanted: Wanted, *, after_ns: int, until_ns: int, verdict_of: VerdictOf
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Of the wanted flows, those that began and those that expired in the time given: each as (when, index).

    What expired is told from what it left in its slot: a flow whose slot was given to another one meanwhile is not met.
    """
    began, ended = [], []
    for first, part in _chunks(table):
        seen, tags, idle = (_column(part, name) for name in ("last_seen_ns", "tag", "idle_s"))
        judged = tuple(_column(part, name) for name in ("state", "endpoint", "target", "target_generation"))
        created = tuples[first * _TUPLE : (first + CHUNK) * _TUPLE].cast("Q")[_CREATED :: _TUPLE // 8]
        for i in _candidates(part, wanted):
            if tags[i] & (FLOW_VALID | FLOW_BUSY) != FLOW_VALID:
                continue
            if after_ns < created[i] <= until_ns and (
                wanted.verdict is None or verdict_of(*[column[i] for column in judged]) == wanted.verdict
            ):
                began.append((created[i], first + i))
            end_ns = seen[i] + idle[i] * NS_PER_S
            if after_ns < end_ns <= until_ns and wanted.verdict in (None, passed(judged[0][i])):
                ended.append((end_ns, first + i))
    return began, ended


def tally(table: memoryview, tuples: memoryview, *, now_ns: int, with_places: bool = False) -> Tally[FlowKind]:
    """How many live flows there are of each kind; `with_places` those of one kind apart by their place in a Maglev table.

    The place is the upper half of the tag, which is the hash that a target is chosen by (bpf/lib/select.h).
    """
    found: Tally[tuple[int, int, int, int | None]] = Tally()
    protocols = tuples[flow_tuple.protocol.offset :: _TUPLE]
    for first, part in _chunks(table):
        columns = zip(
            _column(part, "tag").tolist(),
            _column(part, "last_seen_ns").tolist(),
            _column(part, "idle_s").tolist(),
            _column(part, "endpoint").tolist(),
            _column(part, "target").tolist(),
            protocols[first : first + CHUNK].tolist(),
            strict=False,
        )
        found.update(
            [
                (endpoint, target, protocol, (tag >> 32) % MAGLEV_SIZE if with_places else None)
                for tag, seen, idle, endpoint, target, protocol in columns
                if tag & (FLOW_VALID | FLOW_BUSY) == FLOW_VALID and now_ns - seen <= idle * NS_PER_S
            ]
        )
    return Tally({FlowKind(*kind): count for kind, count in found.items()})


def _chunks(table: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(index of its first slot, its bytes)."""
    for first in range(0, len(table) // _SLOT, CHUNK):
        yield first, table[first * _SLOT : (first + CHUNK) * _SLOT]


def _column(part: memoryview, name: str) -> memoryview[int]:
    """One number of every slot. Fields are as aligned as they are wide, so the field's own width is the unit of the step."""
    field = getattr(flow_slot, name)
    return part.cast(_CODES[field.size])[field.offset // field.size :: _SLOT // field.size]


def _candidates(part: memoryview, wanted: Wanted) -> list[int]:
    """What the cheapest columns leave of a chunk's slots, live or not."""
    if wanted.targets is not None:
        targets = wanted.targets
        found = [i for i, target in enumerate(_column(part, "target").tolist()) if target in targets]
    else:
        mask = FLOW_VALID | FLOW_BUSY
        found = [i for i, tag in enumerate(_column(part, "tag").tolist()) if tag & mask == FLOW_VALID]
    if wanted.endpoints is not None:
        endpoints = _column(part, "endpoint")
        found = [i for i in found if endpoints[i] in wanted.endpoints]
    return found
