"""Frames taken apart: scapy says what stands where, tshark where it begins and how long it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from opengwlb.model.ids import endpoint_number
from opengwlb.model.topology import PortRef
from opengwlb.observe import dissect, pcapng
from opengwlb.observe.capture import Frame
from opengwlb_appliance import geneve

ENDPOINT = "vpce-076bc493b822cd32f"
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
SYN = TCP(
    sport=40000,
    dport=443,
    seq=0x01020304,
    flags="SEC",
    window=64240,
    options=[("MSS", 8460), ("SAckOK", b""), ("Timestamp", (7, 9)), ("NOP", None), ("WScale", 7)],
)


def tunnel(inner: Packet) -> bytes:
    protocol = geneve.IPV6 if IPv6 in inner else geneve.IPV4
    header = geneve.Header(
        protocol=protocol, endpoint=endpoint_number(ENDPOINT), attachment=5, cookie=0x1A2B3C4D, vni=77
    )
    outer = IP(src="10.9.0.20", dst="10.9.0.10", tos=0x29, id=9, ttl=255, flags="DF") / UDP(
        sport=50123, dport=6081, chksum=0
    )
    return bytes(ETHER / outer / Raw(geneve.encode(header) + bytes(inner)))


def named(tree: Iterable[dissect.Node], *names: str) -> dissect.Node:
    """The node at a path of names; the last of equal ones."""
    found = [node for node in tree if node.name == names[0]][-1]
    return found if len(names) == 1 else named(found.children, *names[1:])


def every(tree: Iterable[dissect.Node]) -> Iterator[dissect.Node]:
    for node in tree:
        yield node
        yield from every(node.children)


def agree(tree: Iterable[dissect.Node], layer: Packet, names: dict[str, str], header: str) -> None:
    """Each field's value, and the bytes at its place, are scapy's."""
    for name, of in names.items():
        assert named(tree, header, name).value == str(layer.getfieldval(of)), (header, name)


def test_the_tunnels_three_options_are_told_by_name_with_class_type_and_critical_bit() -> None:
    data = tunnel(IP(src="192.0.2.7", dst="10.0.0.37") / SYN)
    tree = dissect.frame(data)
    assert dissect.summary(tree) == "Ethernet / IPv4 / UDP / GENEVE / IPv4 / TCP"
    header = named(tree, "GENEVE")
    assert (header.offset, header.length) == (42, 40)
    assert [named([header], "GENEVE", name).value for name in ("Version", "Options length", "VNI")] == [
        "0",
        "32 bytes",
        "77",
    ]
    assert named([header], "GENEVE", "Protocol type").value == "IPv4 (0x0800)"
    assert named([header], "GENEVE", "Endpoint (ENI) id").value.startswith(ENDPOINT)
    assert named([header], "GENEVE", "Attachment id").value == "0x0000000000000005"
    cookie = named([header], "GENEVE", "Flow cookie")
    assert (cookie.value, cookie.offset, cookie.length) == ("0x1a2b3c4d", 74, 8)
    told = {child.name: child.value for child in cookie.children}
    assert told == {
        "Class": "AWS (0x0108)",
        "Type": "3 (0x03)",
        "Critical": "0",
        "Length": "4 bytes",
        "Data": "0x1a2b3c4d",
    }
    assert data[cookie.offset + 4 : cookie.offset + 8].hex() == "1a2b3c4d"


def test_values_are_those_that_scapy_reads_out_of_the_same_bytes() -> None:
    data = tunnel(IP(src="192.0.2.7", dst="10.0.0.37", ttl=61, id=77) / SYN / Raw(b"x" * 21))
    tree = dissect.frame(data)
    outer, inner = Ether(data)[IP], IP(data[82:])
    assert named(tree[:2], "IPv4", "Source").value == outer.src
    assert (named(tree[:2], "IPv4", "DSCP").value, named(tree[:2], "IPv4", "ECN").value) == ("10", "ECT(1)")
    assert named(tree[:2], "IPv4", "Flags").value == "don't fragment"
    agree(tree, inner, {"Source": "src", "Destination": "dst", "TTL": "ttl", "Total length": "len"}, "IPv4")
    agree(tree, outer[UDP], {"Source port": "sport", "Destination port": "dport", "Length": "len"}, "UDP")
    same = {"Source port": "sport", "Sequence number": "seq", "Acknowledgment number": "ack", "Window": "window"}
    agree(tree, inner[TCP], same, "TCP")
    assert named(tree, "TCP", "Flags").value == "SYN, ECE, CWR"
    assert named(tree, "TCP", "Flags", "ACK").value == "0" and named(tree, "TCP", "Flags", "SYN").value == "1"
    assert named(tree, "TCP", "Options", "Maximum segment size").value == "8460"
    assert named(tree, "TCP", "Options", "Timestamps").value == "7, echo 9"
    assert named(tree, "TCP", "Payload length").value == "21"
    assert (tree[-1].name, tree[-1].length) == ("Payload", 21)


def test_ipv6_with_extensions_leads_to_its_transport() -> None:
    inner = (
        IPv6(src="2001:db8::7", dst="2001:db8:1::5", fl=0x12345, tc=0xB9, hlim=60)
        / IPv6ExtHdrHopByHop()
        / UDP(sport=5, dport=53)
    )
    tree = dissect.frame(tunnel(inner / Raw(b"question")))
    assert dissect.summary(tree) == "Ethernet / IPv4 / UDP / GENEVE / IPv6 / IPv6 hop-by-hop options / UDP / Payload"
    agree(tree, inner, {"Source": "src", "Destination": "dst", "Hop limit": "hlim"}, "IPv6")
    assert [named(tree, "IPv6", name).value for name in ("Flow label", "DSCP", "ECN")] == ["0x12345", "46", "ECT(1)"]
    assert named(tree, "UDP", "Payload length").value == "8"


def test_pings_errors_and_what_they_quote_are_told() -> None:
    ping = dissect.frame(bytes(ETHER / IP(src="1.1.1.1", dst="2.2.2.2") / ICMP(type=8, id=9, seq=3) / Raw(b"abcd")))
    assert (named(ping, "ICMP").value, named(ping, "ICMP", "Identifier").value) == ("echo request", "9")
    ping6 = dissect.frame(bytes(ETHER / IPv6(src="1::2", dst="3::4") / ICMPv6EchoRequest(id=9, seq=3)))
    assert named(ping6, "ICMPv6", "Sequence number").value == "3"
    lost = IP(src="2.2.2.2", dst="1.1.1.1") / UDP(sport=7, dport=8)
    error = dissect.frame(
        bytes(ETHER / IP(src="1.1.1.1", dst="2.2.2.2") / ICMP(type=3, code=4, nexthopmtu=1400) / lost)
    )
    assert named(error, "ICMP", "MTU").value == "1400"
    assert named(error, "Quoted packet", "UDP", "Destination port").value == "8"
    wide = dissect.frame(
        bytes(ETHER / IPv6(src="1::2", dst="3::4") / ICMPv6PacketTooBig(mtu=1300) / IPv6(src="3::4", dst="1::2") / SYN)
    )
    assert named(wide, "ICMPv6", "MTU").value == "1300"
    assert named(wide, "Quoted packet", "TCP", "Destination port").value == "443"


def test_later_fragments_have_no_ports_and_arp_is_told() -> None:
    later = dissect.frame(bytes(ETHER / IP(src="1.1.1.1", dst="2.2.2.2", frag=185, proto=17) / Raw(b"x" * 20)))
    assert dissect.summary(later) == "Ethernet / IPv4 / Payload"
    assert named(later, "IPv4", "Fragment offset").value == "1480"
    later6 = dissect.frame(
        bytes(ETHER / IPv6(src="1::2", dst="3::4") / IPv6ExtHdrFragment(offset=10, nh=17, m=1) / Raw(b"x" * 20))
    )
    assert dissect.summary(later6) == "Ethernet / IPv6 / IPv6 fragment header / Payload"
    asked = dissect.frame(bytes(ETHER / ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.2", hwsrc="02:00:00:00:00:01")))
    assert named(asked, "ARP").value == "who has 10.0.0.2? tell 10.0.0.1"


def test_an_option_of_nobody_is_shown_in_hex_and_a_malformed_one_is_said_to_be_cut_short() -> None:
    data = bytearray(tunnel(IP(src="192.0.2.7", dst="10.0.0.37") / SYN))
    data[50:52] = b"\x12\x34"
    first = named(dissect.frame(bytes(data)), "GENEVE").children[7]
    assert (first.name, first.children[0].value) == ("Option", "0x1234")
    data[53] = 31
    assert named(dissect.frame(bytes(data)), "GENEVE").children[-1].value == "cut short"


@given(cut=st.integers(0, 170), flipped=st.lists(st.tuples(st.integers(0, 160), st.integers(0, 255)), max_size=6))
def test_whatever_the_bytes_are_no_node_lies_outside_of_them(cut: int, flipped: list[tuple[int, int]]) -> None:
    data = bytearray(tunnel(IPv6(src="1::2", dst="3::4") / SYN))
    for at, value in flipped:
        data[at % len(data)] = value
    there = bytes(data[:cut])
    for node in every(dissect.frame(there)):
        assert node.offset >= 0 and node.length >= 0
        assert node.offset + node.length <= len(there), node


FIELDS = {
    "eth.dst": ("Ethernet", "Destination"),
    "ip.ttl": ("IPv4", "TTL"),
    "ip.src": ("IPv4", "Source"),
    "udp.length": ("UDP", "Length"),
    "geneve.vni": ("GENEVE", "VNI"),
    "geneve.proto_type": ("GENEVE", "Protocol type"),
    "ipv6.hlim": ("IPv6", "Hop limit"),
    "ipv6.dst": ("IPv6", "Destination"),
    "tcp.seq_raw": ("TCP", "Sequence number"),
    "tcp.window_size_value": ("TCP", "Window"),
    "tcp.checksum": ("TCP", "Checksum"),
    "tcp.options.mss": ("TCP", "Options", "Maximum segment size"),
    "tcp.options.timestamp": ("TCP", "Options", "Timestamps"),
}
"""tshark's names of fields -> ours."""


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark says where fields stand")
def test_every_field_stands_where_tshark_says(tmp_path: Path) -> None:
    data = tunnel(IPv6(src="2001:db8::7", dst="2001:db8:1::5", hlim=60) / SYN / Raw(b"x"))
    port = PortRef("vpc-1", "eni-1")
    file = tmp_path / "one.pcapng"
    file.write_bytes(
        pcapng.write([Frame(port=port, incoming=True, at_ns=1, data=data, length=len(data))], ports=[port])
    )
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "pdml"], capture_output=True, text=True, check=True, timeout=60
    )
    theirs: dict[str, tuple[int, int]] = {}
    for one in ElementTree.fromstring(done.stdout).iter("field"):
        theirs.setdefault(one.get("name", ""), (int(one.get("pos", -1)), int(one.get("size", -1))))
    tree = dissect.frame(data)
    ours = {name: named(tree, *path) for name, path in FIELDS.items()}
    assert {name: (node.offset, node.length) for name, node in ours.items()} == {name: theirs[name] for name in FIELDS}
