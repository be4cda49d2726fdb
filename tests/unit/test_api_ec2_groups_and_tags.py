"""Security groups as data, and tags of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused

HTTP = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
GENEVE = {"IpProtocol": "udp", "FromPort": 6081, "ToPort": 6081, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}


@pytest.fixture
def vpc(api: Api) -> str:
    return str(api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def group(api: Api, vpc: str) -> str:
    return str(api.ec2("CreateSecurityGroup", GroupName="fw", Description="firewalls", VpcId=vpc)["GroupId"])


def described(api: Api, group: str) -> dict[str, Any]:
    return api.ec2("DescribeSecurityGroups", GroupIds=[group])["SecurityGroups"][0]


def test_a_new_group_lets_nothing_in_and_everything_out(api: Api, group: str):
    shown = described(api, group)
    assert shown["IpPermissions"] == []
    (out,) = shown["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])
    assert "FromPort" not in out


def test_authorised_rules_are_stored_one_per_peer(api: Api, group: str):
    two = {**HTTP, "IpRanges": [{"CidrIp": "10.0.0.5/16", "Description": "us"}, {"CidrIp": "192.0.2.0/24"}]}
    answer = api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[two, GENEVE])
    assert [rule["CidrIpv4"] for rule in answer["SecurityGroupRules"]] == [
        "10.0.0.0/16",
        "192.0.2.0/24",
        "10.0.0.0/16",
    ]
    (http, geneve) = described(api, group)["IpPermissions"]
    assert http["IpRanges"] == [{"CidrIp": "10.0.0.0/16", "Description": "us"}, {"CidrIp": "192.0.2.0/24"}]
    assert (geneve["IpProtocol"], geneve["FromPort"]) == ("udp", 6081)
    rules = api.ec2("DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}])
    assert len(rules["SecurityGroupRules"]) == 4


def test_the_older_flat_members_mean_the_same(api: Api, group: str):
    api.ec2(
        "AuthorizeSecurityGroupIngress", GroupId=group, IpProtocol="6", FromPort=80, ToPort=80, CidrIp="10.0.0.0/16"
    )
    with refused("InvalidPermission.Duplicate", "peer: 10.0.0.0/16, TCP, from port: 80, to port: 80"):
        api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[HTTP])


def test_a_revoked_rule_is_gone_and_cannot_be_revoked_again(api: Api, group: str):
    made = api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[HTTP, GENEVE])
    revoked = api.ec2("RevokeSecurityGroupIngress", GroupId=group, IpPermissions=[HTTP])
    assert (
        revoked["RevokedSecurityGroupRules"][0]["SecurityGroupRuleId"]
        == (made["SecurityGroupRules"][0]["SecurityGroupRuleId"])
    )
    with refused("InvalidPermission.NotFound"):
        api.ec2("RevokeSecurityGroupIngress", GroupId=group, IpPermissions=[HTTP])
    api.ec2(
        "RevokeSecurityGroupIngress",
        GroupId=group,
        SecurityGroupRuleIds=[made["SecurityGroupRules"][1]["SecurityGroupRuleId"]],
    )
    assert described(api, group)["IpPermissions"] == []


def test_the_egress_rule_can_be_taken_away(api: Api, group: str):
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    api.ec2("RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[everything])
    api.ec2("AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=[HTTP])
    assert [each["IpProtocol"] for each in described(api, group)["IpPermissionsEgress"]] == ["tcp"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"IpProtocol": "carrier-pigeon"}, "InvalidParameterValue"),
        ({"FromPort": 81}, "InvalidParameterValue"),
        ({"ToPort": 65536}, "InvalidParameterValue"),
        ({"IpRanges": [{"CidrIp": "10.0.0.0"}]}, "InvalidParameterValue"),
        ({"IpRanges": []}, "MissingParameter"),
        ({"UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}, "InvalidGroup.NotFound"),
        ({"PrefixListIds": [{"PrefixListId": "pl-1"}]}, "UnsupportedOperation"),
    ],
)
def test_a_rule_that_makes_no_sense_changes_nothing(api: Api, group: str, change: dict[str, Any], code: str):
    with refused(code):
        api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[GENEVE, {**HTTP, **change}])
    assert described(api, group)["IpPermissions"] == []


def test_a_direction_holds_sixty_rules(api: Api, group: str):
    many = {**HTTP, "IpRanges": [{"CidrIp": f"10.0.{number}.0/24"} for number in range(60)]}
    api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[many])
    with refused("RulesPerSecurityGroupLimitExceeded"):
        api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[GENEVE])


def test_group_names_are_unique_in_a_vpc_and_default_is_taken(api: Api, vpc: str, group: str):
    with refused("InvalidGroup.Duplicate", "fw"):
        api.ec2("CreateSecurityGroup", GroupName="fw", Description="again", VpcId=vpc)
    with refused("InvalidParameterValue", "reserved"):
        api.ec2("CreateSecurityGroup", GroupName="default", Description="again", VpcId=vpc)
    other = api.ec2("CreateSecurityGroup", GroupName="fw", Description="of the default VPC")["GroupId"]
    assert api.ec2("DescribeSecurityGroups", GroupNames=["fw"])["SecurityGroups"] != []
    api.ec2("DeleteSecurityGroup", GroupName="fw")
    with refused("InvalidGroup.NotFound", other):
        api.ec2("DescribeSecurityGroups", GroupIds=[other])
    assert described(api, group)["GroupName"] == "fw"


def test_a_group_that_another_names_is_kept_and_the_default_one_always(api: Api, vpc: str, group: str):
    friend = api.ec2("CreateSecurityGroup", GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    pair = {**HTTP, "IpRanges": [], "UserIdGroupPairs": [{"GroupId": group}]}
    api.ec2("AuthorizeSecurityGroupIngress", GroupId=friend, IpPermissions=[pair])
    with refused("DependencyViolation", group):
        api.ec2("DeleteSecurityGroup", GroupId=group)
    api.ec2("DeleteSecurityGroup", GroupId=friend)
    api.ec2("DeleteSecurityGroup", GroupId=group)
    mine = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = api.ec2("DescribeSecurityGroups", Filters=mine)["SecurityGroups"]
    with refused("CannotDelete"):
        api.ec2("DeleteSecurityGroup", GroupId=default["GroupId"])


def test_tags_are_added_replaced_described_and_deleted(api: Api, vpc: str, group: str):
    api.ec2("CreateTags", Resources=[vpc, group], Tags=[{"Key": "Name", "Value": "a"}, {"Key": "Tier", "Value": "1"}])
    api.ec2("CreateTags", Resources=[vpc], Tags=[{"Key": "Name", "Value": "b"}])
    tags = api.ec2("DescribeTags", Filters=[{"Name": "key", "Values": ["Name"]}])["Tags"]
    assert [(tag["ResourceType"], tag["Value"]) for tag in tags] == [("vpc", "b"), ("security-group", "a")]
    api.ec2("DeleteTags", Resources=[vpc, group], Tags=[{"Key": "Name", "Value": "b"}, {"Key": "Tier"}])
    left = api.ec2("DescribeTags")["Tags"]
    assert [(tag["ResourceId"], tag["Key"], tag["Value"]) for tag in left] == [(group, "Name", "a")]
    api.ec2("DeleteTags", Resources=[group])
    assert api.ec2("DescribeTags")["Tags"] == []


def test_one_wrong_id_tags_nothing(api: Api, vpc: str):
    with refused("InvalidSubnetID.NotFound"):
        api.ec2("CreateTags", Resources=[vpc, "subnet-0123456789abcdef0"], Tags=[{"Key": "Name", "Value": "a"}])
    with refused("InvalidID"):
        api.ec2("CreateTags", Resources=[vpc, "teapot-1"], Tags=[{"Key": "Name", "Value": "a"}])
    assert api.ec2("DescribeTags")["Tags"] == []


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:name", "Value": "x"}], "InvalidParameterValue"),
        ([{"Key": "a", "Value": "x"}, {"Key": "a", "Value": "y"}], "InvalidParameterValue"),
        ([{"Key": "k" * 129, "Value": "x"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "x" * 257}], "InvalidParameterValue"),
        ([{"Key": f"k{number}", "Value": "x"} for number in range(51)], "TagLimitExceeded"),
    ],
)
def test_tags_have_aws_limits(api: Api, vpc: str, tags: list[dict[str, str]], code: str):
    with refused(code):
        api.ec2("CreateTags", Resources=[vpc], Tags=tags)


def test_tags_of_another_resource_type_are_refused(api: Api):
    wrong = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]
    with refused("InvalidParameterValue", "'subnet' is not a valid taggable resource type"):
        api.ec2("CreateVpc", CidrBlock="10.0.0.0/16", TagSpecifications=wrong)


def test_tags_come_in_pages(api: Api, vpc: str):
    api.ec2("CreateTags", Resources=[vpc], Tags=[{"Key": f"k{number}", "Value": "x"} for number in range(7)])
    first = api.ec2("DescribeTags", MaxResults=5)
    second = api.ec2("DescribeTags", MaxResults=5, NextToken=first["NextToken"])
    assert [tag["Key"] for tag in first["Tags"] + second["Tags"]] == [f"k{number}" for number in range(7)]
