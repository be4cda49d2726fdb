"""A captured Ethernet frame, read: the IP packet in it, and the GENEVE header around that packet where there is one.

Pure. What a Gateway Load Balancer's path never carries (ARP, multicast and link-local IPv6, frames cut short) reads as None.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from opengwlb_appliance import geneve
from opengwlb_appliance.inner import TCP, UDP, Inner, InnerError

ETHERNET_LENGTH = 14
_FAMILIES = {b"\x08\x00": 4, b"\x86\xdd": 6}
_TTL_AT = {4: 8, 6: 7}
_LEAST = {4: 20, 6: 40}
"""Bytes of a header."""


class FlowTuple(NamedTuple):
    """One direction of a connection. Ports are 0 for what has none."""

    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.source else 4

    def reversed(self) -> FlowTuple:
        return FlowTuple(self.destination, self.source, self.protocol, self.destination_port, self.source_port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """The outer headers of a GENEVE packet."""

    source: str
    destination: str
    source_port: int
    header: geneve.Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a frame carries."""

    packet: bytes
    """The innermost IP packet, as long as its header says."""
    flow: FlowTuple
    tunnel: Tunnel | None

    @property
    def ttl(self) -> int:
        """IPv6's hop limit."""
        return self.packet[_TTL_AT[self.packet[0] >> 4]]

    @property
    def identity(self) -> tuple[int, bytes]:
        """Tells this packet from its flow's others, wherever it is met.

        IP id and length, with what no address translation or checksum offload touches: TCP's numbers, flags and window, UDP's
        length, ICMP's type and identifier. IPv6 has no id: its flow label stands for it, which Linux changes when it sends again.
        """
        inner = Inner(self.packet)
        stable = ((4, 12), (13, 16)) if inner.protocol == TCP else ((0, 2), (4, 6))
        transport = b"".join(inner.transport[start:end] for start, end in stable)
        number = self.packet[4:6] if inner.version == 4 else bytes((self.packet[1] & 0x0F,)) + self.packet[2:4]
        return int.from_bytes(number, "big"), transport + len(self.packet).to_bytes(2, "big")


def read(frame: bytes) -> Seen | None:
    """The frame's innermost IP packet, or None."""
    family = _FAMILIES.get(frame[12:14])
    outer = _ip(frame[ETHERNET_LENGTH:], family) if family else None
    if outer is None:
        return None
    if family == 4 and outer.protocol == UDP and outer.destination_port == geneve.PORT and not outer.fragment:
        return _read_tunnel(outer)
    return Seen(packet=outer.data, flow=_flow(outer), tunnel=None)


def _read_tunnel(outer: Inner) -> Seen | None:
    try:
        header = geneve.decode(outer.payload)
    except geneve.GeneveError:
        return None
    inner = _ip(outer.payload[header.length :], 4 if header.protocol == geneve.IPV4 else 6)
    if inner is None:
        return None
    tunnel = Tunnel(source=outer.source, destination=outer.destination, source_port=outer.source_port, header=header)
    return Seen(packet=inner.data, flow=_flow(inner), tunnel=tunnel)


def _ip(data: bytes, family: int) -> Inner | None:
    """Ethernet padding cut off."""
    if len(data) < _LEAST[family] or data[0] >> 4 != family:
        return None
    if family == 6 and not (_is_carried(data[8:24]) and _is_carried(data[24:40])):
        return None
    size = int.from_bytes(data[2:4], "big") if family == 4 else 40 + int.from_bytes(data[4:6], "big")
    try:
        return Inner(data[:size])
    except InnerError:
        return None


def _is_carried(address: bytes) -> bool:
    """IPv6: neither multicast nor link-local, nor one that begins with 64 zeros."""
    return any(address[:8]) and address[0] != 0xFF and (address[0], address[1] & 0xC0) != (0xFE, 0x80)


def _flow(packet: Inner) -> FlowTuple:
    return FlowTuple(packet.source, packet.destination, packet.protocol, packet.source_port, packet.destination_port)


_CHECKSUM_AT = {TCP: 16, UDP: 6}


def comparable(packet: bytes) -> bytes:
    """The packet with its TTL and IP checksum blanked; a transport checksum that a kernel left unfinished is completed.

    Two captures of one packet are equal in this form if nobody touched its bytes.
    """
    copy = bytearray(packet)
    inner = Inner(packet)
    copy[_TTL_AT[inner.version]] = 0
    if inner.version == 4:
        copy[10:12] = b"\0\0"
    at = _CHECKSUM_AT.get(inner.protocol)
    if at is None or inner.fragment or inner.more_fragments or len(inner.transport) < at + 2:
        return bytes(copy)
    place = len(packet) - len(inner.transport) + at
    pseudo = inner.source_bytes + inner.destination_bytes + struct.pack("!HH", inner.protocol, len(inner.transport))
    if copy[place : place + 2] == _sum(pseudo).to_bytes(2, "big"):
        # As a device would do it: the sum over the transport, in whose checksum field stands the sum of the addresses.
        finished = ~_sum(bytes(inner.transport)) & 0xFFFF
        copy[place : place + 2] = (finished or 0xFFFF if inner.protocol == UDP else finished).to_bytes(2, "big")
    return bytes(copy)


def _sum(data: bytes) -> int:
    """The one's complement sum of RFC 1071, folded."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def mss(packet: bytes) -> int | None:
    """The maximum segment size that a SYN announces."""
    inner = Inner(packet)
    if inner.protocol != TCP or not inner.tcp_flags & 0x02:
        return None
    options = inner.transport[20 : (inner.transport[12] >> 4) * 4]
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
        elif at + 1 >= len(options) or options[at + 1] < 2:
            return None
        elif options[at] == 2 and options[at + 1] == 4 and at + 4 <= len(options):
            return int.from_bytes(options[at + 2 : at + 4], "big")
        else:
            at += options[at + 1]
    return None
