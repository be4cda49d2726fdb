"""`/metrics` in Prometheus's text format: what the read API says about packets and targets, for machines that keep history.

Everything is read at scrape time; the verdicts' sentences of bpf/shared/verdicts.h are the help texts.
"""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.model.elb import Target, TargetState
from opengwlb.model.flows import FlowKind
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import network

from . import drops, gatewayelb, targets, visibility
from .gatewayelb import Books, Reading
from .measured_gatewayelb import Told
from .read_api import DataPlaneReads, Sources

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def route(*, sources: Sources, errors: Callable[[], Mapping[str, str]], sampler: Sampler) -> Route:
    """`errors()`: object id -> what its reconciler last failed with."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sources, errors, sampler))

    async def metrics(request: Request) -> Response:
        return Response(await run_in_threadpool(generate_latest, registry), media_type=CONTENT_TYPE)

    return Route("/metrics", metrics)


class Sampler:
    """Keeps the books of AWS's metrics, which look back on a minute; several threads may ask."""

    def __init__(self, sources: Sources, *, clock: Callable[[], float]) -> None:
        """`clock` only has to go forward at a second per second."""
        self._of = sources
        self._clock = clock
        self._books = Books()
        self._lock = threading.Lock()
        self._due = self._count_due = clock()
        self._counted: Mapping[FlowKind, int] = {}

    def sample(self) -> float:
        """Takes a sample if it is time for one; in how many seconds it is for the next."""
        plane, now = self._of.dataplane, self._clock()
        if plane is not None and now >= self._due:
            self._due = now + gatewayelb.SAMPLE_S
            if now >= self._count_due:
                # Live flows are sampled once a minute, as AWS says: counting a million takes half a second.
                self._count_due = now + gatewayelb.SAMPLE_S * gatewayelb.WINDOW
                self._counted = plane.tally_flows()
            with self._lock:
                self._books.sample(self._read(plane, self._counted), now=now)
        return max(0.0, self._due - self._clock())

    def families(self, plane: DataPlaneReads, flows: Mapping[FlowKind, int]) -> list[Metric]:
        """The books as they are now. `flows` as tallied."""
        with self._lock:
            reading = self._read(plane, flows)
            self._books.add(reading)
            return list(_books(self._books, reading))

    def told(self, plane: DataPlaneReads) -> tuple[Told, Mapping[FlowKind, int]]:
        """The books as they are now, for who keeps history; live flows as they were last tallied."""
        with self._lock:
            reading = self._read(plane, self._counted)
            self._books.add(reading)
            balancers = {node.load_balancer for node in reading.nodes}
            told = Told(
                totals=self._books.totals(),
                active={node: reading.active.get(node, 0) for node in reading.nodes},
                lcus={one: self._books.lcus(one) for one in balancers},
            )
            return told, self._counted

    def _read(self, plane: DataPlaneReads, flows: Mapping[FlowKind, int]) -> Reading:
        return gatewayelb.reading(
            self._of.store.snapshot(),
            counters=plane.counters(),
            verdicts=plane.verdicts,
            ifindex=self._of.ifindex(),
            nodes=plane.node_counters(),
            flows=flows,
        )


class _Collector:
    """What prometheus_client asks for at every scrape."""

    def __init__(self, sources: Sources, errors: Callable[[], Mapping[str, str]], sampler: Sampler) -> None:
        self._of = sources
        self._errors = errors
        self._sampler = sampler

    def collect(self) -> Iterator[Metric]:
        snapshot = self._of.store.snapshot()
        yield GaugeMetricFamily("gwlb_store_revision", "The store's newest revision.", value=snapshot.revision)
        yield GaugeMetricFamily("gwlb_reconcile_errors", "Objects that are in trouble.", value=len(self._errors()))
        yield _targets(snapshot)
        yield from _hosts(snapshot)
        if self._of.dataplane is not None:
            plane = self._of.dataplane
            yield from self._verdicts(snapshot, list(plane.counters()), plane.verdicts)
            flows = plane.tally_flows()
            yield GaugeMetricFamily("gwlb_flows", "Live flows of all load balancers.", value=flows.total())
            yield from self._sampler.families(plane, flows)
            yield from targets.families(snapshot, plane.target_counters, self._of.condemned())
        if self._of.fabric is not None:
            boxes = network.topology(snapshot).boxes
            yield from _stacks(drops.of_stacks(boxes, run_in=self._of.fabric.run_in))

    def _verdicts(
        self, snapshot: Snapshot, counters: list[Counter], verdicts: Mapping[int, Verdict]
    ) -> Iterator[Metric]:
        """One family per verdict, so that each has its own help; packets and bytes apart."""
        places = visibility.where(snapshot, network.topology(snapshot))
        named = visibility.by_ifindex(places, self._of.ifindex())
        for verdict in verdicts.values():
            labels = ("kind", "resource", "box", "device")
            name = f"gwlb_{verdict.name}"
            packets = CounterMetricFamily(f"{name}_packets", verdict.sentence, labels=labels)
            size = CounterMetricFamily(f"{name}_bytes", verdict.sentence, labels=labels)
            rows: Tally[tuple[str, str, str, str]] = Tally()
            sizes: Tally[tuple[str, str, str, str]] = Tally()
            for counter in counters:
                if counter.verdict == verdict.number:
                    at = named.get(counter.ifindex)
                    where = (at.resource, at.port.box, at.port.device) if at else ("", "", "")
                    key = (str(verdict.kind), *where)
                    rows[key] += counter.packets
                    sizes[key] += counter.bytes
            for key, count in rows.items():
                packets.add_metric(key, count)
                size.add_metric(key, sizes[key])
            yield packets
            yield size


