"""The flow table as user space reads it: mapped memory, unsynchronised, so a slot that changes while it is read is left out."""

from __future__ import annotations

import ctypes
import ipaddress
import mmap
import secrets
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from opengwlb.model.flows import FlowKind

from .clock import Clock
from .flow_verdicts import FlowVerdicts, passed
from .layout import (
    FLOW_ADOPTED,
    FLOW_BUSY,
    FLOW_COOKIE_BITS,
    FLOW_FAIL_OPEN,
    FLOW_FIN_0,
    FLOW_FIN_1,
    FLOW_INDEX_BITS_MAX,
    FLOW_INDEX_BITS_MIN,
    FLOW_MOVED,
    FLOW_RST,
    FLOW_SHARED,
    FLOW_TCP,
    FLOW_TURNED,
    FLOW_VALID,
    FLOW_WAYS,
    flow_settings,
    flow_slot,
    flow_tuple,
)
from .maps import Map
from .wanted import NS_PER_S, Latest, Wanted

_CLOCK_MONOTONIC_COARSE = 6
"""Of linux/time.h; Python has no name for it."""
_FIRST = b"\0\0\0\0"
SETTLED_NS = 10_000_000
"""The programs' clock goes in steps of some milliseconds: what happened this long ago can be read, with its time."""
COOKIE_REST_NS = 30 * NS_PER_S
"""No cookie is given out again sooner."""
_TICK_SHIFT_MIN = 22
"""Ticks of 4 ms: the programs' clock is no finer."""


