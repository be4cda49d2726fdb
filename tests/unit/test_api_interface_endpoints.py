"""Interface endpoints as EC2 describes, changes and refuses them, and what is built for them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.policy import network, status

EC2 = "com.amazonaws.ap-northeast-2.ec2"


@pytest.fixture
def vpc(api: Api) -> str:
    made = str(api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    api.ec2("ModifyVpcAttribute", VpcId=made, EnableDnsHostnames={"Value": True})
    return made


def subnet(api: Api, vpc: str, number: int, zone: str) -> str:
    cidr = f"10.0.{number}.0/24"
    made = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"ap-northeast-2{zone}")
    return str(made["Subnet"]["SubnetId"])


def create(api: Api, vpc: str, **more: Any) -> dict[str, Any]:
    given = {"VpcEndpointType": "Interface", "ServiceName": EC2, "VpcId": vpc, **more}
    return dict(api.ec2("CreateVpcEndpoint", **given)["VpcEndpoint"])


def test_an_endpoint_has_an_interface_in_each_subnet_and_is_available_once_built(api: Api, vpc: str):
    subnets = [subnet(api, vpc, 1, "a"), subnet(api, vpc, 2, "b")]
    made = create(api, vpc, SubnetIds=subnets)
    assert (made["State"], made["SubnetIds"], made["VpcEndpointType"]) == ("pending", subnets, "Interface")
    interfaces = api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=made["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert {one["InterfaceType"] for one in interfaces} == {"vpc_endpoint"}
    assert all(one["RequesterManaged"] for one in interfaces)
    snapshot = api.store.snapshot()
    wanted = network.topology(snapshot)
    box = made["VpcEndpointId"]
    assert {link.b.box for link in wanted.links.values() if link.id in made["NetworkInterfaceIds"]} == {box}
    routes = [route for route in wanted.routes if route.box == box]
    assert {(route.via, route.metric) for route in routes} == {("10.0.1.1", 100), ("10.0.2.1", 101)}
    api.put(*status.after_build(snapshot, built={box, *made["NetworkInterfaceIds"]}, errors={}).put)
    (shown,) = api.ec2("DescribeVpcEndpoints", VpcEndpointIds=[box])["VpcEndpoints"]
    assert shown["State"] == "available"


def test_subnets_groups_and_policy_change(api: Api, vpc: str):
    first, second, third = (subnet(api, vpc, number, zone) for number, zone in ((1, "a"), (2, "b"), (3, "a")))
    made = create(api, vpc, SubnetIds=[first])
    box = made["VpcEndpointId"]
    with refused("DuplicateSubnetsInSameZone", third):
        api.ec2("ModifyVpcEndpoint", VpcEndpointId=box, AddSubnetIds=[third])
    api.ec2("ModifyVpcEndpoint", VpcEndpointId=box, AddSubnetIds=[second], RemoveSubnetIds=[first])
    group = api.ec2("CreateSecurityGroup", GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    policy = json.dumps(
        {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ec2:Describe*", "Resource": "*"}]}
    )
    api.ec2("ModifyVpcEndpoint", VpcEndpointId=box, AddSecurityGroupIds=[group], PolicyDocument=policy)
    (shown,) = api.ec2("DescribeVpcEndpoints")["VpcEndpoints"]
    assert shown["SubnetIds"] == [second] and len(shown["NetworkInterfaceIds"]) == 1
    assert group in {each["GroupId"] for each in shown["Groups"]} and shown["PolicyDocument"] == policy
    (interface,) = api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=shown["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert group in {each["GroupId"] for each in interface["Groups"]}
    with refused("InvalidPolicyDocument", "Principal".lower()):
        api.ec2("ModifyVpcEndpoint", VpcEndpointId=box, PolicyDocument=policy.replace('"Principal": "*", ', ""))


def test_a_deleted_endpoint_goes_with_its_interfaces(api: Api, vpc: str):
    made = create(api, vpc, SubnetIds=[subnet(api, vpc, 1, "a")], TagSpecifications=[
        {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "k", "Value": "v"}]}
    ])  # fmt: skip
    box = made["VpcEndpointId"]
    api.ec2("CreateTags", Resources=[box], Tags=[{"Key": "l", "Value": "w"}])
    assert len(api.ec2("DescribeTags", Filters=[{"Name": "resource-id", "Values": [box]}])["Tags"]) == 2
    assert api.ec2("DeleteVpcEndpoints", VpcEndpointIds=[box])["Unsuccessful"] == []
    snapshot = api.store.snapshot()
    assert box not in network.topology(snapshot).boxes
    gone = status.after_build(snapshot, built=set(), errors={}).delete
    assert (InterfaceEndpoint, box) in gone and {each for _, each in gone} == {box, *made["NetworkInterfaceIds"]}


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"ServiceName": "com.amazonaws.ap-northeast-2.s3"}, "InvalidServiceName", "s3"),
        ({"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidSubnetID.NotFound", "subnet-0"),
        ({"IpAddressType": "dualstack"}, "InvalidParameter", "ipv4"),
        ({"RouteTableIds": ["rtb-1"]}, "UnsupportedOperation", "RouteTableIds"),
        ({"PolicyDocument": "{"}, "InvalidPolicyDocument", "Syntax"),
        ({"DryRun": True}, "DryRunOperation", "would have succeeded"),
        (
            {"VpcEndpointType": "GatewayLoadBalancer"},
            "InvalidParameter",
            "Endpoint type (GatewayLoadBalancer) does not",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused_and_nothing_is_left(
    api: Api, vpc: str, params: dict[str, Any], code: str, words: str
):
    with refused(code, words):
        create(api, vpc, **params)
    assert api.ec2("DescribeVpcEndpoints")["VpcEndpoints"] == []


def test_both_kinds_are_described_together_and_filtered_by_type(api: Api, vpc: str):
    made = create(api, vpc)
    for kind, count in (("Interface", 1), ("GatewayLoadBalancer", 0)):
        found = api.ec2("DescribeVpcEndpoints", Filters=[{"Name": "vpc-endpoint-type", "Values": [kind]}])[
            "VpcEndpoints"
        ]
        assert len(found) == count
    with refused("InvalidVpcEndpointId.NotFound"):
        api.of("222222222222").ec2("DescribeVpcEndpoints", VpcEndpointIds=[made["VpcEndpointId"]])
    (details,) = api.ec2("DescribeVpcEndpointServices", ServiceNames=[EC2])["ServiceDetails"]
    assert (details["Owner"], details["PrivateDnsName"]) == ("amazon", "ec2.ap-northeast-2.amazonaws.com")
