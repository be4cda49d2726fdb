"""Frames: valid traffic of a few flows, and what a hostile sender makes of it. All randomness comes from the caller's `rng`.

`Traffic` gives IP packets, `Returns` what a target may send back for a flow, `spoil` breaks anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from struct import pack

from .packets import checksum

CLIENTS = [bytes((10, 0, 1, last)) for last in (10, 11, 12, 200)]
SERVERS = [bytes((10, 0, 2, last)) for last in (10, 11)]
CLIENTS6 = [bytes.fromhex("fd000001") + bytes(11) + bytes((last,)) for last in (16, 17)]
SERVERS6 = [bytes.fromhex("fd000002") + bytes(11) + bytes((16,))]
PORTS = (53, 80, 443, 1000, 1001, 6081, 40000)
ODD4 = [
    bytes(part)
    for part in ((0, 0, 0, 0), (127, 0, 0, 1), (169, 254, 169, 254), (224, 0, 0, 5), (240, 0, 0, 1), (255,) * 4)
] + [bytes((1, 0, 0, 0)), bytes((223, 255, 255, 255)), bytes((169, 253, 1, 1))]
ODD6 = [
    bytes.fromhex("ff02") + bytes(13) + b"\5",
    bytes.fromhex("fe80") + bytes(13) + b"\1",
    bytes.fromhex("febf") + bytes(14),
    bytes.fromhex("fec0") + bytes(14),
    bytes(16),
]
ODD_TYPES = (b"\x08\x06", b"\x81\x00", b"\x88\xa8", b"\x88\xcc", b"\x86\xdd", b"\x08\x00", b"\x00\x2e", b"\x65\x58")
ODD_BYTES = (
    0,
    1,
    2,
    4,
    5,
    0x0F,
    0x40,
    0x44,
    0x45,
    0x46,
    0x4F,
    0x60,
    0x7F,
    0x80,
    0xFE,
    0xFF,
    6,
    17,
    43,
    44,
    50,
    51,
    58,
    60,
)
ODD_WORDS = (0, 1, 7, 8, 19, 20, 27, 28, 39, 40, 1480, 8500, 0x1FFF, 0x2000, 0x3FFF, 0x4000, 0x7FFF, 0x8000, 0xFFFF)


class Dice:
    """`random.Random`, with what the hot loop needs and nothing slower."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.roll = self.random.random
        self.bits = self.random.getrandbits

    def below(self, most: int) -> int:
        return int(self.roll() * most)

    def of(self, some: Sequence[object]) -> object:
        return some[int(self.roll() * len(some))]


def ipv4_packet(
    source: bytes,
    destination: bytes,
    protocol: int,
    payload: bytes,
    *,
    options: bytes = b"",
    ident: int = 0,
    place: int = 0,
    tos: int = 0,
    ttl: int = 64,
) -> bytes:
    head = pack(
        "!BBHHHBBH4s4s",
        0x45 + len(options) // 4,
        tos,
        20 + len(options) + len(payload),
        ident,
        place,
        ttl,
        protocol,
        0,
        source,
        destination,
    )
    head += options
    return head[:10] + pack("!H", checksum(head)) + head[12:] + payload


def ipv6_packet(
    source: bytes, destination: bytes, protocol: int, payload: bytes, *, tos: int = 0, hops: int = 64
) -> bytes:
    return pack("!IHBB", 0x60000000 | tos << 20, len(payload), protocol, hops) + source + destination + payload


def solicitation(dice: Dice, source: bytes, asked: bytes, mac: bytes) -> bytes:
    """Of a neighbour, and what else neighbour discovery says."""
    kind = 135 if dice.roll() < 0.8 else dice.of((133, 134, 136, 137, 135))
    body = pack("!BBHI", kind, dice.below(20) == 0, 0, 0) + asked + b"\1\1" + mac
    body = body[: dice.of((24, 32, 32, 8, 20))] if dice.roll() < 0.2 else body
    group = bytes.fromhex("ff0200000000000000000001ff") + asked[13:]
    hops = 255 if dice.roll() < 0.9 else dice.of((254, 64, 0))
    return ipv6_packet(source, group if dice.roll() < 0.8 else asked, 58, body, hops=hops)


def tcp(source: int, destination: int, flags: int, *, options: bytes = b"", data: bytes = b"") -> bytes:
    offset = (20 + len(options)) // 4 << 4
    return pack("!HHIIBBHHH", source, destination, 1, 0, offset, flags, 65535, 0xBEEF, 0) + options + data


def udp(source: int, destination: int, data: bytes) -> bytes:
    return pack("!HHHH", source, destination, 8 + len(data), 0) + data


