"""What each target was given and returned, summed over CPUs."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterable, Mapping

from opengwlb.model.passive import TargetCounters

from . import layout
from .entries import Entry
from .layout import target_counter
from .maps import Map

_SIZE = ctypes.sizeof(target_counter)
_SUMS = ("given", "returned", "awaited", "flows", "answered", "turns", "refused")
_LATEST = ("last_given_ns", "last_returned_ns", "last_refused_ns")


def read(counters: Map, slots: Collection[int]) -> dict[int, TargetCounters]:
    """By slot; of these slots. One system call: slots are small numbers."""
    if not slots:
        return {}
    held = counters.head(max(slots) + 1)
    width = counters.value_size
    found = {}
    for slot in slots:
        rows = [target_counter.from_buffer_copy(held, at) for at in range(slot * width, (slot + 1) * width, _SIZE)]
        found[slot] = TargetCounters(
            **{name: sum(getattr(row, name) for row in rows) for name in _SUMS},
            **{name: max(getattr(row, name) for row in rows) for name in _LATEST},
        )
    return found


def count_anew(counters: Map, wanted: Iterable[Entry], there: Mapping[bytes, bytes]) -> None:
    """A slot that gets another target starts from zero. `wanted` and `there` are contents of the map `targets`."""
    for _, key, value in wanted:
        address = layout.target_config.address.size
        if there.get(key, b"")[:address] != value[:address]:
            counters.put(key, bytes(counters.value_size))
