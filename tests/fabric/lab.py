"""A network built by hand, without API and policy: a consumer VPC behind an internet gateway, a provider VPC, a load balancer.

    internet ── igw ── consumer VPC ── web (10.0.0.37), database (10.0.0.53)
                            │
                        endpoint
                            │
                           gwlb
                            │ node 10.1.0.10
                       provider VPC ── inspector (10.1.0.21, in the kernel), reflector (10.1.0.22, a Python process)

That is the first tenant. The second has the same addresses in a VPC of its own, another public address, two endpoints in series.
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

INTERNET = "internet"
PROVIDER, GWLB = "vpc-0bbbbbbbbbbbbbb03", "gwlb-bbbbbbbbbbbbbb04"
INSPECTOR, REFLECTOR = "i-0bbbbbbbbbbbbbb08", "i-0bbbbbbbbbbbbbb09"
INSPECTOR_SLOT, REFLECTOR_SLOT = 0, 1

CLIENT = "198.51.100.7"
LOCAL = "10.0.0.0/16"
WEB_ADDRESS, DATABASE_ADDRESS = "10.0.0.37", "10.0.0.53"
NODE_ADDRESS, INSPECTOR_ADDRESS, REFLECTOR_ADDRESS = "10.1.0.10", "10.1.0.21", "10.1.0.22"
WEB_SUBNET, DATABASE_SUBNET, ENDPOINT_SUBNET = "10.0.0.32/28", "10.0.0.48/28", "10.0.0.16/28"
PROVIDER_SUBNET = "10.1.0.0/24"
EDGE, WEB_TABLE, DATABASE_TABLE, ENDPOINT_TABLE, PROVIDER_TABLE = 1001, 1002, 1003, 1004, 1005
SECOND_ENDPOINT_TABLE = 1006
NODE_PORT = PortRef(GWLB, "eni-bbbbbbbbb4")
FORBIDDEN_PORT = 4444


@dataclass(frozen=True, kw_only=True)
class Tenant:
    number: int
    public: str
    endpoints: int
    """One, or two in series."""

    def _id(self, kind: str, which: int) -> str:
        return f"{kind}-0ccccccccccccc{self.number}{which:02x}"

    @property
    def vpc(self) -> str:
        return self._id("vpc", 1)

    @property
    def igw(self) -> str:
        return self._id("igw", 2)

    @property
    def web(self) -> str:
        return self._id("i", 3)

    @property
    def database(self) -> str:
        return self._id("i", 4)

    @property
    def endpoint_ids(self) -> list[str]:
        return [self._id("vpce", 5 + which) for which in range(self.endpoints)]


FIRST = Tenant(number=1, public="203.0.113.10", endpoints=1)
SECOND = Tenant(number=2, public="203.0.113.20", endpoints=2)


@dataclass
class Drawing:
    """Topology and plane while they are being drawn."""

    boxes: dict[str, Box] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    routes: set[KernelRoute] = field(default_factory=set)
    rules: set[KernelRule] = field(default_factory=set)
    neighbours: set[Neighbour] = field(default_factory=set)
    enis: dict[PortRef, EniEntry] = field(default_factory=dict)
    endpoints: dict[int, EndpointEntry] = field(default_factory=dict)
    nats: set[NatEntry] = field(default_factory=set)

    def box(self, box_id: str, kind: BoxKind, *addresses: str) -> None:
        self.boxes[box_id] = Box(id=box_id, kind=kind, addresses=addresses)

    def vpc(self, vpc: str) -> None:
        self.box(vpc, BoxKind.VPC)
        self.rules.add(KernelRule(box=vpc, priority=32_000, table=DELIVERY_TABLE))

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


def draw(*, targets: tuple[int, ...], loop: bool = False, internet_mtu: int = INTERNET_MTU) -> tuple[Topology, Plane]:
    """The network above, with new flows spread over these target slots.

    With `loop`, the first tenant's endpoint subnet has a default route to its own endpoint, as the AWS document would lead to.
    `internet_mtu` is that of the gateways' own ends; the internet's ends keep theirs, so that hosts there do not know.
    """
    it = Drawing()
    it.box(INTERNET, BoxKind.INTERNET, f"{CLIENT}/32")
    it.box(GWLB, BoxKind.GWLB)
    node, inspector = _provider(it)
    for tenant in (FIRST, SECOND):
        _consumer(it, tenant, loop=loop, internet_mtu=internet_mtu)
    plane = Plane(
        enis=it.enis,
        nodes={
            0: NodeEntry(
                slot=0, address=NODE_ADDRESS, port=NODE_PORT, mac=node.b.mac, peer_mac=node.a.mac, targets=targets
            )
        },
        targets={
            INSPECTOR_SLOT: TargetEntry(slot=INSPECTOR_SLOT, generation=1, address=INSPECTOR_ADDRESS),
            REFLECTOR_SLOT: TargetEntry(slot=REFLECTOR_SLOT, generation=1, address=REFLECTOR_ADDRESS),
        },
        endpoints=it.endpoints,
        nats=frozenset(it.nats),
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


def _provider(it: Drawing) -> tuple[Link, Link]:
    """The links of the load balancer's node and of the inspector."""
    it.vpc(PROVIDER)
    it.box(INSPECTOR, BoxKind.INSTANCE)
    it.box(REFLECTOR, BoxKind.INSTANCE)
    it.route_table(PROVIDER, PROVIDER_TABLE, local="10.1.0.0/16", devices={})

    def eni(
        far: PortRef, address: str, *, program: Program | None = None, offloads_off: frozenset[str] = frozenset()
    ) -> Link:
        return it.eni(
            PROVIDER,
            far,
            address=address,
            subnet=PROVIDER_SUBNET,
            table=PROVIDER_TABLE,
            program=program,
            offloads_off=offloads_off,
        )

    eni(PortRef(REFLECTOR, "eth0"), REFLECTOR_ADDRESS, offloads_off=frozenset({"tx-checksum-ip-generic"}))
    return (
        eni(NODE_PORT, NODE_ADDRESS, program=Program.TARGET),
        eni(PortRef(INSPECTOR, "eth0"), INSPECTOR_ADDRESS, program=Program.INSPECTOR),
    )


