"""Watches every place of a path until one connection went there and back, and assembles its walk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef

from . import filters, places
from .capture import Bounds, Capture, OpenSocket
from .frames import FlowTuple
from .places import Path
from .walk import Captured, Question, Walk, assemble, sight

SETTLE_S = 0.3
"""After the reply was seen at any place, so that the rest of its way is read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    walk: Walk | None
    """None: no matching connection within the time."""
    missing: tuple[PortRef, ...]
    """Places that could not be watched."""
    frames: int
    """Of matching connections, at all places together."""


def watch(
    question: Question,
    *,
    path: Path,
    snapshot: Snapshot,
    open_socket: OpenSocket,
    seconds: float,
    ready: Callable[[], None] = lambda: None,
) -> Watched:
    """Blocks for at most `seconds`. `ready()` is called once every place is watched: what is sent from then on is seen."""
    at = {place.port: place for place in path.places}
    private = places.translations(snapshot, question.endpoints)
    code = filters.between(sorted(question.clients), sorted(question.servers))
    caught: list[Captured] = []
    progress = _Progress()
    with Capture(at.keys(), open_socket=open_socket, code=code) as capture:
        ready()
        bounds = Bounds(packets=20_000, bytes=64 << 20, seconds=seconds)
        for frame in capture.frames(bounds, idle=progress.settled):
            one = Captured(place=at[frame.port], incoming=frame.incoming, at_ns=frame.at_ns, data=frame.data)
            sighting = sight(one, question=question, private=private)
            if sighting is not None:
                caught.append(one)
                progress.note(sighting.flow)
            if progress.settled():
                break
        missing = tuple(capture.missing)
    return Watched(walk=assemble(caught, question=question, snapshot=snapshot), missing=missing, frames=len(caught))


class _Progress:
    """Notices when a connection was seen both ways, and some time has passed since."""

    def __init__(self) -> None:
        self._seen: set[FlowTuple] = set()
        self._both_ways: float | None = None

    def note(self, flow: FlowTuple) -> None:
        self._seen.add(flow)
        if self._both_ways is None and flow.reversed() in self._seen:
            self._both_ways = time.monotonic()

    def settled(self) -> bool:
        return self._both_ways is not None and time.monotonic() - self._both_ways > SETTLE_S
