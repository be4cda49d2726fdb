"""Internet gateways: where a VPC's public addresses are translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from opengwlb.api.common import quotas, resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dependency, dry_run, invalid_value
from opengwlb.api.common.filters import present
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, InternetGateway, NetworkInterface, RouteTable, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

SPEC: Mapping[str, Callable[[InternetGateway], Iterable[str]]] = {
    "attachment.state": lambda gateway: ("available",) if gateway.vpc else (),
    "attachment.vpc-id": lambda gateway: present(gateway.vpc),
    "internet-gateway-id": lambda gateway: (gateway.id,),
    "owner-id": lambda gateway: (gateway.account,),
}


def answer(gateway: InternetGateway) -> Answer:
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": gateway.account,
        "Attachments": [{"State": "available", "VpcId": gateway.vpc}] if gateway.vpc else [],
        "Tags": tags.answer(gateway.tags),
    }


@action("ec2", "CreateInternetGateway")
def create_internet_gateway(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    made = InternetGateway(
        id=new_id("igw"),
        account=ctx.account,
        region=ctx.region,
        tags=tags.from_specifications(params, "internet-gateway"),
    )

    def work(tx: Transaction) -> None:
        quotas.check(ctx, tx, "internet-gateways", count=len(resources.owned(ctx, tx, InternetGateway)) + 1)
        tx.put(made)

    ctx.store.transact(work)
    return {"InternetGateway": answer(made)}


@action("ec2", "DescribeInternetGateways")
def describe_internet_gateways(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    found, more = describe(ctx, snapshot, params, kind=InternetGateway, ids="InternetGatewayIds", spec=SPEC)
    return {"InternetGateways": [answer(gateway) for gateway in found], **more}


@action("ec2", "AttachInternetGateway")
def attach_internet_gateway(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        gateway = resources.require(ctx, tx, InternetGateway, params["InternetGatewayId"])
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if gateway.vpc is not None:
            raise AwsError(
                "Resource.AlreadyAssociated", f"resource {gateway.id} is already attached to network {gateway.vpc}"
            )
        if attached_gateway(tx, vpc.id) is not None:
            raise invalid_value(f"Network {vpc.id} already has an internet gateway attached")
        tx.put(replace(gateway, vpc=vpc.id))

    ctx.store.transact(work)
    return {}


@action("ec2", "DetachInternetGateway")
def detach_internet_gateway(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        gateway = resources.require(ctx, tx, InternetGateway, params["InternetGatewayId"])
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if gateway.vpc != vpc.id:
            raise AwsError("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc.id}")
        if _has_public_addresses(tx, vpc.id):
            raise AwsError(
                "DependencyViolation",
                f"Network {vpc.id} has some mapped public address(es). "
                "Please unmap those public address(es) before detaching the gateway.",
            )
        # An edge association has no meaning without the attachment and must not follow the gateway into another VPC.
        for table in list(resources.in_vpc(tx, RouteTable, vpc.id)):
            kept = tuple(each for each in table.associations if each.gateway != gateway.id)
            tx.put(replace(table, associations=kept))
        tx.put(replace(gateway, vpc=None))

    ctx.store.transact(work)
    return {}


@action("ec2", "DeleteInternetGateway")
def delete_internet_gateway(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        gateway = resources.require(ctx, tx, InternetGateway, params["InternetGatewayId"])
        if gateway.vpc is not None:
            raise dependency("internetGateway", gateway.id)
        tx.delete(InternetGateway, gateway.id)

    ctx.store.transact(work)
    return {}


def attached_gateway(view: View, vpc_id: str) -> InternetGateway | None:
    return next((gateway for gateway in view.values(InternetGateway) if gateway.vpc == vpc_id), None)


def _has_public_addresses(view: View, vpc_id: str) -> bool:
    for address in view.values(Address):
        interface = view.get(NetworkInterface, address.network_interface)
        if interface is not None and interface.vpc == vpc_id:
            return True
    return False
