"""Targets that come, go and fail: which flows move, and which do not. Everything but packets is by the table's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from scapy.layers.inet import IP, TCP, UDP

from opengwlb.dataplane.flows import Why
from opengwlb.dataplane.syscalls import inside

from . import geneve
from .flow_slots import FlowSlots
from .harness import CLIENT, SERVER, Lab, into
from .testrun import REDIRECT, Run

FLOWS = 600


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> Lab:
    return labs("failover", appliances=5, forwards=False, max_flows=4096)


@pytest.fixture
def lab(made: Lab) -> Iterator[Lab]:
    yield made
    FlowSlots(made).clear()
    made.healthy, made.generations, made.settings = None, {}, {}
    assert made.apply() == {}


def send(lab: Lab, flags: str, *, first_port: int = 1000, flows: int = FLOWS) -> None:
    """One TCP packet of each flow, all of which are carried."""
    door, program = lab.endpoints[0], lab.dataplane.program("endpoint")
    with inside(door.inner.netns):
        for port in range(first_port, first_port + flows):
            frame = into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags=flags))
            assert Run(program, frame, ifindex=door.inner.ifindex)() == REDIRECT


def targets(lab: Lab) -> dict[int, int]:
    """Source port -> target slot."""
    return {one.source_port: one.target for one in lab.dataplane.flows()}


def slots(lab: Lab) -> set[int]:
    return {one.slot for one in lab.appliances}


def test_no_flow_moves_when_a_target_goes_and_new_flows_remap_by_at_most_two_parts_in_n(lab: Lab) -> None:
    send(lab, "S")
    before = targets(lab)
    gone = lab.appliances[1].slot
    lab.healthy = slots(lab) - {gone}
    assert lab.apply() == {}
    send(lab, "A")
    assert targets(lab) == before
    FlowSlots(lab).clear()
    send(lab, "S")
    after = targets(lab)
    assert gone not in after.values()
    moved = sum(after[port] != target for port, target in before.items())
    assert moved <= 2 * FLOWS / len(lab.appliances)
    assert moved >= sum(target == gone for target in before.values())


def test_no_flow_moves_when_a_target_comes_and_new_flows_remap_by_at_most_two_parts_in_n(lab: Lab) -> None:
    newcomer = lab.appliances[4].slot
    lab.healthy = slots(lab) - {newcomer}
    assert lab.apply() == {}
    send(lab, "S")
    before = targets(lab)
    lab.healthy = None
    assert lab.apply() == {}
    send(lab, "A")
    assert targets(lab) == before
    FlowSlots(lab).clear()
    send(lab, "S")
    after = targets(lab)
    assert newcomer in after.values()
    assert sum(after[port] != target for port, target in before.items()) <= 2 * FLOWS / len(lab.appliances)


def test_rebalanced_flows_move_with_their_next_packet_keep_their_cookie_and_stay_there(lab: Lab) -> None:
    send(lab, "S")
    before = {one.source_port: one for one in lab.dataplane.flows()}
    dead = lab.appliances[0].slot
    moved_before = lab.dataplane.node_counters()[0].moved_flows
    lab.healthy, lab.generations = slots(lab) - {dead}, {dead: 2}
    assert lab.apply() == {}
    assert targets(lab) == {port: flow.target for port, flow in before.items()}  # nothing happens to who is silent
    send(lab, "A")
    after = {one.source_port: one for one in lab.dataplane.flows()}
    moved = {port for port, flow in after.items() if flow.target != before[port].target}
    assert moved == {port for port, flow in before.items() if flow.target == dead}
    assert all((after[port].why, after[port].former) == (Why.REBALANCED, dead) for port in moved)
    assert all((after[port].why, after[port].former) == (Why.HASH, None) for port in after.keys() - moved)
    assert len({after[port].target for port in moved}) > 1
    assert {port: flow.cookie for port, flow in after.items()} == {port: flow.cookie for port, flow in before.items()}
    assert lab.dataplane.node_counters()[0].moved_flows == moved_before + len(moved)
    lab.healthy = None  # it recovers
    assert lab.apply() == {}
    send(lab, "A")
    assert targets(lab) == {port: flow.target for port, flow in after.items()}


def test_what_a_moved_flows_former_target_returns_is_refused(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=77, dport=53)
    before = geneve.read(lab.through(packet))
    dead = next(one.slot for one in lab.appliances if one.address == before.destination)
    lab.healthy, lab.generations = slots(lab) - {dead}, {dead: 2}
    assert lab.apply() == {}
    after = geneve.read(lab.through(packet))
    assert (after.cookie, after.destination != before.destination) == (before.cookie, True)
    with lab.exactly(lab.node, "return_wrong_target"):
        lab.provider_node.send(bytes(before.returned()))
    with lab.exactly(lab.node, "decapsulated"):
        lab.provider_node.send(bytes(after.returned()))


def test_flows_stay_with_an_unhealthy_target_that_nobody_told_them_to_leave(lab: Lab) -> None:
    send(lab, "S")
    before = targets(lab)
    lab.healthy = {lab.appliances[2].slot}
    assert lab.apply() == {}
    send(lab, "A")
    assert targets(lab) == before
    send(lab, "S", first_port=5000, flows=50)
    assert {targets(lab)[port] for port in range(5000, 5050)} == lab.healthy


def test_the_table_names_no_leaver_any_more_when_flows_learn_that_it_left(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a flow that is told to leave could choose the same target again, and stay with it for good."""
    order = []
    for name in ("put", "put_array"):
        real = getattr(type(lab.dataplane._map("targets")), name)

        def noted(self: object, *values: object, real: Callable[..., None] = real) -> None:
            order.append(self.name)  # type: ignore[attr-defined]
            real(self, *values)

        monkeypatch.setattr(type(lab.dataplane._map("targets")), name, noted)
    dead = lab.appliances[0].slot
    lab.healthy, lab.generations = slots(lab) - {dead}, {dead: 2}
    assert lab.apply() == {}
    assert order == ["maglev_table", "maglev", "nodes", "targets"]


def test_flows_begun_while_every_target_is_unhealthy_say_so(lab: Lab) -> None:
    lab.settings = {"fail_open": True}
    assert lab.apply() == {}
    send(lab, "S", flows=3)
    assert {one.why for one in lab.dataplane.flows()} == {Why.FAIL_OPEN}


def test_another_zones_change_disturbs_no_flow_of_this_one(lab: Lab) -> None:
    """Two nodes, two endpoints: all of the other zone's targets are replaced, lose their flows, and are gone."""
    send(lab, "S")
    before = targets(lab)
    plane = lab.plane()
    mine, others = set(before.values()), lab.appliances[0].slot
    other = replace(plane.nodes[0], slot=1, targets=(others,))
    for nodes in ({0: plane.nodes[0], 1: other}, {0: plane.nodes[0], 1: replace(other, targets=())}, plane.nodes):
        assert lab.dataplane.apply(replace(plane, nodes=nodes), lab.indexes) == {}
        send(lab, "A")
        send(lab, "S", first_port=1000, flows=FLOWS)
        assert targets(lab) == before
    assert mine == slots(lab)
