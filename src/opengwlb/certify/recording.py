"""Recorded traffic as bare IP packets: pcap and pcapng in, GENEVE taken off. Pure.

Of a capture at an appliance on AWS (or here) each packet is there twice: as it came, and as the appliance returned it. The
second copy is the appliance's own verdict, and is kept as such.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from opengwlb_appliance.geneve import PORT, GeneveError, Header, decode

_PCAP = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
         b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}  # fmt: skip
"""Magic number -> byte order and nanoseconds in a unit of the fraction."""
_SECTION, _INTERFACE, _SIMPLE, _ENHANCED, _OBSOLETE = 0x0A0D0D0A, 1, 3, 6, 2
_NULL, _ETHERNET, _RAW, _LOOP, _LINUX, _LINUX2, _IPV4, _IPV6 = 0, 1, (12, 14, 101), 108, 113, 276, 228, 229
_ETHERTYPES = {0x0800: 4, 0x86DD: 6}
_VLAN = (0x8100, 0x88A8)
_RETURN_WITHIN_NS = 10_000_000_000


class RecordingError(ValueError):
    """The file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One inner packet."""

    at_ns: int
    inner: bytes
    endpoint: int | None = None
    """Of the GENEVE that it came in; None for a plain capture."""
    cookie: int | None = None
    returned: bool | None = None
    """What the recorded appliance did; None when nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    packets: tuple[Recorded, ...]
    """In the order of their times."""
    cut_short: int
    """Packets left out because the capture kept only their beginning."""
    other: int
    """Frames left out because they are not IP."""


def read_recording(data: bytes) -> Recording:
    """Raises RecordingError."""
    frames = list(_frames(data))
    packets: list[Recorded] = []
    awaited: dict[tuple[bytes, bytes], list[int]] = {}
    cut_short = other = 0
    for at_ns, link, frame, length in sorted(frames, key=lambda one: one[0]):
        ip = _ip(link, frame)
        if ip is None:
            other += 1
            continue
        if len(frame) < length or len(ip) < _total(ip):
            cut_short += 1
            continue
        ip = ip[: _total(ip)]
        tunnel = _tunnelled(ip)
        if tunnel is None:
            packets.append(Recorded(at_ns=at_ns, inner=ip))
            continue
        header, inner = tunnel
        ends = ip[12:20]
        # A return: the same flow, the other way round outside. Its inner packet may have been changed.
        key = (ends[4:] + ends[:4], _identity(header.cookie, inner))
        waiting = awaited.get(key, [])
        while waiting and at_ns - packets[waiting[0]].at_ns > _RETURN_WITHIN_NS:
            waiting.pop(0)
        if waiting:
            at = waiting.pop(0)
            packets[at] = replace(packets[at], returned=True)
            continue
        awaited.setdefault((ends, key[1]), []).append(len(packets))
        packets.append(
            Recorded(at_ns=at_ns, inner=inner, endpoint=header.endpoint, cookie=header.cookie, returned=False)
        )
    if not any(one.returned for one in packets):
        # A capture at the load balancer's side of one direction, or of something that returned nothing at all: no verdicts.
        packets = [replace(one, returned=None) for one in packets]
    return Recording(packets=tuple(packets), cut_short=cut_short, other=other)


def ip_packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(nanoseconds, IP packet as far as it was kept) of a whole capture, in its own order. Raises RecordingError."""
    for at_ns, link, frame, _ in _frames(data):
        ip = _ip(link, frame)
        if ip is not None:
            yield at_ns, ip


def _identity(cookie: int, inner: bytes) -> bytes:
    """What an appliance does not change: cookie, addresses, protocol, and for IPv4 the identification."""
    if inner[0] >> 4 == 4:
        at = (inner[0] & 15) * 4
        return cookie.to_bytes(4, "big") + inner[4:6] + inner[9:10] + inner[12:20] + inner[at : at + 8]
    return cookie.to_bytes(4, "big") + inner[6:7] + inner[8:48]


def _tunnelled(ip: bytes) -> tuple[Header, bytes] | None:
    """(header, inner packet) of a load balancer's GENEVE; None for everything else."""
    at = (ip[0] & 15) * 4
    if ip[0] >> 4 != 4 or ip[9] != 17 or len(ip) < at + 16 or int.from_bytes(ip[at + 2 : at + 4], "big") != PORT:
        return None
    try:
        header = decode(ip[at + 8 :])
    except GeneveError:
        return None
    inner = ip[at + 8 + header.length :]
    return (header, inner) if len(inner) >= 20 and len(inner) >= _total(inner) else None


