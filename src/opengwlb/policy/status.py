"""What the built network says about the objects: which states to write back.

Level-triggered: computed from the whole snapshot each time, so a missed step is made at the next pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer, Target, TargetGroup, TargetState
from opengwlb.model.iam import ProfileAssociation
from opengwlb.model.privatelink import InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Snapshot, Stored
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import InternetGateway, NetworkInterface, Route, RouteTable

from . import attributes, balancing
from .derived import Changes, Pieces, Read, Tracked, TrackedMap
from .health import TargetHealth
from .network import CARRIED

ACCEPTANCE_EXPIRES_S = 7 * 24 * 3600.0
"""A connection request that nobody accepts expires after a week (facts 5.5)."""
TERMINATED_SHOWN_S = 3600.0
"""A terminated instance is described for about an hour, as on AWS."""


@dataclass(slots=True)
class Writes:
    put: list[Stored] = field(default_factory=list)
    delete: list[tuple[type[Any], str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.put or self.delete)


def after_build(snapshot: Snapshot, *, built: Collection[str], errors: Mapping[str, str]) -> Writes:
    """States that follow from the network: `built` are the links that exist and are configured, `errors` those that failed."""
    writes = Writes()
    for kind, follow in _FOLLOWS:
        for one in snapshot.values(kind):
            follow(writes, snapshot, one, built, errors)
    return writes


class States:
    """`after_build` of one snapshot after the other, at the cost of what differs between them. Not for several threads at once."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._built: Mapping[str, None] = {}
        self._errors: Mapping[str, str] = {}
        self._pieces = {kind: Pieces(partial(self._piece, kind, follow)) for kind, follow in _FOLLOWS}
        self._pending: dict[str, Writes] = {}

    def writes(self, snapshot: Snapshot, *, built: frozenset[str], errors: Mapping[str, str]) -> Writes:
        indexes = {index for pieces in self._pieces.values() for index in pieces.indexes}
        changes = Changes().between(self._snapshot, snapshot, indexes=indexes)
        for one in built ^ self._built.keys():
            changes.add(_BUILT, one)
        for one in {key for key, _ in errors.items() ^ self._errors.items()}:
            changes.add(_ERRORS, one)
        self._snapshot, self._built, self._errors = snapshot, dict.fromkeys(built), dict(errors)
        for kind, pieces in self._pieces.items():
            found = pieces.update(snapshot, changes=changes, roots=changes.ids.get(kind, ()))
            for root, (_, now) in found.items():
                self._pending.pop(root, None)
                if now:
                    self._pending[root] = now
        every = Writes()
        for one_of in self._pending.values():
            every.put += one_of.put
            every.delete += one_of.delete
        return every

    def _piece(
        self, kind: type[Any], follow: Callable[..., None], root: str, snapshot: Snapshot
    ) -> tuple[Writes | None, set[Read]]:
        tracked = Tracked(snapshot)
        one = tracked.get(kind, root)
        if one is None:
            return None, tracked.reads
        writes = Writes()
        built = TrackedMap(_BUILT, self._built, reads=tracked.reads)
        follow(writes, tracked, one, built, TrackedMap(_ERRORS, self._errors, reads=tracked.reads))
        return writes, tracked.reads


_BUILT, _ERRORS = "built", "errors"


def _load_balancer(
    writes: Writes, snapshot: Snapshot, load_balancer: LoadBalancer, built: Collection[str], errors: Mapping[str, str]
) -> None:
    links = [zone.network_interface for zone in load_balancer.zones]
    reason = "; ".join(errors[link] for link in links if link in errors)
    state = load_balancer.state
    if state == "provisioning" and all(link in built for link in links):
        state = "active"
    _put(writes, load_balancer, replace(load_balancer, state=state, state_reason=reason))


def _endpoint(
    writes: Writes, snapshot: Snapshot, endpoint: VpcEndpoint, built: Collection[str], errors: Mapping[str, str]
) -> None:
    if endpoint.state == "deleting" and endpoint.id not in built:
        writes.delete.append((VpcEndpoint, endpoint.id))
        writes.delete.append((NetworkInterface, endpoint.network_interface))
    elif endpoint.state == "pending" and endpoint.id in built:
        writes.put.append(replace(endpoint, state="available", last_error=""))
    else:
        _put(writes, endpoint, replace(endpoint, last_error=errors.get(endpoint.id, "")))


