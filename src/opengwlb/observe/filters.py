"""Classic BPF for packet sockets: which frames the kernel hands up, so that heavy traffic does not drown a capture.

The program looks for a pair of addresses (either may be anything) of IPv4 or IPv6, plainly or inside the GENEVE of a Gateway Load Balancer,
whose 68 bytes are fixed: the inner packet begins at byte 82 of the frame.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Collection

SO_ATTACH_FILTER = 26

_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_JUMP, _JUMP_EQUAL, _RETURN = 0x05, 0x15, 0x06
_ETHERTYPE_AT, _PROTOCOL_AT, _UDP_DESTINATION_AT, _INNER_TYPE_AT = 12, 23, 36, 44
_PLAIN, _INNER = 14, 82
"""Where the IP header begins."""
_SOURCE_AT = {4: 12, 6: 8}
"""In an IP header of each family; the destination follows."""
_LENGTH = {4: 4, 6: 16}
_IPV4, _IPV6, _UDP, _GENEVE_PORT = 0x0800, 0x86DD, 17, 6081
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
        """None falls through; a label is at most 255 instructions ahead."""
        self._code.append((_JUMP_EQUAL, then, otherwise, value))

    def goto(self, name: str) -> None:
        """To a label ahead, however far."""
        self._code.append((_JUMP, name, None, 0))

    def accept(self, length: int) -> None:
        self._code.append((_RETURN, None, None, length))

    def compile(self) -> bytes:
        """`struct sock_filter[]`."""
        out = []
        for at, (code, then, otherwise, value) in enumerate(self._code):
            there, elsewhere = (self._labels[name] - at - 1 if name else 0 for name in (then, otherwise))
            if code == _JUMP:
                there, value = 0, there
            out.append(struct.pack("=HBBI", code, there, elsewhere, value))
        return b"".join(out)


def between(ones: Collection[str], others: Collection[str], *, length: int = _WHOLE) -> bytes:
    """IP packets between one of `ones` and one of `others`, in either direction; an empty collection stands for any address.

    `length` is how much of a frame is kept.
    """
    program = Program()
    program.load(_LOAD_HALF, _ETHERTYPE_AT)
    _by_family(program, ipv4="outer", ipv6="plain 6")
    program.label("outer")
    program.load(_LOAD_BYTE, _PROTOCOL_AT)
    program.equal(_UDP, otherwise="no tunnel")
    program.load(_LOAD_HALF, _UDP_DESTINATION_AT)
    program.equal(_GENEVE_PORT, otherwise="no tunnel")
    program.load(_LOAD_HALF, _INNER_TYPE_AT)
    _by_family(program, ipv4="inner 4", ipv6="inner 6")
    program.label("no tunnel")
    program.goto("plain 4")
    for name, at in (("plain", _PLAIN), ("inner", _INNER)):
        for family in (4, 6):
            program.label(f"{name} {family}")
            _pair(program, ones, others, family=family, at=at + _SOURCE_AT[family], name=f"{name} {family}")
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


def _by_family(program: Program, *, ipv4: str, ipv6: str) -> None:
    """To a label by the EtherType that was loaded; to `no` with anything else."""
    program.equal(_IPV6, otherwise=f"no {ipv6}")
    program.goto(ipv6)
    program.label(f"no {ipv6}")
    program.equal(_IPV4, otherwise=f"no {ipv4}")
    program.goto(ipv4)
    program.label(f"no {ipv4}")
    program.goto("no")


def _pair(program: Program, ones: Collection[str], others: Collection[str], *, family: int, at: int, name: str) -> None:
    """To `yes` or `no`. The source stands at `at`, the destination behind it."""
    behind = at + _LENGTH[family]
    for way, source, destination in ((f"{name} forth", ones, others), (f"{name} back", others, ones)):
        _one_of(program, source, family=family, at=at, then=f"{way} far", otherwise=f"{way} not")
        program.label(f"{way} far")
        _one_of(program, destination, family=family, at=behind, then="yes", otherwise=f"{way} not")
        program.label(f"{way} not")
    program.goto("no")


def _one_of(program: Program, addresses: Collection[str], *, family: int, at: int, then: str, otherwise: str) -> None:
    for number, address in enumerate(map(ipaddress.ip_address, addresses)):
        if address.version == family:
            following = f"{then} {otherwise} {at} {number}"
            for place, (word,) in enumerate(struct.iter_unpack("!I", address.packed)):
                program.load(_LOAD_WORD, at + 4 * place)
                program.equal(word, otherwise=following)
            program.goto(then)
            program.label(following)
    program.goto(otherwise if addresses else then)


def attach(sock: socket.socket, code: bytes) -> None:
    """Frames received from now on pass the filter."""
    held = ctypes.create_string_buffer(code, len(code))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(code) // 8, ctypes.addressof(held)))
