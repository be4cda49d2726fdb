"""`/metrics` in Prometheus's text format: what the read API says about packets and targets, for machines that keep history.

Everything is read at scrape time; the verdicts' sentences of bpf/shared/verdicts.h are the help texts.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opengwlb.dataplane.plane import Counter
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.model.elb import Target, TargetState
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import network

from . import drops, visibility
from .read_api import Sources

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def route(*, sources: Sources, errors: Callable[[], Mapping[str, str]]) -> Route:
    """`errors()`: object id -> what its reconciler last failed with."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(sources, errors))

    async def metrics(request: Request) -> Response:
        return Response(await run_in_threadpool(generate_latest, registry), media_type=CONTENT_TYPE)

    return Route("/metrics", metrics)


class _Collector:
    """What prometheus_client asks for at every scrape."""

    def __init__(self, sources: Sources, errors: Callable[[], Mapping[str, str]]) -> None:
        self._of = sources
        self._errors = errors

    def collect(self) -> Iterator[Metric]:
        snapshot = self._of.store.snapshot()
        yield GaugeMetricFamily("gwlb_store_revision", "The store's newest revision.", value=snapshot.revision)
        yield GaugeMetricFamily("gwlb_reconcile_errors", "Objects that are in trouble.", value=len(self._errors()))
        yield _targets(snapshot)
        if self._of.dataplane is not None:
            plane = self._of.dataplane
            yield from self._verdicts(snapshot, list(plane.counters()), plane.verdicts)
            flows = sum(1 for _ in plane.flows())
            yield GaugeMetricFamily("gwlb_flows", "Live flows of all load balancers.", value=flows)
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


def _stacks(found: list[drops.StackDrop]) -> Iterator[Metric]:
    for name, sentence in drops.STACK_SENTENCES.items():
        family = CounterMetricFamily(f"gwlb_{name}_packets", sentence, labels=("box", "device"))
        for drop in found:
            if drop.name == name:
                family.add_metric((drop.box, drop.device), drop.packets)
        yield family
