"""How flows begin and end, by crafted packets; time passes by writing the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from opengwlb.dataplane.flows import Flow, Why

from . import geneve
from .flow_slots import FlowSlots
from .geneve import Tunnelled
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Endpoint, Lab, into

LINGER_S = 5


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> tuple[Lab, FlowSlots]:
    lab = labs("life", endpoints=2, appliances=4, forwards=False, max_flows=512)
    return lab, FlowSlots(lab)


@pytest.fixture
def table(made: tuple[Lab, FlowSlots]) -> FlowSlots:
    return made[1]


@pytest.fixture
def lab(made: tuple[Lab, FlowSlots]) -> Iterator[Lab]:
    lab, table = made
    yield lab
    table.clear()
    if lab.settings or lab.tcp_idle_s != 350:
        lab.settings, lab.tcp_idle_s = {}, 350
        assert lab.apply() == {}


@pytest.fixture
def door(lab: Lab) -> Endpoint:
    return lab.endpoints[0]


def settings(lab: Lab, **of_the_node: object) -> None:
    lab.settings = of_the_node
    assert lab.apply() == {}


def out(flags: str, *, sport: int = 40000, dport: int = 80, **more: int) -> Packet:
    return IP(src=CLIENT, dst=SERVER) / TCP(sport=sport, dport=dport, flags=flags, **more)


def home(flags: str, *, sport: int = 40000, dport: int = 80, **more: int) -> Packet:
    return IP(src=SERVER, dst=CLIENT) / TCP(sport=dport, dport=sport, flags=flags, **more)


def carried(lab: Lab, packet: Packet, *, endpoint: int = 0) -> Tunnelled:
    return geneve.read(lab.through(packet, endpoint=endpoint))


def dropped(lab: Lab, door: Endpoint, packet: Packet, verdict: str) -> None:
    with lab.exactly(door.inner, verdict):
        door.outer.send(into(door, packet))


def only(lab: Lab) -> Flow:
    (flow,) = lab.dataplane.flows()
    return flow


# -- TCP


def test_a_connection_is_opening_established_closing_and_closed(lab: Lab) -> None:
    seen = []
    for packet in (out("S"), home("SA"), out("FA"), home("FA")):
        carried(lab, packet)
        seen.append(only(lab).tcp)
    assert seen == ["opening", "established", "closing", "closed"]


@pytest.mark.parametrize("end", [[out("FA"), home("FA")], [home("FA"), out("FA")], [out("RA")], [home("R")]])
def test_a_connection_that_ended_is_forgotten_soon_but_not_before_its_last_packets(
    lab: Lab, door: Endpoint, table: FlowSlots, end: list[Packet]
) -> None:
    first = carried(lab, out("S"))
    carried(lab, home("SA"))
    for packet in end:
        assert carried(lab, packet).cookie == first.cookie
    assert only(lab).idle_s == LINGER_S
    table.pass_time(LINGER_S - 1)
    assert carried(lab, out("A")).cookie == first.cookie
    table.pass_time(LINGER_S + 0.1)
    assert lab.dataplane.flows() == []
    dropped(lab, door, out("A"), "tcp_no_flow")
    with lab.exactly(lab.node, "return_no_flow"):
        lab.provider_node.send(bytes(first.returned()))


def test_one_fin_does_not_close_a_connection(lab: Lab, table: FlowSlots) -> None:
    first = carried(lab, out("S"))
    carried(lab, out("FA"))
    carried(lab, out("FA"))
    table.pass_time(340)
    assert carried(lab, home("A")).cookie == first.cookie


def test_a_syn_on_a_closed_connection_begins_a_new_flow_with_a_new_cookie(lab: Lab, table: FlowSlots) -> None:
    first = carried(lab, out("S"))
    carried(lab, home("RA"))
    second = carried(lab, out("S"))
    assert second.cookie != first.cookie
    flow = only(lab)
    assert (flow.cookie, flow.tcp, flow.idle_s, flow.packets) == (second.cookie, "opening", 350, 1)
    with lab.exactly(lab.node, "return_no_flow"):
        lab.provider_node.send(bytes(first.returned()))


def test_a_syn_ack_on_a_closed_connection_is_one_of_its_last_packets(lab: Lab) -> None:
    first = carried(lab, out("S"))
    carried(lab, out("R"))
    assert carried(lab, home("SA")).cookie == first.cookie


def test_a_repeated_syn_stays_with_its_flow_and_forgets_one_sides_end(lab: Lab) -> None:
    first = carried(lab, out("S"))
    carried(lab, out("FA"))
    assert carried(lab, out("S")).cookie == first.cookie
    carried(lab, home("FA"))
    assert only(lab).tcp == "closing"


def test_a_flow_expires_after_its_listeners_timeout_and_a_syn_begins_a_new_one(
    lab: Lab, door: Endpoint, table: FlowSlots
) -> None:
    lab.tcp_idle_s = 60
    assert lab.apply() == {}
    first = carried(lab, out("S"))
    table.pass_time(59)
    assert carried(lab, out("A")).cookie == first.cookie
    table.pass_time(60.1)
    dropped(lab, door, out("A"), "tcp_no_flow")
    assert carried(lab, out("S")).cookie != first.cookie


def test_other_protocols_expire_after_120_seconds_and_begin_anew_with_any_packet(lab: Lab, table: FlowSlots) -> None:
    for packet in (IP(src=CLIENT, dst=SERVER) / UDP(sport=9, dport=9), IP(src=CLIENT, dst=SERVER) / ICMP()):
        first = carried(lab, packet)
        table.pass_time(119)
        assert carried(lab, packet).cookie == first.cookie
        table.pass_time(120.1)
        assert carried(lab, packet).cookie != first.cookie


def test_an_asymmetric_flow_goes_on_when_its_first_packet_was_seen(lab: Lab, door: Endpoint) -> None:
    """The client's half only: the answers take another way. Of the answers alone, none is carried."""
    for flags in ("S", "A", "PA", "PA"):
        carried(lab, out(flags))
    dropped(lab, door, home("SA", sport=40001), "tcp_no_flow")


