"""The clock of the programs: the kernel's timer ticks, which cost them nothing, in nanoseconds of CLOCK_MONOTONIC.

The kernel counts a tick for each tick's length that CLOCK_MONOTONIC went on, so the two never drift apart, and one comparison holds until
the next boot.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from .errors import DataPlaneError

EDGES = 8
"""Ticks that are watched beginning."""
PATIENCE_NS = 2_000_000_000
_HEADER = 14
_CLOCK_MONOTONIC_COARSE = 6
"""Its resolution is a tick; Python has no name for it."""
FRAME = bytes(64)
"""For a test run of the program `clock`."""


class Clock(NamedTuple):
    base_ns: int
    """CLOCK_MONOTONIC when the count was 0; may be negative."""
    tick_ns: int


def ticks(frame: bytes) -> int:
    """The count, from the frame that the program left."""
    count: int = struct.unpack_from("=Q", frame, _HEADER)[0]
    return count


def compare(read: Callable[[], int], now_ns: Callable[[], int] = time.monotonic_ns) -> Clock:
    """Watches ticks begin. `DataPlaneError` when they do not."""
    tick_ns = round(time.clock_getres(_CLOCK_MONOTONIC_COARSE) * 1e9)
    edges: list[tuple[int, int]] = []
    begun_ns, last = now_ns(), read()
    while len(edges) < EDGES:
        count, at_ns = read(), now_ns()
        if count != last:
            edges.append((count, at_ns))
            last = count
        if at_ns - begun_ns > PATIENCE_NS:
            raise DataPlaneError("the kernel's timer ticks do not go on: bpf_jiffies64() cannot be used as a clock")
    # The tick that was seen soonest: others were seen late, by whatever kept this process waiting.
    return Clock(base_ns=min(at_ns - count * tick_ns for count, at_ns in edges), tick_ns=tick_ns)
