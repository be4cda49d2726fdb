"""The memory of tracked flows, open for writing: time passes, and sets are full, without waiting."""

from __future__ import annotations

import ctypes
import mmap
import time
from collections.abc import Iterator
from pathlib import Path

from opengwlb.dataplane import layout
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import open_pin

ANSWERED, TCP = 0x04, 0x100
ESTABLISHED = layout.TRACKED_FLOW | ANSWERED | layout.TRACKED_CONFIRMED | TCP
UNIT_S = (1 << layout.TRACKED_TIME_SHIFT) / 1e9


class TrackedSlots:
    """Close it."""

    def __init__(self, run_dir: Path) -> None:
        found = Map(open_pin(str(run_dir / "bpf" / "maps" / "tracked")), name="tracked")
        count = found.max_entries * layout.TRACKED_WAYS
        self._memory = mmap.mmap(found.fd, found.max_entries * ctypes.sizeof(layout.tracked_set))
        self._slots: ctypes.Array[layout.tracked_slot] | None = (layout.tracked_slot * count).from_buffer(self._memory)
        found.close()

    def close(self) -> None:
        self._slots = None
        self._memory.close()

    def used(self) -> Iterator[layout.tracked_slot]:
        return (slot for slot in self._all() if slot.tag & layout.TRACKED_VALID)

    def _all(self) -> ctypes.Array[layout.tracked_slot]:
        assert self._slots is not None
        return self._slots

    def clear(self) -> None:
        for slot in self._all():
            slot.tag = slot.state = slot.owner = 0

    def pass_time(self, seconds: float) -> None:
        """Every flow was last seen so much longer ago."""
        for slot in self.used():
            slot.until = (slot.until - round(seconds / UNIT_S)) & 0xFFFFFFFF

    def fill(self, owner: int, *, idle_s: float = 3600.0) -> None:
        """Every slot has an established connection of this interface."""
        until = int((time.clock_gettime(time.CLOCK_MONOTONIC) + idle_s) / UNIT_S) & 0xFFFFFFFF
        for number, slot in enumerate(self._all()):
            slot.tag = number << 2 | layout.TRACKED_VALID
            slot.fingerprint, slot.owner, slot.until, slot.state = number, owner, until, ESTABLISHED
            slot.groups = slot.acl = 0
