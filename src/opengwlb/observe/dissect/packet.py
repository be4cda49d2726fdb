"""Ethernet and IP, and what they lead to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from . import transport
from .geneve import geneve
from .node import Bytes, Node

_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
_TYPES = {_IPV4: "IPv4", _IPV6: "IPv6", _ARP: "ARP"}
_PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
_UDP, _GENEVE_PORT = 17, 6081
_EXTENSIONS = {0: "IPv6 hop-by-hop options", 43: "IPv6 routing header", 60: "IPv6 destination options"}
_FRAGMENT = 44
_ECN = ("Not-ECT", "ECT(1)", "ECT(0)", "CE")


def frame(data: bytes) -> tuple[Node, ...]:
    """The headers of an Ethernet frame from the outside in, and what they carry."""
    given = Bytes(data)
    if not given.has(0, 14):
        return (given.cut("Ethernet", 0),)
    kind = given.number(12, 2)
    ethernet = given.field(
        "Ethernet",
        0,
        14,
        f"{_mac(data[6:12])} → {_mac(data[:6])}",
        given.field("Destination", 0, 6, _mac(data[:6])),
        given.field("Source", 6, 6, _mac(data[6:12])),
        given.field("Type", 12, 2, f"{_TYPES.get(kind, 'unknown')} (0x{kind:04x})"),
    )
    return (ethernet, *_network(given, 14, kind))


def summary(tree: Sequence[Node]) -> str:
    """The names of the headers, from the outside in."""
    return " / ".join(node.name for node in tree)


def _network(given: Bytes, at: int, kind: int) -> Iterator[Node]:
    if kind == _IPV4:
        yield from _ipv4(given, at)
    elif kind == _IPV6:
        yield from _ipv6(given, at)
    elif kind == _ARP:
        yield _arp(given, at)
    elif (rest := given.rest("Payload", at, len(given.data))) is not None:
        yield rest


def _ipv4(given: Bytes, at: int) -> Iterator[Node]:
    head = (given.number(at, 1) & 15) * 4
    if not given.has(at, 20) or given.number(at, 1) >> 4 != 4 or head < 20 or not given.has(at, head):
        yield given.cut("IPv4", at)
        return
    source, destination = (_address(given, at + place, 4) for place in (12, 16))
    total, place, protocol = given.number(at + 2, 2), given.number(at + 6, 2), given.number(at + 9, 1)
    options = (given.hex("Options", at + 20, head - 20),) if head > 20 else ()
    yield given.field(
        "IPv4",
        at,
        head,
        f"{source} → {destination}",
        given.field("Version", at, 1, given.number(at, 1) >> 4),
        given.field("Header length", at, 1, f"{head} bytes"),
        given.field("DSCP", at + 1, 1, given.number(at + 1, 1) >> 2),
        given.field("ECN", at + 1, 1, _ECN[given.number(at + 1, 1) & 3]),
        given.field("Total length", at + 2, 2),
        given.hex("Identification", at + 4, 2),
        given.field("Flags", at + 6, 1, _fragment_flags(place)),
        given.field("Fragment offset", at + 6, 2, (place & 0x1FFF) * 8),
        given.field("TTL", at + 8, 1),
        given.field("Protocol", at + 9, 1, _protocol(protocol)),
        given.hex("Header checksum", at + 10, 2),
        given.field("Source", at + 12, 4, source),
        given.field("Destination", at + 16, 4, destination),
        *options,
    )
    yield from _carried(given, at + head, protocol, end=at + total, fragment=bool(place & 0x1FFF))


def _fragment_flags(place: int) -> str:
    found = [name for bit, name in ((0x4000, "don't fragment"), (0x2000, "more fragments")) if place & bit]
    return ", ".join(found) or "none"


def _ipv6(given: Bytes, at: int) -> Iterator[Node]:
    if not given.has(at, 40) or given.number(at, 1) >> 4 != 6:
        yield given.cut("IPv6", at)
        return
    source, destination = (_address(given, at + place, 16) for place in (8, 24))
    word = given.number(at, 4)
    following, end = given.number(at + 6, 1), at + 40 + given.number(at + 4, 2)
    yield given.field(
        "IPv6",
        at,
        40,
        f"{source} → {destination}",
        given.field("Version", at, 1, word >> 28),
        given.field("DSCP", at, 2, word >> 22 & 63),
        given.field("ECN", at + 1, 1, _ECN[word >> 20 & 3]),
        given.field("Flow label", at + 1, 3, f"0x{word & 0xFFFFF:05x}"),
        given.field("Payload length", at + 4, 2),
        given.field("Next header", at + 6, 1, _protocol(following)),
        given.field("Hop limit", at + 7, 1),
        given.field("Source", at + 8, 16, source),
        given.field("Destination", at + 24, 16, destination),
    )
    at += 40
    fragment = False
    while following in _EXTENSIONS or (following == _FRAGMENT and not fragment):
        if not given.has(at, 8):
            yield given.cut("IPv6 extension header", at)
            return
        if following == _FRAGMENT:
            place = given.number(at + 2, 2)
            fragment, length = bool(place >> 3), 8
            yield given.field(
                "IPv6 fragment header",
                at,
                8,
                "",
                given.field("Next header", at, 1, _protocol(given.number(at, 1))),
                given.field("Fragment offset", at + 2, 2, place >> 3 << 3),
                given.field("More fragments", at + 3, 1, "yes" if place & 1 else "no"),
                given.hex("Identification", at + 4, 4),
            )
        else:
            length = min(8 + 8 * given.number(at + 1, 1), len(given.data) - at)
            yield given.field(_EXTENSIONS[following], at, length, f"{length} bytes")
        following, at = given.number(at, 1), at + length
    yield from _carried(given, at, following, end=end, fragment=fragment)


def _carried(given: Bytes, at: int, protocol: int, *, end: int, fragment: bool) -> Iterator[Node]:
    """The transport header, and what it carries: in a tunnel, headers again."""
    head = None if fragment else transport.header(given, at, protocol, end=end)
    if head is not None:
        yield head
        at += head.length
    if head is not None and protocol == _UDP and _is_tunnel(given, at):
        tunnel, kind = geneve(given, at)
        yield tunnel
        yield from _network(given, at + tunnel.length, kind)
    elif head is not None and protocol in transport.ICMP and transport.is_error(given, at - head.length, protocol):
        quoted = tuple(_network(given, at, _IPV4 if protocol == 1 else _IPV6))
        if quoted:
            yield Node(name="Quoted packet", value="", offset=at, length=len(given.data) - at, children=quoted)
    elif (rest := given.rest("Payload", at, end)) is not None:
        yield rest


def _is_tunnel(given: Bytes, at: int) -> bool:
    return given.number(at - 6, 2) == _GENEVE_PORT and given.has(at, 8)


def _arp(given: Bytes, at: int) -> Node:
    if not given.has(at, 28):
        return given.cut("ARP", at)
    operation = given.number(at + 6, 2)
    sender, target = (_address(given, at + place, 4) for place in (14, 24))
    return given.field(
        "ARP",
        at,
        28,
        f"who has {target}? tell {sender}"
        if operation == 1
        else f"{sender} is at {_mac(given.data[at + 8 : at + 14])}",
        given.field("Operation", at + 6, 2, {1: "request (1)", 2: "reply (2)"}.get(operation, operation)),
        given.field("Sender MAC", at + 8, 6, _mac(given.data[at + 8 : at + 14])),
        given.field("Sender address", at + 14, 4, sender),
        given.field("Target MAC", at + 18, 6, _mac(given.data[at + 18 : at + 24])),
        given.field("Target address", at + 24, 4, target),
    )


def _mac(data: bytes) -> str:
    return data.hex(":")


def _address(given: Bytes, at: int, length: int) -> str:
    return str(ipaddress.ip_address(given.data[at : at + length]))


def _protocol(number: int) -> str:
    return f"{_PROTOCOLS[number]} ({number})" if number in _PROTOCOLS else str(number)
