"""IPv6 blocks come to VPCs and subnets, and go again."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

from opengwlb.api.common import ipv6, network_acls, quotas, resources
from opengwlb.api.common.defaults import local_route
from opengwlb.api.common.errors import dry_run, invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Ipv6Block, RouteTable, Subnet, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

OWN_OR_POOL = (
    "Ipv6CidrBlock",
    "Ipv6Pool",
    "Ipv6CidrBlockNetworkBorderGroup",
    "Ipv6IpamPoolId",
    "Ipv6NetmaskLength",
)


@action("ec2", "AssociateVpcCidrBlock")
def associate_vpc_cidr_block(ctx: Context, params: Parameters) -> Answer:
    """An Amazon-provided /56; every route table of the VPC gets its local route."""
    dry_run(params)
    refuse(params, ("CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"), because="a VPC has one IPv4 block.")
    refuse(params, OWN_OR_POOL, because="IPv6 blocks are Amazon-provided.")
    if not params.get("AmazonProvidedIpv6CidrBlock"):
        raise missing("amazonProvidedIpv6CidrBlock")

    def work(tx: Transaction) -> Ipv6Block:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        quotas.check(ctx, tx, "ipv6-blocks-per-vpc", count=len(vpc.ipv6) + 1)
        block = ipv6.new_vpc_block(tx)
        tx.put(replace(vpc, ipv6=(*vpc.ipv6, block)))
        network_acls.follow_ipv6(tx, vpc)
        for table in list(resources.in_vpc(tx, RouteTable, vpc.id)):
            tx.put(replace(table, routes=(*table.routes, local_route(block.cidr))))
        return block

    block = ctx.store.transact(work)
    return {"VpcId": params["VpcId"], "Ipv6CidrBlockAssociation": ipv6.vpc_association(block, region=ctx.region)}


@action("ec2", "DisassociateVpcCidrBlock")
def disassociate_vpc_cidr_block(ctx: Context, params: Parameters) -> Answer:
    """Not while a subnet has a part of it."""
    association = params["AssociationId"]

    def work(tx: Transaction) -> tuple[str, Ipv6Block]:
        for vpc in resources.owned(ctx, tx, Vpc):
            if vpc.cidr_association == association:
                raise AwsError(
                    "OperationNotPermitted",
                    f"The vpc CIDR block with association ID {association} may not be disassociated. "
                    "It is the primary IPv4 CIDR block of the VPC",
                )
            for block in vpc.ipv6:
                if block.association == association:
                    _remove(tx, vpc, block)
                    return vpc.id, block
        raise AwsError(
            "InvalidVpcCidrBlockAssociationID.NotFound",
            f"The vpc CIDR block association ID '{association}' does not exist",
        )

    vpc_id, block = ctx.store.transact(work)
    shown = ipv6.vpc_association(block, region=ctx.region, state="disassociating")
    return {"VpcId": vpc_id, "Ipv6CidrBlockAssociation": shown}


def _remove(tx: Transaction, vpc: Vpc, block: Ipv6Block) -> None:
    whole = IPv6Network(block.cidr)
    for subnet in resources.in_vpc(tx, Subnet, vpc.id):
        if subnet.ipv6 is not None and IPv6Network(subnet.ipv6.cidr).subnet_of(whole):
            raise AwsError(
                "InvalidCidrBlock.InUse", f"The vpc {vpc.id} currently has a subnet within CIDR block {block.cidr}"
            )
    tx.put(replace(vpc, ipv6=tuple(each for each in vpc.ipv6 if each != block)))
    for table in list(resources.in_vpc(tx, RouteTable, vpc.id)):
        tx.put(replace(table, routes=tuple(route for route in table.routes if route.destination != block.cidr)))


@action("ec2", "AssociateSubnetCidrBlock")
def associate_subnet_cidr_block(ctx: Context, params: Parameters) -> Answer:
    refuse(params, ("Ipv6IpamPoolId", "Ipv6NetmaskLength"), because="there is no IP address manager.")
    if not params.get("Ipv6CidrBlock"):
        raise missing("ipv6CidrBlock")

    def work(tx: Transaction) -> Ipv6Block:
        subnet = resources.require(ctx, tx, Subnet, params["SubnetId"])
        vpc = resources.require(ctx, tx, Vpc, subnet.vpc)
        if subnet.ipv6 is not None:
            raise AwsError(
                "SubnetCidrLimitExceeded",
                f"The subnet '{subnet.id}' has met its maximum number of allowed IPv6 CIDR blocks: 1",
            )
        block = ipv6.new_subnet_block(tx, vpc, params["Ipv6CidrBlock"])
        tx.put(replace(subnet, ipv6=block))
        return block

    return {
        "SubnetId": params["SubnetId"],
        "Ipv6CidrBlockAssociation": ipv6.subnet_association(ctx.store.transact(work)),
    }


@action("ec2", "DisassociateSubnetCidrBlock")
def disassociate_subnet_cidr_block(ctx: Context, params: Parameters) -> Answer:
    """Not while an interface has an address of it, nor a route names it."""
    association = params["AssociationId"]

    def work(tx: Transaction) -> tuple[str, Ipv6Block]:
        for subnet in resources.owned(ctx, tx, Subnet):
            if subnet.ipv6 is not None and subnet.ipv6.association == association:
                if ipv6.taken_addresses(tx, subnet.id):
                    raise AwsError(
                        "InvalidCidrBlock.InUse",
                        f"The subnet {subnet.id} currently has an interface within CIDR block {subnet.ipv6.cidr}",
                    )
                for table in resources.in_vpc(tx, RouteTable, subnet.vpc):
                    if any(route.destination == subnet.ipv6.cidr for route in table.routes):
                        raise invalid_value(f"Route table {table.id} has a route for CIDR block {subnet.ipv6.cidr}")
                tx.put(replace(subnet, ipv6=None, assign_ipv6_address_on_creation=False))
                return subnet.id, subnet.ipv6
        raise AwsError(
            "InvalidSubnetCidrBlockAssociationID.NotFound",
            f"The subnet CIDR block association ID '{association}' does not exist",
        )

    subnet_id, block = ctx.store.transact(work)
    return {"SubnetId": subnet_id, "Ipv6CidrBlockAssociation": ipv6.subnet_association(block, state="disassociating")}
