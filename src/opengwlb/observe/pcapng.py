"""Captures as pcapng (draft-ietf-opsawg-pcapng): what Wireshark opens, with one interface per port and a comment per packet.

Pure: bytes out, nothing kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from opengwlb.model.topology import PortRef

from .capture import Frame

_SECTION, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_ETHERNET = 1
_COMMENT, _NAME, _DESCRIPTION, _RESOLUTION, _FLAGS = 1, 2, 3, 9, 2
_APPLICATION = 4
_NANOSECONDS = b"\x09"
_INBOUND, _OUTBOUND = 1, 2


def write(
    frames: Iterable[Frame], *, ports: Sequence[PortRef], names: Mapping[PortRef, str] | None = None, comment: str = ""
) -> bytes:
    """A whole file. `names` says what stands at a port in AWS's words: an interface's description."""
    number = {port: at for at, port in enumerate(ports)}
    blocks = [_section(comment)]
    blocks += [_interface(port, (names or {}).get(port, "")) for port in ports]
    blocks += [_packet(frame, interface=number[frame.port]) for frame in frames]
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("=I", 12 + len(body))
    return struct.pack("=I", kind) + length + body + length


def _options(*options: tuple[int, bytes]) -> bytes:
    """Empty ones are left out."""
    out = b"".join(struct.pack("=HH", code, len(value)) + _padded(value) for code, value in options if value)
    return out + struct.pack("=HH", 0, 0)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _section(comment: str) -> bytes:
    head = struct.pack("=IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, head + _options((_COMMENT, comment.encode()), (_APPLICATION, b"gwlb")))


def _interface(port: PortRef, description: str) -> bytes:
    options = _options(
        (_NAME, f"{port.box}/{port.device}".encode()),
        (_DESCRIPTION, description.encode()),
        (_RESOLUTION, _NANOSECONDS),
    )
    return _block(_INTERFACE, struct.pack("=HHI", _ETHERNET, 0, 0) + options)


def _packet(frame: Frame, *, interface: int) -> bytes:
    head = struct.pack(
        "=IIIII",
        interface,
        frame.at_ns >> 32,
        frame.at_ns & 0xFFFF_FFFF,
        len(frame.data),
        max(frame.length, len(frame.data)),
    )
    way = _INBOUND if frame.incoming else _OUTBOUND
    comment = f"{'into' if frame.incoming else 'out of'} {frame.port.box}"
    options = _options((_COMMENT, comment.encode()), (_FLAGS, struct.pack("=I", way)))
    return _block(_ENHANCED_PACKET, head + _padded(frame.data) + options)
