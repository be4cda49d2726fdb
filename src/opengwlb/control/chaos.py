"""Begins and ends chaos on targets, as the store says. The program itself keeps the time, so a dead server ends nothing late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from opengwlb.dataplane.chaos import ChaosPorts
from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.model.chaos import Chaos
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import names
from opengwlb.store.protocol import Store, Transaction

RELIST_S = 5.0
RETRY_S = 0.5


class Programs(Protocol):
    """What is used of `dataplane.DataPlane`."""

    def chaos(self) -> ChaosPorts: ...


class ChaosReconciler:
    def __init__(
        self,
        *,
        store: Store,
        programs: Programs,
        namespace: Callable[[str], str],
        ifindex: Callable[[], Mapping[PortRef, int]],
        clock: Callable[[], float],
        monotonic_ns: Callable[[], int],
    ) -> None:
        """`ifindex` gives the ports that are built."""
        self.errors: dict[str, str] = {}
        self._store = store
        self._programs = programs
        self._namespace = namespace
        self._ifindex = ifindex
        self._clock = clock
        self._monotonic_ns = monotonic_ns

    def reconcile(self) -> float:
        """In how many seconds to call it again."""
        snapshot = self._store.snapshot()
        errors: dict[str, str] = {}
        wait_s = RELIST_S
        for chaos in list(snapshot.values(Chaos)):
            interface = snapshot.get(NetworkInterface, chaos.id)
            if interface is None:
                self._forget(chaos)
                continue
            try:
                wait_s = min(wait_s, self._keep(chaos, interface))
            except DataPlaneError as error:
                errors[chaos.id] = str(error)
                wait_s = RETRY_S
        self.errors = errors
        return wait_s

    def _keep(self, chaos: Chaos, interface: NetworkInterface) -> float:
        port = names.router_port(interface.vpc, interface.id)
        ifindex, now = self._ifindex().get(port), self._clock()
        if chaos.state == "ended":
            return RELIST_S
        if now >= chaos.until:
            counts = self._programs.chaos().stop(ifindex=ifindex) if ifindex is not None else None
            met, done = (counts.met, counts.done) if counts else (0, 0)
            self._write(chaos, replace(chaos, state="ended", met=met, done=done))
            return RELIST_S
        if ifindex is None:
            return RETRY_S
        self._programs.chaos().start(
            chaos.kind,
            ifindex=ifindex,
            netns=self._namespace(port.box),
            seed=chaos.seed,
            share=chaos.share,
            delay_ms=chaos.delay_ms,
            until_ns=self._monotonic_ns() + int((chaos.until - now) * 1e9),
        )
        self._write(chaos, replace(chaos, state="running"))
        return min(RELIST_S, max(chaos.until - now, 0.05))

    def _write(self, seen: Chaos, wanted: Chaos) -> None:
        """Unless somebody asked for another one meanwhile."""

        def work(tx: Transaction) -> None:
            if tx.get(Chaos, seen.id) == seen:
                tx.put(wanted)

        if seen != wanted:
            self._store.transact(work)

    def _forget(self, chaos: Chaos) -> None:
        self._store.transact(lambda tx: tx.delete(Chaos, chaos.id))
