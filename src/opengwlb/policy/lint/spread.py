"""Mistakes between a load balancer, its targets and its endpoints: nobody to give flows to, or nobody who knows."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from opengwlb.model.elb import LoadBalancer, TargetGroup
from opengwlb.model.privatelink import EndpointService, VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import ENCAP_OVERHEAD, INTERNET_MTU
from opengwlb.model.uplinks import Uplink
from opengwlb.policy import attributes, balancing, uplinks

from .finding import Finding, Findings, Severity


def findings(snapshot: Snapshot) -> Findings:
    for load_balancer in snapshot.values(LoadBalancer):
        listener = balancing.listener_of(snapshot, load_balancer.id)
        group = snapshot.get(TargetGroup, listener.target_group) if listener is not None else None
        if listener is None:
            yield _without_listener(snapshot, load_balancer)
        elif group is not None:
            yield from chain(_zones(snapshot, load_balancer, group), _check(group))
    for endpoint in snapshot.values(VpcEndpoint):
        yield from _acceptance(snapshot, endpoint)
    for uplink in snapshot.values(Uplink):
        yield from _mtu(snapshot, uplink)


def _without_listener(snapshot: Snapshot, load_balancer: LoadBalancer) -> Finding:
    fitting = [
        group.id
        for group in snapshot.values(TargetGroup)
        if group.vpc == load_balancer.vpc and balancing.load_balancer_of(snapshot, group.id) is None
    ]
    fix = f"aws elbv2 create-listener --load-balancer-arn {load_balancer.id} --default-actions Type=forward,TargetGroupArn={{}}"
    return Finding(
        code="listener-missing",
        severity=Severity.ERROR,
        resource=load_balancer.id,
        field="Listeners",
        accounts=frozenset({load_balancer.account}),
        values={"name": load_balancer.name},
        fix=fix.format(fitting[0]) if fitting else "",
    )


def _zones(snapshot: Snapshot, load_balancer: LoadBalancer, group: TargetGroup) -> Findings:
    accounts = frozenset({load_balancer.account})
    placed = [one for one in balancing.placed_targets(snapshot, group.id) if one.target.deregistered is None]
    if not placed:
        yield Finding(
            code="no-targets",
            severity=Severity.ERROR,
            resource=group.id,
            field="Targets",
            accounts=accounts,
            values={"name": group.name},
        )
        return
    enabled = {zone.zone for zone in load_balancer.zones}
    for one in placed:
        if one.zone not in enabled | {"all"}:
            subnets = " ".join([*(zone.subnet for zone in load_balancer.zones), f"SUBNET-IN-{one.zone}"])
            yield Finding(
                code="target-zone-disabled",
                severity=Severity.ERROR,
                resource=load_balancer.id,
                field="Subnets",
                accounts=accounts,
                values={"target": one.target.target, "zone": one.zone, "name": load_balancer.name},
                fix=f"aws elbv2 set-subnets --load-balancer-arn {load_balancer.id} --subnets {subnets}",
            )
    if attributes.cross_zone(load_balancer.attributes):
        return
    count = Counter(one.zone for one in placed)
    for zone in sorted(enabled):
        used = any(one.load_balancer == load_balancer.id and one.zone == zone for one in snapshot.values(VpcEndpoint))
        targets = count[zone] + count["all"]
        if targets > 1 or (targets == 1 and not used):
            continue
        code = "zone-without-target" if targets == 0 else "zone-with-one-target"
        yield Finding(
            code=code,
            severity=Severity.ERROR if targets == 0 and used else Severity.WARNING,
            resource=load_balancer.id,
            field="load_balancing.cross_zone.enabled",
            accounts=accounts,
            values={"name": load_balancer.name, "zone": zone},
            fix=f"aws elbv2 modify-load-balancer-attributes --load-balancer-arn {load_balancer.id} "
            "--attributes Key=load_balancing.cross_zone.enabled,Value=true",
        )


def _check(group: TargetGroup) -> Findings:
    if group.health_check.protocol == "TCP":
        yield Finding(
            code="health-says-nothing",
            severity=Severity.NOTE,
            resource=group.id,
            field="HealthCheckProtocol",
            accounts=frozenset({group.account}),
            values={"name": group.name, "port": group.health_check.port},
            fix=f"aws elbv2 modify-target-group --target-group-arn {group.id} --health-check-protocol HTTP",
        )


def _acceptance(snapshot: Snapshot, endpoint: VpcEndpoint) -> Findings:
    if endpoint.state not in ("pendingAcceptance", "rejected", "expired"):
        return
    service = snapshot.get(EndpointService, endpoint.service)
    accept = f"aws ec2 accept-vpc-endpoint-connections --service-id {endpoint.service} --vpc-endpoint-ids {endpoint.id}"
    yield Finding(
        code="endpoint-not-accepted",
        severity=Severity.ERROR,
        resource=endpoint.id,
        field="State",
        accounts=frozenset({endpoint.account} | ({service.account} if service is not None else set())),
        values={"endpoint": endpoint.id, "state": endpoint.state, "service": endpoint.service_name},
        fix=accept if service is not None and endpoint.state != "expired" else "",
    )


def _mtu(snapshot: Snapshot, uplink: Uplink) -> Findings:
    carriers = balancing.Carriers(snapshot)
    carries = any(one.private_ip in carriers for one in uplinks.behind(snapshot, uplink.id))
    if carries and uplink.mtu < INTERNET_MTU + ENCAP_OVERHEAD:
        yield Finding(
            code="mtu-too-small",
            severity=Severity.ERROR,
            resource=uplink.id,
            field="MTU",
            accounts=frozenset({uplink.account}),
            values={"device": uplink.device, "mtu": str(uplink.mtu), "largest": str(uplink.mtu - ENCAP_OVERHEAD)},
            fix=f"ip link set {uplink.device} mtu {INTERNET_MTU + ENCAP_OVERHEAD}",
        )
