"""What an instance is protected from, how it ends by itself, how closely it is watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api_harness import Api, refused

from opengwlb.model.compute import Instance, InstanceState

LINUX = "ami-0000000000000a001"


def run(api: Api, **more: Any) -> str:
    made = api.ec2("RunInstances", ImageId=LINUX, MinCount=1, MaxCount=1, InstanceType="t3.micro", **more)
    instance = api.store.snapshot().get(Instance, made["Instances"][0]["InstanceId"])
    assert instance is not None
    api.put(replace(instance, state=InstanceState.RUNNING))
    return instance.id


def attribute(api: Api, instance: str, name: str) -> Any:
    answer = api.ec2("DescribeInstanceAttribute", InstanceId=instance, Attribute=name)
    return answer[name[0].upper() + name[1:]]["Value"]


def test_a_protected_instance_is_neither_terminated_nor_stopped_until_it_is_not(api: Api):
    instance = run(api, DisableApiTermination=True, DisableApiStop=True)
    with refused("OperationNotPermitted", "disableApiTermination"):
        api.ec2("TerminateInstances", InstanceIds=[instance])
    with refused("OperationNotPermitted", "disableApiStop"):
        api.ec2("StopInstances", InstanceIds=[instance])
    assert attribute(api, instance, "disableApiTermination") and attribute(api, instance, "disableApiStop")
    api.ec2("ModifyInstanceAttribute", InstanceId=instance, DisableApiStop={"Value": False})
    api.ec2("ModifyInstanceAttribute", InstanceId=instance, Attribute="disableApiTermination", Value="false")
    api.ec2("StopInstances", InstanceIds=[instance])
    api.ec2("TerminateInstances", InstanceIds=[instance])


def test_one_protected_instance_keeps_all_of_a_call(api: Api):
    free, kept = run(api), run(api, DisableApiTermination=True)
    with refused("OperationNotPermitted", kept):
        api.ec2("TerminateInstances", InstanceIds=[free, kept])
    (shown,) = api.ec2("DescribeInstances", InstanceIds=[free])["Reservations"]
    assert shown["Instances"][0]["State"]["Name"] == "running"


def test_how_it_ends_by_itself_is_said_at_launch_and_later(api: Api):
    instance = run(api)
    assert attribute(api, instance, "instanceInitiatedShutdownBehavior") == "stop"
    change = {"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}}
    api.ec2("ModifyInstanceAttribute", InstanceId=instance, **change)
    assert attribute(api, instance, "instanceInitiatedShutdownBehavior") == "terminate"
    with refused("InvalidParameterValue", "stop or terminate"):
        api.ec2(
            "ModifyInstanceAttribute", InstanceId=instance, InstanceInitiatedShutdownBehavior={"Value": "hibernate"}
        )


def test_monitoring_is_switched_and_found(api: Api):
    instance, other = run(api), run(api, Monitoring={"Enabled": True})
    (answer,) = api.ec2("MonitorInstances", InstanceIds=[instance])["InstanceMonitorings"]
    assert answer["Monitoring"]["State"] == "pending"
    enabled = [{"Name": "monitoring-state", "Values": ["enabled"]}]
    found = api.ec2("DescribeInstances", Filters=enabled)["Reservations"]
    assert {each["Instances"][0]["InstanceId"] for each in found} == {instance, other}
    api.ec2("UnmonitorInstances", InstanceIds=[instance, other])
    assert api.ec2("DescribeInstances", Filters=enabled)["Reservations"] == []
    with refused("InvalidInstanceID.NotFound"):
        api.ec2("MonitorInstances", InstanceIds=["i-0123456789abcdef0"])


def test_a_report_of_a_running_instance_is_taken_and_changes_nothing(api: Api):
    instance = run(api)
    report = {"Instances": [instance], "Status": "impaired", "ReasonCodes": ["other"]}
    revision = api.store.snapshot().revision
    api.ec2("ReportInstanceStatus", **report)
    assert api.store.snapshot().revision == revision
    api.ec2("StopInstances", InstanceIds=[instance])
    with refused("IncorrectInstanceState"):
        api.ec2("ReportInstanceStatus", **report)


def test_bursting_types_have_no_credits_to_run_out_of(api: Api):
    instance = run(api)
    (shown,) = api.ec2("DescribeInstanceCreditSpecifications", InstanceIds=[instance])["InstanceCreditSpecifications"]
    assert shown == {"InstanceId": instance, "CpuCredits": "unlimited"}


def test_types_are_offered_in_the_region_and_in_each_of_its_zones(api: Api):
    only = [{"Name": "instance-type", "Values": ["t3.micro"]}]
    (here,) = api.ec2("DescribeInstanceTypeOfferings", Filters=only)["InstanceTypeOfferings"]
    assert here == {"InstanceType": "t3.micro", "LocationType": "region", "Location": "ap-northeast-2"}
    zones = api.ec2("DescribeInstanceTypeOfferings", Filters=only, LocationType="availability-zone-id")
    places = [each["Location"] for each in zones["InstanceTypeOfferings"]]
    assert places == ["apne2-az1", "apne2-az2", "apne2-az3"]
    first = api.ec2("DescribeInstanceTypeOfferings", LocationType="availability-zone", MaxResults=100)
    again = api.ec2(
        "DescribeInstanceTypeOfferings", LocationType="availability-zone", NextToken=first["NextToken"], MaxResults=100
    )
    everything = api.ec2("DescribeInstanceTypeOfferings", LocationType="availability-zone")["InstanceTypeOfferings"]
    assert [*first["InstanceTypeOfferings"], *again["InstanceTypeOfferings"]] == everything


def test_the_source_check_of_an_instance_is_reset(api: Api):
    instance = run(api)
    api.ec2("ModifyInstanceAttribute", InstanceId=instance, SourceDestCheck={"Value": False})
    api.ec2("ResetInstanceAttribute", InstanceId=instance, Attribute="sourceDestCheck")
    assert attribute(api, instance, "sourceDestCheck")
    with refused("UnsupportedOperation"):
        api.ec2("ResetInstanceAttribute", InstanceId=instance, Attribute="kernel")


def test_instances_are_found_by_their_interfaces_addresses_and_tags(api: Api):
    given = [{"ResourceType": "network-interface", "Tags": [{"Key": "leg", "Value": "inner"}]}]
    subnet = api.ec2("DescribeSubnets")["Subnets"][0]["SubnetId"]
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "SecondaryPrivateIpAddressCount": 1}
    instance = run(api, NetworkInterfaces=[interface], TagSpecifications=given)
    run(api)
    (shown,) = api.ec2("DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"]
    further = shown["NetworkInterfaces"][0]["PrivateIpAddresses"][1]["PrivateIpAddress"]
    for name, value in (
        ("network-interface.addresses.private-ip-address", further),
        ("network-interface.addresses.primary", "false"),
        ("network-interface.tag-key", "leg"),
        ("network-interface.tag-value", "inner"),
    ):
        found = api.ec2("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])["Reservations"]
        assert [each["Instances"][0]["InstanceId"] for each in found] == [instance], name
