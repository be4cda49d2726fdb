"""GENEVE as a Gateway Load Balancer speaks it, written from the format's description alone: the judge of what the programs write."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

OPTION_CLASS = 0x0108


def option(kind: int, data: bytes, *, of: int = OPTION_CLASS) -> bytes:
    return struct.pack("!HBB", of, kind, len(data) // 4) + data


@dataclass(frozen=True, kw_only=True)
class Tunnelled:
    """A packet in its tunnel. What is None is worked out."""

    eth: tuple[str, str]
    """Source, destination."""
    source: str
    destination: str
    source_port: int
    endpoint: int
    cookie: int
    inner: bytes
    attachment: int = 0
    options: bytes | None = None
    protocol: int = 0x0800
    version: int = 0
    flags: int = 0
    """The byte of O, C and the reserved bits."""
    port: int = 6081
    ip: tuple[tuple[str, object], ...] = ()
    """Fields of the outer IP header that differ."""
    udp_length: int | None = None
    tail: bytes = b""

    def change(self, **fields: object) -> Tunnelled:
        return replace(self, **fields)  # type: ignore[arg-type]

    def returned(self) -> Tunnelled:
        """As a well-behaved target sends it back."""
        return self.change(eth=self.eth[::-1], source=self.destination, destination=self.source)

    @property
    def tlvs(self) -> bytes:
        if self.options is not None:
            return self.options
        return (
            option(1, struct.pack("!Q", self.endpoint))
            + option(2, struct.pack("!Q", self.attachment))
            + option(3, struct.pack("!I", self.cookie))
        )

    def __bytes__(self) -> bytes:
        base = struct.pack("!BBHI", self.version << 6 | len(self.tlvs) // 4, self.flags, self.protocol, 0)
        payload = base + self.tlvs + self.inner
        udp = UDP(sport=self.source_port, dport=self.port, len=self.udp_length or 8 + len(payload), chksum=0)
        ip = IP(src=self.source, dst=self.destination, flags="DF", id=0, ttl=64)
        for name, value in self.ip:
            setattr(ip, name, value)
        return bytes(Ether(src=self.eth[0], dst=self.eth[1]) / ip / udp / Raw(payload)) + self.tail


def read(frame: bytes) -> Tunnelled:
    """Reads what a load balancer sent: exactly its layout, or an AssertionError."""
    outer = Ether(frame)
    ip, udp = outer[IP], outer[UDP]
    raw = frame[14:]
    assert (ip.ihl, ip.flags, ip.frag, ip.ttl, ip.proto, ip.len) == (5, "DF", 0, 64, 17, len(raw))
    checked = IP(bytes(raw[:20]))
    del checked.chksum
    assert IP(bytes(checked)).chksum == ip.chksum
    assert (udp.dport, udp.chksum, udp.len) == (6081, 0, len(raw) - 20)
    assert 49152 <= udp.sport <= 65535
    first, flags, protocol, vni = struct.unpack_from("!BBHI", raw, 28)
    assert (first, flags, vni) == (8, 0, 0)
    assert raw[36:40] == bytes.fromhex("01080102")
    assert raw[48:52] == bytes.fromhex("01080202")
    assert raw[52:60] == bytes(8)
    assert raw[60:64] == bytes.fromhex("01080301")
    return Tunnelled(
        eth=(outer.src, outer.dst),
        source=ip.src,
        destination=ip.dst,
        source_port=udp.sport,
        endpoint=struct.unpack_from("!Q", raw, 40)[0],
        cookie=struct.unpack_from("!I", raw, 64)[0],
        inner=raw[68:],
        protocol=protocol,
    )
