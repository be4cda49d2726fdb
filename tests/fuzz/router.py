"""The rules of the VPC router, as `model.py` has those of the load balancer: IPv4 and ARP, IPv6 and neighbour discovery."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from struct import pack

from .guards import Guards
from .packets import ICMP6, checksum, unicast4, unicast6
from .state import PortFacts

ENI, PEER = bytes((10, 0, 1, 10)), bytes((10, 0, 2, 10))
ENI6, PEER6 = (ipaddress.IPv6Address(one).packed for one in ("2001:db8:0:101::10", "2001:db8:0:102::10"))
ROUTES = {
    1000: (
        ("throw", "10.0.0.0/16", ""),
        ("unicast", "198.51.100.0/24", "eni1"),
        ("blackhole", "192.0.2.0/24", ""),
        ("unreachable", "0.0.0.0/0", ""),
        ("throw", "2001:db8:0:100::/56", ""),
        ("unicast", "2001:db8:a::/48", "eni1"),
        ("unicast", "2001:db8:0:104::/64", "eni1"),
        ("blackhole", "2001:db8:d::/48", ""),
        ("unreachable", "::/0", ""),
    ),
    900: (
        ("unicast", "10.0.1.10/32", "eni0"),
        ("unicast", "10.0.1.77/32", "eni0"),
        ("unicast", "10.0.2.10/32", "eni1"),
        ("unicast", "2001:db8:0:101::10/128", "eni0"),
        ("unicast", "2001:db8:0:101::77/128", "eni0"),
        ("unicast", "2001:db8:0:102::10/128", "eni1"),
    ),
}
"""By table: kind, destination, device. eni1's route table is empty."""
TABLES = {"eni0": 1000, "eni1": 1001, "eni2": 1000}
SUBNETS = {"eni0": "10.0.1.0/24", "eni1": "10.0.2.0/24", "eni2": "10.0.3.0/24"}
SUBNETS6 = {"eni0": "2001:db8:0:101::/64", "eni1": "2001:db8:0:102::/64"}
"""eni2's VPC has no IPv6."""
CHECKED = {"eni0": ENI}
"""Ports with a source/dest check, and the address that passes it."""
CHECKED6 = {"eni0": ENI6}
NARROW = {"eni1": 1280}
ADDRESSES = dict(CHECKED)
"""What each port's instance holds."""
RESOLVER = "10.0.0.2"
SERVICES = (bytes((169, 254, 169, 254)), bytes((169, 254, 169, 253)), bytes((10, 0, 0, 2)))
KINDS = {"blackhole": "route_blackhole", "unreachable": "no_route"}
TAG = 4
"""The kernel's route look-up leaves room for a VLAN tag: what is longer by less is found only after the sender's groups."""
LINK_LOCAL = ipaddress.IPv6Address("fe80::1").packed
ALL_NODES, ALL_NODES_MAC = ipaddress.IPv6Address("ff02::1").packed, bytes.fromhex("333300000001")


@dataclass(frozen=True)
class Network:
    address: int
    mask: int
    family: int

    @classmethod
    def of(cls, cidr: str) -> Network:
        network = ipaddress.ip_network(cidr)
        return cls(int(network.network_address), int(network.netmask), len(network.network_address.packed))

    def has(self, address: bytes) -> bool:
        return len(address) == self.family and int.from_bytes(address, "big") & self.mask == self.address


_ROUTES = {
    table: sorted(((Network.of(net), kind, device) for kind, net, device in routes), key=lambda one: -one[0].mask)
    for table, routes in ROUTES.items()
}
_SUBNETS = {
    4: {name: Network.of(net) for name, net in SUBNETS.items()},
    16: {name: Network.of(net) for name, net in SUBNETS6.items()},
}
_CHECKED = {4: CHECKED, 16: CHECKED6}


def well_formed(frame: bytes) -> bool:
    """Version, lengths and checksum of an IPv4 header agree."""
    if len(frame) < 34:
        return False
    header, length = (frame[14] & 15) * 4, frame[16] << 8 | frame[17]
    if frame[14] >> 4 != 4 or header < 20 or length < header or 14 + length > len(frame):
        return False
    return checksum(frame[14 : 14 + header]) == 0


def well_formed6(frame: bytes) -> bool:
    """Version and length of an IPv6 header agree."""
    return len(frame) >= 54 and frame[14] >> 4 == 6 and 54 + (frame[18] << 8 | frame[19]) <= len(frame)


def carried6(address: bytes) -> bool:
    """What a VPC carries: neither multicast nor link-local, nor what begins with 64 zeros (unspecified, loopback, IPv4 in disguise)."""
    return unicast6(address) and address[:8] != bytes(8)


