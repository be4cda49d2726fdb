"""DHCP (RFC 2131) for exactly one client on exactly one device: a virtual machine asks for the address that its interface has."""

from __future__ import annotations

import ctypes
import socket
import struct
from dataclasses import dataclass

LEASE_S = 3600
_ETH_P_ALL, _SO_ATTACH_FILTER = 0x0003, 26
_COOKIE = b"\x63\x82\x53\x63"
_DISCOVER, _OFFER, _REQUEST, _DECLINE, _ACK, _NAK, _RELEASE, _INFORM = range(1, 9)
_HEAD = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
# Frames of IPv4, UDP, to port 67: (code, jump if true, jump if false, value), as `tcpdump -dd udp dst port 67` says them.
_FILTER = (
    (0x28, 0, 0, 12), (0x15, 0, 8, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 6, 17), (0x28, 0, 0, 20),
    (0x45, 4, 0, 0x1FFF), (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, 67), (0x06, 0, 0, 0x40000),
    (0x06, 0, 0, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What the client is told."""

    mac: str
    address: str
    prefix: int
    router: str
    mtu: int
    hostname: str
    nameservers: tuple[str, ...] = ()


def answer(frame: bytes, lease: Lease) -> bytes | None:
    """The frame that answers a frame; None for what is no request of this client."""
    mac = bytes.fromhex(lease.mac.replace(":", ""))
    start = 14 + (frame[14] & 15) * 4 + 8 if len(frame) > 14 else 0
    message = frame[start:]
    if len(message) < _HEAD.size + 4 or message[_HEAD.size : _HEAD.size + 4] != _COOKIE:
        return None
    kind, _, _, _, transaction, _, flags, client, *_, hardware, _, _ = _HEAD.unpack_from(message)
    if kind != 1 or hardware[:6] != mac:
        return None
    asked = _options(message[_HEAD.size + 4 :])
    wanted = asked.get(53, b"")
    if wanted == bytes([_DISCOVER]):
        verdict = _OFFER
    elif wanted == bytes([_REQUEST]):
        there = asked.get(50) or (client if client != bytes(4) else socket.inet_aton(lease.address))
        elsewhere = asked.get(54, socket.inet_aton(lease.router)) != socket.inet_aton(lease.router)
        if elsewhere:
            return None
        verdict = _ACK if there == socket.inet_aton(lease.address) else _NAK
    elif wanted == bytes([_INFORM]):
        verdict = _ACK
    else:
        return None
    given = bytes(4) if verdict == _NAK or wanted == bytes([_INFORM]) else socket.inet_aton(lease.address)
    reply = _HEAD.pack(2, 1, 6, 0, transaction, 0, flags, client, given, bytes(4), bytes(4), hardware, b"", b"")
    reply += _COOKIE + _answers(lease, verdict=verdict, timed=wanted != bytes([_INFORM]))
    return _framed(reply, source=lease.router, mac=mac)


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        if at + 1 >= len(data):
            break
        size = data[at + 1]
        found[data[at]] = data[at + 2 : at + 2 + size]
        at += 2 + size
    return found


def _answers(lease: Lease, *, verdict: int, timed: bool) -> bytes:
    mask = ((1 << 32) - (1 << 32 - lease.prefix)).to_bytes(4, "big")
    options = [(53, bytes([verdict])), (54, socket.inet_aton(lease.router))]
    if verdict != _NAK:
        options += [
            (1, mask),
            (3, socket.inet_aton(lease.router)),
            (12, lease.hostname.encode()),
            (26, lease.mtu.to_bytes(2, "big")),
        ]
        if lease.nameservers:
            options.append((6, b"".join(socket.inet_aton(one) for one in lease.nameservers)))
        if timed:
            options.append((51, LEASE_S.to_bytes(4, "big")))
    return b"".join(bytes([code, len(value)]) + value for code, value in options) + b"\xff"


def _framed(message: bytes, *, source: str, mac: bytes) -> bytes:
    """To the client's MAC and everybody's address: it has none yet that it would listen to."""
    udp = struct.pack("!HHHH", 67, 68, 8 + len(message), 0) + message
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source), b"\xff" * 4)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return mac + b"\x02\0\0\0\0\x01" + b"\x08\0" + head[:10] + struct.pack("!H", checksum) + head[12:] + udp


def serve(device: str, lease: Lease) -> None:
    """Answer until the process ends. A packet socket sees frames before tc sends them elsewhere."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as wire:
        code = b"".join(struct.pack("=HBBI", *line) for line in _FILTER)
        kept = ctypes.create_string_buffer(code)
        program = struct.pack("HL", len(_FILTER), ctypes.addressof(kept))
        wire.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        wire.bind((device, _ETH_P_ALL))
        while True:
            frame, (_, _, direction, *_rest) = wire.recvfrom(2048)
            if direction == socket.PACKET_OUTGOING:
                continue
            reply = answer(frame, lease)
            if reply is not None:
                wire.send(reply)
