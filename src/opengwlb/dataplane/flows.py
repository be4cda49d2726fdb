"""The flow table as user space reads it: mapped memory, unsynchronised, so a slot that changes while it is read is left out."""

from __future__ import annotations

import ctypes
import heapq
import ipaddress
import itertools
import mmap
import secrets
import time
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass

from opengwlb.model.flows import FlowKind

from . import scan
from .layout import FLOW_BUSY, FLOW_COOKIE_INDEX_BITS, FLOW_VALID, FLOW_WAYS, flow_settings, flow_slot, flow_tuple
from .maps import Map
from .scan import Wanted

_FIRST = b"\0\0\0\0"


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
    packets: int
    """Sent to the target, in both directions."""
    bytes: int
    last_seen_s: float
    """Seconds ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer of bounded length."""

    total: int
    """How many flows are live and wanted."""
    flows: list[Flow]
    """Those seen last, the latest first."""


class FlowTable:
    """The maps `flows` and `flow_tuples`, mapped read-only."""

    def __init__(self, flows: Map, tuples: Map) -> None:
        self._slots = flows.max_entries * FLOW_WAYS
        self._flows = mmap.mmap(flows.fd, _pages(self._slots * ctypes.sizeof(flow_slot)), prot=mmap.PROT_READ)
        self._tuples = mmap.mmap(tuples.fd, _pages(self._slots * ctypes.sizeof(flow_tuple)), prot=mmap.PROT_READ)

    def close(self) -> None:
        self._flows.close()
        self._tuples.close()

    def live(self, *, now_ns: int) -> Iterator[Flow]:
        """Flows that are not expired at `now_ns` of the monotonic clock."""
        for _, index in scan.live(self._table(), Wanted(), now_ns=now_ns):
            flow = self._read(index, now_ns=now_ns)
            if flow is not None:
                yield flow

    def find(self, wanted: Wanted, *, now_ns: int, limit: int) -> Found:
        """Reads the whole table, and makes `limit` flows of it."""
        met = itertools.count()
        # The table first: when it ends, no number was drawn for nothing.
        latest = heapq.nlargest(
            limit, (one for one, _ in zip(scan.live(self._table(), wanted, now_ns=now_ns), met, strict=False))
        )
        read = (self._read(index, now_ns=now_ns) for _, index in latest)
        return Found(total=next(met), flows=[flow for flow in read if flow is not None])

    def tally(self, *, now_ns: int) -> Tally[FlowKind]:
        """How many live flows there are of each kind."""
        return scan.tally(self._table(), memoryview(self._tuples), now_ns=now_ns)

    def _table(self) -> memoryview:
        """Without what the mapping has beyond the last slot. Short-lived, or the map could not be closed."""
        return memoryview(self._flows)[: self._slots * ctypes.sizeof(flow_slot)]

    def _read(self, index: int, *, now_ns: int) -> Flow | None:
        """One slot's flow, if it has one that is not expired and stays the same while it is read."""
        at = index * ctypes.sizeof(flow_slot)
        slot = flow_slot.from_buffer_copy(self._flows, at)
        parts = flow_tuple.from_buffer_copy(self._tuples, index * ctypes.sizeof(flow_tuple))
        tag = flow_slot.from_buffer_copy(self._flows, at).tag
        age_ns = now_ns - slot.last_seen_ns
        if slot.tag != tag or tag & (FLOW_VALID | FLOW_BUSY) != FLOW_VALID or age_ns > slot.idle_s * scan.NS_PER_S:
            return None
        return _flow(index, slot, parts, age_ns)


def _flow(index: int, slot: flow_slot, parts: flow_tuple, age_ns: int) -> Flow:
    return Flow(
        endpoint=slot.endpoint,
        source=_address(bytes(parts.source), parts.family),
        destination=_address(bytes(parts.destination), parts.family),
        source_port=int.from_bytes(bytes(parts.source_port), "big"),
        destination_port=int.from_bytes(bytes(parts.destination_port), "big"),
        protocol=parts.protocol,
        target=slot.target,
        cookie=slot.generation << FLOW_COOKIE_INDEX_BITS | index,
        packets=slot.packets,
        bytes=slot.bytes,
        last_seen_s=max(0.0, age_ns / 1e9),
    )


def _address(raw: bytes, family: int) -> str:
    return str(ipaddress.IPv4Address(raw[:4]) if family == 4 else ipaddress.IPv6Address(raw))


def _pages(length: int) -> int:
    return (length + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE


def sets_for(max_flows: int) -> int:
    """Sets of a table for at least `max_flows` flows: a power of two. `ValueError` beyond what a cookie can name."""
    sets = 1 << max(0, (max(max_flows, FLOW_WAYS) - 1) // FLOW_WAYS).bit_length()
    if sets * FLOW_WAYS > 1 << FLOW_COOKIE_INDEX_BITS:
        raise ValueError(f"a flow table has at most {1 << FLOW_COOKIE_INDEX_BITS} flows")
    return sets


def settle(settings: Map, flows: Map) -> None:
    """Gives a new table its random key, once: with another one no known flow would be found again."""
    held = flow_settings.from_buffer_copy(settings.get(_FIRST) or bytes(ctypes.sizeof(flow_settings)))
    if not any(held.key):
        held.key[0], held.key[1] = (secrets.randbits(64) | 1, secrets.randbits(64))
        held.set_mask = flows.max_entries - 1
        settings.put(_FIRST, bytes(held))


def monotonic_ns() -> int:
    """The clock that the programs write."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