def _total(ip: bytes) -> int:
    """Bytes that the IP header says; more than there are for what is no header."""
    if len(ip) >= 20 and ip[0] >> 4 == 4:
        return int.from_bytes(ip[2:4], "big") or len(ip)  # zero: a super-packet that the card had still to cut
    if len(ip) >= 40 and ip[0] >> 4 == 6:
        return 40 + int.from_bytes(ip[4:6], "big")
    return len(ip) + 1


def _ip(link: int, frame: bytes) -> bytes | None:
    """The IP packet in a frame; None where there is none."""
    if link in (*_RAW, _IPV4, _IPV6):
        return frame if frame and frame[0] >> 4 in (4, 6) else None
    if link in (_NULL, _LOOP):
        return frame[4:] if len(frame) > 4 and frame[4] >> 4 in (4, 6) else None
    if link == _LINUX:
        kind, at = int.from_bytes(frame[14:16], "big"), 16
    elif link == _LINUX2:
        kind, at = int.from_bytes(frame[0:2], "big"), 20
    elif link == _ETHERNET:
        kind, at = int.from_bytes(frame[12:14], "big"), 14
    else:
        raise RecordingError(f"link type {link} is not read: record Ethernet, raw IP or Linux cooked")
    while kind in _VLAN and len(frame) >= at + 4:
        kind, at = int.from_bytes(frame[at + 2 : at + 4], "big"), at + 4
    return frame[at:] if kind in _ETHERTYPES and len(frame) > at else None


def _frames(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """(nanoseconds, link type, captured bytes, length on the wire)."""
    if data[:4] in _PCAP:
        yield from _pcap(data)
    elif data[:4] == b"\x0a\x0d\x0d\x0a":
        yield from _pcapng(data)
    else:
        raise RecordingError("this is neither pcap nor pcapng")


def _pcap(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    order, unit = _PCAP[data[:4]]
    if len(data) < 24:
        raise RecordingError("the pcap file ends in its header")
    link = struct.unpack_from(f"{order}I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, length = struct.unpack_from(f"{order}IIII", data, at)
        at += 16
        if at + kept > len(data):
            raise RecordingError(f"the pcap file ends in the packet at byte {at - 16}")
        yield seconds * 1_000_000_000 + fraction * unit, link, data[at : at + kept], length
        at += kept


def _pcapng(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    order, at = "<", 0
    links: list[tuple[int, int]] = []
    while at + 12 <= len(data):
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            links = []
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if size < 12 or size % 4 or at + size > len(data):
            raise RecordingError(f"the pcapng file is broken at byte {at}")
        body = data[at + 8 : at + size - 4]
        at += size
        if kind == _INTERFACE:
            links.append((struct.unpack_from(f"{order}H", body)[0], _resolution(body[8:], order)))
        elif kind in (_ENHANCED, _OBSOLETE):
            yield _packet(body, order, links, obsolete=kind == _OBSOLETE)
        elif kind == _SIMPLE and links:
            length = struct.unpack_from(f"{order}I", body)[0]
            yield 0, links[0][0], body[4 : 4 + length], length


def _packet(body: bytes, order: str, links: list[tuple[int, int]], *, obsolete: bool) -> tuple[int, int, bytes, int]:
    first, high, low, kept, length = struct.unpack_from(f"{order}IIIII", body)
    interface = struct.unpack_from(f"{order}H", body)[0] if obsolete else first
    if interface >= len(links) or 20 + kept > len(body):
        raise RecordingError("the pcapng file has a packet that does not fit its interface or block")
    link, per_second = links[interface]
    return ((high << 32 | low) * 1_000_000_000 // per_second, link, body[20 : 20 + kept], length)


def _resolution(options: bytes, order: str) -> int:
    """Units in a second: option if_tsresol, else a million."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}HH", options, at)
        if code == 9 and length:
            value = options[at + 4]
            return int(2 ** (value & 0x7F)) if value & 0x80 else int(10**value)
        if code == 0:
            break
        at += 4 + length + -length % 4
    return 1_000_000
