"""What the kernel programs must know, as a value. `policy` makes it, `dataplane` turns it into map entries.

Entries name ports, not ifindexes: the fabric knows those once the links exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from .topology import PortRef


class EniRole(IntEnum):
    """What stands behind a port of a VPC router (`enum eni_role` in bpf/shared/layout.h)."""

    ENI = 1
    IGW = 2
    ENDPOINT = 3
    UPLINK = 4


Table = tuple[tuple[int, int], ...]
"""Intervals as (where it begins, the bits that hold there), ascending, the first from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One direction of a rule set. A packet matches by the bits that its service and its peer have in common."""

    services: Table = ((0, 0),)
    """By protocol << 17 and destination port, or ICMP type << 8 | code; 1 << 16 stands for ports that nobody can tell."""
    ipv4: Table = ((0, 0),)
    """By the peer's address."""
    ipv6: Table = ((0, 0),)
    classes: Table = ((0, 0),)
    """By the peer's class, as in `Plane.members`."""
    everywhere4: int = 0
    """Bits of the rules for 0.0.0.0/0."""
    everywhere6: int = 0
    full: int = 0
    """Which protocols a rule allows altogether, to or from everywhere: bit 0 TCP and 1 UDP over IPv4, 2 and 3 over IPv6."""
    allow: int = 0
    """Network ACLs: the bits of entries that allow; the lowest bit that matches decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """What several interfaces with the same groups, or subnets with the same ACL, share."""

    egress: Rules
    ingress: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What guards one network interface."""

    interface: str
    """On which errors are reported."""
    owner: int
    """32 bits of the interface's id: whose tracked flows these are."""
    vpc: int
    """As in `Plane.members`."""
    groups: RuleSet | None = None
    """None: no groups, nothing is refused."""
    acl: RuleSet | None = None
    """None: everything passes."""
    refused: str = ""
    """Why the rules cannot be kept by the programs; then nothing passes."""
    tcp_idle_s: int = 432_000
    udp_idle_s: int = 30
    udp_stream_idle_s: int = 180
    guards4: bool = False
    """TCP or UDP over IPv4 may be refused."""
    guards6: bool = False
    guards_other: bool = False
    """Other protocols may be refused, or have to be tracked."""


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
    ipv6: bool = False
    """The VPC has IPv6; without, packets of it are dropped."""
    subnet6: str | None = None
    """The /64 of the ENI's subnet, as `subnet`."""
    addresses6: tuple[str, ...] = ()
    source_dest_check: bool = True
    flow_log: bool = False
    """A flow log covers it: what it sends and receives is recorded."""
    resolver: str | None = None
    """The VPC's name server, where it has one."""
    guard: Guard | None = None
    """None: whatever enters or leaves here is nobody's to refuse. Behind an uplink, for addresses that are not in `behind`."""
    behind: tuple[tuple[str, Guard], ...] = ()
    """Of an uplink: each address is an interface with a guard of its own."""
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
    stickiness: int = 5
    """How much of the tuple makes a flow: 5, 3 (addresses and protocol) or 2 (addresses)."""
    fail_open: bool = False
    """`targets` are unhealthy ones, because no other is left."""
    reset_on_idle: bool = False
    """Answer TCP of no known flow with a reset to its sender (listener attribute)."""
    adopt: bool = False
    """Admit TCP of no known flow without a SYN, by the Maglev answer (attribute `opengwlb.adopt.enabled`)."""
    pmtud: bool = False
    """Answer packets that are too big instead of dropping them silently (attribute `opengwlb.pmtud.enabled`)."""
    mss_clamping: bool = True
    """Lower the MSS in SYNs to what fits 8500 bytes (attribute `opengwlb.mss_clamping.enabled`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry:
    slot: int
    generation: int
    address: str
    reset: Literal["", "unhealthy", "deregistered"] = ""
    """Why TCP of flows pinned to this target is answered with a reset to its sender (target group attributes)."""


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
class Gateway6Entry:
    """An internet gateway of a VPC with IPv6: nothing is translated, but only these addresses pass."""

    port: PortRef
    """The VPC-side port in the IGW's box."""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkEntry:
    """What enters a NIC leaves by the host's end of its uplink, and the other way."""

    uplink: str
    nic: PortRef
    inner: PortRef


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectorRule:
    """One rule of the in-kernel appliance. First match wins; no match returns the packet."""

    action: str
    """`allow` or `deny`."""
    source: str | None = None
    destination: str | None = None
    """A CIDR block of IPv4 or IPv6, both of one family; None: any, of both."""
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
    gateways6: dict[PortRef, Gateway6Entry] = field(default_factory=dict)
    inspectors: dict[PortRef, InspectorEntry] = field(default_factory=dict)
    uplinks: frozenset[UplinkEntry] = frozenset()
    members: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """(VPC's number, private address) -> the class of all who have the same security groups."""
