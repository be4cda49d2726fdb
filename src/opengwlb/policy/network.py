"""Stored objects -> the network that should exist: which boxes, which links between them, and what their kernels route.

Pure: the same snapshot always gives the same topology. `plane.py` beside this says what the programs on the links must know.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.ids import device_name
from opengwlb.model.privatelink import InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.topology import (
    DELIVERY_TABLE,
    HOST,
    INTERNET_MTU,
    VPC_MTU,
    Box,
    BoxKind,
    HostNic,
    KernelRoute,
    KernelRule,
    Link,
    Neighbour,
    Port,
    PortRef,
    Program,
    Topology,
)
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import Address, InternetGateway, NetworkInterface, RouteTable, Subnet, Vpc

from . import images, names, uplinks
from .addressing import METADATA_ADDRESS, RESOLVER_ADDRESS, resolver_address, router_address6
from .builder import Builder

MAIN_TABLE = 254
INTERFACE_TABLE = 10000
"""Plus the device index: the routing table of an instance's further interface."""
INTERFACE_METRIC = 512
"""Plus the device index: of the default route by a further interface, for when eth0 is down."""
LAST_RESORT_METRIC = 4278198272
"""As high as the kernel's own last-resort routes: `unreachable` below whatever the table says."""

CARRIED = ("pending", "available", "rejected")
"""States in which an endpoint has its link; packets pass only in the first two (plane.py)."""


INTERFACES_OF_VPC = Index(NetworkInterface, lambda one: (one.vpc,))
_ADDRESSES_OF_INTERFACE = Index(Address, lambda one: (one.network_interface,) if one.network_interface else ())


def topology(snapshot: Snapshot) -> Topology:
    """The network for everything stored at this revision."""
    builder = Builder(snapshot)
    internet(builder)
    for kind, add in FIRST:
        for one in snapshot.values(kind):
            add(builder, one)
    builder.links = builder.made
    for table in snapshot.values(RouteTable):
        route_table(builder, table)
    return builder.topology()


def exists(instance: Instance) -> bool:
    """Whether the instance has its box: from the launch until it is stopped or terminated for good."""
    return instance.state not in (InstanceState.STOPPED, InstanceState.TERMINATED)


def gateway_address(subnet: Subnet) -> str:
    """The VPC router's address in a subnet: the first after the network's own (`10.0.0.33` in 10.0.0.32/28)."""
    return str(ipaddress.ip_network(subnet.cidr).network_address + 1)


def internet(builder: Builder) -> None:
    addresses = names.CLIENT_ADDRESSES + (names.CLIENT_ADDRESSES6 if builder.ipv6 else ())
    builder.boxes[names.INTERNET] = Box(id=names.INTERNET, kind=BoxKind.INTERNET, addresses=addresses)


def _vpc(builder: Builder, vpc: Vpc) -> None:
    # What instances ask at these is answered by servers in the router's own box (services/).
    resolver = resolver_address(vpc)
    services = (METADATA_ADDRESS, *((RESOLVER_ADDRESS, resolver) if resolver else ()))
    builder.boxes[vpc.id] = Box(id=vpc.id, kind=BoxKind.VPC, addresses=tuple(f"{each}/32" for each in services))
    # The stack sees only what the programs hand it (a TTL that ran out, a ping to the router); its answers find their way by
    # the delivery table, whatever mark they carry.
    for everything in _everything(builder, vpc.id):
        builder.rules.add(KernelRule(box=vpc.id, priority=32000, table=DELIVERY_TABLE, ipv6=":" in everything))
        builder.routes.add(_last_resort(vpc.id, DELIVERY_TABLE, everything))


def _everything(builder: Builder, vpc: str) -> tuple[str, ...]:
    """Every destination, in each protocol that the VPC has."""
    return ("0.0.0.0/0", "::/0") if vpc in builder.ipv6 else ("0.0.0.0/0",)


def _last_resort(box: str, table: int, everything: str) -> KernelRoute:
    return KernelRoute(box=box, table=table, destination=everything, kind="unreachable", metric=LAST_RESORT_METRIC)


