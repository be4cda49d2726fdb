"""The scenario: what a Gateway Load Balancer is built of, the calls that AWS refuses on the way, and the states things pass through.

One account plays provider and consumer. Nothing is launched: the one target is an address where nobody is, so its health is a fact too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .recorder import Recorder

COSTS = (
    "1 Gateway Load Balancer in one zone, 1 Gateway Load Balancer endpoint, for some minutes: on AWS each is charged by the begun hour",
    "2 VPCs, 3 subnets, 1 internet gateway, 2 route tables, 1 target group, 1 endpoint service: free of charge",
)
"""What is made; the prices are on AWS's pages for Elastic Load Balancing and PrivateLink."""
PROVIDER, CONSUMER = "10.61.0.0/16", "10.62.0.0/16"
NODES, APPLICATION, ENDPOINTS = "10.61.0.0/24", "10.62.1.0/24", "10.62.2.0/24"
NOBODY = "10.61.0.200"
"""The target's address."""
LOST = "0123456789abcdef0"


def run(record: Recorder, *, suffix: str, zone: str, patience_s: float) -> None:
    """`suffix` makes the run's names its own; `patience_s` bounds each wait. Raises ClientError."""
    provider = _vpc(record, "provider", PROVIDER)
    nodes = _subnet(record, "nodes", vpc=provider, cidr=NODES, zone=zone)
    balancer, group, service = _service(record, vpc=provider, subnet=nodes, suffix=suffix, patience_s=patience_s)
    consumer = _vpc(record, "consumer", CONSUMER)
    application = _subnet(record, "application", vpc=consumer, cidr=APPLICATION, zone=zone)
    endpoints = _subnet(record, "endpoints", vpc=consumer, cidr=ENDPOINTS, zone=zone)
    _consumer(
        record, vpc=consumer, application=application, endpoints=endpoints, service=service, patience_s=patience_s
    )
    _refusals_of_vpcs(record, vpc=consumer)
    _refusals_of_balancers(record, balancer=balancer, group=group, vpc=provider, subnet=nodes, suffix=suffix)
    _refusals_of_endpoints(record, vpc=consumer, subnets=[application, endpoints], service=service)
    _health(record, group=group, patience_s=patience_s)


def _vpc(record: Recorder, name: str, cidr: str) -> str:
    vpc = str(record.call(f"vpc {name}", "ec2", "CreateVpc", CidrBlock=cidr)["Vpc"]["VpcId"])
    record.later(f"vpc {vpc}", "ec2", "DeleteVpc", VpcId=vpc)

    def state() -> str | None:
        (one,) = record.ask("ec2", "DescribeVpcs", VpcIds=[vpc])["Vpcs"]
        return str(one["State"])

    record.states(f"vpc {name} available", state, until=lambda now: now == "available", most_s=60)
    record.call(f"vpc {name} described", "ec2", "DescribeVpcs", VpcIds=[vpc])
    return vpc


