"""Tells CloudWatch what AWS's services tell it: load balancers, endpoints and instances, each in the account that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from opengwlb.model.metrics import Datum, MetricKey, Point
from opengwlb.policy import points
from opengwlb.store.metrics import MetricStore

from . import link_counters, measured_ec2, measured_gatewayelb, measured_privatelink
from .measured_ec2 import BASIC, CpuSeconds
from .measures import Ledger, Measure
from .metrics import Sampler
from .read_api import Sources

PASS_S = 10.0
"""A pass reads every counter; a data point is so much behind at most."""
ROLL_S = 60.0
"""How often data points that grew too old for their resolution are added up."""
NOT_READY_S = 0.2


class Publisher:
    """One pass after the other, by whoever calls `run`."""

    def __init__(
        self,
        sources: Sources,
        *,
        metrics: MetricStore,
        sampler: Sampler,
        cpu: CpuSeconds,
        errors: Callable[[], Mapping[str, str]],
        ready: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        """`errors()`: object id -> what its reconciler could not do. `ready()`: what an earlier life left was found, so whatever
        counts from then on is new. `clock` gives seconds since the epoch."""
        self._of = sources
        self._metrics = metrics
        self._sampler = sampler
        self._cpu = cpu
        self._errors = errors
        self._ready = ready
        self._clock = clock
        self._ledger = Ledger()
        self._due = self._roll_due = 0.0
        self._began: float | None = None
        self._earlier: dict[tuple[MetricKey, str, int], Point | None] = {}

    def run(self) -> float:
        """Does what is due; in how many seconds there is more to do."""
        now = self._clock()
        if now >= self._roll_due:
            self._metrics.roll(now)
            self._roll_due = now + ROLL_S
        if self._of.dataplane is None or self._of.fabric is None:
            return self._roll_due - now
        if not self._ready():
            return NOT_READY_S
        # A clock that was set back makes nothing wait for it.
        if now >= self._due or self._due - now > PASS_S:
            self._due = now - now % PASS_S + PASS_S
            self.publish(now)
        return max(0.0, self._due - self._clock())

    def publish(self, now: float) -> None:
        """One pass at this moment. Raises StoreError."""
        if self._began is None:
            self._began = now
        elif now > self._began + BASIC:
            self._earlier.clear()  # no period that is open began before
        self._metrics.replace(self._with_earlier(one) for one in self._ledger.take(self._measures(), now=now))

    def _measures(self) -> list[Measure]:
        plane, fabric = self._of.dataplane, self._of.fabric
        if plane is None or fabric is None:
            return []
        snapshot, ifindex = self._of.store.snapshot(), self._of.ifindex()
        told, flows = self._sampler.told(plane)
        wanted = [port for several in measured_ec2.ports(snapshot).values() for port in several]
        wanted += measured_privatelink.ports(snapshot).values()
        carried = link_counters.read(sorted({port.box for port in wanted}), run_in=fabric.run_in)
        return [
            *measured_gatewayelb.measures(snapshot, told),
            *measured_privatelink.measures(
                snapshot,
                carried=carried,
                counters=plane.counters(),
                verdicts=plane.verdicts,
                ifindex=ifindex,
                flows=flows,
            ),
            *measured_ec2.measures(snapshot, carried=carried, cpu=self._cpu, errors=self._errors()),
        ]

    def _with_earlier(self, datum: Datum) -> Datum:
        """In the period that this life began in, what an earlier one reported counts too."""
        if self._began is None or datum.at > self._began:
            return datum
        place = (datum.key, datum.unit, datum.at)
        if place not in self._earlier:
            there = self._metrics.points(datum.key, start=datum.at, end=datum.at + 1, unit=datum.unit)
            self._earlier[place] = next((one.point for one in there), None)
        earlier = self._earlier[place]
        return datum if earlier is None else replace(datum, point=points.merged([earlier, datum.point]))
