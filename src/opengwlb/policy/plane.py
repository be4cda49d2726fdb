"""Stored objects -> what the programs in the kernel must know."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from opengwlb.model.compute import Instance
from opengwlb.model.elb import Listener, LoadBalancer, Slot, Target, TargetGroup
from opengwlb.model.ids import endpoint_number
from opengwlb.model.plane import (
    EndpointEntry,
    EniEntry,
    EniRole,
    Gateway6Entry,
    Guard,
    InspectorEntry,
    InspectorRule,
    NatEntry,
    NodeEntry,
    Plane,
    TargetEntry,
    UplinkEntry,
)
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import DELIVERY_TABLE, HOST, Link, PortRef, Program, Topology
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import InternetGateway, NetworkInterface, RouteTable, Subnet, Vpc

from . import attributes, balancing, flow_logs, guards, names, network, slots, uplinks
from .addressing import resolver_address
from .inspector import parse_inspector_rules
from .tables import Tables

PASSING = ("pending", "available")
"""States of an endpoint in which its packets are carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the plane that is derived by itself."""

    field: str
    """Of `Plane`."""
    root: type[Any] | None
    """The kind whose objects, or the topology's `Link`s, `derive` walks; what it says is the union of what it says of each alone.
    None: it can only be asked about everything."""
    derive: Callable[[Snapshot, Topology], Any]


def plane(snapshot: Snapshot, topology: Topology) -> Plane:
    """Everything the programs need, for the links of this topology."""
    return Plane(**{section.field: section.derive(snapshot, topology) for section in SECTIONS})


class Parts:
    """A plane that sections' parts are put into and taken out of."""

    def __init__(self) -> None:
        self._dicts: dict[str, dict[Any, Any]] = {}
        self._sets: dict[str, frozenset[Any]] = {}

    def take(self, section: Section, part: Any) -> None:
        if isinstance(part, dict):
            held = self._dicts[section.field]
            for key in part:
                held.pop(key, None)
        elif part:
            self._sets[section.field] -= part

    def add(self, section: Section, part: Any) -> None:
        if isinstance(part, dict):
            self._dicts.setdefault(section.field, {}).update(part)
        elif part:
            self._sets[section.field] = self._sets.get(section.field, frozenset()) | part

    def plane(self) -> Plane:
        """Its dicts are these very ones: they change with the next part."""
        fields: dict[str, Any] = {**self._dicts, **self._sets}
        return Plane(**fields)


def _number(table: RouteTable | None) -> int:
    return table.number if table is not None else DELIVERY_TABLE


def _enis(snapshot: Snapshot, topology: Topology) -> dict[PortRef, EniEntry]:
    tables = Tables(snapshot)
    watched = flow_logs.watched(snapshot)
    entries: dict[PortRef, EniEntry] = {}
    for link in topology.links.values():
        if link.a.program is not Program.ENI:
            continue
        interface = snapshot.get(NetworkInterface, link.id)
        endpoint = snapshot.get(VpcEndpoint, link.id)
        gateway = snapshot.get(InternetGateway, link.id)
        uplink = snapshot.get(Uplink, link.id)
        subnet_id: str | None
        addresses: tuple[str, ...]
        guard: Guard | None = None
        apart: tuple[tuple[str, Guard], ...] = ()
        if gateway is not None:
            role, subnet_id, addresses, check = EniRole.IGW, None, (), False
        elif endpoint is not None:
            role, subnet_id, addresses, check = EniRole.ENDPOINT, endpoint.subnet, (), False
            guard = guards.of_endpoint(snapshot, endpoint.id, vpc=endpoint.vpc, subnet=endpoint.subnet)
        elif interface is not None:
            role, subnet_id = EniRole.ENI, interface.subnet
            addresses, check = interface.private_ips, interface.source_dest_check
            guard = guards.of_interface(snapshot, interface)
        elif uplink is not None:
            behind = uplinks.behind(snapshot, uplink.id)
            role, subnet_id = EniRole.UPLINK, uplink.subnet
            addresses = tuple(one.private_ip for one in behind)
            # One wire: who may send from other addresses cannot be told from who may not.
            check = all(one.source_dest_check for one in behind)
            apart = tuple(
                (one.private_ip, kept) for one in behind if (kept := guards.of_interface(snapshot, one)) is not None
            )
            # So it is taken for what came by the first of those that may send from other addresses.
            forwards = next((one for one in behind if not one.source_dest_check), None)
            guard = guards.of_interface(snapshot, forwards) if forwards is not None else None
        else:
            continue
        subnet = snapshot.get(Subnet, subnet_id)
        entries[link.a.ref] = EniEntry(
            port=link.a.ref,
            role=role,
            table=_number(tables.of_subnet(subnet) if subnet else tables.of_edge(link.id)),
            delivery=DELIVERY_TABLE,
            subnet=subnet.cidr if subnet else None,
            addresses=addresses,
            ipv6=link.a.ipv6,
            subnet6=subnet.ipv6.cidr if subnet and subnet.ipv6 else None,
            addresses6=interface.ipv6_addresses if role is EniRole.ENI and interface else (),
            source_dest_check=check,
            guard=guard,
            behind=apart,
            flow_log=bool(watched)
            and any(flow_logs.covers(watched, one) for one in flow_logs.at_port(snapshot, link.id)),
            resolver=resolver_address(vpc) if (vpc := snapshot.get(Vpc, link.a.box)) is not None else None,
            mac=link.a.mac,
            peer_mac=link.b.mac,
        )
    return entries