def _subnet(record: Recorder, name: str, *, vpc: str, cidr: str, zone: str) -> str:
    made = record.call(f"subnet {name}", "ec2", "CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)
    subnet = str(made["Subnet"]["SubnetId"])
    record.later(f"subnet {subnet}", "ec2", "DeleteSubnet", SubnetId=subnet)
    return subnet


def _service(
    record: Recorder, *, vpc: str, subnet: str, suffix: str, patience_s: float
) -> tuple[str, str, dict[str, Any]]:
    made = record.call(
        "load balancer",
        "elbv2",
        "CreateLoadBalancer",
        Name=f"parity-{suffix}",
        Type="gateway",
        Subnets=[subnet],
        Tags=[{"Key": "made-by", "Value": "parity"}],
    )
    balancer = str(made["LoadBalancers"][0]["LoadBalancerArn"])
    record.later(f"load balancer {balancer}", "elbv2", "DeleteLoadBalancer", LoadBalancerArn=balancer)
    made = record.call(
        "target group",
        "elbv2",
        "CreateTargetGroup",
        Name=f"parity-{suffix}",
        Protocol="GENEVE",
        Port=6081,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
    )
    group = str(made["TargetGroups"][0]["TargetGroupArn"])
    record.later(f"target group {group}", "elbv2", "DeleteTargetGroup", TargetGroupArn=group)
    record.call("target", "elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": NOBODY}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    made = record.call("listener", "elbv2", "CreateListener", LoadBalancerArn=balancer, DefaultActions=forward)
    listener = str(made["Listeners"][0]["ListenerArn"])
    record.later(f"listener {listener}", "elbv2", "DeleteListener", ListenerArn=listener)

    def state() -> str | None:
        (one,) = record.ask("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[balancer])["LoadBalancers"]
        return str(one["State"]["Code"])

    record.states("load balancer active", state, until=lambda now: now == "active", most_s=patience_s)
    record.call("load balancer described", "elbv2", "DescribeLoadBalancers", LoadBalancerArns=[balancer])
    record.call("its attributes", "elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=balancer)
    record.call("target group's attributes", "elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=group)
    record.call("listener's attributes", "elbv2", "DescribeListenerAttributes", ListenerArn=listener)
    record.call(
        "load balancer's interface",
        "ec2",
        "DescribeNetworkInterfaces",
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "interface-type", "Values": ["gateway_load_balancer"]}],
    )
    made = record.call(
        "endpoint service",
        "ec2",
        "CreateVpcEndpointServiceConfiguration",
        GatewayLoadBalancerArns=[balancer],
        AcceptanceRequired=True,
    )
    service: dict[str, Any] = made["ServiceConfiguration"]
    record.later(
        f"endpoint service {service['ServiceId']}",
        "ec2",
        "DeleteVpcEndpointServiceConfigurations",
        ServiceIds=[service["ServiceId"]],
    )
    return balancer, group, service


def _consumer(
    record: Recorder, *, vpc: str, application: str, endpoints: str, service: dict[str, Any], patience_s: float
) -> None:
    gateway = str(record.call("gateway", "ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"])
    record.later(f"internet gateway {gateway}", "ec2", "DeleteInternetGateway", InternetGatewayId=gateway)
    record.call("gateway attached", "ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    record.later("the gateway's attachment", "ec2", "DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    made = record.call(
        "endpoint",
        "ec2",
        "CreateVpcEndpoint",
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=vpc,
        ServiceName=service["ServiceName"],
        SubnetIds=[endpoints],
    )
    endpoint = str(made["VpcEndpoint"]["VpcEndpointId"])
    record.later(f"endpoint {endpoint}", "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint])
    look = _endpoint_state(record, endpoint)
    record.states(
        "endpoint waits for acceptance", look, until=lambda now: now == "pendingAcceptance", most_s=min(60, patience_s)
    )
    asked = {"ServiceId": service["ServiceId"], "VpcEndpointIds": [endpoint]}
    record.call("connection accepted", "ec2", "AcceptVpcEndpointConnections", **asked)
    record.states("endpoint available", look, until=lambda now: now == "available", most_s=patience_s)
    record.call("endpoint described", "ec2", "DescribeVpcEndpoints", VpcEndpointIds=[endpoint])
    record.call(
        "connections described",
        "ec2",
        "DescribeVpcEndpointConnections",
        Filters=[{"Name": "service-id", "Values": [service["ServiceId"]]}],
    )
    edge = _table(record, "edge", vpc=vpc)
    inspected = _table(record, "application", vpc=vpc)
    _associated(record, "edge", table=edge, GatewayId=gateway)
    _associated(record, "application", table=inspected, SubnetId=application)
    for name, table, destination in (("edge", edge, APPLICATION), ("application", inspected, "0.0.0.0/0")):
        route = {"RouteTableId": table, "DestinationCidrBlock": destination}
        record.call(f"route of {name} table", "ec2", "CreateRoute", **route, VpcEndpointId=endpoint)
        record.later(f"route of {table}", "ec2", "DeleteRoute", **route)
        record.refused(f"the same route of {name} table", "ec2", "CreateRoute", **route, VpcEndpointId=endpoint)
    record.call("route tables described", "ec2", "DescribeRouteTables", RouteTableIds=[edge, inspected])
    record.call("endpoint in use", "ec2", "DeleteVpcEndpoints", VpcEndpointIds=[endpoint])
    record.refused("a gateway as a gateway's target", "ec2", "CreateRoute", RouteTableId=edge,
                   DestinationCidrBlock=ENDPOINTS, GatewayId=gateway)  # fmt: skip
    record.refused("outside the VPC", "ec2", "CreateRoute", RouteTableId=edge,
                   DestinationCidrBlock="172.16.0.0/16", VpcEndpointId=endpoint)  # fmt: skip
    record.refused("a route that is not there", "ec2", "ReplaceRoute", RouteTableId=inspected,
                   DestinationCidrBlock="172.16.0.0/16", VpcEndpointId=endpoint)  # fmt: skip
    record.call("service in use", "ec2", "DeleteVpcEndpointServiceConfigurations", ServiceIds=[service["ServiceId"]])


def _endpoint_state(record: Recorder, endpoint: str) -> Callable[[], str | None]:
    def state() -> str | None:
        (one,) = record.ask("ec2", "DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"]
        return str(one["State"])

    return state


def _table(record: Recorder, name: str, *, vpc: str) -> str:
    table = str(record.call(f"{name} table", "ec2", "CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"])
    record.later(f"route table {table}", "ec2", "DeleteRouteTable", RouteTableId=table)
    return table


def _associated(record: Recorder, name: str, *, table: str, **what: str) -> None:
    made = record.call(f"{name} table associated", "ec2", "AssociateRouteTable", RouteTableId=table, **what)
    record.later(f"association of {table}", "ec2", "DisassociateRouteTable", AssociationId=made["AssociationId"])


def _refusals_of_vpcs(record: Recorder, *, vpc: str) -> None:
    record.refused("VPC that is not there", "ec2", "DescribeVpcs", VpcIds=[f"vpc-{LOST}"])
    record.refused("id that is none", "ec2", "DescribeVpcs", VpcIds=["subnet-1"])
    record.refused("VPC that is too large", "ec2", "CreateVpc", CidrBlock="10.0.0.0/8")
    record.refused("no block", "ec2", "CreateVpc", CidrBlock="10.0.0.0")
    record.refused("subnet outside", "ec2", "CreateSubnet", VpcId=vpc, CidrBlock="192.168.0.0/24")
    record.refused("subnet over another", "ec2", "CreateSubnet", VpcId=vpc, CidrBlock=APPLICATION)
    record.refused("VPC in use", "ec2", "DeleteVpc", VpcId=vpc)
    record.refused("dry run", "ec2", "CreateVpc", CidrBlock="10.0.0.0/16", DryRun=True)
    record.refused("unknown filter", "ec2", "DescribeVpcs", Filters=[{"Name": "colour", "Values": ["blue"]}])


def _refusals_of_balancers(record: Recorder, *, balancer: str, group: str, vpc: str, subnet: str, suffix: str) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    record.refused("listener with a port", "elbv2", "CreateListener", LoadBalancerArn=balancer, Port=80,
                   DefaultActions=forward)  # fmt: skip
    record.refused("listener with a protocol", "elbv2", "CreateListener", LoadBalancerArn=balancer, Protocol="GENEVE",
                   DefaultActions=forward)  # fmt: skip
    record.refused("GENEVE on another port", "elbv2", "CreateTargetGroup", Name=f"p-{suffix}", Protocol="GENEVE",
                   Port=80, VpcId=vpc)  # fmt: skip
    record.refused("other settings", "elbv2", "CreateTargetGroup", Name=f"parity-{suffix}", Protocol="GENEVE",
                   Port=6081, VpcId=vpc, HealthCheckIntervalSeconds=30)  # fmt: skip
    record.refused("timeout above the interval", "elbv2", "ModifyTargetGroup", TargetGroupArn=group,
                   HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=30)  # fmt: skip
    for key, value in (("colour", "blue"), ("stickiness.type", "lb_cookie"), ("deregistration_delay.timeout_seconds", "9999"),
                       ("target_failover.on_unhealthy", "rebalance")):  # fmt: skip
        record.refused(f"attribute {key}", "elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=group,
                       Attributes=[{"Key": key, "Value": value}])  # fmt: skip
    record.refused("public target", "elbv2", "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "8.8.8.8"}])
    record.refused("target group in use", "elbv2", "DeleteTargetGroup", TargetGroupArn=group)
    record.refused("load balancer in use", "elbv2", "DeleteLoadBalancer", LoadBalancerArn=balancer)
    record.refused("load balancer not there", "elbv2", "DescribeLoadBalancers", Names=[f"lost-{suffix}"])
    record.refused(
        "security groups", "elbv2", "SetSecurityGroups", LoadBalancerArn=balancer, SecurityGroups=[f"sg-{LOST}"]
    )
    record.refused("scheme", "elbv2", "CreateLoadBalancer", Name=f"s-{suffix}", Type="gateway", Scheme="internal",
                   Subnets=[subnet])  # fmt: skip


def _refusals_of_endpoints(record: Recorder, *, vpc: str, subnets: list[str], service: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"VpcEndpointType": "GatewayLoadBalancer", "VpcId": vpc}
    name = service["ServiceName"]
    record.refused("two subnets", "ec2", "CreateVpcEndpoint", **asked, ServiceName=name, SubnetIds=subnets)
    record.refused("unknown service", "ec2", "CreateVpcEndpoint", **asked, SubnetIds=subnets[:1],
                   ServiceName=name.rpartition("-")[0] + f"-{LOST}")  # fmt: skip
    record.refused("private DNS", "ec2", "CreateVpcEndpoint", **asked, ServiceName=name, SubnetIds=subnets[:1],
                   PrivateDnsEnabled=True)  # fmt: skip
    record.refused("endpoint not there", "ec2", "DescribeVpcEndpoints", VpcEndpointIds=[f"vpce-{LOST}"])
    record.refused("no load balancer", "ec2", "CreateVpcEndpointServiceConfiguration", AcceptanceRequired=True)


def _health(record: Recorder, *, group: str, patience_s: float) -> None:
    """Of the address where nobody is. Last, so that the checks have their time while the rest is asked."""

    def state() -> str | None:
        answer = record.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=group)
        (one,) = answer["TargetHealthDescriptions"]
        return str(one["TargetHealth"]["State"])

    settled = ("unhealthy", "unavailable")
    record.states("target's health", state, until=lambda now: now in settled, most_s=min(120, patience_s))
    record.call("target health described", "elbv2", "DescribeTargetHealth", TargetGroupArn=group)
    record.call("target gone", "elbv2", "DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": NOBODY}])
    record.call("target that was never there gone", "elbv2", "DeregisterTargets", TargetGroupArn=group,
                Targets=[{"Id": "10.61.0.201"}])  # fmt: skip
