"""Endpoint services and endpoints: two accounts, one load balancer between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.privatelink import VpcEndpoint

CONSUMER = "222222222222"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A provider with a load balancer in zones a and b, and a consumer with a subnet in a and one in c."""

    provider: Api
    consumer: Api
    load_balancer: str
    vpc: str
    subnet: str
    subnet_c: str


def vpc_with_subnets(api: Api, cidr: str, *zones: str) -> tuple[str, list[str]]:
    vpc = api.ec2("CreateVpc", CidrBlock=f"{cidr}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=f"{cidr}.{index}.0/24", AvailabilityZone=f"ap-northeast-2{zone}")
        for index, zone in enumerate(zones)
    ]
    return vpc, [subnet["Subnet"]["SubnetId"] for subnet in subnets]


@pytest.fixture
def lab(api: Api) -> Lab:
    consumer = api.of(CONSUMER)
    _, provider_subnets = vpc_with_subnets(api, "10.1", "a", "b")
    made = api.elbv2("CreateLoadBalancer", Name="lb", Type="gateway", Subnets=provider_subnets)
    vpc, (subnet, subnet_c) = vpc_with_subnets(consumer, "10.0", "a", "c")
    return Lab(
        provider=api,
        consumer=consumer,
        load_balancer=made["LoadBalancers"][0]["LoadBalancerArn"],
        vpc=vpc,
        subnet=subnet,
        subnet_c=subnet_c,
    )


def make_service(lab: Lab, *, allow: str | None = f"arn:aws:iam::{CONSUMER}:root", **more: Any) -> dict[str, Any]:
    more = {"AcceptanceRequired": False, **more}
    answer = lab.provider.ec2(
        "CreateVpcEndpointServiceConfiguration", GatewayLoadBalancerArns=[lab.load_balancer], **more
    )
    service: dict[str, Any] = answer["ServiceConfiguration"]
    if allow is not None:
        lab.provider.ec2(
            "ModifyVpcEndpointServicePermissions", ServiceId=service["ServiceId"], AddAllowedPrincipals=[allow]
        )
    return service


