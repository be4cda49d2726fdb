"""What the load balancer's rules speak of: ports, nodes, endpoints, flows; and the state that the rules need."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from opengwlb.model.plane import InspectorRule, NodeEntry, Plane
from opengwlb.model.topology import PortRef

from .packets import Packet

GENEVE_PORT = 6081
OUTER = 68
COOKIE_INDEX_BITS = 16
"""Of a cookie, in a table of 65,536 flows: generation and index; generation 0 is nobody's."""
IP4, IP6 = b"\x08\x00", b"\x86\xdd"
AWS = 0x0108


class Broken(Exception):
    """What the program did breaks a rule; the text says which."""


@dataclass(frozen=True)
class PortFacts:
    """A port as the kernel has it."""

    ifindex: int
    mac: bytes
    peer_mac: bytes
    mtu: int


@dataclass(frozen=True)
class Node:
    slot: int
    address: bytes
    port: PortFacts
    entry: NodeEntry
    listed: frozenset[int]
    """Target slots for new flows."""


@dataclass(frozen=True)
class Door:
    """An endpoint."""

    id: int
    node: Node | None
    dualstack: bool
    port: PortFacts


class Flow:
    __slots__ = (
        "bytes",
        "cookie",
        "door",
        "fins",
        "generation",
        "key",
        "packets",
        "port",
        "protocol",
        "reset",
        "start",
        "sum",
        "target",
    )

    def __init__(self, key: tuple[object, ...], door: Door, protocol: int) -> None:
        self.key, self.door, self.protocol = key, door, protocol
        self.fins: set[bool] = set()
        self.reset = False
        self.cookie = self.target = self.generation = self.port = -1
        self.packets = self.bytes = 0
        self.start: bytes | None = None


class Piece(NamedTuple):
    """What the fragments of a datagram have in common."""

    ports: tuple[int, int]
    protocol: int
    guessed: bool
    """Before the first fragment came."""


class Followed(NamedTuple):
    """What flow a packet belongs to, by itself or by another packet."""

    key: tuple[object, ...]
    protocol: int
    quoted: bool
    """It is an error about that flow, and neither keeps nor ends it."""


class State:
    """One instance stands for an empty flow table."""

    def __init__(self, plane: Plane, ports: Mapping[PortRef, PortFacts]) -> None:
        self.nodes: dict[PortRef, Node] = {}
        by_slot: dict[int, Node] = {}
        for entry in plane.nodes.values():
            address = ipaddress.IPv4Address(entry.address).packed
            node = Node(entry.slot, address, ports[entry.port], entry, frozenset(entry.targets))
            self.nodes[entry.port] = by_slot[entry.slot] = node
        self.doors: dict[PortRef, Door] = {}
        self.door_by_id: dict[int, Door] = {}
        for one in plane.endpoints.values():
            door = Door(one.endpoint, by_slot.get(one.node), one.dualstack, ports[one.port])
            self.doors[one.port] = self.door_by_id[one.endpoint] = door
        self.addresses = {t.slot: ipaddress.IPv4Address(t.address).packed for t in plane.targets.values()}
        self.generations = {t.slot: t.generation for t in plane.targets.values()}
        self.rules = {ref: [_compiled(rule) for rule in one.rules] for ref, one in plane.inspectors.items()}
        self.flows: dict[tuple[object, ...], Flow] = {}
        self.cookies: dict[int, Flow] = {}
        self.fragments: dict[tuple[object, ...], Piece] = {}
        self.resets: dict[int, int] = {}
        self.flow: Flow | None = None
        self.chance: Packet | None = None
        self.answer = b""
        self.inner = b""
        self.outer_tos = 0

    def expire(self, flow: Flow) -> None:
        """It was not seen for longer than its idle timeout."""
        if self.flows.get(flow.key) is flow:
            del self.flows[flow.key]
            self.cookies.pop(flow.cookie, None)

    def reset_flows(self, target: int, flags: int) -> None:
        """TCP of this target's flows is answered with a reset; 0: no more."""
        self.resets[target] = flags

    def abandon(self, target: int, generation: int) -> None:
        """All flows have to leave this target (rebalance)."""
        self.generations[target] = generation


def _compiled(rule: InspectorRule) -> tuple[object, ...]:
    source, destination = (None if one is None else _bits(one) for one in (rule.source, rule.destination))
    return (rule.action == "deny", source, destination, rule.protocol, rule.from_port, rule.to_port)


def _bits(block: str) -> tuple[int, int, int]:
    """Bytes of an address, those bits that it must have, and how many others follow."""
    network = ipaddress.ip_network(block)
    rest = network.max_prefixlen - network.prefixlen
    return network.max_prefixlen // 8, int(network.network_address) >> rest, rest
