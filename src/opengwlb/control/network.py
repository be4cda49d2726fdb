"""Keeps boxes, links, routes and kernel maps as the store says.

A pass after a change: numbers for newcomers -> what differs in topology and plane (policy, pure) -> fabric changes that -> dataplane
writes that -> statuses back. A pass without one looks whether the kernel still is as it was left, some boxes at a time, so that a change
never waits for all of them. Whatever is not understood is answered by building everything: the first pass, an adopted network, a box
that somebody deleted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping

from opengwlb.model.elb import Slot
from opengwlb.model.topology import PortRef
from opengwlb.policy import slots, status
from opengwlb.policy.standing import Difference, Standing
from opengwlb.store.protocol import Store, Transaction

from .kernel import Applied, Network, Programs
from .round import Round
from .writes import write_back

log = logging.getLogger(__name__)

RELIST_S = 5.0
"""Without any change the network is compared with the kernel this often: whoever deletes a box by hand sees it come back."""
SLICE_S = 0.1
"""Between two slices of a round that does not fit into one."""
QUIET_S = 0.5
"""After a change: another one often follows, and should not meet a slice."""
RETRY_S = 1.0
"""After a pass in which some object failed."""
MANY_LINKS = 200
LONG_S = 1.0
"""A pass that takes longer says so."""


class NetworkReconciler:
    """`built` and `errors` are read by other threads: each is replaced whole, never changed."""

    def __init__(self, *, store: Store, fabric: Network, dataplane: Programs) -> None:
        self.built: frozenset[str] = frozenset()
        """Ids of the links and boxes that exist and are configured."""
        self.errors: dict[str, str] = {}
        """Object id -> what went wrong when it was last tried."""
        self.ifindex: Mapping[PortRef, int] = {}
        """Of every port that is built."""
        self.made: Mapping[str, int] = {}
        """Box id -> how often this server made it; one that was found standing is not in it."""
        self.revision = -1
        """The revision that the last finished pass applied."""
        self._store = store
        self._fabric = fabric
        self._dataplane = dataplane
        self._pass = threading.Lock()
        self._forget()
        self._round = Round()
        self._retry_s = RETRY_S
        self._looked = False
        """The last pass had nothing to change."""
        self._ports: dict[str, tuple[PortRef, PortRef]] = {}
        """Of every link that was built, or tried."""
        self._ready: set[str] = set()
        """Links of which both ends are there."""
        self._departed = False
        """Devices went since counters and pins were last cleared of such."""

    def reconcile(self) -> float:
        with self._pass:
            try:
                self._reconcile()
            except BaseException:
                # Nobody knows how far it came: from nothing, the next time.
                self._forget()
                raise
        if self.errors:
            return self._retry_s
        if self._round.over and not self._departed:
            return RELIST_S
        return SLICE_S if self._looked else QUIET_S

    def _forget(self) -> None:
        self._numbering = slots.Numbering()
        self._standing = Standing()
        self._states = status.States()
        self._whole = True
        """The next pass builds everything."""

    def _reconcile(self) -> None:
        self._number()
        snapshot = self._store.snapshot()
        changed = snapshot.revision != self.revision
        difference = self._standing.update(snapshot)
        self._looked = not changed
        if self._whole or (self.errors and not changed):
            self._build()
        elif changed:
            self._change(difference)
        else:
            self._look()
        write_back(self._store, lambda now: self._states.writes(now, built=self.built, errors=self.errors))
        self.revision = snapshot.revision

    def _number(self) -> None:
        new, gone = self._numbering.changes(self._store.snapshot())
        if not new and not gone:
            return

        def work(tx: Transaction) -> None:
            # Again on the newest revision: a call may have come between.
            new, gone = self._numbering.changes(self._store.snapshot())
            for key in gone:
                tx.delete(Slot, key)
            for slot in new:
                tx.put(slot)

        self._store.transact(work)

    def _build(self) -> None:
        """Everything, whatever is there; but for the first time the kernel is read again."""
        start = time.monotonic()
        topology, plane = self._standing.topology(), self._standing.plane()
        if len(topology.links) > MANY_LINKS and self.revision < 0:
            log.info("building %d boxes and %d links", len(topology.boxes), len(topology.links))
        applied = self._fabric.apply(topology, attach=self._dataplane.attach, verify=self.revision >= 0)
        errors = self._dataplane.apply(plane, applied.ifindex)
        self._dataplane.prune(set(applied.ifindex.values()))
        self._ports = {link.id: (link.a.ref, link.b.ref) for link in topology.links.values()}
        self.ifindex = dict(applied.ifindex)
        self._say({**applied.errors, **errors})
        self._ready = set()
        self._note(applied, self._ports)
        self._whole = self._departed = False
        self._round.end()
        took_s = time.monotonic() - start
        # However much there is, trying again leaves time for changes.
        self._retry_s = max(RETRY_S, 10 * took_s)
        if took_s > LONG_S or self.revision < 0:
            log.info("%d boxes and %d links stand after %.1f s", len(topology.boxes), len(topology.links), took_s)

    def _change(self, difference: Difference) -> None:
        """What differs; all of it, when fabric cannot do with less."""
        standing, was, ifindex = self._standing, self.ifindex, self.ifindex
        links, boxes = difference.links, difference.boxes
        errors = {key: value for key, value in self.errors.items() if key not in links and key not in boxes}
        anew, applied = False, None
        if boxes or links:
            applied = self._fabric.change(
                standing.part(boxes, links), boxes=boxes, links=links, attach=self._dataplane.attach
            )
            if applied is None:
                return self._build()
            known = {port for link in links for port in self._ports.pop(link, ())}
            self._ports |= {
                link.id: (link.a.ref, link.b.ref) for link in map(standing.links.get, links) if link is not None
            }
            if known or applied.ifindex:
                ifindex = {port: index for port, index in was.items() if port not in known} | dict(applied.ifindex)
            self._departed |= bool(known - ifindex.keys()) or bool(applied.made)
            # A device made anew, or at last: entries that did not change speak of it too.
            anew = any(was.get(port) != index for port, index in applied.ifindex.items() if port in known)
            errors |= applied.errors
        plane = standing.plane()
        if anew:
            errors |= self._dataplane.apply(plane, ifindex)
        else:
            errors |= self._dataplane.change(difference.before, difference.after, whole=plane, was=was, ifindex=ifindex)
        self.ifindex = ifindex
        self._say(errors)
        if applied is not None:
            self._note(applied, links)
        return None

    def _look(self) -> None:
        """Whether some of the kernel still is as it was left."""
        if self._departed:
            self._dataplane.prune(set(self.ifindex.values()))
            self._departed = False
            return None
        standing = self._standing
        if self._round.over:
            if self._fabric.vanished():
                return self._build()
            self._round.begin(standing.boxes, standing.plane())
        boxes, entries = self._round.next(standing)
        links = standing.links_of(boxes)
        applied = self._fabric.verify(
            standing.part(boxes, links),
            boxes=boxes,
            links=links,
            attach=self._dataplane.attach,
            interrupted=self._awaited,
        )
        if applied is None and self._awaited():
            return self._round.again(boxes, entries)
        if applied is None or any(self.ifindex.get(port) != index for port, index in applied.ifindex.items()):
            return self._build()
        self._say({**applied.errors, **self._dataplane.verify(entries, self.ifindex)})
        self._note(applied, links)
        return None

    def _awaited(self) -> bool:
        """Whether a change waits for this pass to end."""
        return self._store.snapshot().revision != self.revision

    def _say(self, errors: dict[str, str]) -> None:
        for object_id, error in errors.items():
            if self.errors.get(object_id) != error:
                log.warning("%s: %s", object_id, error)
        self.errors = errors

    def _note(self, applied: Applied, links: Iterable[str]) -> None:
        """What stands now, of these links and of all boxes."""
        if applied.made:
            self.made = {**self.made, **{box: self.made.get(box, 0) + 1 for box in applied.made}}
        for link in links:
            if link in self._ports and all(port in self.ifindex for port in self._ports[link]):
                self._ready.add(link)
            else:
                self._ready.discard(link)
        built = frozenset((self._ready | self._standing.boxes.keys()) - self.errors.keys())
        if built != self.built:
            self.built = built