def route_table(builder: Builder, table: RouteTable) -> None:
    for everything in _everything(builder, table.vpc):
        mark, ipv6 = table.number, ":" in everything
        builder.rules.add(KernelRule(box=table.vpc, priority=mark, fwmark=mark, table=mark, ipv6=ipv6))
        builder.routes.add(_last_resort(table.vpc, table.number, everything))
    for route in table.routes:
        if ":" in route.destination and table.vpc not in builder.ipv6:
            continue
        if route.target_type == "local":
            kernel_route = KernelRoute(box=table.vpc, table=table.number, destination=route.destination, kind="throw")
        elif (outside := _outside(builder, route.target)) is not None:
            link_id, address = outside
            kernel_route = KernelRoute(
                box=table.vpc,
                table=table.number,
                destination=route.destination,
                device=device_name(link_id),
                via=address,
            )
        elif (link := builder.links.get(route.target)) is not None and link.a.box == table.vpc:
            kernel_route = KernelRoute(
                box=table.vpc,
                table=table.number,
                destination=route.destination,
                device=device_name(route.target),
            )
        else:
            kernel_route = KernelRoute(
                box=table.vpc, table=table.number, destination=route.destination, kind="blackhole"
            )
        builder.routes.add(kernel_route)


def _eni(
    builder: Builder, interface: NetworkInterface, subnet: Subnet, *, far: Port, offloads_off: frozenset[str]
) -> None:
    """An ENI's link: the VPC router's end, the far end as given, and the host route that delivers to it."""
    device = device_name(interface.id)
    builder.made[interface.id] = Link(
        id=interface.id,
        a=Port(
            box=interface.vpc,
            device=device,
            mac=names.router_mac(interface.id),
            mtu=VPC_MTU,
            addresses=(f"{gateway_address(subnet)}/32", *(f"{each}/128" for each in _gateway_address6(subnet))),
            ipv6=interface.vpc in builder.ipv6,
            program=Program.ENI,
            offloads_off=offloads_off,
        ),
        b=far,
    )
    fours = ((each, 32) for each in interface.private_ips)
    for address, length in (*fours, *((each, 128) for each in interface.ipv6_addresses)):
        builder.routes.add(
            KernelRoute(
                box=interface.vpc,
                table=DELIVERY_TABLE,
                destination=f"{address}/{length}",
                device=device,
            )
        )
        builder.neighbours.add(Neighbour(box=interface.vpc, device=device, address=address, mac=interface.mac))


def _gateway_address6(subnet: Subnet) -> tuple[str, ...]:
    return (router_address6(ipaddress.IPv6Network(subnet.ipv6.cidr)),) if subnet.ipv6 else ()


def _far_port(interface: NetworkInterface, subnet: Subnet, *, box: str, device: str, program: Program | None) -> Port:
    prefix = ipaddress.ip_network(subnet.cidr).prefixlen
    return Port(
        box=box,
        device=device,
        mac=interface.mac,
        mtu=VPC_MTU,
        addresses=(
            *(f"{each}/{prefix}" for each in interface.private_ips),
            *(f"{each}/64" for each in interface.ipv6_addresses),
        ),
        ipv6=bool(interface.ipv6_addresses),
        program=program,
    )


def _instance(builder: Builder, instance: Instance) -> None:
    if not exists(instance):
        return
    snapshot = builder.snapshot
    builder.boxes[instance.id] = Box(id=instance.id, kind=BoxKind.INSTANCE)
    image = images.find(snapshot, instance.image)
    program = Program.INSPECTOR if image is not None and image.kind == "inspector" else None
    for index, interface, subnet in _interfaces(snapshot, instance):
        port = names.instance_port(instance.id, index)
        # A program that reads packets from a socket cannot take unfinished checksums or 64 KB datagrams; the kernel segments
        # and completes them when this one feature is off on the router's end (measured; datapath.md 5.2 and 10).
        segment = _is_carrier(builder, snapshot, instance) and not (image is not None and image.in_kernel)
        _eni(
            builder,
            interface,
            subnet,
            far=_far_port(interface, subnet, box=port.box, device=port.device, program=program),
            offloads_off=frozenset({"tx-checksum-ip-generic"}) if segment else frozenset(),
        )
        _leave_by(builder, port, interface, subnet, index=index)


