"""What an IP packet says, read as RFC 791, 8200, 9293 and 768 have it. Half of the model; knows nothing of a load balancer."""

from __future__ import annotations

from struct import Struct

WHOLE, FIRST, LATER = 0, 1, 2
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION))
MOST_EXTENSIONS = 8
"""How many extension headers are walked; what stands behind them is taken for the protocol."""
FIN, SYN, RST, ACK = 1, 2, 4, 16

_V4 = Struct("!BBHHHBBH4s4s")
_PORTS = Struct("!HH")


class Packet:
    """An IP packet inside a frame. Offsets count from the frame's beginning."""

    __slots__ = (
        "at",
        "destination",
        "destination_port",
        "end",
        "family",
        "flags",
        "fragment",
        "ident",
        "length",
        "piece_of",
        "protocol",
        "shared",
        "source",
        "source_port",
        "tos",
        "transport",
    )


def ipv4(frame: bytes, at: int) -> Packet | None:
    """None for what is not well-formed: version, lengths that disagree, a transport header that is not all there."""
    packet = _header4(frame, at, len(frame))
    return packet if packet is not None and packet.end <= len(frame) and _transport(frame, packet) else None


def ipv4_header(packet: bytes) -> Packet | None:
    """The header alone, whatever follows it."""
    return _header4(packet, 0, len(packet))


def ipv6(frame: bytes, at: int) -> Packet | None:
    """As `ipv4`; extension headers have to lie inside the packet."""
    packet = _header6(frame, at, len(frame))
    return packet if packet is not None and packet.end <= len(frame) and _transport(frame, packet) else None


def quoted4(frame: bytes, error: Packet) -> Packet | None:
    """The packet that an ICMP error quotes, which may be cut behind its ports. None when its flow cannot be told."""
    return _quoted(frame, _header4(frame, error.transport + 8, error.end), error.end)


def quoted6(frame: bytes, error: Packet) -> Packet | None:
    """As `quoted4`."""
    return _quoted(frame, _header6(frame, error.transport + 8, error.end), error.end)


def _quoted(frame: bytes, packet: Packet | None, end: int) -> Packet | None:
    if packet is None or packet.transport > end:
        return None
    packet.source_port = packet.destination_port = packet.flags = 0
    if packet.protocol in (TCP, UDP):
        if packet.fragment == LATER or packet.transport + 4 > end:
            return None
        packet.source_port, packet.destination_port = _PORTS.unpack_from(frame, packet.transport)
    return packet


def _header4(frame: bytes, at: int, end: int) -> Packet | None:
    """Reads nothing at or behind `end`; how much of the packet is there is the caller's question."""
    if end - at < 20:
        return None
    first, tos, length, ident, place, _, protocol, _, source, destination = _V4.unpack_from(frame, at)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20 or length < header:
        return None
    packet = Packet()
    packet.family, packet.at, packet.length, packet.end = 4, at, length, at + length
    packet.source, packet.destination, packet.tos = source, destination, tos
    packet.protocol = packet.piece_of = protocol
    packet.transport, packet.shared = at + header, header
    packet.ident = ident
    packet.fragment = LATER if place & 0x1FFF else FIRST if place & 0x2000 else WHOLE
    return packet


def _header6(frame: bytes, at: int, end: int) -> Packet | None:
    """As `_header4`."""
    if end - at < 40 or frame[at] >> 4 != 6:
        return None
    length = 40 + (frame[at + 4] << 8 | frame[at + 5])
    packet = Packet()
    packet.family, packet.at, packet.length, packet.end = 6, at, length, at + length
    packet.source, packet.destination = frame[at + 8 : at + 24], frame[at + 24 : at + 40]
    packet.tos = (frame[at] & 15) << 4 | frame[at + 1] >> 4
    packet.fragment, packet.ident, packet.piece_of = WHOLE, 0, -1
    kind, here = frame[at + 6], at + 40
    end = min(end, packet.end)
    for _ in range(MOST_EXTENSIONS):
        if kind not in EXTENSIONS or packet.fragment == LATER:
            break
        if here + 8 > end:
            return None
        following = frame[here]
        size = 8 + frame[here + 1] * 8
        if kind == AUTHENTICATION:
            size = 8 + frame[here + 1] * 4
        elif kind == FRAGMENT:
            size = 8
            place = frame[here + 2] << 8 | frame[here + 3]
            packet.ident = frame[here + 4 : here + 8]
            if place & ~7:
                packet.fragment = LATER
            elif place & 1:
                packet.fragment = FIRST
        kind = following
        here += size
    if here > packet.end:
        return None
    packet.protocol, packet.transport, packet.shared = kind, here, here - at
    return packet


def _transport(frame: bytes, packet: Packet) -> bool:
    """Ports of TCP and UDP, TCP's flags. False when they should be there and are not: what follows the packet is no part of it."""
    packet.source_port = packet.destination_port = packet.flags = 0
    if packet.fragment == LATER:
        return True
    here = packet.transport
    if packet.protocol == TCP:
        if here + 14 > packet.end:
            return False
        packet.source_port, packet.destination_port = _PORTS.unpack_from(frame, here)
        packet.flags = frame[here + 13]
        packet.shared += (frame[here + 12] >> 4) * 4
    elif packet.protocol == UDP:
        if here + 8 > packet.end:
            return False
        packet.source_port, packet.destination_port = _PORTS.unpack_from(frame, here)
        packet.shared += 8
    return True


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(Struct(f"!{len(data) // 2}H").unpack(data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def adjusted(old_sum: int, old: int, new: int) -> int:
    """The checksum after one covered 16-bit word changed (RFC 1624, equation 3)."""
    total = (~old_sum & 0xFFFF) + (~old & 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def unicast4(address: bytes) -> bool:
    """What a VPC carries: not this network, loopback, link-local, multicast, reserved or broadcast."""
    first = address[0]
    return 1 <= first <= 223 and first != 127 and not (first == 169 and address[1] == 254)


def unicast6(address: bytes) -> bool:
    """Neither multicast nor link-local."""
    return address[0] != 0xFF and not (address[0] == 0xFE and address[1] & 0xC0 == 0x80)
