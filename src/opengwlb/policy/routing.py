"""Which routes a table may hold, and which of them would send an inspected packet back to its endpoint.

The rules are AWS's (facts 5.2 and 5.3). A refusal is a value, so that callers outside the API can ask as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot, View
from opengwlb.model.vpc import Address, NetworkInterface, Route, RouteTable, Subnet, Vpc

from .tables import Tables

RESERVED = (IPv4Network("169.254.168.0/22"), IPv6Network("fd00:ec2::/32"))
"""Services of the VPC itself; no route may lead there."""

Network = IPv4Network | IPv6Network

MIDDLEBOX = ("network-interface", "vpc-endpoint")
"""Targets that traffic inside the VPC, or from an edge, may be sent through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    code: str
    """AWS's error code."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingLoop:
    route_table: str
    destination: str
    endpoint: str
    """The endpoint whose subnet uses `route_table`: what leaves it for `destination` comes back to it."""
    sentence: str


def refusal(view: View, *, vpc: Vpc, table: RouteTable, route: Route) -> Refusal | None:
    """Why AWS would not take `route` into `table`, or None. Whether its destination is there already is not asked."""
    destination = ip_network(route.destination)
    reserved = next((each for each in RESERVED if _inside(destination, each)), None)
    if reserved is not None:
        return Refusal(
            code="InvalidParameterValue",
            message=f"The destination CIDR block {destination} is reserved (within {reserved}) and cannot be routed.",
        )
    local = next((block for block in local_blocks(vpc) if _inside(destination, block)), None)
    if local is not None and route.target_type != "local":
        if route.target_type not in MIDDLEBOX:
            return Refusal(
                code="InvalidParameterValue",
                message=f"The destination CIDR block {destination} is equal to or more specific than one of this "
                "VPC's CIDR blocks. This route can target only an interface or an instance or a Gateway Load Balancer "
                "endpoint.",
            )
        if destination != local and destination not in _subnets(view, vpc):
            return Refusal(
                code="InvalidParameterValue",
                message=f"The destination CIDR block {destination} is more specific than the VPC's local route and "
                "must match the entire CIDR block of a subnet in the VPC.",
            )
    if any(association.gateway for association in table.associations):
        return edge_refusal(view, vpc=vpc, route=route)
    return None


def edge_table_refusal(view: View, *, vpc: Vpc, table: RouteTable) -> Refusal | None:
    """Why a table cannot be associated with an internet gateway, or None."""
    if any(association.main for association in table.associations):
        return Refusal(
            code="InvalidParameterValue",
            message=f"The main route table {table.id} cannot be associated with a gateway.",
        )
    refusals = (edge_refusal(view, vpc=vpc, route=route) for route in table.routes)
    return next((each for each in refusals if each is not None), None)


def edge_refusal(view: View, *, vpc: Vpc, route: Route) -> Refusal | None:
    """Why a route cannot stand in a gateway's (edge) table: facts 5.3, internet gateway column."""
    if route.target_type == "local":
        return None
    if route.target_type not in MIDDLEBOX:
        return Refusal(
            code="RouteNotSupported",
            message=f"Route table contains unsupported route target: {route.target}. "
            "A gateway route table can target only local, a network interface or a Gateway Load Balancer endpoint.",
        )
    destination = ip_network(route.destination)
    if destination not in local_blocks(vpc) and destination not in _subnets(view, vpc):
        return Refusal(
            code="RouteNotSupported",
            message=f"Route table contains unsupported route destination: {destination}. "
            "A gateway route table can hold only the VPC's CIDR block or the entire CIDR block of a subnet.",
        )
    if route.target_type == "network-interface" and not _serves_edge(view, route.target):
        return Refusal(
            code="RouteNotSupported",
            message=f"Route table contains unsupported route target: {route.target}. The network interface must be "
            "attached to a running instance and have a public IPv4 address.",
        )
    return None


