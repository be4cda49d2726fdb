"""A consumer and a provider as stored objects, and the frames that one connection leaves at every place between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from test_plan import instance, interface, snapshot, subnet, table, vpc

from opengwlb.model.elb import Listener, LoadBalancer, LoadBalancerZone, Slot, Target, TargetGroup, TargetState
from opengwlb.model.ids import endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import Address, InternetGateway, Ipv6Block, NetworkInterface, Route, RouteTable, Subnet, Vpc
from opengwlb.observe import places
from opengwlb.observe.places import Place, Role
from opengwlb.observe.walk import Captured, Question
from opengwlb_appliance import geneve

CONSUMER, PROVIDER, STRANGER = "222222222222", "111111111111", "333333333333"
ENDPOINT = "vpce-076bc493b822cd32f"
CLIENT, PUBLIC, PRIVATE = "192.0.2.7", "198.18.1.10", "10.0.0.37"
CLIENT6, SERVER6, SUBNET6 = "2001:db8:ffff::7", "2001:db8:0:102::5", "2001:db8:0:102::/64"
NODE, APPLIANCE = "10.9.0.20", "10.9.0.10"
COOKIE = 0x1A2B3C4D
LB = f"arn:aws:elasticloadbalancing:ap-northeast-2:{PROVIDER}:loadbalancer/gwy/lb/0123456789abcdef"
TG = f"arn:aws:elasticloadbalancing:ap-northeast-2:{PROVIDER}:targetgroup/tg/00123456789abcdef0"
TO_ENDPOINT = {"target_type": "vpc-endpoint", "target": ENDPOINT}


def lab(*more: Any, endpoint_routes: tuple[Route, ...] | None = None, without: tuple[str, ...] = ()) -> Snapshot:
    """The tutorial's objects. `endpoint_routes` replaces those of the endpoint's subnet; `without` names ids to leave out."""
    consumer = replace(vpc("c"), account=CONSUMER)
    provider = replace(vpc("d", cidr="10.9.0.0/16"), account=PROVIDER)
    application = replace(subnet("a1", consumer, "10.0.0.32/28"), account=CONSUMER)
    endpoints = replace(subnet("e1", consumer, "10.0.1.0/24"), account=CONSUMER)
    security = subnet("5", provider, "10.9.0.0/24")
    web_id, appliance_id = f"i-{'1':0>17}", f"i-{'2':0>17}"
    web_eni = replace(interface("1", application, PRIVATE, instance=web_id), account=CONSUMER)
    appliance_eni = interface("2", security, APPLIANCE, instance=appliance_id)
    node_eni = interface("3", security, NODE, interface_type="gateway_load_balancer", source_dest_check=False)
    igw = InternetGateway(id=f"igw-{'9':0>17}", vpc=consumer.id, account=CONSUMER, region="ap-northeast-2")
    out = Route(destination="0.0.0.0/0", target_type="gateway", target=igw.id)
    objects = [
        consumer,
        provider,
        application,
        endpoints,
        security,
        web_eni,
        appliance_eni,
        node_eni,
        igw,
        replace(instance("1", web_eni), account=CONSUMER),
        instance("2", appliance_eni),
        *(
            replace(one, account=CONSUMER)
            for one in (
                table("app", consumer, 1000, Route(destination="0.0.0.0/0", **TO_ENDPOINT), subnet=application.id),
                table("end", consumer, 1001, *(endpoint_routes or (out,)), subnet=endpoints.id),
                table("edge", consumer, 1002, Route(destination=application.cidr, **TO_ENDPOINT), gateway=igw.id),
            )
        ),
        Address(
            id="eipalloc-1", public_ip=PUBLIC, network_interface=web_eni.id, account=CONSUMER, region="ap-northeast-2"
        ),
        VpcEndpoint(
            id=ENDPOINT,
            account=CONSUMER,
            region="ap-northeast-2",
            service="vpce-svc-0",
            service_name="s",
            vpc=consumer.id,
            subnet=endpoints.id,
            zone="a",
            network_interface="eni-e",
            created=0.0,
            load_balancer=LB,
            state="available",
        ),
        LoadBalancer(
            id=LB,
            account=PROVIDER,
            region="ap-northeast-2",
            name="lb",
            vpc=provider.id,
            created=0.0,
            zones=(LoadBalancerZone(zone="a", subnet=security.id, network_interface=node_eni.id),),
        ),
        TargetGroup(
            id=TG, account=PROVIDER, region="ap-northeast-2", name="tg", vpc=provider.id, target_type="instance"
        ),
        Listener(id="listener", account=PROVIDER, region="ap-northeast-2", load_balancer=LB, target_group=TG),
        Target(
            id=f"{TG}|{appliance_id}", target_group=TG, target=appliance_id, registered=0.0, state=TargetState.HEALTHY
        ),
        Slot(id=f"target|{TG}|{appliance_id}|{APPLIANCE}", number=3, generation=1),
        *more,
    ]
    return snapshot(*(one for one in objects if one.id not in without))


def dualstack(*more: Any) -> Snapshot:
    """The same, with IPv6 beside IPv4 everywhere."""
    plain = lab()
    changed: list[Any] = [
        replace(plain.get(Vpc, f"vpc-{'c':0>17}"), ipv6=(Ipv6Block(association="a", cidr="2001:db8:0:100::/56"),)),
        *(
            replace(plain.get(Subnet, f"subnet-{name:0>17}"), ipv6=Ipv6Block(association=name, cidr=block))
            for name, block in (("a1", SUBNET6), ("e1", "2001:db8:0:103::/64"))
        ),
        replace(plain.get(NetworkInterface, f"eni-{'1':0>17}"), ipv6_addresses=(SERVER6,)),
        replace(plain.get(VpcEndpoint, ENDPOINT), ip_address_type="dualstack"),
        replace(plain.get(LoadBalancer, LB), ip_address_type="dualstack"),
    ]
    out = Route(destination="::/0", target_type="gateway", target=f"igw-{'9':0>17}")
    doubles = {
        "rtb-app": Route(destination="::/0", **TO_ENDPOINT),
        "rtb-end": out,
        "rtb-edge": Route(destination=SUBNET6, **TO_ENDPOINT),
    }
    local = Route(destination="2001:db8:0:100::/56", target_type="local", target="local", origin="CreateRouteTable")
    for name, route in doubles.items():
        found = plain.get(RouteTable, name)
        changed.append(replace(found, routes=(*found.routes, local, route)))
    return lab(*changed, *more)


def question(**more: Any) -> Question:
    return Question(endpoints=(ENDPOINT,), **({"servers": frozenset({PRIVATE, PUBLIC, SERVER6})} | more))


INBOUND = (
    (Role.INTERNET, True, PUBLIC, False),
    (Role.GATEWAY, False, PRIVATE, False),
    (Role.ENDPOINT_ROUTER, False, PRIVATE, False),
    (Role.ENDPOINT_BALANCER, True, PRIVATE, False),
    (Role.NODE, False, PRIVATE, True),
    (Role.APPLIANCE, True, PRIVATE, True),
    (Role.APPLIANCE, False, PRIVATE, True),
    (Role.NODE, True, PRIVATE, True),
    (Role.ENDPOINT_BALANCER, False, PRIVATE, False),
    (Role.ENDPOINT_ROUTER, True, PRIVATE, False),
    (Role.APPLICATION, True, PRIVATE, False),
)
"""Where the client's packet is met: place, incoming, the server's address there, in the tunnel."""
OUTBOUND = tuple(
    (role, incoming, address, tunnelled)
    for role, incoming, address, tunnelled in (
        (Role.APPLICATION, False, PRIVATE, False),
        *INBOUND[2:10],
        (Role.GATEWAY, True, PRIVATE, False),
        (Role.INTERNET, False, PUBLIC, False),
    )
)


@dataclass
class Recorder:
    """Makes the frames; every place a microsecond after the one before."""

    snapshot: Snapshot
    family: int = 4
    at_ns: int = 1_000_000_000
    frames: list[Captured] = field(default_factory=list)

    def request(self, transport: Packet | None = None, **how: Any) -> None:
        segment = transport if transport is not None else TCP(sport=40000, dport=80, seq=100, flags="S")
        self._record(INBOUND, segment, client_is_source=True, **how)

    def reply(self, transport: Packet | None = None, **how: Any) -> None:
        segment = transport if transport is not None else TCP(sport=80, dport=40000, seq=900, ack=101, flags="SA")
        self._record(OUTBOUND, segment, client_is_source=False, **how)

    def _record(
        self,
        way: tuple[tuple[Role, bool, str, bool], ...],
        transport: Packet,
        *,
        client_is_source: bool,
        cookie: int = COOKIE,
        endpoint: str = ENDPOINT,
        ident: int = 7,
        ttl: int = 60,
        until: int = 99,
        tamper: bytes = b"",
    ) -> None:
        """`until` ends the way after so many places; `tamper` is appended by the appliance."""
        at = {place.role: place for place in places.path(self.snapshot, endpoints=(ENDPOINT,)).places}
        for number, (role, incoming, server, tunnelled) in enumerate(way[:until]):
            client, server = (CLIENT, server) if self.family == 4 else (CLIENT6, SERVER6)
            source, destination = (client, server) if client_is_source else (server, client)
            if self.family == 4:
                packet = IP(src=source, dst=destination, id=ident, ttl=ttl) / transport.copy()
            else:
                packet = IPv6(src=source, dst=destination, fl=ident, hlim=ttl) / transport.copy()
            if tamper and number >= 6:
                packet = packet / Raw(tamper)
            if tunnelled:
                to_appliance = incoming == (role is Role.APPLIANCE)
                outer = (NODE, APPLIANCE) if to_appliance else (APPLIANCE, NODE)
                inner = geneve.IPV4 if self.family == 4 else geneve.IPV6
                header = geneve.Header(protocol=inner, endpoint=endpoint_number(endpoint), cookie=cookie)
                tunnel = geneve.encode(header) + bytes(packet)
                packet = IP(src=outer[0], dst=outer[1]) / UDP(sport=50123, dport=6081, chksum=0) / Raw(tunnel)
            self.frames.append(captured(at[role], incoming, self.at_ns, packet))
            self.at_ns += 1000


def captured(place: Place, incoming: bool, at_ns: int, packet: Packet) -> Captured:
    # Both addresses given: scapy would ask the machine's network for a missing one.
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
    return Captured(place=place, incoming=incoming, at_ns=at_ns, data=bytes(frame))