# -- what a flow is


@pytest.mark.parametrize(
    ("stickiness", "same", "other"),
    [
        (5, [], [out("S", sport=40001), IP(src=CLIENT, dst=SERVER) / UDP(sport=40000, dport=80)]),
        (
            3,
            [out("S", sport=40001), out("A", sport=9, dport=9)],
            [IP(src=CLIENT, dst=SERVER) / UDP(sport=40000, dport=80)],
        ),
        (
            2,
            [
                out("A", sport=9),
                IP(src=CLIENT, dst=SERVER) / UDP(sport=1, dport=2),
                IP(src=CLIENT, dst=SERVER) / ICMP(),
            ],
            [],
        ),
    ],
)
def test_stickiness_says_what_belongs_together_in_both_directions(
    lab: Lab, stickiness: int, same: list[Packet], other: list[Packet]
) -> None:
    settings(lab, stickiness=stickiness)
    first = carried(lab, out("S"))
    assert carried(lab, home("SA")).cookie == first.cookie
    for packet in same:
        assert carried(lab, packet).cookie == first.cookie
    for packet in [*other, IP(src=CLIENT, dst="10.0.2.11") / TCP(sport=40000, dport=80)]:
        assert carried(lab, packet).cookie != first.cookie
    assert carried(lab, out("S"), endpoint=1).cookie != first.cookie


@pytest.mark.parametrize("stickiness", [5, 3])
def test_protocols_without_ports_go_by_addresses_and_protocol(lab: Lab, stickiness: int) -> None:
    settings(lab, stickiness=stickiness)
    ping = carried(lab, IP(src=CLIENT, dst=SERVER) / ICMP(id=1))
    assert carried(lab, IP(src=SERVER, dst=CLIENT) / ICMP(type=0, id=2)).cookie == ping.cookie
    assert carried(lab, IP(src=CLIENT, dst=SERVER, proto=47) / Raw(b"gre!")).cookie != ping.cookie


def test_ipv6_is_sticky_too(lab: Lab) -> None:
    settings(lab, stickiness=2)
    first = carried(lab, IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=1, dport=2))
    assert carried(lab, IPv6(src=SERVER6, dst=CLIENT6) / UDP(sport=3, dport=4)).cookie == first.cookie


@pytest.mark.parametrize("stickiness", [3, 2])
def test_the_end_of_one_connection_does_not_end_the_flow_that_others_share(
    lab: Lab, door: Endpoint, table: FlowSlots, stickiness: int
) -> None:
    settings(lab, stickiness=stickiness)
    dropped(lab, door, out("A", sport=1), "tcp_no_flow")
    first = carried(lab, out("S", sport=1))
    for packet in (out("FA", sport=1), home("FA", sport=1), out("R", sport=2)):
        carried(lab, packet)
    table.pass_time(340)
    assert carried(lab, out("A", sport=3)).cookie == first.cookie
    assert (only(lab).tcp, only(lab).idle_s) == ("", 350)


