"""What an account finds in a region it has never used: a default VPC that reaches the internet.

AWS makes it with the account. Here any region is valid, so it is made lazily, at the first call that names the region:
dispatch calls `ensure_region` before every EC2 or ELBv2 action. A user may delete the default VPC: a remembered token
keeps it from coming back by itself (CreateDefaultVpc makes a new one).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from ipaddress import IPv4Network

from opengwlb.api.common import network_acls
from opengwlb.api.common.zones import Zone, zones
from opengwlb.model.account import ClientToken
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import (
    DhcpOptions,
    InternetGateway,
    Ipv6Block,
    NetworkAcl,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Tags,
    Vpc,
)
from opengwlb.policy.resolver import private_domain
from opengwlb.store.protocol import Store, Transaction

DEFAULT_CIDR = IPv4Network("172.31.0.0/16")
DEFAULT_SUBNET_PREFIX = 20
FIRST_TABLE_NUMBER = 1000
"""Kernel routing tables below are the kernel's own and the delivery table."""


def _mark(account: str, region: str) -> str:
    return f"{account}/{region}/CreateDefaultVpc/first-use"


def ensure_region(store: Store, *, account: str, region: str) -> None:
    """Make the default VPC of this account and region unless the region was used before.

    One look-up in the snapshot when there is nothing to do, so it may stand before every call.
    """
    mark = _mark(account, region)
    if store.snapshot().get(ClientToken, mark) is not None:
        return

    def work(tx: Transaction) -> None:
        if tx.get(ClientToken, mark) is None:
            made = make_default_vpc(tx, account=account, region=region)
            tx.put(ClientToken(id=mark, arguments_sha256="", resource_id=made.id))

    store.transact(work)


def make_default_vpc(tx: Transaction, *, account: str, region: str) -> Vpc:
    """172.31.0.0/16, a /20 subnet in each zone, public addresses at launch, a default route to an internet gateway."""
    gateway_id = new_id("igw")
    vpc = make_vpc(
        tx,
        account=account,
        region=region,
        cidr=DEFAULT_CIDR,
        is_default=True,
        routes=(Route(destination="0.0.0.0/0", target_type="gateway", target=gateway_id),),
    )
    tx.put(InternetGateway(id=gateway_id, account=account, region=region, vpc=vpc.id))
    for zone, cidr in zip(zones(region), DEFAULT_CIDR.subnets(new_prefix=DEFAULT_SUBNET_PREFIX), strict=False):
        put_subnet(tx, vpc, zone=zone, cidr=cidr, default=True)
    return vpc


def put_subnet(
    tx: Transaction,
    vpc: Vpc,
    *,
    zone: Zone,
    cidr: IPv4Network,
    ipv6: Ipv6Block | None = None,
    default: bool = False,
    tags: Tags | None = None,
) -> Subnet:
    """Make and put a subnet, associated with the VPC's default network ACL."""
    subnet = Subnet(
        id=new_id("subnet"),
        account=vpc.account,
        region=vpc.region,
        vpc=vpc.id,
        cidr=str(cidr),
        zone=zone.name,
        zone_id=zone.id,
        map_public_ip_on_launch=default,
        ipv6=ipv6,
        default_for_az=default,
        tags=tags or {},
    )
    tx.put(subnet)
    network_acls.associate(tx, vpc.default_network_acl, subnet.id)
    return subnet


def make_vpc(
    tx: Transaction,
    *,
    account: str,
    region: str,
    cidr: IPv4Network,
    is_default: bool = False,
    instance_tenancy: str = "default",
    ipv6: tuple[Ipv6Block, ...] = (),
    tags: Tags | None = None,
    routes: Sequence[Route] = (),
) -> Vpc:
    """Make and put a VPC with what AWS makes along with it: main route table, default security group and network ACL.

    `routes` are added to the main table's local route.
    """
    vpc_id = new_id("vpc")
    table = RouteTable(
        id=new_id("rtb"),
        account=account,
        region=region,
        vpc=vpc_id,
        number=FIRST_TABLE_NUMBER,
        routes=(local_route(str(cidr)), *(local_route(block.cidr) for block in ipv6), *routes),
        associations=(RouteTableAssociation(id=new_id("rtbassoc"), main=True),),
    )
    group_id = new_id("sg")
    group = SecurityGroup(
        id=group_id,
        account=account,
        region=region,
        vpc=vpc_id,
        name="default",
        description="default VPC security group",
        rules=(
            SecurityGroupRule(id=new_id("sgr"), egress=False, protocol="-1", group=group_id, group_account=account),
            *allow_all_out(ipv6=bool(ipv6)),
        ),
    )
    vpc = Vpc(
        id=vpc_id,
        account=account,
        region=region,
        cidr=str(cidr),
        tags=tags or {},
        instance_tenancy=instance_tenancy,
        enable_dns_hostnames=is_default,
        is_default=is_default,
        main_route_table=table.id,
        default_security_group=group.id,
        default_network_acl=new_id("acl"),
        dhcp_options=_default_dhcp_options(tx, account=account, region=region),
        cidr_association=new_id("vpc-cidr-assoc"),
        ipv6=ipv6,
    )
    for made in (vpc, table, group, network_acls.default_of(vpc)):
        tx.put(made)
    return vpc


def local_route(cidr: str) -> Route:
    return Route(destination=cidr, target_type="local", target="local", origin="CreateRouteTable")


def allow_all_out(*, ipv6: bool) -> tuple[SecurityGroupRule, ...]:
    """The egress rules that every new security group starts with: IPv6's only in a VPC that has it."""
    everywhere = ("0.0.0.0/0", "::/0") if ipv6 else ("0.0.0.0/0",)
    return tuple(SecurityGroupRule(id=new_id("sgr"), egress=True, protocol="-1", cidr=cidr) for cidr in everywhere)


def _default_dhcp_options(tx: Transaction, *, account: str, region: str) -> str:
    """The id of the set that new VPCs have; made at first, and again when somebody has deleted it."""
    options = DhcpOptions(
        id=dhcp_options_id(account=account, region=region),
        account=account,
        region=region,
        values=(("domain-name", (private_domain(region),)), ("domain-name-servers", ("AmazonProvidedDNS",))),
    )
    if tx.get(DhcpOptions, options.id) is None:
        tx.put(options)
    return options.id


def dhcp_options_id(*, account: str, region: str) -> str:
    """The DHCP options set that an account's new VPCs in a region have; derived, so that it is the same after it was deleted."""
    digest = hashlib.sha256(f"{account}/{region}".encode()).hexdigest()
    return f"dopt-0{digest[:16]}"


def complete(store: Store) -> None:
    """Make what an older version did not store: the VPCs' default network ACLs, and their DHCP options.

    One look through the VPCs when there is nothing to do; the server calls it as it starts.
    """

    def incomplete(view: View) -> list[Vpc]:
        return [vpc for vpc in view.values(Vpc) if view.get(NetworkAcl, vpc.default_network_acl) is None]

    def work(tx: Transaction) -> None:
        for vpc in incomplete(tx):
            tx.put(network_acls.default_of(vpc))
            _default_dhcp_options(tx, account=vpc.account, region=vpc.region)
            for subnet in tx.values(Subnet):
                if subnet.vpc == vpc.id and network_acls.of_subnet(tx, subnet.id) is None:
                    network_acls.associate(tx, vpc.default_network_acl, subnet.id)

    if incomplete(store.snapshot()):
        store.transact(work)