def make_endpoint(lab: Lab, service: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {
        "VpcEndpointType": "GatewayLoadBalancer",
        "ServiceName": service["ServiceName"],
        "VpcId": lab.vpc,
        "SubnetIds": [lab.subnet],
        **more,
    }
    return lab.consumer.ec2("CreateVpcEndpoint", **asked)["VpcEndpoint"]


def state_of(lab: Lab, endpoint: str) -> str:
    (shown,) = lab.consumer.ec2("DescribeVpcEndpoints", VpcEndpointIds=[endpoint])["VpcEndpoints"]
    return shown["State"]


def test_a_service_offers_the_zones_of_its_load_balancers(lab: Lab):
    service = make_service(lab)
    assert re.fullmatch(r"vpce-svc-0[0-9a-f]{16}", service["ServiceId"])
    assert service == {
        "ServiceType": [{"ServiceType": "GatewayLoadBalancer"}],
        "ServiceId": service["ServiceId"],
        "ServiceName": f"com.amazonaws.vpce.ap-northeast-2.{service['ServiceId']}",
        "ServiceState": "Available",
        "AvailabilityZones": ["ap-northeast-2a", "ap-northeast-2b"],
        "AvailabilityZoneIds": ["apne2-az1", "apne2-az2"],
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "GatewayLoadBalancerArns": [lab.load_balancer],
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }
    described = lab.provider.ec2("DescribeVpcEndpointServiceConfigurations", ServiceIds=[service["ServiceId"]])
    assert described["ServiceConfigurations"] == [service]


def test_a_service_needs_gateway_load_balancers_that_exist(lab: Lab):
    create = "CreateVpcEndpointServiceConfiguration"
    with refused("InvalidParameter", "exactly one of network_load_balancer_arn or gateway_load_balancer_arn"):
        lab.provider.ec2(create)
    with refused("UnsupportedOperation", "NetworkLoadBalancerArns"):
        lab.provider.ec2(create, NetworkLoadBalancerArns=[lab.load_balancer])
    with refused("InvalidParameter", "does not exist"):
        lab.consumer.ec2(create, GatewayLoadBalancerArns=[lab.load_balancer])
    with refused("UnsupportedOperation", "PrivateDnsName"):
        make_service(lab, PrivateDnsName="example.com")
    with refused("InvalidParameter", "ipv6"):
        make_service(lab, SupportedIpAddressTypes=["ipv4", "ipv6"])
    assert lab.provider.ec2("DescribeVpcEndpointServiceConfigurations")["ServiceConfigurations"] == []


def test_acceptance_is_required_unless_said_otherwise_and_tokens_are_honoured(lab: Lab):
    create = {"GatewayLoadBalancerArns": [lab.load_balancer], "ClientToken": "once"}
    first = lab.provider.ec2("CreateVpcEndpointServiceConfiguration", **create)
    assert first == lab.provider.ec2("CreateVpcEndpointServiceConfiguration", **create)
    assert (first["ServiceConfiguration"]["AcceptanceRequired"], first["ClientToken"]) == (True, "once")
    with refused("IdempotentParameterMismatch"):
        lab.provider.ec2("CreateVpcEndpointServiceConfiguration", AcceptanceRequired=False, **create)


def test_only_permitted_accounts_see_a_service_and_can_connect(lab: Lab):
    service = make_service(lab, allow=None)
    name = service["ServiceName"]
    known = ("ec2", "elasticloadbalancing", "monitoring", "ssm", "sts", "tagging")
    of_aws = [f"com.amazonaws.ap-northeast-2.{each}" for each in known]
    assert lab.consumer.ec2("DescribeVpcEndpointServices")["ServiceNames"] == of_aws
    with refused("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist"):
        lab.consumer.ec2("DescribeVpcEndpointServices", ServiceNames=[name])
    with refused("InvalidServiceName"):
        make_endpoint(lab, service)
    assert lab.provider.ec2("DescribeVpcEndpointServices")["ServiceNames"] == [*of_aws, name]
    added = lab.provider.ec2(
        "ModifyVpcEndpointServicePermissions",
        ServiceId=service["ServiceId"],
        AddAllowedPrincipals=[f"arn:aws:iam::{CONSUMER}:root"],
    )
    assert added["ReturnValue"] is True
    (principal,) = added["AddedPrincipals"]
    assert (principal["PrincipalType"], principal["ServiceId"]) == ("Account", service["ServiceId"])
    (details,) = lab.consumer.ec2("DescribeVpcEndpointServices", ServiceNames=[name])["ServiceDetails"]
    assert (details["Owner"], details["AvailabilityZones"]) == (
        lab.provider.account,
        ["ap-northeast-2a", "ap-northeast-2b"],
    )
    make_endpoint(lab, service)


def test_permissions_are_listed_filtered_and_taken_back(lab: Lab):
    service = make_service(lab, allow="*")["ServiceId"]
    modify, describe = "ModifyVpcEndpointServicePermissions", "DescribeVpcEndpointServicePermissions"
    root = f"arn:aws:iam::{CONSUMER}:root"
    lab.provider.ec2(modify, ServiceId=service, AddAllowedPrincipals=[root], RemoveAllowedPrincipals=["*"])
    (allowed,) = lab.provider.ec2(describe, ServiceId=service)["AllowedPrincipals"]
    assert allowed["Principal"] == root
    everyone = [{"Name": "principal-type", "Values": ["All"]}]
    assert lab.provider.ec2(describe, ServiceId=service, Filters=everyone)["AllowedPrincipals"] == []
    with refused("InvalidPrincipal"):
        lab.provider.ec2(modify, ServiceId=service, AddAllowedPrincipals=[CONSUMER])
    with refused("InvalidVpcEndpointServiceId.NotFound"):
        lab.consumer.ec2(modify, ServiceId=service, AddAllowedPrincipals=[root])


def test_an_endpoint_is_answered_as_aws_does_and_has_its_network_interface(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service, PrivateDnsEnabled=False)
    assert (endpoint["State"], endpoint["SubnetIds"], endpoint["OwnerId"]) == ("pending", [lab.subnet], CONSUMER)
    assert not {"PolicyDocument", "Groups", "DnsEntries"} & set(endpoint)
    (interface,) = lab.consumer.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert interface["InterfaceType"] == "gateway_load_balancer_endpoint"
    assert interface["Description"] == f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"
    stored = lab.consumer.store.snapshot().get(VpcEndpoint, endpoint["VpcEndpointId"])
    assert stored is not None and stored.load_balancer == lab.load_balancer


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"VpcEndpointType": "Interface"}, "InvalidParameter", "Endpoint type (Interface) does not match"),
        ({"VpcEndpointType": "Gateway"}, "UnsupportedOperation", "GatewayLoadBalancer"),
        ({"SecurityGroupIds": ["sg-1"]}, "UnsupportedOperation", "SecurityGroupIds"),
        ({"PrivateDnsEnabled": True}, "UnsupportedOperation", "PrivateDnsEnabled"),
        ({"IpAddressType": "dualstack"}, "InvalidParameter", "dualstack"),
        ({"SubnetIds": []}, "InvalidParameter", "exactly one subnet"),
        ({"SubnetIds": ["subnet-1", "subnet-2"]}, "InvalidParameter", "exactly one subnet"),
        ({"SubnetIds": ["subnet-00000000000000000"]}, "InvalidSubnetID.NotFound", "does not exist"),
        ({"VpcId": "vpc-00000000000000000"}, "InvalidVpcID.NotFound", "does not exist"),
        ({"ServiceName": "com.amazonaws.vpce.ap-northeast-2.vpce-svc-0"}, "InvalidServiceName", "does not exist"),
        ({"ServiceName": ""}, "MissingParameter", "ServiceName"),
        ({"DryRun": True}, "DryRunOperation", "would have succeeded"),
    ],
)
def test_an_endpoint_that_aws_would_refuse_is_refused(lab: Lab, params: dict[str, Any], code: str, words: str):
    service = make_service(lab)
    with refused(code, words):
        make_endpoint(lab, service, **params)
    assert lab.consumer.ec2("DescribeVpcEndpoints")["VpcEndpoints"] == []


