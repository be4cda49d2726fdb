"""Where a packet would go, and why: AWS's routing rules walked over the stored objects, with the flow entry if there is one.

Pure. The words are those of the verdicts, so that an answer here and a count in `drops` are about the same thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from opengwlb.dataplane.flows import Flow
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.ids import endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import InternetGateway, NetworkInterface, Route, RouteTable, Subnet, Vpc
from opengwlb.policy import balancing, network, refusals
from opengwlb.policy.addressing import METADATA_ADDRESS, RESOLVER_ADDRESS, resolver_address
from opengwlb.policy.refusals import Asked
from opengwlb.policy.tables import Tables

from . import visibility
from .flows import targets_by_slot
from .frames import FlowTuple
from .visibility import Viewer

MOST_STEPS = 16
"""A packet that has not arrived by then goes round until its TTL ends."""

FindFlow = Callable[[int, FlowTuple], Flow | None]
"""(endpoint's number, tuple) -> the live flow of either direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: str
    """The id of what decides here."""
    decision: str
    """The verdict's name, or what is consulted next."""
    sentence: str


@dataclass(frozen=True, slots=True)
class _Where:
    """The packet enters a VPC's router: from which subnet (None: an internet gateway), in whose name."""

    vpc: str
    entry: str
    subnet: Subnet | None
    table: RouteTable | None


def why(snapshot: Snapshot, *, source: str, flow: FlowTuple, find_flow: FindFlow, viewer: Viewer) -> list[Step]:
    """From `source` (`eni-…`, or `igw-…` for what comes from the internet) to where it ends. LookupError for another source."""
    interface, gateway = snapshot.get(NetworkInterface, source), snapshot.get(InternetGateway, source)
    if interface is not None:
        if flow.family == 6 and not _has_ipv6(snapshot, interface.vpc):
            return [_step(interface.id, "ipv6_not_enabled", f"{interface.vpc} has no IPv6 CIDR block.")]
        if flow.destination in _services(snapshot, interface.vpc):
            return [_to_service(interface, flow)]
        if interface.source_dest_check and flow.source not in (*interface.private_ips, *interface.ipv6_addresses):
            return [_step(interface.id, "source_check", f"{flow.source} is not the interface's own address.")]
        if (refused := _refused(snapshot, interface, flow, egress=True)) is not None:
            return [refused]
        here = _from_subnet(snapshot, entry=interface.id, subnet_id=interface.subnet)
    elif gateway is not None and gateway.vpc is not None:
        came = _from_internet(snapshot, gateway.id, gateway.vpc, flow)
        if came.decision != "igw_in":
            return [came]
        private = dict(network.public_addresses(snapshot).get(gateway.vpc, ())).get(flow.destination)
        flow = flow._replace(destination=private or flow.destination)
        here = _Where(gateway.vpc, gateway.id, None, Tables(snapshot).of_edge(gateway.id))
        return [came, *_walk(snapshot, here, flow, find_flow, viewer)]
    else:
        raise LookupError(source)
    return list(_walk(snapshot, here, flow, find_flow, viewer))


def _step(at: str, decision: str, sentence: str) -> Step:
    return Step(at=at, decision=decision, sentence=sentence)


def _from_internet(snapshot: Snapshot, gateway: str, vpc: str, flow: FlowTuple) -> Step:
    """What the gateway does with the destination."""
    unknown = _step(gateway, "igw_unknown_address", f"No network interface has {flow.destination}.")
    if flow.family == 4:
        private = dict(network.public_addresses(snapshot).get(vpc, ())).get(flow.destination)
        return _step(gateway, "igw_in", f"{flow.destination} becomes {private}.") if private else unknown
    if not _has_ipv6(snapshot, vpc):
        return _step(gateway, "ipv6_not_enabled", f"{vpc} has no IPv6 CIDR block.")
    if _holder(snapshot, vpc, flow.destination) is None:
        return unknown
    return _step(gateway, "igw_in", f"{flow.destination} enters {vpc} as it is.")


def _has_ipv6(snapshot: Snapshot, vpc: str) -> bool:
    found = snapshot.get(Vpc, vpc)
    return found is not None and bool(found.ipv6)


def _holder(snapshot: Snapshot, vpc: str, address: str) -> NetworkInterface | None:
    """The interface that has this private or IPv6 address."""
    return next(
        (
            one
            for one in snapshot.values(NetworkInterface)
            if one.vpc == vpc and address in (*one.private_ips, *one.ipv6_addresses)
        ),
        None,
    )


def _services(snapshot: Snapshot, vpc_id: str) -> tuple[str, ...]:
    """Addresses that the VPC's own box answers at."""
    vpc = snapshot.get(Vpc, vpc_id)
    resolver = resolver_address(vpc) if vpc is not None else None
    return (METADATA_ADDRESS, *((RESOLVER_ADDRESS, resolver) if resolver is not None else ()))


def _to_service(interface: NetworkInterface, flow: FlowTuple) -> Step:
    if flow.source not in interface.private_ips:
        return _step(interface.id, "service_not_here", f"{flow.source} is not the interface's own address.")
    return _step(interface.vpc, "to_service", f"{flow.destination} is answered by {interface.vpc} itself.")


def _from_subnet(snapshot: Snapshot, *, entry: str, subnet_id: str) -> _Where:
    subnet = snapshot.get(Subnet, subnet_id)
    if subnet is None:
        raise LookupError(subnet_id)
    return _Where(subnet.vpc, entry, subnet, Tables(snapshot).of_subnet(subnet))


def _walk(snapshot: Snapshot, here: _Where, flow: FlowTuple, find_flow: FindFlow, viewer: Viewer) -> Iterator[Step]:
    for _ in range(MOST_STEPS):
        if flow.destination in _services(snapshot, here.vpc):
            yield _step(here.vpc, "service_not_here", f"{flow.destination} serves the instances of {here.vpc} alone.")
            return
        route = _route(here, flow.destination)
        if route is None and not _is_inside(here, flow.destination):
            table = here.table.id if here.table else "no route table"
            yield _step(table, "no_route", f"{table} has no route for {flow.destination}.")
            return
        if route is None or route.target_type == "local":
            yield _deliver(snapshot, here, flow)
            return
        assert here.table is not None
        chosen = f"{here.table.id} sends {route.destination} to {route.target}."
        if route.state == "blackhole":
            yield _step(here.table.id, "route_blackhole", f"{chosen} That target is gone.")
            return
        yield _step(here.table.id, "routed", chosen)
        if route.target_type == "gateway":
            yield _leave(snapshot, here, route.target, flow.source)
            return
        if route.target_type == "network-interface":
            yield _to_interface(snapshot, route.target, flow.destination)
            return
        endpoint = snapshot.get(VpcEndpoint, route.target)
        if endpoint is None:
            yield _step(route.target, "route_blackhole", "The endpoint is gone.")
            return
        inspected = _inspect(snapshot, endpoint, flow, find_flow, viewer)
        yield inspected
        if inspected.decision != "encapsulated":
            return
        here = _from_subnet(snapshot, entry=endpoint.id, subnet_id=endpoint.subnet)
    yield _step(here.entry, "ttl_exceeded", "It goes round until its TTL runs out: a routing loop.")


def _route(here: _Where, destination: str) -> Route | None:
    """The longest match; None inside the own subnet, which no table is asked about, and where nothing matches."""
    if here.table is None or _is_inside(here, destination):
        return None
    matching = [route for route in here.table.routes if _covers(route.destination, destination)]
    return max(matching, key=lambda route: ip_network(route.destination).prefixlen, default=None)


def _covers(block: str, address: str) -> bool:
    """Never across families."""
    return ip_address(address) in ip_network(block)


def _is_inside(here: _Where, destination: str) -> bool:
    """Delivered without a route table: the own subnet, or a gateway without an edge association."""
    if here.table is None:
        return True
    if here.subnet is None:
        return False
    blocks = (here.subnet.cidr, *((here.subnet.ipv6.cidr,) if here.subnet.ipv6 else ()))
    return any(_covers(block, destination) for block in blocks)


def _refused(snapshot: Snapshot, interface: NetworkInterface, flow: FlowTuple, *, egress: bool) -> Step | None:
    """By the interface's groups, unless it answers a tracked flow, which only the programs know. ICMP is taken for an echo request."""
    asked = Asked(
        egress=egress,
        peer=flow.destination if egress else flow.source,
        protocol=flow.protocol,
        port=flow.destination_port,
        icmp_type=128 if flow.family == 6 else 8,
    )
    if refusals.groups_allow(snapshot, interface, asked):
        return None
    side = "security_group_egress" if egress else "security_group_ingress"
    return _step(interface.id, side, f"{refusals.by_groups(interface, asked)} Only an answer to a known flow passes.")


def _deliver(snapshot: Snapshot, here: _Where, flow: FlowTuple) -> Step:
    interface = _holder(snapshot, here.vpc, flow.destination)
    destination = flow.destination
    if interface is not None:
        refused = _refused(snapshot, interface, flow, egress=False)
        if refused is not None:
            return refused
        return _step(interface.id, "delivered", f"{destination} is {interface.id} in {interface.subnet}.")
    return _step(here.vpc, "no_such_address", f"No network interface of {here.vpc} has {destination}.")


def _leave(snapshot: Snapshot, here: _Where, gateway: str, source: str) -> Step:
    if ":" in source and _holder(snapshot, here.vpc, source) is not None:
        return _step(gateway, "igw_out", f"{source} goes out to the internet as it is.")
    for public, private in network.public_addresses(snapshot).get(here.vpc, ()):
        if private == source:
            return _step(gateway, "igw_out", f"{source} becomes {public}, out to the internet.")
    return _step(gateway, "igw_no_public_address", f"{source} has no public address.")


def _to_interface(snapshot: Snapshot, target: str, destination: str) -> Step:
    interface = snapshot.get(NetworkInterface, target)
    if (
        interface is not None
        and interface.source_dest_check
        and destination not in (*interface.private_ips, *interface.ipv6_addresses)
    ):
        return _step(target, "dest_check", f"{destination} is not its address, and its source/dest check is on.")
    return _step(target, "delivered", f"Given to {target}, which decides what to do with it.")


def _inspect(snapshot: Snapshot, endpoint: VpcEndpoint, flow: FlowTuple, find_flow: FindFlow, viewer: Viewer) -> Step:
    """The load balancer's part. Which targets it has is told to those who run it."""
    load_balancer = snapshot.get(LoadBalancer, endpoint.load_balancer)
    if load_balancer is None or endpoint.state not in ("available", "pending"):
        return _step(endpoint.id, "endpoint_not_configured", f"The endpoint is {endpoint.state}.")
    if flow.family == 6 and "ipv4" in (endpoint.ip_address_type, load_balancer.ip_address_type):
        return _step(endpoint.id, "endpoint_ipv6_not_enabled", "The endpoint or its load balancer is not dualstack.")
    may_know = viewer.sees(visibility.provider(snapshot, endpoint))
    known = find_flow(endpoint_number(endpoint.id), flow)
    if known is not None:
        target, address = targets_by_slot(snapshot).get(known.target, ("a target that is gone", "unknown"))
        to = f": to {target} ({address})" if may_know else ""
        return _step(endpoint.id, "encapsulated", f"Known flow, cookie 0x{known.cookie:08x}{to}.")
    candidates = balancing.new_flow_targets(snapshot, load_balancer, zone=endpoint.zone)
    if not candidates:
        return _step(endpoint.id, "no_targets", f"{load_balancer.name} has no target in {endpoint.zone}.")
    if not may_know:
        return _step(endpoint.id, "encapsulated", "New flow, to one of the load balancer's targets by its hash.")
    named = ", ".join(f"{one.target.target} ({one.address})" for one in candidates)
    return _step(endpoint.id, "encapsulated", f"New flow, to one of {named} by its hash.")
