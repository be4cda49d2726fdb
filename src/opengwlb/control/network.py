"""Keeps boxes, links, routes and kernel maps as the store says.

One pass: numbers for newcomers -> topology and plane (policy, pure) -> fabric builds -> dataplane fills maps -> statuses back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from opengwlb.model.elb import Slot
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef, Topology
from opengwlb.policy import network, slots, status
from opengwlb.policy.plane import plane
from opengwlb.store.protocol import Store, Transaction

from .kernel import Network, Programs
from .writes import write_back

log = logging.getLogger(__name__)

RELIST_S = 5.0
"""Without any change the network is compared with the kernel this often: whoever deletes a box by hand sees it come back."""
RETRY_S = 1.0
"""After a pass in which some object failed."""


class NetworkReconciler:
    """`built` and `errors` are read by other threads: each is replaced whole, never changed."""

    def __init__(self, *, store: Store, fabric: Network, dataplane: Programs) -> None:
        self.built: frozenset[str] = frozenset()
        """Ids of the links and boxes that exist and are configured."""
        self.errors: dict[str, str] = {}
        """Object id -> what went wrong in the last pass."""
        self.ifindex: Mapping[PortRef, int] = {}
        """Of every port that the last pass built."""
        self.made: Mapping[str, int] = {}
        """Box id -> how often this server made it; one that was found standing is not in it."""
        self.revision = -1
        """The revision that the last finished pass applied."""
        self._store = store
        self._fabric = fabric
        self._dataplane = dataplane
        self._pass = threading.Lock()

    def reconcile(self) -> float:
        with self._pass:
            self._number()
            snapshot = self._store.snapshot()
            wanted = network.topology(snapshot)
            self._build(wanted, snapshot)
            write_back(self._store, lambda now: status.after_build(now, built=self.built, errors=self.errors))
            self.revision = snapshot.revision
        return RETRY_S if self.errors else RELIST_S

    def _number(self) -> None:
        new, gone = slots.changes(self._store.snapshot())
        if not new and not gone:
            return

        def work(tx: Transaction) -> None:
            # Again on the newest revision: a call may have come between.
            new, gone = slots.changes(self._store.snapshot())
            for key in gone:
                tx.delete(Slot, key)
            for slot in new:
                tx.put(slot)

        self._store.transact(work)

    def _build(self, wanted: Topology, snapshot: Snapshot) -> None:
        # Nothing new to build: time to look whether the kernel still is as it was left.
        verify = snapshot.revision == self.revision
        applied = self._fabric.apply(wanted, attach=self._dataplane.attach, verify=verify)
        self.made = {**self.made, **{box: self.made.get(box, 0) + 1 for box in applied.made}}
        errors = dict(applied.errors)
        errors |= self._dataplane.apply(plane(snapshot, wanted), applied.ifindex)
        self._dataplane.prune(set(applied.ifindex.values()))
        for object_id, error in errors.items():
            if self.errors.get(object_id) != error:
                log.warning("%s: %s", object_id, error)
        self.errors = errors
        self.ifindex = dict(applied.ifindex)
        ready = {
            link.id for link in wanted.links.values() if link.a.ref in applied.ifindex and link.b.ref in applied.ifindex
        }
        self.built = frozenset((ready | wanted.boxes.keys()) - errors.keys())