def test_an_endpoints_zone_must_be_offered_and_its_subnet_be_in_the_vpc(lab: Lab):
    service = make_service(lab)
    with refused("InvalidParameter", "does not support the availability zone of the subnet", lab.subnet_c):
        make_endpoint(lab, service, SubnetIds=[lab.subnet_c])
    _, (elsewhere,) = vpc_with_subnets(lab.consumer, "10.7", "a")
    with refused("InvalidParameter", "does not belong to VPC"):
        make_endpoint(lab, service, SubnetIds=[elsewhere])


def test_the_same_client_token_makes_one_endpoint(lab: Lab):
    service = make_service(lab)
    first = make_endpoint(lab, service, ClientToken="once")
    assert make_endpoint(lab, service, ClientToken="once") == first
    assert len(lab.consumer.ec2("DescribeVpcEndpoints")["VpcEndpoints"]) == 1


def test_a_connection_waits_until_the_provider_accepts_and_may_be_rejected_later(lab: Lab):
    service = make_service(lab, AcceptanceRequired=True)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    assert state_of(lab, endpoint) == "pendingAcceptance"
    (connection,) = lab.provider.ec2("DescribeVpcEndpointConnections")["VpcEndpointConnections"]
    assert (connection["VpcEndpointOwner"], connection["VpcEndpointState"]) == (CONSUMER, "pendingAcceptance")
    assert lab.consumer.ec2("DescribeVpcEndpointConnections")["VpcEndpointConnections"] == []
    ids = {"ServiceId": service["ServiceId"], "VpcEndpointIds": [endpoint]}
    assert lab.provider.ec2("AcceptVpcEndpointConnections", **ids) == {"Unsuccessful": []}
    assert state_of(lab, endpoint) == "pending"
    (failure,) = lab.provider.ec2("AcceptVpcEndpointConnections", **ids)["Unsuccessful"]
    assert (failure["ResourceId"], failure["Error"]["Code"]) == (endpoint, "InvalidState")
    lab.provider.ec2("RejectVpcEndpointConnections", **ids)
    assert state_of(lab, endpoint) == "rejected"
    with refused("InvalidVpcEndpointServiceId.NotFound"):
        lab.consumer.ec2("AcceptVpcEndpointConnections", **ids)


