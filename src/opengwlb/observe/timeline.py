"""What became of each target: its probes, how it drains, and its changes of state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opengwlb.control.probe_log import Probes
from opengwlb.model.compute import Instance
from opengwlb.model.elb import Slot, Target, TargetGroup
from opengwlb.model.flows import FlowKind
from opengwlb.model.passive import TargetCounters
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import attributes, balancing, slots
from opengwlb.policy.status import drain_delay_s
from opengwlb.store.protocol import Change

from .target_answers import TargetChecks, TargetDraining, TargetProbe, TargetsAnswer, TargetTimeline, TargetTransition
from .visibility import Viewer

Drained = Mapping[tuple[str, float], int]
"""(`Target.id`, when it was deregistered) -> flows that it had then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of targets beside the store's snapshot."""

    probes: Callable[[str], Probes]
    counters: Mapping[int, TargetCounters]
    """By slot; empty where nothing carries packets."""
    flows: Mapping[int, int] | None
    """Live ones by slot; None where nothing carries packets."""
    drained: Drained
    transitions: Mapping[str, tuple[TargetTransition, ...]]
    """By `Target.id`."""


def answer(
    snapshot: Snapshot, known: Known, *, viewer: Viewer, now_s: float, target_group: str | None = None
) -> TargetsAnswer:
    """`target_group` is an ARN or a name; None stands for all that the viewer may see."""
    found = []
    for group in snapshot.values(TargetGroup):
        if target_group in (None, group.id, group.name) and viewer.sees(frozenset({group.account})):
            for target in snapshot.find(balancing.TARGETS_OF_GROUP, group.id):
                found.append(_timeline(snapshot, target, group, known, now_s=now_s))
    return TargetsAnswer(targets=tuple(found))


def flows_by_slot(tally: Mapping[FlowKind, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for kind, count in tally.items():
        found[kind.target] = found.get(kind.target, 0) + count
    return found


def slot_of(snapshot: Snapshot, target: Target) -> int | None:
    """The number that the kernel knows a target by; None while it has none."""
    placed = balancing.place(snapshot, target)
    held = snapshot.get(Slot, slots.target_key(target.id, placed.address)) if placed else None
    return held.number if held else None


def transitions(
    before: Mapping[str, tuple[TargetTransition, ...]], changes: Iterable[Change], *, kept: int
) -> dict[str, tuple[TargetTransition, ...]]:
    """`before` with what the changes of `Target`s add: one for each new state or reason; of each target the newest `kept`."""
    found = dict(before)
    for change in changes:
        if change.object is None:
            found.pop(change.id, None)
            continue
        target: Target = change.object
        known = found.get(change.id, ())
        if not known or (known[-1].state, known[-1].reason) != (str(target.state), target.reason):
            new = TargetTransition(at=change.at, state=str(target.state), reason=target.reason)
            found[change.id] = (*known, new)[-kept:]
    return found


def _timeline(snapshot: Snapshot, target: Target, group: TargetGroup, known: Known, *, now_s: float) -> TargetTimeline:
    placed = balancing.place(snapshot, target)
    slot = slot_of(snapshot, target)
    counters = known.counters.get(slot) if slot is not None else None
    flows = known.flows.get(slot, 0) if known.flows is not None and slot is not None else None
    instance = snapshot.get(Instance, target.target)
    return TargetTimeline(
        target_group=group.id,
        target=target.target,
        name=instance.tags.get("Name") if instance else None,
        address=placed.address if placed else None,
        zone=placed.zone if placed else None,
        state=str(target.state),
        reason=target.reason,
        description=target.description,
        given=counters.given if counters else None,
        returned=counters.returned if counters else None,
        flows=flows,
        health=_checks(group, known.probes(target.id)),
        draining=_draining(snapshot, target, group, known, flows=flows or 0, now_s=now_s),
        transitions=known.transitions.get(target.id, ()),
    )


def _checks(group: TargetGroup, probes: Probes) -> TargetChecks:
    check = group.health_check
    return TargetChecks(
        interval_s=check.interval_s,
        timeout_s=check.timeout_s,
        healthy_threshold=check.healthy_threshold,
        unhealthy_threshold=check.unhealthy_threshold,
        successes=probes.successes,
        failures=probes.failures,
        probes=tuple(
            TargetProbe(at=one.at, ok=one.ok, took_ms=round(one.took_s * 1000, 2), said=one.said) for one in probes.last
        ),
    )


def _draining(
    snapshot: Snapshot, target: Target, group: TargetGroup, known: Known, *, flows: int, now_s: float
) -> TargetDraining | None:
    if target.deregistered is None:
        return None
    until = target.deregistered + drain_delay_s(snapshot, target)
    return TargetDraining(
        since=target.deregistered,
        until=until,
        seconds_left=round(max(0.0, until - now_s), 1),
        flows_left=flows,
        # More are left than it had: packets that were under way made flows meanwhile.
        flows_at_start=max(flows, known.drained.get((target.id, target.deregistered), flows)),
        rebalance=attributes.rebalances(group.attributes),
    )