def _interface_endpoint(
    writes: Writes, snapshot: Snapshot, served: InterfaceEndpoint, built: Collection[str], errors: Mapping[str, str]
) -> None:
    interfaces = served.network_interfaces.values()
    if served.state == "deleting" and served.id not in built:
        writes.delete.append((InterfaceEndpoint, served.id))
        writes.delete.extend((NetworkInterface, interface) for interface in interfaces)
    else:
        ready = served.state == "pending" and all(one in built for one in (served.id, *interfaces))
        failed = "; ".join(errors[one] for one in (served.id, *interfaces) if one in errors)
        _put(writes, served, replace(served, state="available" if ready else served.state, last_error=failed))


def _interface(
    writes: Writes, snapshot: Snapshot, interface: NetworkInterface, built: Collection[str], errors: Mapping[str, str]
) -> None:
    if interface.attachment is not None and interface.attachment.status == "attaching":
        _attachment(writes, snapshot, interface, built=built)


def _table(
    writes: Writes, snapshot: Snapshot, table: RouteTable, built: Collection[str], errors: Mapping[str, str]
) -> None:
    routes = tuple(replace(route, state=route_state(snapshot, table, route)) for route in table.routes)
    _put(writes, table, replace(table, routes=routes))


_FOLLOWS: tuple[tuple[type[Any], Callable[..., None]], ...] = (
    (LoadBalancer, _load_balancer),
    (VpcEndpoint, _endpoint),
    (InterfaceEndpoint, _interface_endpoint),
    (NetworkInterface, _interface),
    (RouteTable, _table),
)


def _attachment(writes: Writes, snapshot: Snapshot, interface: NetworkInterface, *, built: Collection[str]) -> None:
    """A stopped instance has no box: its interfaces are attached all the same."""
    attachment = interface.attachment
    assert attachment is not None
    instance = snapshot.get(Instance, attachment.instance)
    stopped = instance is not None and instance.state is InstanceState.STOPPED
    if interface.id in built or stopped:
        writes.put.append(replace(interface, attachment=replace(attachment, status="attached")))


def route_state(snapshot: Snapshot, table: RouteTable, route: Route) -> Any:
    """`blackhole` once the route's target is gone, detached or stopped, or not there yet (facts 5.2)."""
    if route.target_type == "local":
        return "active"
    if route.target_type == "gateway":
        gateway = snapshot.get(InternetGateway, route.target)
        return "active" if gateway is not None and gateway.vpc == table.vpc else "blackhole"
    if route.target_type == "vpc-endpoint":
        endpoint = snapshot.get(VpcEndpoint, route.target)
        # Packets follow an active route: an endpoint that nobody accepted yet has no link, nor one whose load balancer is gone.
        if endpoint is None or endpoint.state not in CARRIED:
            return "blackhole"
        return "active" if snapshot.get(LoadBalancer, endpoint.load_balancer) else "blackhole"
    interface = snapshot.get(NetworkInterface, route.target)
    if interface is not None and interface.uplink is not None:
        uplink = snapshot.get(Uplink, interface.uplink)
        return "active" if uplink is not None and uplink.state == "up" else "blackhole"
    if interface is None or interface.attachment is None:
        return "blackhole"
    instance = snapshot.get(Instance, interface.attachment.instance)
    gone = (InstanceState.STOPPED, InstanceState.TERMINATED)
    return "active" if instance is not None and instance.state not in gone else "blackhole"


def due(snapshot: Snapshot, *, now: float) -> Writes:
    """States that follow from time and from other objects: drained targets, unused ones, expired requests."""
    writes = Writes()
    for target in snapshot.values(Target):
        _target(writes, snapshot, target, now=now)
    _others_due(writes, snapshot, now=now)
    return writes


