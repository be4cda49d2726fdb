"""Flow logs from the data plane's records to their destinations, once a minute.

One pass: begin a new round in the data plane -> read the former ones into the windows -> write down what is gathered and what is about to
be delivered -> forget the records in the kernel -> deliver -> write down that it is delivered -> statuses back. Wherever that ends, the
next pass goes on, and no record is lost or delivered twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from opengwlb.dataplane.flow_logs import Record
from opengwlb.model.flow_logs import FlowKey, FlowLog
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.policy import flow_logs
from opengwlb.policy.flow_log_windows import Books, Delivery
from opengwlb.policy.status import Writes
from opengwlb.store.protocol import Store

from .flow_log_files import FAILED, FlowLogFiles, Intent
from .flow_log_state import StateFile
from .writes import write_back

LOOK_S = 1.0
"""How soon ports that were built meanwhile are known."""
ACCESS_ERROR = "Access error"


class Records(Protocol):
    """`dataplane.FlowRecords`."""

    def turn(self, *, now: float) -> int: ...
    def before(self, round_: int) -> Iterable[Record]: ...
    def forget(self, raws: Sequence[bytes]) -> None: ...
    def lost(self) -> Mapping[int, int]: ...


class FlowLogKeeper:
    """`reconcile` is a loop's; `flush` may come from any thread."""

    def __init__(
        self,
        *,
        store: Store,
        records: Callable[[], Records] | None,
        ifindex: Callable[[], Mapping[PortRef, int]],
        may_publish: Callable[[Snapshot, FlowLog], bool],
        directory: Path,
        clock: Callable[[], float],
    ) -> None:
        """`records` is None where no packets are carried: then nothing is delivered.

        `may_publish(snapshot, log)`: whether the role that the flow log names may write to its log group.
        """
        self._store = store
        self._records = records
        self._ifindex = ifindex
        self._may_publish = may_publish
        self._clock = clock
        self.quiet = threading.Lock()
        """Who holds it finds no delivery half made."""
        self._files = FlowLogFiles(directory)
        self._file = StateFile(directory / "gathered.msgpack")
        self._state = self._file.load()
        if self._state.intent:
            self._files.take_back(self._state.intent)
        self._books = Books(self._state.windows)
        self._ports: dict[int, dict[str, str]] = {}
        """As `flow_logs.ports` says, also of ports that are gone since records were read."""
        self._looked_at: tuple[int, Mapping[PortRef, int]] = (-1, {})
        """Revision and ports."""

    @property
    def directory(self) -> Path:
        return self._files.directory

    def reconcile(self) -> float:
        """In how many seconds it wants to be called again."""
        now = self._clock()
        with self.quiet:
            snapshot = self._store.snapshot()
            self._forget_orphans()
            if self._records is None:
                return LOOK_S
            self._look(snapshot, now)
            if self._books.due(now):
                try:
                    self._gather(now)
                    self._deliver(snapshot, self._books.ended(now), now=now)
                except OSError:
                    # What is gathered is kept, and delivered once it can be written.
                    self._write_back({log.id: FAILED for log in snapshot.values(FlowLog)})
                    raise
                self._look(snapshot, now, anew=True)
            return min(LOOK_S, self._books.wait_s(now))

    def flush(self, account: str | None) -> int:
        """Ends the open intervals of an account's interfaces now (None: of all); how many lines that delivered."""
        if self._records is None:
            return 0
        now = self._clock()
        with self.quiet:
            snapshot = self._store.snapshot()
            self._look(snapshot, now)
            self._gather(now)
            keys = [
                key for key, one in self._books.windows.items() if account is None or one.interface.account == account
            ]
            delivered = self._deliver(snapshot, keys, now=now)
            self._look(snapshot, now, anew=True)
            return delivered

    def _look(self, snapshot: Snapshot, now: float, *, anew: bool = False) -> None:
        """What is covered, and by which ports its packets pass; `anew` after windows were closed, else only when something changed."""
        revision, known = self._looked_at
        ifindex = self._ifindex()
        if not anew and (revision, known) == (snapshot.revision, ifindex):
            return
        covered = flow_logs.interfaces(snapshot)
        self._books.watch(covered.values(), flow_logs.by_resource(snapshot), now=now)
        self._ports |= flow_logs.ports(snapshot, covered.values(), ifindex)
        self._looked_at = snapshot.revision, ifindex

    def _gather(self, now: float) -> None:
        """The data plane's records into the windows, and away from the kernel once they are written down."""
        assert self._records is not None
        records = self._records()
        round_ = records.turn(now=now)
        raws = []
        for one in records.before(round_):
            raws.append(one.raw)
            if one.round > self._state.round:
                interface = _interface(self._ports.get(one.key.ifindex, {}), one.key)
                if interface is not None:
                    self._books.add(interface, one.key, one.count)
        lost = dict(records.lost())
        for ifindex, packets in lost.items():
            if packets > self._state.lost.get(ifindex, 0):
                for interface in self._ports.get(ifindex, {}).values():
                    self._books.skip(interface)
        if not raws and lost == self._state.lost:
            return
        self._state.round, self._state.lost = round_ - 1, lost
        self._save(Intent())
        records.forget(raws)

    def _deliver(self, snapshot: Snapshot, keys: list[tuple[int, str]], *, now: float) -> int:
        logs = flow_logs.by_resource(snapshot)
        allowed = {log.id: self._may_publish(snapshot, log) for each in logs.values() for log in each}
        said: dict[str, str] = {}
        deliveries: list[Delivery] = []
        for one in self._books.deliveries(keys, logs, now=now):
            if allowed[one.log.id]:
                deliveries.append(one)
            else:
                said[one.log.id] = ACCESS_ERROR
        if deliveries:
            self._save(self._files.intended(deliveries, now=now))
            said |= self._files.deliver(deliveries, now=now)
        self._books.close(keys, now=now)
        if keys:
            self._save(Intent())
        self._files.keep_within_bounds({one.log.account for one in deliveries})
        live = set(self._ifindex().values())
        self._ports = {ifindex: held for ifindex, held in self._ports.items() if ifindex in live}
        self._write_back(said)
        return sum(len(one.lines) for one in deliveries)

    def _save(self, intent: Intent) -> None:
        self._state.windows, self._state.intent = self._books.windows, intent
        self._file.save(self._state)

    def _forget_orphans(self) -> None:
        def decide(snapshot: Snapshot) -> Writes:
            gone = [log for log in snapshot.values(FlowLog) if not flow_logs.has_resource(snapshot, log)]
            return Writes(delete=[(FlowLog, log.id) for log in gone])

        write_back(self._store, decide)

    def _write_back(self, said: Mapping[str, str]) -> None:
        def decide(snapshot: Snapshot) -> Writes:
            found = ((snapshot.get(FlowLog, log_id), error) for log_id, error in said.items())
            return Writes(
                put=[replace(log, error=error) for log, error in found if log is not None and log.error != error]
            )

        write_back(self._store, decide)


def _interface(at_port: Mapping[str, str], key: FlowKey) -> str | None:
    """Whose record it is: a port is one interface's, or, behind an uplink, of whoever has the address."""
    own = key.source if key.direction == "egress" else key.destination
    return at_port.get("") or at_port.get(own)
