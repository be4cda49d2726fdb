"""The network of the document from the first call to the last: two customers with equal addresses, built and taken down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from api_harness import Api, refused

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import routing

PARTNER, FIRST, SECOND = "111111111111", "222222222222", "333333333333"


def offer_service(partner: Api, *customers: str) -> str:
    """The partner's load balancer behind an endpoint service; its name."""
    vpc = partner.ec2("CreateVpc", CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    subnet = partner.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.100.1.0/24")["Subnet"]["SubnetId"]
    (balancer,) = partner.elbv2("CreateLoadBalancer", Name="partner", Type="gateway", Subnets=[subnet])["LoadBalancers"]
    service = partner.ec2(
        "CreateVpcEndpointServiceConfiguration",
        GatewayLoadBalancerArns=[balancer["LoadBalancerArn"]],
        AcceptanceRequired=False,
    )["ServiceConfiguration"]
    partner.ec2(
        "ModifyVpcEndpointServicePermissions",
        ServiceId=service["ServiceId"],
        AddAllowedPrincipals=[f"arn:aws:iam::{customer}:root" for customer in customers],
    )
    with refused("DependencyViolation"):
        partner.ec2("DeleteSubnet", SubnetId=subnet)
    return str(service["ServiceName"])


def build(customer: Api, service: str) -> dict[str, str]:
    """The customer's side of facts 6.2, one zone."""
    made: dict[str, str] = {}
    vpc = made["vpc"] = customer.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = made["gateway"] = customer.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    customer.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    for name, cidr in (("app", "10.0.0.32/28"), ("inspected", "10.0.0.64/28")):
        subnet = customer.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone="ap-northeast-2a")
        made[name] = subnet["Subnet"]["SubnetId"]
    endpoint = made["endpoint"] = customer.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=service,
        VpcId=vpc,
        SubnetIds=[made["inspected"]],
    )["VpcEndpoint"]["VpcEndpointId"]
    routes = {
        "edge table": ("10.0.0.32/28", {"VpcEndpointId": endpoint}, {"GatewayId": gateway}),
        "app table": ("0.0.0.0/0", {"VpcEndpointId": endpoint}, {"SubnetId": made["app"]}),
        "endpoint table": ("0.0.0.0/0", {"GatewayId": gateway}, {"SubnetId": made["inspected"]}),
    }
    for name, (destination, target, associated) in routes.items():
        table = made[name] = customer.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
        customer.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock=destination, **target)
        made[f"{name} association"] = customer.ec2("AssociateRouteTable", RouteTableId=table, **associated)[
            "AssociationId"
        ]
    return made


def take_down(customer: Api, made: dict[str, str]) -> None:
    for name in ("edge table", "app table", "endpoint table"):
        customer.ec2("DisassociateRouteTable", AssociationId=made[f"{name} association"])
        customer.ec2("DeleteRouteTable", RouteTableId=made[name])
    customer.ec2("DeleteVpcEndpoints", VpcEndpointIds=[made["endpoint"]])
    finish_deleting(customer, made["endpoint"])
    customer.ec2("DetachInternetGateway", InternetGatewayId=made["gateway"], VpcId=made["vpc"])
    customer.ec2("DeleteInternetGateway", InternetGatewayId=made["gateway"])
    for name in ("app", "inspected"):
        customer.ec2("DeleteSubnet", SubnetId=made[name])
    customer.ec2("DeleteVpc", VpcId=made["vpc"])


def finish_deleting(customer: Api, endpoint_id: str) -> None:
    """What the reconciler does once the link is gone."""
    endpoint = customer.store.snapshot().get(VpcEndpoint, endpoint_id)
    assert endpoint is not None

    def work(tx) -> None:
        tx.delete(VpcEndpoint, endpoint.id)
        tx.delete(NetworkInterface, endpoint.network_interface)

    customer.store.transact(work)


@pytest.fixture
def customers(api: Api) -> tuple[Api, Api]:
    return api.of(FIRST), api.of(SECOND)


def test_two_customers_with_equal_addresses_do_not_see_each_other(api: Api, customers: tuple[Api, Api]):
    service = offer_service(api.of(PARTNER), FIRST, SECOND)
    first, second = (build(customer, service) for customer in customers)
    for customer, made in zip(customers, (first, second), strict=True):
        shown = customer.ec2("DescribeRouteTables", Filters=[{"Name": "vpc-id", "Values": [made["vpc"]]}])
        states = {route["State"] for table in shown["RouteTables"] for route in table["Routes"]}
        assert states == {"active"}
        assert len(shown["RouteTables"]) == 4
    with refused("InvalidVpcEndpointId.NotFound"):
        customers[0].ec2(
            "ReplaceRoute",
            RouteTableId=first["app table"],
            DestinationCidrBlock="0.0.0.0/0",
            VpcEndpointId=second["endpoint"],
        )
    assert routing.loops(api.store.snapshot()) == []


def test_what_was_built_is_taken_down_and_leaves_nothing(api: Api, customers: tuple[Api, Api]):
    service = offer_service(api.of(PARTNER), FIRST)
    customer = customers[0]
    customer.ec2("DescribeVpcs")
    before = {kind: count(customer, kind) for kind in KINDS}
    made = build(customer, service)
    assert {kind: count(customer, kind) for kind in KINDS} != before
    with refused("DependencyViolation"):
        customer.ec2("DeleteVpc", VpcId=made["vpc"])
    take_down(customer, made)
    assert {kind: count(customer, kind) for kind in KINDS} == before


def test_a_rejected_endpoint_keeps_its_route_and_a_deleted_one_blackholes_it(api: Api, customers: tuple[Api, Api]):
    service = offer_service(api.of(PARTNER), FIRST)
    customer = customers[0]
    made = build(customer, service)

    def state() -> str:
        (table,) = customer.ec2("DescribeRouteTables", RouteTableIds=[made["app table"]])["RouteTables"]
        return str(table["Routes"][1]["State"])

    endpoint = customer.store.snapshot().get(VpcEndpoint, made["endpoint"])
    assert endpoint is not None
    customer.put(replace(endpoint, state="rejected"))
    assert state() == "active"
    finish_deleting(customer, endpoint.id)
    assert state() == "blackhole"


KINDS = {
    "DescribeVpcs": "Vpcs",
    "DescribeSubnets": "Subnets",
    "DescribeInternetGateways": "InternetGateways",
    "DescribeRouteTables": "RouteTables",
    "DescribeSecurityGroups": "SecurityGroups",
    "DescribeNetworkInterfaces": "NetworkInterfaces",
}


def count(customer: Api, kind: str) -> int:
    return len(customer.ec2(kind)[KINDS[kind]])
