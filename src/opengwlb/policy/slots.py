"""Which small numbers the kernel's maps know nodes, targets and classes of interfaces by.

A number stays with its object until the object is gone; given out again, it carries a higher generation, so that a flow which
remembers the old holder is not taken for the new one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer, Slot, Target
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkInterface

from . import balancing
from .derived import Changes, Pieces, Read, Tracked

Why = Literal["", "unhealthy", "deregistered"]
"""As `balancing.left`."""


def node_key(load_balancer: str, zone: str) -> str:
    return f"node|{load_balancer}|{zone}"


def target_key(target: str, address: str) -> str:
    return f"target|{target}|{address}"


def class_key(groups: Iterable[str]) -> str:
    """Of all interfaces that have these security groups: what rules that name a group know its members by."""
    return f"class|{','.join(sorted(groups))}"


def class_groups(slot: Slot) -> tuple[str, ...]:
    """The groups of a class; none for any other slot."""
    kind, _, groups = slot.id.partition("|")
    return tuple(groups.split(",")) if kind == "class" else ()


def wanted(snapshot: Snapshot) -> set[str]:
    """The ids of the slots that this revision needs.

    A target that was deregistered keeps its slot as long as its group is in use: its flows stay (facts 2.4, no_rebalance). A
    terminated instance keeps it too, until it is described no more or its address is another interface's, who must not get them.
    """
    keys: set[str] = set()
    for kind, needs in _NEEDS:
        for one in snapshot.values(kind):
            keys |= needs(snapshot, one)
    return keys


def _of_nodes(snapshot: Snapshot, load_balancer: LoadBalancer) -> set[str]:
    return {node_key(load_balancer.id, one.zone) for one in load_balancer.zones}


def _of_target(snapshot: Snapshot, target: Target) -> set[str]:
    placed = balancing.place(snapshot, target)
    if placed is None or balancing.load_balancer_of(snapshot, target.target_group) is None:
        return set()
    return {target_key(target.id, placed.address)}


def _of_interface(snapshot: Snapshot, interface: NetworkInterface) -> set[str]:
    return {class_key(interface.groups)} if interface.groups else set()


def _of_slot(snapshot: Snapshot, slot: Slot) -> set[str]:
    kind, *rest = slot.id.split("|")
    return {slot.id} if kind == "target" and _outlives_registration(snapshot, *rest) else set()


_NEEDS: tuple[tuple[type[Any], Callable[[Snapshot, Any], set[str]]], ...] = (
    (LoadBalancer, _of_nodes),
    (Target, _of_target),
    (NetworkInterface, _of_interface),
    (Slot, _of_slot),
)


def _outlives_registration(snapshot: Snapshot, target_group: str, target: str, address: str) -> bool:
    load_balancer = balancing.load_balancer_of(snapshot, target_group)
    if load_balancer is None:
        return False
    if not target.startswith("i-"):
        return True
    instance = snapshot.get(Instance, target)
    if instance is None:
        return False
    return instance.state is not InstanceState.TERMINATED or not snapshot.find(
        balancing.INTERFACES_AT, (load_balancer.vpc, address)
    )


def changes(snapshot: Snapshot) -> tuple[list[Slot], list[str]]:
    """The slots to put and the ids of those to delete. Numbers are per kind (`node`, `target`, `class`), smallest free first.

    Level-triggered: whatever pass of whatever server comes next tells the flows of a target to leave it, once.
    """
    why = {slot.id: _why(snapshot, slot) for slot in snapshot.values(Slot)}
    return _changes(snapshot, keys=wanted(snapshot), why=why)


def _changes(snapshot: Snapshot, *, keys: Set[str], why: Mapping[str, Why]) -> tuple[list[Slot], list[str]]:
    held = {slot.id: slot for slot in snapshot.values(Slot)}
    gone = [key for key in held if key not in keys]
    new: list[Slot] = []
    for kind, first in (("node", 0), ("target", 0), ("class", 1)):  # class 0 is of who has no groups
        taken = {slot.number for key, slot in held.items() if key in keys and key.startswith(f"{kind}|")}
        # A number freed in this very step is not given out again before the kernel has forgotten its old holder.
        taken |= {held[key].number for key in gone if key.startswith(f"{kind}|")}
        for key in sorted(_of_kind(keys - held.keys(), kind)):
            number = next(n for n in range(first, first + len(taken) + 1) if n not in taken)
            taken.add(number)
            new.append(Slot(id=key, number=number, generation=_generation(snapshot)))
    # `left` differs from why it should be left: only these are others now.
    left = sorted(key for key, slot in held.items() if key in keys and why.get(key, "") != slot.left)
    return new + [_left(snapshot, held[key], why=why.get(key, "")) for key in left], gone


def _generation(snapshot: Snapshot) -> int:
    return (snapshot.revision + 1) & 0xFFFF_FFFF


def _left(snapshot: Snapshot, slot: Slot, *, why: Why) -> Slot:
    """The slot with a new generation when its target's flows shall leave it and were not told so yet. A target that recovers gets
    none: what left it stays where it is."""
    if not why:
        return replace(slot, left=why)
    return replace(slot, left=why, generation=_generation(snapshot))


def _why(snapshot: Snapshot, slot: Slot) -> Why:
    kind, *rest = slot.id.split("|")
    return balancing.left(snapshot, target_group=rest[0], target=rest[1]) if kind == "target" else ""


def _of_kind(keys: Iterable[str], kind: str) -> Iterable[str]:
    return (key for key in keys if key.startswith(f"{kind}|"))


class Numbering:
    """`changes` of one snapshot after the other, at the cost of what differs between them. Not for several threads at once."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._needs = {kind: Pieces(partial(_piece, kind, needs)) for kind, needs in _NEEDS}
        self._why = Pieces(partial(_piece, Slot, _why))
        self._settled = False

    def changes(self, snapshot: Snapshot) -> tuple[list[Slot], list[str]]:
        every: tuple[tuple[type[Any], Pieces[Any]], ...] = (*self._needs.items(), (Slot, self._why))
        indexes = {index for _, pieces in every for index in pieces.indexes}
        differences = Changes().between(self._snapshot, snapshot, indexes=indexes)
        self._snapshot = snapshot
        moved = False
        for kind, pieces in every:
            moved |= bool(pieces.update(snapshot, changes=differences, roots=differences.ids.get(kind, ())))
        if self._settled and not moved and Slot not in differences.ids:
            return [], []
        keys = {key for pieces in self._needs.values() for some in pieces.values.values() for key in some}
        new, gone = _changes(snapshot, keys=keys, why=self._why.values)
        self._settled = not new and not gone
        return new, gone


def _piece(
    kind: type[Any], derive: Callable[[Snapshot, Any], Any], root: str, snapshot: Snapshot
) -> tuple[Any, set[Read]]:
    tracked = Tracked(snapshot)
    one = tracked.get(kind, root)
    return (None if one is None else derive(tracked, one)), tracked.reads
