"""The resources that a viewer may see, as nodes of the map. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer, Target, TargetGroup, TargetState
from opengwlb.model.privatelink import EndpointService, InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.vpc import Address, InternetGateway, NetworkInterface, RouteTable, Subnet, Vpc
from opengwlb.policy import balancing

from . import visibility
from .map_answer import MapCheck, MapDetail, MapNode, MapReason, MapRoute, MapZone, NodeKind, ReasonCode
from .visibility import Viewer

REASONS = {
    "gone": "It is no more.",
    "lost": "{routes} cannot be reached.",
    "none": "No target is registered",
    "unhealthy": "{bad} of {all} targets unhealthy",
    "waiting": "To be accepted or rejected: {endpoints}",
}
_HEALTHY = {TargetState.HEALTHY: True, TargetState.UNHEALTHY: False, TargetState.UNAVAILABLE: False}
_SERVES = {"available": True, "failed": False, "rejected": False, "expired": False, "deleted": False}
_BALANCES = {"active": True, "active_impaired": False, "failed": False}
_ADDRESSES_OF = Index(Address, lambda one: (one.network_interface,) if one.network_interface else ())
_ENDPOINTS_OF_SERVICE = Index(VpcEndpoint, lambda one: (one.service,))


def nodes(snapshot: Snapshot, *, viewer: Viewer, region: str | None) -> Iterator[MapNode]:
    """VPCs first, instances last. `region` None stands for all."""
    for kind, make in _MAKERS.items():
        for one in snapshot.values(kind):
            if region in (None, one.region) and viewer.sees(frozenset({one.account})):
                yield make(snapshot, one)
    yield from _of_others(snapshot, viewer=viewer, region=region)
    for target in snapshot.values(Target):
        group = snapshot.get(TargetGroup, target.target_group)
        if group is not None and region in (None, group.region) and viewer.sees(frozenset({group.account})):
            yield _target(snapshot, target, group)


def _because(code: ReasonCode | None, **values: str) -> dict[str, Any]:
    """A node's `reason` and `why`."""
    if code is None:
        return {"reason": "", "why": None}
    return {"reason": REASONS[code].format(**values), "why": MapReason(code=code, values=values)}


def _of_others(snapshot: Snapshot, *, viewer: Viewer, region: str | None) -> Iterator[MapNode]:
    """A provider sees the endpoints on its load balancers, a consumer the services behind its endpoints: neither sees inside."""
    services = set()
    for endpoint in snapshot.values(VpcEndpoint):
        if region not in (None, endpoint.region):
            continue
        own = viewer.sees(frozenset({endpoint.account}))
        if not own and viewer.sees(visibility.provider(snapshot, endpoint)):
            yield _endpoint_of_other(endpoint)
        service = snapshot.get(EndpointService, endpoint.service)
        if own and service is not None and service.id not in services and not viewer.sees(frozenset({service.account})):
            services.add(service.id)
            yield _service_of_other(service)


def missing(target: str, *, table: RouteTable) -> MapNode:
    """What a route leads to although it is no more."""
    kinds: dict[str, NodeKind] = {"vpce": "endpoint", "igw": "internet-gateway"}
    return MapNode(
        id=target,
        kind=kinds.get(target.partition("-")[0], "network-interface"),
        name=target,
        account=None,
        vpc=table.vpc,
        zone=None,
        state="deleted",
        healthy=False,
        **_because("gone"),
        detail=MapDetail(),
    )


def interface(snapshot: Snapshot, one: NetworkInterface) -> MapNode:
    """One that a route leads to, and that is on no instance."""
    return MapNode(
        id=one.id,
        kind="network-interface",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=one.zone,
        state="in-use" if one.attachment or one.uplink or one.owner_object else "available",
        healthy=None,
        reason="",
        detail=MapDetail(
            addresses=(*one.private_ips, *one.ipv6_addresses),
            public_addresses=_public(snapshot, one.id),
            subnet=one.subnet,
            tags=one.tags,
        ),
    )


def _vpc(snapshot: Snapshot, one: Vpc) -> MapNode:
    return MapNode(
        id=one.id,
        kind="vpc",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.id,
        zone=None,
        state=one.state,
        healthy=None,
        reason="",
        detail=MapDetail(cidrs=(*one.cidrs, *(block.cidr for block in one.ipv6)), tags=one.tags),
    )