def _leave_by(builder: Builder, port: PortRef, interface: NetworkInterface, subnet: Subnet, *, index: int) -> None:
    """Routes and rules of an instance's interface: by eth0 goes what does not say otherwise, by another what is sent from its
    addresses, so that answers leave by the interface that they came by. As Amazon Linux sets it up, down to the tables' numbers.
    """
    gateways = (gateway_address(subnet), *(_gateway_address6(subnet) if interface.ipv6_addresses else ()))
    for via in gateways:
        # The kernel takes 0 for the best route of IPv4, and for metric 1024 of IPv6: worse than the other interfaces'.
        metric = INTERFACE_METRIC + index if index or ":" in via else 0
        builder.routes.add(_default_route(port.box, port.device, via, metric=metric))
    if index == 0:
        return
    table = INTERFACE_TABLE + index
    builder.routes |= {_default_route(port.box, port.device, via, table=table) for via in gateways}
    builder.rules |= {
        KernelRule(box=port.box, priority=table, table=table, source=address, ipv6=":" in address)
        for address in (*interface.private_ips, *interface.ipv6_addresses)
    }


def _default_route(box: str, device: str, via: str, *, table: int = MAIN_TABLE, metric: int = 0) -> KernelRoute:
    everything = "::/0" if ":" in via else "0.0.0.0/0"
    return KernelRoute(box=box, table=table, destination=everything, device=device, via=via, metric=metric)


def _is_carrier(builder: Builder, snapshot: Snapshot, instance: Instance) -> bool:
    addresses = (each for _, one, _ in _interfaces(snapshot, instance) for each in one.private_ips)
    return instance.id in builder.carriers or not builder.carriers.isdisjoint(addresses)


def _interfaces(snapshot: Snapshot, instance: Instance) -> Iterator[tuple[int, NetworkInterface, Subnet]]:
    """With the device index of each, in its order."""
    for interface_id in instance.network_interfaces:
        interface = snapshot.get(NetworkInterface, interface_id)
        subnet = snapshot.get(Subnet, interface.subnet) if interface else None
        if interface is not None and subnet is not None and interface.attachment is not None:
            yield interface.attachment.device_index, interface, subnet


def _load_balancer(builder: Builder, load_balancer: LoadBalancer) -> None:
    snapshot = builder.snapshot
    box = names.load_balancer_box(load_balancer)
    builder.boxes[box] = Box(id=box, kind=BoxKind.GWLB)
    for order, zone in enumerate(load_balancer.zones):
        interface = snapshot.get(NetworkInterface, zone.network_interface)
        subnet = snapshot.get(Subnet, zone.subnet)
        if interface is None or subnet is None:
            continue
        device = device_name(interface.id)
        far = _far_port(interface, subnet, box=box, device=device, program=Program.TARGET)
        _eni(builder, interface, subnet, far=far, offloads_off=frozenset())
        # Probes are bound to their node's device, so each zone has a default route of its own; the metric only tells them apart.
        builder.routes.add(_default_route(box, device, gateway_address(subnet), metric=100 + order))


