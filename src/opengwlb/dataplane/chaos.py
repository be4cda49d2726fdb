"""Ports whose packets are spoilt on purpose: the program before the router's own, and what it does to which."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from opengwlb.model.chaos import Kind

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
    }
)
"""`enum chaos_kind`."""
WHOLE = 65536
"""A share of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    met: int
    """Packets that were considered since the chaos began."""
    done: int
    """Of those, to how many it was done."""


class ChaosPorts:
    """The map `chaos_ports` and the pinned links `<ifindex>-chaos`. Errors are `DataPlaneError`."""

    def __init__(self, ports: Map, *, program: int, links: Path) -> None:
        self._ports = ports
        self._program = program
        self._links = links

    def start(self, kind: Kind, *, ifindex: int, netns: str, seed: int, share: float, until_ns: int) -> None:
        """`until_ns` is of the monotonic clock: the program itself stops then. What runs already with these words is left alone."""
        wanted = chaos_config(
            seed=seed, until_ns=until_ns, kind=NUMBERS[kind], share=max(0, min(WHOLE, round(share * WHOLE)))
        )
        held = self._ports.get(u32(ifindex))
        there = chaos_config.from_buffer_copy(held) if held else None
        if there is None or (there.seed, there.kind, there.share) != (wanted.seed, wanted.kind, wanted.share):
            self._ports.put(u32(ifindex), bytes(wanted))
        if not self._is_attached(ifindex):
            with inside(netns):
                link = create_link(self._program, ifindex=ifindex, attach_type=AttachType.TCX_INGRESS, first=True)
            try:
                pin(link, path=str(self._path(ifindex)))
            finally:
                os.close(link)

    def stop(self, *, ifindex: int) -> Counts:
        """Takes the program away. Idempotent; what it counted, if it was there."""
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
