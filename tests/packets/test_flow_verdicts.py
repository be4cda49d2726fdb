"""What is said of a flow is what its packets meet: each time it is asked first, then a packet is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet

from opengwlb.dataplane.syscalls import inside
from opengwlb.dataplane.wanted import Wanted
from opengwlb.policy.selection import maglev

from . import geneve
from .flow_slots import FlowSlots
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Endpoint, Lab, into
from .testrun import REDIRECT, Run


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> Lab:
    return labs("verdictof", appliances=3, forwards=False, max_flows=4096)


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    yield made
    FlowSlots(made).clear()
    made.healthy, made.generations, made.resets, made.settings = None, {}, {}, {}
    assert made.apply() == {}


def tcp(flags: str, port: int = 1) -> Packet:
    return IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags=flags)


def said(lab: Lab) -> str:
    (flow,) = lab.dataplane.flows()
    found = {
        name: lab.dataplane.find_flows(Wanted(verdict=name), limit=9).total for name in ("no_targets", flow.verdict)
    }
    assert found == {"no_targets": 0} | {flow.verdict: 1}, "it is found by its verdict, and by no other"
    return flow.verdict


def meets(lab: Lab, packet: Packet, verdict: str) -> None:
    door: Endpoint = lab.endpoints[0]
    with lab.exactly(door.inner, verdict):
        door.outer.send(into(door, packet))


def test_a_flow_is_encapsulated_until_its_target_returns_something_and_decapsulated_from_then_on(lab: Lab) -> None:
    given = lab.through(tcp("S"))
    assert said(lab) == "encapsulated"
    lab.back(geneve.read(given).returned())
    assert said(lab) == "decapsulated"
    lab.through(tcp("A"))
    assert said(lab) == "decapsulated"


def test_a_flow_that_moves_has_not_been_returned_by_its_new_target(lab: Lab) -> None:
    lab.back(geneve.read(lab.through(tcp("S"))).returned())
    (flow,) = lab.dataplane.flows()
    lab.healthy = {one.slot for one in lab.appliances} - {flow.target}
    lab.generations = {flow.target: 2}
    assert lab.apply() == {}
    assert said(lab) == "decapsulated", "until its next packet moves it"
    lab.through(tcp("A"))
    assert said(lab) == "encapsulated"


@pytest.mark.parametrize("why", ["unhealthy", "deregistered"])
def test_tcp_of_a_target_that_is_reset_says_so_before_its_next_packet_is(lab: Lab, why: str) -> None:
    lab.through(tcp("S"))
    (flow,) = lab.dataplane.flows()
    lab.healthy, lab.resets = {one.slot for one in lab.appliances} - {flow.target}, {flow.target: why}  # type: ignore[dict-item]
    assert lab.apply() == {}
    assert said(lab) == f"tcp_reset_{why}"
    meets(lab, tcp("A"), f"tcp_reset_{why}")
    assert lab.dataplane.flows() == []


def test_what_is_not_tcp_is_not_reset(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=1, dport=80)
    lab.through(packet)
    (flow,) = lab.dataplane.flows()
    lab.resets = {flow.target: "unhealthy"}
    assert lab.apply() == {}
    assert said(lab) == "encapsulated"
    lab.through(packet)


def test_with_nobody_left_a_flow_that_must_leave_its_target_says_so(lab: Lab) -> None:
    lab.through(tcp("S"))
    (flow,) = lab.dataplane.flows()
    lab.healthy, lab.generations = set(), {flow.target: 2}
    assert lab.apply() == {}
    assert next(iter(lab.dataplane.flows())).verdict == "no_targets"
    assert lab.dataplane.find_flows(Wanted(verdict="no_targets"), limit=9).total == 1
    meets(lab, tcp("A"), "no_targets")


@pytest.mark.parametrize("layer", [IP, IPv6])
def test_flows_that_must_move_go_where_their_places_in_the_new_table_say(lab: Lab, layer: type[Packet]) -> None:
    """A place is read from the flow's tag; `gwlb plan` counts by it."""
    ends = {"src": CLIENT, "dst": SERVER} if layer is IP else {"src": CLIENT6, "dst": SERVER6}
    door, program = lab.endpoints[0], lab.dataplane.program("endpoint")

    def send(flags: str) -> None:
        with inside(door.inner.netns):
            for port in range(300):
                frame = into(door, layer(**ends) / TCP(sport=1000 + port, dport=80, flags=flags))
                assert Run(program, frame, ifindex=door.inner.ifindex)() == REDIRECT

    send("S")
    leaver, *stayers = lab.appliances
    table = maglev([(one.slot, one.address) for one in stayers])
    foretold: dict[int, int] = {}
    for kind, count in lab.dataplane.tally_flows(with_places=True).items():
        assert kind.place is not None
        goal = table[kind.place] if kind.target == leaver.slot else kind.target
        foretold[goal] = foretold.get(goal, 0) + count
    lab.healthy, lab.generations = {one.slot for one in stayers}, {leaver.slot: 2}
    assert lab.apply() == {}
    send("A")
    became: dict[int, int] = {}
    for flow in lab.dataplane.flows():
        became[flow.target] = became.get(flow.target, 0) + 1
    assert became == foretold and sum(became.values()) == 300