def _endpoint(builder: Builder, endpoint: VpcEndpoint) -> None:
    load_balancer = builder.snapshot.get(LoadBalancer, endpoint.load_balancer)
    if load_balancer is None or endpoint.state not in CARRIED:
        return
    device = device_name(endpoint.id)
    builder.made[endpoint.id] = Link(
        id=endpoint.id,
        a=Port(
            box=endpoint.vpc,
            device=device,
            mac=names.router_mac(endpoint.id),
            mtu=VPC_MTU,
            ipv6=endpoint.vpc in builder.ipv6,
            program=Program.ENI,
            # UDP super-packets that went through an in-kernel appliance keep stale tunnel state and are lost at the
            # receiver, all of them, unless the kernel segments them on their way in (measured; datapath.md 5.4 and 10).
            offloads_off=frozenset({"tx-udp-segmentation"}),
        ),
        b=Port(
            box=names.load_balancer_box(load_balancer),
            device=device,
            mac=names.far_mac(endpoint.id),
            mtu=VPC_MTU,
            program=Program.ENDPOINT,
        ),
    )


def _uplink(builder: Builder, uplink: Uplink) -> None:
    """The link from the VPC's router into the host's namespace, and what is behind it. The router has the NIC's MAC and MTU."""
    subnet = builder.snapshot.get(Subnet, uplink.subnet)
    if subnet is None:
        return
    device = device_name(uplink.id)
    behind = uplinks.behind(builder.snapshot, uplink.id)
    # As for an instance (`_instance`): what is out there reads whole datagrams from a socket, as far as we know.
    segment = any(one.private_ip in builder.carriers for one in behind)
    builder.made[uplink.id] = Link(
        id=uplink.id,
        a=Port(
            box=uplink.vpc,
            device=device,
            mac=uplink.mac,
            mtu=min(uplink.mtu, VPC_MTU),
            addresses=(f"{gateway_address(subnet)}/32",),
            program=Program.ENI,
            offloads_off=frozenset({"tx-checksum-ip-generic"}) if segment else frozenset(),
        ),
        b=Port(
            box=HOST,
            device=device,
            mac=names.far_mac(uplink.id),
            mtu=min(uplink.mtu, VPC_MTU),
            program=Program.UPLINK,
        ),
    )
    builder.nics.add(HostNic(device=uplink.device, link=uplink.id, mac=uplink.mac))
    for one in behind:
        builder.routes.add(
            KernelRoute(box=uplink.vpc, table=DELIVERY_TABLE, destination=f"{one.private_ip}/32", device=device)
        )


def _interface_endpoint(builder: Builder, endpoint: InterfaceEndpoint) -> None:
    """A box with an ENI in each of its subnets; servers in it answer the API. Each is bound to its ENI's device, so each device has a
    default route of its own; the metric only tells them apart."""
    if endpoint.state == "deleting":
        return
    snapshot = builder.snapshot
    builder.boxes[endpoint.id] = Box(id=endpoint.id, kind=BoxKind.SERVICE)
    for order, interface_id in enumerate(endpoint.network_interfaces.values()):
        interface = snapshot.get(NetworkInterface, interface_id)
        subnet = snapshot.get(Subnet, interface.subnet) if interface else None
        if interface is None or subnet is None:
            continue
        device = device_name(interface.id)
        far = _far_port(interface, subnet, box=endpoint.id, device=device, program=None)
        _eni(builder, interface, subnet, far=far, offloads_off=frozenset())
        builder.routes.add(_default_route(endpoint.id, device, gateway_address(subnet), metric=100 + order))