def test_an_endpoint_is_deleted_only_after_its_routes(lab: Lab):
    endpoint = make_endpoint(lab, make_service(lab))["VpcEndpointId"]
    stored = lab.consumer.store.snapshot().get(VpcEndpoint, endpoint)
    assert stored is not None
    lab.consumer.put(replace(stored, state="available"))
    table = lab.consumer.ec2("CreateRouteTable", VpcId=lab.vpc)["RouteTable"]["RouteTableId"]
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    lab.consumer.ec2("CreateRoute", VpcEndpointId=endpoint, **route)
    (failure,) = lab.consumer.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint])["Unsuccessful"]
    assert failure == {
        "ResourceId": endpoint,
        "Error": {"Code": "InvalidParameter", "Message": "Endpoint must be removed from route table before deletion"},
    }
    assert state_of(lab, endpoint) == "available"
    lab.consumer.ec2("DeleteRoute", **route)
    assert lab.consumer.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint]) == {"Unsuccessful": []}
    assert state_of(lab, endpoint) == "deleting"
    (failure,) = lab.provider.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint])["Unsuccessful"]
    assert failure["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"


def test_a_service_with_connections_and_a_load_balancer_with_a_service_stay(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    delete = {"ServiceIds": [service["ServiceId"]]}
    (failure,) = lab.provider.ec2("DeleteVpcEndpointServiceConfigurations", **delete)["Unsuccessful"]
    assert failure["Error"]["Code"] == "ExistingVpcEndpointConnections"
    with refused("ResourceInUse", "associated with another service"):
        lab.provider.elbv2("DeleteLoadBalancer", LoadBalancerArn=lab.load_balancer)
    lab.provider.ec2("RejectVpcEndpointConnections", ServiceId=service["ServiceId"], VpcEndpointIds=[endpoint])
    assert lab.provider.ec2("DeleteVpcEndpointServiceConfigurations", **delete) == {"Unsuccessful": []}
    (failure,) = lab.provider.ec2("DeleteVpcEndpointServiceConfigurations", **delete)["Unsuccessful"]
    assert failure["Error"]["Code"] == "InvalidVpcEndpointServiceId.NotFound"
    lab.provider.elbv2("DeleteLoadBalancer", LoadBalancerArn=lab.load_balancer)


def test_load_balancers_of_a_service_can_be_exchanged_but_not_those_in_use(lab: Lab):
    service = make_service(lab)["ServiceId"]
    _, subnets = vpc_with_subnets(lab.provider, "10.3", "a", "c")
    made = lab.provider.elbv2("CreateLoadBalancer", Name="other", Type="gateway", Subnets=subnets)
    other = made["LoadBalancers"][0]["LoadBalancerArn"]
    modify = "ModifyVpcEndpointServiceConfiguration"
    with refused("InvalidParameter", "At least one load balancer"):
        lab.provider.ec2(modify, ServiceId=service, RemoveGatewayLoadBalancerArns=[lab.load_balancer])
    lab.provider.ec2(modify, ServiceId=service, AddGatewayLoadBalancerArns=[other], AcceptanceRequired=True)
    (shown,) = lab.provider.ec2("DescribeVpcEndpointServiceConfigurations")["ServiceConfigurations"]
    assert (shown["AcceptanceRequired"], shown["AvailabilityZoneIds"]) == (
        True,
        ["apne2-az1", "apne2-az2", "apne2-az3"],
    )
    make_endpoint(lab, shown)
    with refused("ResourceInUse", "serves the endpoints"):
        lab.provider.ec2(modify, ServiceId=service, RemoveGatewayLoadBalancerArns=[lab.load_balancer])
    lab.provider.ec2(modify, ServiceId=service, RemoveGatewayLoadBalancerArns=[other])


def test_endpoints_are_found_by_filters(lab: Lab):
    service = make_service(lab)
    tag = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "edge"}]}]
    endpoint = make_endpoint(lab, service, TagSpecifications=tag)
    for name, value, found in (
        ("vpc-endpoint-type", "GatewayLoadBalancer", True),
        ("vpc-endpoint-state", "available", False),
        ("service-name", service["ServiceName"], True),
        ("tag:Name", "ed*", True),
        ("vpc-id", "vpc-0", False),
    ):
        filters = [{"Name": name, "Values": [value]}]
        answer = lab.consumer.ec2("DescribeVpcEndpoints", Filters=filters)["VpcEndpoints"]
        assert answer == ([endpoint] if found else []), name
    with refused("InvalidParameterValue", "colour"):
        lab.consumer.ec2("DescribeVpcEndpoints", Filters=[{"Name": "colour", "Values": ["red"]}])


def test_there_is_nothing_to_modify_about_an_endpoint_but_saying_the_same_is_no_error(lab: Lab):
    endpoint = make_endpoint(lab, make_service(lab))["VpcEndpointId"]
    assert lab.consumer.ec2("ModifyVpcEndpoint", VpcEndpointId=endpoint, IpAddressType="ipv4") == {"Return": True}
    with refused("UnsupportedOperation", "AddSubnetIds"):
        lab.consumer.ec2("ModifyVpcEndpoint", VpcEndpointId=endpoint, AddSubnetIds=[lab.subnet_c])
    with refused("InvalidVpcEndpointId.NotFound"):
        lab.provider.ec2("ModifyVpcEndpoint", VpcEndpointId=endpoint, IpAddressType="ipv4")
