"""The flow table under two CPUs that open the same flows, and when it fills up."""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections import Counter
from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, UDP

from opengwlb.dataplane.flows import sets_for
from opengwlb.dataplane.syscalls import inside
from opengwlb.dataplane.wanted import Wanted

from .harness import CLIENT, SERVER, Lab, into
from .testrun import REDIRECT, Run


def prepared(lab: Lab, ports: range) -> list[Run]:
    """One packet of each flow."""
    door, program = lab.endpoints[0], lab.dataplane.program("endpoint")
    first = into(door, IP(src=CLIENT, dst=SERVER) / UDP(sport=0, dport=53))
    return [
        Run(program, first[:34] + struct.pack("!H", port) + first[36:], ifindex=door.inner.ifindex) for port in ports
    ]


def in_lock_step(lab: Lab, ports: range) -> int:
    """Two processes send a packet of each flow, each flow at the same moment; answers how many were carried."""
    cpus = sorted(os.sched_getaffinity(0))
    shared = memoryview(mmap.mmap(-1, 32)).cast("Q")

    def work(me: int) -> None:
        os.sched_setaffinity(0, {cpus[me]})
        runs, deadline = prepared(lab, ports), time.monotonic() + 20
        with inside(lab.endpoints[0].inner.netns):
            for number, run in enumerate(runs, start=1):
                shared[me] = number
                while shared[1 - me] < number and (number > 1 or time.monotonic() < deadline):
                    pass
                shared[2 + me] += run() == REDIRECT

    child = os.fork()
    if child == 0:
        try:
            work(1)
        finally:
            shared[1] = 1 << 40  # never leaves the other waiting
            os._exit(0)
    try:
        work(0)
    finally:
        shared[0] = 1 << 40
        os.sched_setaffinity(0, cpus)
        os.waitpid(child, 0)
    return shared[2] + shared[3]


@pytest.mark.skipif(os.cpu_count() == 1, reason="nothing happens at once on one CPU")
def test_two_cpus_that_open_the_same_flows_open_each_once(labs: Callable[..., Lab]) -> None:
    """At 73 % load, so that second sets are used and both CPUs change the same sets."""
    lab = labs("cpus", forwards=False, max_flows=4096)
    carried = in_lock_step(lab, range(3000))
    flows = lab.dataplane.flows()
    assert max(Counter(one.source_port for one in flows).values()) == 1
    assert len({one.cookie for one in flows}) == len(flows)
    assert sum(one.packets for one in flows) == carried
    assert len(flows) > 2900


def test_half_full_it_loses_less_than_one_flow_in_a_hundred(labs: Callable[..., Lab]) -> None:
    """Refused, or pushed out by another one-packet flow of the same two sets."""
    lab = labs("half", forwards=False, max_flows=8192)
    runs = prepared(lab, range(4096))
    with inside(lab.endpoints[0].inner.netns):
        carried = sum(run() == REDIRECT for run in runs)
    began = time.monotonic()
    assert carried >= len(lab.dataplane.flows()) > 4096 * 0.99
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(("flows", "sets"), [(1, 1), (8, 1), (9, 2), (64, 8), (262144, 32768), (8388608, 1048576)])
def test_a_table_has_room_for_the_flows_asked_for(flows: int, sets: int) -> None:
    assert sets_for(flows) == sets


def test_a_table_is_not_larger_than_cookies_can_name() -> None:
    with pytest.raises(ValueError, match="at most"):
        sets_for(8388609)


def test_a_bounded_answer_tells_how_many_there_are_and_those_seen_last_first(labs: Callable[..., Lab]) -> None:
    lab = labs("found", forwards=False, max_flows=4096)
    with inside(lab.endpoints[0].inner.netns):
        assert all(run() == REDIRECT for run in prepared(lab, range(200)))
    found = lab.dataplane.find_flows(Wanted(endpoints=frozenset({lab.endpoints[0].number})), limit=10)
    flows = list(found.flows)
    assert (found.total, len(flows)) == (200, 10)
    ages = [flow.last_seen_s for flow in flows]
    assert ages == sorted(ages) and len({flow.cookie for flow in flows}) == 10
    assert lab.dataplane.find_flows(Wanted(targets=frozenset({99})), limit=10).total == 0
    (kind,) = lab.dataplane.tally_flows()
    assert (kind.endpoint, kind.target, kind.protocol) == (lab.endpoints[0].number, lab.appliances[0].slot, 17)
    assert lab.dataplane.tally_flows().total() == 200
