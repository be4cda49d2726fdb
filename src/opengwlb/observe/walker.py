"""Watches every place of a path until one connection went there and back, and assembles its walk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef

from . import filters, places
from .assembly import assemble, opens, sight
from .capture import Bounds, Capture, OpenSocket
from .frames import FlowTuple
from .places import Path
from .walk import ENDS, INSPECTING, Captured, Question, Sighting, Walk

SETTLE_S = 0.3
"""After the reply was seen at any place, so that the rest of its way is read too."""
UNANSWERED_S = 1.5
"""After a packet arrived that met no appliance: its answer may be on its way, or end at an endpoint that knows no flow of it."""


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
    private = places.translations(snapshot, question.endpoints, vpcs=question.vpcs)
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
    """Notices when a connection whose beginning was seen has been answered, or arrived past the appliances, some time ago."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._begun: set[FlowTuple] = set()
        self._inspected: set[FlowTuple] = set()
        self._arrived: dict[FlowTuple, _Moment] = {}
        self._answered: _Moment | None = None

    def note(self, sighting: Sighting, *, at_ns: int) -> None:
        flow, now = sighting.flow, _Moment(time.monotonic(), at_ns)
        asked = self._question
        if opens(sighting, question=asked) and (not asked.established or asked.is_request(sighting.seen.flow)):
            self._begun.add(flow)
        if sighting.direction[0] in INSPECTING:
            self._inspected.add(flow)
        if sighting.direction in ENDS:
            self._arrived.setdefault(flow, now)
        if self._answered is None and flow.reversed() in self._begun:
            self._answered = now

    def _done(self) -> tuple[_Moment, float] | None:
        """Since when nothing more is waited for, and how long what is on its way may take."""
        if self._answered is not None:
            return self._answered, SETTLE_S
        past = (when for flow, when in self._arrived.items() if flow in self._begun and flow not in self._inspected)
        first = next(past, None)
        return (first, UNANSWERED_S) if first is not None else None

    def is_past(self, at_ns: int) -> bool:
        """By the frames' own clock: on a busy machine frames wait to be read for longer than they were on their way."""
        done = self._done()
        return done is not None and at_ns - done[0].at_ns > done[1] * 1e9

    def settled(self) -> bool:
        """When no frame waits."""
        done = self._done()
        return done is not None and time.monotonic() - done[0].read_s > done[1]


class _Moment(NamedTuple):
    read_s: float
    """Of the monotonic clock."""
    at_ns: int
    """Of the frame's."""
