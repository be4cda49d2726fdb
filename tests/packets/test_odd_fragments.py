"""Fragments of inner packets: all of a datagram go to one target, and with their flow wherever it can be told."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.packet import Packet, Raw

from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import open_pin

from . import geneve
from .geneve import Tunnelled
from .harness import CLIENT6, SERVER, SERVER6, Lab, into

BODY = b"f" * 3000


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("fragments", endpoints=2, appliances=4, forwards=False)


@pytest.fixture
def hosts(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Two hosts for each test, who never sent a fragment before."""
    number = zlib.crc32(request.node.name.encode()) % 250 * 256 + len(request.node.name)
    return f"10.{number >> 8}.{number & 255}.1", SERVER


def datagram(hosts: tuple[str, str], port: int, *, ident: int = 5, dport: int = 53) -> list[Packet]:
    return list(
        fragment(IP(src=hosts[0], dst=hosts[1], id=ident) / UDP(sport=port, dport=dport) / Raw(BODY), fragsize=1000)
    )


def sent(lab: Lab, packet: Packet, *, endpoint: int = 0) -> Tunnelled:
    found = geneve.read(lab.through(packet, endpoint=endpoint))
    assert found.inner == bytes(packet)
    return found


def way(one: Tunnelled) -> tuple[str, int]:
    return one.destination, one.cookie


def whole(lab: Lab, hosts: tuple[str, str], port: int, *, endpoint: int = 0) -> tuple[str, int]:
    """The way of the flow itself."""
    return way(sent(lab, IP(src=hosts[0], dst=hosts[1]) / UDP(sport=port, dport=53), endpoint=endpoint))


def without_ports(lab: Lab, hosts: tuple[str, str]) -> tuple[str, int]:
    return way(sent(lab, IP(src=hosts[0], dst=hosts[1]) / UDP(sport=0, dport=0)))


def test_later_fragments_follow_the_first_in_any_order(lab: Lab, hosts: tuple[str, str]) -> None:
    first, *later = datagram(hosts, 11)
    ways = {way(sent(lab, piece)) for piece in [first, *reversed(later)]}
    assert ways == {whole(lab, hosts, 11)}


def test_a_late_first_fragment_finds_the_others_in_the_flow_that_sent_the_latest_datagram(
    lab: Lab, hosts: tuple[str, str]
) -> None:
    for piece in datagram(hosts, 12, ident=1):
        sent(lab, piece)
    first, *later = datagram(hosts, 12, ident=2)
    assert {way(sent(lab, piece)) for piece in [*later, first]} == {whole(lab, hosts, 12)}


def test_a_datagram_whose_first_fragment_is_late_stays_whole_when_nothing_tells_its_flow(
    lab: Lab, hosts: tuple[str, str]
) -> None:
    for port in range(20, 28):
        first, *later = datagram(hosts, port, ident=port)
        pieces = [later[0], first, *later[1:]] if port == 20 else [first, *later]
        ways = {way(sent(lab, piece)) for piece in pieces}
        assert ways == {without_ports(lab, hosts) if port == 20 else whole(lab, hosts, port)}


def test_a_datagram_stays_whole_when_the_guess_was_wrong(lab: Lab, hosts: tuple[str, str]) -> None:
    for piece in datagram(hosts, 30, ident=1):
        sent(lab, piece)
    first, *later = datagram(hosts, 31, ident=2)
    assert {way(sent(lab, piece)) for piece in [later[0], first, *later[1:]]} == {whole(lab, hosts, 30)}
    assert {way(sent(lab, piece)) for piece in datagram(hosts, 31, ident=3)} == {whole(lab, hosts, 31)}


def test_interleaved_datagrams_of_several_flows_follow_their_own(lab: Lab, hosts: tuple[str, str]) -> None:
    """Eight flows: nobody meets all their targets by accident."""
    flows = {port: datagram(hosts, port, ident=port) for port in range(40, 48)}
    ways: dict[int, set[tuple[str, int]]] = {port: set() for port in flows}
    for pieces in zip(*flows.values(), strict=True):
        for port, piece in zip(flows, pieces, strict=True):
            ways[port].add(way(sent(lab, piece)))
    assert ways == {port: {whole(lab, hosts, port)} for port in flows}
    assert len({target for found in ways.values() for target, _ in found}) > 1


def test_equal_identifications_behind_two_endpoints_are_two_datagrams(lab: Lab, hosts: tuple[str, str]) -> None:
    here, there = datagram(hosts, 50), datagram(hosts, 51)
    ways = [(way(sent(lab, one)), way(sent(lab, other, endpoint=1))) for one, other in zip(here, there, strict=True)]
    assert set(ways) == {(whole(lab, hosts, 50), whole(lab, hosts, 51, endpoint=1))}


def test_both_directions_with_one_identification_are_two_datagrams(lab: Lab, hosts: tuple[str, str]) -> None:
    there, back = datagram(hosts, 60), datagram(hosts[::-1], 53, dport=61)
    found = [(way(sent(lab, one)), way(sent(lab, other))) for one, other in zip(there, back, strict=True)]
    assert set(found) == {(whole(lab, hosts, 60), whole(lab, hosts, 61))}


def age(lab: Lab, seconds: int) -> None:
    """Everything that is remembered of fragments becomes older."""
    remembered = Map(open_pin(str(lab.run_dir / "bpf" / "maps" / "fragments")), name="fragments")
    try:
        for key, value in list(remembered.entries()):
            since = int.from_bytes(value[:8], sys.byteorder) - seconds * 1_000_000_000
            remembered.put(key, since.to_bytes(8, sys.byteorder) + value[8:])
    finally:
        remembered.close()


