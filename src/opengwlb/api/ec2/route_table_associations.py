"""What route tables are associated with: subnets, the VPC itself (main), or an internet gateway (edge)."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import resources
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import InternetGateway, RouteTable, RouteTableAssociation, Subnet, Vpc
from opengwlb.policy import routing
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


@action("ec2", "AssociateRouteTable")
def associate_route_table(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(params, ("PublicIpv4Pool",), because="public address pools cannot be routed.")
    subnet_id, gateway_id = params.get("SubnetId"), params.get("GatewayId")
    if subnet_id and gateway_id:
        raise bad_combination("The request must contain exactly one of subnetId or gatewayId")
    if not subnet_id and not gateway_id:
        raise missing("subnetId or gatewayId")

    def work(tx: Transaction) -> str:
        table = resources.require(ctx, tx, RouteTable, params["RouteTableId"])
        if gateway_id:
            return _associate_gateway(ctx, tx, table, gateway_id=gateway_id)
        return _associate_subnet(ctx, tx, table, subnet_id=params["SubnetId"])

    return {"AssociationId": ctx.store.transact(work), "AssociationState": {"State": "associated"}}


def _associate_subnet(ctx: Context, tx: Transaction, table: RouteTable, *, subnet_id: str) -> str:
    subnet = resources.require(ctx, tx, Subnet, subnet_id)
    if subnet.vpc != table.vpc:
        raise invalid_value(f"Route table {table.id} and subnet {subnet.id} belong to different networks")
    for other in resources.in_vpc(tx, RouteTable, table.vpc):
        for each in other.associations:
            if each.subnet == subnet.id:
                if other.id == table.id:
                    return str(each.id)
                raise _already_associated(table)
    return _add(tx, table, RouteTableAssociation(id=new_id("rtbassoc"), subnet=subnet.id))


def _associate_gateway(ctx: Context, tx: Transaction, table: RouteTable, *, gateway_id: str) -> str:
    gateway = require_gateway(ctx, tx, gateway_id)
    if gateway.vpc != table.vpc:
        raise AwsError("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {table.vpc}")
    for other in resources.in_vpc(tx, RouteTable, table.vpc):
        for each in other.associations:
            if each.gateway == gateway.id:
                if other.id == table.id:
                    return str(each.id)
                raise _already_associated(table)
    _check_edge(tx, table)
    return _add(tx, table, RouteTableAssociation(id=new_id("rtbassoc"), gateway=gateway.id))


def require_gateway(ctx: Context, view: View, gateway_id: str) -> InternetGateway:
    """The gateway a `GatewayId` parameter names. Errors: InvalidGatewayID.NotFound."""
    gateway = resources.find(ctx, view, InternetGateway, gateway_id)
    if gateway is None:
        raise AwsError("InvalidGatewayID.NotFound", f"The gateway ID '{gateway_id}' does not exist")
    return gateway


def _already_associated(table: RouteTable) -> AwsError:
    return AwsError(
        "Resource.AlreadyAssociated",
        f"the specified association for route table {table.id} conflicts with an existing association",
    )


def _check_edge(view: View, table: RouteTable) -> None:
    vpc = view.get(Vpc, table.vpc)
    assert vpc is not None, "a route table lives in a VPC"
    refused = routing.edge_table_refusal(view, vpc=vpc, table=table)
    if refused is not None:
        raise AwsError(refused.code, refused.message)


def _add(tx: Transaction, table: RouteTable, association: RouteTableAssociation) -> str:
    tx.put(replace(table, associations=(*table.associations, association)))
    return association.id


def _remove(tx: Transaction, table: RouteTable, association: RouteTableAssociation) -> None:
    tx.put(replace(table, associations=tuple(each for each in table.associations if each.id != association.id)))


def _require_association(ctx: Context, view: View, association_id: str) -> tuple[RouteTable, RouteTableAssociation]:
    for table in resources.owned(ctx, view, RouteTable):
        for association in table.associations:
            if association.id == association_id:
                return table, association
    raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


@action("ec2", "DisassociateRouteTable")
def disassociate_route_table(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        table, association = _require_association(ctx, tx, params["AssociationId"])
        if association.main:
            raise invalid_value(f"cannot disassociate the main route table association {association.id}")
        _remove(tx, table, association)

    ctx.store.transact(work)
    return {}


@action("ec2", "ReplaceRouteTableAssociation")
def replace_route_table_association(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> str:
        old, association = _require_association(ctx, tx, params["AssociationId"])
        new = resources.require(ctx, tx, RouteTable, params["RouteTableId"])
        if new.vpc != old.vpc:
            raise invalid_value(f"Route table {new.id} and network {old.vpc} belong to different networks")
        if association.gateway:
            _check_edge(tx, new)
        if association.main:
            _make_main(tx, new)
        _remove(tx, old, association)
        # `new` may be `old`: read it again after the removal.
        current = resources.require(ctx, tx, RouteTable, new.id)
        return _add(tx, current, replace(association, id=new_id("rtbassoc")))

    return {"NewAssociationId": ctx.store.transact(work), "AssociationState": {"State": "associated"}}


def _make_main(tx: Transaction, table: RouteTable) -> None:
    if any(each.gateway for each in table.associations):
        raise invalid_value(f"The gateway route table {table.id} cannot be the main route table")
    vpc = tx.get(Vpc, table.vpc)
    assert vpc is not None, "a route table lives in a VPC"
    tx.put(replace(vpc, main_route_table=table.id))
