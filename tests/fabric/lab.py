"""A network built by hand, without API and policy: a consumer VPC behind an internet gateway, a provider VPC, a load balancer.

    internet ── igw ── consumer VPC ── web (10.0.0.37), database (10.0.0.53)
                            │
                        endpoint
                            │
                           gwlb
                            │ node 10.1.0.10
                       provider VPC ── inspector (10.1.0.21, in the kernel), reflector (10.1.0.22, a Python process)

Route tables as in the AWS document: the gateway's edge table and the application subnets' tables lead to the endpoint, the
endpoint's to the gateway. Traffic between web and database is inspected too, through routes more specific than local.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace

from opengwlb.model.ids import device_name, endpoint_number
from opengwlb.model.plane import (
    EndpointEntry,
    EniEntry,
    EniRole,
    InspectorEntry,
    InspectorRule,
    NatEntry,
    NodeEntry,
    Plane,
    TargetEntry,
)
from opengwlb.model.topology import (
    DELIVERY_TABLE,
    INTERNET_MTU,
    VPC_MTU,
    Box,
    BoxKind,
    KernelRoute,
    KernelRule,
    Link,
    Neighbour,
    Port,
    PortRef,
    Program,
    Topology,
)

INTERNET, IGW = "internet", "igw-0bbbbbbbbbbbbbb01"
CONSUMER, PROVIDER = "vpc-0bbbbbbbbbbbbbb02", "vpc-0bbbbbbbbbbbbbb03"
GWLB, ENDPOINT = "gwlb-bbbbbbbbbbbbbb04", "vpce-0bbbbbbbbbbbbbb05"
WEB, DATABASE = "i-0bbbbbbbbbbbbbb06", "i-0bbbbbbbbbbbbbb07"
INSPECTOR, REFLECTOR = "i-0bbbbbbbbbbbbbb08", "i-0bbbbbbbbbbbbbb09"
INSPECTOR_SLOT, REFLECTOR_SLOT = 0, 1

CLIENT = "198.51.100.7"
PUBLIC = "203.0.113.10"
WEB_ADDRESS, DATABASE_ADDRESS = "10.0.0.37", "10.0.0.53"
NODE_ADDRESS, INSPECTOR_ADDRESS, REFLECTOR_ADDRESS = "10.1.0.10", "10.1.0.21", "10.1.0.22"
WEB_SUBNET, DATABASE_SUBNET, ENDPOINT_SUBNET = "10.0.0.32/28", "10.0.0.48/28", "10.0.0.16/28"
PROVIDER_SUBNET = "10.1.0.0/24"
EDGE, WEB_TABLE, DATABASE_TABLE, ENDPOINT_TABLE, PROVIDER_TABLE = 1001, 1002, 1003, 1004, 1005
NODE_PORT = PortRef(GWLB, "eni-bbbbbbbbb4")
ENDPOINT_PORT = PortRef(GWLB, device_name(ENDPOINT))
FORBIDDEN_PORT = 4444


@dataclass
class Drawing:
    """Topology and plane while they are being drawn."""

    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    routes: set[KernelRoute] = field(default_factory=set)
    rules: set[KernelRule] = field(default_factory=set)
    neighbours: set[Neighbour] = field(default_factory=set)
    enis: dict[PortRef, EniEntry] = field(default_factory=dict)

    def box(self, box_id: str, kind: BoxKind, *addresses: str) -> None:
        self.boxes[box_id] = Box(id=box_id, kind=kind, addresses=addresses)

    def link(self, link_id: str, a: Port, b: Port) -> Link:
        """MACs are given out here."""
        number = 2 * len(self.links)
        ends = (replace(port, mac=f"02:fa:00:00:00:{number + side:02x}") for side, port in enumerate((a, b)))
        self.links[link_id] = Link(id=link_id, a=next(ends), b=next(ends))
        return self.links[link_id]

    def route_table(self, vpc: str, number: int, *, local: str, devices: dict[str, str]) -> None:
        """`devices`: destination -> link id."""
        self.rules.add(KernelRule(box=vpc, priority=number, fwmark=number, table=number))
        self.routes.add(KernelRoute(box=vpc, table=number, destination=local, kind="throw"))
        for destination, link_id in devices.items():
            self.routes.add(KernelRoute(box=vpc, table=number, destination=destination, device=device_name(link_id)))

    def router_port(
        self, link: Link, role: EniRole, *, table: int, subnet: str | None, address: str | None = None
    ) -> None:
        """What `eni.bpf.c` must know of the `a` end."""
        self.enis[link.a.ref] = EniEntry(
            port=link.a.ref,
            role=role,
            table=table,
            delivery=DELIVERY_TABLE,
            subnet=subnet,
            addresses=(address,) if address else (),
            source_dest_check=address is not None,
            mac=link.a.mac,
            peer_mac=link.b.mac,
        )

    def eni(
        self,
        vpc: str,
        far: PortRef,
        *,
        address: str,
        subnet: str,
        table: int,
        program: Program | None = None,
        offloads_off: frozenset[str] = frozenset(),
    ) -> Link:
        network = ipaddress.ip_network(subnet)
        gateway = str(network.network_address + 1)
        link_id = f"eni-0{far.box[-12:]}"
        link = self.link(
            link_id,
            Port(
                box=vpc,
                device=device_name(link_id),
                mac="",
                mtu=VPC_MTU,
                addresses=(f"{gateway}/32",),
                program=Program.ENI,
                offloads_off=offloads_off,
            ),
            Port(
                box=far.box,
                device=far.device,
                mac="",
                mtu=VPC_MTU,
                addresses=(f"{address}/{network.prefixlen}",),
                program=program,
            ),
        )
        self.routes.add(KernelRoute(box=vpc, table=DELIVERY_TABLE, destination=f"{address}/32", device=link.a.device))
        self.routes.add(KernelRoute(box=far.box, table=254, destination="0.0.0.0/0", device=far.device, via=gateway))
        self.neighbours.add(Neighbour(box=vpc, device=link.a.device, address=address, mac=link.b.mac))
        self.router_port(link, EniRole.ENI, table=table, subnet=subnet, address=address)
        return link


def draw(*, targets: tuple[int, ...]) -> tuple[Topology, Plane]:
    """The network above, with new flows spread over these target slots."""
    it = Drawing()
    it.box(INTERNET, BoxKind.INTERNET, f"{CLIENT}/32")
    it.box(IGW, BoxKind.IGW)
    for vpc in (CONSUMER, PROVIDER):
        it.box(vpc, BoxKind.VPC)
        it.rules.add(KernelRule(box=vpc, priority=32_000, table=DELIVERY_TABLE))
    it.box(GWLB, BoxKind.GWLB)
    for instance in (WEB, DATABASE, INSPECTOR, REFLECTOR):
        it.box(instance, BoxKind.INSTANCE)
    _gateway(it)
    it.eni(CONSUMER, PortRef(WEB, "eth0"), address=WEB_ADDRESS, subnet=WEB_SUBNET, table=WEB_TABLE)
    it.eni(CONSUMER, PortRef(DATABASE, "eth0"), address=DATABASE_ADDRESS, subnet=DATABASE_SUBNET, table=DATABASE_TABLE)
    local = "10.0.0.0/16"
    it.route_table(CONSUMER, EDGE, local=local, devices={WEB_SUBNET: ENDPOINT})
    it.route_table(CONSUMER, WEB_TABLE, local=local, devices={"0.0.0.0/0": ENDPOINT, DATABASE_SUBNET: ENDPOINT})
    it.route_table(CONSUMER, DATABASE_TABLE, local=local, devices={WEB_SUBNET: ENDPOINT})
    it.route_table(CONSUMER, ENDPOINT_TABLE, local=local, devices={"0.0.0.0/0": IGW})
    endpoint = it.link(
        ENDPOINT,
        Port(
            box=CONSUMER,
            device=device_name(ENDPOINT),
            mac="",
            mtu=VPC_MTU,
            program=Program.ENI,
            offloads_off=frozenset({"tx-udp-segmentation"}),
        ),
        Port(box=GWLB, device=ENDPOINT_PORT.device, mac="", mtu=VPC_MTU, program=Program.ENDPOINT),
    )
    it.router_port(endpoint, EniRole.ENDPOINT, table=ENDPOINT_TABLE, subnet=ENDPOINT_SUBNET)
    it.route_table(PROVIDER, PROVIDER_TABLE, local="10.1.0.0/16", devices={})
    provider = {"subnet": PROVIDER_SUBNET, "table": PROVIDER_TABLE}
    node = it.eni(PROVIDER, NODE_PORT, address=NODE_ADDRESS, program=Program.TARGET, **provider)
    inspector = it.eni(
        PROVIDER, PortRef(INSPECTOR, "eth0"), address=INSPECTOR_ADDRESS, program=Program.INSPECTOR, **provider
    )
    it.eni(
        PROVIDER,
        PortRef(REFLECTOR, "eth0"),
        address=REFLECTOR_ADDRESS,
        offloads_off=frozenset({"tx-checksum-ip-generic"}),
        **provider,
    )
    number = endpoint_number(ENDPOINT)
    plane = Plane(
        enis=it.enis,
        nodes={
            0: NodeEntry(
                slot=0,
                address=NODE_ADDRESS,
                port=NODE_PORT,
                mac=node.b.mac,
                peer_mac=node.a.mac,
                targets=targets,
            )
        },
        targets={
            INSPECTOR_SLOT: TargetEntry(slot=INSPECTOR_SLOT, generation=1, address=INSPECTOR_ADDRESS),
            REFLECTOR_SLOT: TargetEntry(slot=REFLECTOR_SLOT, generation=1, address=REFLECTOR_ADDRESS),
        },
        endpoints={
            number: EndpointEntry(
                endpoint=number, port=ENDPOINT_PORT, node=0, mac=endpoint.b.mac, peer_mac=endpoint.a.mac
            )
        },
        nats=frozenset({NatEntry(port=it.links[IGW].b.ref, private=WEB_ADDRESS, public=PUBLIC)}),
        inspectors={
            inspector.b.ref: InspectorEntry(
                port=inspector.b.ref,
                rules=(InspectorRule(action="deny", protocol=6, from_port=FORBIDDEN_PORT, to_port=FORBIDDEN_PORT),),
            )
        },
    )
    topology = Topology(
        boxes=it.boxes,
        links=it.links,
        routes=frozenset(it.routes),
        rules=frozenset(it.rules),
        neighbours=frozenset(it.neighbours),
    )
    return topology, plane


def _gateway(it: Drawing) -> None:
    """The internet gateway between the consumer VPC and the internet, on links whose next hops are permanent neighbours."""
    to_internet, to_vpc, back = "169.254.0.1", "169.254.0.3", "169.254.0.2"
    inside = it.link(
        IGW,
        Port(box=CONSUMER, device=device_name(IGW), mac="", mtu=VPC_MTU, program=Program.ENI),
        Port(box=IGW, device=device_name(CONSUMER), mac="", mtu=VPC_MTU, program=Program.IGW),
    )
    it.router_port(inside, EniRole.IGW, table=EDGE, subnet=None)
    outside = it.link(
        f"{IGW}/internet",
        Port(box=IGW, device="internet", mac="", mtu=INTERNET_MTU, addresses=("192.0.2.254/32",)),
        Port(box=INTERNET, device=device_name(IGW), mac="", mtu=INTERNET_MTU),
    )
    it.routes |= {
        KernelRoute(box=IGW, table=254, destination="0.0.0.0/0", device="internet", via=to_internet),
        KernelRoute(box=IGW, table=254, destination=f"{PUBLIC}/32", device=inside.b.device, via=to_vpc),
        KernelRoute(box=INTERNET, table=254, destination=f"{PUBLIC}/32", device=outside.b.device, via=back),
    }
    it.neighbours |= {
        Neighbour(box=IGW, device="internet", address=to_internet, mac=outside.b.mac),
        Neighbour(box=IGW, device=inside.b.device, address=to_vpc, mac=inside.a.mac),
        Neighbour(box=INTERNET, device=outside.b.device, address=back, mac=outside.a.mac),
    }
