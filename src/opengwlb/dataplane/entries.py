"""A `Plane` as map contents: pure, one function for each map. Entries whose port has no link yet are left out."""

from __future__ import annotations

import ctypes
import ipaddress
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial

from opengwlb.model.ids import endpoint_id
from opengwlb.model.plane import EniEntry, Guard, InspectorRule, NodeEntry, Plane
from opengwlb.model.topology import PortRef

from . import layout
from .layout import Address, Mac
from .rules import Places

Indexes = Mapping[PortRef, int]
Entry = tuple[str, bytes, bytes]
"""The object that an error is reported on, key, value."""


def place(ifindex: int) -> bytes:
    """A port's key in the maps that are arrays of ports."""
    return u32(ifindex % layout.PORTS)


def u32(number: int) -> bytes:
    return struct.pack("=I", number)


def address(text: str) -> bytes:
    return ipaddress.IPv4Address(text).packed


def _address(text: str) -> ctypes.Array[ctypes.c_uint8]:
    return Address(*address(text))


def _mac(text: str) -> ctypes.Array[ctypes.c_uint8]:
    return Mac(*bytes.fromhex(text.replace(":", "")))


def targets(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.targets.values():
        flags = {"": 0, "unhealthy": layout.TARGET_RESET_UNHEALTHY, "deregistered": layout.TARGET_RESET_DEREGISTERED}
        config = layout.target_config(
            address=_address(entry.address), generation=entry.generation, flags=flags[entry.reset]
        )
        yield f"target {entry.address}", u32(entry.slot), bytes(config)


def target_addresses(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.targets.values():
        yield f"target {entry.address}", address(entry.address), u32(1)


def nodes(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.nodes.values():
        if entry.port in indexes:
            config = layout.node_config(
                ifindex=indexes[entry.port],
                address=_address(entry.address),
                mac=_mac(entry.mac),
                peer_mac=_mac(entry.peer_mac),
                tcp_idle_s=entry.tcp_idle_s,
                other_idle_s=entry.other_idle_s,
                targets=len(entry.targets),
                stickiness=entry.stickiness,
                flags=_node_flags(entry),
            )
            yield entry.port.box, u32(entry.slot), bytes(config)


def _node_flags(entry: NodeEntry) -> int:
    switches = {
        layout.NODE_ADOPT: entry.adopt,
        layout.NODE_RESET_ON_IDLE: entry.reset_on_idle,
        layout.NODE_PMTUD: entry.pmtud,
        layout.NODE_NO_MSS_CLAMPING: not entry.mss_clamping,
        layout.NODE_FAIL_OPEN: entry.fail_open,
    }
    return sum(flag for flag, on in switches.items() if on)


def node_ports(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.nodes.values():
        if entry.port in indexes:
            config = layout.node_port(ifindex=indexes[entry.port], slot=entry.slot)
            yield entry.port.box, place(indexes[entry.port]), bytes(config)


def endpoints(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.endpoints.values():
        if entry.port in indexes:
            config = layout.endpoint_config(
                endpoint=entry.endpoint,
                ifindex=indexes[entry.port],
                node=entry.node,
                flags=layout.ENDPOINT_DUALSTACK if entry.dualstack else 0,
                mac=_mac(entry.mac),
                peer_mac=_mac(entry.peer_mac),
            )
            yield endpoint_id(entry.endpoint), place(indexes[entry.port]), bytes(config)


def endpoint_ports(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.endpoints.values():
        if entry.port in indexes:
            yield endpoint_id(entry.endpoint), struct.pack("=Q", entry.endpoint), u32(indexes[entry.port])


def enis(plane: Plane, indexes: Indexes, *, places: Places) -> Iterator[Entry]:
    for entry in plane.enis.values():
        if entry.port in indexes:
            subnet = ipaddress.IPv4Network(entry.subnet or "0.0.0.0/32")  # /32 of nothing: matches no destination
            subnet6 = ipaddress.IPv6Network(entry.subnet6 or "::/64")  # holds no address that a VPC carries
            config = layout.eni_config(
                ifindex=indexes[entry.port],
                role=entry.role,
                flags=_eni_flags(entry),
                table=entry.table,
                delivery=entry.delivery,
                address=_address(entry.addresses[0] if entry.addresses else "0.0.0.0"),
                subnet=Address(*subnet.network_address.packed),
                mask=Address(*subnet.netmask.packed),
                mac=_mac(entry.mac),
                peer_mac=_mac(entry.peer_mac),
                subnet6=layout.Half6(*subnet6.network_address.packed[:8]),
                resolver=Address(*ipaddress.IPv4Address(entry.resolver or "0.0.0.0").packed),
                guard=_guard(entry.guard, places),
            )
            yield entry.port.box, place(indexes[entry.port]), bytes(config)


def _eni_flags(entry: EniEntry) -> int:
    switches = {
        layout.ENI_SOURCE_DEST_CHECK: entry.source_dest_check,
        layout.ENI_IPV6: entry.ipv6,
        layout.ENI_FLOW_LOG: entry.flow_log,
    }
    for guard in (*((entry.guard,) if entry.guard else ()), *(one for _, one in entry.behind)):
        switches[layout.ENI_GUARDS_4] = switches.get(layout.ENI_GUARDS_4, False) or guard.guards4
        switches[layout.ENI_GUARDS_6] = switches.get(layout.ENI_GUARDS_6, False) or guard.guards6
        switches[layout.ENI_GUARDS_OTHER] = switches.get(layout.ENI_GUARDS_OTHER, False) or guard.guards_other
    return sum(flag for flag, on in switches.items() if on)


def _guard(guard: Guard | None, places: Places) -> layout.eni_guard:
    """A set without a place could not be written: nothing passes."""
    if guard is None:
        return layout.eni_guard()
    groups, acl = places.of(guard.groups), places.of(guard.acl)
    closed = bool(guard.refused) or groups is None or acl is None
    return layout.eni_guard(
        vpc=guard.vpc,
        owner=guard.owner,
        groups=groups.number if groups else 0,
        groups_at=groups.at if groups else 0,
        acl=acl.number if acl else 0,
        acl_at=acl.at if acl else 0,
        flags=layout.GUARD_CLOSED if closed else 0,
        tcp_idle_s=guard.tcp_idle_s,
        udp_idle_s=guard.udp_idle_s,
        udp_stream_idle_s=guard.udp_stream_idle_s,
    )


def eni_addresses(plane: Plane, indexes: Indexes, *, places: Places) -> Iterator[Entry]:
    for entry in plane.enis.values():
        if entry.port in indexes:
            behind = dict(entry.behind)
            for one in entry.addresses:
                guard = bytes(_guard(behind.get(one), places))
                yield entry.port.box, u32(indexes[entry.port]) + address(one), guard


def group_members(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for (vpc, text), number in plane.members.items():
        yield f"vpc-{vpc:017x}", struct.pack("=Q", vpc) + _mapped(text), u32(number)


@lru_cache(maxsize=131072)
def _mapped(text: str) -> bytes:
    found = ipaddress.ip_address(text)
    return found.packed if found.version == 6 else bytes(10) + b"\xff\xff" + found.packed


def eni_addresses6(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.enis.values():
        if entry.port in indexes:
            for one in entry.addresses6:
                yield entry.port.box, u32(indexes[entry.port]) + _address6(one), b"\1"


def igw_addresses6(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.gateways6.values():
        if entry.port in indexes:
            for one in ("::", *entry.addresses):
                yield entry.port.box, u32(indexes[entry.port]) + _address6(one), b"\1"


def _address6(text: str) -> bytes:
    return ipaddress.IPv6Address(text).packed


def nat_out(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.nats:
        if entry.port in indexes:
            yield entry.port.box, u32(indexes[entry.port]) + address(entry.private), address(entry.public)


def nat_in(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.nats:
        if entry.port in indexes:
            yield entry.port.box, u32(indexes[entry.port]) + address(entry.public), address(entry.private)


def inspector_rules(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.inspectors.values():
        if entry.port in indexes:
            yield entry.port.box, u32(indexes[entry.port]), inspector_policy(entry.rules)


def inspector_policy(rules: Iterable[InspectorRule]) -> bytes:
    """`ValueError` when there are more rules than the program looks at, or one names two families."""
    policy = layout.inspector_policy()
    wanted = tuple(rules)
    if len(wanted) > layout.INSPECTOR_RULES:
        raise ValueError(f"{len(wanted)} rules: an inspector has at most {layout.INSPECTOR_RULES}")
    for place, rule in zip(policy.rules, wanted, strict=False):
        families = set()
        for name, block in (("source", rule.source), ("destination", rule.destination)):
            if block is not None:
                network = ipaddress.ip_network(block)
                families.add(network.version)
                setattr(place, name, layout.Address6(*network.network_address.packed))
                setattr(place, f"{name}_mask", layout.Address6(*network.netmask.packed))
        if len(families) > 1:
            raise ValueError(f"{rule.source} and {rule.destination} are not of one family")
        place.family = families.pop() if families else 0
        place.from_port, place.to_port = rule.from_port, rule.to_port
        place.protocol, place.deny, place.used = rule.protocol, rule.action == "deny", 1
    return bytes(policy)


def uplinks(plane: Plane, indexes: Indexes) -> Iterator[Entry]:
    for entry in plane.uplinks:
        if entry.nic in indexes and entry.inner in indexes:
            yield entry.uplink, u32(indexes[entry.nic]), u32(indexes[entry.inner])
            yield entry.uplink, u32(indexes[entry.inner]), u32(indexes[entry.nic])


Contents = Callable[[Plane, Indexes], Iterator[Entry]]


def in_order(places: Places) -> tuple[tuple[str, Contents], ...]:
    """Maps in the order in which entries appear; they vanish in the reverse one. What is pointed at comes before what points, so no packet
    meets a node without its targets or an endpoint without its node. Rule sets are in their places by then."""
    return (
        ("targets", targets),
        ("target_addresses", target_addresses),
        ("nodes", nodes),
        ("node_ports", node_ports),
        ("endpoint_ports", endpoint_ports),
        ("endpoints", endpoints),
        ("group_members", group_members),
        ("eni_addresses", partial(eni_addresses, places=places)),
        ("eni_addresses6", eni_addresses6),
        ("enis", partial(enis, places=places)),
        ("nat_out", nat_out),
        ("nat_in", nat_in),
        ("igw_addresses6", igw_addresses6),
        ("inspector_rules", inspector_rules),
        ("uplinks", uplinks),
    )


PORT_ARRAYS = frozenset({"enis", "endpoints", "node_ports"})
"""Arrays with a place for each port."""
ARRAYS = frozenset({"targets", "nodes"}) | PORT_ARRAYS
"""Maps in which an entry is absent when it is all zeros."""
CHANGED_LAST = frozenset({"targets"})
"""Maps of which new entries appear in order, while others change only when all maps are written."""
