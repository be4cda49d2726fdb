"""The inner packet, as an appliance wants to look at it. Nothing is parsed before it is asked for, and nothing is
copied but slices."""

from __future__ import annotations

import ipaddress

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

_V6_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})
"""Hop-by-hop, routing, destination options, mobility, HIP, shim6: skipped to find the transport header (RFC 8200)."""


class InnerError(ValueError):
    """Not a well-formed IP packet; the message says why."""


class Inner:
    """One IP packet. Raises InnerError when made from bytes that are not a well-formed one."""

    __slots__ = ("_at", "data", "fragment", "more_fragments", "protocol", "version")

    data: bytes
    version: int
    """4 or 6."""
    protocol: int
    """Of the transport header, behind any IPv6 extension headers."""
    fragment: bool
    """True for every fragment but the first: it has no ports."""
    more_fragments: bool
    """True for every fragment but the last."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fragment = self.more_fragments = False
        if not data:
            raise InnerError("the inner packet is empty")
        self.version = data[0] >> 4
        if self.version == 4:
            self._parse_v4(data)
        elif self.version == 6:
            self._parse_v6(data)
        else:
            raise InnerError(f"IP version {self.version}")

    def _parse_v4(self, data: bytes) -> None:
        header = (data[0] & 0x0F) * 4
        if header < 20 or len(data) < header:
            raise InnerError("the IPv4 header is cut short")
        total = int.from_bytes(data[2:4], "big")
        if total != len(data):
            raise InnerError(f"the IPv4 header says {total} bytes, the packet has {len(data)}")
        self.protocol = data[9]
        self.fragment = bool((data[6] & 0x1F) or data[7])
        self.more_fragments = bool(data[6] & 0x20)
        self._at = header

    def _parse_v6(self, data: bytes) -> None:
        if len(data) < 40:
            raise InnerError("the IPv6 header is cut short")
        if int.from_bytes(data[4:6], "big") + 40 != len(data):
            raise InnerError("the IPv6 payload length disagrees with the packet's size")
        following, at = data[6], 40
        while following in _V6_EXTENSIONS or following == 44:
            if at + 8 > len(data):
                raise InnerError("an IPv6 extension header is cut short")
            if following == 44:
                self.fragment = bool(int.from_bytes(data[at + 2 : at + 4], "big") & 0xFFF8)
                self.more_fragments = bool(data[at + 3] & 1)
                following, at = data[at], at + 8
                if self.fragment:
                    break
            else:
                following, at = data[at], at + 8 + 8 * data[at + 1]
        if at > len(data):
            raise InnerError("an IPv6 extension header is cut short")
        self.protocol = following
        self._at = at

    @property
    def source_bytes(self) -> bytes:
        """4 or 16 bytes."""
        return self.data[12:16] if self.version == 4 else self.data[8:24]

    @property
    def destination_bytes(self) -> bytes:
        """4 or 16 bytes."""
        return self.data[16:20] if self.version == 4 else self.data[24:40]

    @property
    def source(self) -> str:
        return str(ipaddress.ip_address(self.source_bytes))

    @property
    def destination(self) -> str:
        return str(ipaddress.ip_address(self.destination_bytes))

    def _has_ports(self) -> bool:
        return self.protocol in (TCP, UDP) and not self.fragment and len(self.data) >= self._at + 4

    @property
    def port_bytes(self) -> bytes:
        """Source and destination port, 4 bytes; zeros for what has no ports."""
        return self.data[self._at : self._at + 4] if self._has_ports() else b"\0\0\0\0"

    @property
    def source_port(self) -> int:
        """0 for what has no ports: other protocols, later fragments."""
        return int.from_bytes(self.data[self._at : self._at + 2], "big") if self._has_ports() else 0

    @property
    def destination_port(self) -> int:
        """0 for what has no ports: other protocols, later fragments."""
        return int.from_bytes(self.data[self._at + 2 : self._at + 4], "big") if self._has_ports() else 0

    @property
    def tcp_flags(self) -> int:
        """`FIN | SYN | RST | PSH | ACK` bits; 0 for what is not TCP."""
        if self.protocol != TCP or self.fragment or len(self.data) < self._at + 20:
            return 0
        return self.data[self._at + 13]

    @property
    def tcp_sequence(self) -> int:
        return int.from_bytes(self.data[self._at + 4 : self._at + 8], "big")

    @property
    def transport(self) -> bytes:
        """From the transport header on."""
        return self.data[self._at :]

    @property
    def payload(self) -> bytes:
        """What TCP or UDP carries; for everything else, what follows the IP header. Empty for a header that is cut
        short."""
        if self.fragment:
            return self.data[self._at :]
        if self.protocol == TCP:
            if len(self.data) < self._at + 20:
                return b""
            return self.data[self._at + (self.data[self._at + 12] >> 4) * 4 :]
        return self.data[self._at + 8 :] if self.protocol == UDP else self.data[self._at :]

    def quoted(self) -> Inner | None:
        """For an ICMP error: the start of the packet that it is about. None for everything else, and for a quote that
        cannot be read."""
        if self.fragment or len(self.data) < self._at + 8 + 20:
            return None
        kind = self.data[self._at]
        is_error = (self.protocol == ICMP and kind in (3, 11, 12)) or (self.protocol == ICMPV6 and kind < 128)
        if not is_error:
            return None
        quote = bytearray(self.data[self._at + 8 :])
        # The quote is cut short by design: give it the length it has.
        if quote[0] >> 4 == 4:
            quote[2:4] = len(quote).to_bytes(2, "big")
        elif len(quote) >= 40:
            quote[4:6] = (len(quote) - 40).to_bytes(2, "big")
        try:
            return Inner(bytes(quote))
        except InnerError:
            return None
