"""Instances with several interfaces: launched with them, given more, and relieved of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import KernelRoute, KernelRule
from opengwlb.policy import network, status

LINUX = "ami-0000000000000a001"


@pytest.fixture
def subnets(api: Api) -> tuple[str, str]:
    """For data and for management, in one zone."""
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zone = "ap-northeast-2a"
    data, management = (
        api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr in ("10.0.0.0/24", "10.0.1.0/24")
    )
    return data, management


def run(api: Api, **params: Any) -> dict[str, Any]:
    return api.ec2("RunInstances", **{"ImageId": LINUX, "MinCount": 1, "MaxCount": 1, **params})["Instances"][0]


def two(subnets: tuple[str, str], **first: Any) -> list[dict[str, Any]]:
    data, management = subnets
    return [{"DeviceIndex": 1, "SubnetId": management}, {"DeviceIndex": 0, "SubnetId": data, **first}]


def became(api: Api, instance_id: str, state: InstanceState) -> None:
    found = api.store.snapshot().get(Instance, instance_id)
    assert found is not None
    api.put(replace(found, state=state))


def interface(api: Api, subnet: str) -> str:
    return api.ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]


def described(api: Api, interface_id: str) -> dict[str, Any]:
    return api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface_id])["NetworkInterfaces"][0]


def test_an_instance_has_the_interfaces_it_was_launched_with_in_order_of_their_index(api: Api, subnets: Any):
    made = run(api, NetworkInterfaces=two(subnets))
    assert [each["Attachment"]["DeviceIndex"] for each in made["NetworkInterfaces"]] == [0, 1]
    assert [each["SubnetId"] for each in made["NetworkInterfaces"]] == list(subnets)
    assert made["SubnetId"] == subnets[0]
    assert made["PrivateIpAddress"] == made["NetworkInterfaces"][0]["PrivateIpAddress"] == "10.0.0.4"
    assert {each["Attachment"]["DeleteOnTermination"] for each in made["NetworkInterfaces"]} == {True}


def test_an_interface_made_before_can_be_launched_with_and_is_not_deleted_with_the_instance(api: Api, subnets: Any):
    own = interface(api, subnets[1])
    made = run(
        api,
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnets[0]}, {"DeviceIndex": 1, "NetworkInterfaceId": own}],
    )
    second = made["NetworkInterfaces"][1]
    assert second["NetworkInterfaceId"] == own
    assert second["Attachment"]["DeleteOnTermination"] is False
    with refused("InvalidNetworkInterface.InUse", own):
        run(api, NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": own}])
    with refused("InvalidParameterValue", "currently in use"):
        api.ec2("DeleteNetworkInterface", NetworkInterfaceId=own)


@pytest.mark.parametrize(
    ("second", "code", "words"),
    [
        ({"DeviceIndex": 0}, "InvalidParameterValue", "device index of its own"),
        ({}, "InvalidParameterValue", "requires a device index"),
        ({"DeviceIndex": -1}, "InvalidParameterValue", "deviceIndex"),
        (
            {"DeviceIndex": 1, "AssociatePublicIpAddress": True},
            "InvalidParameterCombination",
            "multiple network interfaces",
        ),
        (
            {"DeviceIndex": 1, "NetworkInterfaceId": "eni-00000000000000000"},
            "InvalidParameterCombination",
            "both a network interface ID",
        ),
    ],
)
def test_interfaces_that_do_not_go_together_are_refused(
    api: Api, subnets: Any, second: dict[str, Any], code: str, words: str
):
    with refused(code, words):
        run(
            api,
            NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnets[0]}, {"SubnetId": subnets[1], **second}],
        )
    assert api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"] == []


def test_interfaces_of_one_instance_are_in_one_zone(api: Api, subnets: Any):
    vpc = api.ec2("DescribeSubnets", SubnetIds=[subnets[0]])["Subnets"][0]["VpcId"]
    elsewhere = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="ap-northeast-2b")[
        "Subnet"
    ]["SubnetId"]
    with refused("InvalidParameterCombination", "same availability zone"):
        run(
            api,
            NetworkInterfaces=[
                {"DeviceIndex": 0, "SubnetId": subnets[0]},
                {"DeviceIndex": 1, "SubnetId": elsewhere},
            ],
        )
    instance = run(api, SubnetId=subnets[0])["InstanceId"]
    became(api, instance, InstanceState.RUNNING)
    with refused("InvalidParameterCombination", "same availability zone"):
        api.ec2(
            "AttachNetworkInterface",
            InstanceId=instance,
            NetworkInterfaceId=interface(api, elsewhere),
            DeviceIndex=1,
        )


def test_a_type_has_so_many_interfaces_and_no_more(api: Api, subnets: Any):
    four = [{"DeviceIndex": index, "SubnetId": subnets[index % 2]} for index in range(4)]
    with refused("AttachmentLimitExceeded", "4 exceeds the limit for t3.micro"):
        run(api, NetworkInterfaces=four, InstanceType="t3.micro")
    assert len(run(api, NetworkInterfaces=four, InstanceType="c5.xlarge")["NetworkInterfaces"]) == 4
    instance = run(api, NetworkInterfaces=four[:2], InstanceType="t3.micro")["InstanceId"]
    became(api, instance, InstanceState.STOPPED)
    spare = interface(api, subnets[0])
    asked = {"InstanceId": instance, "NetworkInterfaceId": spare, "DeviceIndex": 2}
    with refused("AttachmentLimitExceeded", "3 exceeds the limit for t3.micro"):
        api.ec2("AttachNetworkInterface", **asked)
    api.ec2("ModifyInstanceAttribute", InstanceId=instance, InstanceType={"Value": "t3.small"})
    api.ec2("AttachNetworkInterface", **asked)
    with refused("AttachmentLimitExceeded", "3 exceeds the limit for t3.nano"):
        api.ec2("ModifyInstanceAttribute", InstanceId=instance, InstanceType={"Value": "t3.nano"})


def test_half_an_instance_is_not_launched_when_its_second_subnet_is_full(api: Api, subnets: Any):
    vpc = api.ec2("DescribeSubnets", SubnetIds=[subnets[0]])["Subnets"][0]["VpcId"]
    small = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.9.0/28", AvailabilityZone="ap-northeast-2a")["Subnet"]
    interfaces = [{"DeviceIndex": 0, "SubnetId": subnets[0]}, {"DeviceIndex": 1, "SubnetId": small["SubnetId"]}]
    made = api.ec2("RunInstances", ImageId=LINUX, MinCount=1, MaxCount=20, NetworkInterfaces=interfaces)["Instances"]
    assert len(made) == 11
    assert len(api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"]) == 22


def test_attaching_and_detaching_can_be_seen_from_both_sides(api: Api, subnets: Any):
    instance = run(api, SubnetId=subnets[0])["InstanceId"]
    spare = interface(api, subnets[1])
    with refused("IncorrectState", "not 'running' or 'stopped'"):
        api.ec2("AttachNetworkInterface", InstanceId=instance, NetworkInterfaceId=spare, DeviceIndex=1)
    became(api, instance, InstanceState.RUNNING)
    with refused("InvalidParameterValue", "already has an interface attached at device index '0'"):
        api.ec2("AttachNetworkInterface", InstanceId=instance, NetworkInterfaceId=spare, DeviceIndex=0)
    attachment = api.ec2("AttachNetworkInterface", InstanceId=instance, NetworkInterfaceId=spare, DeviceIndex=3)[
        "AttachmentId"
    ]
    seen = described(api, spare)
    assert seen["Status"] == "in-use"
    assert (seen["Attachment"]["AttachmentId"], seen["Attachment"]["Status"]) == (attachment, "attaching")
    shown = api.ec2("DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert [each["Attachment"]["DeviceIndex"] for each in shown["NetworkInterfaces"]] == [0, 3]
    primary = shown["NetworkInterfaces"][0]["Attachment"]["AttachmentId"]
    with refused("OperationNotPermitted", "device index 0"):
        api.ec2("DetachNetworkInterface", AttachmentId=primary)
    with refused("InvalidAttachmentID.NotFound", "eni-attach-00000000000000000"):
        api.ec2("DetachNetworkInterface", AttachmentId="eni-attach-00000000000000000")
    api.ec2("DetachNetworkInterface", AttachmentId=attachment)
    assert described(api, spare)["Status"] == "available"
    api.ec2("DeleteNetworkInterface", NetworkInterfaceId=spare)


def test_an_interface_is_attached_once_its_link_stands(api: Api, subnets: Any):
    instance = run(api, SubnetId=subnets[0])["InstanceId"]
    became(api, instance, InstanceState.RUNNING)
    spare = interface(api, subnets[1])
    api.ec2("AttachNetworkInterface", InstanceId=instance, NetworkInterfaceId=spare, DeviceIndex=1)
    for built, expected in (((), "attaching"), ((spare,), "attached")):
        api.put(*status.after_build(api.store.snapshot(), built=built, errors={}).put)
        assert described(api, spare)["Attachment"]["Status"] == expected


def test_what_names_an_instance_must_name_the_interface_when_there_are_several(api: Api, subnets: Any):
    made = run(api, NetworkInterfaces=two(subnets))
    instance = made["InstanceId"]
    vpc = made["VpcId"]
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    with refused("InvalidInstanceID", "multiple interfaces"):
        api.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", InstanceId=instance)
    with refused("InvalidInstanceID", "multiple interfaces"):
        api.ec2("ModifyInstanceAttribute", InstanceId=instance, SourceDestCheck={"Value": False})
    allocation = api.ec2("AllocateAddress")["AllocationId"]
    with refused("InvalidInstanceID", "multiple interfaces"):
        api.ec2("AssociateAddress", InstanceId=instance, AllocationId=allocation)


def of(snapshot: Snapshot, instance: str) -> tuple[set[KernelRoute], set[KernelRule]]:
    wanted = network.topology(snapshot)
    return {one for one in wanted.routes if one.box == instance}, {one for one in wanted.rules if one.box == instance}


def test_what_is_sent_from_the_second_interface_leaves_by_it(api: Api, subnets: Any):
    made = run(api, NetworkInterfaces=two(subnets))
    routes, rules = of(api.store.snapshot(), made["InstanceId"])
    assert {(one.table, one.device, one.via, one.metric) for one in routes} == {
        (254, "eth0", "10.0.0.1", 0),
        (254, "eth1", "10.0.1.1", 513),
        (10001, "eth1", "10.0.1.1", 0),
    }
    assert {(one.source, one.table, one.priority) for one in rules} == {("10.0.1.4", 10001, 10001)}


def test_the_types_that_there_are_say_how_many_interfaces_they_take(api: Api):
    found = api.ec2("DescribeInstanceTypes", InstanceTypes=["t3.micro", "c5n.xlarge"])["InstanceTypes"]
    limits = {
        one["InstanceType"]: (
            one["VCpuInfo"]["DefaultVCpus"],
            one["MemoryInfo"]["SizeInMiB"],
            one["NetworkInfo"]["MaximumNetworkInterfaces"],
        )
        for one in found
    }
    assert limits == {"t3.micro": (2, 1024, 2), "c5n.xlarge": (4, 10752, 4)}
