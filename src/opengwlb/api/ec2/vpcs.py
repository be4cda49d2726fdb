"""VPCs: an IPv4 block each, IPv6 ones where asked for, and what AWS makes along: main route table, default security group, network ACL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from opengwlb.api.common import cidrs, defaults, ipv6, quotas, resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dependency, dry_run, invalid_parameter, missing, refuse
from opengwlb.api.common.filters import flag
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import InternetGateway, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup, Subnet, Vpc
from opengwlb.policy import vpc_blocks
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .vpc_cidr_blocks import OWN_OR_POOL, associations

IPAM = ("Ipv4IpamPoolId", "Ipv4NetmaskLength")


SPEC: Mapping[str, Callable[[Vpc], Iterable[str]]] = {
    "cidr": lambda vpc: (vpc.cidr,),
    "cidr-block": lambda vpc: (vpc.cidr,),
    "cidr-block-association.cidr-block": lambda vpc: vpc.cidrs,
    "cidr-block-association.association-id": lambda vpc: [each["AssociationId"] for each in associations(vpc)],
    "cidr-block-association.state": lambda _: ("associated",),
    "dhcp-options-id": lambda vpc: (vpc.dhcp_options,),
    "ipv6-cidr-block-association.ipv6-cidr-block": lambda vpc: [block.cidr for block in vpc.ipv6],
    "ipv6-cidr-block-association.ipv6-pool": lambda vpc: [ipv6.POOL for _ in vpc.ipv6],
    "ipv6-cidr-block-association.association-id": lambda vpc: [block.association for block in vpc.ipv6],
    "ipv6-cidr-block-association.state": lambda vpc: ["associated" for _ in vpc.ipv6],
    "is-default": lambda vpc: flag(vpc.is_default),
    "isDefault": lambda vpc: flag(vpc.is_default),
    "owner-id": lambda vpc: (vpc.account,),
    "state": lambda vpc: (vpc.state,),
    "vpc-id": lambda vpc: (vpc.id,),
}


def answer(vpc: Vpc) -> Answer:
    return {
        "VpcId": vpc.id,
        "OwnerId": vpc.account,
        "State": vpc.state,
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": associations(vpc),
        "Ipv6CidrBlockAssociationSet": [ipv6.vpc_association(block, region=vpc.region) for block in vpc.ipv6],
        "DhcpOptionsId": vpc.dhcp_options,
        "InstanceTenancy": vpc.instance_tenancy,
        "IsDefault": vpc.is_default,
        "Tags": tags.answer(vpc.tags),
    }


@action("ec2", "CreateVpc")
def create_vpc(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(params, OWN_OR_POOL, because="IPv6 blocks are Amazon-provided.")
    refuse(params, IPAM, because="there is no IP address manager.")
    refuse(params, ("VpcEncryptionControl",), because="traffic inside a VPC is not encrypted.")
    if not params.get("CidrBlock"):
        raise missing("cidrBlock")
    network = cidrs.sized_block(params["CidrBlock"], parameter="cidrBlock", code="InvalidVpc.Range")
    if (refused := vpc_blocks.primary_refusal(network)) is not None:
        raise AwsError(refused.code, refused.message)
    tenancy = params.get("InstanceTenancy", "default")
    if tenancy not in ("default", "dedicated"):
        raise invalid_parameter(tenancy, parameter="instanceTenancy", reason="Use default or dedicated.")
    given = tags.from_specifications(params, "vpc")

    def work(tx: Transaction) -> Vpc:
        quotas.check(ctx, tx, "vpcs", count=len(resources.owned(ctx, tx, Vpc)) + 1)
        return defaults.make_vpc(
            tx,
            account=ctx.account,
            region=ctx.region,
            cidr=network,
            instance_tenancy=tenancy,
            ipv6=(ipv6.new_vpc_block(tx),) if params.get("AmazonProvidedIpv6CidrBlock") else (),
            tags=given,
        )

    return {"Vpc": answer(ctx.store.transact(work))}


@action("ec2", "CreateDefaultVpc")
def create_default_vpc(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> Vpc:
        if any(vpc.is_default for vpc in resources.owned(ctx, tx, Vpc)):
            raise AwsError("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
        return defaults.make_default_vpc(tx, account=ctx.account, region=ctx.region)

    return {"Vpc": answer(ctx.store.transact(work))}


@action("ec2", "DescribeVpcs")
def describe_vpcs(ctx: Context, params: Parameters) -> Answer:
    found, more = describe(ctx, ctx.store.snapshot(), params, kind=Vpc, ids="VpcIds", spec=SPEC)
    return {"Vpcs": [answer(vpc) for vpc in found], **more}


@action("ec2", "DeleteVpc")
def delete_vpc(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if _in_use(tx, vpc):
            raise dependency("vpc", vpc.id)
        tx.delete(RouteTable, vpc.main_route_table)
        tx.delete(SecurityGroup, vpc.default_security_group)
        tx.delete(NetworkAcl, vpc.default_network_acl)
        tx.delete(Vpc, vpc.id)

    ctx.store.transact(work)
    return {}


def _in_use(view: View, vpc: Vpc) -> bool:
    """By anything but what was made along with it."""
    along = {vpc.main_route_table, vpc.default_security_group, vpc.default_network_acl}
    kinds: tuple[type[Any], ...] = (
        Subnet,
        InternetGateway,
        NetworkInterface,
        VpcEndpoint,
        RouteTable,
        SecurityGroup,
        NetworkAcl,
    )
    return any(each.id not in along for kind in kinds for each in resources.in_vpc(view, kind, vpc.id))


@action("ec2", "ModifyVpcAttribute")
def modify_vpc_attribute(ctx: Context, params: Parameters) -> Answer:
    switches = {
        name: params[name]["Value"]
        for name in ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics")
        if "Value" in (params.get(name) or {})
    }
    if len(switches) != 1:
        raise AwsError("InvalidParameterCombination", "Exactly one attribute must be specified.")
    refuse(switches, ("EnableNetworkAddressUsageMetrics",), because="addresses are not metered.")

    def work(tx: Transaction) -> None:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        tx.put(
            replace(
                vpc,
                enable_dns_support=switches.get("EnableDnsSupport", vpc.enable_dns_support),
                enable_dns_hostnames=switches.get("EnableDnsHostnames", vpc.enable_dns_hostnames),
            )
        )

    ctx.store.transact(work)
    return {}


@action("ec2", "ModifyVpcTenancy")
def modify_vpc_tenancy(ctx: Context, params: Parameters) -> Answer:
    """To `default`, which is what every VPC has here."""

    def work(tx: Transaction) -> None:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if params["InstanceTenancy"] != "default":
            raise invalid_parameter(params["InstanceTenancy"], parameter="instanceTenancy", reason="Use default.")
        dry_run(params)
        tx.put(replace(vpc, instance_tenancy="default"))

    ctx.store.transact(work)
    return {"ReturnValue": True}


@action("ec2", "DescribeVpcAttribute")
def describe_vpc_attribute(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    vpc = resources.require(ctx, ctx.store.snapshot(), Vpc, params["VpcId"])
    values = {
        "enableDnsSupport": vpc.enable_dns_support,
        "enableDnsHostnames": vpc.enable_dns_hostnames,
        "enableNetworkAddressUsageMetrics": False,
    }
    attribute = params["Attribute"]
    if attribute not in values:
        raise invalid_parameter(attribute, parameter="attribute", reason="Unknown attribute.")
    return {"VpcId": vpc.id, attribute[0].upper() + attribute[1:]: {"Value": values[attribute]}}