def loops(snapshot: Snapshot) -> list[RoutingLoop]:
    """Every route by which a packet that leaves an endpoint inspected comes back to that endpoint.

    AWS accepts such routes (its document puts the endpoint into the application's own subnet); the packet goes round
    until its TTL is used up. Rings over several endpoints are found too, reported at each of them.
    """
    tables = Tables(snapshot)
    return [
        _loop(endpoint, table=table, route=route)
        for endpoint in snapshot.values(VpcEndpoint)
        if (subnet := snapshot.get(Subnet, endpoint.subnet)) is not None
        and (table := tables.of_subnet(subnet)) is not None
        for route in table.routes
        if route.target_type == "vpc-endpoint" and _returns(snapshot, tables, endpoint, ip_network(route.destination))
    ]


def _loop(endpoint: VpcEndpoint, *, table: RouteTable, route: Route) -> RoutingLoop:
    return RoutingLoop(
        route_table=table.id,
        destination=route.destination,
        endpoint=endpoint.id,
        sentence=f"Packets for {route.destination} that leave {endpoint.id} inspected are sent back to it: its subnet "
        f"{endpoint.subnet} uses {table.id}, where {route.destination} goes to {route.target}. They go round until "
        "their TTL is used up; give the endpoint a subnet of its own, with a route table that leads onward.",
    )


def _returns(snapshot: Snapshot, tables: Tables, start: VpcEndpoint, destination: Network) -> bool:
    """Whether a packet for `destination` that leaves `start` arrives there again."""
    seen: set[str] = set()
    here: VpcEndpoint | None = start
    while here is not None and here.id not in seen:
        seen.add(here.id)
        here = _next_endpoint(snapshot, tables, here, destination)
    return here is not None and here.id == start.id


def _next_endpoint(
    snapshot: Snapshot, tables: Tables, endpoint: VpcEndpoint, destination: Network
) -> VpcEndpoint | None:
    """Where the whole of `destination` goes from this endpoint's subnet, if that is another endpoint."""
    subnet = snapshot.get(Subnet, endpoint.subnet)
    table = tables.of_subnet(subnet) if subnet is not None else None
    if subnet is None or table is None or any(_inside(destination, block) for block in _blocks(subnet)):
        return None
    route = best(table, destination)
    return snapshot.get(VpcEndpoint, route.target) if route is not None else None


def best(table: RouteTable, destination: Network) -> Route | None:
    """The route that the whole of `destination` takes."""
    covering = [route for route in table.routes if _covers(route, destination)]
    return max(covering, key=lambda route: ip_network(route.destination).prefixlen, default=None)


def _covers(route: Route, destination: Network) -> bool:
    return _inside(destination, ip_network(route.destination))


def _inside(inner: Network, outer: Network) -> bool:
    """Never across protocols: IPv4 and IPv6 are looked up separately."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


def local_blocks(vpc: Vpc) -> tuple[Network, ...]:
    """The destinations of a VPC's local routes."""
    return (*(IPv4Network(cidr) for cidr in vpc.cidrs), *(IPv6Network(block.cidr) for block in vpc.ipv6))


def _blocks(subnet: Subnet) -> tuple[Network, ...]:
    return (IPv4Network(subnet.cidr), *((IPv6Network(subnet.ipv6.cidr),) if subnet.ipv6 else ()))


def _subnets(view: View, vpc: Vpc) -> set[Network]:
    return {block for subnet in view.values(Subnet) if subnet.vpc == vpc.id for block in _blocks(subnet)}


def _serves_edge(view: View, interface_id: str) -> bool:
    interface = view.get(NetworkInterface, interface_id)
    if interface is None or interface.attachment is None:
        return False
    instance = view.get(Instance, interface.attachment.instance)
    runs = instance is not None and instance.state in (InstanceState.PENDING, InstanceState.RUNNING)
    return runs and any(address.network_interface == interface_id for address in view.values(Address))
