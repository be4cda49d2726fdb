"""The picture of the network that a viewer may see: its nodes, and how they belong together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Listener, LoadBalancer, Target, TargetState
from opengwlb.model.privatelink import EndpointService, InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.vpc import InternetGateway, NetworkInterface, Route, RouteTable, Subnet
from opengwlb.policy import balancing
from opengwlb.policy.tables import Tables

from . import map_nodes
from .map_answer import EdgeKind, MapEdge, MapNode, NetworkMap
from .visibility import Viewer

_ENDPOINTS_BETWEEN = Index(VpcEndpoint, lambda one: ((one.service, one.load_balancer),))


def network_map(snapshot: Snapshot, *, viewer: Viewer, region: str | None = None) -> NetworkMap:
    """`region` None stands for all. Edges are only between nodes that are there."""
    there = {
        node.id: node
        for node in map_nodes.nodes(snapshot, viewer=viewer, region=region)
        if not (node.kind == "instance" and node.state == InstanceState.TERMINATED)
    }
    routes = list(_routes(snapshot, there))
    drawn = (
        *_contained(snapshot, there),
        *_associated(snapshot, there),
        *routes,
        *_served(snapshot),
        *_balanced(snapshot),
    )
    edges = {edge.id: edge for edge in drawn if edge.source in there and edge.target in there}
    return NetworkMap(revision=snapshot.revision, nodes=tuple(there.values()), edges=tuple(edges.values()))


def _edge(
    kind: EdgeKind, source: str, target: str, *, ports: tuple[str, ...] = (), label: str = "", bad: bool = False
) -> MapEdge:
    return MapEdge(
        id=f"{kind}:{source}>{target}",
        source=source,
        target=target,
        kind=kind,
        label=label,
        ports=ports,
        state="bad" if bad else "ok",
    )


def _contained(snapshot: Snapshot, there: Mapping[str, MapNode]) -> Iterator[MapEdge]:
    tables = Tables(snapshot)
    used = {table.id for subnet in snapshot.values(Subnet) if (table := tables.of_subnet(subnet)) is not None}
    for subnet in snapshot.values(Subnet):
        yield _edge("contains", subnet.vpc, subnet.id)
    for gateway in snapshot.values(InternetGateway):
        if gateway.vpc is not None:
            yield _edge("contains", gateway.vpc, gateway.id, ports=(gateway.id,))
    for table in snapshot.values(RouteTable):
        if table.id not in used and not any(each.gateway for each in table.associations):
            yield _edge("contains", table.vpc, table.id)
    for endpoint in snapshot.values(VpcEndpoint):
        yield _edge("contains", endpoint.subnet, endpoint.id, ports=(endpoint.id,))
    for one in snapshot.values(InterfaceEndpoint):
        for subnet_id, interface in one.network_interfaces.items():
            yield _edge("contains", subnet_id, one.id, ports=(interface,))
    for balancer in snapshot.values(LoadBalancer):
        for zone in balancer.zones:
            yield _edge("contains", zone.subnet, balancer.id, ports=(zone.network_interface,))
    for instance in snapshot.values(Instance):
        if instance.id not in there:
            continue
        by_subnet: dict[str, tuple[str, ...]] = {}
        for interface in instance.network_interfaces:
            held = snapshot.get(NetworkInterface, interface)
            if held is not None:
                by_subnet[held.subnet] = (*by_subnet.get(held.subnet, ()), interface)
        for subnet_id, interfaces in by_subnet.items():
            yield _edge("contains", subnet_id, instance.id, ports=interfaces)


def _associated(snapshot: Snapshot, there: Mapping[str, MapNode]) -> Iterator[MapEdge]:
    tables = Tables(snapshot)
    for subnet in snapshot.values(Subnet):
        if subnet.id in there and (table := tables.of_subnet(subnet)) is not None:
            yield _edge("associated", subnet.id, table.id)
    for gateway in snapshot.values(InternetGateway):
        if gateway.id in there and (edge := tables.of_edge(gateway.id)) is not None:
            yield _edge("associated", gateway.id, edge.id, ports=(gateway.id,))


def _routes(snapshot: Snapshot, there: dict[str, MapNode]) -> Iterator[MapEdge]:
    """One for each target of a table. What is no more, or is drawn only because a route leads there, becomes a node of `there`."""
    for table in snapshot.values(RouteTable):
        if table.id not in there:
            continue
        by_target: dict[str, list[Route]] = {}
        for route in table.routes:
            if route.target_type != "local":
                by_target.setdefault(_target_of(snapshot, route, there), []).append(route)
        for target, routes in by_target.items():
            if target not in there:
                held = snapshot.get(NetworkInterface, target)
                found = map_nodes.interface(snapshot, held) if held else map_nodes.missing(target, table=table)
                there[target] = found
            yield _edge(
                "routes",
                table.id,
                target,
                label=", ".join(route.destination for route in routes),
                ports=tuple(dict.fromkeys(route.target for route in routes)),
                bad=any(route.state == "blackhole" for route in routes),
            )


def _target_of(snapshot: Snapshot, route: Route, there: Mapping[str, MapNode]) -> str:
    """The node that stands for a route's target: an interface is drawn as its instance."""
    held = snapshot.get(NetworkInterface, route.target)
    if held is not None and held.attachment is not None and held.attachment.instance in there:
        return held.attachment.instance
    return route.target


def _served(snapshot: Snapshot) -> Iterator[MapEdge]:
    for endpoint in snapshot.values(VpcEndpoint):
        bad = endpoint.state not in ("available", "pending")
        yield _edge("serves", endpoint.id, endpoint.service, ports=(endpoint.id,), bad=bad)
    for service in snapshot.values(EndpointService):
        for balancer in service.load_balancers:
            between = snapshot.find(_ENDPOINTS_BETWEEN, (service.id, balancer))
            yield _edge("serves", service.id, balancer, ports=tuple(one.id for one in between))


def _balanced(snapshot: Snapshot) -> Iterator[MapEdge]:
    for listener in snapshot.values(Listener):
        balancer = snapshot.get(LoadBalancer, listener.load_balancer)
        nodes = tuple(zone.network_interface for zone in balancer.zones) if balancer else ()
        yield _edge("forwards", listener.load_balancer, listener.target_group, ports=nodes)
    for target in snapshot.values(Target):
        placed = balancing.place(snapshot, target)
        interface = placed.interface if placed else None
        ports = (interface.id,) if interface else ()
        dead = target.state is TargetState.UNHEALTHY
        yield _edge("registered", target.target_group, target.id, ports=ports, bad=dead)
        if interface is not None and interface.attachment is not None:
            yield _edge("runs", target.id, interface.attachment.instance, ports=ports)
