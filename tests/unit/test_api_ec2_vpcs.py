"""VPCs, subnets, internet gateways, and what an account finds in a fresh region."""

from __future__ import annotations

import re

import pytest
from api_harness import Api, refused, service_model

from opengwlb.api.common.quotas import set_limit


def make_vpc(api: Api, cidr: str = "10.0.0.0/16") -> str:
    return api.ec2("CreateVpc", CidrBlock=cidr)["Vpc"]["VpcId"]


def make_subnet(api: Api, vpc: str, cidr: str = "10.0.1.0/24", **more: str) -> str:
    return api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, **more)["Subnet"]["SubnetId"]


def test_a_fresh_region_has_a_default_vpc_that_reaches_the_internet(api: Api):
    (vpc,) = api.ec2("DescribeVpcs")["Vpcs"]
    assert (vpc["CidrBlock"], vpc["IsDefault"]) == ("172.31.0.0/16", True)
    subnets = api.ec2("DescribeSubnets")["Subnets"]
    assert [(each["CidrBlock"], each["AvailabilityZoneId"]) for each in subnets] == [
        ("172.31.0.0/20", "apne2-az1"),
        ("172.31.16.0/20", "apne2-az2"),
        ("172.31.32.0/20", "apne2-az3"),
    ]
    assert all(each["MapPublicIpOnLaunch"] and each["DefaultForAz"] for each in subnets)
    (table,) = api.ec2("DescribeRouteTables")["RouteTables"]
    (gateway,) = api.ec2("DescribeInternetGateways")["InternetGateways"]
    assert table["Routes"][1]["GatewayId"] == gateway["InternetGatewayId"]
    assert table["Routes"][1]["State"] == "active"
    assert table["Associations"][0]["Main"]


def test_a_deleted_default_vpc_stays_away_until_it_is_asked_for(api: Api):
    (vpc,) = api.ec2("DescribeVpcs")["Vpcs"]
    (gateway,) = api.ec2("DescribeInternetGateways")["InternetGateways"]
    with refused("DefaultVpcAlreadyExists"):
        api.ec2("CreateDefaultVpc")
    for subnet in api.ec2("DescribeSubnets")["Subnets"]:
        api.ec2("DeleteSubnet", SubnetId=subnet["SubnetId"])
    names = {"InternetGatewayId": gateway["InternetGatewayId"], "VpcId": vpc["VpcId"]}
    api.ec2("DetachInternetGateway", **names)
    api.ec2("DeleteVpc", VpcId=vpc["VpcId"])
    assert api.ec2("DescribeVpcs")["Vpcs"] == []
    assert api.ec2("CreateDefaultVpc")["Vpc"]["IsDefault"]


def test_a_vpc_comes_with_a_main_route_table_a_default_group_and_a_default_acl(api: Api):
    vpc = make_vpc(api)
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    (table,) = api.ec2("DescribeRouteTables", Filters=mine)["RouteTables"]
    assert [(each["DestinationCidrBlock"], each["GatewayId"]) for each in table["Routes"]] == [("10.0.0.0/16", "local")]
    (group,) = api.ec2("DescribeSecurityGroups", Filters=mine)["SecurityGroups"]
    assert group["GroupName"] == "default"
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    (acl,) = api.ec2("DescribeNetworkAcls", Filters=mine)["NetworkAcls"]
    assert acl["IsDefault"]
    (options,) = api.ec2("DescribeDhcpOptions")["DhcpOptions"]
    assert options["DhcpOptionsId"] == api.ec2("DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"]


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/29"])
def test_a_vpc_block_is_between_16_and_28(api: Api, cidr: str):
    with refused("InvalidVpc.Range", cidr):
        make_vpc(api, cidr)


@pytest.mark.parametrize("cidr", ["10.0.0.0", "10.0.0.256/24", "fd00::/56", "nonsense", "10.0.0.0/33"])
def test_what_is_no_block_is_an_invalid_value(api: Api, cidr: str):
    with refused("InvalidParameterValue", cidr, "not a valid CIDR block"):
        make_vpc(api, cidr)


def test_a_subnet_of_a_vpc_without_ipv6_cannot_have_it(api: Api):
    vpc = make_vpc(api)
    with refused("InvalidSubnet.Range", "fd00::/64"):
        api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24", Ipv6CidrBlock="fd00::/64")


def test_a_dry_run_says_so_and_makes_nothing(api: Api):
    before = len(api.ec2("DescribeVpcs")["Vpcs"])
    with refused("DryRunOperation"):
        api.ec2("CreateVpc", CidrBlock="10.0.0.0/16", DryRun=True)
    assert len(api.ec2("DescribeVpcs")["Vpcs"]) == before


