"""Subnets: a zone's piece of a VPC's block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import IPv4Network

from opengwlb.api.common import arns, cidrs, defaults, ipv6, network_acls, quotas, resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import bad_combination, dependency, dry_run, invalid_value, missing, needed, refuse
from opengwlb.api.common.filters import flag
from opengwlb.api.common.private_addresses import taken_addresses
from opengwlb.api.common.zones import choose_zone
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import Ipv6Block, NetworkInterface, RouteTable, Subnet, Vpc
from opengwlb.policy import addressing
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


def _none(_: Subnet) -> Iterable[str]:
    return ()


def _off(_: Subnet) -> Iterable[str]:
    return flag(False)


def _ipv6(subnet: Subnet) -> tuple[Ipv6Block, ...]:
    return (subnet.ipv6,) if subnet.ipv6 is not None else ()


def spec(view: View) -> Mapping[str, Callable[[Subnet], Iterable[str]]]:
    return {
        "availability-zone": lambda subnet: (subnet.zone,),
        "availabilityZone": lambda subnet: (subnet.zone,),
        "availability-zone-id": lambda subnet: (subnet.zone_id,),
        "available-ip-address-count": lambda subnet: (str(free_addresses(view, subnet)),),
        "cidr-block": lambda subnet: (subnet.cidr,),
        "cidr": lambda subnet: (subnet.cidr,),
        "cidrBlock": lambda subnet: (subnet.cidr,),
        "customer-owned-ipv4-pool": _none,
        "default-for-az": lambda subnet: flag(subnet.default_for_az),
        "defaultForAz": lambda subnet: flag(subnet.default_for_az),
        "enable-dns64": _off,
        "enable-lni-at-device-index": _none,
        "ipv6-cidr-block-association.ipv6-cidr-block": lambda subnet: [block.cidr for block in _ipv6(subnet)],
        "ipv6-cidr-block-association.association-id": lambda subnet: [block.association for block in _ipv6(subnet)],
        "ipv6-cidr-block-association.state": lambda subnet: ["associated" for _ in _ipv6(subnet)],
        "ipv6-native": _off,
        "map-customer-owned-ip-on-launch": _off,
        "map-public-ip-on-launch": lambda subnet: flag(subnet.map_public_ip_on_launch),
        "outpost-arn": _none,
        "owner-id": lambda subnet: (subnet.account,),
        "private-dns-name-options-on-launch.hostname-type": lambda _: ("ip-name",),
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": _off,
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": _off,
        "state": lambda subnet: (subnet.state,),
        "subnet-arn": lambda subnet: (arns.ec2(subnet),),
        "subnet-id": lambda subnet: (subnet.id,),
        "vpc-id": lambda subnet: (subnet.vpc,),
    }


def free_addresses(view: View, subnet: Subnet) -> int:
    return addressing.assignable(IPv4Network(subnet.cidr)) - len(taken_addresses(view, subnet.id))


def answer(view: View, subnet: Subnet) -> Answer:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": arns.ec2(subnet),
        "OwnerId": subnet.account,
        "VpcId": subnet.vpc,
        "State": subnet.state,
        "CidrBlock": subnet.cidr,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": subnet.zone_id,
        "AvailableIpAddressCount": free_addresses(view, subnet),
        "DefaultForAz": subnet.default_for_az,
        "MapPublicIpOnLaunch": subnet.map_public_ip_on_launch,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": subnet.assign_ipv6_address_on_creation,
        "Ipv6CidrBlockAssociationSet": [ipv6.subnet_association(block) for block in _ipv6(subnet)],
        "Ipv6Native": False,
        "EnableDns64": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "Tags": tags.answer(subnet.tags),
    }


@action("ec2", "CreateSubnet")
def create_subnet(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(params, ("Ipv6Native",), because="every subnet has an IPv4 block.")
    refuse(
        params,
        ("Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6NetmaskLength"),
        because="there is no IP address manager.",
    )
    refuse(params, ("OutpostArn",), because="there are no outposts.")
    if not params.get("CidrBlock"):
        raise missing("cidrBlock")
    network = cidrs.sized_block(params["CidrBlock"], parameter="cidrBlock", code="InvalidSubnet.Range")
    zone = choose_zone(ctx.region, name=params.get("AvailabilityZone"), zone_id=params.get("AvailabilityZoneId"))
    given = tags.from_specifications(params, "subnet")

    def work(tx: Transaction) -> Answer:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if not any(network.subnet_of(IPv4Network(cidr)) for cidr in vpc.cidrs):
            raise AwsError("InvalidSubnet.Range", f"The CIDR '{params['CidrBlock']}' is invalid.")
        others = list(resources.in_vpc(tx, Subnet, vpc.id))
        quotas.check(ctx, tx, "subnets-per-vpc", count=len(others) + 1)
        if any(network.overlaps(IPv4Network(other.cidr)) for other in others):
            raise AwsError("InvalidSubnet.Conflict", f"The CIDR '{params['CidrBlock']}' conflicts with another subnet")
        wanted = params.get("Ipv6CidrBlock")
        block = ipv6.new_subnet_block(tx, vpc, wanted) if wanted else None
        made = defaults.put_subnet(tx, vpc, zone=zone, cidr=network, ipv6=block, tags=given)
        return answer(tx, made)

    return {"Subnet": ctx.store.transact(work)}


@action("ec2", "CreateDefaultSubnet")
def create_default_subnet(ctx: Context, params: Parameters) -> Answer:
    """In the default VPC, of the size that its others have, where a zone has lost its own."""
    refuse(params, ("Ipv6Native",), because="every subnet has an IPv4 block.")
    if not params.get("AvailabilityZone") and not params.get("AvailabilityZoneId"):
        raise missing("availabilityZone")
    zone = choose_zone(ctx.region, name=params.get("AvailabilityZone"), zone_id=params.get("AvailabilityZoneId"))

    def work(tx: Transaction) -> Answer:
        vpc = next((each for each in resources.owned(ctx, tx, Vpc) if each.is_default), None)
        if vpc is None:
            raise AwsError("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
        subnets = list(resources.in_vpc(tx, Subnet, vpc.id))
        there = next((each for each in subnets if each.default_for_az and each.zone == zone.name), None)
        if there is not None:
            raise AwsError(
                "DefaultSubnetAlreadyExistsInAvailabilityZone",
                f"'{there.id}' is already the default subnet in {zone.name}.",
            )
        taken = [IPv4Network(each.cidr) for each in subnets]
        quotas.check(ctx, tx, "subnets-per-vpc", count=len(taken) + 1)
        pieces = IPv4Network(vpc.cidr).subnets(new_prefix=defaults.DEFAULT_SUBNET_PREFIX)
        free = next((piece for piece in pieces if not any(piece.overlaps(each) for each in taken)), None)
        if free is None:
            raise AwsError(
                "InsufficientFreeAddressesInVpc", f"{vpc.id} has no room for another /{defaults.DEFAULT_SUBNET_PREFIX}."
            )
        dry_run(params)
        return answer(tx, defaults.put_subnet(tx, vpc, zone=zone, cidr=free, default=True))

    return {"Subnet": ctx.store.transact(work)}


@action("ec2", "DescribeSubnets")
def describe_subnets(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    found, more = describe(ctx, snapshot, params, kind=Subnet, ids="SubnetIds", spec=spec(snapshot))
    return {"Subnets": [answer(snapshot, subnet) for subnet in found], **more}


@action("ec2", "DeleteSubnet")
def delete_subnet(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        subnet = resources.require(ctx, tx, Subnet, params["SubnetId"])
        if _in_use(tx, subnet):
            raise dependency("subnet", subnet.id)
        for table in list(resources.in_vpc(tx, RouteTable, subnet.vpc)):
            kept = tuple(each for each in table.associations if each.subnet != subnet.id)
            tx.put(replace(table, associations=kept))
        network_acls.dissociate(tx, subnet.id)
        tx.delete(Subnet, subnet.id)

    ctx.store.transact(work)
    return {}


def _in_use(view: View, subnet: Subnet) -> bool:
    return (
        any(each.subnet == subnet.id for each in view.values(NetworkInterface))
        or any(each.subnet == subnet.id for each in view.values(VpcEndpoint))
        or any(each.subnet == subnet.id for each in view.values(Uplink))
        or any(zone.subnet == subnet.id for each in view.values(LoadBalancer) for zone in each.zones)
    )


@action("ec2", "ModifySubnetAttribute")
def modify_subnet_attribute(ctx: Context, params: Parameters) -> Answer:
    given = {name: value for name, value in params.items() if name != "SubnetId" and value is not None}
    if len(given) != 1:
        raise bad_combination("Exactly one attribute must be specified.")
    wanted = {
        name: needed(value, "Value", within=name) if isinstance(value, dict) else value for name, value in given.items()
    }
    honoured = ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation")
    # What only names the state that every subnet is in changes nothing and is taken.
    as_it_is = wanted.get("PrivateDnsHostnameTypeOnLaunch") == "ip-name"
    if not as_it_is:
        refuse(
            wanted, [name for name in wanted if name not in honoured], because="subnets do not have this attribute yet."
        )

    def work(tx: Transaction) -> None:
        subnet = resources.require(ctx, tx, Subnet, params["SubnetId"])
        assign = wanted.get("AssignIpv6AddressOnCreation", subnet.assign_ipv6_address_on_creation)
        if assign and subnet.ipv6 is None:
            raise invalid_value(
                "Invalid value 'true' for assignIpv6AddressOnCreation. "
                f"The subnet '{subnet.id}' does not have an IPv6 CIDR block associated with it."
            )
        tx.put(
            replace(
                subnet,
                map_public_ip_on_launch=wanted.get("MapPublicIpOnLaunch", subnet.map_public_ip_on_launch),
                assign_ipv6_address_on_creation=assign,
            )
        )

    ctx.store.transact(work)
    return {}
