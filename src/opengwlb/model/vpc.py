"""The VPC's objects, as EC2 describes them. Frozen values: no I/O, no clock.

Every object has `id` (its key in the store), `account` and `region`; tags live on the object. Times are seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Tags = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ipv6Block:
    """An IPv6 block associated with a VPC (a /56) or a subnet (a /64)."""

    association: str
    """`vpc-cidr-assoc-…` or `subnet-cidr-assoc-…`."""
    cidr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ipv4Block:
    """A further IPv4 block associated with a VPC."""

    association: str
    """`vpc-cidr-assoc-…`."""
    cidr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vpc:
    id: str
    account: str
    region: str
    cidr: str
    tags: Tags = field(default_factory=dict)
    state: Literal["pending", "available"] = "available"
    instance_tenancy: str = "default"
    enable_dns_support: bool = True
    enable_dns_hostnames: bool = False
    is_default: bool = False
    main_route_table: str
    default_security_group: str
    default_network_acl: str
    """The `acl-…` that new subnets are associated with."""
    dhcp_options: str
    """A `dopt-…`, or `default`: none."""
    cidr_association: str
    """`vpc-cidr-assoc-…`."""
    further: tuple[Ipv4Block, ...] = ()
    """IPv4 blocks beside `cidr`, which is the primary one and stays."""
    ipv6: tuple[Ipv6Block, ...] = ()

    @property
    def cidrs(self) -> tuple[str, ...]:
        """Every IPv4 block, the primary one first."""
        return (self.cidr, *(block.cidr for block in self.further))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    id: str
    account: str
    region: str
    vpc: str
    cidr: str
    zone: str
    """`ap-northeast-2a`."""
    zone_id: str
    """`apne2-az1`."""
    tags: Tags = field(default_factory=dict)
    state: Literal["pending", "available"] = "available"
    map_public_ip_on_launch: bool = False
    default_for_az: bool = False
    ipv6: Ipv6Block | None = None
    assign_ipv6_address_on_creation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InternetGateway:
    id: str
    account: str
    region: str
    vpc: str | None = None
    """The attached VPC; one at a time."""
    tags: Tags = field(default_factory=dict)


RouteTarget = Literal["local", "gateway", "network-interface", "vpc-endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    destination: str
    """Canonical CIDR, IPv4 or IPv6."""
    target_type: RouteTarget
    target: str
    """`local`, `igw-…`, `eni-…` or `vpce-…`."""
    origin: Literal["CreateRouteTable", "CreateRoute", "EnableVgwRoutePropagation"] = "CreateRoute"
    instance: str | None = None
    """Set when the caller named an instance: its primary ENI is `target`."""
    state: Literal["active", "blackhole"] = "active"
    """Status, written by control: `blackhole` once the target is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTableAssociation:
    id: str
    """`rtbassoc-…`."""
    main: bool = False
    subnet: str | None = None
    gateway: str | None = None
    """An `igw-…`: an edge association."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    id: str
    account: str
    region: str
    vpc: str
    number: int
    """The kernel routing table in the VPC's box that holds these routes (`ip route show table N`); unique in the VPC, from 1000."""
    routes: tuple[Route, ...]
    associations: tuple[RouteTableAssociation, ...] = ()
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An ENI on an instance."""

    id: str
    """`eni-attach-…`."""
    instance: str
    device_index: int
    delete_on_termination: bool
    attach_time: float
    status: Literal["attaching", "attached"] = "attaching"
    """Written by control: `attached` once the interface is in the instance's box, or the instance is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTracking:
    """How long a security group remembers a silent connection, in seconds; None: AWS's default."""

    tcp_established_s: int | None = None
    udp_stream_s: int | None = None
    """UDP that went both ways more than once."""
    udp_s: int | None = None
    """UDP that went one way, or was answered once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInterface:
    id: str
    account: str
    region: str
    vpc: str
    subnet: str
    zone: str
    private_ip: str
    """The primary private address, which stays."""
    further_ips: tuple[str, ...] = ()
    """Secondary private addresses, in the order in which they came."""
    ipv6_addresses: tuple[str, ...] = ()
    mac: str
    """Of the ENI itself (the box's own end)."""
    interface_type: Literal["interface", "gateway_load_balancer", "gateway_load_balancer_endpoint", "vpc_endpoint"] = (
        "interface"
    )
    requester_managed: bool = False
    requester_id: str | None = None
    description: str = ""
    source_dest_check: bool = True
    groups: tuple[str, ...] = ()
    attachment: Attachment | None = None
    owner_object: str | None = None
    """The load balancer ARN or `vpce-…` a requester-managed ENI belongs to."""
    uplink: str | None = None
    """The `uplink-…` behind which this address is, outside this machine (docs/decisions/0009-uplinks.md)."""
    tracking: ConnectionTracking = field(default_factory=ConnectionTracking)
    tags: Tags = field(default_factory=dict)

    @property
    def private_ips(self) -> tuple[str, ...]:
        """Every private IPv4 address, the primary one first."""
        return (self.private_ip, *self.further_ips)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An elastic address. Also made by the service itself for an instance launched with a public IP (`automatic`)."""

    id: str
    """`eipalloc-…`."""
    account: str
    region: str
    public_ip: str
    association: str | None = None
    """`eipassoc-…`."""
    network_interface: str | None = None
    private_ip: str | None = None
    """The interface's private address that it stands for; None: the primary one."""
    automatic: bool = False
    """True: not an elastic address, not shown by DescribeAddresses, released with the instance."""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroupRule:
    """One rule: one protocol and port range, one peer (CIDR or group)."""

    id: str
    """`sgr-…`."""
    egress: bool
    protocol: str
    """`tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1`."""
    from_port: int = -1
    to_port: int = -1
    cidr: str | None = None
    """IPv4 or IPv6."""
    group: str | None = None
    group_account: str | None = None
    description: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """Allows and never denies; `bpf/eni.bpf.c` keeps it at every ENI that has it."""

    id: str
    account: str
    region: str
    vpc: str
    name: str
    description: str
    rules: tuple[SecurityGroupRule, ...] = ()
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAclEntry:
    """One numbered rule of a network ACL. The lowest number that matches decides; what none matches is denied."""

    number: int
    """1 to 32766. AWS's `*` entry (32767) is not stored: it is what is left."""
    egress: bool
    allow: bool
    protocol: str
    """A number as text, or `-1`."""
    cidr: str
    """Canonical, IPv4 or IPv6."""
    from_port: int = 0
    to_port: int = 65535
    """Destination ports, for TCP and UDP (6 and 17)."""
    icmp_type: int = -1
    icmp_code: int = -1
    """For ICMP and ICMPv6 (1 and 58); -1: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAclAssociation:
    id: str
    """`aclassoc-…`."""
    subnet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAcl:
    """Stateless, at the edge of its subnets. Every subnet is associated with exactly one; with the VPC's default one at first."""

    id: str
    account: str
    region: str
    vpc: str
    is_default: bool = False
    entries: tuple[NetworkAclEntry, ...] = ()
    associations: tuple[NetworkAclAssociation, ...] = ()
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpOptions:
    """What AWS's DHCP server would say. Stored and described; instances get their addresses and name server otherwise."""

    id: str
    """`dopt-…`."""
    account: str
    region: str
    values: tuple[tuple[str, tuple[str, ...]], ...]
    """(`domain-name-servers`, its values) and so on, as given."""
    tags: Tags = field(default_factory=dict)