def test_another_accounts_vpc_does_not_exist(api: Api):
    vpc = make_vpc(api)
    with refused("InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist"):
        api.of("222222222222").ec2("DescribeVpcs", VpcIds=[vpc])
    with refused("InvalidVpcID.NotFound"):
        api.of("222222222222").ec2("DeleteVpc", VpcId=vpc)


def test_an_id_with_another_prefix_is_malformed(api: Api):
    with refused("InvalidVpcID.Malformed", "expecting"):
        api.ec2("DeleteVpc", VpcId="subnet-0123456789abcdef0")


def test_vpc_attributes_are_changed_one_at_a_time(api: Api):
    vpc = make_vpc(api)
    api.ec2("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    shown = api.ec2("DescribeVpcAttribute", VpcId=vpc, Attribute="enableDnsHostnames")
    assert shown == {"VpcId": vpc, "EnableDnsHostnames": {"Value": True}}
    with refused("InvalidParameterCombination"):
        api.ec2("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True})


def test_a_subnet_lies_in_its_vpc_and_meets_no_other(api: Api):
    vpc = make_vpc(api)
    make_subnet(api, vpc, "10.0.1.0/24")
    with refused("InvalidSubnet.Range", "10.1.0.0/24"):
        make_subnet(api, vpc, "10.1.0.0/24")
    with refused("InvalidSubnet.Conflict", "10.0.1.128/25"):
        make_subnet(api, vpc, "10.0.1.128/25")
    with refused("InvalidSubnet.Range"):
        make_subnet(api, vpc, "10.0.2.0/29")


def test_a_subnet_is_in_the_zone_that_was_asked_for(api: Api):
    vpc = make_vpc(api)
    subnet = make_subnet(api, vpc, AvailabilityZone="ap-northeast-2c")
    (shown,) = api.ec2("DescribeSubnets", SubnetIds=[subnet])["Subnets"]
    assert (shown["AvailabilityZone"], shown["AvailabilityZoneId"]) == ("ap-northeast-2c", "apne2-az3")
    with refused("InvalidParameterValue", "ap-northeast-2z"):
        make_subnet(api, vpc, "10.0.2.0/24", AvailabilityZone="ap-northeast-2z")


def test_aws_keeps_five_addresses_of_every_subnet(api: Api):
    subnet = make_subnet(api, make_vpc(api), "10.0.0.32/28")

    def free() -> int:
        return api.ec2("DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"]

    assert free() == 11
    interface = api.ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]
    assert interface["PrivateIpAddress"] == "10.0.0.36"
    assert free() == 10
    for reserved in ("10.0.0.32", "10.0.0.35", "10.0.0.47"):
        with refused("InvalidParameterValue", "reserved"):
            api.ec2("CreateNetworkInterface", SubnetId=subnet, PrivateIpAddress=reserved)
    with refused("InvalidIPAddress.InUse"):
        api.ec2("CreateNetworkInterface", SubnetId=subnet, PrivateIpAddress="10.0.0.36")
    for _ in range(10):
        api.ec2("CreateNetworkInterface", SubnetId=subnet)
    with refused("InsufficientFreeAddressesInSubnet", subnet):
        api.ec2("CreateNetworkInterface", SubnetId=subnet)


def test_what_is_in_use_cannot_be_deleted(api: Api):
    vpc = make_vpc(api)
    subnet = make_subnet(api, vpc)
    interface = api.ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    with refused("DependencyViolation", f"The subnet '{subnet}' has dependencies"):
        api.ec2("DeleteSubnet", SubnetId=subnet)
    with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies"):
        api.ec2("DeleteVpc", VpcId=vpc)
    api.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface)
    api.ec2("DeleteSubnet", SubnetId=subnet)
    api.ec2("DeleteVpc", VpcId=vpc)
    assert api.ec2("DescribeRouteTables", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"] == []


def test_a_deleted_subnet_leaves_no_association(api: Api):
    vpc = make_vpc(api)
    subnet = make_subnet(api, vpc)
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    api.ec2("AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
    api.ec2("DeleteSubnet", SubnetId=subnet)
    api.ec2("DeleteRouteTable", RouteTableId=table)


def test_a_vpc_has_one_internet_gateway_and_a_gateway_one_vpc(api: Api):
    one, other = make_vpc(api), make_vpc(api, "10.1.0.0/16")
    first = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    second = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=first, VpcId=one)
    with refused("Resource.AlreadyAssociated", f"resource {first} is already attached to network {one}"):
        api.ec2("AttachInternetGateway", InternetGatewayId=first, VpcId=other)
    with refused("InvalidParameterValue", f"Network {one} already has an internet gateway attached"):
        api.ec2("AttachInternetGateway", InternetGatewayId=second, VpcId=one)
    with refused("DependencyViolation"):
        api.ec2("DeleteInternetGateway", InternetGatewayId=first)
    with refused("Gateway.NotAttached"):
        api.ec2("DetachInternetGateway", InternetGatewayId=second, VpcId=one)
    api.ec2("DetachInternetGateway", InternetGatewayId=first, VpcId=one)
    api.ec2("DeleteInternetGateway", InternetGatewayId=first)


def test_pages_follow_each_other_and_survive_a_deletion(api: Api):
    set_limit(api.store, account=api.account, name="vpcs", value=20)
    ids = [make_vpc(api, f"10.{number}.0.0/16") for number in range(11)]
    mine = [{"Name": "vpc-id", "Values": ids}]
    first = api.ec2("DescribeVpcs", Filters=mine, MaxResults=5)
    api.ec2("DeleteVpc", VpcId=ids[0])
    second = api.ec2("DescribeVpcs", Filters=mine, MaxResults=5, NextToken=first["NextToken"])
    third = api.ec2("DescribeVpcs", Filters=mine, MaxResults=5, NextToken=second["NextToken"])
    seen = [vpc["VpcId"] for page in (first, second, third) for vpc in page["Vpcs"]]
    assert seen == ids
    assert "NextToken" not in third
    with refused("InvalidParameterCombination"):
        api.ec2("DescribeVpcs", VpcIds=ids[1:2], MaxResults=5)
    with refused("InvalidParameterValue"):
        api.ec2("DescribeVpcs", NextToken="nonsense")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([{"Name": "tag:Name", "Values": ["w*b"]}], {"web"}),
        ([{"Name": "tag:Name", "Values": ["d?", "web"]}], {"web", "db"}),
        ([{"Name": "tag-key", "Values": ["Tier"]}], {"db"}),
        ([{"Name": "tag:Name", "Values": ["*"]}, {"Name": "cidr", "Values": ["10.1.*"]}], {"db"}),
        ([{"Name": "tag:Name", "Values": ["w.b"]}], set()),
        ([{"Name": "tag:Name", "Values": ["w?"]}], set()),
        ([{"Name": "tag:Name", "Values": ["\\*"]}], set()),
        ([{"Name": "tag:Name", "Values": []}], set()),
    ],
)
def test_filters_are_or_inside_and_across_with_wildcards(api: Api, filters: list[dict[str, object]], found: set[str]):
    for cidr, given in (("10.0.0.0/16", {"Name": "web"}), ("10.1.0.0/16", {"Name": "db", "Tier": "back"})):
        tags = [{"Key": key, "Value": value} for key, value in given.items()]
        api.ec2("CreateVpc", CidrBlock=cidr, TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    vpcs = api.ec2("DescribeVpcs", Filters=filters)["Vpcs"]
    assert {tag["Value"] for vpc in vpcs for tag in vpc["Tags"] if tag["Key"] == "Name"} == found


DESCRIBES = [
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeInternetGateways",
    "DescribeRouteTables",
    "DescribeAddresses",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSecurityGroupRules",
    "DescribeTags",
    "DescribeRegions",
    "DescribeAvailabilityZones",
    "DescribeNetworkAcls",
    "DescribeDhcpOptions",
    "DescribePrefixLists",
    "DescribeImages",
    "DescribeInstances",
    "DescribeInstanceCreditSpecifications",
    "DescribeInstanceStatus",
    "DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes",
    "DescribeManagedPrefixLists",
    "DescribeTransitGateways",
    "DescribeVpcPeeringConnections",
    "DescribeVpnGateways",
]
VALUES = {"critical", "high", "medium", "low", "informational"}
"""What the description of a filter of DescribeImages lists in the same manner: its values."""


@pytest.mark.parametrize("operation", DESCRIBES)
def test_every_filter_that_aws_documents_is_known(api: Api, operation: str):
    shape = service_model("ec2").operation_model(operation).input_shape.members["Filters"]
    names = re.findall(r"<code>([^<]+)</code>(?: - |: )", shape.documentation)
    assert names
    for name in set(names) - VALUES:
        name = "tag:Name" if name == "tag" else name
        api.ec2(operation, Filters=[{"Name": name, "Values": ["*nothing-is-called-this"]}])
    with refused("InvalidParameterValue", "The filter 'no-such' is invalid"):
        api.ec2(operation, Filters=[{"Name": "no-such", "Values": ["x"]}])


def test_regions_and_zones_are_those_of_the_call(api: Api):
    assert api.region in {each["RegionName"] for each in api.ec2("DescribeRegions")["Regions"]}
    zones = api.ec2("DescribeAvailabilityZones")["AvailabilityZones"]
    assert [(each["ZoneName"], each["ZoneId"]) for each in zones] == [
        ("ap-northeast-2a", "apne2-az1"),
        ("ap-northeast-2b", "apne2-az2"),
        ("ap-northeast-2c", "apne2-az3"),
    ]
    assert api.ec2("DescribeAccountAttributes", AttributeNames=["default-vpc"])["AccountAttributes"]
