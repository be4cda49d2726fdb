"""The view of the inner packet, against packets that scapy builds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.packet import Raw

from opengwlb_appliance import ACK, PSH, SYN, Inner, InnerError

V4 = IP(src="198.51.100.7", dst="10.0.0.37")
V6 = IPv6(src="2001:db8::7", dst="2001:db8::37")


@pytest.mark.parametrize("ip", [V4, V6], ids=["v4", "v6"])
def test_tcp_fields(ip: IP) -> None:
    inner = Inner(bytes(ip / TCP(sport=40000, dport=80, flags="PA", seq=7, options=[("MSS", 1460)]) / Raw(b"hello")))
    assert (inner.source, inner.destination) == (ip.src, ip.dst)
    assert (inner.protocol, inner.source_port, inner.destination_port) == (6, 40000, 80)
    assert (inner.tcp_flags, inner.tcp_sequence, inner.payload) == (PSH | ACK, 7, b"hello")
    assert not inner.fragment
    assert not inner.more_fragments


def test_udp_and_icmp_fields() -> None:
    udp = Inner(bytes(V4 / UDP(sport=53, dport=5353) / Raw(b"name")))
    assert (udp.protocol, udp.source_port, udp.destination_port, udp.payload, udp.tcp_flags) == (
        17,
        53,
        5353,
        b"name",
        0,
    )
    ping = Inner(bytes(V4 / ICMP() / Raw(b"abc")))
    assert (ping.protocol, ping.source_port, ping.destination_port) == (1, 0, 0)


def test_ip_options_and_extension_headers_are_skipped() -> None:
    v4 = IP(src="198.51.100.7", dst="10.0.0.37", options=b"\x94\x04\x00\x00")
    assert Inner(bytes(v4 / TCP(dport=443, flags="S"))).tcp_flags == SYN
    assert Inner(bytes(V6 / IPv6ExtHdrHopByHop() / UDP(dport=9))).destination_port == 9


def test_a_later_fragment_has_no_ports() -> None:
    v4 = Inner(bytes(IP(src="198.51.100.7", dst="10.0.0.37", frag=10, proto=17) / Raw(b"\x00\x50\x00\x50rest")))
    v6 = Inner(bytes(V6 / IPv6ExtHdrFragment(offset=10, nh=17) / Raw(b"\x00\x50\x00\x50rest")))
    for inner in (v4, v6):
        assert (inner.fragment, inner.protocol, inner.source_port, inner.destination_port) == (True, 17, 0, 0)
    assert Inner(bytes(IP(flags="MF", proto=17) / Raw(bytes(8)))).more_fragments


def test_an_icmp_error_shows_the_packet_that_it_is_about() -> None:
    about = bytes(IP(src="10.0.0.37", dst="198.51.100.7", len=1500) / TCP(sport=80, dport=40000))[:28]
    quoted = Inner(bytes(V4 / ICMP(type=3, code=4) / Raw(about))).quoted()
    assert quoted is not None
    assert (quoted.source, quoted.source_port, quoted.destination_port) == ("10.0.0.37", 80, 40000)
    too_big = bytes(IPv6(src="2001:db8::37", dst="2001:db8::7", plen=1400) / UDP(sport=5, dport=6))
    quoted = Inner(bytes(V6 / ICMPv6PacketTooBig() / Raw(too_big))).quoted()
    assert quoted is not None
    assert quoted.destination_port == 6
    assert Inner(bytes(V4 / ICMP())).quoted() is None


@pytest.mark.parametrize("cut", [0, 1, 19, 30])
def test_a_packet_that_is_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(InnerError):
        Inner(bytes(V4 / UDP() / Raw(bytes(20)))[:cut])


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_refused_or_answer_every_question(raw: bytes) -> None:
    try:
        inner = Inner(raw)
    except InnerError:
        return
    for name in ("source", "destination", "source_port", "destination_port", "tcp_flags", "payload", "transport"):
        getattr(inner, name)
    inner.quoted()
