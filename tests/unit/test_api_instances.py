"""Instances and images, as a client sees them; the reconcilers are played by `Api.put`."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.compute import Instance, InstanceState

LINUX = "ami-0000000000000a001"


def run(api: Api, **params: Any) -> dict[str, Any]:
    answer = api.ec2("RunInstances", **{"ImageId": LINUX, "MinCount": 1, "MaxCount": 1, **params})
    return answer["Instances"][0]


def stored(api: Api, instance_id: str) -> Instance:
    found = api.store.snapshot().get(Instance, instance_id)
    assert found is not None
    return found


def running(api: Api, **params: Any) -> str:
    instance_id: str = run(api, **params)["InstanceId"]
    api.put(replace(stored(api, instance_id), state=InstanceState.RUNNING))
    return instance_id


def shown(api: Api, instance_id: str) -> dict[str, Any]:
    (reservation,) = api.ec2("DescribeInstances", InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]


@pytest.fixture
def subnet(api: Api) -> str:
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.32/28")["Subnet"]["SubnetId"]


def test_without_a_subnet_it_starts_in_the_default_vpc_with_a_public_address(api: Api):
    made = run(api)
    assert made["State"] == {"Code": 0, "Name": "pending"}
    assert made["Placement"]["AvailabilityZone"] == "ap-northeast-2a"
    assert made["PublicIpAddress"] == made["NetworkInterfaces"][0]["Association"]["PublicIp"]
    assert [group["GroupName"] for group in made["SecurityGroups"]] == ["default"]
    assert api.ec2("DescribeAddresses")["Addresses"] == []
    assert run(api, Placement={"AvailabilityZone": "ap-northeast-2c"})["Placement"]["AvailabilityZoneId"] == "apne2-az3"


def test_what_run_instances_answered_is_what_describe_instances_shows(api: Api, subnet: str):
    tags = [
        {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]},
        {"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "web-eni"}]},
    ]
    api.ec2("CreateKeyPair", KeyName="mine", KeyType="ed25519")
    made = run(api, SubnetId=subnet, PrivateIpAddress="10.0.0.37", TagSpecifications=tags, KeyName="mine")
    assert (made["PrivateIpAddress"], made["PrivateDnsName"]) == (
        "10.0.0.37",
        "ip-10-0-0-37.ap-northeast-2.compute.internal",
    )
    assert made["InstanceType"] == "m1.small"
    assert (made["KeyName"], made["SourceDestCheck"], made["ImageId"]) == ("mine", True, LINUX)
    assert "PublicIpAddress" not in made
    assert shown(api, made["InstanceId"]) == made
    (interface,) = api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"]
    assert interface["TagSet"] == [{"Key": "Name", "Value": "web-eni"}]
    assert interface["Attachment"]["InstanceId"] == made["InstanceId"]


def test_the_network_can_be_said_by_interface(api: Api, subnet: str):
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True, "Description": "outside"}
    made = run(api, NetworkInterfaces=[interface])
    assert made["SubnetId"] == subnet
    assert made["PublicIpAddress"].startswith("198.18.") or made["PublicIpAddress"].startswith("198.19.")
    assert made["NetworkInterfaces"][0]["Description"] == "outside"
    with refused("InvalidParameterCombination", "subnet ID"):
        run(api, NetworkInterfaces=[interface], SubnetId=subnet)


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound", "'[ami-00000000000000000]'"),
        ({"ImageId": "linux"}, "InvalidAMIID.Malformed", "linux"),
        ({"ImageId": None}, "MissingParameter", "ImageId"),
        ({"MinCount": 0}, "InvalidParameterValue", "minCount"),
        ({"MinCount": 2}, "InvalidParameterValue", "maxCount"),
        ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound", "does not exist"),
        ({"SecurityGroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound", "does not exist"),
        ({"PrivateIpAddress": "10.9.9.9"}, "InvalidParameterValue", "subnet's address range"),
        ({"PrivateIpAddress": "10.0.0.33"}, "InvalidParameterValue", "reserved"),
        ({"PrivateIpAddress": "10.0.0.40", "MaxCount": 2}, "InvalidParameterCombination", "privateIpAddress"),
        ({"UserData": "§"}, "InvalidUserData.Malformed", "BASE64"),
        ({"UserData": base64.b64encode(bytes(16385)).decode()}, "InvalidParameterValue", "16384"),
        ({"InstanceType": "huge"}, "InvalidParameterValue", "'huge'"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sdb"}]}, "UnsupportedOperation", "BlockDeviceMappings"),
        ({"IamInstanceProfile": {"Name": "role"}}, "InvalidParameterValue", "Invalid IAM Instance Profile name"),
        ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue", "between 1 and 64"),
        ({"MetadataOptions": {"HttpProtocolIpv6": "enabled"}}, "UnsupportedOperation", "HttpProtocolIpv6"),
        ({"ImageId": "resolve:ssm:/no/such"}, "InvalidParameterValue", "'/no/such' cannot be resolved"),
        ({"InstanceInitiatedShutdownBehavior": "sleep"}, "InvalidParameterValue", "stop or terminate"),
        ({"Placement": {"AvailabilityZone": "ap-northeast-2b"}}, "InvalidParameterValue", "availability zone"),
        ({"DryRun": True}, "DryRunOperation", "would have succeeded"),
    ],
)
def test_an_instance_that_aws_would_refuse_is_refused(
    api: Api, subnet: str, params: dict[str, Any], code: str, words: str
):
    asked = {"ImageId": LINUX, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet, **params}
    with refused(code, words):
        api.ec2("RunInstances", **{name: value for name, value in asked.items() if value is not None})
    assert api.ec2("DescribeInstances")["Reservations"] == []
    assert api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"] == []


def test_user_data_of_16_kb_is_kept_and_can_be_read_and_replaced_when_stopped(api: Api, subnet: str):
    script = base64.b64encode(bytes(16384)).decode()
    instance_id = running(api, SubnetId=subnet, UserData=script)
    asked = {"InstanceId": instance_id, "Attribute": "userData"}
    assert api.ec2("DescribeInstanceAttribute", **asked)["UserData"] == {"Value": script}
    with refused("IncorrectInstanceState", "not in the 'stopped' state"):
        api.ec2("ModifyInstanceAttribute", InstanceId=instance_id, UserData={"Value": b"echo"})
    api.put(replace(stored(api, instance_id), state=InstanceState.STOPPED))
    api.ec2("ModifyInstanceAttribute", InstanceId=instance_id, UserData={"Value": b"echo"})
    assert base64.b64decode(stored(api, instance_id).user_data) == b"echo"


def test_as_many_are_launched_as_the_subnet_has_room_for(api: Api, subnet: str):
    answer = api.ec2("RunInstances", ImageId=LINUX, MinCount=1, MaxCount=20, SubnetId=subnet)
    assert [each["AmiLaunchIndex"] for each in answer["Instances"]] == list(range(11))
    (reservation,) = api.ec2("DescribeInstances")["Reservations"]
    assert reservation["ReservationId"] == answer["ReservationId"]
    assert len(reservation["Instances"]) == 11
    with refused("InsufficientFreeAddressesInSubnet"):
        run(api, SubnetId=subnet)


def test_the_same_client_token_launches_once(api: Api, subnet: str):
    asked = {"SubnetId": subnet, "ClientToken": "once"}
    first = run(api, **asked)
    assert first["ClientToken"] == "once"
    assert run(api, **asked)["InstanceId"] == first["InstanceId"]
    with refused("IdempotentParameterMismatch"):
        run(api, **asked, KeyName="other")


def test_source_dest_check_is_one_switch_seen_from_the_instance_and_from_its_interface(api: Api, subnet: str):
    instance_id = running(api, SubnetId=subnet)
    (interface,) = shown(api, instance_id)["NetworkInterfaces"]
    api.ec2("ModifyInstanceAttribute", InstanceId=instance_id, SourceDestCheck={"Value": False})
    assert shown(api, instance_id)["NetworkInterfaces"][0]["SourceDestCheck"] is False
    ids = {"NetworkInterfaceId": interface["NetworkInterfaceId"]}
    api.ec2("ModifyNetworkInterfaceAttribute", SourceDestCheck={"Value": True}, **ids)
    assert shown(api, instance_id)["SourceDestCheck"] is True
    api.ec2("ModifyInstanceAttribute", InstanceId=instance_id, Attribute="sourceDestCheck", Value="false")
    asked = {"InstanceId": instance_id, "Attribute": "sourceDestCheck"}
    assert api.ec2("DescribeInstanceAttribute", **asked)["SourceDestCheck"] == {"Value": False}
    with refused("IncorrectInstanceState", "stopped"):
        api.ec2("ModifyInstanceAttribute", InstanceId=instance_id, InstanceType={"Value": "t3.nano"})


def test_stop_and_start_pass_through_the_states_of_aws(api: Api, subnet: str):
    instance_id = running(api, SubnetId=subnet)
    ids = {"InstanceIds": [instance_id]}
    (change,) = api.ec2("StopInstances", **ids)["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]) == ("running", {"Code": 64, "Name": "stopping"})
    assert shown(api, instance_id)["StateReason"]["Code"] == "Client.UserInitiatedShutdown"
    with refused("IncorrectInstanceState", "from which it can be started"):
        api.ec2("StartInstances", **ids)
    api.put(replace(stored(api, instance_id), state=InstanceState.STOPPED))
    (change,) = api.ec2("StartInstances", **ids)["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    assert (stored(api, instance_id).desired, stored(api, instance_id).boot) == (InstanceState.RUNNING, 2)
    assert "StateReason" not in shown(api, instance_id)


def test_a_reboot_asks_for_one_more_boot_and_needs_a_running_instance(api: Api, subnet: str):
    instance_id = running(api, SubnetId=subnet)
    assert api.ec2("RebootInstances", InstanceIds=[instance_id]) == {}
    assert stored(api, instance_id).boot == 2
    api.ec2("StopInstances", InstanceIds=[instance_id])
    with refused("IncorrectInstanceState"):
        api.ec2("RebootInstances", InstanceIds=[instance_id])


def test_a_terminated_instance_is_described_without_its_network(api: Api, subnet: str):
    instance_id = running(api, SubnetId=subnet)
    other = running(api, SubnetId=subnet)
    (change,) = api.ec2("TerminateInstances", InstanceIds=[instance_id])["TerminatingInstances"]
    assert change["CurrentState"] == {"Code": 32, "Name": "shutting-down"}
    api.put(replace(stored(api, instance_id), state=InstanceState.TERMINATED))
    gone = shown(api, instance_id)
    assert gone["State"]["Name"] == "terminated"
    assert not {"SubnetId", "VpcId", "PrivateIpAddress"} & set(gone)
    assert gone["NetworkInterfaces"] == []
    with refused("InvalidInstanceID.NotFound"):
        api.ec2("TerminateInstances", InstanceIds=[other, "i-00000000000000000"])
    assert stored(api, other).desired is InstanceState.RUNNING


def test_instances_are_found_by_filters(api: Api, subnet: str):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "firewall"}]}]
    instance_id = running(api, SubnetId=subnet, TagSpecifications=tags, PrivateIpAddress="10.0.0.37")
    pending = run(api)["InstanceId"]
    for name, value, expected in (
        ("instance-state-name", "running", {instance_id}),
        ("instance-state-name", "*ing", {instance_id, pending}),
        ("private-ip-address", "10.0.0.37", {instance_id}),
        ("subnet-id", subnet, {instance_id}),
        ("image-id", LINUX, {instance_id, pending}),
        ("tag:role", "fire*", {instance_id}),
        ("tag-key", "role", {instance_id}),
        ("availability-zone", "ap-northeast-2?", {instance_id, pending}),
        ("network-interface.subnet-id", subnet, {instance_id}),
        ("client-token", "nobody", set()),
    ):
        answer = api.ec2("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])
        found = {each["InstanceId"] for reservation in answer["Reservations"] for each in reservation["Instances"]}
        assert found == expected, name
    with refused("InvalidParameterValue", "colour"):
        api.ec2("DescribeInstances", Filters=[{"Name": "colour", "Values": ["red"]}])


def test_status_is_shown_of_running_instances_unless_all_are_asked_for(api: Api, subnet: str):
    instance_id, pending = running(api, SubnetId=subnet), run(api)["InstanceId"]
    (status,) = api.ec2("DescribeInstanceStatus")["InstanceStatuses"]
    assert (status["InstanceId"], status["InstanceStatus"]["Status"]) == (instance_id, "ok")
    every = api.ec2("DescribeInstanceStatus", IncludeAllInstances=True)["InstanceStatuses"]
    assert [each["InstanceId"] for each in every] == [instance_id, pending]


def test_the_console_is_read_through_the_hook(api: Api, subnet: str):
    instance_id = running(api, SubnetId=subnet)
    silent = api.ec2("GetConsoleOutput", InstanceId=instance_id)
    assert silent["Output"] == ""

    class Speaking(Api):
        def context(self):
            return replace(super().context(), console=lambda instance: f"{instance}: ready\n".encode())

    said = Speaking(store=api.store).ec2("GetConsoleOutput", InstanceId=instance_id)["Output"]
    assert base64.b64decode(said) == f"{instance_id}: ready\n".encode()


def test_the_catalogue_has_three_images_owned_by_amazon(api: Api):
    images = api.ec2("DescribeImages", Owners=["amazon"])["Images"]
    assert [image["Name"] for image in images] == ["opengwlb/linux", "opengwlb/inspector", "opengwlb/firewall"]
    assert api.ec2("DescribeImages", Owners=["self"])["Images"] == []
    filters = [{"Name": "name", "Values": ["opengwlb/f*"]}, {"Name": "state", "Values": ["available"]}]
    (firewall,) = api.ec2("DescribeImages", Filters=filters)["Images"]
    assert (firewall["ImageId"], firewall["ImageOwnerAlias"]) == ("ami-0000000000000a003", "amazon")
    assert api.ec2("DescribeImages", Filters=[{"Name": "tag:a", "Values": ["b"]}])["Images"] == []


def test_instance_types_are_few_and_known_by_name(api: Api):
    (kind,) = api.ec2("DescribeInstanceTypes", InstanceTypes=["t3.micro"])["InstanceTypes"]
    assert kind["VCpuInfo"] == {"DefaultVCpus": 2}


def test_a_caller_is_its_accounts_root(api: Api):
    assert api.call("sts", "GetCallerIdentity") == {
        "UserId": "111111111111",
        "Account": "111111111111",
        "Arn": "arn:aws:iam::111111111111:root",
    }
