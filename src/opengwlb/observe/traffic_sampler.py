"""Reads the data plane's counters for everybody who watches traffic: once, however many they are, and only while there is somebody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.model.elb import LoadBalancer, Slot
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import network

from . import traffic, visibility
from .sources import DataPlaneReads, Sources
from .stream_events import FlowsMoved
from .visibility import Where

log = logging.getLogger(__name__)


class TrafficSampler:
    """Not for several threads at once."""

    def __init__(self, sources: Sources, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._of = sources
        self._clock = clock
        self._monotonic = monotonic
        self._before: traffic.Reading | None = None
        self._drops = traffic.Drops()
        self._snapshot: Snapshot | None = None
        self._places: Mapping[int, Where] = {}
        self._ifindex: object = None

    def forget(self) -> None:
        """Nobody listens any more: the next sample is the first of a new pair."""
        self._before = None

    def sample(self) -> traffic.Second | None:
        """What happened since the last sample; None for the first one, and where nothing carries packets."""
        plane = self._of.dataplane
        if plane is None:
            return None
        try:
            reading = self._read(plane)
        except (DataPlaneError, OSError) as error:
            log.warning("Traffic cannot be read: %s", error)
            return None
        before, self._before = self._before, reading
        if before is None:
            return None
        snapshot = self._of.store.snapshot()
        ports = traffic.rates(before, reading, places=self._named(snapshot), verdicts=plane.verdicts)
        by_name = {verdict.name: verdict for verdict in plane.verdicts.values()}
        at = self._clock()
        return traffic.Second(
            at=at,
            over_s=round(reading.at_s - before.at_s, 3),
            ports=tuple(ports),
            moved=tuple(_moved(snapshot, traffic.moves(before, reading))),
            began=tuple(self._drops.began(ports, verdicts=by_name, at=at, now_s=reading.at_s)),
        )

    def _read(self, plane: DataPlaneReads) -> traffic.Reading:
        return traffic.Reading(
            at_s=self._monotonic(),
            counted=traffic.summed(plane.counters()),
            moved={slot: node.moved_flows for slot, node in plane.node_counters().items()},
        )

    def _named(self, snapshot: Snapshot) -> Mapping[int, Where]:
        """Names of ports change only with the network: found anew when it did."""
        ifindex = self._of.ifindex()
        if snapshot is not self._snapshot or ifindex is not self._ifindex:
            self._snapshot, self._ifindex = snapshot, ifindex
            self._places = visibility.by_ifindex(visibility.where(snapshot, network.topology(snapshot)), ifindex)
        return self._places


def _moved(snapshot: Snapshot, moved: Mapping[int, int]) -> list[tuple[frozenset[str], FlowsMoved]]:
    found = []
    if moved:
        for slot in snapshot.values(Slot):
            kind, *rest = slot.id.split("|")
            balancer = snapshot.get(LoadBalancer, rest[0]) if kind == "node" else None
            if balancer is not None and slot.number in moved:
                said = FlowsMoved(load_balancer=balancer.id, zone=rest[1], flows=moved[slot.number])
                found.append((frozenset({balancer.account}), said))
    return found