def test_what_is_remembered_of_fragments_becomes_too_old(lab: Lab, hosts: tuple[str, str]) -> None:
    """A datagram after 5 seconds, what two hosts sent last after 120: then there is nothing to go by but addresses."""
    (first, *later), (other, *_) = datagram(hosts, 130, ident=1), datagram(hosts, 131, ident=2)
    flows = way(sent(lab, first)), way(sent(lab, other))
    age(lab, 4)
    assert way(sent(lab, later[0])) == flows[0]
    age(lab, 2)
    assert way(sent(lab, later[1])) == flows[1]
    age(lab, 120)
    assert way(sent(lab, later[2])) == without_ports(lab, hosts)


def test_an_identification_that_comes_round_is_another_datagram(lab: Lab, hosts: tuple[str, str]) -> None:
    for port in (70, 71, 72):
        assert {way(sent(lab, piece)) for piece in datagram(hosts, port)} == {whole(lab, hosts, port)}


@pytest.mark.parametrize("protocol", [1, 47, 50, 253])
def test_fragments_of_protocols_without_ports_need_no_first_one(
    lab: Lab, hosts: tuple[str, str], protocol: int
) -> None:
    packet = IP(src=hosts[0], dst=hosts[1], proto=protocol, id=9) / Raw(b"\x08" + BODY)
    pieces = fragment(packet, fragsize=1000)
    ways = {way(sent(lab, piece)) for piece in reversed(pieces)}
    assert ways == {way(sent(lab, IP(src=hosts[0], dst=hosts[1], proto=protocol) / Raw(b"\x08" + bytes(40))))}


@pytest.mark.parametrize("stickiness", [2, 3])
def test_flows_by_addresses_need_no_first_fragment(lab: Lab, hosts: tuple[str, str], stickiness: int) -> None:
    lab.settings = {"stickiness": stickiness}
    try:
        assert lab.apply() == {}
        flow = way(sent(lab, IP(src=hosts[0], dst=hosts[1]) / TCP(sport=80, dport=80, flags="S")))
        packet = IP(src=hosts[0], dst=hosts[1], id=3) / TCP(sport=80, dport=80, flags="A") / Raw(BODY)
        assert {way(sent(lab, piece)) for piece in reversed(fragment(packet, fragsize=1000))} == {flow}
    finally:
        lab.settings = {}
        assert lab.apply() == {}


def test_a_later_fragment_of_tcp_before_its_first_is_dropped_and_the_rest_follows(
    lab: Lab, hosts: tuple[str, str]
) -> None:
    """The sender repeats it, and guessing would put it into another flow's stream."""
    flow = way(sent(lab, IP(src=hosts[0], dst=hosts[1]) / TCP(sport=90, dport=80, flags="S")))
    packet = IP(src=hosts[0], dst=hosts[1], id=3) / TCP(sport=90, dport=80, flags="A") / Raw(BODY)
    first, second, *rest = fragment(packet, fragsize=1000)
    door = lab.endpoints[0]
    with lab.exactly(door.inner, "fragment_no_flow"):
        door.outer.send(into(door, second))
    assert {way(sent(lab, piece)) for piece in [first, *rest]} == {flow}


def piece6(port: int, place: int, more: int, *, ident: int = 9, kind: int = 17) -> Packet:
    head = IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrFragment(id=ident, offset=place, m=more, nh=kind)
    return head / UDP(sport=port, dport=53, len=56) / Raw(b"f" * 16) if place == 0 else head / Raw(b"f" * 16)


def test_a_late_first_fragment_of_ipv6_goes_with_the_others(lab: Lab) -> None:
    for port, ident in ((100, 1), (100, 2), (101, 3)):
        pieces = [piece6(port, 0, 1, ident=ident), piece6(port, 3, 1, ident=ident), piece6(port, 5, 0, ident=ident)]
        ways = {way(sent(lab, piece)) for piece in (pieces if ident == 1 else pieces[::-1])}
        assert ways == {way(sent(lab, IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=100, dport=53)))}


def test_a_later_fragment_of_ipv6_behind_extension_headers_needs_its_first(lab: Lab) -> None:
    door = lab.endpoints[0]
    with lab.exactly(door.inner, "fragment_no_flow"):
        door.outer.send(into(door, piece6(102, 3, 0, ident=77, kind=60)))


def test_a_flood_of_fragments_takes_no_more_than_the_table_and_datagrams_go_on(
    lab: Lab, hosts: tuple[str, str]
) -> None:
    """10,000 datagrams of which only later fragments come, more than the table remembers; each has the one verdict."""
    door = lab.endpoints[0]
    head = IP(src=hosts[0], dst=hosts[1], flags="MF", frag=100, proto=17)
    frame = bytearray(into(door, head / Raw(bytes(8))))
    frames = []
    for ident in range(10_000):
        frame[18:20] = ident.to_bytes(2, "big")
        frames.append(bytes(frame))
    with lab.exactly(door.inner, "encapsulated", packets=len(frames)):
        door.outer.send(*frames)
    assert {way(sent(lab, piece)) for piece in datagram(hosts, 110, ident=20_000)} == {whole(lab, hosts, 110)}


def test_an_error_in_fragments_goes_by_its_own_addresses_in_one_piece(lab: Lab, hosts: tuple[str, str]) -> None:
    flow = IP(src=hosts[0], dst=hosts[1]) / UDP(sport=120, dport=53)
    sent(lab, flow)
    packet = IP(src="198.51.100.1", dst=hosts[0], id=4) / ICMP(type=3) / Raw(bytes(flow) + BODY)
    ways = {way(sent(lab, piece)) for piece in fragment(packet, fragsize=1000)}
    assert ways == {way(sent(lab, IP(src="198.51.100.1", dst=hosts[0]) / ICMP(type=8)))}
