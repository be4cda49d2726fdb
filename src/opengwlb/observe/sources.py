"""Where the read API's answers come from, and who may ask: what its parts are given by `app.py`."""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from opengwlb.control.probe_log import Probes
from opengwlb.dataplane.chaos import ChaosPorts
from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.flows import Changes, Flow, Found
from opengwlb.dataplane.node_counters import NodeCounters
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.flows import FlowKind
from opengwlb.model.passive import TargetCounters
from opengwlb.model.topology import PortRef
from opengwlb.store.protocol import Store

from . import rehearsal
from .capture import OpenSocket
from .owners import Owners
from .targets import Condemned

Authenticate = Callable[[Request, bytes], str]
"""(request, body) -> the account that signed it; raises AwsError."""


class DataPlaneReads(Protocol):
    """What is read of `dataplane.DataPlane`."""

    @property
    def verdicts(self) -> Mapping[int, Verdict]: ...
    def counters(self) -> Iterable[Counter]: ...
    def samples(self) -> Iterable[Sample]: ...
    def chaos(self) -> ChaosPorts: ...
    def dry_run(self) -> contextlib.AbstractContextManager[rehearsal.Trial]: ...
    def flows(self) -> Iterable[Flow]: ...
    def find_flows(self, wanted: Wanted, *, limit: int) -> Found: ...
    def changed_flows(self, wanted: Wanted, *, after_ns: int, limit: int) -> Changes: ...
    def tally_flows(self, *, with_places: bool = False) -> Tally[FlowKind]: ...
    def node_counters(self) -> Mapping[int, NodeCounters]: ...
    def target_counters(self, slots: Collection[int]) -> Mapping[int, TargetCounters]: ...


class FabricReads(Protocol):
    """What is used of `fabric.Fabric`: sockets and functions inside boxes."""

    @property
    def open_socket(self) -> OpenSocket: ...
    @property
    def run_in(self) -> rehearsal.RunIn: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the answers come from."""

    store: Store
    owners: Owners
    dataplane: DataPlaneReads | None
    """None with `--data-plane none`."""
    fabric: FabricReads | None
    ifindex: Callable[[], Mapping[PortRef, int]]
    """Of the last `fabric.apply`."""
    condemned: Callable[[], Condemned] = dict
    """How often passive detection made which target unhealthy."""
    probes: Callable[[str], Probes] = lambda target: Probes()
    """`control.probe_log.ProbeLog.of`."""
