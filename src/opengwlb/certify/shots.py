"""One packet to an appliance and what came back for it: values, and the reading of frames. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from opengwlb_appliance.geneve import PORT

from . import packets

_ETHERNET = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A packet to send."""

    header: bytes
    """GENEVE base header and options."""
    inner: bytes
    mark: bytes
    """Bytes of the inner packet that no other shot has, by which its return is known whatever else was changed."""
    source_port: int
    node: int = 0
    """Which of the lab's nodes sends it."""
    summed: bool = False
    """With a UDP checksum; else with zero."""

    @property
    def data(self) -> bytes:
        return self.header + self.inner


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A UDP packet that an appliance sent, read with as little faith as possible."""

    at_ns: int
    source: str
    destination: str
    source_port: int
    destination_port: int
    fragment: bool
    """A piece of an outer packet that was fragmented."""
    lengths_agree: bool
    """IP's and UDP's lengths with each other and the frame."""
    checksum_right: bool
    """Zero, or the right one."""
    data: bytes
    """Behind the UDP header: GENEVE, if it is what it should be."""

    @property
    def header(self) -> bytes:
        """GENEVE's header as long as it says it is."""
        return self.data[: self.inner_at]

    @property
    def inner(self) -> bytes:
        return self.data[self.inner_at :]

    @property
    def inner_at(self) -> int:
        return 8 + 4 * (self.data[0] & 0x3F) if self.data else 0


def read_udp(frame: bytes, *, at_ns: int = 0) -> Return | None:
    """The UDP packet in an Ethernet frame; None for everything else."""
    if len(frame) < _ETHERNET + 28 or frame[12:14] != b"\x08\x00":
        return None
    ip = frame[_ETHERNET:]
    header = (ip[0] & 15) * 4
    total = int.from_bytes(ip[2:4], "big")
    fragment = int.from_bytes(ip[6:8], "big") & 0x3FFF
    if ip[9] != packets.UDP or header < 20 or fragment & 0x1FFF or len(ip) < header + 8:
        return None
    source_port, destination_port, length, summed = struct.unpack_from("!HHHH", ip, header)
    segment = ip[header:total]
    return Return(
        at_ns=at_ns,
        source=".".join(map(str, ip[12:16])),
        destination=".".join(map(str, ip[16:20])),
        source_port=source_port,
        destination_port=destination_port,
        fragment=bool(fragment),
        lengths_agree=total <= len(ip) and length == total - header,
        checksum_right=summed == 0 or packets.checksum(_pseudo(ip, len(segment)) + segment) == 0,
        data=segment[8:],
    )


def _pseudo(ip: bytes, length: int) -> bytes:
    return ip[12:20] + struct.pack("!BBH", 0, packets.UDP, length)


def to_tunnel(found: Return) -> bool:
    """Whether a packet is meant for a load balancer's tunnel."""
    return found.destination_port == PORT
