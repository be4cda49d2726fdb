"""Route tables: made, described, deleted. What they are associated with is beside this, and so are their routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opengwlb.api.common import quotas, resources, tags
from opengwlb.api.common.defaults import FIRST_TABLE_NUMBER, local_route
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dependency, dry_run
from opengwlb.api.common.filters import flag, present
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import Snapshot, View
from opengwlb.model.vpc import NetworkInterface, Route, RouteTable, RouteTableAssociation, Vpc
from opengwlb.policy.status import route_state
from opengwlb.store.protocol import Transaction


def _none(_: RouteTable) -> Iterable[str]:
    return ()


def _destination_member(route: Route) -> str:
    return "DestinationIpv6CidrBlock" if ":" in route.destination else "DestinationCidrBlock"


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
        "route.destination-cidr-block": of_routes("DestinationCidrBlock"),
        "route.destination-ipv6-cidr-block": of_routes("DestinationIpv6CidrBlock"),
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
        _destination_member(route): route.destination,
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
            count = len(list(resources.in_vpc(tx, RouteTable, vpc.id))) + 1
            quotas.check(ctx, tx, "route-tables-per-vpc", count=count)
            table = RouteTable(
                id=new_id("rtb"),
                account=ctx.account,
                region=ctx.region,
                vpc=vpc.id,
                number=_free_number(tx, vpc),
                routes=tuple(local_route(cidr) for cidr in (*vpc.cidrs, *(block.cidr for block in vpc.ipv6))),
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
