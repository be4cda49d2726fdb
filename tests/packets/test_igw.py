"""The internet gateway: what igw.bpf.c rewrites in both directions, judged from the host and from the internet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment, in4_chksum
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from opengwlb.model.plane import NatEntry, Plane
from opengwlb.model.topology import PortRef, Program

from .boxes import Boxes, Programs, arrived
from .harness import run

PRIVATE, PUBLIC = "10.0.1.10", "198.18.1.10"
UNKNOWN_PRIVATE, UNKNOWN_PUBLIC = "10.0.1.11", "198.18.1.99"
CLIENT = "203.0.113.10"


class Internet:
    """host =9001= igw =1500= near =1400= far =9001= client: neither end sees the narrow links."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        host, igw = boxes.box("host"), boxes.box("gateway", forwards=True)
        near, far = boxes.box("near", forwards=True), boxes.box("far", forwards=True)
        client = boxes.box("client")
        self.inside, self.host = boxes.wire(igw, "vpc", host, "eth0")
        outside, self.near = boxes.wire(igw, "internet", near, "igw", mtu=1500)
        middle, beyond = boxes.wire(near, "far", far, "near", mtu=1400)
        last, self.client = boxes.wire(far, "client", client, "eth0")
        for end, address in (
            (self.host, f"{PRIVATE}/24"),
            (outside, "203.0.113.1/30"),
            (self.near, "203.0.113.2/30"),
            (middle, "203.0.113.5/30"),
            (beyond, "203.0.113.6/30"),
            (last, "203.0.113.9/30"),
            (self.client, f"{CLIENT}/30"),
        ):
            run("ip", "address", "add", address, "dev", end.device, box=end.box)
        run("ip", "neighbour", "add", "10.0.1.1", "lladdr", self.inside.mac, "dev", "eth0", box=host)
        run("ip", "neighbour", "add", "169.254.0.3", "lladdr", self.host.mac, "dev", "vpc", box=igw)
        for box, *route in (
            (host, "default", "via", "10.0.1.1"),
            (igw, "default", "via", "203.0.113.2"),
            (igw, f"{PUBLIC}/32", "via", "169.254.0.3", "dev", "vpc", "onlink"),
            (igw, f"{UNKNOWN_PUBLIC}/32", "via", "169.254.0.3", "dev", "vpc", "onlink"),
            (near, "198.18.0.0/15", "via", "203.0.113.1"),
            (near, "default", "via", "203.0.113.6"),
            (far, "default", "via", "203.0.113.5"),
            (client, "default", "via", "203.0.113.9"),
        ):
            run("ip", "route", "add", *route, box=box)
        self.outside_mac = outside.mac
        nat = NatEntry(port=PortRef(igw, self.inside.device), private=PRIVATE, public=PUBLIC)
        programs.apply(Plane(nats=frozenset({nat})), [self.inside])
        programs.attach(Program.IGW, self.inside)

    def leaving(self, *, source: str = PRIVATE, to: str = CLIENT) -> Packet:
        return Ether(src=self.host.mac, dst=self.inside.mac) / IP(src=source, dst=to, id=9)

    def coming(self, *, source: str = CLIENT, to: str = PUBLIC) -> Packet:
        return Ether(src=self.near.mac, dst=self.outside_mac) / IP(src=source, dst=to, id=9)

    def outward(self, frame: Packet, wanted: Callable[[Packet], bool] = lambda packet: True) -> Packet:
        """Sends from the host; what the internet sees of it."""
        with self.near.opened() as raw:
            self.host.send(frame)
            return arrived(raw, lambda packet: IP in packet and packet[IP].id == 9 and wanted(packet))

    def inward(self, frame: Packet) -> Packet:
        """Sends from the internet; what the host sees of it."""
        with self.host.opened() as raw:
            self.near.send(frame)
            return arrived(raw, lambda packet: IP in packet and packet[IP].id == 9)

    def counted(self, before: dict[tuple[int, str], int]) -> dict[str, int]:
        deadline = time.monotonic() + 3
        while True:
            now = self.programs.counters()
            grown = {key[1]: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}
            if grown or time.monotonic() > deadline:
                return grown
            time.sleep(0.01)


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    boxes = Boxes(first_ifindex=0x52000)
    programs = Programs(tmp_path_factory.mktemp("igw"))
    try:
        yield Internet(boxes, programs)
    finally:
        programs.close()
        boxes.close()


def with_right_checksums(packet: Packet) -> bytes:
    """The same packet, every checksum (also of what it quotes as far as scapy can tell) computed anew by scapy."""
    copy = Ether(bytes(packet))
    for layer in (IP, TCP, UDP, ICMP):
        if layer in copy:
            del copy[layer].chksum
    return bytes(copy)


