"""Packets as bytes: what a client and a server say to each other, and the GENEVE that a load balancer puts before it. Pure.

Everything may be wrong on purpose: lengths, checksums and options are arguments.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from opengwlb_appliance.geneve import (
    ATTACHMENT_TYPE,
    COOKIE_TYPE,
    ENDPOINT_TYPE,
    IPV4,
    IPV6,
    OPTION_CLASS,
    PORT,
)

ICMP, TCP, UDP, GRE, ESP, ICMPV6, SCTP = 1, 6, 17, 47, 50, 58, 132
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
DO_NOT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000
INNER_MTU = 8500
"""The largest inner packet that a Gateway Load Balancer sends."""
OTHER_CLASS = 0x0F0F
"""An option class that nobody was given."""


@dataclass(frozen=True, slots=True)
class Option:
    """A GENEVE option. `data` is whole words of four bytes."""

    option_class: int
    kind: int
    data: bytes

    def encode(self) -> bytes:
        return struct.pack("!HBB", self.option_class, self.kind, len(self.data) // 4) + self.data


def aws_options(*, endpoint: int, cookie: int, attachment: int = 0) -> tuple[Option, ...]:
    """The three that AWS sends, in its order."""
    return (
        Option(OPTION_CLASS, ENDPOINT_TYPE, endpoint.to_bytes(8, "big")),
        Option(OPTION_CLASS, ATTACHMENT_TYPE, attachment.to_bytes(8, "big")),
        Option(OPTION_CLASS, COOKIE_TYPE, cookie.to_bytes(4, "big")),
    )


def geneve(
    options: Sequence[Option],
    *,
    version: int = 4,
    geneve_version: int = 0,
    flags: int = 0,
    reserved: int = 0,
    vni: int = 0,
) -> bytes:
    """Base header and options. `flags` is the byte of O, C and six reserved bits; `reserved` the last byte."""
    encoded = b"".join(option.encode() for option in options)
    first = geneve_version << 6 | len(encoded) // 4
    return struct.pack("!BBHI", first, flags, IPV4 if version == 4 else IPV6, vni << 8 | reserved) + encoded


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def ipv4(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 0,
    fragment: int = DO_NOT_FRAGMENT,
    options: bytes = b"",
) -> bytes:
    """`fragment` is the field of flags and offset (in eights); `options` is whole words."""
    size = 20 + len(options)
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x40 | size // 4, tos, size + len(payload), identification, fragment, ttl, protocol, 0,
        packed(source), packed(destination),
    ) + options  # fmt: skip
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + payload


def ipv6(
    source: str, destination: str, following: int, payload: bytes, *, hop_limit: int = 64, traffic_class: int = 0
) -> bytes:
    head = struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(payload), following, hop_limit)
    return head + packed(source) + packed(destination) + payload


def _with_checksum(source: str, destination: str, protocol: int, segment: bytes, *, at: int) -> bytes:
    """`segment` with the checksum over it and its pseudo header written at byte `at`."""
    ends = packed(source) + packed(destination)
    pseudo = (
        ends + struct.pack("!BBH", 0, protocol, len(segment))
        if len(ends) == 8
        else ends + struct.pack("!II", len(segment), protocol)
    )
    found = checksum(pseudo + segment)
    if protocol == UDP and found == 0:
        found = 0xFFFF
    return segment[:at] + found.to_bytes(2, "big") + segment[at + 2 :]


def tcp(
    source: str, destination: str, ports: tuple[int, int], *, flags: int, sequence: int, ack: int, payload: bytes = b""
) -> bytes:
    """A segment without options, but for the MSS and window scale in a SYN."""
    options = b"\x02\x04\x05\xb4\x01\x03\x03\x07" if flags & SYN else b""
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack("!HHIIBBHHH", *ports, sequence, ack, offset, flags, 64240, 0, 0)
    return _with_checksum(source, destination, TCP, head + options + payload, at=16)


def udp(source: str, destination: str, ports: tuple[int, int], payload: bytes, *, summed: bool = True) -> bytes:
    datagram = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    return _with_checksum(source, destination, UDP, datagram, at=6) if summed else datagram


def icmp(kind: int, code: int, rest: int, payload: bytes) -> bytes:
    """ICMP for IPv4; `rest` is the second word."""
    message = struct.pack("!BBHI", kind, code, 0, rest) + payload
    return message[:2] + checksum(message).to_bytes(2, "big") + message[4:]


def icmpv6(source: str, destination: str, kind: int, code: int, rest: int, payload: bytes) -> bytes:
    message = struct.pack("!BBHI", kind, code, 0, rest) + payload
    return _with_checksum(source, destination, ICMPV6, message, at=2)


def outer(
    source: str, destination: str, source_port: int, data: bytes, *, summed: bool = False, ttl: int = 255
) -> bytes:
    """IPv4 and UDP to the GENEVE port around `data`; with a checksum, or with zero in its place."""
    return ipv4(source, destination, UDP, udp(source, destination, (source_port, PORT), data, summed=summed), ttl=ttl)
