"""Which targets a load balancer's nodes may use: from what is registered, where it is and how healthy it is."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Listener, LoadBalancer, Slot, Target, TargetGroup, TargetState
from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.vpc import NetworkInterface, Subnet

from . import attributes

DEAD = (TargetState.UNHEALTHY, TargetState.UNUSED)
"""States in which a registered target does not carry its flows: failed checks, or a stopped instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A registered target with the address that packets for it are sent to."""

    target: Target
    address: str
    zone: str
    """A zone, or `all` for an address that every zone may use."""
    interface: NetworkInterface | None
    """The ENI that has the address; None outside the VPC."""


def listener_of(snapshot: Snapshot, load_balancer: str) -> Listener | None:
    """A gateway load balancer has at most one."""
    return next(iter(snapshot.find(_LISTENERS_OF_LOAD_BALANCER, load_balancer)), None)


def load_balancer_of(snapshot: Snapshot, target_group: str) -> LoadBalancer | None:
    """A target group serves at most one load balancer."""
    for listener in snapshot.find(_LISTENERS_OF_TARGET_GROUP, target_group):
        return snapshot.get(LoadBalancer, listener.load_balancer)
    return None


def place(snapshot: Snapshot, target: Target) -> Placed | None:
    """Where a target is; None while it has no address (a terminated instance)."""
    if target.target.startswith("i-"):
        instance = snapshot.get(Instance, target.target)
        if instance is None or not instance.network_interfaces:
            return None
        interface = snapshot.get(NetworkInterface, instance.network_interfaces[0])
        if interface is None:
            return None
        return Placed(target=target, address=interface.private_ip, zone=interface.zone, interface=interface)
    group = snapshot.get(TargetGroup, target.target_group)
    if group is None:
        return None
    address = _address(target.target)
    for interface in snapshot.find(INTERFACES_AT, (group.vpc, target.target)):
        return Placed(target=target, address=target.target, zone=interface.zone, interface=interface)
    for subnet in snapshot.find(_SUBNETS_OF_VPC, group.vpc):
        if address in _network(subnet.cidr):
            return Placed(target=target, address=target.target, zone=subnet.zone, interface=None)
    return Placed(target=target, address=target.target, zone=target.zone or "all", interface=None)


def placed_targets(snapshot: Snapshot, target_group: str) -> Iterator[Placed]:
    for target in snapshot.find(TARGETS_OF_GROUP, target_group):
        if (placed := place(snapshot, target)) is not None:
            yield placed


def serves(zone: str, *, node_zone: str, cross_zone: bool) -> bool:
    """Whether a node may send to targets of a zone (facts 2.5)."""
    return cross_zone or zone in (node_zone, "all")


def new_flow_targets(snapshot: Snapshot, load_balancer: LoadBalancer, *, zone: str) -> list[Placed]:
    """The targets that a zone's node spreads new flows over.

    The healthy ones; when there are none, all that failed their checks (fail open, facts 2.5). A target that is draining or
    has not been checked yet takes no new flow either way.
    """
    listener = listener_of(snapshot, load_balancer.id)
    if listener is None:
        return []
    cross_zone = attributes.cross_zone(load_balancer.attributes)
    enabled = {one.zone for one in load_balancer.zones} | {"all"}
    reachable = [
        placed
        for placed in placed_targets(snapshot, listener.target_group)
        if placed.zone in enabled and serves(placed.zone, node_zone=zone, cross_zone=cross_zone)
    ]
    healthy = [placed for placed in reachable if placed.target.state is TargetState.HEALTHY]
    return healthy or [placed for placed in reachable if placed.target.state is TargetState.UNHEALTHY]


def fails_open(chosen: Sequence[Placed]) -> bool:
    """Whether these targets of a node are the unhealthy ones, because no other is left."""
    return any(one.target.state is not TargetState.HEALTHY for one in chosen)


def has_stand_in(snapshot: Snapshot, target: Target) -> bool:
    """Whether every zone that may send to a target has another healthy one."""
    load_balancer = load_balancer_of(snapshot, target.target_group)
    placed = place(snapshot, target)
    if load_balancer is None or placed is None:
        return False
    cross_zone = attributes.cross_zone(load_balancer.attributes)
    return all(
        any(
            one.target.id != target.id and one.target.state is TargetState.HEALTHY
            for one in new_flow_targets(snapshot, load_balancer, zone=zone.zone)
        )
        for zone in load_balancer.zones
        if serves(placed.zone, node_zone=zone.zone, cross_zone=cross_zone)
    )


def left(snapshot: Snapshot, *, target_group: str, target: str) -> Literal["", "unhealthy", "deregistered"]:
    """Why flows shall leave a target that has a slot (`rebalance`, facts 2.4); empty: they stay.

    Only when there is somebody to go to: on fail open they would move from one unhealthy target to another.
    """
    group = snapshot.get(TargetGroup, target_group)
    load_balancer = load_balancer_of(snapshot, target_group)
    if group is None or load_balancer is None or not attributes.rebalances(group.attributes):
        return ""
    registered = snapshot.get(Target, f"{target_group}|{target}")
    placed = place(snapshot, registered) if registered else None
    cross_zone = attributes.cross_zone(load_balancer.attributes)
    others = [
        one
        for zone in load_balancer.zones
        if placed is None or serves(placed.zone, node_zone=zone.zone, cross_zone=cross_zone)
        for one in new_flow_targets(snapshot, load_balancer, zone=zone.zone)
        if one.target.target != target
    ]
    if registered is None:
        return "deregistered" if others else ""
    return "unhealthy" if registered.state in DEAD and others and not fails_open(others) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """Why a registered target is not checked: `Target.…` reason and AWS's sentence."""

    reason: str
    description: str