def test_other_packets_of_two_hosts_do_not_cut_short_their_tcp(lab: Lab, table: FlowSlots) -> None:
    settings(lab, stickiness=2)
    first = carried(lab, out("S"))
    carried(lab, IP(src=CLIENT, dst=SERVER) / ICMP())
    table.pass_time(200)
    assert carried(lab, out("A")).cookie == first.cookie


# -- takeover


def test_a_node_that_adopts_admits_connections_that_began_elsewhere(lab: Lab) -> None:
    expected = carried(lab, out("S")).destination
    FlowSlots(lab).clear()
    settings(lab, adopt=True)
    before = lab.dataplane.node_counters()[0]
    adopted = carried(lab, home("A"))
    assert adopted.destination == expected
    assert carried(lab, out("PA")).cookie == adopted.cookie
    assert only(lab).why is Why.ADOPTED
    after = lab.dataplane.node_counters()[0]
    assert (after.new_flows - before.new_flows, after.adopted_flows - before.adopted_flows) == (1, 1)


# -- MSS


def test_the_mss_is_lowered_unless_the_load_balancer_is_told_not_to(lab: Lab) -> None:
    syn = IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=80, flags="S", options=[("MSS", 8961)])
    assert IP(carried(lab, syn).inner)[TCP].options == [("MSS", 8460)]
    settings(lab, mss_clamping=False)
    assert carried(lab, syn).inner == bytes(syn)


# -- counters


def test_a_flow_tells_its_packets_and_bytes_each_way_whichever_end_is_the_smaller(lab: Lab) -> None:
    for first, second in ((CLIENT, SERVER), (SERVER, CLIENT)):
        there = IP(src=first, dst=second) / UDP(sport=5, dport=6) / Raw(b"x" * 100)
        back = IP(src=second, dst=first) / UDP(sport=6, dport=5)
        for packet in (there, there, back):
            carried(lab, packet)
        flow = only(lab)
        assert (flow.source, flow.packets_forward, flow.packets_backward) == (first, 2, 1)
        assert (flow.bytes_forward, flow.bytes_backward) == (256, 28)
        assert flow.created_s < 5
        FlowSlots(lab).clear()


def test_counters_of_a_flow_go_round_without_loss(lab: Lab, table: FlowSlots) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=5, dport=6)
    carried(lab, packet)
    (slot,) = table.used()
    for way in (0, 1):
        slot.counted[way] = 0xFFFF_FFFF_FFFF_FFFF  # packets and bytes
    carried(lab, packet)
    flow = only(lab)
    assert (flow.packets_forward, flow.bytes_forward) == (1 << 32, (1 << 32) + 27)
    assert (flow.packets_backward, flow.bytes_backward) == (0xFFFF_FFFF, 0xFFFF_FFFF)


def test_a_node_counts_its_new_and_rejected_flows(lab: Lab, door: Endpoint) -> None:
    before = lab.dataplane.node_counters()[0]
    carried(lab, out("S"))
    carried(lab, home("SA"))
    lab.healthy = set()
    try:
        assert lab.apply() == {}
        dropped(lab, door, out("S", sport=2), "no_targets")
        dropped(lab, door, IP(src=CLIENT, dst=SERVER) / UDP(), "no_targets")
    finally:
        lab.healthy = None
        assert lab.apply() == {}
    after = lab.dataplane.node_counters()[0]
    assert after.new_flows - before.new_flows == 1
    assert after.rejected_flows - before.rejected_flows == 2
    assert after.rejected_tcp_flows - before.rejected_tcp_flows == 1
    assert after.processed_packets - before.processed_packets == 2
    assert after.processed_bytes - before.processed_bytes == 80


def test_one_cpu_opens_no_more_flows_in_a_second_than_it_may_and_known_flows_go_on(
    lab: Lab, door: Endpoint, table: FlowSlots
) -> None:
    packets = [IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=53) for port in range(1, 30)]
    carried(lab, packets[0])
    table.settle(new_flows_per_s=1)
    try:
        before = lab.counts()
        door.outer.send(*(into(door, packet) for packet in packets[1:]))
        change = lab.counts() - before
        assert change[door.inner.ifindex, "new_flow_limit"] >= len(packets) - 1 - 4  # two CPUs, two seconds at most
        assert change.total() == len(packets) - 1
        carried(lab, packets[0])
    finally:
        table.settle()