class Why(StrEnum):
    """Why a flow has its target."""

    HASH = "hash"
    FAIL_OPEN = "fail-open"
    """By hash among unhealthy targets, because no other was left."""
    ADOPTED = "adopted"
    """By hash, for TCP that began elsewhere."""
    REBALANCED = "rebalanced"
    """Its former target became unhealthy, or was deregistered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow with both its directions. Source and destination are those of its first packet."""

    endpoint: int
    source: str
    destination: str
    source_port: int
    destination_port: int
    protocol: int
    target: int
    """Slot, as in `TargetEntry`."""
    cookie: int
    packets_forward: int
    """Sent to the target, from the first packet's source; `backward` is the other direction."""
    packets_backward: int
    bytes_forward: int
    bytes_backward: int
    last_seen_s: float
    """Seconds ago."""
    created_s: float
    """Seconds ago."""
    idle_s: int
    """Unseen for longer it expires."""
    tcp: str
    """`opening` (one direction seen), `established`, `closing` (one FIN) or `closed`; empty for anything but the flow of one TCP
    connection."""
    why: Why
    former: int | None
    """Slot of the target that a rebalanced flow had before."""
    verdict: str
    """As `FlowVerdicts` has it."""

    @property
    def packets(self) -> int:
        return self.packets_forward + self.packets_backward

    @property
    def bytes(self) -> int:
        return self.bytes_forward + self.bytes_backward


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer of bounded length."""

    at_ns: int
    """Of the monotonic clock, for asking what changes from here on."""
    total: int
    """How many flows are live and wanted."""
    flows: Iterator[Flow]
    """Those seen last, the latest first; read from the table as they are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What began and what ended in a stretch of time."""

    began: Found
    ended: Found
    """Expired flows; one whose slot was given to another flow at once is not among them."""


class FlowTable:
    """The maps `flows` and `flow_tuples`, mapped read-only."""

    def __init__(self, flows: Map, tuples: Map) -> None:
        self._slots = flows.max_entries * FLOW_WAYS
        self._index_bits = index_bits(flows.max_entries)
        self._flows = mmap.mmap(flows.fd, _pages(self._slots * ctypes.sizeof(flow_slot)), prot=mmap.PROT_READ)
        self._tuples = mmap.mmap(tuples.fd, _pages(self._slots * ctypes.sizeof(flow_tuple)), prot=mmap.PROT_READ)

    def close(self) -> None:
        self._flows.close()
        self._tuples.close()

    def live(self, *, now_ns: int, verdicts: FlowVerdicts) -> Iterator[Flow]:
        """Flows that are not expired at `now_ns` of the monotonic clock."""
        return self.find(Wanted(), now_ns=now_ns, limit=self._slots, verdicts=verdicts).flows

    def find(self, wanted: Wanted, *, now_ns: int, limit: int, verdicts: FlowVerdicts) -> Found:
        """Reads the whole table, and makes `limit` flows of it."""
        from . import scan

        tuples = memoryview(self._tuples)
        found = scan.live(self._table(), tuples, wanted, now_ns=now_ns, limit=limit, verdict_of=verdicts.of)
        return self._found(found, at_ns=now_ns - SETTLED_NS, now_ns=now_ns, verdicts=verdicts)

    def changes(self, wanted: Wanted, *, after_ns: int, now_ns: int, limit: int, verdicts: FlowVerdicts) -> Changes:
        """Since `after_ns`, which an earlier answer told; at most `limit` of each, the latest first."""
        from . import scan

        until_ns = now_ns - SETTLED_NS
        began, ended = scan.changed(
            self._table(),
            memoryview(self._tuples),
            wanted,
            after_ns=after_ns,
            until_ns=until_ns,
            limit=limit,
            verdict_of=verdicts.of,
        )
        return Changes(
            began=self._found(began, at_ns=until_ns, now_ns=now_ns, verdicts=verdicts),
            ended=self._found(ended, at_ns=until_ns, now_ns=now_ns, verdicts=None),
        )

    def _found(self, found: Latest, *, at_ns: int, now_ns: int, verdicts: FlowVerdicts | None) -> Found:
        """`verdicts` is None for those that expired."""
        read = (self._read(index, now_ns=now_ns, verdicts=verdicts) for index in found.indexes)
        return Found(at_ns=at_ns, total=found.total, flows=(flow for flow in read if flow is not None))

    def tally(self, *, now_ns: int, with_places: bool) -> Tally[FlowKind]:
        """How many live flows there are of each kind."""
        from . import scan

        return scan.tally(self._table(), memoryview(self._tuples), now_ns=now_ns, with_places=with_places)

    def _table(self) -> memoryview:
        """Without what the mapping has beyond the last slot. Short-lived, or the map could not be closed."""
        return memoryview(self._flows)[: self._slots * ctypes.sizeof(flow_slot)]

    def _read(self, index: int, *, now_ns: int, verdicts: FlowVerdicts | None) -> Flow | None:
        """One slot's flow, if it has one that is live (without `verdicts`: expired) and stays the same while it is read."""
        at = index * ctypes.sizeof(flow_slot)
        slot = flow_slot.from_buffer_copy(self._flows, at)
        parts = flow_tuple.from_buffer_copy(self._tuples, index * ctypes.sizeof(flow_tuple))
        tag = flow_slot.from_buffer_copy(self._flows, at).tag
        age_ns = now_ns - slot.last_seen_ns
        if slot.tag != tag or tag & (FLOW_VALID | FLOW_BUSY) != FLOW_VALID:
            return None
        if (age_ns > slot.idle_s * NS_PER_S) is not (verdicts is None):
            return None
        verdict = (
            passed(slot.state)
            if verdicts is None
            else verdicts.of(slot.state, slot.endpoint, slot.target, slot.target_generation)
        )
        return _flow(slot.generation << self._index_bits | index, slot, parts, now_ns, verdict)


def _flow(cookie: int, slot: flow_slot, parts: flow_tuple, now_ns: int, verdict: str) -> Flow:
    packets = [(high << 32) + (both >> 32) for high, both in zip(parts.packets_high, slot.counted, strict=True)]
    size = [(high << 32) + (both & 0xFFFFFFFF) for high, both in zip(parts.bytes_high, slot.counted, strict=True)]
    first = 1 if slot.state & FLOW_TURNED else 0
    return Flow(
        endpoint=slot.endpoint,
        source=_address(bytes(parts.source), parts.family),
        destination=_address(bytes(parts.destination), parts.family),
        source_port=int.from_bytes(bytes(parts.source_port), "big"),
        destination_port=int.from_bytes(bytes(parts.destination_port), "big"),
        protocol=parts.protocol,
        target=slot.target,
        cookie=cookie,
        packets_forward=packets[first],
        packets_backward=packets[1 - first],
        bytes_forward=size[first],
        bytes_backward=size[1 - first],
        last_seen_s=max(0.0, (now_ns - slot.last_seen_ns) / 1e9),
        created_s=max(0.0, (now_ns - parts.created_ns) / 1e9),
        idle_s=slot.idle_s,
        tcp=_tcp(slot.state, packets),
        why=_why(slot.state),
        former=parts.former if slot.state & FLOW_MOVED else None,
        verdict=verdict,
    )


