"""Remembers of targets what neither the store nor the kernel does: their flows when they began to drain, and their states in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from opengwlb.control.probe_log import Probes
from opengwlb.model.elb import Target
from opengwlb.store.protocol import Store

from . import timeline
from .sources import DataPlaneReads
from .target_answers import TargetsAnswer, TargetTransition
from .visibility import Viewer

TRANSITIONS = 50
"""Kept of each target."""
COUNTED_S = 1.0
"""Live flows are counted anew after this: counting reads the whole table, and many may ask."""
_IDLE_S = 60.0


class TargetWatch:
    """`reconcile` is called by a `Loop`; any thread may ask."""

    def __init__(
        self,
        *,
        store: Store,
        dataplane: DataPlaneReads | None,
        probes: Callable[[str], Probes],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`probes` is `control.probe_log.ProbeLog.of`; `clock` gives seconds since the epoch."""
        self._store = store
        self._dataplane = dataplane
        self._probes = probes
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._drained: dict[tuple[str, float], int] = {}
        self._flows: tuple[float, Mapping[int, int]] | None = None
        self._transitions: dict[str, tuple[TargetTransition, ...]] = {}
        self._revision = 0

    def reconcile(self) -> float:
        """Counts the flows of targets that began to drain."""
        snapshot = self._store.snapshot()
        draining = {(one.id, one.deregistered): one for one in snapshot.values(Target) if one.deregistered is not None}
        with self._lock:
            for gone in self._drained.keys() - draining.keys():
                del self._drained[gone]
            new = draining.keys() - self._drained.keys()
            if new and self._dataplane is not None:
                counts = timeline.flows_by_slot(self._dataplane.tally_flows())
                for key in new:
                    slot = timeline.slot_of(snapshot, draining[key])
                    self._drained[key] = counts.get(slot, 0) if slot is not None else 0
        return _IDLE_S

    def answer(self, *, viewer: Viewer, target_group: str | None, probes: int) -> TargetsAnswer:
        """With no more than the last `probes` of each target."""
        snapshot = self._store.snapshot()
        plane = self._dataplane
        with self._lock:
            # A change between the two is met at the next question, as the history is read up to a revision that it then begins from.
            changes = self._store.history(Target, since=self._revision)
            if changes:
                self._revision = changes[-1].revision
                self._transitions = timeline.transitions(self._transitions, changes, kept=TRANSITIONS)
            numbers = {timeline.slot_of(snapshot, one) for one in snapshot.values(Target)} - {None}
            known = timeline.Known(
                probes=lambda target: self._probes(target).newest(probes),
                counters=plane.target_counters([one for one in numbers if one is not None]) if plane else {},
                flows=self._counted(plane) if plane else None,
                drained=dict(self._drained),
                transitions=self._transitions,
            )
        return timeline.answer(snapshot, known, viewer=viewer, now_s=self._clock(), target_group=target_group)

    def _counted(self, plane: DataPlaneReads) -> Mapping[int, int]:
        now = self._monotonic()
        if self._flows is None or now - self._flows[0] >= COUNTED_S:
            self._flows = now, timeline.flows_by_slot(plane.tally_flows())
        return self._flows[1]
