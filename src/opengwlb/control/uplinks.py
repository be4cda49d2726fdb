"""Keeps what is stored of uplinks true to their NICs: MAC, MTU, whether they are there and up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.uplinks import Nic, Uplink
from opengwlb.policy import uplinks
from opengwlb.policy.status import Writes
from opengwlb.store.protocol import Store

from .writes import write_back

LOOK_S = 2.0
"""How soon a NIC that vanished, came back, or got another MTU is noticed."""


class UplinkReconciler:
    def __init__(
        self, *, store: Store, nics: Callable[[], Iterable[Nic]], errors: Callable[[], Mapping[str, str]]
    ) -> None:
        """`nics()` are those of this machine; `errors()` says per object what could not be built."""
        self._store = store
        self._nics = nics
        self._errors = errors

    def reconcile(self) -> float:
        if not any(True for _ in self._store.snapshot().values(Uplink)):
            return LOOK_S
        found = {nic.device: nic for nic in self._nics()}
        errors = self._errors()

        def decide(snapshot: Snapshot) -> Writes:
            writes = Writes()
            for one in snapshot.values(Uplink):
                new = uplinks.observed(one, found.get(one.device), error=errors.get(one.id, ""))
                if new != one:
                    writes.put.append(new)
            return writes

        write_back(self._store, decide)
        return LOOK_S
