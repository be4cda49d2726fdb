"""What `gwlb status` shows: the lab on one page, with warnings by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opengwlb.model.compute import Instance
from opengwlb.model.elb import LoadBalancer, Target
from opengwlb.model.ids import device_name
from opengwlb.model.passive import TargetCounters
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import balancing, network
from opengwlb.policy.routing import loops

from .targets import Counted


def overview(
    snapshot: Snapshot, *, errors: Mapping[str, str], name: str, counted: Iterable[Counted] = ()
) -> dict[str, Any]:
    """Rows for the tables `boxes`, `load_balancers`, `targets`, `endpoints`, and sentences in `warnings`.

    `errors` are the reconcilers': object id -> what went wrong. `counted` is what the kernel says of targets, if there is one.
    """
    topology = network.topology(snapshot)
    counters = {(one.target_group, one.target): one.counters for one in counted}
    return {
        "revision": snapshot.revision,
        "boxes": [
            {
                "id": box.id,
                "kind": str(box.kind),
                "namespace": f"{name}-{device_name(box.id) if '-' in box.id else box.id}",
                "state": _box_state(snapshot, box.id, errors),
            }
            for box in topology.boxes.values()
        ],
        "load_balancers": [
            {
                "name": one.name,
                "account": one.account,
                "state": one.state,
                "zones": ", ".join(zone.zone for zone in one.zones),
                "arn": one.id,
            }
            for one in snapshot.values(LoadBalancer)
        ],
        "targets": [
            _target(snapshot, one, counters.get((one.target_group, one.target))) for one in snapshot.values(Target)
        ],
        "endpoints": [
            {
                "id": one.id,
                "account": one.account,
                "zone": one.zone,
                "state": one.state,
                "service": one.service,
            }
            for one in snapshot.values(VpcEndpoint)
        ],
        "warnings": [loop.sentence for loop in loops(snapshot)]
        + [
            f"{one.target} is unhealthy. {one.description}."
            for one in snapshot.values(Target)
            if one.condemned_at is not None and one.description
        ]
        + [f"{object_id}: {error}" for object_id, error in sorted(errors.items())],
    }


def _box_state(snapshot: Snapshot, box: str, errors: Mapping[str, str]) -> str:
    if box in errors:
        return f"error: {errors[box]}"
    instance = snapshot.get(Instance, box)
    return str(instance.state) if instance else "up"


def _target(snapshot: Snapshot, target: Target, counters: TargetCounters | None) -> dict[str, Any]:
    placed = balancing.place(snapshot, target)
    return {
        "target": target.target,
        "target_group": target.target_group.split("/")[1],
        "address": placed.address if placed else None,
        "zone": placed.zone if placed else None,
        "state": str(target.state),
        "reason": target.reason,
        "description": target.description,
        "given": counters.given if counters else None,
        "returned": counters.returned if counters else None,
        "condemned": target.condemned,
    }
