"""GENEVE as a Gateway Load Balancer speaks it: RFC 8926's base header and three options of AWS's class.

The bytes here are what follows the outer UDP header. An appliance echoes them unchanged, so the packet loop never
calls `encode`; it is for tests, tools and appliances that keep the header apart from the packet.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

PORT = 6081
OPTION_CLASS = 0x0108
ENDPOINT_TYPE, ATTACHMENT_TYPE, COOKIE_TYPE = 1, 2, 3
HEADER_LENGTH = 40
"""Of the header that a load balancer sends: base header 8, options 12 + 12 + 8."""
IPV4, IPV6 = 0x0800, 0x86DD

_BASE = struct.Struct("!BBHI")
_OPTION = struct.Struct("!HBB")
_STANDARD = struct.Struct("!BBHI HBBQ HBBQ HBBI")


class GeneveError(ValueError):
    """Not a GENEVE packet of a Gateway Load Balancer; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A decoded header."""

    protocol: int
    """EtherType of the inner packet: `IPV4` or `IPV6`."""
    endpoint: int
    """64-bit id of the load balancer's endpoint."""
    attachment: int = 0
    cookie: int
    """32 bits: one value per flow, the same in both directions."""
    vni: int = 0
    length: int = HEADER_LENGTH
    """Bytes from the base header to the inner packet."""

    @property
    def endpoint_id(self) -> str:
        """The endpoint as the API names it: `vpce-` and 17 hex digits."""
        return f"vpce-{self.endpoint:017x}"


def decode(data: bytes | bytearray | memoryview) -> Header:
    """The header at the start of `data`, with options in any order and unknown ones skipped.

    Raises GeneveError for an unknown version, a length that disagrees with the data, an unknown critical option, an
    inner protocol that is not IP, a repeated option, or one of the three options missing.
    """
    if len(data) < 8:
        raise GeneveError(f"{len(data)} bytes are too short for a GENEVE header")
    first, flags, protocol, vni = _BASE.unpack_from(data)
    if first >> 6:
        raise GeneveError(f"GENEVE version {first >> 6} is not known")
    length = 8 + 4 * (first & 0x3F)
    if len(data) < length:
        raise GeneveError(f"the options end at byte {length} but the packet has {len(data)} bytes")
    if protocol not in (IPV4, IPV6):
        raise GeneveError(f"inner protocol 0x{protocol:04x} is neither IPv4 nor IPv6")
    found = _options(data, length=length, critical=bool(flags & 0x40))
    missing = [t for t in (ENDPOINT_TYPE, ATTACHMENT_TYPE, COOKIE_TYPE) if t not in found]
    if missing:
        raise GeneveError(f"option type {missing[0]} is missing")
    return Header(
        protocol=protocol,
        endpoint=found[ENDPOINT_TYPE],
        attachment=found[ATTACHMENT_TYPE],
        cookie=found[COOKIE_TYPE],
        vni=vni >> 8,
        length=length,
    )


def _options(data: bytes | bytearray | memoryview, *, length: int, critical: bool) -> dict[int, int]:
    """AWS's options by type. `critical` is the C bit: it must be set if an option has its critical bit (RFC 8926,
    3.4)."""
    sizes = {ENDPOINT_TYPE: 8, ATTACHMENT_TYPE: 8, COOKIE_TYPE: 4}
    found: dict[int, int] = {}
    at = 8
    while at < length:
        if at + 4 > length:
            raise GeneveError("an option header runs past the options")
        option_class, kind, words = _OPTION.unpack_from(data, at)
        size = 4 * (words & 0x1F)
        at += 4
        if at + size > length:
            raise GeneveError(f"option type {kind} runs past the options")
        if option_class == OPTION_CLASS and kind in sizes:
            if size != sizes[kind]:
                raise GeneveError(f"option type {kind} has {size} bytes instead of {sizes[kind]}")
            if kind in found:
                raise GeneveError(f"option type {kind} is there twice")
            found[kind] = int.from_bytes(data[at : at + size], "big")
        elif kind & 0x80:
            why = "is not known" if critical else "is not announced by the C bit"
            raise GeneveError(f"critical option 0x{option_class:04x}/{kind} {why}")
        at += size
    return found


def encode(header: Header) -> bytes:
    """The 40 bytes that a load balancer sends: options in the order endpoint, attachment, cookie."""
    return _STANDARD.pack(
        8, 0, header.protocol, header.vni << 8,
        OPTION_CLASS, ENDPOINT_TYPE, 2, header.endpoint,
        OPTION_CLASS, ATTACHMENT_TYPE, 2, header.attachment,
        OPTION_CLASS, COOKIE_TYPE, 1, header.cookie,
    )  # fmt: skip
