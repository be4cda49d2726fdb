"""One pass of `Fabric.apply`: boxes, then links, then what routes over them, then the removal of what is no longer
wanted.

In this order a route moves from an old link to a new one without a moment in which it is gone. Each object's failure
is its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from opengwlb.model.topology import HOST, KernelRoute, KernelRule, Link, Neighbour, Port, PortRef, Program, Topology

from . import host, links, namespaces
from .box import LOOPBACK, LiveBox
from .links import Attach, Indexes
from .routing import apply_routing

Interrupted = Callable[[], bool]
"""Whether there is something more urgent than to look again at what stands."""


class GivenUp(Exception):
    """Something more urgent came: what was looked at is as it was, and the rest has not been looked at."""


_OfBox = TypeVar("_OfBox", KernelRoute, KernelRule, Neighbour)


class Application:
    """`live` is the caller's and is changed: namespace name -> open box."""

    def __init__(
        self,
        topology: Topology,
        *,
        name: str,
        live: dict[str, LiveBox],
        indexes: Indexes,
        boxes: Collection[str] | None = None,
        links: Collection[str] | None = None,
        interrupted: Interrupted = lambda: False,
    ) -> None:
        """`boxes` and `links`: only these are made, compared and removed, as in `Fabric.change`; None is all there are. Every method
        raises `GivenUp` when it finds itself `interrupted`."""
        self._topology = topology
        self._only_boxes = boxes
        self._only_links = links
        self._interrupted = interrupted
        self._live = live
        self._indexes = indexes
        self.errors: defaultdict[str, list[str]] = defaultdict(list)
        self.made: set[str] = set()
        self.removed: set[str] = set()
        self._unread: set[str] = set()
        """Namespaces that exist but could not be read: left as they are, rather than made again over what runs in them."""
        self._names: dict[str, str] = {}
        """Box id -> namespace name, of the boxes that can be."""
        for box_id in topology.boxes:
            with self._blame(box_id):
                self._names[box_id] = f"{name}-{namespaces.box_name(box_id)}"
        if topology.nics:
            self._names[HOST] = HOST
        self._own: dict[str, str] = dict(self._names)
        """The same, of the boxes that are to be made what the topology says, and of those to be removed."""
        if boxes is not None:
            self._own = {box: self._names[box] for box in boxes if box in self._names}
            for box_id in set(boxes) - topology.boxes.keys() - {HOST}:
                with self._blame(box_id):
                    self._own[box_id] = f"{name}-{namespaces.box_name(box_id)}"
        self._nics: dict[PortRef, int] = {}
        """NICs of the host that have their program -> ifindex."""
        self._link_of: dict[PortRef, str] = {
            port.ref: link.id for link in topology.links.values() for port in (link.a, link.b)
        }

    def existing(self) -> dict[str, int | None]:
        """Of the namespaces that this is about, those on the machine: name -> inode number."""
        entries = {*self._names.values(), *self._own.values()}
        found = {entry: namespaces.inode(namespaces.path_of(entry)) for entry in entries}
        return {entry: inode for entry, inode in found.items() if inode is not None or entry in self._live}

    def entries(self) -> Iterable[str]:
        """Namespaces that are made what the topology says."""
        return self._own.values()

    def take_stock(self, existing: dict[str, int | None], *, again: Collection[str] = ()) -> None:
        """Compare what is in memory with the namespaces on the machine, and read what is not known or in doubt, and the namespaces
        `again`."""
        partial = self._only_boxes is not None
        lost = [
            entry
            for entry, box in self._live.items()
            if (not partial or entry in existing) and existing.get(entry) != box.inode
        ]
        for entry in lost:
            box = self._live.pop(entry)
            # Our socket kept it alive. Its devices must go now, or their other ends would stand in the way of new ones.
            with self._blame(entry):
                box.delete_all_devices()
            box.close()
        if lost:
            for box in self._live.values():
                box.doubtful = True
        for box_id, entry in self._names.items():
            if existing.get(entry) is None:
                continue
            self._unread.add(entry)
            with self._blame(box_id):
                if entry not in self._live:
                    self._live[entry] = LiveBox(namespaces.path_of(entry))
                if self._live[entry].doubtful or entry in again:
                    self._live[entry].read(box_id=box_id, ours=self._indexes.ours, between=self._go_on)
                self._unread.discard(entry)
        if partial and not self._only_links:
            return
        self._indexes.seen(device.index for box in self._live.values() for device in box.devices.values())

    def make_boxes(self) -> None:
        for box_id, entry in self._own.items():
            if entry in self._unread or box_id not in self._topology.boxes:
                continue
            with self._blame(box_id):
                if entry not in self._live:
                    kind = self._topology.boxes[box_id].kind
                    self._live[entry] = LiveBox.make(namespaces.NETNS / entry, kind=kind)
                    self.made.add(box_id)
                links.ensure_addresses(LOOPBACK, self._topology.boxes[box_id].addresses, box=self._live[entry])

    def make_links(self, *, attach: Attach) -> None:
        altnames = self._altnames()
        boxes = self._boxes()
        for link in self._links():
            self._go_on()
            with self._blame(link.id, link.a.box, link.b.box):
                for port in (link.a, link.b):
                    if port.box not in boxes:
                        raise LookupError(f"there is no box {port.box}")
                links.ensure_pair(link, boxes=boxes, indexes=self._indexes)
                for port in (link.a, link.b):
                    links.ensure_port(port, box=boxes[port.box], altnames=altnames[port.ref])
        self.bring_up_links(attach=attach)

    def bring_up_links(self, *, attach: Attach) -> None:
        boxes = self._boxes()
        for link in self._links():
            self._go_on()
            if all(port.box in boxes and port.device in boxes[port.box].devices for port in (link.a, link.b)):
                whole = link.id not in self.errors
                with self._blame(link.id, link.a.box, link.b.box):
                    links.attach_programs(link, boxes=boxes, attach=attach)
                    if whole:
                        links.bring_up(link, boxes=boxes)
        self._attach_to_nics(attach=attach)

    def _attach_to_nics(self, *, attach: Attach) -> None:
        for nic in self._topology.nics:
            if self._only_links is not None and nic.link not in self._only_links:
                continue
            with self._blame(nic.link):
                index, mac = host.identity(nic.device)
                if mac != nic.mac:
                    raise LookupError(f"{nic.device} has the MAC {mac} now, and {nic.mac} is not told yet")
                port = Port(box=HOST, device=nic.device, mac="", mtu=0, program=Program.NIC)
                attach(port, netns=str(namespaces.HOST_PATH), ifindex=index)
                self._nics[nic.ref] = index

    def apply_routing(self) -> None:
        routes = _by_box(self._topology.routes)
        rules = _by_box(self._topology.rules)
        neighbours = _by_box(self._topology.neighbours)
        for box_id, box in self._boxes().items():
            if box_id not in self._own:
                continue
            with self._blame(box_id, box_id):
                apply_routing(
                    box,
                    routes=routes[box_id],
                    rules=rules[box_id],
                    neighbours=neighbours[box_id],
                    report=partial(self._report, box_id),
                )

    def remove_stale(self, existing: Iterable[str]) -> None:
        """Links and namespaces of ours that the topology does not name."""
        boxes = self._boxes()
        for box_id, box in boxes.items():
            if box_id not in self._own:
                continue
            for device in [name for name in box.devices if (box_id, name) not in self._link_of]:
                with self._blame(box_id, box_id):
                    links.delete_pair(device, box=box, boxes=boxes.values())
        wanted = set(self._names.values())
        candidates = {*existing, *self._live}
        if self._only_boxes is not None:
            candidates &= set(self._own.values())
        for entry in candidates - wanted:
            with self._blame(entry):
                links.remove_namespace(entry, live=self._live)
                self.removed.add(entry)

    def ifindexes(self) -> dict[PortRef, int]:
        boxes = self._boxes()
        return self._nics | {
            ref: boxes[ref.box].index(ref.device)
            for ref in (port.ref for link in self._links() for port in (link.a, link.b))
            if ref.box in boxes and ref.device in boxes[ref.box].devices
        }

    def sentences(self) -> dict[str, str]:
        return {key: "; ".join(found) for key, found in self.errors.items()}

    def _go_on(self) -> None:
        if self._interrupted():
            raise GivenUp

    def _links(self) -> Iterable[Link]:
        """Those to be made."""
        if self._only_links is None:
            return self._topology.links.values()
        return [self._topology.links[link] for link in self._only_links if link in self._topology.links]

    def _boxes(self) -> dict[str, LiveBox]:
        return {
            box_id: self._live[entry]
            for box_id, entry in self._names.items()
            if entry in self._live and entry not in self._unread
        }

    def _altnames(self) -> defaultdict[PortRef, set[str]]:
        """An altname is unique in its box like a name, so where two links share an id (`igw-…/internet`) the first
        has it."""
        altnames: defaultdict[PortRef, set[str]] = defaultdict(set)
        taken: set[tuple[str, str]] = set(self._link_of)
        for link in sorted(self._topology.links.values(), key=lambda link: link.id):
            name = link.id.partition("/")[0]
            for port in (link.a, link.b):
                if (port.box, name) not in taken:
                    taken.add((port.box, name))
                    altnames[port.ref].add(name)
        return altnames

    def _report(self, box_id: str, device: str | None, sentence: str) -> None:
        owner = box_id if device is None else self._link_of.get(PortRef(box_id, device), box_id)
        self._fail(owner, sentence, boxes=(box_id,))

    def _fail(self, owner: str, sentence: str, *, boxes: Iterable[str]) -> None:
        self.errors[owner].append(sentence)
        for box_id in boxes:
            if (entry := self._names.get(box_id)) in self._live and entry is not None:
                # Memory and kernel may differ now.
                self._live[entry].doubtful = True

    @contextmanager
    def _blame(self, owner: str, *boxes: str) -> Iterator[None]:
        try:
            yield
        except GivenUp:
            raise
        except Exception as error:  # noqa: BLE001 - also what `attach` raises: one failure never stops the others
            self._fail(owner, str(error) or type(error).__name__, boxes=boxes)


def _by_box(entries: Iterable[_OfBox]) -> defaultdict[str, list[_OfBox]]:
    grouped: defaultdict[str, list[_OfBox]] = defaultdict(list)
    for entry in entries:
        grouped[entry.box].append(entry)
    return grouped