def unused(snapshot: Snapshot, target: Target) -> Unused | None:
    """None when the target is to be health-checked (facts 3)."""
    load_balancer = load_balancer_of(snapshot, target.target_group)
    if load_balancer is None:
        return Unused(
            reason="Target.NotInUse",
            description="Target group is not configured to receive traffic from the load balancer",
        )
    if target.target.startswith("i-"):
        instance = snapshot.get(Instance, target.target)
        state = instance.state if instance else InstanceState.TERMINATED
        if state is InstanceState.STOPPED or state is InstanceState.TERMINATED:
            return Unused(reason="Target.InvalidState", description=f"Target is in the {state} state")
    placed = place(snapshot, target)
    if placed is None:
        return Unused(reason="Target.InvalidState", description="Target is in the terminated state")
    if placed.zone not in {one.zone for one in load_balancer.zones} | {"all"}:
        return Unused(
            reason="Target.NotInUse",
            description="Target is in an Availability Zone that is not enabled for the load balancer",
        )
    return None


class Carriers:
    """The instances and addresses that the tunnel may lead to: registered targets, and those that were deregistered but keep flows.

    Whoever has a slot may still have flows (`no_rebalance`, facts 2.4). Asked one by one, so that who asks depends on the answer alone.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __contains__(self, name: str) -> bool:
        return bool(self._snapshot.find(_TARGETS_CALLED, name) or self._snapshot.find(_SLOTS_LEADING_TO, name))

    def isdisjoint(self, names: Iterable[str]) -> bool:
        return not any(name in self for name in names)


def _leads_to(slot: Slot) -> Iterable[str]:
    kind, *rest = slot.id.split("|")
    return rest[1:] if kind == "target" else ()


TARGETS_OF_GROUP = Index(Target, lambda one: (one.target_group,))
INTERFACES_AT = Index(NetworkInterface, lambda one: ((one.vpc, each) for each in one.private_ips))
"""By VPC and each private address."""
_LISTENERS_OF_LOAD_BALANCER = Index(Listener, lambda one: (one.load_balancer,))
_LISTENERS_OF_TARGET_GROUP = Index(Listener, lambda one: (one.target_group,))
_SUBNETS_OF_VPC = Index(Subnet, lambda one: (one.vpc,))
_TARGETS_CALLED = Index(Target, lambda one: (one.target,))
_SLOTS_LEADING_TO = Index(Slot, _leads_to)
_network = lru_cache(maxsize=4096)(ipaddress.ip_network)
_address = lru_cache(maxsize=4096)(ipaddress.ip_address)
