"""What a change would do to the flows that are live now: which stay with their target, which get another, which break.

Pure, on AWS's documented rules: key of a flow and stickiness (facts 2.3), deregistration and failover (2.4), zones (2.5).
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from opengwlb.model.elb import LoadBalancer, Slot, Target, TargetGroup, TargetState
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import endpoint_id
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot

from . import attributes, balancing, selection, slots
from .attributes import BadAttribute

TCP, UDP = 6, 17
FIVE_TUPLE = "off"
"""Not an AWS value: `stickiness.enabled` is false."""
STICKINESS = (FIVE_TUPLE, "source_ip_dest_ip_proto", "source_ip_dest_ip")


class PlanError(ValueError):
    """The change cannot be made as things are; the message says why."""


class Fate(StrEnum):
    STAY = "stay"
    """With its target."""
    MOVE = "move"
    """To another target, or begins anew and may get another: the appliance behind it meets it in the middle."""
    BREAK = "break"
    """Its packets are dropped, or answered with a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deregister:
    target_group: str
    targets: tuple[str, ...]
    """As registered: `i-…` or an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableZone:
    """Every target of a zone is deregistered: a load balancer's zones themselves cannot be taken away."""

    load_balancer: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stickiness:
    target_group: str
    kind: str
    """One of `STICKINESS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossZone:
    load_balancer: str
    enabled: bool


Change = Deregister | DisableZone | Stickiness | CrossZone


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """What becomes of the flows that a target has now."""

    target: str
    """As registered; empty for flows of a target that is gone."""
    zone: str
    state: str
    stay: int = 0
    move: int = 0
    breaks: int = 0
    to: Mapping[str, int] = field(default_factory=dict)
    """Where those that move go, by target; without those that begin anew, whose hash will be another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePlan:
    """Where new flows of a zone's endpoints go."""

    zone: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    """Empty: they are dropped."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, or what else is to be known; `planning_words` has a sentence for each code."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    load_balancer: str
    targets: tuple[TargetPlan, ...]
    zones: tuple[ZonePlan, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Outlook:
    """The snapshot as it will be, and how a flow fares on the way there."""

    after: Snapshot
    load_balancer: LoadBalancer
    reasons: tuple[Reason, ...]
    leaving: Mapping[str, Fate | None]
    """Target ids whose flows do not all stay. None: it depends on whether another target can take them."""
    resets: bool = False
    """TCP of leaving targets is reset."""
    rekeyed: tuple[str, str] | None = None
    """Stickiness before and after, when it changes."""
    adopts: bool = False


def plan(snapshot: Snapshot, change: Change, flows: Mapping[FlowKind, int]) -> Plan:
    """`flows` counts the live flows by kind, with their places. Raises PlanError."""
    outlook = _outlook(snapshot, change)
    lb = outlook.load_balancer
    endpoints = {one.id: one for one in snapshot.values(VpcEndpoint) if one.load_balancer == lb.id}
    names = _targets_by_slot(snapshot)
    takers = {zone.zone: _new_flow_targets(outlook.after, lb, zone.zone) for zone in lb.zones}
    tables = _Tables(outlook.after, lb)
    fates: dict[str, Tally[Fate]] = {}
    goals: dict[str, Tally[str]] = {}
    for kind, count in flows.items():
        endpoint = endpoints.get(endpoint_id(kind.endpoint))
        if endpoint is not None and endpoint.zone in takers:
            target = names.get(kind.target, "")
            fate = _fate(outlook, kind, target=target, zone=endpoint.zone, takers=takers)
            fates.setdefault(target, Tally())[fate] += count
            if fate is Fate.MOVE and kind.place is not None and not outlook.rekeyed:
                goals.setdefault(target, Tally())[tables.target(endpoint.zone, kind.place)] += count
    zones = tuple(
        ZonePlan(zone=one.zone, before=_new_flow_targets(snapshot, lb, one.zone), after=takers[one.zone])
        for one in lb.zones
    )
    return Plan(
        load_balancer=lb.id,
        targets=tuple(_rows(snapshot, lb, fates, goals)),
        zones=zones,
        reasons=(*outlook.reasons, *_warnings(outlook.after, lb, zones)),
    )


def _fate(outlook: _Outlook, kind: FlowKind, *, target: str, zone: str, takers: Mapping[str, Collection[str]]) -> Fate:
    """`takers` are the targets of new flows by zone. With nobody anywhere to go to, flows are not sent away."""
    if outlook.rekeyed and _is_rekeyed(kind.protocol, *outlook.rekeyed):
        # An established connection has no SYN to begin a new flow with.
        admitted = kind.protocol != TCP or outlook.adopts
        return Fate.MOVE if admitted and takers[zone] else Fate.BREAK
    if target not in outlook.leaving:
        return Fate.STAY
    if outlook.resets and kind.protocol == TCP:
        return Fate.BREAK
    return outlook.leaving[target] or (Fate.MOVE if takers[zone] else Fate.BREAK if any(takers.values()) else Fate.STAY)


def _is_rekeyed(protocol: int, before: str, after: str) -> bool:
    """Whether a flow's key differs: without ports, 5-tuple and 3-tuple are the same (facts 1.7)."""
    if before == after:
        return False
    return protocol in (TCP, UDP) or "source_ip_dest_ip" in (before, after)


