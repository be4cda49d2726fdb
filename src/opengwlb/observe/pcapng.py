"""Captures as pcapng (draft-ietf-opsawg-pcapng): what Wireshark opens, with one interface per port and a comment per packet.

Pure: bytes out, nothing kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence

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
    return head(ports, names=names, comment=comment) + packets(frames, ports=ports)


def head(ports: Sequence[PortRef], *, names: Mapping[PortRef, str] | None = None, comment: str = "") -> bytes:
    """What a file begins with."""
    return _section(comment) + b"".join(_interface(port, (names or {}).get(port, "")) for port in ports)


def packets(
    frames: Iterable[Frame], *, ports: Sequence[PortRef], comment: Callable[[Frame], str] | None = None
) -> bytes:
    """What follows the head, as often as there is more. `comment` says something of each packet, else only where it was."""
    number = {port: at for at, port in enumerate(ports)}
    say = comment or _where
    return b"".join(_packet(frame, interface=number[frame.port], comment=say(frame)) for frame in frames)


def count(data: bytes) -> tuple[int, bytes]:
    """How many packets are in a piece of a file, and what of it is the beginning of a block. Raises ValueError for no pcapng."""
    found = at = 0
    while len(data) - at >= 8:
        kind, length = struct.unpack_from("=II", data, at)
        if length < 12:
            raise ValueError("a block of no length: this is no pcapng file")
        if len(data) - at < length:
            break
        found, at = found + (kind == _ENHANCED_PACKET), at + length
    return found, data[at:]


def _where(frame: Frame) -> str:
    return f"{'into' if frame.incoming else 'out of'} {frame.port.box}"


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
    fixed = struct.pack("=IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, fixed + _options((_COMMENT, comment.encode()), (_APPLICATION, b"gwlb")))


def _interface(port: PortRef, description: str) -> bytes:
    options = _options(
        (_NAME, f"{port.box}/{port.device}".encode()),
        (_DESCRIPTION, description.encode()),
        (_RESOLUTION, _NANOSECONDS),
    )
    return _block(_INTERFACE, struct.pack("=HHI", _ETHERNET, 0, 0) + options)


def _packet(frame: Frame, *, interface: int, comment: str) -> bytes:
    fixed = struct.pack(
        "=IIIII",
        interface,
        frame.at_ns >> 32,
        frame.at_ns & 0xFFFF_FFFF,
        len(frame.data),
        max(frame.length, len(frame.data)),
    )
    way = _INBOUND if frame.incoming else _OUTBOUND
    options = _options((_COMMENT, comment.encode()), (_FLAGS, struct.pack("=I", way)))
    return _block(_ENHANCED_PACKET, fixed + _padded(frame.data) + options)
