"""GENEVE (RFC 8926), with the three options of AWS's class by name."""

from __future__ import annotations

from collections.abc import Iterator

from opengwlb.model.ids import endpoint_id
from opengwlb_appliance.geneve import ATTACHMENT_TYPE, COOKIE_TYPE, ENDPOINT_TYPE, IPV4, IPV6, OPTION_CLASS

from .node import Bytes, Node

_BASE, _OPTION = 8, 4
_INNER = {IPV4: "IPv4", IPV6: "IPv6"}
_NAMES = {
    ENDPOINT_TYPE: ("Endpoint (ENI) id", 8),
    ATTACHMENT_TYPE: ("Attachment id", 8),
    COOKIE_TYPE: ("Flow cookie", 4),
}
"""Of AWS's class: type -> name, bytes."""


def geneve(given: Bytes, at: int) -> tuple[Node, int]:
    """The header at `at`, of which eight bytes are there, and the EtherType of what it carries."""
    words, flags, kind = given.number(at, 1), given.number(at + 1, 1), given.number(at + 2, 2)
    length = min(_BASE + 4 * (words & 0x3F), len(given.data) - at)
    vni = given.number(at + 4, 3)
    node = given.field(
        "GENEVE",
        at,
        length,
        f"VNI {vni}",
        given.field("Version", at, 1, words >> 6),
        given.field("Options length", at, 1, f"{4 * (words & 0x3F)} bytes"),
        given.field("Control packet (O)", at + 1, 1, flags >> 7),
        given.field("Critical options present (C)", at + 1, 1, flags >> 6 & 1),
        given.field("Protocol type", at + 2, 2, f"{_INNER.get(kind, 'unknown')} (0x{kind:04x})"),
        given.field("VNI", at + 4, 3, vni),
        given.field("Reserved", at + 7, 1),
        *_options(given, at + _BASE, at + length),
    )
    return node, kind


def _options(given: Bytes, at: int, end: int) -> Iterator[Node]:
    while at + _OPTION <= end:
        size = 4 * (given.number(at + 3, 1) & 0x1F)
        if at + _OPTION + size > end:
            yield given.field("Option", at, end - at, "cut short")
            return
        yield _option(given, at, size)
        at += _OPTION + size


def _option(given: Bytes, at: int, size: int) -> Node:
    of, kind = given.number(at, 2), given.number(at + 2, 1)
    name, expected = _NAMES.get(kind, ("", 0)) if of == OPTION_CLASS else ("", 0)
    if size != expected:
        name = ""
    value = (
        _value(given, at + _OPTION, size, kind)
        if name
        else f"0x{given.data[at + 4 : at + 4 + size].hex()}"
        if size
        else ""
    )
    data = (given.field("Data", at + _OPTION, size, value),) if size else ()
    return given.field(
        name or "Option",
        at,
        _OPTION + size,
        value,
        given.field("Class", at, 2, f"AWS (0x{of:04x})" if of == OPTION_CLASS else f"0x{of:04x}"),
        given.field("Type", at + 2, 1, f"{kind} (0x{kind:02x})"),
        given.field("Critical", at + 2, 1, kind >> 7),
        given.field("Length", at + 3, 1, f"{size} bytes"),
        *data,
    )


def _value(given: Bytes, at: int, size: int, kind: int) -> str:
    number = given.number(at, size)
    if kind == ENDPOINT_TYPE:
        return f"{endpoint_id(number)} (0x{number:016x})"
    return f"0x{number:0{2 * size}x}"
