"""The partner's side: a security VPC with two zones, firewalls behind a Gateway Load Balancer, and an endpoint service.

The in-kernel inspector stands behind a load balancer of its own, because one load balancer serves one target group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from . import plan
from .clouds import Cloud, tags
from .waits import Waits

GENEVE_PORT = 6081
HEALTH_PORT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Appliance:
    name: str
    instance: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A load balancer with its appliances, offered to customers."""

    load_balancer: str
    target_group: str
    service_id: str
    service_name: str
    appliances: tuple[Appliance, ...]


def build(cloud: Cloud, *, customers: Sequence[Cloud], waits: Waits) -> dict[str, Service]:
    """`plan.FIREWALLS` and `plan.INSPECTOR` -> their services, appliances healthy."""
    vpc = cloud.vpc(plan.SECURITY_VPC_NAME, cidr=plan.SECURITY_VPC)
    balancer_cidrs = [zone.balancer_subnet for zone in plan.PARTNER_ZONES]
    group = cloud.security_group(
        "appliances",
        vpc=vpc,
        rules=[
            ("udp", GENEVE_PORT, GENEVE_PORT, balancer_cidrs),
            ("tcp", HEALTH_PORT, HEALTH_PORT, balancer_cidrs),
        ],
    )
    balancer_subnets, firewalls, inspectors = {}, {}, {}
    for zone in plan.PARTNER_ZONES:
        at = zone.letter
        balancer_subnets[at] = cloud.subnet(f"balancer-{at}", vpc=vpc, cidr=zone.balancer_subnet, letter=at)
        appliances = cloud.subnet(f"appliances-{at}", vpc=vpc, cidr=zone.appliance_subnet, letter=at)
        for number in range(1, plan.FIREWALLS_PER_ZONE + 1):
            name = f"firewall-{at}{number}"
            firewalls[name] = cloud.instance(
                name, image="opengwlb/firewall", subnet=appliances, group=group, user_data=plan.FIREWALL_RULES
            )
    inspectors["inspector-b1"] = cloud.instance(
        "inspector-b1", image="opengwlb/inspector", subnet=appliances, group=group, user_data=plan.INSPECTOR_RULES
    )
    wait_running(cloud, ids=[*firewalls.values(), *inspectors.values()], what="the partner's appliances", waits=waits)
    described = cloud.instance_states([*firewalls.values(), *inspectors.values()])

    def appliances_of(ids: dict[str, str]) -> tuple[Appliance, ...]:
        return tuple(
            Appliance(name=name, instance=instance, address=described[instance]["PrivateIpAddress"])
            for name, instance in ids.items()
        )

    both, second = list(balancer_subnets.values()), [balancer_subnets["b"]]
    services = {
        plan.FIREWALLS: offer(cloud, plan.FIREWALLS, vpc=vpc, subnets=both, appliances=appliances_of(firewalls)),
        plan.INSPECTOR: offer(cloud, plan.INSPECTOR, vpc=vpc, subnets=second, appliances=appliances_of(inspectors)),
    }
    for service in services.values():
        cloud.ec2.modify_vpc_endpoint_service_permissions(
            ServiceId=service.service_id,
            AddAllowedPrincipals=[f"arn:aws:iam::{customer.account_id}:root" for customer in customers],
        )
    for name, service in services.items():
        _wait_active(cloud, service, name=name, waits=waits)
        wait_healthy(cloud, service, name=name, waits=waits)
    return services


def offer(cloud: Cloud, name: str, *, vpc: str, subnets: list[str], appliances: tuple[Appliance, ...]) -> Service:
    """Steps 1 to 7 of the document's tutorial."""
    made = cloud.elbv2.create_load_balancer(Name=name, Type="gateway", Subnets=subnets)
    load_balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    target_group = cloud.elbv2.create_target_group(
        Name=name,
        Protocol="GENEVE",
        Port=GENEVE_PORT,
        VpcId=vpc,
        TargetType="instance",
        HealthCheckProtocol="HTTP",
        HealthCheckPort=str(HEALTH_PORT),
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    cloud.elbv2.register_targets(
        TargetGroupArn=target_group, Targets=[{"Id": appliance.instance} for appliance in appliances]
    )
    cloud.elbv2.create_listener(
        LoadBalancerArn=load_balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}]
    )
    service = cloud.ec2.create_vpc_endpoint_service_configuration(
        GatewayLoadBalancerArns=[load_balancer],
        AcceptanceRequired=False,
        TagSpecifications=tags("vpc-endpoint-service", name),
    )["ServiceConfiguration"]
    return Service(
        load_balancer=load_balancer,
        target_group=target_group,
        service_id=service["ServiceId"],
        service_name=service["ServiceName"],
        appliances=appliances,
    )


def wait_running(cloud: Cloud, *, ids: list[str], what: str, waits: Waits) -> None:
    def look() -> tuple[bool, str]:
        states = Counter(each["State"]["Name"] for each in cloud.instance_states(ids).values())
        return states["running"] == len(ids), _counted(states)

    waits.until(f"{what} to run", look, timeout_s=120)


def _wait_active(cloud: Cloud, service: Service, *, name: str, waits: Waits) -> None:
    def look() -> tuple[bool, str]:
        answer = cloud.elbv2.describe_load_balancers(LoadBalancerArns=[service.load_balancer])
        state = answer["LoadBalancers"][0]["State"]["Code"]
        return state == "active", state

    waits.until(f"the load balancer {name} to be active", look)


def wait_healthy(cloud: Cloud, service: Service, *, name: str, waits: Waits) -> None:
    """Until probes have found every target healthy; shows states and reasons as they change."""

    def look() -> tuple[bool, str]:
        answer = cloud.elbv2.describe_target_health(TargetGroupArn=service.target_group)
        health = [each["TargetHealth"] for each in answer["TargetHealthDescriptions"]]
        states = Counter(" ".join(filter(None, (each["State"], each.get("Reason")))) for each in health)
        return all(each["State"] == "healthy" for each in health), _counted(states)

    waits.until(f"probes to find the targets of {name} healthy", look, timeout_s=120)


def _counted(states: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