def _internet_gateway(builder: Builder, gateway: InternetGateway) -> None:
    if gateway.vpc is None:
        return
    builder.boxes[gateway.id] = Box(id=gateway.id, kind=BoxKind.IGW)
    device = device_name(gateway.id)
    vpc_port = names.igw_vpc_port(gateway.id, gateway.vpc)
    ipv6 = gateway.vpc in builder.ipv6
    inside = Link(
        id=gateway.id,
        a=Port(
            box=gateway.vpc,
            device=device,
            mac=names.router_mac(gateway.id),
            mtu=VPC_MTU,
            ipv6=ipv6,
            program=Program.ENI,
        ),
        b=Port(
            box=gateway.id,
            device=vpc_port.device,
            mac=names.far_mac(gateway.id),
            mtu=VPC_MTU,
            ipv6=ipv6,
            program=Program.IGW,
        ),
    )
    outside_id = f"{gateway.id}/internet"
    outside = Link(
        id=outside_id,
        a=Port(
            box=gateway.id,
            device=names.INTERNET,
            mac=names.router_mac(outside_id),
            mtu=INTERNET_MTU,
            addresses=(names.IGW_ADDRESS, names.IGW_ADDRESS6) if ipv6 else (names.IGW_ADDRESS,),
            ipv6=ipv6,
        ),
        b=Port(box=names.INTERNET, device=device, mac=names.far_mac(outside_id), mtu=INTERNET_MTU, ipv6=ipv6),
    )
    builder.made[inside.id] = inside
    builder.made[outside.id] = outside
    families = [(names.NEXT_HOP_INTERNET, names.NEXT_HOP_VPC, names.NEXT_HOP_IGW)]
    if ipv6:
        families.append((names.NEXT_HOP6_INTERNET, names.NEXT_HOP6_VPC, names.NEXT_HOP6_IGW))
    for to_internet, to_vpc, to_igw in families:
        builder.routes.add(_default_route(gateway.id, names.INTERNET, to_internet))
        builder.neighbours |= {
            Neighbour(box=gateway.id, device=names.INTERNET, address=to_internet, mac=outside.b.mac),
            Neighbour(box=gateway.id, device=vpc_port.device, address=to_vpc, mac=inside.a.mac),
            Neighbour(box=names.INTERNET, device=device, address=to_igw, mac=outside.a.mac),
        }
    for destination in _from_internet(builder, gateway.vpc):
        to_igw, to_vpc = (
            (names.NEXT_HOP6_IGW, names.NEXT_HOP6_VPC)
            if ":" in destination
            else (names.NEXT_HOP_IGW, names.NEXT_HOP_VPC)
        )
        for box, out, via in ((names.INTERNET, device, to_igw), (gateway.id, vpc_port.device, to_vpc)):
            builder.routes.add(KernelRoute(box=box, table=MAIN_TABLE, destination=destination, device=out, via=via))


def _from_internet(builder: Builder, vpc_id: str) -> Iterator[str]:
    """What the internet routes to a VPC's gateway: its public IPv4 addresses and its IPv6 blocks."""
    for public_ip, _ in public_addresses_of(builder.snapshot, vpc_id):
        yield f"{public_ip}/32"
    vpc = builder.snapshot.get(Vpc, vpc_id)
    for block in vpc.ipv6 if vpc is not None else ():
        yield block.cidr


def _outside(builder: Builder, interface_id: str) -> tuple[str, str] | None:
    """Of an interface behind an uplink: the uplink's link, and the address that is its next hop."""
    interface = builder.snapshot.get(NetworkInterface, interface_id)
    if interface is None or interface.uplink is None or interface.uplink not in builder.links:
        return None
    return interface.uplink, interface.private_ip


def public_addresses(snapshot: Snapshot) -> dict[str, list[tuple[str, str]]]:
    """VPC -> (public, private) of every associated address in it; a VPC without any is left out."""
    of = {vpc.id: list(public_addresses_of(snapshot, vpc.id)) for vpc in snapshot.values(Vpc)}
    return {vpc: found for vpc, found in of.items() if found}


def public_addresses_of(snapshot: Snapshot, vpc: str) -> Iterator[tuple[str, str]]:
    """(public, private) of every associated address in a VPC."""
    for interface in snapshot.find(INTERFACES_OF_VPC, vpc):
        for address in snapshot.find(_ADDRESSES_OF_INTERFACE, interface.id):
            yield address.public_ip, address.private_ip or interface.private_ip


FIRST: tuple[tuple[type[Any], Callable[[Builder, Any], None]], ...] = (
    (Vpc, _vpc),
    (InternetGateway, _internet_gateway),
    (Instance, _instance),
    (LoadBalancer, _load_balancer),
    (VpcEndpoint, _endpoint),
    (InterfaceEndpoint, _interface_endpoint),
    (Uplink, _uplink),
)
"""What each kind of object makes of the network; route tables come after all of them, because they lead to links."""
