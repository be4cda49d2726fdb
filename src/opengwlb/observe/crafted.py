"""A packet that nobody sent, for asking what would become of it. Pure."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from .frames import FlowTuple

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
_FLAGS = {letter: 1 << bit for bit, letter in enumerate("FSRPAUEC")}
_DONT_FRAGMENT = 0x4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Craft:
    """What a packet is made of."""

    flow: FlowTuple
    flags: str = "S"
    """Of TCP: letters as tcpdump writes them, of FSRPAUEC."""
    length: int = 0
    """Of the IP packet in bytes; less than its headers: no payload."""
    ttl: int = 64
    answers: bool = False
    """ICMP: an echo reply instead of a request."""


def packet(of: Craft) -> bytes:
    """`ValueError` for a flag that TCP does not have, or for what is not of one family."""
    source, destination = (ipaddress.ip_address(one) for one in (of.flow.source, of.flow.destination))
    if source.version != destination.version:
        raise ValueError(f"{source} and {destination} are not of one family")
    if of.flow.protocol == (ICMPV6 if source.version == 4 else ICMP):
        raise ValueError(f"IPv{source.version} has an ICMP of its own: {'icmp' if source.version == 4 else 'icmpv6'}")
    head = 20 if source.version == 4 else 40
    transport = _transport(of)
    transport += bytes(max(0, of.length - head - len(transport)))
    if source.version == 6:
        return (
            struct.pack("!IHBB", 6 << 28, len(transport), of.flow.protocol, of.ttl)
            + source.packed
            + destination.packed
            + transport
        )
    header = struct.pack("!BBHHHBBH", 0x45, 0, head + len(transport), 0, _DONT_FRAGMENT, of.ttl, of.flow.protocol, 0)
    header += source.packed + destination.packed
    return header[:10] + _checksum(header).to_bytes(2, "big") + header[12:] + transport


def frame(content: bytes, *, source: str, destination: str) -> bytes:
    """An IP packet behind an Ethernet header with these MACs."""
    macs = (bytes.fromhex(one.replace(":", "")) for one in (destination, source))
    return b"".join(macs) + (b"\x86\xdd" if content[0] >> 4 == 6 else b"\x08\x00") + content


def returned(tunnel: bytes) -> bytes:
    """A GENEVE frame as a well-behaved appliance sends it back: MACs and outer addresses swapped."""
    return tunnel[6:12] + tunnel[:6] + tunnel[12:26] + tunnel[30:34] + tunnel[26:30] + tunnel[34:]


def _transport(of: Craft) -> bytes:
    """Without checksum: no program on the way looks at it."""
    ports = struct.pack("!HH", of.flow.source_port, of.flow.destination_port)
    match of.flow.protocol:
        case 6:
            unknown = set(of.flags) - set(_FLAGS)
            if unknown:
                raise ValueError(f"TCP has no flag {', '.join(sorted(unknown))}: {''.join(_FLAGS)}")
            bits = sum(_FLAGS[letter] for letter in set(of.flags))
            return ports + struct.pack("!IIBBHHH", 0, 0, 5 << 4, bits, 65535, 0, 0)
        case 17:
            length = max(8, of.length - (40 if ":" in of.flow.source else 20))
            return ports + struct.pack("!HH", length, 0)
        case 1 | 58:
            request, reply = (8, 0) if of.flow.protocol == ICMP else (128, 129)
            return struct.pack("!BBHI", reply if of.answers else request, 0, 0, 0)
        case _:
            return b""


def _checksum(header: bytes) -> int:
    total: int = sum(word for (word,) in struct.iter_unpack("!H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
