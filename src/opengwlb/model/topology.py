"""The network that should exist, as a value: boxes, links, routes. `policy` makes it, `fabric` builds it.

One network element, one box (a network namespace); one veth pair per link. Readable with `ip netns`, `ip link`, `ip route`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

PORT_PLACES = 65536
"""Devices that one server may have: the programs find a port's configuration at its ifindex modulo this."""

HOST = "host"
"""What the server's own network namespace is called as the box of a port. It is no box: it is not made, and never removed."""


class BoxKind(StrEnum):
    INTERNET = "internet"
    IGW = "igw"
    VPC = "vpc"
    GWLB = "gwlb"
    INSTANCE = "instance"
    SERVICE = "service"
    """Behind an interface endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    id: str
    """`internet`, `igw-…`, `vpc-…`, `gwlb-<16 hex of the ARN>`, `i-…` or an interface endpoint's `vpce-…`.

    The namespace is `<--name>-<device_name(id)>`."""
    kind: BoxKind
    addresses: tuple[str, ...] = ()
    """On the box's loopback, with prefix length: `203.0.113.10/32`. The clients of the internet box live on these."""


class Program(StrEnum):
    """What is attached to a port by tcx. Names are those of `bpf/*.bpf.c`."""

    ENI = "eni"
    ENDPOINT = "endpoint"
    TARGET = "target"
    IGW = "igw"
    """Both directions of the IGW box's VPC-side port."""
    UPLINK = "uplink"
    """The host's end of an uplink."""
    NIC = "nic"
    """A NIC of this machine that is an uplink."""
    INSPECTOR = "inspector"
    """The in-kernel appliance, on the instance's own end."""


class PortRef(NamedTuple):
    box: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One end of a link."""

    box: str
    device: str
    mac: str
    mtu: int
    addresses: tuple[str, ...] = ()
    """With prefix length: `10.0.0.37/28`."""
    ipv6: bool = False
    """The kernel speaks IPv6 on it: needed for IPv6 addresses, for routes that leave by it, and for its neighbours."""
    program: Program | None = None
    """Attached while the link is still down: a crash in between leaves a dead link, not an open one."""
    offloads_off: frozenset[str] = frozenset()
    """Feature names of `ethtool -k` that must be off; all others stay as the kernel made them."""

    @property
    def ref(self) -> PortRef:
        return PortRef(self.box, self.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    id: str
    """`eni-…`, `vpce-…`, `igw-…`, `igw-…/internet`: the altname of both ends (without the slash part)."""
    a: Port
    b: Port


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRoute:
    box: str
    table: int
    """254 is the kernel's main table."""
    destination: str
    """CIDR; `0.0.0.0/0` for the default route."""
    kind: Literal["unicast", "throw", "blackhole", "unreachable"] = "unicast"
    device: str | None = None
    via: str | None = None
    """Next hop, installed `onlink`."""
    metric: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRule:
    box: str
    priority: int
    table: int
    fwmark: int | None = None
    source: str | None = None
    """An address of the box: the rule is for what it sends from there."""
    ipv6: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A permanent neighbour entry."""

    box: str
    device: str
    address: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNic:
    """A NIC of this machine that a link goes on to: it is given its program and otherwise left as it is."""

    device: str
    link: str
    mac: str
    """The router answers for it by this MAC, so a NIC of another is not joined."""

    @property
    def ref(self) -> PortRef:
        return PortRef(HOST, self.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    routes: frozenset[KernelRoute] = frozenset()
    rules: frozenset[KernelRule] = frozenset()
    neighbours: frozenset[Neighbour] = frozenset()
    nics: frozenset[HostNic] = frozenset()


VPC_MTU = 9001
INTERNET_MTU = 1500
DELIVERY_TABLE = 900
"""The table of host routes in a VPC's box: where an address of the VPC is delivered. Route tables are numbered from 1000."""
ENCAP_OVERHEAD = 68
"""IPv4 20 + UDP 8 + GENEVE 8 + options 32 (facts 1.1)."""
INNER_MTU = 8500
"""The largest inner packet a Gateway Load Balancer carries (facts 1.6)."""
