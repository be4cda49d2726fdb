"""`plan`: a change as a person asks about it, and what it would do to the flows that are live now, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from opengwlb.model.elb import LoadBalancer, Target, TargetGroup
from opengwlb.model.flows import FlowKind
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import planning, planning_words
from opengwlb.wire.errors import AwsError

from .asked import PlanAsked
from .visibility import Viewer

E = TypeVar("E", LoadBalancer, TargetGroup)


class PlanSummary(msgspec.Struct, kw_only=True, frozen=True, rename={"breaks": "break"}):
    """Flows that are live now, by what the change does to them."""

    stay: int
    move: int
    breaks: int


class PlanTarget(msgspec.Struct, kw_only=True, frozen=True, rename={"breaks": "break"}):
    """What becomes of the flows that a target has now."""

    target: str | None
    """None for flows of a target that is gone."""
    zone: str | None
    state: str
    flows: int
    stay: int
    move: int
    breaks: int
    to: dict[str, int]
    """How many of them other targets get."""


class PlanZone(msgspec.Struct, kw_only=True, frozen=True):
    """Who gets a zone's new flows."""

    zone: str
    now: tuple[str, ...]
    then: tuple[str, ...]


class PlanAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The answer of `plan`."""

    load_balancer: str
    summary: PlanSummary
    targets: tuple[PlanTarget, ...]
    new_flows: tuple[PlanZone, ...]
    reasons: tuple[str, ...]
    """In the language asked for."""


def answer(snapshot: Snapshot, want: PlanAsked, flows: Mapping[FlowKind, int], *, viewer: Viewer) -> dict[str, Any]:
    """A `PlanAnswer`, ready to be written; `flows` as tallied. Raises AwsError."""
    change = _change(snapshot, want, viewer=viewer)
    try:
        plan = planning.plan(snapshot, change, flows)
    except planning.PlanError as error:
        raise AwsError("ValidationError", str(error)) from error
    targets = tuple(
        PlanTarget(
            target=one.target or None,
            zone=one.zone or None,
            state=one.state,
            flows=one.stay + one.move + one.breaks,
            stay=one.stay,
            move=one.move,
            breaks=one.breaks,
            to=dict(one.to),
        )
        for one in plan.targets
    )
    planned = PlanAnswer(
        load_balancer=plan.load_balancer,
        summary=PlanSummary(
            stay=sum(one.stay for one in targets),
            move=sum(one.move for one in targets),
            breaks=sum(one.breaks for one in targets),
        ),
        targets=targets,
        new_flows=tuple(PlanZone(zone=one.zone, now=tuple(one.before), then=tuple(one.after)) for one in plan.zones),
        reasons=tuple(planning_words.say(one, want.language) for one in plan.reasons),
    )
    written: dict[str, Any] = msgspec.to_builtins(planned)
    return written


def _change(snapshot: Snapshot, want: PlanAsked, *, viewer: Viewer) -> planning.Change:
    match want.change:
        case "deregister":
            names = tuple(want.value.split(","))
            group = _group_of(snapshot, names[0], want.target_group, viewer=viewer)
            return planning.Deregister(target_group=group.id, targets=names)
        case "disable-zone":
            lb = _one(snapshot, LoadBalancer, want.load_balancer, viewer=viewer)
            return planning.DisableZone(load_balancer=lb.id, zone=want.value)
        case "stickiness":
            group = _one(snapshot, TargetGroup, want.target_group, viewer=viewer)
            return planning.Stickiness(target_group=group.id, kind=want.value)
        case "cross-zone":
            if want.value not in ("on", "off"):
                raise AwsError("ValidationError", "cross-zone is on or off.")
            lb = _one(snapshot, LoadBalancer, want.load_balancer, viewer=viewer)
            return planning.CrossZone(load_balancer=lb.id, enabled=want.value == "on")


def _group_of(snapshot: Snapshot, target: str, named: str | None, *, viewer: Viewer) -> TargetGroup:
    """The group that is named, or the only one that the target is registered with."""
    if named is not None:
        return _one(snapshot, TargetGroup, named, viewer=viewer)
    groups = {one.target_group for one in snapshot.values(Target) if one.target == target}
    if not groups:
        raise AwsError("InvalidTarget", f"{target} is registered with no target group.")
    return _one(snapshot, TargetGroup, None, viewer=viewer, among=groups)


def _one(snapshot: Snapshot, kind: type[E], named: str | None, *, viewer: Viewer, among: set[str] | None = None) -> E:
    """By ARN or name; without either, the only one there is. What is not the caller's is not there."""
    noun, option, code = (
        ("target group", "target_group", "TargetGroupNotFound")
        if kind is TargetGroup
        else ("load balancer", "load_balancer", "LoadBalancerNotFound")
    )
    found = [
        one
        for one in snapshot.values(kind)
        if viewer.sees(frozenset({one.account}))
        and named in (None, one.id, one.name)
        and (among is None or one.id in among)
    ]
    if not found:
        raise AwsError(code, f"There is no such {noun}: {named}." if named else f"There is no such {noun}.", status=404)
    if len(found) > 1:
        arns = ", ".join(sorted(one.id for one in found))
        raise AwsError("ValidationError", f"Which {noun}? Name one by --{option.replace('_', '-')}: {arns}.")
    return found[0]
