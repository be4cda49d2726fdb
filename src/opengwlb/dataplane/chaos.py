"""Ports whose packets are spoilt on purpose: the program before the router's own, and what it does to which."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from opengwlb.model.chaos import HOLDS, Kind

from . import relay
from .entries import u32
from .layout import chaos_config
from .maps import Map
from .syscalls import AttachType, create_link, detach_link, inside, link_info, open_pin, pin

NUMBERS: Mapping[Kind, int] = MappingProxyType(
    {
        Kind.STALL: 1,
        Kind.LOSE: 2,
        Kind.DUPLICATE: 3,
        Kind.CORRUPT_TLV: 4,
        Kind.STALE_COOKIE: 5,
        Kind.LIE_ON_HEALTH: 6,
        Kind.SLOW: 7,
        Kind.REORDER: 8,
    }
)
"""`enum chaos_kind`."""
WHOLE = 65536
"""A share of all."""
SAME_TIME_NS = 1_000_000_000
"""The same end, told twice by a clock that is set meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    met: int
    """Packets that were considered since the chaos began."""
    done: int
    """Of those, to how many it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the kernel has for it: maps, descriptors of programs, the directory of pinned links, and the number of chaos_queue_full."""

    ports: Map
    relays: Map
    counters: Map
    program: int
    back: int
    links: Path
    queue_full: int


class ChaosPorts:
    """The map `chaos_ports`, the pinned links `<ifindex>-chaos`, and relays where packets are held back. Errors are `DataPlaneError`."""

    def __init__(self, parts: Parts, *, held_bytes: int = relay.HELD_BYTES) -> None:
        """A relay holds at most `held_bytes`."""
        self._ports, self._relays = parts.ports, parts.relays
        self._program = parts.program
        self._links = parts.links
        self._parts, self._held_bytes = parts, held_bytes

    def start(
        self, kind: Kind, *, ifindex: int, netns: str, seed: int, share: float, until_ns: int, delay_ms: int = 0
    ) -> None:
        """`until_ns` is of the monotonic clock: the program itself stops then. What runs already with these words is left alone.

        `delay_ms` is for the kinds of `model.chaos.HOLDS`.
        """
        wanted = chaos_config(
            seed=seed, until_ns=until_ns, kind=NUMBERS[kind], share=max(0, min(WHOLE, round(share * WHOLE)))
        )
        held = self._ports.get(u32(ifindex))
        there = chaos_config.from_buffer_copy(held) if held else None
        if there is None or not _is_same(there, wanted):
            self._ports.put(u32(ifindex), bytes(wanted))
        self._hold(kind, ifindex=ifindex, netns=netns, delay_ms=delay_ms)
        if not self._is_attached(ifindex):
            with inside(netns):
                link = create_link(self._program, ifindex=ifindex, attach_type=AttachType.TCX_INGRESS, first=True)
            try:
                pin(link, path=str(self._path(ifindex)))
            finally:
                os.close(link)

    def _hold(self, kind: Kind, *, ifindex: int, netns: str, delay_ms: int) -> None:
        """A relay with this delay, or none."""
        running = relay.alive(self._relays, ifindex)
        if kind in HOLDS and running is not None and running.delay_ms == delay_ms:
            return
        relay.end(self._relays, ifindex)
        if kind in HOLDS:
            relay.start(
                ifindex=ifindex,
                netns=netns,
                delay_ms=delay_ms,
                program=self._parts.back,
                maps=(self._relays.fd, self._ports.fd, self._parts.counters.fd),
                verdict=self._parts.queue_full,
                held_bytes=self._held_bytes,
            )

    def stop(self, *, ifindex: int) -> Counts:
        """Takes the program away, after what is held back was given back. Idempotent; what it counted, if it was there."""
        relay.end(self._relays, ifindex)
        held = self._ports.get(u32(ifindex))
        path = self._path(ifindex)
        if path.exists():
            link = open_pin(str(path))
            try:
                detach_link(link)
            finally:
                os.close(link)
                path.unlink()
        self._ports.delete(u32(ifindex))
        config = chaos_config.from_buffer_copy(held) if held else chaos_config()
        return Counts(met=config.met, done=config.done)

    def counts(self) -> dict[int, Counts]:
        """By ifindex."""
        found = (
            (int.from_bytes(key, sys.byteorder), chaos_config.from_buffer_copy(raw))
            for key, raw in self._ports.entries()
        )
        return {ifindex: Counts(met=one.met, done=one.done) for ifindex, one in found}

    def prune(self, live_ifindexes: Collection[int]) -> None:
        """Forgets ports that are no more. Their links are `Links`' affair."""
        for found in (self._relays, self._ports):
            for key in [key for key, _ in found.entries()]:
                ifindex = int.from_bytes(key, sys.byteorder)
                if ifindex not in live_ifindexes:
                    relay.end(self._relays, ifindex)
                    self._ports.delete(key)

    def _path(self, ifindex: int) -> Path:
        return self._links / f"{ifindex}-chaos"

    def _is_attached(self, ifindex: int) -> bool:
        path = self._path(ifindex)
        if not path.exists():
            return False
        link = open_pin(str(path))
        try:
            if link_info(link).ifindex == ifindex:
                return True
        finally:
            os.close(link)
        path.unlink()  # its device died
        return False


def _is_same(one: chaos_config, other: chaos_config) -> bool:
    """Asked again, also for longer, it begins again."""
    words = all(getattr(one, word) == getattr(other, word) for word in ("seed", "kind", "share"))
    return words and abs(one.until_ns - other.until_ns) < SAME_TIME_NS
