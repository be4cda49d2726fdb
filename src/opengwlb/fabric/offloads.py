"""Offload features of a device, by the names of `ethtool -k`, through the ethtool ioctl of a socket in the device's
namespace."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
from collections.abc import Collection

_SIOCETHTOOL = 0x8946
_ETH_SS_FEATURES = 4
_GSTRINGS = 0x1B
_GSSET_INFO = 0x37
_GFEATURES = 0x3A
_SFEATURES = 0x3B
_NAME_LENGTH = 32

_OFF_BY_DEFAULT = frozenset({"tx-nocache-copy"})
"""Transmit features that the kernel leaves off on a new veth."""
_known_names: list[str] = []


def features_off(sock: socket.socket, *, device: str) -> frozenset[str]:
    """Transmit features that could be on but were switched off. Raises OSError."""
    names = _names(sock, device=device)
    words = (len(names) + 31) // 32
    buffer = array.array("B", struct.pack("=II", _GFEATURES, words) + bytes(words * 16))
    _ioctl(sock, device=device, buffer=buffer)
    off = set()
    for number, name in enumerate(names):
        available, requested, _, never_changed = struct.unpack_from("=4I", buffer, 8 + number // 32 * 16)
        bit = 1 << number % 32
        if name.startswith("tx-") and available & bit and not requested & bit and not never_changed & bit:
            off.add(name)
    return frozenset(off - _OFF_BY_DEFAULT)


def switch(sock: socket.socket, *, device: str, off: Collection[str], on: Collection[str]) -> None:
    """Raises ValueError for a name this kernel does not know, OSError when the device refuses."""
    names = _names(sock, device=device)
    if unknown := (set(off) | set(on)) - set(names):
        raise ValueError(f"this kernel knows no offload called {', '.join(sorted(unknown))}")
    words = (len(names) + 31) // 32
    valid, requested = [0] * words, [0] * words
    for name in {*off, *on}:
        number = names.index(name)
        valid[number // 32] |= 1 << number % 32
        if name in on:
            requested[number // 32] |= 1 << number % 32
    blocks = b"".join(struct.pack("=II", *block) for block in zip(valid, requested, strict=True))
    _ioctl(sock, device=device, buffer=array.array("B", struct.pack("=II", _SFEATURES, words) + blocks))


def _names(sock: socket.socket, *, device: str) -> tuple[str, ...]:
    """Bit number -> name: the same for every device of a kernel, so asked once."""
    if not _known_names:
        count = array.array("B", struct.pack("=IIQI", _GSSET_INFO, 0, 1 << _ETH_SS_FEATURES, 0))
        _ioctl(sock, device=device, buffer=count)
        (length,) = struct.unpack_from("=I", count, 16)
        strings = array.array(
            "B", struct.pack("=III", _GSTRINGS, _ETH_SS_FEATURES, length) + bytes(length * _NAME_LENGTH)
        )
        _ioctl(sock, device=device, buffer=strings)
        text = strings.tobytes()[12:]
        _known_names.extend(
            text[start : start + _NAME_LENGTH].split(b"\0", 1)[0].decode()
            for start in range(0, len(text), _NAME_LENGTH)
        )
    return tuple(_known_names)


def _ioctl(sock: socket.socket, *, device: str, buffer: array.array[int]) -> None:
    address, _ = buffer.buffer_info()
    fcntl.ioctl(sock, _SIOCETHTOOL, struct.pack("16sP16x", device.encode(), address))
