"""Route tables and what they are associated with: subnets, the VPC (main), or an internet gateway (edge)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from opengwlb.api.common import resources, tags
from opengwlb.api.common.defaults import FIRST_TABLE_NUMBER, local_route
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import bad_combination, dependency, dry_run, invalid_value, missing, refuse
from opengwlb.api.common.filters import flag, present
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import Snapshot, View
from opengwlb.model.vpc import InternetGateway, NetworkInterface, Route, RouteTable, RouteTableAssociation, Subnet, Vpc
from opengwlb.policy import routing
from opengwlb.policy.status import route_state
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


def _none(_: RouteTable) -> Iterable[str]:
    return ()


def spec(view: Snapshot) -> Mapping[str, Callable[[RouteTable], Iterable[str]]]:
    def of_routes(member: str) -> Callable[[RouteTable], Iterable[str]]:
        return lambda table: present(*(_route(view, table, each).get(member) for each in table.routes))

    return {
        "association.gateway-id": lambda table: present(*(each.gateway for each in table.associations)),
        "association.route-table-association-id": lambda table: [each.id for each in table.associations],
        "association.route-table-id": lambda table: [table.id for _ in table.associations],
        "association.subnet-id": lambda table: present(*(each.subnet for each in table.associations)),
        "association.main": lambda table: [word for each in table.associations for word in flag(each.main)],
        "owner-id": lambda table: (table.account,),
        "route-table-id": lambda table: (table.id,),
        "route.destination-cidr-block": lambda table: [each.destination for each in table.routes],
        "route.destination-ipv6-cidr-block": _none,
        "route.destination-prefix-list-id": _none,
        "route.egress-only-internet-gateway-id": _none,
        "route.gateway-id": of_routes("GatewayId"),
        "route.instance-id": of_routes("InstanceId"),
        "route.nat-gateway-id": _none,
        "route.transit-gateway-id": _none,
        "route.origin": lambda table: [each.origin for each in table.routes],
        "route.state": of_routes("State"),
        "route.vpc-peering-connection-id": _none,
        "vpc-id": lambda table: (table.vpc,),
    }


def answer(view: Snapshot, table: RouteTable) -> Answer:
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc,
        "OwnerId": table.account,
        "Associations": [_association(table, each) for each in table.associations],
        "Routes": [_route(view, table, each) for each in table.routes],
        "PropagatingVgws": [],
        "Tags": tags.answer(table.tags),
    }


def _association(table: RouteTable, association: RouteTableAssociation) -> Answer:
    shown: Answer = {
        "RouteTableAssociationId": association.id,
        "RouteTableId": table.id,
        "Main": association.main,
        "AssociationState": {"State": "associated"},
    }
    if association.subnet:
        shown["SubnetId"] = association.subnet
    if association.gateway:
        shown["GatewayId"] = association.gateway
    return shown


def _route(view: Snapshot, table: RouteTable, route: Route) -> Answer:
    shown: Answer = {
        "DestinationCidrBlock": route.destination,
        "Origin": route.origin,
        # Looked up now rather than read from the status, so that an answer never lags behind the call before it.
        "State": route_state(view, table, route),
    }
    if route.target_type != "network-interface":
        # The Route shape has no VpcEndpointId: AWS shows a Gateway Load Balancer endpoint here (facts 5.2).
        shown["GatewayId"] = route.target
        return shown
    shown["NetworkInterfaceId"] = route.target
    interface = view.get(NetworkInterface, route.target)
    instance = interface.attachment.instance if interface and interface.attachment else route.instance
    if instance:
        shown["InstanceId"] = instance
        shown["InstanceOwnerId"] = table.account
    return shown


@action("ec2", "CreateRouteTable")
def create_route_table(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    given = tags.from_specifications(params, "route-table")

    def work(tx: Transaction) -> RouteTable:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])

        def make() -> tuple[RouteTable]:
            table = RouteTable(
                id=new_id("rtb"),
                account=ctx.account,
                region=ctx.region,
                vpc=vpc.id,
                number=_free_number(tx, vpc),
                routes=(local_route(vpc.cidr),),
                tags=given,
            )
            tx.put(table)
            return (table,)

        (table,) = idempotent(ctx, tx, "CreateRouteTable", params, kind=RouteTable, make=make)
        return table

    table = ctx.store.transact(work)
    shown = {"RouteTable": answer(ctx.store.snapshot(), table)}
    return shown | ({"ClientToken": params["ClientToken"]} if params.get("ClientToken") else {})


def _free_number(view: View, vpc: Vpc) -> int:
    taken = {table.number for table in resources.in_vpc(view, RouteTable, vpc.id)}
    return next(n for n in range(FIRST_TABLE_NUMBER, FIRST_TABLE_NUMBER + len(taken) + 1) if n not in taken)


@action("ec2", "DescribeRouteTables")
def describe_route_tables(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    found, more = describe(ctx, snapshot, params, kind=RouteTable, ids="RouteTableIds", spec=spec(snapshot))
    return {"RouteTables": [answer(snapshot, table) for table in found], **more}


@action("ec2", "DeleteRouteTable")
def delete_route_table(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        table = resources.require(ctx, tx, RouteTable, params["RouteTableId"])
        if table.associations:
            raise dependency("routeTable", table.id)
        tx.delete(RouteTable, table.id)

    ctx.store.transact(work)
    return {}


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
