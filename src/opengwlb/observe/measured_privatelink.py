"""AWS/PrivateLinkEndpoints and AWS/PrivateLinkServices, as CloudWatch is told: each endpoint's own counters, for both its ends.

New connections are counted by node, not by endpoint, so NewConnections is not reported. Of resets those are counted that the load
balancer sent by itself; those that targets or servers sent pass uncounted.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.verdicts import Verdict, VerdictKind
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import endpoint_id
from opengwlb.model.metrics import MetricKey
from opengwlb.model.privatelink import EndpointService, VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.policy import names

from .link_counters import Carried
from .measures import Measure

ENDPOINTS, SERVICES = "AWS/PrivateLinkEndpoints", "AWS/PrivateLinkServices"
TYPE = "GatewayLoadBalancer"
RESETS = ("tcp_reset_unknown", "tcp_reset_unhealthy", "tcp_reset_deregistered")


def ports(snapshot: Snapshot) -> dict[str, PortRef]:
    """The consumer's router's end of the link of every endpoint."""
    return {one.id: names.router_port(one.vpc, one.id) for one in snapshot.values(VpcEndpoint)}


def measures(
    snapshot: Snapshot,
    *,
    carried: Mapping[PortRef, Carried],
    counters: Iterable[Counter],
    verdicts: Mapping[int, Verdict],
    ifindex: Mapping[PortRef, int],
    flows: Mapping[FlowKind, int],
) -> Iterator[Measure]:
    """`flows` as tallied. What is zero is not reported, but the number of a service's endpoints."""
    active: Tally[str] = Tally()
    for kind, count in flows.items():
        active[endpoint_id(kind.endpoint)] += count
    dropped: Tally[int] = Tally()
    resets: Tally[int] = Tally()
    for counter in counters:
        verdict = verdicts.get(counter.verdict)
        if verdict is not None and verdict.kind is VerdictKind.DROP:
            dropped[counter.ifindex] += counter.packets
        elif verdict is not None and verdict.name in RESETS:
            resets[counter.ifindex] += counter.packets
    for endpoint, port in ((one, names.router_port(one.vpc, one.id)) for one in snapshot.values(VpcEndpoint)):
        of = carried.get(port)
        balancer = snapshot.get(LoadBalancer, endpoint.load_balancer)
        if of is None or balancer is None:
            continue
        number = ifindex.get(names.endpoint_port(balancer, endpoint.id), -1)
        both_ways = of.bytes_in + of.bytes_out
        service = snapshot.get(EndpointService, endpoint.service)
        for name, of_service, unit, value, sampled in (
            ("BytesProcessed", "BytesProcessed", "Bytes", both_ways, False),
            ("ActiveConnections", "ActiveConnections", "Count", active[endpoint.id], True),
            ("PacketsDropped", None, "Count", dropped[number], False),
            ("RstPacketsReceived", "RstPacketsSent", "Count", resets[number], False),
        ):
            # Nothing is reported of what is zero, and a thousand idle endpoints would have many names.
            keys = [*_consumers(endpoint, name)] if value else []
            if value and service is not None and of_service is not None:
                keys += _providers(service, endpoint, of_service)
            yield Measure(
                id=(ENDPOINTS, name, endpoint.id),
                keys=tuple(keys),
                unit=unit,
                value=value,
                kind="sample" if sampled else "sum",
                always=False,
            )
    yield from _counts(snapshot)


def _counts(snapshot: Snapshot) -> Iterator[Measure]:
    there = Tally(one.service for one in snapshot.values(VpcEndpoint) if one.state == "available")
    for service in snapshot.values(EndpointService):
        key = _key(service.account, service.region, SERVICES, "EndpointsCount", {"Service Id": service.id})
        yield Measure(id=key, keys=(key,), unit="Count", value=there[service.id], kind="sample")


def _consumers(endpoint: VpcEndpoint, name: str) -> Iterator[MetricKey]:
    """AWS's two sets of dimensions of an endpoint."""
    whole = {
        "Endpoint Type": TYPE,
        "Service Name": endpoint.service_name,
        "VPC Endpoint Id": endpoint.id,
        "VPC Id": endpoint.vpc,
    }
    for dimensions in (whole, {**whole, "Subnet Id": endpoint.subnet}):
        yield _key(endpoint.account, endpoint.region, ENDPOINTS, name, dimensions)


def _providers(service: EndpointService, endpoint: VpcEndpoint, name: str) -> Iterator[MetricKey]:
    """AWS's five sets of dimensions of an endpoint service."""
    of = {"Service Id": service.id}
    zone, balancer = {"Az": endpoint.zone}, {"Load Balancer Arn": endpoint.load_balancer}
    for dimensions in (of, of | zone, of | balancer, of | zone | balancer, of | {"VPC Endpoint Id": endpoint.id}):
        yield _key(service.account, service.region, SERVICES, name, dimensions)


def _key(account: str, region: str, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricKey:
    return MetricKey(
        account=account, region=region, namespace=namespace, name=name, dimensions=tuple(sorted(dimensions.items()))
    )
