"""Packets by port and verdict, as the programs count them: `counters` for any verdict, `passed` for the one that nearly all meet."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .entries import place
from .layout import PORTS, counter, passed_counter, port_verdict
from .maps import Map

_MANY = 1000
"""From so many ports on, reading the whole array costs less than asking for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """How often a verdict happened to packets that came in by a port."""

    ifindex: int
    verdict: int
    """A key of `DataPlane.verdicts`."""
    packets: int
    bytes: int


def count(counters: Map, passed: Map, ifindexes: Collection[int]) -> Iterator[Counter]:
    """Every verdict that happened, by port, summed over CPUs; the ordinary ones of these ports."""
    for key, value in counters.entries():
        of = port_verdict.from_buffer_copy(key)
        rows = (counter * (len(value) // ctypes.sizeof(counter))).from_buffer_copy(value)
        yield Counter(
            ifindex=of.ifindex,
            verdict=of.verdict,
            packets=sum(row.packets for row in rows),
            bytes=sum(row.bytes for row in rows),
        )
    whole = passed.head(passed.max_entries) if len(ifindexes) > _MANY else None
    for ifindex in ifindexes:
        if whole is None:
            value = passed.get(place(ifindex)) or b""
        else:
            at = ifindex % PORTS * passed.value_size
            value = whole[at : at + passed.value_size]
        rows_of_it = passed_rows(value, ifindex)
        if rows_of_it:
            yield Counter(
                ifindex=ifindex,
                verdict=rows_of_it[0].verdict,
                packets=sum(row.packets for row in rows_of_it),
                bytes=sum(row.bytes for row in rows_of_it),
            )


def forget(passed: Map, ifindexes: Collection[int]) -> None:
    """What was counted for ports that are gone."""
    for ifindex in ifindexes:
        if passed_rows(passed.get(place(ifindex)) or b"", ifindex):
            passed.put(place(ifindex), bytes(passed.value_size))


def passed_rows(value: bytes, ifindex: int) -> list[passed_counter]:
    """Of each CPU that counted for this port."""
    rows = (passed_counter * (len(value) // ctypes.sizeof(passed_counter))).from_buffer_copy(value)
    return [row for row in rows if row.ifindex == ifindex]