def _targets(snapshot: Snapshot) -> Metric:
    """Every state of every target group that has targets: a state that is left goes to 0 instead of vanishing."""
    family = GaugeMetricFamily("gwlb_targets", "Registered targets by health state.", labels=("target_group", "state"))
    states = Tally((target.target_group, target.state) for target in snapshot.values(Target))
    for group in dict.fromkeys(group for group, _ in states):
        for state in TargetState:
            family.add_metric((group, str(state)), states[group, state])
    return family


AWS = "aws_gatewayelb_"
"""Before AWS's own name of a metric; Prometheus adds `_total` to what only grows. Labels are AWS's dimensions."""
OF_NODE = ("LoadBalancer", "AvailabilityZone")
_FLOW_SUMS = {
    "NewFlowCount": "Flows that were opened.",
    "RejectedFlowCount": "New flows that were refused: no target, no room in the flow table, or too many in one second.",
    "RejectedFlowCount_TCP": "New TCP flows that were refused.",
}


def _books(books: Books, reading: Reading) -> Iterator[Metric]:
    sums = {metric.name: metric.help for metric in gatewayelb.SUMS} | _FLOW_SUMS
    resets = "TCP_GWLB_Reset_Count"
    for name, sentence, what in (
        *((name, sentence, name) for name, sentence in sums.items()),
        ("TCP_ELB_Reset_Count", f"Another name that AWS gives {resets}.", resets),
    ):
        family = CounterMetricFamily(AWS + name, sentence, labels=OF_NODE)
        for node, count in books.sums(what):
            family.add_metric((node.load_balancer, node.zone), count)
        yield family
    for name, of in (("PeakBytesPerSecond", "ProcessedBytes"), ("PeakPacketsPerSecond", "ProcessedPackets")):
        sentence = f"The highest average of {of} over {gatewayelb.SAMPLE_S:g} seconds in the last minute."
        peaks = GaugeMetricFamily(AWS + name, sentence, labels=OF_NODE)
        for node, _ in books.sums(of):
            peaks.add_metric((node.load_balancer, node.zone), books.peak(of, node))
        yield peaks
    active = GaugeMetricFamily(f"{AWS}ActiveFlowCount", "Live flows.", labels=OF_NODE)
    for node in reading.nodes:
        active.add_metric((node.load_balancer, node.zone), reading.active.get(node, 0))
    yield active
    units = GaugeMetricFamily(f"{AWS}ConsumedLCUs", LCU_SENTENCE, labels=("LoadBalancer",))
    for load_balancer in sorted({node.load_balancer for node in reading.nodes}):
        units.add_metric((load_balancer,), books.lcus(load_balancer))
    yield units


LCU_SENTENCE = (
    "Capacity units of the last minute, by a formula that third parties publish and AWS's price page has to confirm: the largest of "
    "new flows a second / 600, active flows / 60000, and gigabytes an hour."
)


def _hosts(snapshot: Snapshot) -> Iterator[Metric]:
    labels = ("LoadBalancer", "TargetGroup", "AvailabilityZone")
    healthy = GaugeMetricFamily(f"{AWS}HealthyHostCount", "Targets of the zone that are healthy.", labels=labels)
    unhealthy = GaugeMetricFamily(f"{AWS}UnHealthyHostCount", "Targets of the zone that are unhealthy.", labels=labels)
    for one in gatewayelb.hosts(snapshot):
        where = (one.load_balancer, one.target_group, one.zone)
        healthy.add_metric(where, one.healthy)
        unhealthy.add_metric(where, one.unhealthy)
    yield from (healthy, unhealthy)


def _stacks(found: list[drops.StackDrop]) -> Iterator[Metric]:
    for name, sentence in drops.STACK_SENTENCES.items():
        family = CounterMetricFamily(f"gwlb_{name}_packets", sentence, labels=("box", "device"))
        for drop in found:
            if drop.name == name:
                family.add_metric((drop.box, drop.device), drop.packets)
        yield family
