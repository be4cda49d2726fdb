"""Watches what targets return, and makes those unhealthy that are dead by it (decision 0008).

Nothing is watched of groups whose attribute does not ask for it. Whether a condemned target is trusted again is the health checks'
to say (control/health.py).
"""

from __future__ import annotations

import logging
from collections import Counter as Tally
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from opengwlb.model.elb import Slot, Target, TargetGroup, TargetState
from opengwlb.model.passive import Sign, TargetCounters
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.policy import attributes, balancing, names, passive, slots
from opengwlb.policy.health import Failure
from opengwlb.store.protocol import Store, Transaction

log = logging.getLogger(__name__)

LOOK_S = 0.010
"""From look to look, while anything is watched; more where looking takes long, so that it costs no more than a fifth of a CPU."""
SHARE = 5
IDLE_S = 1.0
RELIST_S = 0.5
"""How often processes are looked up, which change without the store's knowing."""
RENEW_S = 5.0
"""How often links are asked for again: a box that was made anew has another namespace."""
TRUSTED_AFTER_NS = 300_000_000_000
"""A target that was healthy and returned packets for so long since it was condemned is trusted as any other."""


class Programs(Protocol):
    """What is used of `dataplane.DataPlane`."""

    def target_counters(self, slots: Collection[int]) -> Mapping[int, TargetCounters]: ...
    def leave(self, slot: int) -> None: ...


class Links(Protocol):
    """`fabric.carrier.Carrier`."""

    def lost(self, box: str, ifindex: int) -> bool: ...
    def renew(self) -> None: ...


