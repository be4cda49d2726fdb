"""A page of memory that the packet loops write and the health responder reads.

The two are separate processes, so that a loop that hangs, is stopped or dies cannot keep answering that it is well.
"""

from __future__ import annotations

import mmap
import struct
import time

FRESH_S = 1.5
"""A loop that has not beaten for this long is unwell. It beats every quarter of a second, so a busy machine has some
slack."""
BEAT_S = 0.25

_SLOT = struct.Struct("=Q6Q")
_SLOT_SIZE = 64
COUNTERS = ("received", "returned", "dropped", "malformed", "send_errors", "received_bytes")
"""What each loop counts. A packet is returned, dropped (by the verdict), malformed, or could not be sent
(send_errors)."""


class Heartbeats:
    """One slot for each packet loop, shared with every process forked after it is made."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._page = mmap.mmap(-1, max(mmap.PAGESIZE, slots * _SLOT_SIZE))

    def beat(self, slot: int, counters: tuple[int, ...]) -> None:
        """Write `counters` (in the order of COUNTERS) and the time of the monotonic clock, which all processes
        share."""
        _SLOT.pack_into(self._page, slot * _SLOT_SIZE, time.monotonic_ns(), *counters)

    def ages_s(self) -> list[float | None]:
        """Seconds since each loop's last beat; None for one that never beat."""
        now = time.monotonic_ns()
        beats = [_SLOT.unpack_from(self._page, slot * _SLOT_SIZE)[0] for slot in range(self.slots)]
        return [(now - beat) / 1e9 if beat else None for beat in beats]

    def counters(self) -> dict[str, int]:
        """Sums over all loops, as of their last beats."""
        rows = [_SLOT.unpack_from(self._page, slot * _SLOT_SIZE)[1:] for slot in range(self.slots)]
        return {name: sum(row[index] for row in rows) for index, name in enumerate(COUNTERS)}
