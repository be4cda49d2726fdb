"""Live flows as rows: the kernel's numbers turned back into AWS's ids."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import msgspec

from opengwlb.dataplane.flows import Flow
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.compute import Instance
from opengwlb.model.elb import Slot, Target
from opengwlb.model.ids import endpoint_id, endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import balancing

from . import visibility
from .filtering import FlowFilter
from .visibility import Viewer

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
PIECE = 500
"""Rows that are sent at once."""


def targets_by_slot(snapshot: Snapshot) -> dict[int, tuple[str, str]]:
    """Slot -> (target as registered, address)."""
    found = {}
    for slot in snapshot.values(Slot):
        kind, *rest = slot.id.split("|")
        if kind == "target":
            _, target, address = rest
            found[slot.number] = (target, address)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a target's slot stands for."""

    target: str
    """As registered."""
    name: str | None
    """The instance's tag `Name`."""
    address: str
    zone: str | None
    """None once it is no longer registered, like its state."""
    state: str | None


class Targets:
    """Looks up slots, each once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._ids = {slot.number: slot.id for slot in snapshot.values(Slot) if slot.id.startswith("target|")}
        self._known: dict[int, Named | None] = {}

    def get(self, slot: int) -> Named | None:
        if slot not in self._known:
            found = self._ids.get(slot)
            self._known[slot] = self._named(found) if found is not None else None
        return self._known[slot]

    def called(self, word: str) -> frozenset[int]:
        """The slots of a target by its id, address or name."""
        found = set()
        for number, slot in self._ids.items():
            _, _, target, address = slot.split("|")
            if word in (target, address, self._name(target)):
                found.add(number)
        return frozenset(found)

    def _named(self, slot: str) -> Named:
        _, group, target, address = slot.split("|")
        registered = self._snapshot.get(Target, f"{group}|{target}")
        placed = balancing.place(self._snapshot, registered) if registered is not None else None
        return Named(
            target=target,
            name=self._name(target),
            address=address,
            zone=placed.zone if placed is not None else None,
            state=registered.state if registered is not None else None,
        )

    def _name(self, target: str) -> str | None:
        instance = self._snapshot.get(Instance, target)
        return instance.tags.get("Name") if instance is not None else None


def wanted(snapshot: Snapshot, targets: Targets, wish: FlowFilter, *, viewer: Viewer) -> Wanted:
    """Consumers see flows of their endpoints, providers those of their load balancers, and only they the targets."""
    found = Wanted(
        endpoints=frozenset(_number(wish.endpoint)) if wish.endpoint is not None else None,
        targets=targets.called(wish.target) if wish.target is not None else None,
        verdict=wish.verdict,
        protocol=wish.protocol,
        port=wish.port,
        addresses=wish.addresses,
    )
    if viewer.operator:
        return found
    who = visibility.endpoint_accounts if wish.target is None else visibility.provider
    mine = frozenset(
        endpoint_number(one.id)
        for one in snapshot.values(VpcEndpoint)
        if wish.endpoint in (None, one.id) and viewer.sees(who(snapshot, one))
    )
    return replace(found, endpoints=mine)


def _number(endpoint: str | None) -> set[int]:
    try:
        return {endpoint_number(endpoint)} if endpoint is not None else set()
    except ValueError:
        return set()  # not an id at all: no flow is its


class FlowRow(TypedDict):
    """A row of `flows`: both directions of a connection; source and destination are those of its first packet.

    What is None the caller may not know, or it is no more.
    """

    endpoint: str
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    target: str | None
    target_name: str | None
    target_address: str | None
    zone: str | None
    target_state: str | None
    state: str | None
    why: str
    verdict: str
    cookie: str
    age_s: float
    idle_s: float
    expires_s: float
    packets: int
    packets_forward: int
    packets_backward: int
    bytes: int
    bytes_forward: int
    bytes_backward: int


def rows(snapshot: Snapshot, found: Iterable[Flow], targets: Targets, *, viewer: Viewer) -> Iterator[FlowRow]:
    """In the order in which they come."""
    knows: dict[int, bool] = {}
    for flow in found:
        if flow.endpoint not in knows:
            of = snapshot.get(VpcEndpoint, endpoint_id(flow.endpoint))
            knows[flow.endpoint] = viewer.sees(visibility.provider(snapshot, of) if of else frozenset())
        yield _row(flow, targets if knows[flow.endpoint] else None)


def _row(flow: Flow, targets: Targets | None) -> FlowRow:
    """`targets` is None for who may not know them."""
    at = targets.get(flow.target) if targets is not None else None
    former = targets.get(flow.former) if targets is not None and flow.former is not None else None
    return {
        "endpoint": endpoint_id(flow.endpoint),
        "protocol": _PROTOCOLS.get(flow.protocol, str(flow.protocol)),
        "source": flow.source,
        "source_port": flow.source_port,
        "destination": flow.destination,
        "destination_port": flow.destination_port,
        "target": at.target if at else None,
        "target_name": at.name if at else None,
        "target_address": at.address if at else None,
        "zone": at.zone if at else None,
        "target_state": at.state if at else None,
        "state": flow.tcp or None,
        "why": f"{flow.why} from {former.target}" if former else str(flow.why),
        "verdict": flow.verdict,
        "cookie": f"0x{flow.cookie:08x}",
        "age_s": round(flow.created_s, 1),
        "idle_s": round(flow.last_seen_s, 1),
        "expires_s": round(flow.idle_s - flow.last_seen_s, 1),
        "packets": flow.packets,
        "packets_forward": flow.packets_forward,
        "packets_backward": flow.packets_backward,
        "bytes": flow.bytes,
        "bytes_forward": flow.bytes_forward,
        "bytes_backward": flow.bytes_backward,
    }


def streamed(head: Mapping[str, int], lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """One JSON object, in pieces and a row a line: the lists are never in memory whole."""
    encoder = msgspec.json.Encoder()
    yield encoder.encode(head)[:-1]
    for name, found in lists.items():
        yield b",\n" + encoder.encode(name) + b":["
        rest, comma = iter(found), b"\n"
        while piece := list(itertools.islice(rest, PIECE)):
            yield comma + b",\n".join(map(encoder.encode, piece))
            comma = b",\n"
        yield b"]"
    yield b"}\n"