def _nodes(snapshot: Snapshot, topology: Topology) -> dict[int, NodeEntry]:
    entries: dict[int, NodeEntry] = {}
    for load_balancer in snapshot.values(LoadBalancer):
        listener = balancing.listener_of(snapshot, load_balancer.id)
        for zone in load_balancer.zones:
            slot = snapshot.get(Slot, slots.node_key(load_balancer.id, zone.zone))
            link = topology.links.get(zone.network_interface)
            interface = snapshot.get(NetworkInterface, zone.network_interface)
            if slot is None or link is None or interface is None:
                continue
            chosen = balancing.new_flow_targets(snapshot, load_balancer, zone=zone.zone)
            found = (snapshot.get(Slot, slots.target_key(one.target.id, one.address)) for one in chosen)
            sticky = _stickiness(snapshot, listener)
            entries[slot.number] = NodeEntry(
                slot=slot.number,
                address=interface.private_ip,
                port=link.b.ref,
                mac=link.b.mac,
                peer_mac=link.a.mac,
                targets=tuple(sorted(one.number for one in found if one is not None)),
                # Both of the listener's attributes are for flows by 5-tuple only (facts 2.2).
                tcp_idle_s=attributes.tcp_idle_s(listener.attributes if listener and sticky == 5 else {}),
                stickiness=sticky,
                fail_open=balancing.fails_open(chosen),
                reset_on_idle=attributes.reset_on_idle(listener.attributes if listener and sticky == 5 else {}),
                adopt=attributes.extension(load_balancer.attributes, "adopt"),
                pmtud=attributes.extension(load_balancer.attributes, "pmtud"),
                mss_clamping=attributes.extension(load_balancer.attributes, "mss_clamping"),
            )
    return entries


def _stickiness(snapshot: Snapshot, listener: Listener | None) -> int:
    group = snapshot.get(TargetGroup, listener.target_group) if listener else None
    return attributes.stickiness(group.attributes if group else {})


def _targets(snapshot: Snapshot, topology: Topology) -> dict[int, TargetEntry]:
    entries = {}
    for slot in snapshot.values(Slot):
        kind, *rest = slot.id.split("|")
        if kind == "target":
            group, target, address = rest
            reset = _reset(snapshot, target_group=group, target=target)
            entries[slot.number] = TargetEntry(
                slot=slot.number, generation=slot.generation, address=address, reset=reset
            )
    return entries


