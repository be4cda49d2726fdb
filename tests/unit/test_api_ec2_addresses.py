"""Several private addresses on an interface, several IPv4 blocks of a VPC: AWS's rules. Packets are in tests/stories/test_addresses.py."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from api_lab import Lab

from opengwlb.api.common.quotas import set_limit


def create(lab: Lab, **more: Any) -> dict[str, Any]:
    return dict(lab.api.ec2("CreateNetworkInterface", SubnetId=lab.app, **more)["NetworkInterface"])


def held(lab: Lab, interface: str) -> list[str]:
    (shown,) = lab.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert [each["Primary"] for each in shown["PrivateIpAddresses"]] == [True] + [False] * (
        len(shown["PrivateIpAddresses"]) - 1
    )
    return [each["PrivateIpAddress"] for each in shown["PrivateIpAddresses"]]


def free(lab: Lab) -> int:
    return int(lab.api.ec2("DescribeSubnets", SubnetIds=[lab.app])["Subnets"][0]["AvailableIpAddressCount"])


def test_an_interface_is_made_with_named_addresses_or_with_so_many(lab: Lab):
    listed = [{"PrivateIpAddress": "10.0.0.40"}, {"PrivateIpAddress": "10.0.0.45", "Primary": True}]
    named = create(lab, PrivateIpAddresses=listed)
    assert held(lab, named["NetworkInterfaceId"]) == ["10.0.0.45", "10.0.0.40"]
    counted = create(lab, PrivateIpAddress="10.0.0.46", SecondaryPrivateIpAddressCount=2)
    assert held(lab, counted["NetworkInterfaceId"]) == ["10.0.0.46", "10.0.0.36", "10.0.0.37"]
    assert free(lab) == 16 - 5 - 5


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.99"}]}, "InvalidParameterValue"),
        ({"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.34"}]}, "InvalidParameterValue"),
        ({"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.40"}] * 2}, "InvalidIPAddress.InUse"),
        (
            {
                "PrivateIpAddresses": [
                    {"PrivateIpAddress": "10.0.0.40", "Primary": True},
                    {"PrivateIpAddress": "10.0.0.41", "Primary": True},
                ]
            },
            "InvalidParameterValue",
        ),
        (
            {"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.40"}], "SecondaryPrivateIpAddressCount": 1},
            "InvalidParameterCombination",
        ),
        ({"SecondaryPrivateIpAddressCount": 60}, "PrivateIpAddressLimitExceeded"),
        ({"SecondaryPrivateIpAddressCount": 11}, "InsufficientFreeAddressesInSubnet"),
    ],
)
def test_addresses_that_cannot_be_had_make_no_interface(lab: Lab, asked: dict[str, Any], code: str):
    before = free(lab)
    with refused(code):
        create(lab, **asked)
    assert free(lab) == before


def test_addresses_are_assigned_and_unassigned_and_the_primary_one_stays(lab: Lab):
    interface = create(lab, PrivateIpAddress="10.0.0.40")["NetworkInterfaceId"]
    answer = lab.api.ec2("AssignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.0.41"])
    assert answer["AssignedPrivateIpAddresses"] == [{"PrivateIpAddress": "10.0.0.41"}]
    lab.api.ec2("AssignPrivateIpAddresses", NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
    assert held(lab, interface) == ["10.0.0.40", "10.0.0.41", "10.0.0.36"]
    for name, value in (("addresses.private-ip-address", "10.0.0.36"), ("private-ip-address", "10.0.0.41")):
        found = lab.api.ec2("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
        assert [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]] == [interface], name
    with refused("InvalidParameterValue", "primary"):
        lab.api.ec2("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.0.40"])
    with refused("InvalidParameterValue", "not assigned"):
        lab.api.ec2("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.0.42"])
    lab.api.ec2("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=["10.0.0.41"])
    assert held(lab, interface) == ["10.0.0.40", "10.0.0.36"]
    with refused("MissingParameter"):
        lab.api.ec2("AssignPrivateIpAddresses", NetworkInterfaceId=interface)


def test_an_address_moves_to_another_interface_with_its_public_one_only_when_that_is_allowed(lab: Lab):
    one = create(lab, SecondaryPrivateIpAddressCount=1)["NetworkInterfaceId"]
    two = create(lab)["NetworkInterfaceId"]
    address = held(lab, one)[1]
    public = lab.api.ec2("AllocateAddress")
    lab.api.ec2(
        "AssociateAddress", AllocationId=public["AllocationId"], NetworkInterfaceId=one, PrivateIpAddress=address
    )
    with refused("InvalidIPAddress.InUse"):
        lab.api.ec2("AssignPrivateIpAddresses", NetworkInterfaceId=two, PrivateIpAddresses=[address])
    lab.api.ec2(
        "AssignPrivateIpAddresses", NetworkInterfaceId=two, PrivateIpAddresses=[address], AllowReassignment=True
    )
    assert address in held(lab, two) and address not in held(lab, one)
    (shown,) = lab.api.ec2("DescribeAddresses", AllocationIds=[public["AllocationId"]])["Addresses"]
    assert (shown["NetworkInterfaceId"], shown["PrivateIpAddress"]) == (two, address)
    primary = held(lab, one)[0]
    with refused("InvalidIPAddress.InUse"):
        lab.api.ec2(
            "AssignPrivateIpAddresses", NetworkInterfaceId=two, PrivateIpAddresses=[primary], AllowReassignment=True
        )


def test_each_private_address_may_have_a_public_one(lab: Lab):
    interface = create(lab, SecondaryPrivateIpAddressCount=1)["NetworkInterfaceId"]
    one, two = (lab.api.ec2("AllocateAddress")["AllocationId"] for _ in range(2))
    primary, further = held(lab, interface)
    lab.api.ec2("AssociateAddress", AllocationId=one, NetworkInterfaceId=interface)
    lab.api.ec2("AssociateAddress", AllocationId=two, NetworkInterfaceId=interface, PrivateIpAddress=further)
    shown = lab.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
    allocations = [each["Association"]["AllocationId"] for each in shown["PrivateIpAddresses"]]
    assert allocations == [one, two] and shown["Association"]["AllocationId"] == one
    with refused("InvalidParameterValue", "not a private IP address"):
        lab.api.ec2("AssociateAddress", AllocationId=two, NetworkInterfaceId=interface, PrivateIpAddress="10.0.0.46")
    lab.api.ec2("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddresses=[further])
    (freed,) = lab.api.ec2("DescribeAddresses", AllocationIds=[two])["Addresses"]
    assert "AssociationId" not in freed and "PrivateIpAddress" not in freed
    assert primary == held(lab, interface)[0]


def test_an_address_is_allocated_by_name_when_it_is_of_the_pool_and_free(lab: Lab):
    assert lab.api.ec2("AllocateAddress", Address="198.18.7.7")["PublicIp"] == "198.18.7.7"
    with refused("InvalidIPAddress.InUse"):
        lab.api.ec2("AllocateAddress", Address="198.18.7.7")
    for wrong in ("203.0.113.9", "198.18.0.0", "nonsense"):
        with refused("InvalidAddress.NotFound"):
            lab.api.ec2("AllocateAddress", Address=wrong)


def test_tracking_timeouts_are_kept_in_aws_ranges_and_shown_when_set(lab: Lab):
    interface = create(lab, ConnectionTrackingSpecification={"UdpTimeout": 45})["NetworkInterfaceId"]
    lab.api.ec2(
        "ModifyNetworkInterfaceAttribute",
        NetworkInterfaceId=interface,
        ConnectionTrackingSpecification={"TcpEstablishedTimeout": 60},
    )
    (shown,) = lab.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert shown["ConnectionTrackingConfiguration"] == {"TcpEstablishedTimeout": 60, "UdpTimeout": 45}
    for wrong in ({"TcpEstablishedTimeout": 59}, {"UdpStreamTimeout": 181}, {"UdpTimeout": 61}):
        with refused("InvalidParameterValue", "seconds from"):
            create(lab, ConnectionTrackingSpecification=wrong)


def test_resetting_the_source_check_turns_it_on(lab: Lab):
    interface = create(lab)["NetworkInterfaceId"]
    off = {"NetworkInterfaceId": interface, "SourceDestCheck": {"Value": False}}
    lab.api.ec2("ModifyNetworkInterfaceAttribute", **off)
    lab.api.ec2("ResetNetworkInterfaceAttribute", NetworkInterfaceId=interface, SourceDestCheck="true")
    (shown,) = lab.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    assert shown["SourceDestCheck"]
    with refused("MissingParameter"):
        lab.api.ec2("ResetNetworkInterfaceAttribute", NetworkInterfaceId=interface)


def test_a_further_block_brings_its_local_routes_and_subnets_and_goes_when_they_have_gone(lab: Lab):
    made = lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, CidrBlock="10.77.3.9/16")["CidrBlockAssociation"]
    assert (made["CidrBlock"], made["CidrBlockState"]["State"]) == ("10.77.0.0/16", "associating")
    assert lab.routes()["10.77.0.0/16"]["GatewayId"] == "local"
    assert lab.routes(lab.new_table())["10.77.0.0/16"]["GatewayId"] == "local"
    (vpc,) = lab.api.ec2("DescribeVpcs", Filters=[{"Name": "cidr-block-association.cidr-block", "Values": ["10.77*"]}])[
        "Vpcs"
    ]
    assert [each["CidrBlock"] for each in vpc["CidrBlockAssociationSet"]] == ["10.0.0.0/16", "10.77.0.0/16"]
    subnet = lab.api.ec2("CreateSubnet", VpcId=lab.vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidCidrBlock.InUse"):
        lab.api.ec2("DisassociateVpcCidrBlock", AssociationId=made["AssociationId"])
    lab.api.ec2("DeleteSubnet", SubnetId=subnet)
    lab.api.ec2("DisassociateVpcCidrBlock", AssociationId=made["AssociationId"])
    assert "10.77.0.0/16" not in lab.routes()
    with refused("InvalidSubnet.Range"):
        lab.api.ec2("CreateSubnet", VpcId=lab.vpc, CidrBlock="10.77.1.0/24")
    with refused("OperationNotPermitted"):
        lab.api.ec2("DisassociateVpcCidrBlock", AssociationId=vpc["CidrBlockAssociationSet"][0]["AssociationId"])


@pytest.mark.parametrize(
    ("primary", "further", "taken"),
    [
        ("10.5.0.0/16", "10.6.0.0/16", True),
        ("10.5.0.0/16", "10.5.3.0/24", False),  # overlaps
        ("10.5.0.0/16", "172.16.0.0/16", False),  # another private range
        ("10.5.0.0/16", "100.64.0.0/16", True),
        ("10.5.0.0/16", "203.0.112.0/20", True),
        ("10.1.0.0/16", "10.0.0.0/16", False),
        ("10.1.0.0/16", "10.2.0.0/16", True),
        ("172.20.0.0/16", "172.31.0.0/16", False),
        ("172.20.0.0/16", "172.21.0.0/16", True),
        ("192.168.1.0/24", "192.168.2.0/24", True),
        ("192.168.1.0/24", "198.19.0.0/16", False),
        ("100.64.0.0/16", "100.65.0.0/16", True),
        ("100.64.0.0/16", "10.0.0.0/16", False),
        ("10.5.0.0/16", "169.254.0.0/16", False),
        ("10.5.0.0/16", "10.6.0.0/15", False),  # too large
        ("10.5.0.0/16", "10.6.0.0/29", False),
    ],
)
def test_a_further_block_keeps_aws_restrictions(api: Api, primary: str, further: str, taken: bool):
    vpc = api.ec2("CreateVpc", CidrBlock=primary)["Vpc"]["VpcId"]
    if taken:
        api.ec2("AssociateVpcCidrBlock", VpcId=vpc, CidrBlock=further)
    else:
        with refused("InvalidVpc.Range"):
            api.ec2("AssociateVpcCidrBlock", VpcId=vpc, CidrBlock=further)


def test_a_further_block_may_not_swallow_a_route_and_there_are_five_blocks(lab: Lab):
    lab.route("10.50.1.0/24", GatewayId=lab.gateway)
    for swallowing in ("10.50.1.0/24", "10.50.0.0/16"):
        with refused("InvalidVpc.Range", "10.50.1.0/24"):
            lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, CidrBlock=swallowing)
    for number in range(4):
        lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, CidrBlock=f"10.{60 + number}.0.0/16")
    with refused("CidrLimitExceeded"):
        lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, CidrBlock="10.70.0.0/16")
    set_limit(lab.api.store, account=lab.api.account, name="ipv4-blocks-per-vpc", value=6)
    lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, CidrBlock="10.70.0.0/16")
    with refused("InvalidVpc.Range"):
        lab.api.ec2("CreateVpc", CidrBlock="127.0.0.0/16")


def test_a_zone_gets_its_default_subnet_back_and_keeps_one(api: Api):
    subnets = api.ec2("DescribeSubnets", Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    zone, lost = subnets[1]["AvailabilityZone"], subnets[1]
    with refused("DefaultSubnetAlreadyExistsInAvailabilityZone", lost["SubnetId"]):
        api.ec2("CreateDefaultSubnet", AvailabilityZone=zone)
    api.ec2("DeleteSubnet", SubnetId=lost["SubnetId"])
    made = api.ec2("CreateDefaultSubnet", AvailabilityZone=zone)["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"], made["MapPublicIpOnLaunch"]) == (lost["CidrBlock"], True, True)
    with refused("MissingParameter"):
        api.ec2("CreateDefaultSubnet")
    api.ec2("ModifyVpcTenancy", VpcId=made["VpcId"], InstanceTenancy="default")


def test_a_public_address_comes_to_an_instances_first_interface_and_goes(api: Api):
    made = api.ec2("RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1)["Instances"][0]
    interface = made["NetworkInterfaces"][0]["NetworkInterfaceId"]
    for wanted in (False, True, False):
        api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, AssociatePublicIpAddress=wanted)
        (shown,) = api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"]
        assert ("Association" in shown) is wanted
