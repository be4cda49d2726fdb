"""The Maglev table of each node: a map of maps, swapped whole, so that no packet sees half of a change.

The kernel swaps at once, and then holds the caller until no program can be reading the old table: an RCU grace period, some 18 ms. Only
who must know that waits for it (`settle`); a thread of its own is held meanwhile.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from opengwlb.model.plane import NodeEntry, TargetEntry
from opengwlb.policy.selection import maglev

from .layout import MAGLEV_SIZE, MAX_NODES
from .maps import Map
from .syscalls import create_array, map_by_id

HELD = 4
"""Threads: grace periods of several swaps pass together."""
LOOK_S = 0.0001
"""Between two looks whether the kernel has swapped."""


class Tables:
    """Knows what it wrote; after a restart it reads what is there once. Not for several threads at once. Close it."""

    def __init__(self, outer: Map) -> None:
        self._outer = outer
        self._written: dict[int, bytes] = dict(self._read())
        self._made_of: dict[int, tuple[tuple[int, str], ...]] = {}
        """By node, the targets that its table was computed of."""
        self._held = ThreadPoolExecutor(max_workers=HELD, thread_name_prefix="maglev")
        self._swaps: list[Future[None]] = []

    def write(self, node: NodeEntry, targets: Mapping[int, TargetEntry]) -> None:
        """New flows are spread by the new table when this returns. An unchanged one is left alone. A node without targets keeps its
        old table, which `node_config.targets` = 0 hides."""
        known = tuple((slot, targets[slot].address) for slot in node.targets if slot in targets)
        if not known or self._made_of.get(node.slot) == known:
            return
        values = maglev(known, size=MAGLEV_SIZE).tobytes()
        if self._written.get(node.slot) != values:
            inner = Map(create_array(value_size=4, entries=MAGLEV_SIZE, name="maglev_table"), name="maglev_table")
            try:
                inner.put_array(values)
                self._swap(struct.pack("=I", node.slot), inner)
            finally:
                inner.close()
            self._written[node.slot] = values
        self._made_of[node.slot] = known

    def settle(self) -> None:
        """Returns when no program reads a table that was replaced."""
        swaps, self._swaps = self._swaps, []
        for swap in swaps:
            swap.result()

    def remove(self, slot: int) -> None:
        if self._written.pop(slot, None) is not None:
            self._made_of.pop(slot, None)
            self._outer.delete(struct.pack("=I", slot))

    def slots(self) -> frozenset[int]:
        """Nodes that have a table."""
        return frozenset(self._written)

    def close(self) -> None:
        self._held.shutdown()

    def _swap(self, key: bytes, inner: Map) -> None:
        """Until the outer map says so; the call that does it returns later."""
        self._swaps = [one for one in self._swaps if not one.done()]
        swap = self._held.submit(self._outer.put, key, struct.pack("=I", inner.fd))
        wanted = struct.pack("=I", inner.id)
        while not swap.done():
            if self._outer.get(key) == wanted:
                self._swaps.append(swap)
                return
            time.sleep(LOOK_S)
        swap.result()

    def _read(self) -> Iterator[tuple[int, bytes]]:
        for slot in range(MAX_NODES):
            found = self._outer.get(struct.pack("=I", slot))
            if found is not None:
                inner = Map(map_by_id(struct.unpack("=I", found)[0]), name="maglev_table")
                try:
                    yield slot, inner.head(inner.max_entries)
                finally:
                    inner.close()
