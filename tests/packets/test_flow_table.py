"""The flow table under two CPUs that open the same flows, and when it fills up."""

from __future__ import annotations

import struct
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, UDP

from opengwlb.dataplane.flows import sets_for
from opengwlb.dataplane.syscalls import inside
from opengwlb.dataplane.syscalls import test_run as run_program

from .harness import CLIENT, SERVER, Endpoint, Lab, into

REDIRECT = 7


def run_all(lab: Lab, door: Endpoint, frames: list[bytes]) -> list[int]:
    context = bytearray(180)
    struct.pack_into("=I", context, 40, door.inner.ifindex)
    program = lab.dataplane.program("endpoint")
    with inside(door.inner.netns):
        return [run_program(program, frame=frame, context=bytes(context)).result for frame in frames]


def frames(lab: Lab, ports: range) -> list[bytes]:
    first = into(lab.endpoints[0], IP(src=CLIENT, dst=SERVER) / UDP(sport=0, dport=53))
    return [first[:34] + struct.pack("!H", port) + first[36:] for port in ports]


def test_two_cpus_that_open_the_same_flows_open_each_once(labs: Callable[..., Lab]) -> None:
    """At 73 % load, so that second sets are used and both CPUs change the same sets."""
    lab = labs("cpus", forwards=False, max_flows=4096)
    door = lab.endpoints[0]
    sent = frames(lab, range(3000))
    results: list[list[int]] = []
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        results.append(run_all(lab, door, sent))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    flows = lab.dataplane.flows()
    assert max(Counter(one.source_port for one in flows).values()) == 1
    assert len({one.cookie for one in flows}) == len(flows)
    carried = sum(result == REDIRECT for each in results for result in each)
    assert sum(one.packets for one in flows) == carried
    assert len(flows) > 2900


def test_half_full_it_refuses_less_than_one_flow_in_a_hundred(labs: Callable[..., Lab]) -> None:
    lab = labs("half", forwards=False, max_flows=8192)
    results = run_all(lab, lab.endpoints[0], frames(lab, range(4096)))
    assert results.count(REDIRECT) > 4096 * 0.99
    began = time.monotonic()
    assert len(lab.dataplane.flows()) == results.count(REDIRECT)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(("flows", "sets"), [(1, 1), (8, 1), (9, 2), (64, 8), (262144, 32768), (8388608, 1048576)])
def test_a_table_has_room_for_the_flows_asked_for(flows: int, sets: int) -> None:
    assert sets_for(flows) == sets


def test_a_table_is_not_larger_than_cookies_can_name() -> None:
    with pytest.raises(ValueError, match="at most"):
        sets_for(8388609)
