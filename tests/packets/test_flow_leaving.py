"""A target that flows leave by one store, before the tables say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP

from opengwlb.dataplane.syscalls import inside

from . import geneve
from .flow_slots import FlowSlots
from .harness import CLIENT, SERVER, Lab, into
from .testrun import REDIRECT, Run

FLOWS = 300


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> Lab:
    return labs("leaving", appliances=3, forwards=False, max_flows=4096)


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    yield made
    FlowSlots(made).clear()
    made.healthy, made.generations = None, {}
    assert made.apply() == {}


def send(lab: Lab, flags: str, *, first_port: int = 1000) -> None:
    door, program = lab.endpoints[0], lab.dataplane.program("endpoint")
    with inside(door.inner.netns):
        for port in range(first_port, first_port + FLOWS):
            frame = into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags=flags))
            assert Run(program, frame, ifindex=door.inner.ifindex)() == REDIRECT


def targets(lab: Lab) -> dict[int, int]:
    return {one.source_port: one.target for one in lab.dataplane.flows()}


def test_its_flows_move_with_their_next_packet_and_no_others_do(lab: Lab) -> None:
    send(lab, "S")
    before, dead = targets(lab), lab.appliances[0].slot
    lab.dataplane.leave(dead)
    send(lab, "A")
    after = targets(lab)
    assert dead not in after.values()
    assert len({after[port] for port, target in before.items() if target == dead}) == 2
    assert all(after[port] == target for port, target in before.items() if target != dead)


def test_new_flows_avoid_it_and_those_of_others_get_whom_they_would_have_got(lab: Lab) -> None:
    send(lab, "S")
    before, dead = targets(lab), lab.appliances[0].slot
    FlowSlots(lab).clear()
    lab.dataplane.leave(dead)
    send(lab, "S")
    after = targets(lab)
    assert dead not in after.values()
    assert all(after[port] == target for port, target in before.items() if target != dead)


def test_what_it_returns_of_a_flow_is_refused_from_then_on(lab: Lab) -> None:
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / TCP(sport=5000, dport=80, flags="S")))
    dead = next(one for one in lab.appliances if one.address == sent.destination)
    lab.dataplane.leave(dead.slot)
    with lab.exactly(lab.node, "return_wrong_target"):
        lab.provider_node.send(bytes(sent.returned()))


def test_the_next_apply_says_what_is_to_be_and_nobody_returns(lab: Lab) -> None:
    send(lab, "S")
    dead = lab.appliances[0].slot
    lab.dataplane.leave(dead)
    send(lab, "A")
    moved = targets(lab)
    assert lab.apply() == {}  # it is healthy after all
    send(lab, "A")
    assert targets(lab) == moved
    FlowSlots(lab).clear()
    send(lab, "S")
    assert dead in targets(lab).values()


def test_who_alone_is_there_is_not_avoided(lab: Lab) -> None:
    for one in lab.appliances:
        lab.dataplane.leave(one.slot)
    send(lab, "S")
    send(lab, "A")
    assert set(targets(lab).values()) == {one.slot for one in lab.appliances}
