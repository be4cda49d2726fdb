"""Watches every place of a path until one connection went there and back, and assembles its walk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef

from . import filters, places
from .assembly import assemble, opens, sight
from .capture import Bounds, Capture, OpenSocket
from .frames import FlowTuple
from .places import Path
from .walk import Captured, Question, Sighting, Walk

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
    # Where connections begin is watched last: whatever is seen to begin is then seen everywhere.
    begins = {role for role, _ in question.origins}
    at = {place.port: place for place in sorted(path.places, key=lambda place: place.role in begins)}
    private = places.translations(snapshot, question.endpoints)
    code = filters.between(sorted(question.clients), sorted(question.servers))
    caught: list[Captured] = []
    progress = _Progress(question)
    with Capture(at.keys(), open_socket=open_socket, code=code) as capture:
        ready()
        bounds = Bounds(packets=20_000, bytes=64 << 20, seconds=seconds)
        for frame in capture.frames(bounds, idle=progress.settled):
            one = Captured(place=at[frame.port], incoming=frame.incoming, at_ns=frame.at_ns, data=frame.data)
            sighting = sight(one, question=question, private=private)
            if sighting is not None:
                caught.append(one)
                progress.note(sighting, at_ns=frame.at_ns)
            if progress.is_past(frame.at_ns):
                break
        missing = tuple(capture.missing)
    return Watched(walk=assemble(caught, question=question, snapshot=snapshot), missing=missing, frames=len(caught))


class _Progress:
    """Notices when a connection whose beginning was seen has been answered, and some time has passed since."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._begun: set[FlowTuple] = set()
        self._answered: float | None = None
        self._answered_ns = 0

    def note(self, sighting: Sighting, *, at_ns: int) -> None:
        if opens(sighting, question=self._question):
            self._begun.add(sighting.flow)
        if self._answered is None and sighting.flow.reversed() in self._begun:
            self._answered, self._answered_ns = time.monotonic(), at_ns

    def is_past(self, at_ns: int) -> bool:
        """By the frames' own clock: on a busy machine frames wait to be read for longer than they were on their way."""
        return self._answered is not None and at_ns - self._answered_ns > SETTLE_S * 1e9

    def settled(self) -> bool:
        """When no frame waits."""
        return self._answered is not None and time.monotonic() - self._answered > SETTLE_S
