"""Builds the network that a `Topology` says, from whatever is there: nothing, part of it, an older one, or the very
same.

`control` calls `apply` at every change and between. What the kernel holds is read once, at the first call, and then
kept in memory, so that a pass with nothing to do costs a look at /run/netns; namespaces that vanished meanwhile are
noticed by it and made again.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from opengwlb.model.topology import HOST, PortRef, Topology

from . import machine, namespaces
from .application import Application, GivenUp, Interrupted
from .box import LiveBox
from .links import Attach, Indexes, remove_namespace

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of one `apply`."""

    ifindex: dict[PortRef, int] = field(default_factory=dict)
    """Of every port that exists, working or not."""
    errors: dict[str, str] = field(default_factory=dict)
    """Box or link id (or namespace, where it belongs to none) -> what went wrong. Everything else was applied all
    the same."""
    made: frozenset[str] = frozenset()
    """Ids of boxes made by this call, for the first time or again: whatever ran in an earlier one of that id is cut
    off."""
    removed: frozenset[str] = frozenset()
    """Names of namespaces that this call removed."""


class Fabric:
    """The namespaces, links and routes of one `--name`. Every method may be called from any thread; `apply` runs
    once at a time."""

    def __init__(self, *, name: str, run_dir: Path) -> None:
        """`run_dir` is this name's own, below a directory that all names of the machine share
        (`/run/opengwlb/<name>`)."""
        self._name = name
        self._run_dir = run_dir
        self._lock = threading.Lock()
        self._live: dict[str, LiveBox] = {}
        """By the name of the namespace."""
        self._indexes: Indexes | None = None
        self._settled: Topology | None = None
        """What the last `apply` was given, if it met no error."""

    def namespace(self, box_id: str) -> str:
        """Path of the box's namespace, whether it exists or not. Raises ValueError for what is no id of a box."""
        if box_id == HOST:
            return str(namespaces.HOST_PATH)
        return str(namespaces.NETNS / f"{self._name}-{namespaces.box_name(box_id)}")

    def leftovers(self) -> tuple[str, ...]:
        """Namespaces of this name that are on the machine, also an earlier run's. Sorted."""
        return tuple(sorted(namespaces.belonging_to(self._name)))

    def present(self) -> bool:
        return bool(self.leftovers())

    def apply(self, topology: Topology, *, attach: Attach, verify: bool = False) -> Applied:
        """Make the machine's network what the topology says. Idempotent. Raises OSError only when nothing could be
        begun.

        `attach(port, netns=…, ifindex=…)` is called for every port with a program, at every call, before its link is
        set up; if it raises, the link stays down or is taken down. `verify` reads the kernel's state again: what
        others changed by hand is put right.
        """
        with self._lock:
            if self._indexes is None:
                self._indexes = Indexes(machine.claim(self._run_dir))
            existing = namespaces.belonging_to(self._name)
            if topology.nics or HOST in self._live:
                existing[HOST] = namespaces.inode(namespaces.HOST_PATH)
            work = Application(topology, name=self._name, live=self._live, indexes=self._indexes)
            intact = all(existing.get(entry) == box.inode for entry, box in self._live.items())
            if intact and not verify and self._settled == topology:
                work.bring_up_links(attach=attach)
            else:
                for box in self._live.values():
                    box.doubtful |= verify
                work.take_stock(existing)
                work.make_boxes()
                work.make_links(attach=attach)
                work.apply_routing()
                work.remove_stale(existing)
            self._settled = None if work.errors else topology
            return Applied(
                ifindex=work.ifindexes(),
                errors=work.sentences(),
                made=frozenset(work.made),
                removed=frozenset(work.removed),
            )

    def change(
        self,
        part: Topology,
        *,
        boxes: Collection[str],
        links: Collection[str],
        attach: Attach,
    ) -> Applied | None:
        """Make these boxes and links what a part of the topology says, and touch nothing else: the cost of a change is the change's.

        `part` holds `boxes` whole, with every link that ends in one of them, and the boxes at the other ends of `links`; a box or
        link that it does not hold is removed. `links` are those to be made or looked at, and `Applied` speaks of them alone.
        None: a namespace has vanished, nothing was applied before, or the host's
        own namespace is one of the boxes; that is for `apply` with the whole topology.
        """
        return self._change(part, boxes=boxes, links=links, attach=attach, interrupted=None)

    def verify(
        self,
        part: Topology,
        *,
        boxes: Collection[str],
        links: Collection[str],
        attach: Attach,
        interrupted: Interrupted,
    ) -> Applied | None:
        """`change` where nothing should differ: the boxes are read again, and what others changed by hand is put right.

        None also soon after `interrupted` answers that something is more urgent: nothing is other than it was, or it is right now.
        """
        try:
            return self._change(part, boxes=boxes, links=links, attach=attach, interrupted=interrupted)
        except GivenUp:
            return None

    def _change(
        self,
        part: Topology,
        *,
        boxes: Collection[str],
        links: Collection[str],
        attach: Attach,
        interrupted: Interrupted | None,
    ) -> Applied | None:
        with self._lock:
            if self._indexes is None or HOST in boxes:
                return None
            work = Application(
                part,
                name=self._name,
                live=self._live,
                indexes=self._indexes,
                boxes=boxes,
                links=links,
                interrupted=interrupted or (lambda: False),
            )
            existing = work.existing()
            if any(existing.get(entry) != box.inode for entry, box in self._live.items() if entry in existing):
                return None
            self._settled = None
            work.take_stock(existing, again=() if interrupted is None else tuple(work.entries()))
            work.make_boxes()
            work.make_links(attach=attach)
            work.apply_routing()
            work.remove_stale(existing)
            return Applied(
                ifindex=work.ifindexes(),
                errors=work.sentences(),
                made=frozenset(work.made),
                removed=frozenset(work.removed),
            )

    def vanished(self) -> bool:
        """Whether a namespace that was made or found is gone: by `ip netns delete`, say."""
        with self._lock:
            existing = namespaces.belonging_to(self._name)
            return any(existing.get(entry) != box.inode for entry, box in self._live.items() if entry != HOST)

    def destroy(self) -> None:
        """Remove everything of this name, also what an earlier run left. Idempotent. Raises OSError."""
        with self._lock:
            for entry in {*namespaces.belonging_to(self._name), *self._live}:
                remove_namespace(entry, live=self._live)
            self._settled = self._indexes = None
            machine.release(self._run_dir)

    def close(self) -> None:
        """Let go of the namespaces without touching them: the network stays."""
        with self._lock:
            for box in self._live.values():
                box.close()
            self._live.clear()
            self._settled = None

    def run_in(self, box_id: str, function: Callable[[], T]) -> T:
        """What `function` answers inside the box, in a thread of its own. Raises what it raises, and OSError if
        there is no such box."""
        return namespaces.run_in(Path(self.namespace(box_id)), function)

    def open_socket(
        self, box_id: str, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0
    ) -> socket.socket:
        """A socket that belongs to the box, whichever thread uses it. Raises OSError."""
        return self.run_in(box_id, lambda: socket.socket(family, kind, protocol))
