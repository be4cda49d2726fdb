"""boto3 builds, checks and removes a GWLB set-up of two accounts with its waiters, paginators and resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.stories.server import REGION, Server

from .boto3_setup import QUICK, Consumer, Provider, tagged


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[tuple[Provider, Consumer]]:
    """Both sides, connected; removed at the end, which is itself a test of every order of deletion."""
    provider = Provider(server.client("ec2", "provider"), server.client("elbv2", "provider"))
    provider.build()
    account = server.client("sts", "consumer").get_caller_identity()["Account"]
    added = provider.ec2.modify_vpc_endpoint_service_permissions(
        ServiceId=provider.made["service"], AddAllowedPrincipals=[f"arn:aws:iam::{account}:root"]
    )
    assert added["ReturnValue"] and len(added["AddedPrincipals"]) == 1
    consumer = Consumer(server.client("ec2", "consumer"), provider.made["service-name"])
    consumer.build()
    provider.ec2.accept_vpc_endpoint_connections(
        ServiceId=provider.made["service"], VpcEndpointIds=[consumer.made["endpoint"]]
    )
    yield provider, consumer
    before = nothing_left(server)
    assert before["provider"] and before["consumer"]
    consumer.remove()
    provider.remove()
    assert nothing_left(server) == {"provider": set(), "consumer": set()}


def nothing_left(server: Server) -> dict[str, set[str]]:
    """Of each account the ids of VPCs and endpoints that were made (a default VPC stays)."""
    found = {}
    for account in ("provider", "consumer"):
        ec2 = server.client("ec2", account)
        vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
        ends = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-state", "Values": ["available"]}])
        found[account] = {one["VpcId"] for one in vpcs} | {one["VpcEndpointId"] for one in ends["VpcEndpoints"]}
    return found


def error_of(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def test_routes_through_the_endpoint_are_active_once_its_connection_is_accepted(built: tuple[Provider, Consumer]):
    _, consumer = built
    (endpoint,) = consumer.ec2.describe_vpc_endpoints(VpcEndpointIds=[consumer.made["endpoint"]])["VpcEndpoints"]
    assert endpoint["State"] == "available" and endpoint["VpcEndpointType"] == "GatewayLoadBalancer"
    assert len(endpoint["NetworkInterfaceIds"]) == 1
    tables = consumer.ec2.describe_route_tables(
        Filters=[{"Name": "route.vpc-peering-connection-id", "Values": ["pcx-0"]}]
    )["RouteTables"]
    assert tables == []
    (edge,) = consumer.ec2.describe_route_tables(
        Filters=[{"Name": "association.gateway-id", "Values": [consumer.made["igw"]]}]
    )["RouteTables"]
    states = {route.get("GatewayId"): route["State"] for route in edge["Routes"]}
    assert states == {"local": "active", consumer.made["endpoint"]: "active"}


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "key"),
    [
        ("ec2", "describe_vpcs", {}, "Vpcs"),
        ("ec2", "describe_subnets", {}, "Subnets"),
        ("ec2", "describe_route_tables", {}, "RouteTables"),
        ("ec2", "describe_internet_gateways", {}, "InternetGateways"),
        ("ec2", "describe_network_interfaces", {}, "NetworkInterfaces"),
        ("ec2", "describe_network_acls", {}, "NetworkAcls"),
        ("ec2", "describe_security_groups", {}, "SecurityGroups"),
        ("ec2", "describe_security_group_rules", {}, "SecurityGroupRules"),
        ("ec2", "describe_vpc_endpoints", {}, "VpcEndpoints"),
        ("ec2", "describe_vpc_endpoint_services", {}, "ServiceDetails"),
        ("ec2", "describe_instances", {}, "Reservations"),
        ("ec2", "describe_tags", {}, "Tags"),
        ("elbv2", "describe_load_balancers", {}, "LoadBalancers"),
        ("elbv2", "describe_target_groups", {}, "TargetGroups"),
    ],
)
def test_pages_of_every_list_hold_what_one_answer_holds(
    server: Server, built: tuple[Provider, Consumer], service: str, operation: str, arguments: Any, key: str
):
    """Pages of five, the fewest that EC2 allows; of one with ELBv2."""
    size = 1 if service == "elbv2" else 5
    for account in ("provider", "consumer"):
        client = server.client(service, account)
        whole = getattr(client, operation)(**arguments)[key]
        pages = list(
            client.get_paginator(operation).paginate(**arguments, PaginationConfig={"PageSize": size, "MaxItems": 1000})
        )
        assert [one for page in pages for one in page[key]] == whole
        assert all(len(page[key]) <= size for page in pages)
        assert len(pages) >= len(whole) / size


def test_what_is_created_twice_with_the_same_arguments_is_there_once(built: tuple[Provider, Consumer]):
    provider, consumer = built
    once = dict(provider.made)
    provider.balance()
    provider.serve()
    assert provider.made == once
    once = dict(consumer.made)
    consumer.connect()
    assert consumer.made == once
    assert (
        error_of(
            consumer.ec2.create_route,
            RouteTableId=once["edge"],
            DestinationCidrBlock="10.0.0.0/24",
            GatewayId=once["igw"],
        )
        == "RouteAlreadyExists"
    )
    assert (
        error_of(consumer.ec2.attach_internet_gateway, InternetGatewayId=once["igw"], VpcId=once["vpc"])
        == "Resource.AlreadyAssociated"
    )


def test_a_name_or_token_with_other_arguments_is_refused(built: tuple[Provider, Consumer]):
    provider, consumer = built
    assert (
        error_of(provider.elb.create_load_balancer, Name="judged", Type="gateway", Subnets=[provider.made["subnet-a"]])
        == "DuplicateLoadBalancerName"
    )
    assert (
        error_of(
            provider.elb.create_target_group,
            Name="judged",
            Protocol="GENEVE",
            Port=6081,
            VpcId=provider.made["vpc"],
            HealthCheckIntervalSeconds=30,
        )
        == "DuplicateTargetGroupName"
    )
    assert (
        error_of(
            consumer.ec2.create_vpc_endpoint,
            VpcEndpointType="GatewayLoadBalancer",
            ServiceName=consumer.service_name,
            VpcId=consumer.made["vpc"],
            SubnetIds=[consumer.made["application"]],
            ClientToken="judged-endpoint",
        )
        == "IdempotentParameterMismatch"
    )


def test_nothing_that_others_stand_on_can_be_deleted(built: tuple[Provider, Consumer]):
    provider, consumer = built
    ec2, elb = provider.ec2, provider.elb
    assert error_of(ec2.delete_vpc, VpcId=provider.made["vpc"]) == "DependencyViolation"
    assert error_of(ec2.delete_subnet, SubnetId=provider.made["subnet-a"]) == "DependencyViolation"
    assert error_of(ec2.delete_security_group, GroupId=provider.made["group"]) == "DependencyViolation"
    assert error_of(elb.delete_target_group, TargetGroupArn=provider.made["targets"]) == "ResourceInUse"
    assert error_of(elb.delete_load_balancer, LoadBalancerArn=provider.made["balancer"]) == "ResourceInUse"
    refused = ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[provider.made["service"]])["Unsuccessful"]
    assert [one["Error"]["Code"] for one in refused] == ["ExistingVpcEndpointConnections"]
    made = consumer.made
    (kept,) = consumer.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["endpoint"]])["Unsuccessful"]
    assert "removed from route table" in kept["Error"]["Message"]
    assert error_of(consumer.ec2.delete_route_table, RouteTableId=made["edge"]) == "DependencyViolation"
    assert error_of(consumer.ec2.delete_internet_gateway, InternetGatewayId=made["igw"]) == "DependencyViolation"
    assert error_of(consumer.ec2.delete_network_acl, NetworkAclId=made["acl"]) == "DependencyViolation"


def test_the_consumer_sees_nothing_of_the_provider_but_the_service(built: tuple[Provider, Consumer], server: Server):
    provider, consumer = built
    assert error_of(consumer.ec2.describe_vpcs, VpcIds=[provider.made["vpc"]]) == "InvalidVpcID.NotFound"
    elb = server.client("elbv2", "consumer")
    assert elb.describe_load_balancers()["LoadBalancers"] == []
    assert error_of(elb.describe_load_balancers, LoadBalancerArns=[provider.made["balancer"]]) == "LoadBalancerNotFound"
    (seen,) = consumer.ec2.describe_vpc_endpoint_services(ServiceNames=[consumer.service_name])["ServiceDetails"]
    assert seen["AcceptanceRequired"] is True and seen["ServiceType"] == [{"ServiceType": "GatewayLoadBalancer"}]
    connections = provider.ec2.get_paginator("describe_vpc_endpoint_connections").paginate(
        Filters=[{"Name": "service-id", "Values": [provider.made["service"]]}]
    )
    (connection,) = connections.build_full_result()["VpcEndpointConnections"]
    assert connection["VpcEndpointState"] == "available"
    assert connection["VpcEndpointId"] == consumer.made["endpoint"]


def test_tags_given_on_create_are_found_by_every_filter(built: tuple[Provider, Consumer]):
    provider, consumer = built
    by_tag = [{"Name": "tag:environment", "Values": ["judg*"]}]
    assert [vpc["VpcId"] for vpc in consumer.ec2.describe_vpcs(Filters=by_tag)["Vpcs"]] == [consumer.made["vpc"]]
    kinds = {
        one["ResourceType"] for one in consumer.ec2.describe_tags(Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]
    }
    assert kinds >= {"vpc", "subnet", "internet-gateway", "route-table", "vpc-endpoint", "network-acl"}
    (described,) = provider.elb.describe_tags(ResourceArns=[provider.made["balancer"]])["TagDescriptions"]
    assert described["Tags"] == [{"Key": "environment", "Value": "judged"}]


def test_resources_of_boto3_walk_from_the_vpc_to_what_is_in_it(built: tuple[Provider, Consumer], server: Server):
    _, consumer = built
    key = consumer.ec2._request_signer._credentials
    ec2 = boto3.resource(
        "ec2",
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
    )
    vpc = ec2.Vpc(consumer.made["vpc"])
    assert {one.id for one in vpc.subnets.all()} == {consumer.made["application"], consumer.made["endpoints"]}
    assert [one.id for one in vpc.internet_gateways.all()] == [consumer.made["igw"]]
    assert {one.id for one in vpc.route_tables.all()} >= {consumer.made["edge"], consumer.made["inspected"]}
    assert {one.id for one in vpc.network_acls.all()} == {consumer.made["acl"], consumer.made["default-acl"]}
    group = vpc.create_security_group(GroupName="from-resource", Description="made and gone")
    group.authorize_ingress(IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="0.0.0.0/0")
    group.reload()
    assert group.ip_permissions[0]["ToPort"] == 443
    group.delete()
    table = vpc.create_route_table(TagSpecifications=tagged("route-table", "spare"))
    ec2.meta.client.get_waiter("vpc_exists").wait(VpcIds=[vpc.id], WaiterConfig=QUICK)
    table.delete()
    assert table.id not in {one.id for one in vpc.route_tables.all()}


def test_dry_run_says_that_it_would_have_worked_and_does_nothing(built: tuple[Provider, Consumer]):
    _, consumer = built
    with pytest.raises(ClientError) as said:
        consumer.ec2.delete_subnet(SubnetId=consumer.made["application"], DryRun=True)
    assert said.value.response["Error"]["Code"] == "DryRunOperation"
    assert said.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert consumer.ec2.describe_subnets(SubnetIds=[consumer.made["application"]])["Subnets"]
