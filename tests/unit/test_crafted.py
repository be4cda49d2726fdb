"""Packets that nobody sent: what scapy reads in them is what was asked for."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Ether

from opengwlb.observe import crafted
from opengwlb.observe.crafted import Craft
from opengwlb.observe.frames import FlowTuple

A, B = "192.0.2.1", "10.0.0.36"


def test_a_segment_has_the_flags_length_and_ttl_asked_for_and_a_good_header() -> None:
    made = IP(crafted.packet(Craft(flow=FlowTuple(A, B, 6, 40000, 80), flags="SA", length=100, ttl=7)))
    assert (made.src, made.dst, made.ttl, made.len, len(bytes(made))) == (A, B, 7, 100, 100)
    assert (made[TCP].sport, made[TCP].dport, str(made[TCP].flags)) == (40000, 80, "SA")
    good = made.chksum
    del made.chksum
    assert IP(bytes(made)).chksum == good


@pytest.mark.parametrize("length", [0, 28, 1500])
def test_a_datagram_says_its_own_length(length: int) -> None:
    made = IP(crafted.packet(Craft(flow=FlowTuple(A, B, 17, 5, 53), length=length)))
    assert made.len == max(28, length) and made[UDP].len == made.len - 20


def test_ipv6_and_icmp() -> None:
    made = IPv6(crafted.packet(Craft(flow=FlowTuple("fd00::1", "fd00::2", 58, 0, 0), length=80, ttl=9)))
    assert (made.src, made.dst, made.hlim, made.plen) == ("fd00::1", "fd00::2", 9, 40)
    assert made.haslayer(ICMPv6EchoRequest)
    assert IP(crafted.packet(Craft(flow=FlowTuple(A, B, 1, 0, 0))))[ICMP].type == 8


@pytest.mark.parametrize(
    ("flow", "flags"),
    [
        (FlowTuple("fd00::1", "fd00::2", 1, 0, 0), "S"),
        (FlowTuple(A, B, 58, 0, 0), "S"),
        (FlowTuple(A, "fd00::1", 6, 1, 2), "S"),
        (FlowTuple(A, B, 6, 1, 2), "X"),
        (FlowTuple("a.b", B, 6, 1, 2), "S"),
    ],
)
def test_what_cannot_be_a_packet_is_refused(flow: FlowTuple, flags: str) -> None:
    with pytest.raises(ValueError):
        crafted.packet(Craft(flow=flow, flags=flags))


def test_a_returned_tunnel_goes_back_where_it_came_from() -> None:
    sent = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=A, dst=B) / UDP(sport=50000, dport=6081)
    back = Ether(crafted.returned(bytes(sent)))
    assert (back.src, back.dst, back[IP].src, back[IP].dst) == (sent.dst, sent.src, B, A)
    assert bytes(back[UDP]) == bytes(Ether(bytes(sent))[UDP])
