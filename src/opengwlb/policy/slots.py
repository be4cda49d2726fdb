"""Which small numbers the kernel's arrays know nodes and targets by.

A number stays with its object until the object is gone; given out again, it carries a higher generation, so that a flow which
remembers the old holder is not taken for the new one's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer, Slot, Target
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkInterface

from . import balancing


def node_key(load_balancer: str, zone: str) -> str:
    return f"node|{load_balancer}|{zone}"


def target_key(target: str, address: str) -> str:
    return f"target|{target}|{address}"


def wanted(snapshot: Snapshot) -> set[str]:
    """The ids of the slots that this revision needs.

    A target that was deregistered keeps its slot as long as its group is in use: its flows stay (facts 2.4, no_rebalance). A
    terminated instance keeps it too, until it is described no more or its address is another interface's, who must not get them.
    """
    keys = set()
    for load_balancer in snapshot.values(LoadBalancer):
        keys |= {node_key(load_balancer.id, one.zone) for one in load_balancer.zones}
    for target in snapshot.values(Target):
        placed = balancing.place(snapshot, target)
        if placed is not None and balancing.load_balancer_of(snapshot, target.target_group) is not None:
            keys.add(target_key(target.id, placed.address))
    for slot in snapshot.values(Slot):
        kind, *rest = slot.id.split("|")
        if kind == "target" and _outlives_registration(snapshot, *rest):
            keys.add(slot.id)
    return keys


def _outlives_registration(snapshot: Snapshot, target_group: str, target: str, address: str) -> bool:
    load_balancer = balancing.load_balancer_of(snapshot, target_group)
    if load_balancer is None:
        return False
    if not target.startswith("i-"):
        return True
    instance = snapshot.get(Instance, target)
    if instance is None:
        return False
    return instance.state is not InstanceState.TERMINATED or not any(
        one.vpc == load_balancer.vpc and address in one.private_ips for one in snapshot.values(NetworkInterface)
    )


def changes(snapshot: Snapshot) -> tuple[list[Slot], list[str]]:
    """The slots to put and the ids of those to delete. Numbers are per kind (`node`, `target`), smallest free first.

    Level-triggered: whatever pass of whatever server comes next tells the flows of a target to leave it, once.
    """
    keys = wanted(snapshot)
    held = {slot.id: slot for slot in snapshot.values(Slot)}
    gone = [key for key in held if key not in keys]
    new: list[Slot] = []
    for kind in ("node", "target"):
        taken = {slot.number for key, slot in held.items() if key in keys and key.startswith(f"{kind}|")}
        # A number freed in this very step is not given out again before the kernel has forgotten its old holder.
        taken |= {held[key].number for key in gone if key.startswith(f"{kind}|")}
        for key in sorted(_of_kind(keys - held.keys(), kind)):
            number = next(n for n in range(len(taken) + 1) if n not in taken)
            taken.add(number)
            new.append(Slot(id=key, number=number, generation=_generation(snapshot)))
    kept = (held[key] for key in sorted(keys & held.keys()))
    return new + [slot for old in kept if (slot := _left(snapshot, old)) != old], gone


def _generation(snapshot: Snapshot) -> int:
    return (snapshot.revision + 1) & 0xFFFF_FFFF


def _left(snapshot: Snapshot, slot: Slot) -> Slot:
    """The slot with a new generation when its target's flows shall leave it and were not told so yet. A target that recovers gets
    none: what left it stays where it is."""
    kind, *rest = slot.id.split("|")
    if kind != "target":
        return slot
    why = balancing.left(snapshot, target_group=rest[0], target=rest[1])
    if why in ("", slot.left):
        return replace(slot, left=why)
    return replace(slot, left=why, generation=_generation(snapshot))


def _of_kind(keys: Iterable[str], kind: str) -> Iterable[str]:
    return (key for key in keys if key.startswith(f"{kind}|"))
