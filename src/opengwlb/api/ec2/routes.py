"""Routes: one destination, one target. AWS's rules about which may stand where are in `policy.routing`."""

from __future__ import annotations

import logging
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network

from opengwlb.api.common import cidrs, quotas, resources
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, refuse, unsupported
from opengwlb.api.common.interfaces import only_interface
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.ec2.route_table_associations import require_gateway
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, Route, RouteTable, Vpc
from opengwlb.policy import routing
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

log = logging.getLogger(__name__)

TARGETS = ("GatewayId", "VpcEndpointId", "NetworkInterfaceId", "InstanceId", "LocalTarget")
NOT_BUILT = {
    "NatGatewayId": "there are no NAT gateways.",
    "TransitGatewayId": "there are no transit gateways.",
    "VpcPeeringConnectionId": "there is no VPC peering.",
    "EgressOnlyInternetGatewayId": "there are no egress-only internet gateways.",
    "LocalGatewayId": "there are no outposts.",
    "CarrierGatewayId": "there are no carrier gateways.",
    "CoreNetworkArn": "there is no Cloud WAN.",
    "OdbNetworkArn": "there are no ODB networks.",
}

Destination = IPv4Network | IPv6Network


@action("ec2", "CreateRoute")
def create_route(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    destination = _destination(params)
    member = _target_member(params, local=False)

    def work(tx: Transaction) -> None:
        table, vpc = _table(ctx, tx, params)
        route = _resolve(ctx, tx, params, member=member, table=table, destination=destination)
        if any(each.destination == str(destination) for each in table.routes):
            raise AwsError("RouteAlreadyExists", f"The route identified by {destination} already exists.")
        _check(tx, vpc=vpc, table=table, route=route)
        alike = [each for each in table.routes if (":" in each.destination) == (destination.version == 6)]
        made = [each for each in alike if each.origin == "CreateRoute"]
        quotas.check(ctx, tx, "routes-per-route-table", count=len(made) + 1)
        tx.put(replace(table, routes=(*table.routes, route)))

    ctx.store.transact(work)
    _warn_of_loops(ctx, params["RouteTableId"])
    return {"Return": True}


@action("ec2", "ReplaceRoute")
def replace_route(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    destination = _destination(params)
    member = _target_member(params, local=True)

    def work(tx: Transaction) -> None:
        table, vpc = _table(ctx, tx, params)
        old = _find(table, destination)
        if old is None:
            raise invalid_value(
                f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
            )
        if member == "LocalTarget" and destination not in routing.local_blocks(vpc):
            raise invalid_value(
                f"The route {destination} is not the local route of {vpc.id}: it cannot be reset to local."
            )
        resolved = _resolve(ctx, tx, params, member=member, table=table, destination=destination)
        route = replace(resolved, origin=old.origin)
        _check(tx, vpc=vpc, table=table, route=route)
        tx.put(replace(table, routes=tuple(route if each is old else each for each in table.routes)))

    ctx.store.transact(work)
    _warn_of_loops(ctx, params["RouteTableId"])
    return {}


@action("ec2", "DeleteRoute")
def delete_route(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    destination = _destination(params)

    def work(tx: Transaction) -> None:
        table, vpc = _table(ctx, tx, params)
        route = _find(table, destination)
        if route is None:
            raise AwsError(
                "InvalidRoute.NotFound",
                f"no route with {'destination-ipv6-cidr-block' if destination.version == 6 else 'destination-cidr-block'} "
                f"{destination} in route table {table.id}",
            )
        if destination in routing.local_blocks(vpc):
            raise invalid_value(f"cannot remove local route {destination} in route table {table.id}")
        tx.put(replace(table, routes=tuple(each for each in table.routes if each is not route)))

    ctx.store.transact(work)
    return {}


def _table(ctx: Context, view: View, params: Parameters) -> tuple[RouteTable, Vpc]:
    table = resources.require(ctx, view, RouteTable, params["RouteTableId"])
    return table, resources.require(ctx, view, Vpc, table.vpc)


def _find(table: RouteTable, destination: Destination) -> Route | None:
    return next((each for each in table.routes if each.destination == str(destination)), None)


def _destination(params: Parameters) -> Destination:
    """Errors: MissingParameter, InvalidParameterCombination, InvalidParameterValue."""
    refuse(params, ("DestinationPrefixListId",), because="there are no prefix lists.")
    four, six = params.get("DestinationCidrBlock"), params.get("DestinationIpv6CidrBlock")
    if four and six:
        raise bad_combination("The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock")
    if six:
        return cidrs.block6(six, parameter="destinationIpv6CidrBlock")
    if not four:
        raise missing("destinationCidrBlock")
    return cidrs.block(params["DestinationCidrBlock"], parameter="destinationCidrBlock")


def _target_member(params: Parameters, *, local: bool) -> str:
    """The one member that names the target.

    Errors: MissingParameter, InvalidParameterCombination, UnsupportedOperation.
    """
    for member, because in NOT_BUILT.items():
        if params.get(member):
            raise unsupported(member, because)
    allowed = [member for member in TARGETS if local or member != "LocalTarget"]
    given = [member for member in allowed if params.get(member)]
    names = ", ".join(member[0].lower() + member[1:] for member in allowed)
    if not given:
        raise missing(f"that names the target: exactly one of {names}")
    if len(given) > 1:
        raise bad_combination(f"The request must contain exactly one of {names}")
    return given[0]


def _resolve(
    ctx: Context, view: View, params: Parameters, *, member: str, table: RouteTable, destination: Destination
) -> Route:
    """The route the call asks for, with a target that exists in the table's VPC."""
    cidr, target = str(destination), params[member]
    if member == "LocalTarget":
        return Route(destination=cidr, target_type="local", target="local")
    if member == "VpcEndpointId" or (member == "GatewayId" and target.startswith("vpce-")):
        # Ansible and older tools name the endpoint as a gateway.
        return Route(destination=cidr, target_type="vpc-endpoint", target=_endpoint(ctx, view, target, table=table))
    if member == "GatewayId":
        gateway = require_gateway(ctx, view, target)
        if gateway.vpc != table.vpc:
            raise _elsewhere(table, "network gateway", gateway.id)
        return Route(destination=cidr, target_type="gateway", target=gateway.id)
    instance = None
    if member == "InstanceId":
        instance, target = target, _only_interface(ctx, view, target)
    interface = resources.require(ctx, view, NetworkInterface, target)
    if interface.vpc != table.vpc:
        raise _elsewhere(table, "interface", interface.id)
    if interface.interface_type != "interface":
        raise invalid_value(
            f"Interface {interface.id} of type {interface.interface_type} cannot be used as a route target"
        )
    return Route(destination=cidr, target_type="network-interface", target=interface.id, instance=instance)


def _endpoint(ctx: Context, view: View, endpoint_id: str, *, table: RouteTable) -> str:
    endpoint = resources.require(ctx, view, VpcEndpoint, endpoint_id)
    if endpoint.state in ("deleting", "deleted"):
        raise resources.not_found(VpcEndpoint, endpoint_id)
    if endpoint.vpc != table.vpc:
        raise _elsewhere(table, "vpc endpoint", endpoint.id)
    return endpoint.id


def _only_interface(ctx: Context, view: View, instance_id: str) -> str:
    instance = resources.require(ctx, view, Instance, instance_id)
    if instance.desired is InstanceState.TERMINATED:
        raise AwsError(
            "IncorrectInstanceState", f"The instance '{instance_id}' is not in a valid state for this operation."
        )
    return only_interface(instance)


def _elsewhere(table: RouteTable, noun: str, target: str) -> AwsError:
    return invalid_value(f"route table {table.id} and {noun} {target} belong to different networks")


def _check(view: View, *, vpc: Vpc, table: RouteTable, route: Route) -> None:
    refused = routing.refusal(view, vpc=vpc, table=table, route=route)
    if refused is not None:
        raise AwsError(refused.code, refused.message)


def _warn_of_loops(ctx: Context, table_id: str) -> None:
    """AWS takes a route that leads inspected packets back to their endpoint, and so do we, but not in silence."""
    for loop in routing.loops(ctx.store.snapshot()):
        if loop.route_table == table_id:
            log.warning("%s", loop.sentence)