def _outlook(snapshot: Snapshot, change: Change) -> _Outlook:
    match change:
        case Deregister():
            group = _group(snapshot, change.target_group)
            return _deregistered(snapshot, group, change.targets)
        case DisableZone():
            lb = _load_balancer(snapshot, change.load_balancer)
            return _without_zone(snapshot, lb, change.zone)
        case Stickiness():
            return _restuck(snapshot, _group(snapshot, change.target_group), change.kind)
        case CrossZone():
            lb = _load_balancer(snapshot, change.load_balancer)
            value = "true" if change.enabled else "false"
            after = replace(lb, attributes={**lb.attributes, "load_balancing.cross_zone.enabled": value})
            return _Outlook(
                after=snapshot.supposing(after),
                load_balancer=lb,
                leaving={},
                reasons=(Reason("new-flows-only"),),
            )


def _deregistered(snapshot: Snapshot, group: TargetGroup, names: Iterable[str]) -> _Outlook:
    lb = balancing.load_balancer_of(snapshot, group.id)
    if lb is None:
        raise PlanError(f"The target group {group.name} is not used by a load balancer: it has no flows.")
    leaving = []
    for name in names:
        target = snapshot.get(Target, f"{group.id}|{name}")
        if target is None:
            raise PlanError(f"{name} is not registered with {group.name}.")
        if target.deregistered is not None:
            raise PlanError(f"{name} is being deregistered from {group.name} already.")
        leaving.append(target)
    values = attributes.effective(attributes.TARGET_GROUP, group.attributes)
    delay_s = attributes.deregistration_delay_s(group.attributes)
    rebalances = values["target_failover.on_deregistration"] == "rebalance"
    resets = values["send_tcp_reset.on_deregistration.enabled"] == "true"
    code = "rebalances" if rebalances else "resets" if resets else "stays"
    fate = None if rebalances else Fate.STAY
    drained = [replace(target, state=TargetState.DRAINING, deregistered=0.0) for target in leaving]
    return _Outlook(
        after=snapshot.supposing(*drained),
        load_balancer=lb,
        leaving={target.id: fate for target in leaving},
        resets=resets,
        reasons=(Reason(code, {"delay_s": delay_s}),),
    )


def _without_zone(snapshot: Snapshot, lb: LoadBalancer, zone: str) -> _Outlook:
    if zone not in {one.zone for one in lb.zones}:
        raise PlanError(f"{lb.name} has no zone {zone}: it has {', '.join(one.zone for one in lb.zones)}.")
    listener = balancing.listener_of(snapshot, lb.id)
    group = snapshot.get(TargetGroup, listener.target_group) if listener else None
    if group is None:
        raise PlanError(f"{lb.name} has no listener: it has no flows.")
    names = [
        one.target.target
        for one in balancing.placed_targets(snapshot, group.id)
        if one.zone == zone and one.target.deregistered is None
    ]
    if not names:
        raise PlanError(f"{group.name} has no target in {zone}.")
    outlook = _deregistered(snapshot, group, names)
    return replace(outlook, reasons=(Reason("zone-leaves", {"targets": ", ".join(names)}), *outlook.reasons))


def _restuck(snapshot: Snapshot, group: TargetGroup, kind: str) -> _Outlook:
    if kind not in STICKINESS:
        raise PlanError(f"Stickiness is one of {', '.join(STICKINESS)}.")
    lb = balancing.load_balancer_of(snapshot, group.id)
    if lb is None:
        raise PlanError(f"The target group {group.name} is not used by a load balancer: it has no flows.")
    asked = {"stickiness.enabled": "false" if kind == FIVE_TUPLE else "true"}
    if kind != FIVE_TUPLE:
        asked["stickiness.type"] = kind
    try:
        after = attributes.changed(attributes.TARGET_GROUP, group.attributes, asked.items())
    except BadAttribute as error:
        raise PlanError(f"{error}.") from error
    before = stickiness(group.attributes)
    adopts = attributes.extension(lb.attributes, "adopt")
    codes = ["same-key"] if kind == before else ["other-key", "not-foretold", "adopts" if adopts else "no-syn"]
    reasons = [Reason(code) for code in codes]
    listener = balancing.listener_of(snapshot, lb.id)
    idle_s = attributes.tcp_idle_s(listener.attributes if listener else {})
    if kind != FIVE_TUPLE and idle_s != 350:
        reasons.append(Reason("idle-timeout", {"idle_s": idle_s}))
    return _Outlook(
        after=snapshot.supposing(replace(group, attributes=after)),
        load_balancer=lb,
        leaving={},
        rekeyed=(before, kind),
        adopts=adopts,
        reasons=tuple(reasons),
    )