def _reset(snapshot: Snapshot, *, target_group: str, target: str) -> Literal["", "unhealthy", "deregistered"]:
    """Why TCP of a target's flows is answered with a reset: at once when it is unhealthy, after its delay when it was deregistered."""
    group = snapshot.get(TargetGroup, target_group)
    registered = snapshot.get(Target, f"{target_group}|{target}")
    if group is None:
        return ""
    if registered is None:
        return "deregistered" if attributes.resets(group.attributes, on="deregistration") else ""
    dead = registered.state in balancing.DEAD
    return "unhealthy" if dead and attributes.resets(group.attributes, on="unhealthy") else ""


def _endpoints(snapshot: Snapshot, topology: Topology) -> dict[int, EndpointEntry]:
    entries: dict[int, EndpointEntry] = {}
    for endpoint in snapshot.values(VpcEndpoint):
        link = topology.links.get(endpoint.id)
        slot = snapshot.get(Slot, slots.node_key(endpoint.load_balancer, endpoint.zone))
        if link is None or slot is None or endpoint.state not in PASSING:
            continue
        number = endpoint_number(endpoint.id)
        entries[number] = EndpointEntry(
            endpoint=number,
            port=link.b.ref,
            node=slot.number,
            mac=link.b.mac,
            peer_mac=link.a.mac,
            dualstack=endpoint.ip_address_type != "ipv4" and _is_dualstack(snapshot, endpoint.load_balancer),
        )
    return entries


def _is_dualstack(snapshot: Snapshot, load_balancer: str) -> bool:
    found = snapshot.get(LoadBalancer, load_balancer)
    return found is not None and found.ip_address_type == "dualstack"


def _gateways6(snapshot: Snapshot, topology: Topology) -> dict[PortRef, Gateway6Entry]:
    entries = {}
    for gateway in snapshot.values(InternetGateway):
        vpc = snapshot.get(Vpc, gateway.vpc)
        if vpc is not None and vpc.ipv6:
            port = names.igw_vpc_port(gateway.id, vpc.id)
            addresses = (
                address
                for interface in snapshot.find(network.INTERFACES_OF_VPC, vpc.id)
                for address in interface.ipv6_addresses
            )
            entries[port] = Gateway6Entry(port=port, addresses=tuple(addresses))
    return entries


def _nats(snapshot: Snapshot, topology: Topology) -> frozenset[NatEntry]:
    return frozenset(
        NatEntry(port=names.igw_vpc_port(gateway.id, gateway.vpc), private=private, public=public)
        for gateway in snapshot.values(InternetGateway)
        if gateway.vpc is not None
        for public, private in network.public_addresses_of(snapshot, gateway.vpc)
    )


def _uplinks(snapshot: Snapshot, topology: Topology) -> frozenset[UplinkEntry]:
    return frozenset(
        UplinkEntry(uplink=uplink.id, nic=PortRef(HOST, uplink.device), inner=link.b.ref)
        for uplink in snapshot.values(Uplink)
        if (link := topology.links.get(uplink.id)) is not None
    )


def _inspectors(snapshot: Snapshot, topology: Topology) -> dict[PortRef, InspectorEntry]:
    entries: dict[PortRef, InspectorEntry] = {}
    for link in topology.links.values():
        if link.b.program is not Program.INSPECTOR:
            continue
        instance = snapshot.get(Instance, link.b.box)
        if instance is not None:
            entries[link.b.ref] = InspectorEntry(port=link.b.ref, rules=_rules(instance))
    return entries


def _rules(instance: Instance) -> tuple[InspectorRule, ...]:
    try:
        return parse_inspector_rules(base64.b64decode(instance.user_data))
    except ValueError:
        # The appliance's own health page says what is wrong with its rules; until they are mended nothing passes.
        return (InspectorRule(action="deny"),)


SECTIONS = (
    Section(field="enis", root=Link, derive=_enis),
    Section(field="members", root=NetworkInterface, derive=guards.members),
    Section(field="nodes", root=LoadBalancer, derive=_nodes),
    Section(field="targets", root=Slot, derive=_targets),
    Section(field="endpoints", root=VpcEndpoint, derive=_endpoints),
    Section(field="nats", root=InternetGateway, derive=_nats),
    Section(field="gateways6", root=InternetGateway, derive=_gateways6),
    Section(field="inspectors", root=Link, derive=_inspectors),
    Section(field="uplinks", root=Uplink, derive=_uplinks),
)
