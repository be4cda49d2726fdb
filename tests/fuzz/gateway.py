"""The rules of the internet gateway: IPv4 addresses are translated 1:1, with every checksum that covers them; IPv6 passes as it is."""

from __future__ import annotations

import ipaddress
from struct import pack

from .endpoint import is_error
from .packets import TCP, UDP, adjusted, ipv4_header
from .router import carried6, well_formed, well_formed6

PUBLIC = {
    "igw0": {bytes((10, 0, 1, 10)): bytes((198, 18, 0, 5)), bytes((10, 0, 1, 11)): bytes((198, 18, 0, 6))},
    "igw1": {bytes((10, 0, 1, 10)): bytes((198, 18, 0, 7))},
}
"""By port: private address -> public address. igw2 has no configuration."""
HELD6 = {"igw0": [ipaddress.IPv6Address("2001:db8:0:101::10").packed]}
"""By port of a VPC with IPv6: its network interfaces' addresses."""
DCCP, UDP_LITE = 33, 136
CHECKSUMS = {TCP: 16, UDP: 6, UDP_LITE: 6, DCCP: 6}
"""Where transports have a checksum that covers the addresses (RFC 9293, 768, 3828, 4340)."""
ZERO_IS_NONE = (UDP, UDP_LITE)
"""A checksum of 0 says that there is none; one that comes to 0 is sent as 0xffff."""
SOURCE, DESTINATION = 12, 16


class Gateway:
    """`out` are the bytes that have to leave."""

    def __init__(self) -> None:
        self.out = b""

    def leaving(self, port: str, frame: bytes) -> str:
        return self.pass_on(port, frame, PUBLIC.get(port, {}), SOURCE, ("igw_out", "igw_no_public_address"))

    def coming(self, port: str, frame: bytes) -> str:
        private = {public: private for private, public in PUBLIC.get(port, {}).items()}
        return self.pass_on(port, frame, private, DESTINATION, ("igw_in", "igw_unknown_address"))

    def pass_on(
        self, port: str, frame: bytes, others: dict[bytes, bytes], place: int, verdicts: tuple[str, str]
    ) -> str:
        self.out = frame
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return "to_router"
        if kind == b"\x86\xdd":
            return self.ipv6(port, frame, place, verdicts)
        if kind != b"\x08\x00":
            return "not_ip"
        if not well_formed(frame):
            return "malformed"
        other = others.get(frame[14 + place : 18 + place])
        if other is None:
            return verdicts[1]
        length = frame[16] << 8 | frame[17]
        done = self.translated(frame[14 : 14 + length], place, other)
        if done is None:
            return "malformed"
        self.out = frame[:14] + self.told(done, place, others) + frame[14 + length :]
        return verdicts[0]

    def ipv6(self, port: str, frame: bytes, place: int, verdicts: tuple[str, str]) -> str:
        if port not in HELD6:
            return "ipv6_not_enabled"
        if not well_formed6(frame):
            return "malformed"
        source, destination = frame[22:38], frame[38:54]
        if not carried6(source) or not carried6(destination):
            return "not_unicast"
        return verdicts[0] if (source if place == SOURCE else destination) in HELD6[port] else verdicts[1]

    def translated(self, packet: bytes, place: int, other: bytes) -> bytes | None:
        """A packet with another address; None when the checksum that covers it should be there and is not."""
        header, first = (packet[0] & 15) * 4, not (packet[6] << 8 | packet[7]) & 0x1FFF
        at = CHECKSUMS.get(packet[9])
        old = packet[place : place + 4]
        if at is not None and first:
            if header + at + 2 > len(packet):
                return None
            packet = replaced(packet, header + at, old, other, zero_is_none=packet[9] in ZERO_IS_NONE)
        packet = replaced(packet, 10, old, other)
        return packet[:place] + other + packet[place + 4 :]

    def told(self, packet: bytes, place: int, others: dict[bytes, bytes]) -> bytes:
        """An ICMP error quotes a packet that went the other way: the address at its other end is translated too, with as many of its
        checksums as were quoted, and the error's own stays as right as it was."""
        seen = ipv4_header(packet)
        if (
            seen is None
            or seen.fragment == 2
            or len(packet) <= seen.transport
            or not is_error(seen, packet[seen.transport])
        ):
            return packet
        at = seen.transport + 8
        quoted = packet[at:]
        if len(quoted) < 20 or quoted[0] >> 4 != 4 or quoted[0] & 15 < 5:
            return packet
        there = DESTINATION if place == SOURCE else SOURCE
        other = others.get(quoted[there : there + 4])
        if other is None:
            return packet
        done = self.translated(quoted, there, other)
        if done is None:
            old = quoted[there : there + 4]
            done = replaced(quoted, 10, old, other)
            done = done[:there] + other + done[there + 4 :]
        own = packet[seen.transport + 2] << 8 | packet[seen.transport + 3]
        for i in range(0, len(quoted) - 1, 2):
            own = adjusted(own, quoted[i] << 8 | quoted[i + 1], done[i] << 8 | done[i + 1])
        return packet[: seen.transport + 2] + pack("!H", own) + packet[seen.transport + 4 : at] + done


def replaced(packet: bytes, at: int, old: bytes, new: bytes, *, zero_is_none: bool = False) -> bytes:
    """The checksum at `at` after an address that it covers was replaced."""
    total = packet[at] << 8 | packet[at + 1]
    if zero_is_none and not total:
        return packet
    for i in (0, 2):
        total = adjusted(total, old[i] << 8 | old[i + 1], new[i] << 8 | new[i + 1])
    if zero_is_none and not total:
        total = 0xFFFF
    return packet[:at] + pack("!H", total) + packet[at + 2 :]