def stickiness(target_group: Mapping[str, str]) -> str:
    """One of `STICKINESS`, from a target group's stored attributes."""
    values = attributes.effective(attributes.TARGET_GROUP, target_group)
    return values["stickiness.type"] if values["stickiness.enabled"] == "true" else FIVE_TUPLE


def _group(snapshot: Snapshot, arn: str) -> TargetGroup:
    found = snapshot.get(TargetGroup, arn)
    if found is None:
        raise PlanError(f"There is no target group {arn}.")
    return found


def _load_balancer(snapshot: Snapshot, arn: str) -> LoadBalancer:
    found = snapshot.get(LoadBalancer, arn)
    if found is None:
        raise PlanError(f"There is no load balancer {arn}.")
    return found


def _targets_by_slot(snapshot: Snapshot) -> dict[int, str]:
    """Slot -> `Target.id`, whether it still is registered or not."""
    return {
        slot.number: "|".join(slot.id.split("|")[1:3])
        for slot in snapshot.values(Slot)
        if slot.id.startswith("target|")
    }


class _Tables:
    """The Maglev tables of a load balancer's nodes as they will be, each made when it is asked for."""

    def __init__(self, snapshot: Snapshot, load_balancer: LoadBalancer) -> None:
        self._snapshot = snapshot
        self._load_balancer = snapshot.get(LoadBalancer, load_balancer.id) or load_balancer
        self._numbers = {slot.id: slot.number for slot in snapshot.values(Slot)}
        self._names = {number: target.rpartition("|")[2] for number, target in _targets_by_slot(snapshot).items()}
        self._made: dict[str, Sequence[int]] = {}

    def target(self, zone: str, place: int) -> str:
        """As registered. There has to be somebody in the zone."""
        if zone not in self._made:
            chosen = balancing.new_flow_targets(self._snapshot, self._load_balancer, zone=zone)
            backends = [(self._numbers[slots.target_key(one.target.id, one.address)], one.address) for one in chosen]
            self._made[zone] = selection.maglev(backends)
        return self._names[self._made[zone][place]]


def _new_flow_targets(snapshot: Snapshot, load_balancer: LoadBalancer, zone: str) -> tuple[str, ...]:
    lb = snapshot.get(LoadBalancer, load_balancer.id) or load_balancer
    return tuple(sorted(one.target.target for one in balancing.new_flow_targets(snapshot, lb, zone=zone)))


def _rows(
    snapshot: Snapshot, lb: LoadBalancer, fates: Mapping[str, Tally[Fate]], goals: Mapping[str, Tally[str]]
) -> Iterable[TargetPlan]:
    """Every registered target, then what else has flows."""
    listener = balancing.listener_of(snapshot, lb.id)
    registered = {
        one.target.id: one for one in (balancing.placed_targets(snapshot, listener.target_group) if listener else ())
    }
    for target_id in (*registered, *sorted(fates.keys() - registered.keys())):
        placed = registered.get(target_id)
        fate = fates.get(target_id, Tally())
        yield TargetPlan(
            target=target_id.rpartition("|")[2],
            zone=placed.zone if placed else "",
            state=str(placed.target.state) if placed else "not registered",
            stay=fate[Fate.STAY],
            move=fate[Fate.MOVE],
            breaks=fate[Fate.BREAK],
            to=dict(sorted(goals.get(target_id, {}).items())),
        )


def _warnings(after: Snapshot, lb: LoadBalancer, zones: Iterable[ZonePlan]) -> Iterable[Reason]:
    listener = balancing.listener_of(after, lb.id)
    states = {
        target.target: target.state
        for target in after.values(Target)
        if listener is not None and target.target_group == listener.target_group
    }
    for zone in zones:
        if not zone.after:
            yield Reason("zone-without-target", {"zone": zone.zone})
        elif all(states.get(name) is TargetState.UNHEALTHY for name in zone.after):
            yield Reason("zone-fails-open", {"zone": zone.zone})
