"""Where on its path a packet can be watched: which ports of which boxes, and what stands there in AWS's picture.

Pure. Before it the question (an endpoint, or an address of a server), after it captures on every place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opengwlb.model.compute import Instance
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import Address, InternetGateway, NetworkInterface
from opengwlb.policy import balancing, names, network

from .frames import FlowTuple


class Role(StrEnum):
    """What a place is on the path."""

    INTERNET = "internet"
    """The internet gateway's side toward the internet: public addresses."""
    GATEWAY = "gateway"
    """The internet gateway's side toward the VPC: private addresses."""
    ENDPOINT_ROUTER = "endpoint"
    """The endpoint, in the consumer's VPC."""
    ENDPOINT_BALANCER = "endpoint-far-end"
    """The endpoint, in the load balancer's box."""
    NODE = "node"
    """The load balancer's ENI."""
    APPLIANCE = "appliance"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    role: Role
    port: PortRef
    resource: str
    """The AWS id of what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """All places that packets of the asked kind may be met at."""

    endpoints: tuple[str, ...]
    places: tuple[Place, ...]

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(place.role for place in self.places)

    def only(self, ports: Collection[PortRef]) -> Path:
        """What of the path is among these ports."""
        return Path(endpoints=self.endpoints, places=tuple(place for place in self.places if place.port in ports))


def path(
    snapshot: Snapshot, *, endpoints: tuple[str, ...], addresses: Collection[str] = (), vpcs: Iterable[str] = ()
) -> Path:
    """The places around these endpoints and in these VPCs; `addresses` narrows the applications, if one has any of them."""
    found: dict[PortRef, Place] = {}
    for endpoint_id in endpoints:
        endpoint = snapshot.get(VpcEndpoint, endpoint_id)
        if endpoint is not None:
            for place in _around(snapshot, endpoint, addresses=addresses):
                found.setdefault(place.port, place)
    for vpc in vpcs:
        for place in (*_gateways(snapshot, vpc), *_applications(snapshot, vpc, addresses=addresses)):
            found.setdefault(place.port, place)
    return Path(endpoints=endpoints, places=tuple(found.values()))


def _around(snapshot: Snapshot, endpoint: VpcEndpoint, *, addresses: Collection[str]) -> Iterator[Place]:
    yield from _gateways(snapshot, endpoint.vpc)
    yield Place(role=Role.ENDPOINT_ROUTER, port=names.router_port(endpoint.vpc, endpoint.id), resource=endpoint.id)
    load_balancer = snapshot.get(LoadBalancer, endpoint.load_balancer)
    if load_balancer is not None:
        yield Place(
            role=Role.ENDPOINT_BALANCER,
            port=names.endpoint_port(load_balancer, endpoint.id),
            resource=endpoint.id,
        )
        for zone in load_balancer.zones:
            if zone.zone == endpoint.zone:
                interface = zone.network_interface
                yield Place(role=Role.NODE, port=names.node_port(load_balancer, interface), resource=interface)
        yield from _appliances(snapshot, load_balancer)
    yield from _applications(snapshot, endpoint.vpc, addresses=addresses)


def _gateways(snapshot: Snapshot, vpc: str) -> Iterator[Place]:
    for gateway in snapshot.values(InternetGateway):
        if gateway.vpc == vpc:
            yield Place(role=Role.INTERNET, port=PortRef(gateway.id, names.INTERNET), resource=gateway.id)
            yield Place(role=Role.GATEWAY, port=names.igw_vpc_port(gateway.id, vpc), resource=gateway.id)


def _appliances(snapshot: Snapshot, load_balancer: LoadBalancer) -> Iterator[Place]:
    listener = balancing.listener_of(snapshot, load_balancer.id)
    for placed in balancing.placed_targets(snapshot, listener.target_group) if listener else ():
        instance = _instance_of(snapshot, placed.interface)
        if instance is not None and placed.interface is not None:
            yield _instance_place(Role.APPLIANCE, instance, placed.interface)


def _applications(snapshot: Snapshot, vpc: str, *, addresses: Collection[str]) -> Iterator[Place]:
    inside = [one for one in snapshot.values(NetworkInterface) if one.vpc == vpc]
    named = [one for one in inside if any(own in addresses for own in (*one.private_ips, *one.ipv6_addresses))]
    for interface in named or inside:
        instance = _instance_of(snapshot, interface)
        if instance is not None:
            yield _instance_place(Role.APPLICATION, instance, interface)


def _instance_of(snapshot: Snapshot, interface: NetworkInterface | None) -> Instance | None:
    attachment = interface.attachment if interface else None
    return snapshot.get(Instance, attachment.instance) if attachment else None


def _instance_place(role: Role, instance: Instance, interface: NetworkInterface) -> Place:
    index = interface.attachment.device_index if interface.attachment else 0
    return Place(role=role, port=names.instance_port(instance.id, index), resource=instance.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An interface by both its addresses."""

    private: str
    public: str | None
    interface: NetworkInterface


def hosts(snapshot: Snapshot, address: str) -> list[Host]:
    """Every interface that has this private, public or IPv6 address; tenants may share a private one."""
    public = {
        (one.network_interface, one.private_ip): one.public_ip
        for one in snapshot.values(Address)
        if one.network_interface
    }
    found: list[Host] = []
    for interface in snapshot.values(NetworkInterface):
        for private in interface.private_ips:
            main = private == interface.private_ip
            outside = public.get((interface.id, private)) or (public.get((interface.id, None)) if main else None)
            if address in (private, outside, *(interface.ipv6_addresses if main else ())):
                found.append(Host(private=private, public=outside, interface=interface))
    return found


def translations(snapshot: Snapshot, endpoints: Iterable[str], *, vpcs: Iterable[str] = ()) -> dict[str, str]:
    """Public -> private address, as the internet gateways of these VPCs and of these endpoints' VPCs translate."""
    found = (snapshot.get(VpcEndpoint, endpoint) for endpoint in endpoints)
    vpcs = {*vpcs, *(endpoint.vpc for endpoint in found if endpoint is not None)}
    addresses = network.public_addresses(snapshot)
    return {public: private for vpc in vpcs for public, private in addresses.get(vpc, ())}


def public_to_private(snapshot: Snapshot) -> dict[str, str]:
    """Of every VPC: no two have the same public address."""
    return {public: private for pairs in network.public_addresses(snapshot).values() for public, private in pairs}


def translated(flow: FlowTuple, private: Mapping[str, str]) -> FlowTuple:
    """The same at every place: with private addresses."""
    return flow._replace(
        source=private.get(flow.source, flow.source), destination=private.get(flow.destination, flow.destination)
    )
