"""AWS/EC2, as CloudWatch is told: the processor time of an instance's control group, and what its links carried."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.instance_types import DEFAULT, INSTANCE_TYPES
from opengwlb.model.metrics import MINUTE, MetricKey
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import names

from .link_counters import Carried
from .measures import Kind, Measure

NAMESPACE = "AWS/EC2"
BASIC = 5 * MINUTE
"""Period of an instance without detailed monitoring."""
CpuSeconds = Callable[[str], float | None]
"""Instance id -> processor time that it used since it started; None when it does not run."""
CHECKS = ("StatusCheckFailed", "StatusCheckFailed_Instance")


def ports(snapshot: Snapshot) -> dict[str, list[PortRef]]:
    """The router's end of every link of every running instance, by instance."""
    found: dict[str, list[PortRef]] = {}
    for instance in snapshot.values(Instance):
        if instance.state is InstanceState.RUNNING:
            interfaces = (snapshot.get(NetworkInterface, one) for one in instance.network_interfaces)
            found[instance.id] = [names.router_port(one.vpc, one.id) for one in interfaces if one is not None]
    return found


def measures(
    snapshot: Snapshot, *, carried: Mapping[PortRef, Carried], cpu: CpuSeconds, errors: Mapping[str, str]
) -> Iterator[Measure]:
    """`errors`: object id -> what its reconciler could not do."""
    for instance_id, links in ports(snapshot).items():
        instance = snapshot.get(Instance, instance_id)
        if instance is None:
            continue
        period = MINUTE if instance.monitored else BASIC
        used = cpu(instance_id)
        if used is not None:
            per_cpu = 100.0 / _cpus(instance.instance_type)
            yield _measure(instance, "CPUUtilization", "Percent", used * per_cpu, kind="share", period=period)
        there = [carried[port] for port in links if port in carried]
        if there:
            # What the router sends into the link, the instance receives.
            for name, unit, total in (
                ("NetworkIn", "Bytes", sum(one.bytes_out for one in there)),
                ("NetworkOut", "Bytes", sum(one.bytes_in for one in there)),
                ("NetworkPacketsIn", "Count", sum(one.packets_out for one in there)),
                ("NetworkPacketsOut", "Count", sum(one.packets_in for one in there)),
            ):
                yield _measure(instance, name, unit, total, period=period)
        failed = 1.0 if instance_id in errors else 0.0
        for name in CHECKS:
            yield _measure(instance, name, "Count", failed, kind="sample")
        # The system is this machine, which runs: it is what computes this.
        yield _measure(instance, "StatusCheckFailed_System", "Count", 0.0, kind="sample")


def _cpus(instance_type: str) -> int:
    return (INSTANCE_TYPES.get(instance_type) or INSTANCE_TYPES[DEFAULT]).cpus


def _measure(
    instance: Instance, name: str, unit: str, value: float, *, kind: Kind = "sum", period: int = MINUTE
) -> Measure:
    key = MetricKey(
        account=instance.account,
        region=instance.region,
        namespace=NAMESPACE,
        name=name,
        dimensions=(("InstanceId", instance.id),),
    )
    return Measure(id=key, keys=(key,), unit=unit, value=value, kind=kind, period=period)
