"""What the programs count of each target: given, returned, awaited, refused."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from opengwlb.model.passive import TargetCounters
from opengwlb.model.plane import Plane

from . import geneve
from .flow_slots import FlowSlots
from .geneve import Tunnelled
from .harness import CLIENT, NODE, SERVER, Appliance, Lab, eventually, into


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> Lab:
    return labs("counters", appliances=2, forwards=False)


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    FlowSlots(made).clear()
    yield made
    made.generations, made.healthy = {}, None
    assert made.apply() == {}


def counters(lab: Lab) -> dict[int, TargetCounters]:
    return lab.dataplane.target_counters([one.slot for one in lab.appliances])


def given_to(lab: Lab, port: int, *, payload: int = 1) -> tuple[Tunnelled, Appliance]:
    """A packet of UDP, and who got it."""
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=53) / Raw(bytes(payload))))
    return sent, next(one for one in lab.appliances if one.address == sent.destination)


def refusal(sent: Tunnelled, *, source: str | None = None, code: int = 3, kind: int = 3) -> bytes:
    """As Linux answers a datagram to a port that nobody has: it quotes as much as fits 576 bytes."""
    quoted = bytes(sent)[14:]
    error = IP(src=source or sent.destination, dst=NODE) / ICMP(type=kind, code=code) / Raw(quoted[:548])
    return bytes(Ether(src=sent.eth[1], dst=sent.eth[0]) / error)


def test_what_a_target_gets_and_returns_is_counted_and_dated(lab: Lab) -> None:
    before = counters(lab)
    sent, taker = given_to(lab, 1000)
    other = next(one for one in lab.appliances if one is not taker)
    was, now = before[taker.slot], counters(lab)[taker.slot]
    assert (now.given - was.given, now.flows - was.flows, now.awaited - was.awaited) == (1, 1, 0)
    assert (now.returned, now.answered) == (was.returned, was.answered)
    assert 0 <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) - now.last_given_ns < 2_000_000_000
    lab.back(sent.returned())
    now = counters(lab)[taker.slot]
    assert (now.returned - was.returned, now.answered - was.answered) == (1, 1)
    assert now.last_returned_ns >= now.last_given_ns
    assert counters(lab)[other.slot] == before[other.slot]


def test_packets_are_awaited_once_the_target_has_returned_something_of_their_flow(lab: Lab) -> None:
    sent, taker = given_to(lab, 2000)
    given_to(lab, 2000)
    was = counters(lab)[taker.slot]
    assert was.awaited == 0 or was.answered
    lab.back(sent.returned())
    lab.back(sent.returned())
    given_to(lab, 2000)
    now = counters(lab)[taker.slot]
    assert (now.awaited - was.awaited, now.answered - was.answered, now.flows - was.flows) == (1, 1, 0)


@pytest.fixture
def one_cpu() -> Iterator[None]:
    """What this thread sends is handled there."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


def test_turns_tell_one_flow_from_several(lab: Lab, one_cpu: None) -> None:
    one = next(port for port in range(2100, 2200) if given_to(lab, port)[1] is lab.appliances[0])
    other = next(port for port in range(one + 1, 2300) if given_to(lab, port)[1] is lab.appliances[0])
    for port in (one, other):
        lab.back(given_to(lab, port)[0].returned())
    given_to(lab, one)
    was = counters(lab)[lab.appliances[0].slot]
    for _ in range(5):
        given_to(lab, one)
    now = counters(lab)[lab.appliances[0].slot]
    assert (now.awaited - was.awaited, now.turns - was.turns) == (5, 0)
    for port in (other, one, other):
        given_to(lab, port)
    now = counters(lab)[lab.appliances[0].slot]
    assert (now.awaited - was.awaited, now.turns - was.turns) == (8, 3)


def test_a_return_that_is_refused_counts_for_nobody(lab: Lab) -> None:
    sent, _ = given_to(lab, 3000)
    before = counters(lab)
    with lab.exactly(lab.node, "return_no_flow"):
        lab.provider_node.send(bytes(sent.returned().change(cookie=sent.cookie ^ 1 << 30)))
    assert counters(lab) == before


