"""What targets return when they do not do as they should, and nobody asked for it; test_verdicts.py has every spoilt header."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, UDPerror, fragment
from scapy.packet import Raw

from . import geneve
from .geneve import Tunnelled
from .harness import CLIENT, SERVER, Lab, eventually, into

OTHER = "10.0.7.7"


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("misbehave", endpoints=2, appliances=4, forwards=False)


def sent(lab: Lab, port: int, *, endpoint: int = 0, source: str = CLIENT) -> Tunnelled:
    """The first packet of a flow, as a target gets it."""
    return geneve.read(
        lab.through(IP(src=source, dst=SERVER) / UDP(sport=port, dport=53) / Raw(b"x"), endpoint=endpoint)
    )


def test_a_packet_that_is_returned_twice_passes_twice(lab: Lab) -> None:
    back = bytes(sent(lab, 1000).returned())
    with lab.exactly(lab.node, "decapsulated", packets=2):
        lab.provider_node.send(back, back)


def test_a_return_after_its_flow_was_closed_and_forgotten_is_dropped(lab: Lab) -> None:
    door = lab.endpoints[0]
    syn = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / TCP(sport=2000, dport=80, flags="S")))
    with lab.exactly(door.inner, "encapsulated"):
        door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=2000, dport=80, flags="R")))
    with lab.exactly(lab.node, "decapsulated"):
        lab.provider_node.send(bytes(syn.returned()))
    eventually(lambda: syn.cookie not in {one.cookie for one in lab.dataplane.flows()}, "it is forgotten", within_s=10)
    with lab.exactly(lab.node, "return_no_flow"):
        lab.provider_node.send(bytes(syn.returned()))


def test_the_cookie_of_a_flow_of_another_endpoint_or_another_target_is_refused(lab: Lab) -> None:
    here, there = sent(lab, 3000), sent(lab, 3000, endpoint=1)
    with lab.exactly(lab.node, "return_bad_cookie"):
        lab.provider_node.send(bytes(here.returned().change(cookie=there.cookie)))
    others = (sent(lab, port) for port in range(3001, 3100))
    other = next(one for one in others if one.destination != here.destination)
    with lab.exactly(lab.node, "return_wrong_target"):
        lab.provider_node.send(bytes(here.returned().change(cookie=other.cookie)))


@pytest.mark.parametrize("stickiness", [5, 3, 2])
def test_another_flows_packet_under_a_flows_own_cookie_is_refused(lab: Lab, stickiness: int) -> None:
    lab.settings = {"stickiness": stickiness}
    try:
        assert lab.apply() == {}
        mine, others = sent(lab, 5000), [sent(lab, 5001, source=f"10.0.8.{number}") for number in range(1, 40)]
        other = next(one for one in others if one.destination == mine.destination)
        with lab.exactly(lab.node, "return_bad_cookie"):
            lab.provider_node.send(bytes(mine.returned().change(inner=other.inner)))
        with lab.exactly(lab.node, "decapsulated"):
            lab.provider_node.send(bytes(other.returned()))
    finally:
        lab.settings = {}
        assert lab.apply() == {}


def test_fragments_and_errors_of_a_flow_come_back_as_unchanged(lab: Lab) -> None:
    first, later = fragment(IP(src=CLIENT, dst=SERVER, id=77) / UDP(sport=6000, dport=53) / Raw(bytes(64)), fragsize=40)
    error = (
        IP(src="10.0.3.1", dst=CLIENT)
        / ICMP(type=3, code=1)
        / IPerror(src=CLIENT, dst=SERVER)
        / UDPerror(sport=6000, dport=53)
    )
    for packet in (first, later, error):
        back = geneve.read(lab.through(packet)).returned()
        with lab.exactly(lab.node, "decapsulated"):
            lab.provider_node.send(bytes(back))


def test_a_one_arm_translators_packet_passes_as_it_returned_it(lab: Lab) -> None:
    changed = bytes(IP(src=OTHER, dst=SERVER) / UDP(sport=4444, dport=53) / Raw(b"x"))
    back = sent(lab, 4000).returned().change(inner=changed)
    with lab.exactly(lab.node, "decapsulated_changed"):
        assert lab.back(back)[14:] == changed
