"""Further blocks come to VPCs, and go again: IPv4 ones as asked, IPv6 ones from Amazon's pool. Every route table has their local routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from opengwlb.api.common import cidrs, ipv6, network_acls, quotas, resources
from opengwlb.api.common.defaults import local_route
from opengwlb.api.common.errors import bad_combination, dry_run, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.vpc import Ipv4Block, Ipv6Block, RouteTable, Subnet, Vpc
from opengwlb.policy import vpc_blocks
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

OWN_OR_POOL = (
    "Ipv6CidrBlock",
    "Ipv6Pool",
    "Ipv6CidrBlockNetworkBorderGroup",
    "Ipv6IpamPoolId",
    "Ipv6NetmaskLength",
)


def association(block: Ipv4Block, *, state: str = "associated") -> Answer:
    return {"AssociationId": block.association, "CidrBlock": block.cidr, "CidrBlockState": {"State": state}}


def associations(vpc: Vpc) -> list[Answer]:
    """Every IPv4 block of a VPC, the primary one first."""
    primary = Ipv4Block(association=vpc.cidr_association, cidr=vpc.cidr)
    return [association(block) for block in (primary, *vpc.further)]


@action("ec2", "AssociateVpcCidrBlock")
def associate_vpc_cidr_block(ctx: Context, params: Parameters) -> Answer:
    refuse(params, ("Ipv4IpamPoolId", "Ipv4NetmaskLength"), because="there is no IP address manager.")
    refuse(params, OWN_OR_POOL, because="IPv6 blocks are Amazon-provided.")
    text, six = params.get("CidrBlock"), params.get("AmazonProvidedIpv6CidrBlock")
    if text and six:
        raise bad_combination("The request must contain exactly one of cidrBlock or amazonProvidedIpv6CidrBlock")
    if not text and not six:
        raise missing("cidrBlock or amazonProvidedIpv6CidrBlock")
    network = cidrs.sized_block(text, parameter="cidrBlock", code="InvalidVpc.Range") if text else None

    def work(tx: Transaction) -> Answer:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if network is not None:
            shown = {"CidrBlockAssociation": association(_add4(ctx, tx, vpc, network), state="associating")}
        else:
            added = ipv6.vpc_association(_add6(ctx, tx, vpc), region=ctx.region)
            shown = {"Ipv6CidrBlockAssociation": added}
        dry_run(params)
        return {"VpcId": vpc.id, **shown}

    return ctx.store.transact(work)


def _add4(ctx: Context, tx: Transaction, vpc: Vpc, network: IPv4Network) -> Ipv4Block:
    _check_count(ctx, tx, vpc, "ipv4-blocks-per-vpc", count=len(vpc.cidrs) + 1)
    refused = vpc_blocks.further_refusal(tx, vpc=vpc, network=network)
    if refused is not None:
        raise AwsError(refused.code, refused.message)
    block = Ipv4Block(association=new_id("vpc-cidr-assoc"), cidr=str(network))
    tx.put(replace(vpc, further=(*vpc.further, block)))
    _add_local_routes(tx, vpc, block.cidr)
    return block


def _add6(ctx: Context, tx: Transaction, vpc: Vpc) -> Ipv6Block:
    _check_count(ctx, tx, vpc, "ipv6-blocks-per-vpc", count=len(vpc.ipv6) + 1)
    block = ipv6.new_vpc_block(tx)
    tx.put(replace(vpc, ipv6=(*vpc.ipv6, block)))
    network_acls.follow_ipv6(tx, vpc)
    _add_local_routes(tx, vpc, block.cidr)
    return block


def _check_count(ctx: Context, tx: Transaction, vpc: Vpc, quota: str, *, count: int) -> None:
    most = quotas.limit(ctx, tx, quota)
    if count > most:
        # AWS's own sentence, which names the network.
        raise AwsError(
            "CidrLimitExceeded", f"This network {vpc.id} has met its maximum number of allowed CIDRs: {most}"
        )


def _add_local_routes(tx: Transaction, vpc: Vpc, cidr: str) -> None:
    for table in list(resources.in_vpc(tx, RouteTable, vpc.id)):
        tx.put(replace(table, routes=(*table.routes, local_route(cidr))))


@action("ec2", "DisassociateVpcCidrBlock")
def disassociate_vpc_cidr_block(ctx: Context, params: Parameters) -> Answer:
    """Not while a subnet has a part of it, and never the primary one."""
    association_id = params["AssociationId"]

    def work(tx: Transaction) -> Answer:
        for vpc in resources.owned(ctx, tx, Vpc):
            if vpc.cidr_association == association_id:
                raise AwsError(
                    "OperationNotPermitted",
                    f"The vpc CIDR block with association ID {association_id} may not be disassociated. "
                    "It is the primary IPv4 CIDR block of the VPC",
                )
            blocks: tuple[Ipv4Block | Ipv6Block, ...] = (*vpc.further, *vpc.ipv6)
            for found in blocks:
                if found.association == association_id:
                    dry_run(params)
                    return {"VpcId": vpc.id, **_remove(tx, vpc, found)}
        raise AwsError(
            "InvalidVpcCidrBlockAssociationID.NotFound",
            f"The vpc CIDR block association ID '{association_id}' does not exist",
        )

    return ctx.store.transact(work)


def _remove(tx: Transaction, vpc: Vpc, block: Ipv4Block | Ipv6Block) -> Mapping[str, Answer]:
    for subnet in resources.in_vpc(tx, Subnet, vpc.id):
        if _has_part(subnet, block):
            raise AwsError(
                "InvalidCidrBlock.InUse", f"The vpc {vpc.id} currently has a subnet within CIDR block {block.cidr}"
            )
    shown: Mapping[str, Answer]
    if isinstance(block, Ipv4Block):
        tx.put(replace(vpc, further=tuple(each for each in vpc.further if each != block)))
        shown = {"CidrBlockAssociation": association(block, state="disassociating")}
    else:
        tx.put(replace(vpc, ipv6=tuple(each for each in vpc.ipv6 if each != block)))
        shown = {"Ipv6CidrBlockAssociation": ipv6.vpc_association(block, region=vpc.region, state="disassociating")}
    for table in list(resources.in_vpc(tx, RouteTable, vpc.id)):
        tx.put(replace(table, routes=tuple(route for route in table.routes if route.destination != block.cidr)))
    return shown


def _has_part(subnet: Subnet, block: Ipv4Block | Ipv6Block) -> bool:
    if isinstance(block, Ipv4Block):
        return IPv4Network(subnet.cidr).subnet_of(IPv4Network(block.cidr))
    return subnet.ipv6 is not None and IPv6Network(subnet.ipv6.cidr).subnet_of(IPv6Network(block.cidr))