class Due:
    """`due` of one snapshot after the other: targets that nothing happened to are not looked at again. Not for several threads at once."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._pieces = Pieces(self._piece)
        self._pending: dict[str, Writes] = {}
        self._leaving: set[str] = set()
        """Targets that wait for their time."""

    def writes(self, snapshot: Snapshot, *, now: float) -> Writes:
        changes = Changes().between(self._snapshot, snapshot, indexes=self._pieces.indexes)
        self._snapshot = snapshot
        found = self._pieces.update(snapshot, changes=changes, roots=changes.ids.get(Target, ()))
        for root, (_, writes) in found.items():
            self._pending.pop(root, None)
            if writes:
                self._pending[root] = writes
        for root in changes.ids.get(Target, ()):
            target = snapshot.get(Target, root)
            self._leaving.discard(root)
            if target is not None and target.deregistered is not None:
                self._leaving.add(root)
        every = Writes()
        for writes in self._pending.values():
            every.put += writes.put
            every.delete += writes.delete
        for root in self._leaving:
            if (target := snapshot.get(Target, root)) is not None:
                _target(every, snapshot, target, now=now)
        _others_due(every, snapshot, now=now)
        return every

    @staticmethod
    def _piece(root: str, snapshot: Snapshot) -> tuple[Writes | None, set[Read]]:
        tracked = Tracked(snapshot)
        target = tracked.get(Target, root)
        if target is None:
            return None, tracked.reads
        writes = Writes()
        if target.deregistered is None:
            _target(writes, tracked, target, now=0.0)  # time decides only of those that leave
        return writes, tracked.reads


def _others_due(writes: Writes, snapshot: Snapshot, *, now: float) -> None:
    for association in snapshot.values(ProfileAssociation):
        holder = snapshot.get(Instance, association.instance)
        if holder is None or holder.state is InstanceState.TERMINATED:
            writes.delete.append((ProfileAssociation, association.id))
    for endpoint in snapshot.values(VpcEndpoint):
        if endpoint.state == "pendingAcceptance" and now - endpoint.created >= ACCEPTANCE_EXPIRES_S:
            writes.put.append(replace(endpoint, state="expired"))
    for instance in snapshot.values(Instance):
        if instance.state is InstanceState.TERMINATED and now - instance.state_changed >= TERMINATED_SHOWN_S:
            writes.delete.append((Instance, instance.id))
            writes.delete.extend((Target, one.id) for one in _targets_of(snapshot, instance.id))


def _target(writes: Writes, snapshot: Snapshot, target: Target, *, now: float) -> None:
    unused = balancing.unused(snapshot, target)
    if target.deregistered is not None:
        delay_s = drain_delay_s(snapshot, target)
        if unused is not None or now - target.deregistered >= delay_s:
            writes.delete.append((Target, target.id))
        else:
            draining = replace(
                target,
                state=TargetState.DRAINING,
                reason="Target.DeregistrationInProgress",
                description="Target deregistration is in progress",
            )
            _put(writes, target, draining)
    elif unused is not None:
        _put(
            writes,
            target,
            replace(
                target,
                state=TargetState.UNUSED,
                reason=unused.reason,
                description=unused.description,
                condemned_at=None,
            ),
        )
    elif target.state in (TargetState.UNUSED, TargetState.DRAINING):
        fresh = TargetHealth()
        _put(
            writes,
            target,
            replace(target, state=fresh.state, reason=fresh.reason, description=fresh.description, condemned_at=None),
        )


def drain_delay_s(snapshot: Snapshot, target: Target) -> int:
    group = snapshot.get(TargetGroup, target.target_group)
    return attributes.deregistration_delay_s(group.attributes if group else {})


def next_due(snapshot: Snapshot, *, now: float) -> float:
    """When `due` may have something to do without any change in the store; at most a minute ahead."""
    times = [
        target.deregistered + drain_delay_s(snapshot, target)
        for target in snapshot.values(Target)
        if target.deregistered is not None
    ]
    return min([*times, now + 60.0])


def _targets_of(snapshot: Snapshot, instance: str) -> Iterator[Target]:
    return (target for target in snapshot.values(Target) if target.target == instance)


def _put(writes: Writes, old: Stored, new: Stored) -> None:
    if new != old:
        writes.put.append(new)
