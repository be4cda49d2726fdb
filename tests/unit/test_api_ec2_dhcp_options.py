"""DHCP options, which are data, and what is not here at all."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from api_lab import Lab

from opengwlb.api.ec2 import later_services

NAMES = {"Key": "domain-name", "Values": ["lab.example"]}


def make(api: Api, *configurations: dict[str, Any], **more: Any) -> str:
    made = api.ec2("CreateDhcpOptions", DhcpConfigurations=list(configurations) or [NAMES], **more)
    return str(made["DhcpOptions"]["DhcpOptionsId"])


def test_a_vpc_has_the_regions_options_until_it_is_given_others_or_none(lab: Lab):
    api = lab.api
    default = api.ec2("DescribeVpcs", VpcIds=[lab.vpc])["Vpcs"][0]["DhcpOptionsId"]
    (shown,) = api.ec2("DescribeDhcpOptions", DhcpOptionsIds=[default])["DhcpOptions"]
    values = {each["Key"]: [value["Value"] for value in each["Values"]] for each in shown["DhcpConfigurations"]}
    assert values == {"domain-name": ["ap-northeast-2.compute.internal"], "domain-name-servers": ["AmazonProvidedDNS"]}
    other = make(api, NAMES, {"Key": "domain-name-servers", "Values": ["10.0.0.10,10.0.0.11"]})
    for wanted in (other, "default", other):
        api.ec2("AssociateDhcpOptions", DhcpOptionsId=wanted, VpcId=lab.vpc)
        assert api.ec2("DescribeVpcs", VpcIds=[lab.vpc])["Vpcs"][0]["DhcpOptionsId"] == wanted
    with refused("DependencyViolation"):
        api.ec2("DeleteDhcpOptions", DhcpOptionsId=other)
    api.ec2("AssociateDhcpOptions", DhcpOptionsId=default, VpcId=lab.vpc)
    api.ec2("DeleteDhcpOptions", DhcpOptionsId=other)
    with refused("InvalidDhcpOptionID.NotFound"):
        api.ec2("AssociateDhcpOptions", DhcpOptionsId=other, VpcId=lab.vpc)


def test_options_are_found_by_key_value_and_tag(api: Api):
    given = [{"ResourceType": "dhcp-options", "Tags": [{"Key": "Name", "Value": "mine"}]}]
    options = make(api, {"Key": "ntp-servers", "Values": ["192.0.2.1", "2001:db8::1"]}, TagSpecifications=given)
    for name, value in (("key", "ntp-servers"), ("value", "2001:db8::1"), ("tag:Name", "mine")):
        found = api.ec2("DescribeDhcpOptions", Filters=[{"Name": name, "Values": [value]}])["DhcpOptions"]
        assert [each["DhcpOptionsId"] for each in found] == [options], name
    with refused("InvalidDhcpOptionID.NotFound"):
        api.of("222222222222").ec2("DeleteDhcpOptions", DhcpOptionsId=options)
    with refused("InvalidDhcpOptionsId.Malformed"):
        api.ec2("DeleteDhcpOptions", DhcpOptionsId="vpc-1")


@pytest.mark.parametrize(
    "configuration",
    [
        {"Key": "no-such", "Values": ["x"]},
        {"Key": "domain-name", "Values": []},
        {"Key": "domain-name", "Values": ["a", "b"]},
        {"Key": "domain-name-servers", "Values": ["nonsense"]},
        {"Key": "domain-name-servers", "Values": ["192.0.2.1"] * 5},
        {"Key": "netbios-node-type", "Values": ["3"]},
        {"Key": "ipv6-address-preferred-lease-time", "Values": ["10"]},
    ],
)
def test_options_that_no_client_would_understand_are_refused(api: Api, configuration: dict[str, Any]):
    before = api.ec2("DescribeDhcpOptions")["DhcpOptions"]
    with refused("InvalidParameterValue"):
        make(api, configuration)
    with refused("InvalidParameterValue", "once"):
        make(api, NAMES, NAMES)
    assert api.ec2("DescribeDhcpOptions")["DhcpOptions"] == before


def test_what_is_not_here_is_described_as_nothing_and_missed_by_id(api: Api):
    assert api.ec2("DescribeNatGateways", Filter=[{"Name": "vpc-id", "Values": ["vpc-1"]}]) == {"NatGateways": []}
    assert api.ec2("DescribeVolumes", Filters=[{"Name": "attachment.instance-id", "Values": ["i-1"]}]) == {
        "Volumes": []
    }
    with refused("NatGatewayNotFound", "nat-1"):
        api.ec2("DescribeNatGateways", NatGatewayIds=["nat-1"])
    with refused("InvalidParameterValue", "no-such"):
        api.ec2("DescribeNatGateways", Filter=[{"Name": "no-such", "Values": ["x"]}])
    with refused("DryRunOperation"):
        api.ec2("DescribeVpnGateways", DryRun=True)


def test_what_would_make_it_is_refused_by_name(api: Api):
    with refused("UnsupportedOperation", "no NAT gateways"):
        api.ec2("CreateNatGateway", SubnetId="subnet-1")
    with refused("UnsupportedOperation", "no transit gateways"):
        api.ec2("CreateTransitGateway")
    with refused("UnsupportedOperation", "not available in this region"):
        api.ec2("DescribeVpcClassicLink")
    assert {"CreateImage", "GetConsoleScreenshot", "ModifyAddressAttribute"} <= later_services.REFUSED


def test_an_addresss_reverse_name_is_nobodys(api: Api):
    made = api.ec2("AllocateAddress")
    (shown,) = api.ec2("DescribeAddressesAttribute", Attribute="domain-name")["Addresses"]
    assert shown == {"AllocationId": made["AllocationId"], "PublicIp": made["PublicIp"]}
