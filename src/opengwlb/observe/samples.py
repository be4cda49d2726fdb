"""A packet in one line, from no more than its first bytes: `tcp 192.0.2.1:42947 > 10.0.0.36:80 [S] ttl 61`.

Pure. It never fails: what cannot be read is said to be so, for a dropped packet may be anything.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

from opengwlb.model.ids import endpoint_id

_IPV4, _IPV6, _ARP = 0x0800, 0x86DD, 0x0806
_ETHERNET, _GENEVE_PORT, _OPTION_CLASS = 14, 6081, 0x0108
_TCP, _UDP = 6, 17
_NAMES = {1: "icmp", _TCP: "tcp", _UDP: "udp", 58: "icmpv6"}
_TCP_FLAGS = "FSRPAUEC"
_EXTENSIONS = frozenset({0, 43, 60})
_FRAGMENT = 44
MOST_EXTENSIONS = 8


class _Ip(NamedTuple):
    source: str
    destination: str
    protocol: int
    ttl: int
    fragment: str
    """Empty when it is whole."""
    has_transport: bool
    transport: bytes


def line(frame: bytes) -> str:
    """An Ethernet frame, or its beginning."""
    if len(frame) < _ETHERNET:
        return f"{len(frame)} bytes, no Ethernet header"
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind in (_IPV4, _IPV6):
        return _packet(frame[_ETHERNET:], 4 if kind == _IPV4 else 6)
    return _arp(frame[_ETHERNET:]) if kind == _ARP else f"ethertype 0x{kind:04x}"


def _packet(data: bytes, family: int) -> str:
    ip = _ipv4(data) if family == 4 else _ipv6(data)
    if ip is None:
        return f"malformed IPv{family} {data[:20].hex()}"
    if ip.protocol == _UDP and ip.has_transport and ip.transport[2:4] == _GENEVE_PORT.to_bytes(2, "big"):
        return _tunnel(ip)
    return _plain(ip, family)


def _plain(ip: _Ip, family: int) -> str:
    name = _NAMES.get(ip.protocol, f"protocol {ip.protocol}")
    source, destination, detail = ip.source, ip.destination, ""
    if ip.has_transport and ip.protocol in (_TCP, _UDP) and len(ip.transport) >= 4:
        brackets = "{}:{}" if family == 4 else "[{}]:{}"
        ports = struct.unpack_from("!HH", ip.transport)
        source, destination = brackets.format(source, ports[0]), brackets.format(destination, ports[1])
        if ip.protocol == _TCP and len(ip.transport) >= 14:
            detail = f" [{_flags(ip.transport[13])}]"
    elif ip.has_transport and ip.protocol in (1, 58) and len(ip.transport) >= 2:
        detail = f" type {ip.transport[0]} code {ip.transport[1]}"
    return f"{name} {source} > {destination}{detail}{ip.fragment} ttl {ip.ttl}"


def _tunnel(ip: _Ip) -> str:
    """The outer addresses, what the options say, and the packet inside."""
    head = f"geneve {ip.source} > {ip.destination}"
    if len(ip.transport) < 16:
        return f"{head} cut short{ip.fragment}"
    length, (protocol,) = (ip.transport[8] & 0x3F) * 4, struct.unpack_from("!H", ip.transport, 10)
    said = "".join(_options(ip.transport[16 : 16 + length]))
    inner = ip.transport[16 + length :]
    family = {_IPV4: 4, _IPV6: 6}.get(protocol)
    if family is None or not inner:
        return f"{head}{said}{ip.fragment}: protocol 0x{protocol:04x}"
    found = _ipv4(inner) if family == 4 else _ipv6(inner)
    inside = _plain(found, family) if found else f"malformed IPv{family} {inner[:20].hex()}"
    return f"{head}{said}{ip.fragment}: {inside}"


def _options(data: bytes) -> list[str]:
    found = []
    at = 0
    while at + 4 <= len(data):
        of, kind, size = struct.unpack_from("!HBB", data, at)
        value = data[at + 4 : at + 4 + (size & 0x1F) * 4]
        if (of, kind, len(value)) == (_OPTION_CLASS, 1, 8):
            found.append(f" {endpoint_id(int.from_bytes(value, 'big'))}")
        elif (of, kind, len(value)) == (_OPTION_CLASS, 3, 4):
            found.append(f" cookie 0x{value.hex()}")
        at += 4 + (size & 0x1F) * 4
    return found


def _ipv4(data: bytes) -> _Ip | None:
    if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
        return None
    place = int.from_bytes(data[6:8], "big")
    return _Ip(
        source=str(ipaddress.IPv4Address(data[12:16])),
        destination=str(ipaddress.IPv4Address(data[16:20])),
        protocol=data[9],
        ttl=data[8],
        fragment=_fragment(int.from_bytes(data[4:6], "big"), place & 0x1FFF, more=bool(place & 0x2000)),
        has_transport=not place & 0x1FFF,
        transport=data[(data[0] & 15) * 4 :],
    )


def _ipv6(data: bytes) -> _Ip | None:
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    protocol, at, fragment, has_transport = data[6], 40, "", True
    for _ in range(MOST_EXTENSIONS):
        if at + 8 > len(data) or not has_transport:
            break
        if protocol == _FRAGMENT:
            place = int.from_bytes(data[at + 2 : at + 4], "big")
            fragment = _fragment(int.from_bytes(data[at + 4 : at + 8], "big"), place >> 3, more=bool(place & 1))
            has_transport = not place >> 3
            protocol, at = data[at], at + 8
        elif protocol in _EXTENSIONS:
            protocol, at = data[at], at + data[at + 1] * 8 + 8
        else:
            break
    return _Ip(
        source=str(ipaddress.IPv6Address(data[8:24])),
        destination=str(ipaddress.IPv6Address(data[24:40])),
        protocol=protocol,
        ttl=data[7],
        fragment=fragment,
        has_transport=has_transport,
        transport=data[at:],
    )


def _fragment(number: int, offset: int, *, more: bool) -> str:
    return f" fragment {number}@{offset * 8}{'+' if more else ''}" if offset or more else ""


def _flags(byte: int) -> str:
    return "".join(letter for bit, letter in enumerate(_TCP_FLAGS) if byte >> bit & 1) or "none"


def _arp(data: bytes) -> str:
    if len(data) < 28:
        return "arp cut short"
    (operation,) = struct.unpack_from("!H", data, 6)
    sender, asked = ipaddress.IPv4Address(data[14:18]), ipaddress.IPv4Address(data[24:28])
    return f"arp who-has {asked} tell {sender}" if operation == 1 else f"arp operation {operation} from {sender}"
