"""A node's table is swapped in the kernel when `write` returns, though the kernel holds whoever swapped it for a grace period."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator

import pytest

from opengwlb.dataplane.layout import MAGLEV_SIZE
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.tables import Tables
from opengwlb.model.plane import NodeEntry, TargetEntry
from opengwlb.model.topology import PortRef

TARGETS = {slot: TargetEntry(slot=slot, generation=1, address=f"10.0.0.{slot}") for slot in (1, 2, 3)}


class Outer:
    """A map of maps whose `put` swaps, and returns only when `grace_over` is set."""

    def __init__(self) -> None:
        self.inner: dict[bytes, Map] = {}
        self.grace_over = threading.Event()

    def get(self, key: bytes) -> bytes | None:
        return struct.pack("=I", self.inner[key].id) if key in self.inner else None

    def put(self, key: bytes, value: bytes) -> None:
        if key in self.inner:
            self.inner[key].close()
        self.inner[key] = Map(os.dup(struct.unpack("=I", value)[0]), name="maglev_table")
        assert self.grace_over.wait(10)

    def chosen(self, node: int) -> set[int]:
        return set(memoryview(self.inner[struct.pack("=I", node)].head(MAGLEV_SIZE)).cast("I"))


@pytest.fixture
def outer() -> Iterator[Outer]:
    made = Outer()
    yield made
    made.grace_over.set()
    for one in made.inner.values():
        one.close()


def node(*targets: int) -> NodeEntry:
    port = PortRef("lb", "node0")
    return NodeEntry(slot=7, address="10.0.0.250", port=port, mac="", peer_mac="", targets=targets)


def test_a_table_is_there_before_the_kernel_lets_go_of_who_swapped_it(outer: Outer) -> None:
    tables = Tables(outer)  # type: ignore[arg-type]  # as much of a map as tables use
    tables.write(node(1, 2, 3), TARGETS)
    assert outer.chosen(7) == {1, 2, 3}
    tables.write(node(1, 3), TARGETS)
    assert outer.chosen(7) == {1, 3}
    outer.grace_over.set()
    tables.close()


def test_who_must_know_that_no_packet_meets_an_old_table_waits_for_it(outer: Outer) -> None:
    tables = Tables(outer)  # type: ignore[arg-type]  # as much of a map as tables use
    tables.write(node(1, 2, 3), TARGETS)
    settled = threading.Thread(target=tables.settle)
    settled.start()
    settled.join(0.1)
    assert settled.is_alive()
    outer.grace_over.set()
    settled.join(10)
    assert not settled.is_alive()
    tables.close()


def test_a_table_of_the_same_targets_is_left_alone(outer: Outer) -> None:
    outer.grace_over.set()
    tables = Tables(outer)  # type: ignore[arg-type]  # as much of a map as tables use
    tables.write(node(1, 2, 3), TARGETS)
    before = outer.get(struct.pack("=I", 7))
    tables.write(node(1, 2, 3), TARGETS)
    assert outer.get(struct.pack("=I", 7)) == before
    tables.close()
