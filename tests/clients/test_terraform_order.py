"""examples/terraform in the provider's calls and their order. Terraform itself: not verified, it cannot be run here."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stories.server import REGION, Server

from .terraform_calls import Balancing, Endpoints, Vpcs

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "terraform" / "main.tf"
PLAYED = {
    "aws_vpc",
    "aws_subnet",
    "aws_security_group",
    "aws_instance",
    "aws_lb",
    "aws_lb_target_group",
    "aws_lb_target_group_attachment",
    "aws_lb_listener",
    "aws_vpc_endpoint_service",
    "aws_internet_gateway",
    "aws_vpc_endpoint",
    "aws_route_table",
    "aws_route_table_association",
}


def test_every_kind_of_resource_in_the_example_is_played_below():
    assert set(re.findall(r'^resource "(\w+)"', EXAMPLE.read_text(), re.MULTILINE)) == PLAYED


def test_the_example_is_applied_read_again_and_destroyed_in_the_providers_calls(server: Server):
    customer_id = server.client("sts", "consumer").get_caller_identity()["Account"]
    partner = Vpcs(server.client("ec2", "provider"))
    balancing = Balancing(server.client("ec2", "provider"), server.client("elbv2", "provider"))
    customer = Vpcs(server.client("ec2", "consumer"))
    endpoints = Endpoints(server.client("ec2", "consumer"))
    zone = f"{REGION}a"

    security = partner.vpc("10.1.0.0/16", "security")
    appliances = partner.subnet(security, "10.1.0.0/24", zone)
    geneve, health = (
        {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.1.0.0/24"}]}
        for protocol, port in (("udp", 6081), ("tcp", 80))
    )
    group = partner.security_group(security, "appliances", [geneve, health])
    instance = balancing.instance("opengwlb/inspector", appliances, group)
    balancer = balancing.load_balancer("inspection", appliances)
    targets = balancing.target_group("appliances", security)
    balancing.attachment(targets, instance)
    listener = balancing.listener(balancer, targets)
    service, service_name = balancing.service(balancer, f"arn:aws:iam::{customer_id}:root")

    shop = customer.vpc("10.0.0.0/16", "shop")
    igw = customer.internet_gateway(shop)
    application = customer.subnet(shop, "10.0.0.0/24", zone, public=True)
    for_endpoints = customer.subnet(shop, "10.0.1.0/24", zone)
    endpoint = endpoints.endpoint(shop, service_name, for_endpoints)
    tables = {
        "edge": customer.route_table(shop, "10.0.0.0/24", VpcEndpointId=endpoint),
        "inspected": customer.route_table(shop, "0.0.0.0/0", VpcEndpointId=endpoint),
        "passed": customer.route_table(shop, "0.0.0.0/0", GatewayId=igw),
    }
    associations = [
        customer.association(tables["edge"], GatewayId=igw),
        customer.association(tables["inspected"], SubnetId=application),
        customer.association(tables["passed"], SubnetId=for_endpoints),
    ]
    customer.read_vpc(shop)  # a second plan
    partner.read_vpc(security)

    for association in associations:
        customer.delete_association(association)
    for table in tables.values():
        customer.delete_route_table(table)
    endpoints.delete_endpoint(endpoint)
    for subnet in (application, for_endpoints):
        customer.delete_subnet(subnet)
    customer.delete_internet_gateway(igw, shop)
    customer.delete_vpc(shop)
    balancing.delete_service(service)
    balancing.delete_listener(listener)
    balancing.delete_attachment(targets, instance)
    balancing.delete_target_group(targets)
    balancing.delete_load_balancer(balancer)
    balancing.delete_instance(instance)
    partner.delete_security_group(group)
    partner.delete_subnet(appliances)
    partner.delete_vpc(security)
