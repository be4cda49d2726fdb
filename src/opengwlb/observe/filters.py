"""Classic BPF for packet sockets: which frames the kernel hands up, so that heavy traffic does not drown a capture.

The program looks for a pair of addresses (either may be anything), plainly or inside the GENEVE of a Gateway Load Balancer, whose
68 bytes are fixed: the inner packet begins at byte 82 of the frame.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Collection

SO_ATTACH_FILTER = 26

_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_JUMP_EQUAL, _RETURN = 0x15, 0x06
_ETHERTYPE_AT, _PROTOCOL_AT, _UDP_DESTINATION_AT = 12, 23, 36
_PLAIN_SOURCE, _INNER_SOURCE = 26, 94
_IPV4, _UDP, _GENEVE_PORT = 0x0800, 17, 6081
_WHOLE = 0x40000


class Program:
    """Instructions with jumps to labels, resolved by `compile`."""

    def __init__(self) -> None:
        self._code: list[tuple[int, str | None, str | None, int]] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def load(self, code: int, at: int) -> None:
        self._code.append((code, None, None, at))

    def equal(self, value: int, *, then: str | None = None, otherwise: str | None = None) -> None:
        """None falls through."""
        self._code.append((_JUMP_EQUAL, then, otherwise, value))

    def accept(self, length: int) -> None:
        self._code.append((_RETURN, None, None, length))

    def compile(self) -> bytes:
        """`struct sock_filter[]`. Jumps are forward and at most 255 instructions long."""
        out = []
        for at, (code, then, otherwise, value) in enumerate(self._code):
            offsets = [self._labels[name] - at - 1 if name else 0 for name in (then, otherwise)]
            out.append(struct.pack("=HBBI", code, *offsets, value))
        return b"".join(out)


def between(ones: Collection[str], others: Collection[str], *, length: int = _WHOLE) -> bytes:
    """Frames between one of `ones` and one of `others`, in either direction; an empty collection stands for any address.

    `length` is how much of a frame is kept.
    """
    program = Program()
    program.load(_LOAD_HALF, _ETHERTYPE_AT)
    program.equal(_IPV4, otherwise="no")
    program.load(_LOAD_BYTE, _PROTOCOL_AT)
    program.equal(_UDP, otherwise="plain")
    program.load(_LOAD_HALF, _UDP_DESTINATION_AT)
    program.equal(_GENEVE_PORT, otherwise="plain")
    _pair(program, ones, others, source_at=_INNER_SOURCE, name="inner", otherwise="no")
    program.label("plain")
    _pair(program, ones, others, source_at=_PLAIN_SOURCE, name="plain", otherwise="no")
    program.label("yes")
    program.accept(length)
    program.label("no")
    program.accept(0)
    return program.compile()


def everything(*, length: int = _WHOLE) -> bytes:
    """All frames; `length` is how much of each is kept."""
    program = Program()
    program.accept(length)
    return program.compile()


def _pair(
    program: Program, ones: Collection[str], others: Collection[str], *, source_at: int, name: str, otherwise: str
) -> None:
    """Jumps to `yes` or to `otherwise`."""
    back = f"{name} back"
    _one_of(program, ones, at=source_at, then=f"{name} forth", otherwise=back)
    program.label(f"{name} forth")
    _one_of(program, others, at=source_at + 4, then="yes", otherwise=back)
    program.label(back)
    _one_of(program, ones, at=source_at + 4, then=f"{name} back other", otherwise=otherwise)
    program.label(f"{name} back other")
    _one_of(program, others, at=source_at, then="yes", otherwise=otherwise)


def _one_of(program: Program, addresses: Collection[str], *, at: int, then: str, otherwise: str) -> None:
    program.load(_LOAD_WORD, at)
    for address in addresses:
        program.equal(int(ipaddress.IPv4Address(address)), then=then)
    program.equal(0, then=otherwise, otherwise=otherwise if addresses else then)


def attach(sock: socket.socket, code: bytes) -> None:
    """Frames received from now on pass the filter."""
    held = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(code) // 8, ctypes.addressof(held)))
