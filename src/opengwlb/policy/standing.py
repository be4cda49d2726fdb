"""Topology and plane of the newest revision, kept by their pieces: a change of one object costs what rests on that object.

`network.topology` and `plane.plane` say the same from nothing; they are what this must always equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from opengwlb.model.plane import Plane
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import HOST, Box, Link, Topology
from opengwlb.model.vpc import RouteTable

from . import names, network
from .builder import Builder
from .derived import Changes, Pieces, Read, Tracked, TrackedMap
from .plane import SECTIONS, Parts, Section

_LINKS = "links"
_EVERYTHING = "everything"
_INTERNET = names.INTERNET
Key = tuple[str, str]
"""Which pieces, and the root of one: `("Vpc", "vpc-…")`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """From one revision to the next."""

    boxes: frozenset[str]
    """That came, went, or hold something else."""
    links: frozenset[str]
    """That came, went, or are others."""
    before: Plane
    """The entries that went or changed, as they were."""
    after: Plane
    """The entries that came or changed, as they are now."""


class Standing:
    """`update` with each snapshot; ask between. Not for several threads at once."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self.boxes: dict[str, Box] = {}
        self._snapshot: Snapshot | None = None
        self._first = {kind: Pieces(partial(self._of_object, kind, add)) for kind, add in network.FIRST}
        self._internet = Pieces(self._of_internet)
        self._tables = Pieces(self._of_table)
        self._sections = [(section, Pieces(partial(self._of_section, section))) for section in SECTIONS]
        self._plane = Parts()
        self._in_box: dict[str, dict[Key, Topology]] = {}
        """Box -> the pieces that put something into it."""

    def update(self, snapshot: Snapshot) -> Difference:
        """What differs from the last snapshot."""
        changes = Changes().between(self._snapshot, snapshot, indexes=self._indexes())
        new = self._snapshot is None
        self._snapshot = snapshot
        boxes: set[str] = set()
        links: set[str] = set()
        first = {
            kind.__name__: pieces.update(snapshot, changes=changes, roots=changes.ids.get(kind, ()))
            for kind, pieces in self._first.items()
        }
        first[_INTERNET] = self._internet.update(snapshot, changes=changes, roots=(_INTERNET,) if new else ())
        self._take(first, boxes, links)
        for link in links:
            changes.add(_LINKS, link)
        tables = self._tables.update(snapshot, changes=changes, roots=changes.ids.get(RouteTable, ()))
        self._take({RouteTable.__name__: tables}, boxes, set())
        before, after = Parts(), Parts()
        for section, parts in self._sections:
            roots: Iterable[str] = (_EVERYTHING,) if new else ()
            if section.root is not None:
                roots = links if section.root is Link else changes.ids.get(section.root, ())
            found = parts.update(snapshot, changes=changes, roots=roots).values()
            # What moved from one root to another first goes, then comes.
            for was, now in found:
                went = _only_in(was, now)
                before.add(section, went)
                self._plane.take(section, went)
            for was, now in found:
                came = _only_in(now, was)
                after.add(section, came)
                self._plane.add(section, came)
        return Difference(boxes=frozenset(boxes), links=frozenset(links), before=before.plane(), after=after.plane())

    def topology(self) -> Topology:
        """All of it."""
        return self._merged(
            piece
            for pieces in (*self._first.values(), self._internet, self._tables)
            for piece in pieces.values.values()
        )

    def plane(self) -> Plane:
        """All of it; not to be kept beyond the next `update`."""
        return self._plane.plane()

    def part(self, boxes: Iterable[str], links: Iterable[str] = ()) -> Topology:
        """These boxes with all that is in them and all links that end in them; of the boxes at the other ends, those that the named
        links end in, with nothing but the links."""
        wanted = set(boxes)
        pieces: dict[Key, Topology] = {}
        for box in wanted:
            pieces |= self._in_box.get(box, {})
        whole = self._merged(pieces.values())
        found = {link.id: link for link in whole.links.values() if link.a.box in wanted or link.b.box in wanted}
        # `igw-…/internet` leaves its altname to `igw-…` where both end in one box.
        pairs = (self.links.get(one.partition("/")[0]) for one in found if "/" in one)
        found |= {link.id: link for link in pairs if link is not None}
        ends = {port.box for link in links if link in found for port in (found[link].a, found[link].b)}
        return Topology(
            boxes={box: self.boxes[box] for box in wanted | ends if box in self.boxes},
            links=found,
            routes=frozenset(one for one in whole.routes if one.box in wanted),
            rules=frozenset(one for one in whole.rules if one.box in wanted),
            neighbours=frozenset(one for one in whole.neighbours if one.box in wanted),
            nics=frozenset(nic for nic in whole.nics if nic.link in found),
        )

    def links_of(self, boxes: Iterable[str]) -> frozenset[str]:
        """The links that end in one of these boxes."""
        wanted = set(boxes)
        pieces = (piece for box in wanted for piece in self._in_box.get(box, {}).values())
        return frozenset(
            link.id for piece in pieces for link in piece.links.values() if link.a.box in wanted or link.b.box in wanted
        )

    def _indexes(self) -> set[Any]:
        every = (*self._first.values(), self._internet, self._tables, *(pieces for _, pieces in self._sections))
        return {index for pieces in every for index in pieces.indexes}

    def _take(
        self,
        found: Mapping[str, Mapping[str, tuple[Topology | None, Topology | None]]],
        boxes: set[str],
        links: set[str],
    ) -> None:
        """`found` by what the pieces are called; adds to `boxes` and `links` what differs."""
        every = [((name, root), was, now) for name, some in found.items() for root, (was, now) in some.items()]
        known: dict[str, Link | None] = {}
        # What moved from one piece to another (an interface to another instance) first goes, then comes.
        for key, was, _ in every:
            for box in _boxes(was):
                boxes.add(box)
                del self._in_box[box][key]
                if not self._in_box[box]:
                    del self._in_box[box]
            for link_id in was.links if was else ():
                known[link_id] = self.links.pop(link_id, None)
            for box in was.boxes if was else ():
                self.boxes.pop(box, None)
        for key, _, now in every:
            for box in _boxes(now):
                boxes.add(box)
                self._in_box.setdefault(box, {})[key] = now or Topology()
            if now:
                self.boxes.update(now.boxes)
                self.links.update(now.links)
                known |= dict.fromkeys(now.links.keys() - known.keys())
        links |= {link_id for link_id, link in known.items() if self.links.get(link_id) != link}

    @staticmethod
    def _merged(pieces: Iterable[Topology]) -> Topology:
        boxes: dict[str, Box] = {}
        links: dict[str, Link] = {}
        found: tuple[set[Any], ...] = (set(), set(), set(), set())
        for piece in pieces:
            boxes |= piece.boxes
            links |= piece.links
            for every, some in zip(found, (piece.routes, piece.rules, piece.neighbours, piece.nics), strict=True):
                every |= some
        routes, rules, neighbours, nics = map(frozenset, found)
        return Topology(boxes=boxes, links=links, routes=routes, rules=rules, neighbours=neighbours, nics=nics)

    @staticmethod
    def _of_object(kind: type[Any], add: Any, root: str, snapshot: Snapshot) -> tuple[Topology | None, set[Read]]:
        tracked = Tracked(snapshot)
        one = tracked.get(kind, root)
        if one is None:
            return None, tracked.reads
        builder = Builder(tracked)
        add(builder, one)
        return builder.topology(), tracked.reads

    @staticmethod
    def _of_internet(root: str, snapshot: Snapshot) -> tuple[Topology, set[Read]]:
        tracked = Tracked(snapshot)
        builder = Builder(tracked)
        network.internet(builder)
        return builder.topology(), tracked.reads

    def _of_table(self, root: str, snapshot: Snapshot) -> tuple[Topology | None, set[Read]]:
        tracked = Tracked(snapshot)
        table = tracked.get(RouteTable, root)
        if table is None:
            return None, tracked.reads
        builder = Builder(tracked, links=TrackedMap(_LINKS, self.links, reads=tracked.reads))
        network.route_table(builder, table)
        return builder.topology(), tracked.reads

    def _of_section(self, section: Section, root: str, snapshot: Snapshot) -> tuple[Any, set[Read]]:
        of_link = section.root is Link
        focus = None if of_link or section.root is None else (section.root, root)
        tracked = Tracked(snapshot, focus=focus)
        if (of_link and root not in self.links) or (focus is not None and tracked.get(*focus) is None):
            return None, tracked.reads
        links = TrackedMap(_LINKS, self.links, reads=tracked.reads, focus=root if of_link else None)
        # What is asked of a topology here are its links alone.
        return section.derive(tracked, Topology(links=cast("dict[str, Link]", links))), tracked.reads


def _boxes(piece: Topology | None) -> set[str]:
    if piece is None:
        return set()
    return (
        piece.boxes.keys()
        | {port.box for link in piece.links.values() for port in (link.a, link.b)}
        | {one.box for every in (piece.routes, piece.rules, piece.neighbours) for one in every}
        | ({HOST} if piece.nics else set())
    )


def _only_in(one: Any, other: Any) -> Any:
    """Of two dicts or two sets: what the first has and the second has not, or has otherwise."""
    if not one or not other:
        return one
    return (
        {key: value for key, value in one.items() if other.get(key) != value} if isinstance(one, dict) else one - other
    )
