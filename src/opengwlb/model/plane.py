"""What the kernel programs must know, as a value. `policy` makes it, `dataplane` turns it into map entries.

Entries name ports, not ifindexes: the fabric knows those once the links exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .topology import PortRef


class EniRole(IntEnum):
    """What stands behind a port of a VPC router (`enum eni_role` in bpf/shared/layout.h)."""

    ENI = 1
    IGW = 2
    ENDPOINT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EniEntry:
    """A port of a VPC router: how `eni.bpf.c` treats what enters by it, and how it addresses what leaves by it."""

    port: PortRef
    role: EniRole
    table: int
    """Route table consulted for packets that enter here; the delivery table for an IGW without an edge association."""
    delivery: int
    subnet: str | None = None
    """The ENI's subnet: destinations inside it skip the route table. None for an IGW."""
    addresses: tuple[str, ...] = ()
    """The ENI's own addresses, for the source/dest check."""
    source_dest_check: bool = True
    mac: str
    """Of the router's end; also the answer to every ARP request and neighbour solicitation."""
    peer_mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntry:
    """One zone of one load balancer."""

    slot: int
    address: str
    """The node's IPv4 address: outer source toward targets, outer destination of returns."""
    port: PortRef
    """The node's ENI in the GWLB's box."""
    mac: str
    peer_mac: str
    targets: tuple[int, ...] = ()
    """Target slots that new flows are spread over, sorted. Empty: new flows are dropped and counted."""
    tcp_idle_s: int = 350
    other_idle_s: int = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry:
    slot: int
    generation: int
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEntry:
    """A Gateway Load Balancer endpoint, seen from the GWLB's box."""

    endpoint: int
    """64-bit id, as in the TLV."""
    port: PortRef
    """The endpoint's end in the GWLB's box."""
    node: int
    """Slot of the node in the endpoint's zone."""
    mac: str
    peer_mac: str
    dualstack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NatEntry:
    """One public address of an internet gateway, stateless 1:1."""

    port: PortRef
    """The VPC-side port in the IGW's box."""
    private: str
    public: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectorRule:
    """One deny rule of the in-kernel appliance. First match wins; no match returns the packet."""

    action: str
    """`allow` or `deny`."""
    source: str = "0.0.0.0/0"
    destination: str = "0.0.0.0/0"
    protocol: int = 0
    """IP protocol number; 0 is any."""
    from_port: int = 0
    to_port: int = 65535
    """Destination port range, for TCP and UDP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectorEntry:
    port: PortRef
    """The instance's own end of its ENI."""
    rules: tuple[InspectorRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    enis: dict[PortRef, EniEntry] = field(default_factory=dict)
    nodes: dict[int, NodeEntry] = field(default_factory=dict)
    targets: dict[int, TargetEntry] = field(default_factory=dict)
    endpoints: dict[int, EndpointEntry] = field(default_factory=dict)
    nats: frozenset[NatEntry] = frozenset()
    inspectors: dict[PortRef, InspectorEntry] = field(default_factory=dict)