class Processes(Protocol):
    """`instances.ended.Ended`."""

    def watch(self, instances: Collection[str]) -> None: ...
    def ended(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A healthy target of a group that asks for it."""

    target: str
    """`Target.id`."""
    group: str
    slot: int
    window_ns: int
    port: PortRef | None
    """The router's end of its link; None outside of the VPC."""
    instance: str | None
    condemned: int
    """`Target.condemned`."""


def watched(snapshot: Snapshot) -> list[Watched]:
    found = []
    windows = {
        group.id: window
        for group in snapshot.values(TargetGroup)
        if (window := attributes.passive_window_ms(group.attributes)) is not None
    }
    if not windows:
        return []
    for target in snapshot.values(Target):
        if target.target_group not in windows or target.state is not TargetState.HEALTHY:
            continue
        placed = balancing.place(snapshot, target)
        slot = snapshot.get(Slot, slots.target_key(target.id, placed.address)) if placed else None
        if placed is None or slot is None:
            continue
        interface = placed.interface
        found.append(
            Watched(
                target=target.id,
                group=target.target_group,
                slot=slot.number,
                window_ns=windows[target.target_group] * 1_000_000,
                port=names.router_port(interface.vpc, interface.id) if interface else None,
                instance=interface.attachment.instance if interface and interface.attachment else None,
                condemned=target.condemned,
            )
        )
    return found


class PassiveHealth:
    """`reconcile` is called by a `Loop`; `condemned` may be read by any thread."""

    def __init__(
        self,
        *,
        store: Store,
        programs: Programs,
        links: Links,
        processes: Processes,
        ifindex: Callable[[], Mapping[PortRef, int]],
        clock: Callable[[], float],
        coarse_ns: Callable[[], int],
    ) -> None:
        """`coarse_ns` is the programs' clock, CLOCK_MONOTONIC_COARSE."""
        self.condemned: Tally[tuple[str, str, Sign]] = Tally()
        """(target group, target, sign) -> how often since this server started."""
        self._store = store
        self._programs = programs
        self._links = links
        self._processes = processes
        self._ifindex = ifindex
        self._clock = clock
        self._coarse_ns = coarse_ns
        self._revision = -1
        self._watched: list[Watched] = []
        self._memories: dict[str, passive.Memory] = {}
        self._past: dict[str, passive.Memory] = {}
        """What was known of a target when it was condemned."""
        self._processes_due_ns = self._links_due_ns = 0

    def reconcile(self) -> float:
        """One look; in how many seconds to look again."""
        snapshot = self._store.snapshot()
        now_ns = self._coarse_ns()
        self._relist(snapshot, now_ns)
        if not self._watched:
            return IDLE_S
        for one, sign in self._certain():
            self._condemn(one, sign)
        counters = self._programs.target_counters([one.slot for one in self._watched])
        self._look(counters, now_ns=now_ns)
        for one in self._watched:
            memory = self._memories[one.target]
            sign_seen = passive.sign(memory, window_ns=one.window_ns)
            if sign_seen is not None:
                self._condemn(one, sign_seen)
            elif now_ns - memory.began_ns > TRUSTED_AFTER_NS and memory.experience.returned >= 1:
                self._trust(snapshot, one)
        return self._next(took_ns=self._coarse_ns() - now_ns)

    def _next(self, *, took_ns: int) -> float:
        """Exactly when the next target will have been silent for too long, if that is before the next look."""
        wait_s = max(LOOK_S, took_ns * SHARE / 1e9)
        now_ns = self._coarse_ns()
        for one in self._watched:
            due_ns = passive.due_ns(self._memories[one.target], window_ns=one.window_ns)
            if due_ns is not None and now_ns < due_ns:
                wait_s = min(wait_s, (due_ns - now_ns) / 1e9 + 0.0005)
        return wait_s

    def _relist(self, snapshot: Snapshot, now_ns: int) -> None:
        if snapshot.revision != self._revision:
            self._revision = snapshot.revision
            self._watched = watched(snapshot)
            # Whoever is healthy again begins a new life.
            there = {one.target for one in self._watched}
            self._memories = {target: memory for target, memory in self._memories.items() if target in there}
            registered = {one.id for one in snapshot.values(Target)}
            self._past = {target: past for target, past in self._past.items() if target in registered}
            self._processes_due_ns = 0
        if now_ns >= self._processes_due_ns:
            self._processes_due_ns = now_ns + int(RELIST_S * 1e9)
            self._processes.watch({one.instance for one in self._watched if one.instance})
        if now_ns >= self._links_due_ns:
            self._links_due_ns = now_ns + int(RENEW_S * 1e9)
            self._links.renew()

    def _certain(self) -> list[tuple[Watched, Sign]]:
        ended = self._processes.ended()
        ifindex = self._ifindex()
        found = []
        for one in self._watched:
            if one.instance in ended:
                found.append((one, Sign.ENDED))
            elif one.port is not None and one.port in ifindex and self._link_lost(one.port, ifindex[one.port]):
                found.append((one, Sign.LINK_DOWN))
        return found

    def _link_lost(self, port: PortRef, ifindex: int) -> bool:
        try:
            return self._links.lost(port.box, ifindex)
        except FileNotFoundError:
            return False  # the box is being made anew, and its links with it

    def _look(self, counters: Mapping[int, TargetCounters], *, now_ns: int) -> None:
        spoke = Tally(
            one.group
            for one in self._watched
            if (memory := self._memories.get(one.target)) and counters[one.slot].returned > memory.last.returned
        )
        for one in self._watched:
            memory, now = self._memories.get(one.target), counters[one.slot]
            if memory is None:
                past = passive.of_the_condemned(self._past.get(one.target)) if one.condemned else None
                self._memories[one.target] = passive.begin(now, now_ns=now_ns, experience=past)
                continue
            peers_returned = spoke[one.group] > (now.returned > memory.last.returned)
            self._memories[one.target] = passive.look(memory, now, now_ns=now_ns, peers_returned=peers_returned)

    def _condemn(self, one: Watched, sign: Sign) -> None:
        """Unless it became something else meanwhile, or nobody could take its place and the sign is not certain."""

        def work(tx: Transaction) -> bool:
            # No other writer can commit while this runs, so the newest snapshot is the transaction's own ground.
            snapshot = self._store.snapshot()
            target = snapshot.get(Target, one.target)
            if target is None or target.deregistered is not None or target.state is not TargetState.HEALTHY:
                return False
            if sign not in passive.CERTAIN and not balancing.has_stand_in(snapshot, target):
                return False
            tx.put(
                replace(
                    target,
                    state=TargetState.UNHEALTHY,
                    reason=Failure.FAILED.value,
                    description=passive.DESCRIPTIONS[sign],
                    condemned_at=self._clock(),
                    condemned=target.condemned + 1,
                )
            )
            return True

        snapshot = self._store.snapshot()
        target = snapshot.get(Target, one.target)
        if target is None or target.state is not TargetState.HEALTHY:
            return
        stand_in = balancing.has_stand_in(snapshot, target)
        if not stand_in and sign not in passive.CERTAIN:
            return
        group = snapshot.get(TargetGroup, one.group)
        if stand_in and group is not None and attributes.rebalances(group.attributes):
            # What follows from the store takes a tenth of a second: tables are made anew, and swapped after a grace period.
            self._programs.leave(one.slot)
        if self._store.transact(work):
            name = one.target.rsplit("|", 1)[-1]
            log.warning("%s is unhealthy: %s", name, passive.DESCRIPTIONS[sign])
            self.condemned[one.group, name, sign] += 1
            if one.target in self._memories:
                self._past[one.target] = self._memories[one.target]

    def _trust(self, snapshot: Snapshot, one: Watched) -> None:
        target = snapshot.get(Target, one.target)
        if target is None or not target.condemned:
            return

        def work(tx: Transaction) -> None:
            now = tx.get(Target, one.target)
            if now is not None and now.state is TargetState.HEALTHY:
                tx.put(replace(now, condemned=0))

        self._store.transact(work)
