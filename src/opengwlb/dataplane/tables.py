"""The Maglev table of each node: a map of maps, swapped whole, so that no packet sees half of a change."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from opengwlb.model.plane import NodeEntry, TargetEntry
from opengwlb.policy.selection import maglev

from .layout import MAGLEV_SIZE, MAX_NODES
from .maps import Map
from .syscalls import create_array, map_by_id


class Tables:
    """Knows what it wrote; after a restart it reads what is there once."""

    def __init__(self, outer: Map) -> None:
        self._outer = outer
        self._written: dict[int, bytes] = dict(self._read())

    def write(self, node: NodeEntry, targets: Mapping[int, TargetEntry]) -> None:
        """The swap waits for an RCU grace period (some 18 ms), so unchanged tables are left alone. A node without targets keeps its
        old table, which `node_config.targets` = 0 hides."""
        known = [targets[slot] for slot in node.targets if slot in targets]
        values = maglev([(one.slot, one.address) for one in known], size=MAGLEV_SIZE).tobytes()
        if not values or self._written.get(node.slot) == values:
            return
        inner = Map(create_array(value_size=4, entries=MAGLEV_SIZE, name="maglev_table"), name="maglev_table")
        try:
            inner.put_array(values)
            self._outer.put(struct.pack("=I", node.slot), struct.pack("=I", inner.fd))
        finally:
            inner.close()
        self._written[node.slot] = values

    def remove(self, slot: int) -> None:
        if self._written.pop(slot, None) is not None:
            self._outer.delete(struct.pack("=I", slot))

    def slots(self) -> frozenset[int]:
        """Nodes that have a table."""
        return frozenset(self._written)

    def _read(self) -> Iterator[tuple[int, bytes]]:
        for slot in range(MAX_NODES):
            found = self._outer.get(struct.pack("=I", slot))
            if found is not None:
                inner = Map(map_by_id(struct.unpack("=I", found)[0]), name="maglev_table")
                try:
                    yield slot, inner.head(inner.max_entries)
                finally:
                    inner.close()