def _subnet(snapshot: Snapshot, one: Subnet) -> MapNode:
    return MapNode(
        id=one.id,
        kind="subnet",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=one.zone,
        state=one.state,
        healthy=None,
        reason="",
        detail=MapDetail(cidrs=(one.cidr, *((one.ipv6.cidr,) if one.ipv6 else ())), tags=one.tags),
    )


def _gateway(snapshot: Snapshot, one: InternetGateway) -> MapNode:
    return MapNode(
        id=one.id,
        kind="internet-gateway",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=None,
        state="attached" if one.vpc else "detached",
        healthy=None,
        reason="",
        detail=MapDetail(tags=one.tags),
    )


def _table(snapshot: Snapshot, one: RouteTable) -> MapNode:
    lost = [f"{route.destination} → {route.target}" for route in one.routes if route.state == "blackhole"]
    return MapNode(
        id=one.id,
        kind="route-table",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=None,
        state="blackhole" if lost else "active",
        healthy=not lost,
        **_because("lost" if lost else None, routes=", ".join(lost)),
        detail=MapDetail(
            main=any(each.main for each in one.associations),
            associations=tuple(each.subnet or each.gateway or "" for each in one.associations if not each.main),
            routes=tuple(
                MapRoute(destination=each.destination, target=each.target, state=each.state, origin=each.origin)
                for each in one.routes
            ),
            tags=one.tags,
        ),
    )


def _endpoint(snapshot: Snapshot, one: VpcEndpoint) -> MapNode:
    held = snapshot.get(NetworkInterface, one.network_interface)
    return MapNode(
        id=one.id,
        kind="endpoint",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=one.zone,
        state=one.state,
        healthy=_SERVES.get(one.state),
        reason=one.last_error,
        detail=MapDetail(
            addresses=(*held.private_ips, *held.ipv6_addresses) if held else (),
            subnet=one.subnet,
            network_interfaces=(one.network_interface,),
            service=one.service,
            service_name=one.service_name,
            tags=one.tags,
        ),
    )


def _endpoint_of_other(one: VpcEndpoint) -> MapNode:
    return MapNode(
        id=one.id,
        kind="endpoint",
        name=one.id,
        account=one.account,
        vpc=None,
        zone=one.zone,
        state=one.state,
        healthy=_SERVES.get(one.state),
        reason="",
        detail=MapDetail(service=one.service, service_name=one.service_name),
    )


def _interface_endpoint(snapshot: Snapshot, one: InterfaceEndpoint) -> MapNode:
    held = [snapshot.get(NetworkInterface, each) for each in one.network_interfaces.values()]
    return MapNode(
        id=one.id,
        kind="endpoint",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=None,
        state=one.state,
        healthy=_SERVES.get(one.state),
        reason=one.last_error,
        detail=MapDetail(
            addresses=tuple(each.private_ip for each in held if each is not None),
            network_interfaces=tuple(one.network_interfaces.values()),
            service_name=one.service_name,
            tags=one.tags,
        ),
    )


def _service(snapshot: Snapshot, one: EndpointService) -> MapNode:
    waiting = [each.id for each in snapshot.find(_ENDPOINTS_OF_SERVICE, one.id) if each.state == "pendingAcceptance"]
    return MapNode(
        id=one.id,
        kind="endpoint-service",
        name=one.tags.get("Name", one.name),
        account=one.account,
        vpc=None,
        zone=None,
        state=one.state,
        healthy=one.state == "Available",
        **_because("waiting" if waiting else None, endpoints=", ".join(waiting)),
        detail=MapDetail(
            service_name=one.name,
            acceptance_required=one.acceptance_required,
            load_balancers=one.load_balancers,
            tags=one.tags,
        ),
    )


def _service_of_other(one: EndpointService) -> MapNode:
    return MapNode(
        id=one.id,
        kind="endpoint-service",
        name=one.name,
        account=one.account,
        vpc=None,
        zone=None,
        state=one.state,
        healthy=one.state == "Available",
        reason="",
        detail=MapDetail(service_name=one.name, acceptance_required=one.acceptance_required),
    )