TRANSPORTS = [
    pytest.param(TCP(sport=1234, dport=80, flags="A") / Raw(b"odd"), id="TCP"),
    pytest.param(UDP(sport=1234, dport=53) / Raw(b"question"), id="UDP"),
    pytest.param(ICMP(type=8, id=3, seq=1) / Raw(b"echo"), id="ICMP echo"),
    pytest.param(Raw(b"no transport we know"), id="another protocol"),
]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_leaves_has_the_public_source_and_right_checksums(internet: Internet, transport: Packet) -> None:
    got = internet.outward(internet.leaving() / transport)
    assert (got[IP].src, got[IP].dst, got[IP].ttl) == (PUBLIC, CLIENT, 63)
    assert bytes(got) == with_right_checksums(got)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_comes_in_has_the_private_destination_and_right_checksums(internet: Internet, transport: Packet) -> None:
    got = internet.inward(internet.coming() / transport)
    assert (got[IP].src, got[IP].dst, got[IP].ttl) == (CLIENT, PRIVATE, 63)
    assert bytes(got) == with_right_checksums(got)


def test_udp_without_a_checksum_stays_without_one(internet: Internet) -> None:
    assert internet.outward(internet.leaving() / UDP(chksum=0) / Raw(b"x"))[UDP].chksum == 0
    assert internet.inward(internet.coming() / UDP(chksum=0) / Raw(b"x"))[UDP].chksum == 0


@pytest.mark.parametrize(("protocol", "name"), [(33, "DCCP"), (136, "UDP-Lite")])
def test_the_checksum_of_a_rarer_transport_is_right_too(internet: Internet, protocol: int, name: str) -> None:
    """At the same place as UDP's, over the same addresses."""

    def summed(ip: IP, payload: bytes) -> bytes:
        return (
            payload[:6]
            + in4_chksum(protocol, ip, payload[:6] + bytes(2) + payload[8:]).to_bytes(2, "big")
            + payload[8:]
        )

    frame = internet.leaving()
    frame[IP].proto = protocol
    got = internet.outward(Ether(bytes(frame / Raw(summed(frame[IP], bytes(range(16)))))))
    assert got[IP].src == PUBLIC
    assert bytes(got[IP].payload) == summed(got[IP], bytes(range(16)))


def test_later_fragments_are_translated_and_their_bytes_left_alone(internet: Internet) -> None:
    whole = internet.leaving() / UDP(sport=7, dport=53, len=1608) / Raw(bytes(range(200)) * 8)
    first, second = fragment(Ether(bytes(whole))[IP], fragsize=1000)
    ether = Ether(src=internet.host.mac, dst=internet.inside.mac)
    head = internet.outward(ether / first)
    tail = internet.outward(ether / second, lambda packet: packet[IP].frag > 0)
    assert (head[IP].src, tail[IP].src) == (PUBLIC, PUBLIC)
    assert bytes(tail[IP].payload) == bytes(second.payload)
    joined = (
        Ether(dst=internet.near.mac)
        / IP(src=PUBLIC, dst=CLIENT)
        / UDP(bytes(head[IP].payload) + bytes(tail[IP].payload))
    )
    assert joined[UDP].chksum == Ether(with_right_checksums(joined))[UDP].chksum


QUOTED = [
    pytest.param(lambda ip: ip / UDP(sport=40000, dport=53) / Raw(b"payload"), 28, id="UDP, header alone"),
    pytest.param(lambda ip: ip / UDP(sport=40000, dport=53) / Raw(b"payload"), 100, id="UDP, whole"),
    pytest.param(lambda ip: ip / UDP(sport=40000, dport=53, chksum=0) / Raw(b"payload"), 100, id="UDP, no checksum"),
    pytest.param(lambda ip: ip / TCP(sport=40000, dport=80) / Raw(b"payload"), 28, id="TCP, 8 bytes"),
    pytest.param(lambda ip: ip / TCP(sport=40000, dport=80) / Raw(b"payload"), 100, id="TCP, whole"),
    pytest.param(lambda ip: ip / ICMP(type=8), 100, id="an echo"),
    pytest.param(lambda ip: ip, 20, id="a bare header"),
]


@pytest.mark.parametrize(("build", "length"), QUOTED)
def test_an_error_from_the_internet_quotes_the_packet_as_the_host_sent_it(
    internet: Internet, build: Callable[[Packet], Packet], length: int
) -> None:
    sent = bytes(build(IP(src=PRIVATE, dst=CLIENT, id=77)))[:length]
    known_outside = bytes(build(IP(src=PUBLIC, dst=CLIENT, id=77)))[:length]
    error = internet.coming(source="203.0.113.6") / ICMP(type=3, code=4, nexthopmtu=1400) / Raw(known_outside)
    got = internet.inward(Ether(bytes(error)))
    assert bytes(got[ICMP])[8:] == sent
    assert bytes(got) == with_right_checksums(got)
    assert got[ICMP].nexthopmtu == 1400


