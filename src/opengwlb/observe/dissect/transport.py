"""TCP with its options, UDP, ICMP of both families."""

from __future__ import annotations

from collections.abc import Iterator

from .node import Bytes, Node

_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
ICMP = (_ICMP, _ICMPV6)
_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
_UNREACHABLE, _TIME, _PROBLEM, _ASKED, _ANSWERED = (
    "destination unreachable", "time exceeded", "parameter problem", "echo request", "echo reply",
)  # fmt: skip
_ICMP_TYPES = {
    _ICMP: {0: _ANSWERED, 3: _UNREACHABLE, 5: "redirect", 8: _ASKED, 11: _TIME, 12: _PROBLEM},
    _ICMPV6: {1: _UNREACHABLE, 2: "packet too big", 3: _TIME, 4: _PROBLEM, 128: _ASKED, 129: _ANSWERED},
}
_ECHO = {_ICMP: (0, 8), _ICMPV6: (128, 129)}
_TOO_BIG = {_ICMP: (3, 4, 6, 2), _ICMPV6: (2, 0, 4, 4)}
"""Type, code, and where and how long the MTU is."""


def header(given: Bytes, at: int, protocol: int, *, end: int) -> Node | None:
    """The transport header at `at`; None for a protocol that is not known. A header that is cut short reaches to the frame's end."""
    if protocol == _TCP:
        return _tcp(given, at, end=end)
    if protocol == _UDP:
        return _udp(given, at, end=end)
    return _icmp(given, at, protocol) if protocol in ICMP else None


def is_error(given: Bytes, at: int, protocol: int) -> bool:
    """Whether the ICMP message quotes the packet that it is about."""
    kind = given.number(at, 1)
    return kind in (3, 5, 11, 12) if protocol == _ICMP else kind < 128


def _tcp(given: Bytes, at: int, *, end: int) -> Node:
    head = (given.number(at + 12, 1) >> 4) * 4
    if not given.has(at, 20) or head < 20:
        return given.cut("TCP", at)
    there = min(head, len(given.data) - at)
    bits = given.number(at + 13, 1)
    options = tuple(_tcp_options(given, at + 20, at + there))
    named = (given.field("Options", at + 20, there - 20, f"{head - 20} bytes", *options),) if options else ()
    return given.field(
        "TCP",
        at,
        there,
        f"{given.number(at, 2)} → {given.number(at + 2, 2)} [{_flags(bits)}]",
        given.field("Source port", at, 2),
        given.field("Destination port", at + 2, 2),
        given.field("Sequence number", at + 4, 4),
        given.field("Acknowledgment number", at + 8, 4),
        given.field("Header length", at + 12, 1, f"{head} bytes"),
        given.field(
            "Flags",
            at + 13,
            1,
            _flags(bits),
            *(given.field(name, at + 13, 1, bits >> bit & 1) for bit, name in enumerate(_FLAGS)),
        ),
        given.field("Window", at + 14, 2),
        given.hex("Checksum", at + 16, 2),
        given.field("Urgent pointer", at + 18, 2),
        *named,
        given.field("Payload length", at + there, 0, max(0, end - at - head)),
    )


def _flags(bits: int) -> str:
    return ", ".join(name for bit, name in enumerate(_FLAGS) if bits >> bit & 1) or "none"


def _tcp_options(given: Bytes, at: int, end: int) -> Iterator[Node]:
    while at < end:
        kind = given.number(at, 1)
        if kind == 0:
            yield given.field("End of options", at, end - at, "")
            return
        if kind == 1:
            yield given.field("No-operation", at, 1, "")
            at += 1
            continue
        size = given.number(at + 1, 1)
        if at + 2 > end or size < 2 or at + size > end:
            yield given.field("Option", at, end - at, "cut short")
            return
        yield _tcp_option(given, at, kind, size)
        at += size


def _tcp_option(given: Bytes, at: int, kind: int, size: int) -> Node:
    match kind, size:
        case 2, 4:
            return given.field("Maximum segment size", at, 4, given.number(at + 2, 2))
        case 3, 3:
            return given.field("Window scale", at, 3, given.number(at + 2, 1))
        case 4, 2:
            return given.field("SACK permitted", at, 2, "")
        case 5, _:
            edges = [given.number(place, 4) for place in range(at + 2, at + size - 3, 4)]
            blocks = ", ".join(f"{left}-{right}" for left, right in zip(edges[::2], edges[1::2], strict=False))
            return given.field("SACK", at, size, blocks)
        case 8, 10:
            return given.field("Timestamps", at, 10, f"{given.number(at + 2, 4)}, echo {given.number(at + 6, 4)}")
        case _:
            return given.field(f"Option {kind}", at, size, f"0x{given.data[at + 2 : at + size].hex()}")


def _udp(given: Bytes, at: int, *, end: int) -> Node:
    if not given.has(at, 8):
        return given.cut("UDP", at)
    return given.field(
        "UDP",
        at,
        8,
        f"{given.number(at, 2)} → {given.number(at + 2, 2)}",
        given.field("Source port", at, 2),
        given.field("Destination port", at + 2, 2),
        given.field("Length", at + 4, 2),
        given.hex("Checksum", at + 6, 2),
        given.field("Payload length", at + 8, 0, max(0, end - at - 8)),
    )


def _icmp(given: Bytes, at: int, protocol: int) -> Node:
    name = "ICMP" if protocol == _ICMP else "ICMPv6"
    if not given.has(at, 8):
        return given.cut(name, at)
    kind, code = given.number(at, 1), given.number(at + 1, 1)
    said = _ICMP_TYPES[protocol].get(kind, "unknown")
    more: list[Node] = []
    if kind in _ECHO[protocol]:
        more = [given.field("Identifier", at + 4, 2), given.field("Sequence number", at + 6, 2)]
    of, its, place, length = _TOO_BIG[protocol]
    if (kind, code) == (of, its):
        more = [given.field("MTU", at + place, length)]
    return given.field(
        name,
        at,
        8,
        said,
        given.field("Type", at, 1, f"{kind} ({said})"),
        given.field("Code", at + 1, 1),
        given.hex("Checksum", at + 2, 2),
        *more,
    )