def _load_balancer(snapshot: Snapshot, one: LoadBalancer) -> MapNode:
    zones = [(each, snapshot.get(NetworkInterface, each.network_interface)) for each in one.zones]
    return MapNode(
        id=one.id,
        kind="load-balancer",
        name=one.name,
        account=one.account,
        vpc=one.vpc,
        zone=None,
        state=one.state,
        healthy=_BALANCES.get(one.state),
        reason=one.state_reason,
        detail=MapDetail(
            zones=tuple(
                MapZone(
                    zone=each.zone,
                    subnet=each.subnet,
                    network_interface=each.network_interface,
                    address=held.private_ip if held else None,
                )
                for each, held in zones
            ),
            attributes=one.attributes,
            tags=one.tags,
        ),
    )


def _target_group(snapshot: Snapshot, one: TargetGroup) -> MapNode:
    states = [target.state for target in snapshot.find(balancing.TARGETS_OF_GROUP, one.id)]
    healthy, bad = states.count(TargetState.HEALTHY), states.count(TargetState.UNHEALTHY)
    code: ReasonCode | None = "unhealthy" if bad else None if states else "none"
    check = one.health_check
    is_http = check.protocol != "TCP"
    return MapNode(
        id=one.id,
        kind="target-group",
        name=one.name,
        account=one.account,
        vpc=one.vpc,
        zone=None,
        state="active" if balancing.load_balancer_of(snapshot, one.id) else "unused",
        healthy=None if not (healthy or bad) else not bad,
        **_because(code, bad=str(bad), all=str(len(states))),
        detail=MapDetail(
            target_type=one.target_type,
            port=one.port,
            attributes=one.attributes,
            check=MapCheck(
                protocol=check.protocol,
                port=check.port,
                path=check.path if is_http else None,
                matcher=check.matcher if is_http else None,
                interval_s=check.interval_s,
                timeout_s=check.timeout_s,
                healthy_threshold=check.healthy_threshold,
                unhealthy_threshold=check.unhealthy_threshold,
            ),
            tags=one.tags,
        ),
    )


def _target(snapshot: Snapshot, one: Target, group: TargetGroup) -> MapNode:
    placed = balancing.place(snapshot, one)
    instance = snapshot.get(Instance, one.target)
    return MapNode(
        id=one.id,
        kind="target",
        name=instance.tags.get("Name", one.target) if instance else one.target,
        account=group.account,
        vpc=group.vpc,
        zone=placed.zone if placed else one.zone,
        state=str(one.state),
        healthy=_HEALTHY.get(one.state),
        reason=one.description or one.reason,
        detail=MapDetail(
            addresses=(placed.address,) if placed else (),
            network_interfaces=(placed.interface.id,) if placed and placed.interface else (),
            target_group=group.id,
            target=one.target,
            port=group.port,
        ),
    )


def _instance(snapshot: Snapshot, one: Instance) -> MapNode:
    held = [snapshot.get(NetworkInterface, each) for each in one.network_interfaces]
    there = [each for each in held if each is not None]
    return MapNode(
        id=one.id,
        kind="instance",
        name=one.tags.get("Name", one.id),
        account=one.account,
        vpc=one.vpc,
        zone=one.zone,
        state=str(one.state),
        healthy=True if one.state is InstanceState.RUNNING else None,
        reason=one.state_reason,
        detail=MapDetail(
            addresses=tuple(address for each in there for address in (*each.private_ips, *each.ipv6_addresses)),
            public_addresses=tuple(address for each in there for address in _public(snapshot, each.id)),
            subnet=one.subnet,
            network_interfaces=one.network_interfaces,
            image=one.image,
            instance_type=one.instance_type,
            tags=one.tags,
        ),
    )


def _public(snapshot: Snapshot, network_interface: str) -> tuple[str, ...]:
    return tuple(each.public_ip for each in snapshot.find(_ADDRESSES_OF, network_interface))


_MAKERS: dict[type[Any], Callable[[Snapshot, Any], MapNode]] = {
    Vpc: _vpc,
    Subnet: _subnet,
    InternetGateway: _gateway,
    RouteTable: _table,
    VpcEndpoint: _endpoint,
    InterfaceEndpoint: _interface_endpoint,
    EndpointService: _service,
    LoadBalancer: _load_balancer,
    TargetGroup: _target_group,
    Instance: _instance,
}
