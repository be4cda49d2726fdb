"""The rules of the VPC router, as `model.py` has those of the load balancer: IPv4, ARP, and what is neither. Ports here have no IPv6."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

from .model import PortFacts
from .packets import checksum, unicast4

ENI, PEER = bytes((10, 0, 1, 10)), bytes((10, 0, 2, 10))
ROUTES = {
    1000: (
        ("throw", "10.0.0.0/16", ""),
        ("unicast", "198.51.100.0/24", "eni1"),
        ("blackhole", "192.0.2.0/24", ""),
        ("unreachable", "0.0.0.0/0", ""),
    ),
    900: (
        ("unicast", "10.0.1.10/32", "eni0"),
        ("unicast", "10.0.1.77/32", "eni0"),
        ("unicast", "10.0.2.10/32", "eni1"),
    ),
}
"""By table: kind, destination, device. eni1's route table is empty."""
TABLES = {"eni0": 1000, "eni1": 1001}
SUBNETS = {"eni0": "10.0.1.0/24", "eni1": "10.0.2.0/24"}
CHECKED = {"eni0": ENI}
"""Ports with a source/dest check, and the address that passes it."""
ADDRESSES = dict(CHECKED)
"""What each port's instance holds."""
RESOLVER = "10.0.0.2"
SERVICES = (bytes((169, 254, 169, 254)), bytes((169, 254, 169, 253)), bytes((10, 0, 0, 2)))
NARROW = {"eni1": 1500}
KINDS = {"blackhole": "route_blackhole", "unreachable": "no_route"}


@dataclass(frozen=True)
class Network:
    address: int
    mask: int

    @classmethod
    def of(cls, cidr: str) -> Network:
        address, length = cidr.split("/")
        mask = (1 << 32) - (1 << 32 - int(length))
        return cls(int.from_bytes(bytes(int(part) for part in address.split(".")), "big"), mask)

    def has(self, address: bytes) -> bool:
        return int.from_bytes(address, "big") & self.mask == self.address


_ROUTES = {
    table: sorted(((Network.of(net), kind, device) for kind, net, device in routes), key=lambda one: -one[0].mask)
    for table, routes in ROUTES.items()
}
_SUBNETS = {name: Network.of(net) for name, net in SUBNETS.items()}


def well_formed(frame: bytes) -> bool:
    """Version, lengths and checksum of an IPv4 header agree."""
    if len(frame) < 34:
        return False
    header, length = (frame[14] & 15) * 4, frame[16] << 8 | frame[17]
    if frame[14] >> 4 != 4 or header < 20 or length < header or 14 + length > len(frame):
        return False
    return checksum(frame[14 : 14 + header]) == 0


class Router:
    """`verdict` answers the verdict; `out` are then the bytes that have to leave, None if they are not judged."""

    def __init__(self, ports: dict[str, PortFacts]) -> None:
        self.ports = ports
        self.out: bytes | None = None

    def eni(self, port: str, frame: bytes) -> str:
        self.out = None
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return self.arp(port, frame)
        if kind == b"\x86\xdd":
            return "ipv6_not_enabled"
        if kind != b"\x08\x00":
            return "not_ip"
        if not well_formed(frame):
            return "malformed"
        source, destination = frame[26:30], frame[30:34]
        if destination in SERVICES:
            own = frame[0] & 1 == 0 and ADDRESSES.get(port) == source
            return "to_service" if own else "service_not_here"
        if frame[0] & 1 or not unicast4(source) or not unicast4(destination):
            return "not_unicast"
        if CHECKED.get(port, source) != source:
            return "source_check"
        subnet = _SUBNETS[port]
        if subnet.has(destination) and destination[3] == 1:
            return "to_router"
        if frame[22] <= 1:
            return "ttl_exceeded"
        return self.route(port, frame, destination)

    def arp(self, port: str, frame: bytes) -> str:
        """Every address of the subnet has the router's MAC, but for the ENI's own, of which hosts ask whether it is taken."""
        asked = frame[38:42]
        if len(frame) < 42 or frame[14:22] != bytes.fromhex("0001080006040001") or not _SUBNETS[port].has(asked):
            return "arp_unanswered"
        if CHECKED.get(port) == asked:
            return "arp_unanswered"
        mac, asker = self.ports[port].mac, frame[22:28]
        self.out = b"".join(
            (frame[6:12], mac, frame[12:20], b"\0\2", mac, asked, asker, frame[28:32], frame[42:]),
        )
        return "arp_answered"

    def route(self, port: str, frame: bytes, destination: bytes) -> str:
        """The route table, where `throw` is AWS's local route, then the host routes; inside the subnet only those."""
        found = None
        if not _SUBNETS[port].has(destination):
            found = self.look_up(TABLES[port], destination)
        if found is None or found[0] == "throw":
            found = self.look_up(900, destination)
            if found is None:
                return "no_such_address"
        kind, device = found
        if kind != "unicast":
            return KINDS[kind]
        leaving = self.ports[device]
        if len(frame) - 14 > leaving.mtu:
            return "mtu_exceeded"
        if CHECKED.get(device, destination) != destination:
            return "dest_check"
        header = bytearray(frame[14 : 14 + (frame[14] & 15) * 4])
        header[8] -= 1
        header[10:12] = b"\0\0"
        header[10:12] = pack("!H", checksum(bytes(header)))
        self.out = leaving.peer_mac + leaving.mac + frame[12:14] + bytes(header) + frame[14 + len(header) :]
        return "eni_forwarded"

    def look_up(self, table: int, destination: bytes) -> tuple[str, str] | None:
        """The longest prefix."""
        return next(((kind, device) for net, kind, device in _ROUTES.get(table, ()) if net.has(destination)), None)