class Router:
    """`eni` answers the verdict; `out` are then the bytes that have to leave, None if they are not judged."""

    def __init__(self, ports: dict[str, PortFacts]) -> None:
        self.ports = ports
        self.out: bytes | None = None
        self.begin()

    def begin(self) -> None:
        """Nothing is known of any flow."""
        self.guards = Guards(SUBNETS)

    def eni(self, port: str, frame: bytes) -> str:
        self.out = None
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return self.arp(port, frame)
        if kind == b"\x86\xdd":
            return self.ipv6(port, frame)
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
        if _SUBNETS[4][port].has(destination) and destination[3] == 1:
            return "to_router"
        if frame[22] <= 1:
            return "ttl_exceeded"
        return self.route(port, frame, destination)

    def ipv6(self, port: str, frame: bytes) -> str:
        if port not in SUBNETS6:
            return "ipv6_not_enabled"
        if not well_formed6(frame):
            return "malformed"
        if frame[20] == ICMP6 and len(frame) > 54 and 133 <= frame[54] <= 137:
            return self.neighbour(port, frame)
        source, destination = frame[22:38], frame[38:54]
        if frame[0] & 1 or not carried6(source) or not carried6(destination):
            return "not_unicast"
        if CHECKED6.get(port, source) != source:
            return "source_check"
        if self.is_router(port, destination):
            return "to_router"
        if frame[21] <= 1:
            return "ttl_exceeded"
        return self.route(port, frame, destination)

    def is_router(self, port: str, address: bytes) -> bool:
        """The first address of the port's subnet."""
        return _SUBNETS[16][port].has(address) and address[8:] == bytes(7) + b"\1"

    def arp(self, port: str, frame: bytes) -> str:
        """Every address of the subnet has the router's MAC, but for the ENI's own, of which hosts ask whether it is taken."""
        asked = frame[38:42]
        if len(frame) < 42 or frame[14:22] != bytes.fromhex("0001080006040001") or not _SUBNETS[4][port].has(asked):
            return "arp_unanswered"
        if CHECKED.get(port) == asked:
            return "arp_unanswered"
        mac, asker = self.ports[port].mac, frame[22:28]
        self.out = b"".join(
            (frame[6:12], mac, frame[12:20], b"\0\2", mac, asked, asker, frame[28:32], frame[42:]),
        )
        return "arp_answered"

    def neighbour(self, port: str, frame: bytes) -> str:
        """As ARP (RFC 4861, 7.1.1: hop limit 255, code 0, 24 bytes or more); the router has a link-local address besides. Who has no
        address yet is answered before all nodes (7.2.4)."""
        asked = frame[62:78]
        if frame[54:56] != b"\x87\0" or frame[21] != 255 or (frame[18] << 8 | frame[19]) < 24:
            return "neighbour_unanswered"
        router = self.is_router(port, asked) or asked == LINK_LOCAL
        if not router and (not _SUBNETS[16][port].has(asked) or CHECKED6.get(port) == asked):
            return "neighbour_unanswered"
        mac, asker = self.ports[port].mac, frame[22:38]
        nameless = asker == bytes(16)
        to, to_mac = (ALL_NODES, ALL_NODES_MAC) if nameless else (asker, frame[6:12])
        flags = (0x80 if router else 0) | (0 if nameless else 0x40) | 0x20
        body = bytes((136, 0, 0, 0, flags, 0, 0, 0)) + asked + b"\2\1" + mac
        total = checksum(asked + to + pack("!II", len(body), ICMP6) + body)
        header = pack("!IHBB", 6 << 28, len(body), ICMP6, 255) + asked + to
        self.out = to_mac + mac + frame[12:14] + header + body[:2] + pack("!H", total) + body[4:]
        return "neighbour_answered"

    def route(self, port: str, frame: bytes, destination: bytes) -> str:
        """The route table, where `throw` is AWS's local route, then the host routes; inside the subnet only those."""
        found = None
        family = len(destination)
        if not _SUBNETS[family][port].has(destination):
            found = self.look_up(TABLES[port], destination)
        if found is None or found[0] == "throw":
            found = self.look_up(900, destination)
            if found is None:
                return "no_such_address"
        kind, device = found
        if kind != "unicast":
            return KINDS[kind]
        leaving = self.ports[device]
        if len(frame) - 14 > leaving.mtu + TAG:
            return "mtu_exceeded"
        egress, ingress = self.guards.asks(port, device, frame)
        if egress:
            return egress
        if _CHECKED[family].get(device, destination) != destination:
            return "dest_check"
        if len(frame) - 14 > leaving.mtu:
            return "mtu_exceeded"
        if ingress:
            return ingress
        self.out = leaving.peer_mac + leaving.mac + frame[12:14] + self.hopped(frame, family)
        return "eni_forwarded"

    def hopped(self, frame: bytes, family: int) -> bytes:
        """The packet one router later."""
        if family == 16:
            return frame[14:21] + bytes((frame[21] - 1,)) + frame[22:]
        header = bytearray(frame[14 : 14 + (frame[14] & 15) * 4])
        header[8] -= 1
        header[10:12] = b"\0\0"
        header[10:12] = pack("!H", checksum(bytes(header)))
        return bytes(header) + frame[14 + len(header) :]

    def look_up(self, table: int, destination: bytes) -> tuple[str, str] | None:
        """The longest prefix."""
        return next(((kind, device) for net, kind, device in _ROUTES.get(table, ()) if net.has(destination)), None)
