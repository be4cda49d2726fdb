"""The bytes that leave: exactly those of the format, judged by a reader of our own and by tshark; inner packets as they came."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from . import geneve
from .harness import CLIENT, CLIENT6, NODE, SERVER, SERVER6, Lab, eventually, frame_arrived, into


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("wire", endpoints=2, appliances=4, forwards=False)


def syn(port: int, **options: object) -> IP:
    return IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags="S", **options)


def reversed_ends(packet: Packet) -> Packet:
    turned = packet.copy()
    turned.src, turned.dst = packet.dst, packet.src
    turned.payload.sport, turned.payload.dport = packet.payload.dport, packet.payload.sport
    return turned


def test_a_packet_leaves_with_exactly_the_tunnel_header_and_its_own_bytes(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER, ttl=17, tos=0xB8, id=77) / UDP(sport=1, dport=2) / Raw(b"inspect me")
    sent = geneve.read(lab.through(packet))
    assert sent.inner == bytes(packet)
    assert (sent.source, sent.protocol) == (NODE, 0x0800)
    assert sent.destination in {one.address for one in lab.appliances}
    assert sent.endpoint == lab.endpoints[0].number
    assert sent.cookie != 0
    assert sent.eth == (lab.node.mac, lab.provider_node.mac)
    flow = next(one for one in lab.dataplane.flows() if one.cookie == sent.cookie)
    assert (flow.source, flow.destination, flow.source_port, flow.destination_port) == (CLIENT, SERVER, 1, 2)
    assert (flow.protocol, flow.packets, flow.bytes) == (17, 1, len(bytes(packet)))


def test_the_return_leaves_its_endpoint_byte_for_byte(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=3, dport=4) / Raw(b"x" * 999)
    sent = geneve.read(lab.through(packet))
    frame = lab.back(sent.returned())
    assert frame[14:] == bytes(packet)
    door = lab.endpoints[0]
    assert frame[:14] == bytes.fromhex((door.outer.mac + door.inner.mac).replace(":", "")) + b"\x08\x00"


@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_both_directions_share_target_cookie_and_port(lab: Lab, v6: bool) -> None:
    layer = IPv6(src=CLIENT6, dst=SERVER6) if v6 else IP(src=CLIENT, dst=SERVER)
    for port in range(2000, 2020):
        there = layer / UDP(sport=port, dport=53)
        one, other = geneve.read(lab.through(there)), geneve.read(lab.through(reversed_ends(there)))
        assert (one.destination, one.cookie, one.source_port) == (other.destination, other.cookie, other.source_port)


def test_flows_are_spread_over_targets_and_ports_and_have_cookies_of_their_own(lab: Lab) -> None:
    sent = [geneve.read(lab.through(syn(port))) for port in range(3000, 3064)]
    assert {one.destination for one in sent} == {one.address for one in lab.appliances}
    assert len({one.cookie for one in sent}) == 64
    assert len({one.source_port for one in sent}) > 50


def test_equal_addresses_behind_two_endpoints_are_two_flows(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=9, dport=9)
    one, other = (geneve.read(lab.through(packet, endpoint=i)) for i in (0, 1))
    assert one.cookie != other.cookie
    assert (one.endpoint, other.endpoint) == tuple(door.number for door in lab.endpoints)
    assert lab.back(other.returned(), endpoint=1)[14:] == bytes(packet)


def test_protocols_without_ports_are_one_flow_for_each_pair_of_addresses(lab: Lab) -> None:
    echo = IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=1)
    reply = IP(src=SERVER, dst=CLIENT) / ICMP(type=0, id=2)
    assert geneve.read(lab.through(echo)).cookie == geneve.read(lab.through(reply)).cookie


def test_later_fragments_follow_the_first_to_its_flow(lab: Lab) -> None:
    whole = IP(src=CLIENT, dst=SERVER, id=5) / UDP(sport=11, dport=12) / Raw(b"f" * 3000)
    sent = [geneve.read(lab.through(piece)) for piece in fragment(whole, fragsize=1000)]
    assert len(sent) == 4
    assert len({one.cookie for one in sent}) == 1
    assert sent[0].cookie == geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=11, dport=12))).cookie


def test_later_fragments_of_ipv6_follow_the_first(lab: Lab) -> None:
    head = IPv6(src=CLIENT6, dst=SERVER6)
    first = head / IPv6ExtHdrFragment(id=9, offset=0, m=1, nh=17) / UDP(sport=11, dport=12, len=40) / Raw(b"f" * 16)
    later = head / IPv6ExtHdrFragment(id=9, offset=3, m=0, nh=17) / Raw(b"f" * 16)
    one, other = geneve.read(lab.through(first)), geneve.read(lab.through(later))
    assert one.cookie == other.cookie == geneve.read(lab.through(head / UDP(sport=11, dport=12))).cookie


def test_headers_with_options_do_not_hide_the_ports(lab: Lab) -> None:
    plain = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=21, dport=22)))
    routed = IP(src=CLIENT, dst=SERVER, options=[b"\x01" * 8]) / UDP(sport=21, dport=22)
    assert geneve.read(lab.through(routed)).cookie == plain.cookie
    plain6 = geneve.read(lab.through(IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=21, dport=22)))
    extended = IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrDestOpt() / UDP(sport=21, dport=22)
    assert geneve.read(lab.through(extended)).cookie == plain6.cookie


@pytest.mark.parametrize("flags", ["S", "SA"])
@pytest.mark.parametrize("before", [[], [("NOP", None)], [("SAckOK", b""), ("NOP", None), ("WScale", 7)]])
def test_the_mss_of_a_handshake_is_lowered_and_its_checksum_right(lab: Lab, flags: str, before: list[object]) -> None:
    for head, port, most in (
        (IP(src=CLIENT, dst=SERVER), 31, 8460),
        (IPv6(src=CLIENT6, dst=SERVER6), 32, 8440),
    ):
        lab.through(head / TCP(sport=port, dport=80, flags="S"))
        packet = head / TCP(sport=port, dport=80, flags=flags, options=[*before, ("MSS", 8961)])
        inner = type(head)(geneve.read(lab.through(packet)).inner)
        assert dict(inner[TCP].options)["MSS"] == most
        again = inner.copy()
        del again[TCP].chksum
        assert type(head)(bytes(again))[TCP].chksum == inner[TCP].chksum
        small = head / TCP(sport=port, dport=80, flags=flags, options=[*before, ("MSS", 1460)])
        assert geneve.read(lab.through(small)).inner == bytes(small)


def test_ethernet_padding_stays_out_of_the_tunnel(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=41, dport=42)
    door = lab.endpoints[0]
    with lab.provider_node.opened() as raw:
        door.outer.send(into(door, packet) + b"\xee" * 18)
        sent = geneve.read(frame_arrived(raw, lambda frame: frame[36:38] == b"\x17\xc1"))
    assert sent.inner == bytes(packet)


def test_options_in_another_order_and_unknown_ones_between_are_stripped_with_the_rest(lab: Lab) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=51, dport=52)
    sent = geneve.read(lab.through(packet))
    one, two, three = sent.tlvs[:12], sent.tlvs[12:24], sent.tlvs[24:]
    mixed = three + geneve.option(7, b"unknown!", of=0x1234) + two + one
    assert lab.back(sent.returned().change(options=mixed))[14:] == bytes(packet)


def test_a_target_that_is_no_longer_listed_keeps_its_flows_and_gets_no_new_ones(lab: Lab) -> None:
    sent = geneve.read(lab.through(syn(61)))
    gone = next(one for one in lab.appliances if one.address == sent.destination)
    lab.healthy = {one.slot for one in lab.appliances} - {gone.slot}
    try:
        assert lab.apply() == {}
        assert geneve.read(lab.through(syn(61))).destination == gone.address
        others = {geneve.read(lab.through(syn(port))).destination for port in range(3100, 3140)}
        assert others == {one.address for one in lab.appliances} - {gone.address}
    finally:
        lab.healthy = None
        lab.apply()


def test_a_new_generation_of_a_target_moves_its_flows_which_keep_their_cookies(lab: Lab) -> None:
    sent = [geneve.read(lab.through(syn(port))) for port in range(3200, 3232)]
    gone = lab.appliances[0]
    lab.healthy = {one.slot for one in lab.appliances} - {gone.slot}
    lab.generations = {gone.slot: 2}
    try:
        assert lab.apply() == {}
        for port, before in zip(range(3200, 3232), sent, strict=True):
            after = geneve.read(lab.through(syn(port)))
            assert after.cookie == before.cookie
            assert after.destination != gone.address
            if before.destination != gone.address:
                assert after.destination == before.destination
    finally:
        lab.healthy, lab.generations = None, {}
        lab.apply()


def test_an_expired_flow_begins_anew_with_another_cookie(lab: Lab) -> None:
    lab.other_idle_s = 1
    try:
        assert lab.apply() == {}
        packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=71, dport=72)
        first = geneve.read(lab.through(packet))
        eventually(lambda: all(one.cookie != first.cookie for one in lab.dataplane.flows()), "the flow lives on")
        assert geneve.read(lab.through(packet)).cookie != first.cookie
    finally:
        lab.other_idle_s = 120
        lab.apply()


def test_tshark_finds_nothing_wrong_and_reads_what_was_meant(lab: Lab, tmp_path: Path) -> None:
    packets: list[Packet] = [
        IP(src=CLIENT, dst=SERVER) / TCP(sport=81, dport=80, flags="S", options=[("MSS", 8961)]),
        IP(src=CLIENT, dst=SERVER) / UDP(sport=81, dport=9999) / Raw(b"data"),
        IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=5) / Raw(b"ping"),
        IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6EchoRequest(id=1) / Raw(b"ping"),
    ]
    frames = [lab.through(packet) for packet in packets]
    there = tmp_path / "there.pcap"
    wrpcap(str(there), frames, linktype=1)
    faults = "_ws.malformed || _ws.expert.severity == error || ip.checksum.status == Bad || tcp.checksum.status == Bad"
    checks = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE")
    assert _tshark(there, *checks, "-Y", faults) == ""
    asked = ("geneve.vni", "geneve.option.type", "geneve.option.unknown.data")
    told = _tshark(there, "-T", "fields", *(word for name in asked for word in ("-e", name))).splitlines()
    for line, frame in zip(told, frames, strict=True):
        sent = geneve.read(frame)
        vni, types, data = line.split("\t")
        assert int(vni, 0) == 0
        assert [int(kind, 0) for kind in types.split(",")] == [1, 2, 3]
        assert data.split(",") == [f"{lab.endpoints[0].number:016x}", "0" * 16, f"{sent.cookie:08x}"]


def _tshark(path: Path, *arguments: str) -> str:
    done = subprocess.run(["tshark", "-r", str(path), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