def _tcp(state: int, packets: list[int]) -> str:
    if not state & FLOW_TCP or state & FLOW_SHARED:
        return ""
    ends = state & (FLOW_FIN_0 | FLOW_FIN_1)
    if state & FLOW_RST or ends == FLOW_FIN_0 | FLOW_FIN_1:
        return "closed"
    if ends:
        return "closing"
    return "established" if all(packets) else "opening"


def _why(state: int) -> Why:
    for flag, why in ((FLOW_MOVED, Why.REBALANCED), (FLOW_FAIL_OPEN, Why.FAIL_OPEN), (FLOW_ADOPTED, Why.ADOPTED)):
        if state & flag:
            return why
    return Why.HASH


def _address(raw: bytes, family: int) -> str:
    return str(ipaddress.IPv4Address(raw[:4]) if family == 4 else ipaddress.IPv6Address(raw))


def _pages(length: int) -> int:
    return (length + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE


def sets_for(max_flows: int) -> int:
    """Sets of a table for at least `max_flows` flows: a power of two. `ValueError` beyond what a cookie can name."""
    sets = 1 << max(0, (max(max_flows, FLOW_WAYS) - 1) // FLOW_WAYS).bit_length()
    if sets * FLOW_WAYS > 1 << FLOW_INDEX_BITS_MAX:
        raise ValueError(f"a flow table has at most {1 << FLOW_INDEX_BITS_MAX} flows")
    return sets


def slots_for(max_flows: int) -> int:
    """Slots of that table."""
    return sets_for(max_flows) * FLOW_WAYS


def index_bits(sets: int) -> int:
    """How much of a cookie names the slot; the rest is the slot's generation."""
    return max(FLOW_INDEX_BITS_MIN, (sets * FLOW_WAYS - 1).bit_length())


def tick_shift(sets: int) -> int:
    """A slot is claimed once in 2^this nanoseconds, so that its generations do not come round within COOKIE_REST_NS. The last
    generation's tick may be cut short at both ends."""
    generations = (1 << FLOW_COOKIE_BITS - index_bits(sets)) - 1
    return max(_TICK_SHIFT_MIN, (COOKIE_REST_NS // (generations - 1)).bit_length())


def settle(
    settings: Map,
    flows: Map,
    *,
    new_flows_per_s: int,
    tcp_yields_after_s: int,
    clock: Callable[[], Clock] | None = None,
) -> None:
    """Gives a new table its random key, once: with another one no known flow would be found again; and the `clock`, once. The rest as
    it is asked for."""
    held = flow_settings.from_buffer_copy(settings.get(_FIRST) or bytes(ctypes.sizeof(flow_settings)))
    if not any(held.key):
        held.key[0], held.key[1] = (secrets.randbits(64) | 1, secrets.randbits(64))
    if not held.clock_tick_ns and clock is not None:
        base_ns, held.clock_tick_ns = clock()
        held.clock_base_ns = base_ns % (1 << 64)
    held.set_mask = flows.max_entries - 1
    held.index_bits, held.tick_shift = index_bits(flows.max_entries), tick_shift(flows.max_entries)
    held.new_flows_per_s, held.tcp_yields_after_s = new_flows_per_s, tcp_yields_after_s
    settings.put(_FIRST, bytes(held))


def coarse_ns() -> int:
    """The clock that the programs write, as coarse: a tick behind at most."""
    return time.clock_gettime_ns(_CLOCK_MONOTONIC_COARSE)


def monotonic_ns() -> int:
    """The clock that the programs write."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
