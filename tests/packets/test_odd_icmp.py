"""ICMP errors go with the flow that they quote: same target, same cookie, whoever on the way sent them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
)
from scapy.packet import Packet, Raw

from opengwlb.dataplane.flows import Flow

from . import geneve
from .geneve import Tunnelled
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Lab, eventually, into

ROUTER, ROUTER6 = "198.51.100.1", "2001:db8::1"
ERRORS = {"unreachable": 3, "source_quench": 4, "redirect": 5, "time_exceeded": 11, "parameter_problem": 12}
ERRORS6 = [ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, ICMPv6ParamProblem]


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("icmp", endpoints=2, appliances=4, forwards=False)


def error(quoted: Packet | bytes, kind: int = 3, *, to: str = CLIENT, quote: int = 28) -> Packet:
    """As a router of the internet sends it, with `quote` bytes of the packet."""
    return IP(src=ROUTER, dst=to) / ICMP(type=kind, code=0) / Raw(bytes(quoted)[:quote])


def sent(lab: Lab, packet: Packet, *, endpoint: int = 0) -> Tunnelled:
    return geneve.read(lab.through(packet, endpoint=endpoint))


def way(one: Tunnelled) -> tuple[str, int, int]:
    return one.destination, one.cookie, one.source_port


@pytest.mark.parametrize("kind", ERRORS.values(), ids=ERRORS)
def test_an_error_goes_with_the_flow_it_quotes(lab: Lab, kind: int) -> None:
    """Eight flows: nobody meets all their targets by accident."""
    for port in range(100, 108):
        flow = IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags="S")
        there, complaint = sent(lab, flow), error(flow, kind)
        about = sent(lab, complaint)
        assert way(about) == way(there)
        assert about.inner == bytes(complaint)


@pytest.mark.parametrize("layer", ERRORS6)
def test_an_error_of_ipv6_goes_with_the_flow_it_quotes(lab: Lab, layer: type[Packet]) -> None:
    for port in range(100, 108):
        flow = IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrDestOpt() / UDP(sport=port, dport=53) / Raw(b"x" * 40)
        complaint = IPv6(src=ROUTER6, dst=CLIENT6) / layer() / Raw(bytes(flow)[:64])
        there, about = sent(lab, flow), sent(lab, complaint)
        assert way(about) == way(there)
        assert about.inner == bytes(complaint)


def test_an_error_about_the_reply_goes_with_the_same_flow(lab: Lab) -> None:
    flow = IP(src=CLIENT, dst=SERVER) / UDP(sport=200, dport=53)
    reply = IP(src=SERVER, dst=CLIENT, options=[b"\x01" * 8]) / UDP(sport=53, dport=200)
    there = sent(lab, flow)
    assert way(sent(lab, error(reply, to=SERVER, quote=36))) == way(there)


def test_an_error_comes_back_to_its_endpoint_by_the_flows_cookie(lab: Lab) -> None:
    flow = IP(src=CLIENT, dst=SERVER) / UDP(sport=201, dport=53)
    lab.through(flow)
    about = sent(lab, error(flow))
    assert lab.back(about.returned())[14:] == about.inner


def test_an_error_quoting_a_ping_goes_with_the_ping(lab: Lab) -> None:
    ping = IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=5)
    there = sent(lab, ping)
    assert way(sent(lab, error(ping, 11))) == way(there)
    ping6 = IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6EchoRequest(id=5)
    complaint = IPv6(src=ROUTER6, dst=CLIENT6) / ICMPv6TimeExceeded() / Raw(bytes(ping6))
    there = sent(lab, ping6)
    assert way(sent(lab, complaint)) == way(there)


def strangers() -> dict[str, Packet]:
    flow = IP(src=CLIENT, dst=SERVER) / UDP(sport=300, dport=53) / Raw(b"x" * 2000)
    return {
        "unknown_flow": error(IP(src=CLIENT, dst=SERVER) / UDP(sport=301, dport=9)),
        "another_receivers_flow": error(flow, to="10.0.1.77"),
        "quote_without_ports": error(flow, quote=22),
        "no_quote": error(b""),
        "quote_of_garbage": error(b"\xff" * 28),
        "later_fragment": error(bytes(fragment(flow, fragsize=1000)[1])),
        "echo": IP(src=ROUTER, dst=CLIENT) / ICMP(type=8) / Raw(bytes(flow)[:28]),
    }


@pytest.mark.parametrize("name", strangers())
def test_an_error_that_names_no_flow_is_a_packet_of_its_own_addresses(lab: Lab, name: str) -> None:
    known = sent(lab, IP(src=CLIENT, dst=SERVER) / UDP(sport=300, dport=53))
    packet = strangers()[name]
    about = sent(lab, packet)
    assert about.cookie != known.cookie
    plain = IP(src=packet.src, dst=packet.dst) / ICMP(type=0)
    assert way(about) == way(sent(lab, plain))


def test_an_error_never_meets_the_flow_of_another_endpoint(lab: Lab) -> None:
    flow = IP(src=CLIENT, dst=SERVER) / UDP(sport=302, dport=53)
    here, there = sent(lab, flow), sent(lab, flow, endpoint=1)
    assert sent(lab, error(flow)).cookie == here.cookie
    assert sent(lab, error(flow), endpoint=1).cookie == there.cookie


def test_an_error_opens_no_flow_of_what_it_quotes(lab: Lab) -> None:
    flow = IP(src=CLIENT, dst=SERVER) / TCP(sport=400, dport=80, flags="A")
    lab.through(error(flow))
    with lab.exactly(lab.endpoints[0].inner, "tcp_no_flow"):
        lab.endpoints[0].outer.send(into(lab.endpoints[0], flow))


def test_an_error_keeps_no_flow_alive_and_is_counted_with_it(lab: Lab) -> None:
    flow = IP(src=CLIENT, dst=SERVER) / UDP(sport=401, dport=53)
    there = sent(lab, flow)

    def known() -> Flow:
        return next(one for one in lab.dataplane.flows() if one.cookie == there.cookie)

    eventually(lambda: known().last_seen_s > 0.1, "time stands still")
    before = known().packets
    for _ in range(3):
        lab.through(error(flow))
    assert known().packets == before + 3
    assert known().last_seen_s > 0.1
