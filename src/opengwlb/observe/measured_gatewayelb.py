"""AWS/GatewayELB, as CloudWatch is told: the books of `gatewayelb.py` and the targets' health, by zone and by load balancer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opengwlb.model.elb import LoadBalancer
from opengwlb.model.metrics import MetricKey
from opengwlb.model.snapshot import Snapshot

from . import gatewayelb
from .gatewayelb import Node
from .measures import Measure

NAMESPACE = "AWS/GatewayELB"
WHEN_NOT_ZERO = frozenset({"NewFlowCount", "ProcessedBytes", "RejectedFlowCount_TCP", "ActiveFlowCount"})
"""The others are always reported (facts 5.11, from AWS's page on CloudWatch metrics)."""
SECOND_NAMES = {"TCP_GWLB_Reset_Count": "TCP_ELB_Reset_Count"}
"""AWS's pages have both."""
PEAKS = {
    "PeakBytesPerSecond": ("ProcessedBytes", "Bytes/Second"),
    "PeakPacketsPerSecond": ("ProcessedPackets", "Count/Second"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The books at one moment."""

    totals: Mapping[tuple[str, Node], float]
    """(metric, node) -> what came since the server started; of every node that exists."""
    active: Mapping[Node, int]
    """Live flows, of every node that exists."""
    lcus: Mapping[str, float]
    """By load balancer."""


def measures(snapshot: Snapshot, told: Told) -> Iterator[Measure]:
    owners = {gatewayelb.dimension(one.id): one for one in snapshot.values(LoadBalancer)}
    for (name, node), total in told.totals.items():
        owner = owners.get(node.load_balancer)
        if owner is None:
            continue
        unit = "Bytes" if name == "ProcessedBytes" else "Count"
        for each in filter(None, (name, SECOND_NAMES.get(name))):
            yield Measure(
                id=(NAMESPACE, each, node),
                keys=_of_node(owner, each, node),
                unit=unit,
                value=total,
                always=name not in WHEN_NOT_ZERO,
            )
        for peak, (of, peak_unit) in PEAKS.items():
            if of == name:
                keys = _of_node(owner, peak, node)
                yield Measure(id=(NAMESPACE, peak, node), keys=keys, unit=peak_unit, value=total, kind="peak")
    for node, count in told.active.items():
        if node.load_balancer in owners:
            keys = _of_node(owners[node.load_balancer], "ActiveFlowCount", node)
            yield Measure(
                id=(NAMESPACE, "ActiveFlowCount", node),
                keys=keys,
                unit="Count",
                value=count,
                kind="sample",
                always=False,
            )
    for tail, units in told.lcus.items():
        if tail in owners:
            keys = (_key(owners[tail], "ConsumedLCUs", LoadBalancer=tail),)
            yield Measure(id=(NAMESPACE, "ConsumedLCUs", tail), keys=keys, unit="Count", value=units, kind="sample")
    yield from _hosts(snapshot, owners)


def _hosts(snapshot: Snapshot, owners: Mapping[str, LoadBalancer]) -> Iterator[Measure]:
    for one in gatewayelb.hosts(snapshot):
        owner = owners[one.load_balancer]
        for name, count in (("HealthyHostCount", one.healthy), ("UnHealthyHostCount", one.unhealthy)):
            both = {"LoadBalancer": one.load_balancer, "TargetGroup": one.target_group}
            keys = (_key(owner, name, **both), _key(owner, name, **both, AvailabilityZone=one.zone))
            identity = (NAMESPACE, name, one.load_balancer, one.target_group, one.zone)
            yield Measure(id=identity, keys=keys, unit="Count", value=count, kind="sample")


def _of_node(owner: LoadBalancer, name: str, node: Node) -> tuple[MetricKey, ...]:
    return (
        _key(owner, name, LoadBalancer=node.load_balancer),
        _key(owner, name, LoadBalancer=node.load_balancer, AvailabilityZone=node.zone),
    )


def _key(owner: LoadBalancer, name: str, **dimensions: str) -> MetricKey:
    return MetricKey(
        account=owner.account,
        region=owner.region,
        namespace=NAMESPACE,
        name=name,
        dimensions=tuple(sorted(dimensions.items())),
    )
