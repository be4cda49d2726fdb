"""IPv6 blocks come to subnets, and go again."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import ipv6, resources
from opengwlb.api.common.errors import invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Ipv6Block, RouteTable, Subnet, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


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