def test_a_moved_flow_is_not_awaited_of_its_new_target_before_that_returned_something(lab: Lab) -> None:
    sent, taker = given_to(lab, 4000)
    lab.back(sent.returned())
    other = next(one for one in lab.appliances if one is not taker)
    was = counters(lab)[other.slot]
    lab.generations, lab.healthy = {taker.slot: 2}, {other.slot}
    assert lab.apply() == {}
    _, now_at = given_to(lab, 4000)
    assert now_at is other
    now = counters(lab)[other.slot]
    assert (now.given - was.given, now.flows - was.flows, now.awaited - was.awaited) == (1, 1, 0)


def test_segments_of_a_super_packet_count_one_by_one(lab: Lab) -> None:
    """By what the port's own counter says: both take the number from the same place."""
    before = sum(one.given for one in counters(lab).values())
    packets = lab.counts()[lab.endpoints[0].inner.ifindex, "encapsulated"]
    lab.through(IP(src=CLIENT, dst=SERVER) / TCP(sport=5000, dport=80, flags="S"))
    given = sum(one.given for one in counters(lab).values()) - before
    assert given == lab.counts()[lab.endpoints[0].inner.ifindex, "encapsulated"] - packets == 1


def test_a_slot_that_gets_another_target_starts_from_zero(lab: Lab) -> None:
    _, taker = given_to(lab, 6000)
    other = next(one for one in lab.appliances if one is not taker)
    kept = counters(lab)[other.slot]
    address = taker.address
    try:
        lab.appliances[lab.appliances.index(taker)] = renamed = replace(taker, address="10.9.1.99")
        assert lab.apply() == {}
        assert counters(lab)[renamed.slot] == TargetCounters()
        assert counters(lab)[other.slot] == kept
    finally:
        lab.appliances = [
            replace(one, address=address) if one.address == "10.9.1.99" else one for one in lab.appliances
        ]
        assert lab.apply() == {}


@pytest.mark.parametrize("code", [2, 3])
def test_an_icmp_error_of_a_target_about_our_tunnel_is_counted_for_it_and_goes_to_the_stack(
    lab: Lab, code: int
) -> None:
    sent, taker = given_to(lab, 7000 + code, payload=900)
    was = counters(lab)[taker.slot]
    with lab.exactly(lab.node, "not_geneve"):
        lab.provider_node.send(refusal(sent, code=code))
    now = counters(lab)[taker.slot]
    assert now.refused == was.refused + 1
    assert now.last_refused_ns >= now.last_given_ns


def test_icmp_errors_that_prove_nothing_are_not_counted(lab: Lab) -> None:
    sent, taker = given_to(lab, 8000)
    other = next(one for one in lab.appliances if one is not taker)
    before = counters(lab)
    forged = [
        refusal(sent, source=other.address),
        refusal(sent.change(destination=other.address), source=other.address),
        refusal(sent.change(cookie=sent.cookie ^ 1 << 30)),
        refusal(sent.change(port=53)),
        refusal(sent, code=1),
        refusal(sent, kind=11, code=0),
        refusal(sent)[:-40],
    ]
    with lab.exactly(lab.node, "not_geneve", packets=len(forged)):
        lab.provider_node.send(*forged)
    assert counters(lab) == before


def test_a_packet_that_does_not_leave_is_not_given(lab: Lab) -> None:
    before = counters(lab)
    door = lab.endpoints[0]
    with lab.exactly(door.inner, "tcp_no_flow"):
        door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=9000, dport=80, flags="A")))
    eventually(lambda: counters(lab) == before, "nothing is counted")


def test_counters_of_a_target_that_flows_were_told_to_leave_go_on_through_the_next_change(lab: Lab) -> None:
    sent, taker = given_to(lab, 7100)
    lab.back(sent.returned())
    was = counters(lab)[taker.slot]
    assert was.returned
    lab.dataplane.leave(taker.slot)
    nothing, whole = Plane(), lab.plane()
    assert lab.dataplane.change(nothing, nothing, whole=whole, was=lab.indexes, ifindex=lab.indexes) == {}
    assert counters(lab)[taker.slot] == was
    again, _ = given_to(lab, 7100)
    assert again.destination == taker.address  # it may be chosen again: the plane says nothing of leaving
