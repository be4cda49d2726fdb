"""Rules of security groups that change, are described and tagged; what is revoked and was not there."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from api_lab import Lab

WEB = {
    "IpProtocol": "tcp",
    "FromPort": 80,
    "ToPort": 80,
    "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "web"}],
}


def make(lab: Lab, name: str = "web") -> str:
    made = lab.api.ec2("CreateSecurityGroup", GroupName=name, Description="d", VpcId=lab.vpc)
    return str(made["GroupId"])


def allow(lab: Lab, group: str, *permissions: dict[str, Any]) -> list[str]:
    answer = lab.api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=list(permissions))
    return [rule["SecurityGroupRuleId"] for rule in answer["SecurityGroupRules"]]


def shown(api: Api, rule: str) -> dict[str, Any]:
    return dict(api.ec2("DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule])["SecurityGroupRules"][0])


def test_a_rule_changes_and_keeps_its_id_direction_and_tags(lab: Lab):
    group, other = make(lab), make(lab, "other")
    (rule,) = allow(lab, group, WEB)
    lab.api.ec2("CreateTags", Resources=[rule], Tags=[{"Key": "Name", "Value": "first"}])
    change = {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "ReferencedGroupId": other, "Description": "names"}
    lab.api.ec2(
        "ModifySecurityGroupRules",
        GroupId=group,
        SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": change}],
    )
    now = shown(lab.api, rule)
    assert (now["IpProtocol"], now["FromPort"], now["Description"], now["IsEgress"]) == ("udp", 53, "names", False)
    assert now["ReferencedGroupInfo"]["GroupId"] == other and "CidrIpv4" not in now
    assert now["Tags"] == [{"Key": "Name", "Value": "first"}]
    with refused("DependencyViolation"):
        lab.api.ec2("DeleteSecurityGroup", GroupId=other)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2}, "MissingParameter"),
        (
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "CidrIpv4": "0.0.0.0/0", "CidrIpv6": "::/0"},
            "InvalidParameterCombination",
        ),
        ({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"}, "InvalidPermission.Duplicate"),
        ({"IpProtocol": "tcp", "FromPort": 9, "ToPort": 1, "CidrIpv4": "0.0.0.0/0"}, "InvalidParameterValue"),
    ],
)
def test_a_change_that_makes_no_rule_or_one_that_is_there_changes_nothing(lab: Lab, change: dict[str, Any], code: str):
    group = make(lab)
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    rule, _ = allow(lab, group, WEB, https)
    before = shown(lab.api, rule)
    with refused(code):
        lab.api.ec2(
            "ModifySecurityGroupRules",
            GroupId=group,
            SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": change}],
        )
    assert shown(lab.api, rule) == before
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        lab.api.ec2("ModifySecurityGroupRules", GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": "sgr-0123"}])


def test_descriptions_are_replaced_and_removed_by_permission_and_by_id(lab: Lab):
    group = make(lab)
    (rule,) = allow(lab, group, WEB)
    renamed = {**WEB, "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "pages"}]}
    lab.api.ec2("UpdateSecurityGroupRuleDescriptionsIngress", GroupId=group, IpPermissions=[renamed])
    assert shown(lab.api, rule)["Description"] == "pages"
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        lab.api.ec2(
            "UpdateSecurityGroupRuleDescriptionsEgress",
            GroupId=group,
            SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "x"}],
        )
    with refused("InvalidParameterValue", "Invalid rule description"):
        lab.api.ec2(
            "UpdateSecurityGroupRuleDescriptionsIngress",
            GroupId=group,
            SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "<script>"}],
        )
    lab.api.ec2(
        "UpdateSecurityGroupRuleDescriptionsIngress",
        GroupId=group,
        SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule}],
    )
    assert "Description" not in shown(lab.api, rule)
    with refused("InvalidPermission.NotFound"):
        lab.api.ec2("UpdateSecurityGroupRuleDescriptionsIngress", GroupId=group, IpPermissions=[{**WEB, "ToPort": 81}])


def test_rules_are_tagged_described_and_found_by_their_tags(lab: Lab):
    group = make(lab)
    (rule,) = allow(lab, group, WEB)
    lab.api.ec2("CreateTags", Resources=[rule], Tags=[{"Key": "Tier", "Value": "edge"}])
    found = lab.api.ec2("DescribeSecurityGroupRules", Filters=[{"Name": "tag:Tier", "Values": ["edge"]}])
    assert [each["SecurityGroupRuleId"] for each in found["SecurityGroupRules"]] == [rule]
    (tag,) = lab.api.ec2("DescribeTags", Filters=[{"Name": "resource-id", "Values": [rule]}])["Tags"]
    assert (tag["ResourceType"], tag["Key"], tag["Value"]) == ("security-group-rule", "Tier", "edge")
    lab.api.ec2("DeleteTags", Resources=[rule], Tags=[{"Key": "Tier"}])
    assert shown(lab.api, rule)["Tags"] == []
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        lab.api.of("222222222222").ec2("CreateTags", Resources=[rule], Tags=[{"Key": "a", "Value": "b"}])


def test_each_family_has_its_own_sixty_rules_and_a_group_is_one_in_both(lab: Lab):
    group = make(lab)
    four = [{**WEB, "FromPort": port, "ToPort": port} for port in range(60)]
    allow(lab, group, *four)
    with refused("RulesPerSecurityGroupLimitExceeded"):
        allow(lab, group, {**WEB, "FromPort": 99, "ToPort": 99})
    six = {"IpProtocol": "tcp", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    allow(lab, group, *({**six, "FromPort": port, "ToPort": port} for port in range(60)))
    with refused("RulesPerSecurityGroupLimitExceeded"):
        allow(lab, group, {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]})


def test_what_is_revoked_and_was_not_there_is_refused_but_in_a_default_vpc_it_is_said(lab: Lab):
    with refused("InvalidPermission.NotFound"):
        lab.api.ec2("RevokeSecurityGroupIngress", GroupId=make(lab), IpPermissions=[WEB])
    group = lab.api.ec2("CreateSecurityGroup", GroupName="d", Description="d")["GroupId"]
    (rule,) = allow(lab, group, WEB)
    answer = lab.api.ec2("RevokeSecurityGroupIngress", GroupId=group, IpPermissions=[WEB, {**WEB, "ToPort": 90}])
    assert [each["SecurityGroupRuleId"] for each in answer["RevokedSecurityGroupRules"]] == [rule]
    (unknown,) = answer["UnknownIpPermissions"]
    assert (unknown["FromPort"], unknown["ToPort"]) == (80, 90)


def test_a_vpcs_groups_are_those_its_interfaces_may_have_and_nobody_refers_from_beyond(lab: Lab):
    group = make(lab)
    found = lab.api.ec2("GetSecurityGroupsForVpc", VpcId=lab.vpc)["SecurityGroupForVpcs"]
    assert {each["GroupName"] for each in found} == {"default", "web"}
    mine = [{"Name": "group-id", "Values": [group]}]
    (one,) = lab.api.ec2("GetSecurityGroupsForVpc", VpcId=lab.vpc, Filters=mine)["SecurityGroupForVpcs"]
    assert one["PrimaryVpcId"] == lab.vpc
    assert lab.api.ec2("DescribeSecurityGroupReferences", GroupId=[group])["SecurityGroupReferenceSet"] == []
    assert lab.api.ec2("DescribeStaleSecurityGroups", VpcId=lab.vpc)["StaleSecurityGroupSet"] == []
    with refused("InvalidGroup.NotFound"):
        lab.api.ec2("DescribeSecurityGroupReferences", GroupId=["sg-0123456789abcdef0"])