TCP_OPTIONS = (
    b"",
    bytes.fromhex("0204 2328"),
    bytes.fromhex("0204 05b4"),
    bytes.fromhex("0101 0204 2328 0000"),
    bytes.fromhex("01 0204 2400 00 0000"),
    bytes.fromhex("0402 080a 00000001 00000000 01 0204 ffff 00 0000"),
    bytes.fromhex("0000 0204 2328 0000"),
    bytes.fromhex("0300 0204 2328 0000"),
    bytes.fromhex("0203 2328 0204 2328"),
    b"\1" * 36 + bytes.fromhex("0204 2328"),
    bytes.fromhex("1e0a") + bytes(8) + bytes.fromhex("0204 2328 0000"),
)
FLAGS = (2, 2, 2, 16, 16, 18, 24, 17, 4, 20, 1, 0, 3, 6, 0x42, 0xC2)


class Traffic:
    """Packets of few enough flows that most belong to one that is known."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice

    def packet(self, family: int) -> bytes:
        """A well-formed packet, either way."""
        dice = self.dice
        protocol, payload = self.transport(family)
        tos = dice.bits(8) if dice.roll() < 0.2 else 0
        if family == 4:
            ends = (dice.of(CLIENTS), dice.of(SERVERS))
            source, destination = ends if dice.roll() < 0.6 else ends[::-1]
            options = dice.bits(32).to_bytes(4, "big") * dice.below(11) if dice.roll() < 0.05 else b""
            if dice.roll() < 0.12:
                return self.fragment4(source, destination, protocol, payload, options, tos)
            return ipv4_packet(
                source, destination, protocol, payload, options=options, ident=dice.bits(16), place=0x4000, tos=tos
            )
        ends = (dice.of(CLIENTS6), dice.of(SERVERS6))
        source, destination = ends if dice.roll() < 0.6 else ends[::-1]
        if dice.roll() < 0.4:
            protocol, payload = self.extended(protocol, payload)
        return ipv6_packet(source, destination, protocol, payload, tos=tos)

    def transport(self, family: int) -> tuple[int, bytes]:
        dice = self.dice
        roll = dice.roll()
        source, destination = dice.of(PORTS), dice.of(PORTS)
        data = bytes(dice.below(64)) if dice.roll() < 0.9 else bytes(dice.below(1800 if dice.roll() < 0.95 else 9000))
        if roll < 0.5:
            flags = dice.of(FLAGS)
            return 6, tcp(source, destination, flags, options=dice.of(TCP_OPTIONS) if flags & 2 else b"", data=data)
        if roll < 0.75:
            return 17, udp(source, destination, data)
        if roll < 0.8:
            return self.error(family)
        if roll < 0.85:
            kind = dice.of((0, 3, 8, 11)) if family == 4 else dice.of((1, 2, 128, 129, 132, 133, 135, 137, 138))
            return (1 if family == 4 else 58), pack("!BBHI", kind, 0, 0, 0) + data
        if roll < 0.9:  # a tunnel in a tunnel
            return 17, udp(
                49152, 6081, bytes.fromhex("0000080000000000") + ipv4_packet(CLIENTS[0], SERVERS[0], 17, udp(1, 2, b""))
            )
        return dice.of((47, 50, 51, 4, 41, 0, 132, 255)), data  # AH and hop-by-hop are only payload in IPv4

    def error(self, family: int) -> tuple[int, bytes]:
        """An ICMP error that quotes a packet of one of the flows, more or less of it."""
        dice = self.dice
        ends = [dice.of(CLIENTS), dice.of(SERVERS)] if family == 4 else [dice.of(CLIENTS6), dice.of(SERVERS6)]
        source, destination = ends if dice.roll() < 0.5 else ends[::-1]
        protocol = dice.of((6, 6, 17, 17, 1, 58, 47))
        ports = dice.of(PORTS), dice.of(PORTS)
        payload = tcp(*ports, 16) if protocol == 6 else udp(*ports, bytes(8))
        quoted = (ipv4_packet if family == 4 else ipv6_packet)(source, destination, protocol, payload)
        if dice.roll() < 0.2:
            quoted = spoil_packet(dice, quoted)
        if dice.roll() < 0.5:
            quoted = quoted[: (20 if family == 4 else 40) + dice.below(12)]
        kind = dice.of((3, 3, 4, 5, 11, 12)) if family == 4 else dice.of((1, 2, 3, 4, 5))
        return (1 if family == 4 else 58), pack("!BBHI", kind, 0, 0, 0) + quoted

    def fragment4(
        self, source: bytes, destination: bytes, protocol: int, payload: bytes, options: bytes, tos: int
    ) -> bytes:
        place = self.dice.of((0x2000, 0x2000, 0x2001, 0x00B9, 0x20B9, 0x1FFF, 0xC000))
        return ipv4_packet(
            source, destination, protocol, payload, options=options, ident=self.dice.below(6), place=place, tos=tos
        )

    def extended(self, protocol: int, payload: bytes) -> tuple[int, bytes]:
        """Extension headers in front, among them fragments."""
        dice = self.dice
        for _ in range(1 + dice.below(3) if dice.roll() < 0.95 else 9):
            kind = dice.of((0, 43, 44, 44, 44, 51, 60))
            if kind == 44:
                place = dice.of((0, 1, 1, 1, 8, 9, 0xFFF8, 6))
                payload = pack("!BBHI", protocol, 0, place, dice.below(4)) + payload
            elif kind == 51:
                words = dice.below(4)
                payload = pack("!BB", protocol, words) + bytes(6 + words * 4) + payload
            else:
                words = dice.below(3)
                payload = pack("!BB", protocol, words) + bytes(6 + words * 8) + payload
            protocol = kind
        return protocol, payload


def option(of: int, kind: int, data: bytes, length: int | None = None) -> bytes:
    return pack("!HBB", of, kind, len(data) // 4 if length is None else length) + data


class Returns:
    """What comes to a node, or to an appliance: GENEVE with one thing or another wrong."""

    def __init__(
        self, dice: Dice, *, nodes: Sequence[bytes], targets: Sequence[bytes], endpoints: Sequence[int]
    ) -> None:
        self.dice, self.nodes, self.targets, self.endpoints = dice, nodes, targets, endpoints

    def frame(
        self,
        macs: bytes,
        source: bytes,
        destination: bytes,
        port: int,
        endpoint: int,
        cookie: int,
        inner: bytes,
        other: int,
    ) -> bytes:
        """`other` is the cookie of another flow, live or stale."""
        dice = self.dice
        vni = reserved = flags = version = place = tos = 0
        kind = 0x86DD if inner[:1] and inner[0] >> 4 == 6 else 0x0800
        dport, attachment, ip_options = 6081, 0, b""
        ip_length = udp_length = 0
        wrongs = 0 if dice.roll() < 0.3 else 1 + dice.below(2)
        tlvs: list[bytes] | None = None
        for _ in range(wrongs):
            what = dice.below(24)
            if what == 0:
                source = dice.of((*self.targets, bytes((10, 9, 1, 99)), destination))
            elif what == 1:
                destination = dice.of((*self.nodes, bytes((10, 9, 0, 99)), source))
            elif what == 2:
                port, dport = dice.of(((6081, 6081), (6081, port), (port, 53), (0, 6081)))
            elif what == 3:
                cookie = dice.of(
                    (other, other, 0, cookie ^ 1, cookie ^ 1 << 23, dice.bits(32), 0xFFFFFFFF, cookie & 0x7FFFFF)
                )
            elif what == 4:
                endpoint = dice.of((*self.endpoints, 0, endpoint ^ 1 << 63, dice.bits(64)))
            elif what == 5:
                version = dice.of((1, 2, 3))
            elif what == 6:
                kind = dice.of((0x0800, 0x86DD, 0x6558, 0, 0x0806))
            elif what == 7:
                place = dice.of((0x2000, 0x4000, 0x6000, 1, 0x2001, 0x8000))
            elif what == 8:
                ip_length = dice.of((-1, 1, -20, 20, 65535))
            elif what == 9:
                udp_length = dice.of((-1, 1, -8, 8, 65535))
            elif what == 10:
                ip_options = b"\1" * 4 * dice.below(11)
            elif what == 11:
                vni, reserved, flags, attachment = dice.bits(24), dice.bits(8), dice.bits(8), dice.bits(64)
            elif what == 12:
                inner = spoil_packet(dice, inner)
            elif what == 13:
                inner += bytes(1 + dice.below(4))
            elif what == 14:
                inner = inner[: dice.below(len(inner) + 1)]
            elif what == 15:
                tos = dice.bits(8)
            else:
                tlvs = self.spoiled(tlvs or self.tlvs(endpoint, attachment, cookie), cookie, other)
        options = b"".join(tlvs if tlvs is not None else self.tlvs(endpoint, attachment, cookie))
        words = len(options) // 4
        if dice.roll() < 0.02:
            words = dice.below(64)
        body = pack("!BBHI", version << 6 | words & 63, flags, kind, vni << 8 | reserved) + options + inner
        body = pack("!HHHH", port, dport, (8 + len(body) + udp_length) & 0xFFFF, 0) + body
        ip = ipv4_packet(source, destination, 17, body, options=ip_options, place=place, tos=tos)
        if ip_length:
            ip = ip[:2] + pack("!H", (len(ip) + ip_length) & 0xFFFF) + ip[4:]
        return macs + b"\x08\x00" + ip

    def tlvs(self, endpoint: int, attachment: int, cookie: int) -> list[bytes]:
        return [
            b"\x01\x08\x01\x02" + endpoint.to_bytes(8, "big"),
            b"\x01\x08\x02\x02" + attachment.to_bytes(8, "big"),
            b"\x01\x08\x03\x01" + cookie.to_bytes(4, "big"),
        ]

    def spoiled(self, tlvs: list[bytes], cookie: int, other: int) -> list[bytes]:
        """Missing, twice, in another order, with a stranger among them, of a wrong length."""
        dice = self.dice
        out = list(tlvs)
        what = dice.below(8)
        at = dice.below(len(out)) if out else 0
        if what == 0 and out:
            del out[at]
        elif what == 1 and out:
            out.insert(dice.below(len(out) + 1), out[at])
        elif what == 2:
            dice.random.shuffle(out)
        elif what == 3:
            out.insert(at, option(dice.of((0x0108, 0x1234, 0)), dice.bits(8), bytes(4 * dice.below(4))))
        elif what == 4 and out:
            out[at] = out[at][:3] + bytes((dice.bits(8),)) + out[at][4:]
        elif what == 5:
            out.append(option(0x0108, 3, other.to_bytes(4, "big")))
        elif what == 6:
            out.append(option(0x1234, dice.bits(8), b"", dice.below(32)))
        elif out:
            grown = bytearray(out[at])
            grown[dice.below(len(grown))] ^= 1 << dice.below(8)
            out[at] = bytes(grown)
        return out


def spoil_packet(dice: Dice, packet: bytes) -> bytes:
    """One thing wrong with an IP packet, mostly where headers are."""
    if len(packet) < 20:
        return packet + b"\x45"
    out = bytearray(packet)
    what = dice.below(13)
    near = min(len(out), 72)
    if what == 0:
        out[dice.below(near)] ^= 1 << dice.below(8)
    elif what == 1:
        out[dice.below(near)] = dice.of(ODD_BYTES)
    elif what == 2:
        at = dice.below(near - 1)
        out[at : at + 2] = pack("!H", dice.of(ODD_WORDS))
    elif what == 3:  # IP's length
        at = 4 if out[0] >> 4 == 6 else 2
        claims = max(0, (out[at] << 8 | out[at + 1]) + dice.of((-40, -20, -9, -1, 1, 8, 20)))
        out[at : at + 2] = pack("!H", claims & 0xFFFF)
    elif what == 4:
        out[0] = out[0] & 0xF0 | dice.below(16)
    elif what == 5:
        out[0] = dice.bits(8)
    elif what == 6:
        out[6 if out[0] >> 4 == 6 else 9] = dice.of(ODD_BYTES)
    elif what == 7 and out[0] >> 4 == 4:
        out[6:8] = pack("!H", dice.of((0x2000, 1, 0x2001, 0x1FFF, 0x8000, 0xFFFF)))
        out[4:6] = pack("!H", dice.below(6))
    elif what == 8 and len(out) >= 40:
        at = 8 + 16 * dice.below(2) if out[0] >> 4 == 6 else 12 + 4 * dice.below(2)
        odd = dice.of(ODD6 if out[0] >> 4 == 6 else ODD4)
        out[at : at + len(odd)] = odd
    elif what == 9:
        return bytes(out[: dice.below(len(out))])
    elif what == 10 and len(out) > 40:
        at = (out[0] & 15) * 4 + 12 if out[0] >> 4 == 4 else 52
        if at + 1 < len(out):
            out[at] = dice.bits(8)
            if dice.roll() < 0.5:
                out[at + 1] = dice.bits(8)
    elif what == 11:
        return bytes(out) + bytes(dice.below(60))
    else:
        at, size = dice.below(near), 1 + dice.below(12)
        out[at : at + size] = dice.bits(8 * size).to_bytes(size, "big")
    return bytes(out)


def spoil_ethernet(dice: Dice, frame: bytes) -> bytes:
    """Other receivers, other types, tags."""
    what = dice.below(6)
    if what == 0:
        return b"\xff" * 6 + frame[6:]
    if what == 1:
        return b"\x01\x00\x5e\x00\x00\x05" + frame[6:]
    if what == 2:
        return bytes((frame[0] ^ 2,)) + frame[1:]
    if what == 3:
        return frame[:12] + dice.of(ODD_TYPES) + frame[14:]
    if what == 4:
        return frame[:12] + dice.of((b"\x81\x00\x00\x05", b"\x88\xa8\x00\x05\x81\x00\x00\x06")) + frame[12:]
    return frame[:12] + dice.bits(16).to_bytes(2, "big") + frame[14:]


Spoil = Callable[[Dice, bytes], bytes]
