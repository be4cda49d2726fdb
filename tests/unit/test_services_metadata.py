"""The metadata service, request by request; its story is tests/stories/test_metadata.py."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from api_harness import Api

from opengwlb.services.http import Incoming, Outgoing
from opengwlb.services.metadata import MetadataService

TTL, TOKEN = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"


class Box:
    """An instance at 10.0.1.5 that asks."""

    def __init__(self, api: Api, **launch: Any) -> None:
        self.api = api
        self.now = api.now
        self.vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        api.ec2("ModifyVpcAttribute", VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        subnet = api.ec2("CreateSubnet", VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        (made,) = api.ec2(
            "RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1, SubnetId=subnet,
            PrivateIpAddress="10.0.1.5", **launch,
        )["Instances"]  # fmt: skip
        self.instance = made
        self.service = MetadataService(store=api.store, vpc=self.vpc, clock=lambda: self.now)

    def ask(self, path: str, *, method: str = "GET", peer: str = "10.0.1.5", **headers: str) -> Outgoing:
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return self.service.answer(Incoming(method=method, target=path, headers=named, body=b"", peer=peer))

    def get(self, path: str) -> str:
        answer = self.ask(f"/latest/{path}")
        assert answer.status == 200, path
        return answer.body.decode()

    def token(self, seconds: str = "60", **more: str) -> Outgoing:
        return self.ask("/latest/api/token", method="PUT", **{TTL.replace("-", "_"): seconds}, **more)


@pytest.fixture
def box(api: Api) -> Box:
    return Box(api, UserData=base64.b64encode(b"#!/bin/sh\n").decode())


def test_the_tree_says_what_describe_instances_says(box: Box):
    (interface,) = box.instance["NetworkInterfaces"]
    macs = f"meta-data/network/interfaces/macs/{interface['MacAddress']}/"
    expected = {
        "meta-data/instance-id": box.instance["InstanceId"],
        "meta-data/ami-id": box.instance["ImageId"],
        "meta-data/instance-type": box.instance["InstanceType"],
        "meta-data/local-ipv4": "10.0.1.5",
        "meta-data/hostname": box.instance["PrivateDnsName"],
        "meta-data/mac": interface["MacAddress"],
        "meta-data/placement/availability-zone": box.instance["Placement"]["AvailabilityZone"],
        "meta-data/placement/region": "ap-northeast-2",
        "meta-data/security-groups": "default",
        "meta-data/reservation-id": box.api.ec2("DescribeInstances")["Reservations"][0]["ReservationId"],
        f"{macs}interface-id": interface["NetworkInterfaceId"],
        f"{macs}subnet-ipv4-cidr-block": "10.0.1.0/24",
        f"{macs}vpc-ipv4-cidr-blocks": "10.0.0.0/16",
        f"{macs}device-number": "0",
        f"{macs}owner-id": box.api.account,
        "user-data": "#!/bin/sh\n",
        "": "dynamic/\nmeta-data/\nuser-data",
        "meta-data/placement/": "availability-zone\navailability-zone-id\nregion",
        "meta-data/network/interfaces/macs/": f"{interface['MacAddress']}/",
    }
    assert {path: box.get(path) for path in expected} == expected
    assert box.ask("/").body.splitlines()[-1] == b"latest"
    assert box.ask("/2021-07-15/meta-data/local-ipv4").body == b"10.0.1.5"


@pytest.mark.parametrize("path", ["/latest/meta-data/nothing", "/latest/meta-data/public-ipv4", "/latest/meta-data/iam/info", "/later/",
                                  "/latest/meta-data/instance-id/", "/latest/meta-data/tags/instance/", "/x"])  # fmt: skip
def test_what_is_not_there_is_not_found(box: Box, path: str):
    answer = box.ask(path)
    assert answer.status == 404 and b"404 - Not Found" in answer.body


def test_a_public_address_and_tags_appear_when_there_are_any(box: Box):
    gateway = box.api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    box.api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=box.vpc)
    given = box.api.ec2("AllocateAddress", Domain="vpc")
    box.api.ec2("AssociateAddress", AllocationId=given["AllocationId"], InstanceId=box.instance["InstanceId"])
    assert box.get("meta-data/public-ipv4") == given["PublicIp"]
    mac = box.instance["NetworkInterfaces"][0]["MacAddress"]
    assert box.get(f"meta-data/network/interfaces/macs/{mac}/ipv4-associations/{given['PublicIp']}") == "10.0.1.5"
    box.api.ec2("CreateTags", Resources=[box.instance["InstanceId"]], Tags=[{"Key": "Name", "Value": "fw"}])
    box.api.ec2("ModifyInstanceMetadataOptions", InstanceId=box.instance["InstanceId"], InstanceMetadataTags="enabled")
    assert box.get("meta-data/tags/instance/") == "Name" and box.get("meta-data/tags/instance/Name") == "fw"


def test_a_token_is_good_for_its_time_and_its_instance(api: Api, box: Box):
    got = box.token("60")
    assert (got.status, got.ttl, dict(got.headers)[TTL]) == (200, 1, "60")
    token = got.body.decode()
    seen = box.ask("/latest/meta-data/mac", x_aws_ec2_metadata_token=token)
    assert seen.status == 200 and dict(seen.headers)[TTL] == "60" and seen.ttl == 64
    for wrong in (token[:-4] + "AAAA", "", "x", Box(api).token().body.decode()):
        assert box.ask("/latest/meta-data/mac", x_aws_ec2_metadata_token=wrong).status == 401
    box.now += 60
    assert box.ask("/latest/meta-data/mac", x_aws_ec2_metadata_token=token).status == 401
    assert box.ask("/latest/meta-data/mac").status == 200


@pytest.mark.parametrize("seconds", ["0", "21601", "-1", "x", "", "999999"])
def test_a_tokens_time_has_bounds(box: Box, seconds: str):
    assert box.token(seconds).status == 400


def test_who_forwards_gets_no_token_and_other_methods_nothing(box: Box):
    assert box.token(x_forwarded_for="10.0.0.9").status == 403
    assert box.ask("/latest/meta-data/mac", method="PUT").status == 405
    assert box.ask("/latest/meta-data/mac", method="POST").status == 405
    head = box.ask("/latest/meta-data/mac", method="HEAD")
    assert (head.status, head.body, dict(head.headers)["content-length"]) == (200, b"", "17")


def test_nobody_at_an_address_without_an_instance_learns_anything(box: Box):
    assert box.ask("/latest/meta-data/mac", peer="10.0.1.6").status == 404


def test_a_role_that_ec2_may_not_assume_says_so(api: Api):
    trust = json.dumps(
        {"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "sts:AssumeRole"}}
    )
    for name, params in (
        ("CreateRole", {"RoleName": "fw", "AssumeRolePolicyDocument": trust}),
        ("CreateInstanceProfile", {"InstanceProfileName": "fw"}),
        ("AddRoleToInstanceProfile", {"InstanceProfileName": "fw", "RoleName": "fw"}),
    ):
        api.call("iam", name, **params)
    box = Box(api, IamInstanceProfile={"Name": "fw"})
    for path in ("meta-data/iam/info", "meta-data/iam/security-credentials/fw"):
        assert json.loads(box.get(path))["Code"] == "AssumeRoleUnauthorizedAccess"
    api.call(
        "iam",
        "UpdateAssumeRolePolicy",
        RoleName="fw",
        PolicyDocument=trust.replace('"AWS": "111111111111"', '"Service": "ec2.amazonaws.com"'),
    )
    given = json.loads(box.get("meta-data/iam/security-credentials/fw"))
    assert (given["Code"], given["AccessKeyId"][:4]) == ("Success", "ASIA")
    again = json.loads(box.get("meta-data/iam/security-credentials/fw"))
    assert again == given
    box.now += 3600
    assert json.loads(box.get("meta-data/iam/security-credentials/fw"))["AccessKeyId"] != given["AccessKeyId"]
    api.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName="fw", RoleName="fw")
    assert json.loads(box.get("meta-data/iam/info"))["Code"] == "InstanceProfileNotFound"
