"""The programs' clock: timer ticks told in nanoseconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import itertools
import time

import pytest

from opengwlb.dataplane import clock
from opengwlb.dataplane.errors import DataPlaneError

TICK_NS = round(time.clock_getres(6) * 1e9)


def test_the_base_is_the_tick_that_was_seen_soonest_however_late_others_were_seen() -> None:
    late = itertools.cycle([3_000_000, 0, 1_700_000, 2_100_000])
    base, now = 5_000_000_000, [9_000_000_000]

    def read() -> int:
        now[0] = (now[0] - base) // TICK_NS * TICK_NS + TICK_NS + base + next(late) % TICK_NS
        return (now[0] - base) // TICK_NS

    assert clock.compare(read, lambda: now[0]) == clock.Clock(base_ns=base, tick_ns=TICK_NS)


def test_ticks_that_stand_still_are_an_error_and_no_endless_loop() -> None:
    times = itertools.count(0, 100_000_000)
    with pytest.raises(DataPlaneError, match="ticks"):
        clock.compare(lambda: 7, lambda: next(times))
