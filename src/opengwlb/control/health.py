"""Probes every target that is in use and writes its health back.

One asyncio loop in a thread of its own; one task per target. What to probe is read from the store, level-triggered: a target that
came, went, or whose check changed gets its task started, ended or replaced.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from opengwlb.model.elb import HealthCheck, LoadBalancer, Target, TargetGroup
from opengwlb.model.ids import device_name
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import balancing, names
from opengwlb.policy.derived import Changes, Pieces, Read, Tracked, TrackedMap
from opengwlb.policy.health import ProbeResult, TargetHealth, informed, known, observe
from opengwlb.store.protocol import Store, Transaction

from .probe_log import ProbeLog
from .probes import OpenSocket, ProbeFrom, probe, tls_context

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one task probes. Equal assignments are the same task."""

    target: str
    address: str
    check: HealthCheck
    source: ProbeFrom


def assignments(snapshot: Snapshot, *, built: Collection[str]) -> set[Assignment]:
    """Every target in use whose load balancer's node stands, probed by the node of its own zone.

    A target of zone `all` is probed by the load balancer's first node.
    """
    found = (_assignment(snapshot, target, built) for target in snapshot.values(Target))
    return {one for one in found if one is not None}


class Assignments:
    """`assignments` of one snapshot after the other, at the cost of what differs between them. Not for several threads at once."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._built: Mapping[str, None] = {}
        self._pieces = Pieces(self._piece)

    def of(self, snapshot: Snapshot, *, built: Collection[str]) -> set[Assignment]:
        changes = Changes().between(self._snapshot, snapshot, indexes=self._pieces.indexes)
        for one in self._built.keys() ^ set(built):
            changes.add(_BUILT, one)
        self._snapshot, self._built = snapshot, dict.fromkeys(built)
        self._pieces.update(snapshot, changes=changes, roots=changes.ids.get(Target, ()))
        return {one for some in self._pieces.values.values() for one in some}

    def _piece(self, root: str, snapshot: Snapshot) -> tuple[tuple[Assignment, ...] | None, set[Read]]:
        tracked = Tracked(snapshot)
        target = tracked.get(Target, root)
        if target is None:
            return None, tracked.reads
        found = _assignment(tracked, target, TrackedMap(_BUILT, self._built, reads=tracked.reads))
        return (() if found is None else (found,)), tracked.reads


_BUILT = "built"


def _assignment(snapshot: Snapshot, target: Target, built: Collection[str]) -> Assignment | None:
    load_balancer = balancing.load_balancer_of(snapshot, target.target_group)
    group = snapshot.get(TargetGroup, target.target_group)
    placed = balancing.place(snapshot, target)
    in_use = target.deregistered is None and balancing.unused(snapshot, target) is None
    if load_balancer is None or group is None or placed is None or not in_use:
        return None
    source = _source(snapshot, load_balancer, zone=placed.zone, built=built)
    if source is None:
        return None
    return Assignment(target=target.id, address=placed.address, check=group.health_check, source=source)


def _source(snapshot: Snapshot, load_balancer: LoadBalancer, *, zone: str, built: Collection[str]) -> ProbeFrom | None:
    for node in load_balancer.zones:
        interface = snapshot.get(NetworkInterface, node.network_interface)
        if interface is not None and zone in (node.zone, "all") and interface.id in built:
            return ProbeFrom(
                box=names.load_balancer_box(load_balancer),
                device=device_name(interface.id),
                address=interface.private_ip,
            )
    return None


class HealthChecker:
    def __init__(self, *, store: Store, open_socket: OpenSocket, built: Callable[[], Collection[str]]) -> None:
        self.log = ProbeLog()
        self._store = store
        self._open_socket = open_socket
        self._built = built
        self._assignments = Assignments()
        self._tls = tls_context()
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[Assignment, asyncio.Task[None]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)

    def reconcile(self) -> float:
        """Start and end tasks as the store says; called by a `Loop`."""
        snapshot = self._store.snapshot()
        self.log.keep(lambda target: snapshot.get(Target, target) is not None)
        wanted = self._assignments.of(snapshot, built=self._built())
        asyncio.run_coroutine_threadsafe(self._settle(wanted), self._loop).result(10.0)
        return 1.0

    async def _settle(self, wanted: set[Assignment]) -> None:
        for assignment, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[assignment]
                task.result()  # a probe never raises for what a target does: this is a bug, and the loop reports it
        for assignment in self._tasks.keys() - wanted:
            self._tasks.pop(assignment).cancel()
        for assignment in wanted - self._tasks.keys():
            self._tasks[assignment] = asyncio.create_task(self._watch(assignment))

    async def _watch(self, assignment: Assignment) -> None:
        """Probe for ever, at the check's interval counted from probe to probe."""
        loop = asyncio.get_running_loop()
        health = self._stored(assignment.target)
        due = loop.time()
        while True:
            asked = health = self._informed(assignment.target, health)
            at, began = time.time(), loop.time()
            result = await self._probe(assignment)
            took_s = loop.time() - began
            health = self._informed(assignment.target, health)
            if health is asked:  # else it was condemned while it was asked
                health = observe(health, result, check=assignment.check)
                await asyncio.to_thread(self._write, assignment.target, health, asked.condemned_at)
            self.log.add(assignment.target, result, health=health, at=at, took_s=took_s)
            due = max(due + assignment.check.interval_s, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _probe(self, assignment: Assignment) -> ProbeResult:
        return await probe(
            assignment.address,
            check=assignment.check,
            source=assignment.source,
            open_socket=self._open_socket,
            tls=self._tls,
        )

    def _stored(self, target_id: str) -> TargetHealth:
        """Where the last server left off: a restart must not take healthy targets out of service."""
        target = self._store.snapshot().get(Target, target_id)
        return known(target) if target is not None else TargetHealth()

    def _informed(self, target_id: str, health: TargetHealth) -> TargetHealth:
        target = self._store.snapshot().get(Target, target_id)
        return informed(health, target) if target is not None else health

    def _write(self, target_id: str, health: TargetHealth, condemned_at: float | None) -> None:
        """Unless the target was condemned since this health was made, of one that was condemned at that time."""

        def changed(target: Target) -> Target:
            return replace(
                target,
                state=health.state,
                reason=health.reason,
                description=health.description,
                condemned_at=health.condemned_at,
            )

        target = self._store.snapshot().get(Target, target_id)
        if target is None or changed(target) == target:
            return

        def work(tx: Transaction) -> None:
            now = tx.get(Target, target_id)
            # Deregistered or out of use meanwhile: that state is the lifecycle's to write.
            if now is None or now.deregistered is not None or balancing.unused(self._store.snapshot(), now):
                return
            if now.condemned_at not in (None, condemned_at):
                return
            log.info("%s is %s (%s)", target_id.rsplit("|", 1)[-1], health.state, health.reason or "ok")
            tx.put(changed(now))

        self._store.transact(work)
