"""Appliances behind the SDK's tunnel interface, in real boxes: what goes in, what comes out, and whose it is."""

from __future__ import annotations

import socket
import struct

import pytest

from opengwlb_appliance.geneve import HEADER_LENGTH, Header, encode

from .conftest import OUTSIDE, Lab, Node, until

CLIENT, SERVER = "198.51.100.7", "10.0.0.5"
ENDPOINT = 0x0123456789ABCDEF0 >> 4


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(source: str, destination: str, sport: int, dport: int, *, flags: int = 2, seq: int = 1, ack: int = 0) -> bytes:
    """An IPv4 packet with a TCP header and no payload."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 8192, 0, 0)
    pseudo = addresses + struct.pack("!BBH", 0, 6, len(segment))
    segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, 6, 0) + addresses
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + segment


def geneve(inner: bytes, *, endpoint: int = ENDPOINT, cookie: int = 7) -> bytes:
    return encode(Header(protocol=0x0800, endpoint=endpoint, cookie=cookie)) + inner


def started(lab: Lab, node: Node, kind: str, user_data: bytes = b"") -> None:
    lab.start(image_kind=kind, user_data=user_data)
    until(lambda: node.health()[0], what=f"a health page; the console has {lab.console()}")


def returned(node: Node, sent: bytes) -> bytes | None:
    """The inner packet that comes back under the very header it went out with; None when nothing does."""
    found = node.returned(seconds=1.5)
    if found is None:
        return None
    assert found[28 : 28 + HEADER_LENGTH] == sent[:HEADER_LENGTH]
    return found[28 + HEADER_LENGTH :]


FIREWALL = b"""
table inet firewall {
  chain forward { type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    tcp dport 80 accept
    tcp dport 81 reject with tcp reset
  }
}
"""


def test_a_packet_comes_back_as_it_went(lab: Lab, node: Node):
    started(lab, node, "nftables", FIREWALL)
    sent = geneve(tcp(CLIENT, SERVER, 4000, 80))
    node.send(sent)
    inner = returned(node, sent)
    assert inner is not None, lab.console()
    assert inner == sent[HEADER_LENGTH:]


def test_the_firewall_keeps_state_for_both_directions(lab: Lab, node: Node):
    started(lab, node, "nftables", FIREWALL)
    stray = geneve(tcp(SERVER, CLIENT, 80, 4000, flags=0x12, ack=2))
    node.send(stray)
    assert returned(node, stray) is None, "an answer that nobody asked for"
    asked = geneve(tcp(CLIENT, SERVER, 4000, 80))
    node.send(asked)
    assert returned(node, asked) is not None
    node.send(stray)
    assert returned(node, stray) is not None


def udp(source: str, destination: str, sport: int, dport: int) -> bytes:
    """An IPv4 packet with a UDP header without checksum and four bytes."""
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 32, 1, 0, 64, 17, 0) + addresses
    body = struct.pack("!HHHH", sport, dport, 12, 0) + b"data"
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def test_the_http_inspector_returns_all_that_is_not_http_as_it_came(lab: Lab, node: Node):
    started(lab, node, "http-inspector")
    for inner in (udp(CLIENT, SERVER, 4000, 80), udp(CLIENT, SERVER, 4000, 53), tcp(CLIENT, SERVER, 4000, 443)):
        sent = geneve(inner)
        node.send(sent)
        assert returned(node, sent) == inner


def test_http_is_dropped_while_nobody_inspects_it(lab: Lab, node: Node):
    started(lab, node, "http-inspector")
    until(lambda: node.health()[0] == 200, what=f"the proxy answers; {lab.console()}")
    lab.inside("ip", "route", "add", "default", "via", OUTSIDE)  # as in a VPC
    asked = geneve(tcp(CLIENT, SERVER, 4000, 80))
    node.send(asked)
    inner = returned(node, asked)
    assert inner is not None and inner[33] == 0x12, "the proxy's SYN-ACK in the server's place"
    lab.inside("pkill", "-KILL", "haproxy")
    until(lambda: node.health()[0] == 503, what="the page says that the proxy is gone")
    again = geneve(tcp(CLIENT, SERVER, 4001, 80))
    node.send(again)
    assert returned(node, again) is None


def test_two_endpoints_with_equal_addresses_are_kept_apart(lab: Lab, node: Node):
    started(lab, node, "nftables", FIREWALL)
    asked = geneve(tcp(CLIENT, SERVER, 4000, 80), cookie=1)
    node.send(asked)
    assert returned(node, asked) is not None
    other = geneve(tcp(SERVER, CLIENT, 80, 4000, flags=0x12, ack=2), endpoint=ENDPOINT + 1, cookie=2)
    node.send(other)
    assert returned(node, other) is None, "the state of one customer's connection let another's packet through"


def test_a_reset_of_the_firewalls_own_goes_back_through_the_tunnel(lab: Lab, node: Node):
    started(lab, node, "nftables", FIREWALL)
    sent = geneve(tcp(CLIENT, SERVER, 4000, 81))
    node.send(sent)
    inner = returned(node, sent)
    assert inner is not None
    assert inner[12:20] == socket.inet_aton(SERVER) + socket.inet_aton(CLIENT)
    assert inner[33] & 0x04, "RST"


def test_a_packet_for_the_appliances_own_address_is_a_customers_all_the_same(lab: Lab, node: Node):
    started(lab, node, "nftables", FIREWALL)
    sent = geneve(tcp(CLIENT, "192.0.2.2", 4000, 80))
    node.send(sent)
    inner = returned(node, sent)
    assert inner is not None and inner[33] == 0x02, "the SYN itself, not the appliance's answer to it"


@pytest.mark.parametrize("noise", [b"", b"\0" * 7, b"\0" * 40, geneve(b"")[:-1], geneve(b"\x45" + bytes(10))])
def test_noise_is_counted_and_nothing_more(lab: Lab, node: Node, noise: bytes):
    started(lab, node, "nftables", FIREWALL)
    node.send(noise)
    sent = geneve(tcp(CLIENT, SERVER, 4000, 80))
    node.send(sent)
    assert returned(node, sent) is not None
