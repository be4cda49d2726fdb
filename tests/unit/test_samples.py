"""A dropped packet's first bytes, in one line."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.counting import Counter
from opengwlb.observe import drops, samples
from opengwlb_appliance import geneve

A, B = "192.0.2.1", "10.0.0.36"
SYN = IP(src=A, dst=B, ttl=61) / TCP(sport=42947, dport=80, flags="S")
ENDPOINT = "vpce-076bc493b822cd32f"


def frame(packet: Packet) -> bytes:
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


def tunnelled(inner: Packet) -> Packet:
    header = geneve.Header(protocol=geneve.IPV4, endpoint=int(ENDPOINT.removeprefix("vpce-"), 16), cookie=0x1A2B3C4D)
    outer = IP(src="10.9.0.4", dst="10.9.0.10") / UDP(sport=50123, dport=6081, chksum=0)
    return outer / Raw(geneve.encode(header) + bytes(inner))


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (SYN, "tcp 192.0.2.1:42947 > 10.0.0.36:80 [S] ttl 61"),
        (IP(src=A, dst=B, ttl=9) / UDP(sport=5, dport=53), "udp 192.0.2.1:5 > 10.0.0.36:53 ttl 9"),
        (IP(src=A, dst=B, ttl=9) / ICMP(type=3, code=4), "icmp 192.0.2.1 > 10.0.0.36 type 3 code 4 ttl 9"),
        (IP(src=A, dst=B, ttl=9, proto=47) / Raw(bytes(4)), "protocol 47 192.0.2.1 > 10.0.0.36 ttl 9"),
        (
            IP(src=A, dst=B, ttl=9, proto=17, id=77, frag=185) / Raw(bytes(8)),
            "udp 192.0.2.1 > 10.0.0.36 fragment 77@1480 ttl 9",
        ),
        (
            IPv6(src="fd00::1", dst="fd00::2", hlim=3) / IPv6ExtHdrHopByHop() / TCP(sport=1, dport=2, flags="SA"),
            "tcp [fd00::1]:1 > [fd00::2]:2 [SA] ttl 3",
        ),
        (
            IPv6(src="fd00::1", dst="fd00::2", hlim=3) / IPv6ExtHdrFragment(id=7, offset=2, m=1, nh=17) / Raw(bytes(8)),
            "udp fd00::1 > fd00::2 fragment 7@16+ ttl 3",
        ),
        (ARP(psrc=A, pdst=B), "arp who-has 10.0.0.36 tell 192.0.2.1"),
        (
            tunnelled(SYN),
            f"geneve 10.9.0.4 > 10.9.0.10 {ENDPOINT} cookie 0x1a2b3c4d: tcp 192.0.2.1:42947 > 10.0.0.36:80 [S] ttl 61",
        ),
    ],
)
def test_a_packet_reads_as_one_line(packet: Packet, said: str) -> None:
    assert samples.line(frame(packet)) == said
    # No more of it is kept than this.
    assert samples.line(frame(packet)[:128]) == said


def test_no_bytes_make_the_reader_fail() -> None:
    for whole in (frame(tunnelled(SYN)), frame(IPv6() / IPv6ExtHdrHopByHop() / UDP()), frame(ARP())):
        for length in range(len(whole)):
            assert samples.line(whole[:length])
        for at in range(14, len(whole)):
            assert samples.line(whole[:at] + b"\xff" + whole[at + 1 :])


def test_a_rate_is_what_was_counted_between_two_readings() -> None:
    before = drops.Reading(at_s=10.0, counters=(Counter(ifindex=1, verdict=44, packets=100, bytes=0),))
    after = drops.Reading(
        at_s=12.0,
        counters=(
            Counter(ifindex=1, verdict=44, packets=150, bytes=0),
            Counter(ifindex=2, verdict=44, packets=3, bytes=0),
        ),
        stacks=(drops.StackDrop(box="vpc-1", device="", name="ip_out_discards", packets=1),),
    )
    found = drops.rates(before, after)
    assert found.counted == {(1, 44): 25.0, (2, 44): 1.5}
    assert found.thrown_away == {("vpc-1", "", "ip_out_discards"): 0.5}
    assert drops.rates(after, before).counted == {}