def _consumer(it: Drawing, tenant: Tenant, *, loop: bool, internet_mtu: int) -> None:
    vpc = tenant.vpc
    it.vpc(vpc)
    it.box(tenant.igw, BoxKind.IGW)
    it.box(tenant.web, BoxKind.INSTANCE)
    it.box(tenant.database, BoxKind.INSTANCE)
    _gateway(it, tenant, internet_mtu=internet_mtu)
    it.eni(vpc, PortRef(tenant.web, "eth0"), address=WEB_ADDRESS, subnet=WEB_SUBNET, table=WEB_TABLE)
    it.eni(
        vpc, PortRef(tenant.database, "eth0"), address=DATABASE_ADDRESS, subnet=DATABASE_SUBNET, table=DATABASE_TABLE
    )
    outer, inner = tenant.endpoint_ids[0], tenant.endpoint_ids[-1]
    it.route_table(vpc, EDGE, local=LOCAL, devices={WEB_SUBNET: outer})
    it.route_table(vpc, WEB_TABLE, local=LOCAL, devices={"0.0.0.0/0": inner, DATABASE_SUBNET: inner})
    it.route_table(vpc, DATABASE_TABLE, local=LOCAL, devices={WEB_SUBNET: inner})
    _endpoint(it, tenant, outer, table=ENDPOINT_TABLE)
    if outer == inner:
        onward = outer if loop else tenant.igw
        it.route_table(vpc, ENDPOINT_TABLE, local=LOCAL, devices={"0.0.0.0/0": onward})
    else:
        _endpoint(it, tenant, inner, table=SECOND_ENDPOINT_TABLE)
        it.route_table(vpc, ENDPOINT_TABLE, local=LOCAL, devices={WEB_SUBNET: inner, "0.0.0.0/0": tenant.igw})
        it.route_table(vpc, SECOND_ENDPOINT_TABLE, local=LOCAL, devices={"0.0.0.0/0": outer})


def _endpoint(it: Drawing, tenant: Tenant, endpoint_id: str, *, table: int) -> None:
    link = it.link(
        endpoint_id,
        Port(
            box=tenant.vpc,
            device=device_name(endpoint_id),
            mac="",
            mtu=VPC_MTU,
            program=Program.ENI,
            offloads_off=frozenset({"tx-udp-segmentation"}),
        ),
        Port(box=GWLB, device=device_name(endpoint_id), mac="", mtu=VPC_MTU, program=Program.ENDPOINT),
    )
    it.router_port(link, EniRole.ENDPOINT, table=table, subnet=ENDPOINT_SUBNET)
    number = endpoint_number(endpoint_id)
    it.endpoints[number] = EndpointEntry(endpoint=number, port=link.b.ref, node=0, mac=link.b.mac, peer_mac=link.a.mac)


def _gateway(it: Drawing, tenant: Tenant, *, internet_mtu: int) -> None:
    """Between a consumer's VPC and the internet, on links whose next hops are permanent neighbours."""
    to_internet, to_vpc, back = "169.254.0.1", "169.254.0.3", "169.254.0.2"
    igw, device, public = tenant.igw, device_name(tenant.igw), f"{tenant.public}/32"
    inside = it.link(
        igw,
        Port(box=tenant.vpc, device=device, mac="", mtu=VPC_MTU, program=Program.ENI),
        Port(box=igw, device=device_name(tenant.vpc), mac="", mtu=VPC_MTU, program=Program.IGW),
    )
    it.router_port(inside, EniRole.IGW, table=EDGE, subnet=None)
    it.nats.add(NatEntry(port=inside.b.ref, private=WEB_ADDRESS, public=tenant.public))
    outside = it.link(
        f"{igw}/internet",
        Port(box=igw, device="internet", mac="", mtu=internet_mtu, addresses=("192.0.2.254/32",)),
        Port(box=INTERNET, device=device, mac="", mtu=INTERNET_MTU),
    )
    it.routes |= {
        KernelRoute(box=igw, table=254, destination="0.0.0.0/0", device="internet", via=to_internet),
        KernelRoute(box=igw, table=254, destination=public, device=inside.b.device, via=to_vpc),
        KernelRoute(box=INTERNET, table=254, destination=public, device=device, via=back),
    }
    it.neighbours |= {
        Neighbour(box=igw, device="internet", address=to_internet, mac=outside.b.mac),
        Neighbour(box=igw, device=inside.b.device, address=to_vpc, mac=inside.a.mac),
        Neighbour(box=INTERNET, device=device, address=back, mac=outside.a.mac),
    }