@pytest.mark.parametrize(("build", "length"), QUOTED)
def test_an_error_from_the_host_quotes_the_packet_as_the_internet_sent_it(
    internet: Internet, build: Callable[[Packet], Packet], length: int
) -> None:
    sent = bytes(build(IP(src=CLIENT, dst=PUBLIC, id=77)))[:length]
    known_inside = bytes(build(IP(src=CLIENT, dst=PRIVATE, id=77)))[:length]
    got = internet.outward(Ether(bytes(internet.leaving() / ICMP(type=3, code=3) / Raw(known_inside))))
    assert bytes(got[ICMP])[8:] == sent
    assert bytes(got) == with_right_checksums(got)


def test_what_ethernet_padded_does_not_count_as_quoted(internet: Internet) -> None:
    """A quotation that ends before the transport's checksum, and zeros behind it where that would be."""
    quoted = bytes(IP(src=CLIENT, dst=PRIVATE, proto=6, len=40))
    padding = bytes(30)
    frame = bytes(internet.leaving() / ICMP(type=3, code=3) / Raw(quoted)) + padding
    got = internet.outward(Ether(frame))
    assert bytes(got) == with_right_checksums(got)


def test_an_error_about_a_foreign_packet_passes_with_its_quotation_untouched(internet: Internet) -> None:
    quoted = bytes(IP(src="198.18.1.50", dst=CLIENT) / UDP())
    got = internet.inward(Ether(bytes(internet.coming() / ICMP(type=11) / Raw(quoted))))
    assert bytes(got[ICMP])[8:] == quoted


OUTCOMES = [
    ("igw_out", True, lambda i: i.leaving() / ICMP(type=0), "out with an address"),
    ("igw_in", False, lambda i: i.coming() / ICMP(type=0), "in for an address"),
    ("igw_no_public_address", True, lambda i: i.leaving(source=UNKNOWN_PRIVATE) / UDP(), "out without an address"),
    ("igw_unknown_address", False, lambda i: i.coming(to=UNKNOWN_PUBLIC) / UDP(), "in for an address no one holds"),
    ("ipv6_not_enabled", True, lambda i: Ether(dst=i.inside.mac) / IPv6() / UDP(), "IPv6"),
    ("not_ip", True, lambda i: Ether(dst=i.inside.mac, type=0x88B5) / Raw(bytes(50)), "another EtherType"),
    ("malformed", True, lambda i: Ether(dst=i.inside.mac) / IP(src=PRIVATE, dst=CLIENT, ihl=3), "a short header"),
    (
        "malformed",
        True,
        lambda i: Ether(dst=i.inside.mac) / IP(src=PRIVATE, dst=CLIENT, proto=6),
        "TCP without a header",
    ),
    (
        "malformed",
        True,
        lambda i: bytes(Ether(dst=i.inside.mac) / IP(src=PRIVATE, dst=CLIENT, proto=6)) + bytes(30),
        "TCP without a header but for Ethernet's padding",
    ),
    ("to_router", True, lambda i: Ether(dst=i.inside.mac) / ARP(op=2, psrc=PRIVATE, pdst=PRIVATE), "ARP"),
]


@pytest.mark.parametrize(
    ("verdict", "outward", "build", "why"), OUTCOMES, ids=[f"{row[0]}: {row[3]}" for row in OUTCOMES]
)
def test_one_crafted_packet_counts_its_verdict_and_no_other(
    internet: Internet, verdict: str, outward: bool, build: Callable[[Internet], Packet], why: str
) -> None:
    frame = build(internet)
    before = internet.programs.counters()
    (internet.host if outward else internet.near).send(frame)
    assert internet.counted(before) == {verdict: 1}


def transfer(internet: Internet, *options: str) -> None:
    run("iperf3", "-s", "-1", "-D", box=internet.client.box)
    deadline = time.monotonic() + 5
    while "5201" not in run("ss", "-Hltn", box=internet.client.box) and time.monotonic() < deadline:
        time.sleep(0.02)
    run("timeout", "20", "iperf3", "-c", CLIENT, "-n", "30M", *options, box=internet.host.box)


def test_a_jumbo_host_behind_narrow_links_learns_the_path_mtu_and_its_transfers_complete(internet: Internet) -> None:
    run("ip", "route", "flush", "cache", box=internet.host.box)
    before = internet.programs.counters()
    transfer(internet)
    transfer(internet, "-R")
    assert "mtu 1400" in run("ip", "route", "get", CLIENT, box=internet.host.box)
    grown = internet.counted(before)
    assert set(grown) == {"igw_out", "igw_in"}
    assert grown["igw_out"] > 20 * 2**20 / 1400  # iperf3 leaves its last socket buffer unsent
