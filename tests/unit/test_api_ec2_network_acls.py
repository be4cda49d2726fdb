"""Network ACLs as the API keeps them. What packets make of them is in tests/packets."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from api_lab import Lab

from opengwlb.api.common.quotas import set_limit
from opengwlb.model.vpc import NetworkAcl
from opengwlb.store.protocol import Transaction

WEB = {
    "RuleNumber": 110,
    "Protocol": "6",
    "RuleAction": "allow",
    "Egress": False,
    "CidrBlock": "100.68.0.18/18",
    "PortRange": {"From": 80, "To": 443},
}


def acls(lab: Lab, **asked: Any) -> list[dict[str, Any]]:
    mine = [{"Name": "vpc-id", "Values": [lab.vpc]}, *asked.pop("Filters", [])]
    return list(lab.api.ec2("DescribeNetworkAcls", Filters=mine, **asked)["NetworkAcls"])


def make(lab: Lab, **more: Any) -> str:
    return str(lab.api.ec2("CreateNetworkAcl", VpcId=lab.vpc, **more)["NetworkAcl"]["NetworkAclId"])


def entries(lab: Lab, acl: str) -> list[dict[str, Any]]:
    (shown,) = lab.api.ec2("DescribeNetworkAcls", NetworkAclIds=[acl])["NetworkAcls"]
    return list(shown["Entries"])


def test_a_vpc_has_a_default_acl_that_allows_everything_and_every_new_subnet_has_it(lab: Lab):
    (default,) = acls(lab)
    assert default["IsDefault"]
    assert {each["SubnetId"] for each in default["Associations"]} == {lab.app, lab.endpoint_subnet}
    assert [(each["Egress"], each["RuleNumber"], each["RuleAction"]) for each in default["Entries"]] == [
        (True, 100, "allow"),
        (True, 32767, "deny"),
        (False, 100, "allow"),
        (False, 32767, "deny"),
    ]
    made = lab.api.ec2("CreateSubnet", VpcId=lab.vpc, CidrBlock="10.0.0.96/28")["Subnet"]["SubnetId"]
    assert made in {each["SubnetId"] for each in acls(lab)[0]["Associations"]}
    lab.api.ec2("DeleteSubnet", SubnetId=made)
    assert made not in {each["SubnetId"] for each in acls(lab)[0]["Associations"]}


def test_an_untouched_default_acl_follows_a_vpc_into_ipv6_and_a_changed_one_does_not(lab: Lab):
    (default,) = acls(lab)
    lab.api.ec2("AssociateVpcCidrBlock", VpcId=lab.vpc, AmazonProvidedIpv6CidrBlock=True)
    inbound = [each for each in entries(lab, default["NetworkAclId"]) if not each["Egress"]]
    assert [(each["RuleNumber"], each.get("Ipv6CidrBlock")) for each in inbound] == [
        (100, None),
        (101, "::/0"),
        (32767, None),
        (32768, "::/0"),
    ]
    other = lab.api.ec2("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    (acl,) = lab.api.ec2("DescribeNetworkAcls", Filters=[{"Name": "vpc-id", "Values": [other]}])["NetworkAcls"]
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl["NetworkAclId"], **WEB)
    lab.api.ec2("AssociateVpcCidrBlock", VpcId=other, AmazonProvidedIpv6CidrBlock=True)
    assert not any(
        each["RuleAction"] == "allow" and "Ipv6CidrBlock" in each for each in entries(lab, acl["NetworkAclId"])
    )


def test_a_new_acl_denies_everything_and_the_token_makes_it_once(lab: Lab):
    acl = make(
        lab,
        ClientToken="t",
        TagSpecifications=[{"ResourceType": "network-acl", "Tags": [{"Key": "Name", "Value": "edge"}]}],
    )
    assert {each["RuleAction"] for each in entries(lab, acl)} == {"deny"}
    with refused("IdempotentParameterMismatch"):
        make(lab, ClientToken="t")
    assert [each["NetworkAclId"] for each in acls(lab, Filters=[{"Name": "tag:Name", "Values": ["edge"]}])] == [acl]
    with refused("DryRunOperation"):
        make(lab, DryRun=True)
    with refused("InvalidParameterValue", "not a valid taggable resource type"):
        make(lab, TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "x"}]}])
    assert len(acls(lab)) == 2


def test_an_entry_is_made_replaced_and_deleted_under_its_number_and_direction(lab: Lab):
    acl = make(lab)
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **WEB)
    assert entries(lab, acl)[1] == {
        "CidrBlock": "100.68.0.0/18",
        "Egress": False,
        "Protocol": "6",
        "RuleAction": "allow",
        "RuleNumber": 110,
        "PortRange": {"From": 80, "To": 443},
    }
    with refused("NetworkAclEntryAlreadyExists", "110"):
        lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **WEB)
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **{**WEB, "Egress": True})
    lab.api.ec2(
        "ReplaceNetworkAclEntry",
        NetworkAclId=acl,
        **{**WEB, "Protocol": "icmp", "RuleAction": "deny", "IcmpTypeCode": {"Type": 8, "Code": -1}},
    )
    replaced = next(each for each in entries(lab, acl) if not each["Egress"])
    assert (replaced["Protocol"], replaced["RuleAction"]) == ("1", "deny")
    assert replaced["IcmpTypeCode"] == {"Type": 8, "Code": -1} and "PortRange" not in replaced
    lab.api.ec2("DeleteNetworkAclEntry", NetworkAclId=acl, RuleNumber=110, Egress=False)
    with refused("InvalidNetworkAclEntry.NotFound"):
        lab.api.ec2("DeleteNetworkAclEntry", NetworkAclId=acl, RuleNumber=110, Egress=False)
    with refused("InvalidNetworkAclEntry.NotFound"):
        lab.api.ec2("ReplaceNetworkAclEntry", NetworkAclId=acl, **WEB)
    assert [each["RuleNumber"] for each in entries(lab, acl)] == [110, 32767, 32767]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"RuleNumber": 0}, "InvalidParameterValue", "1 to 32766"),
        ({"RuleNumber": 32767}, "InvalidParameterValue", "1 to 32766"),
        ({"Protocol": "256"}, "InvalidParameterValue", "Unknown protocol"),
        ({"Protocol": "tpc"}, "InvalidParameterValue", "Unknown protocol"),
        ({"PortRange": {"From": 443, "To": 80}}, "InvalidParameterValue", "port range"),
        ({"PortRange": {"From": 1, "To": 65536}}, "InvalidParameterValue", "port range"),
        ({"PortRange": {}}, "MissingParameter", "portRange"),
        ({"Protocol": "1"}, "MissingParameter", "icmpTypeCode"),
        ({"Ipv6CidrBlock": "::/0"}, "InvalidParameterCombination", "exactly one"),
        ({"CidrBlock": ""}, "MissingParameter", "cidrBlock"),
        ({"CidrBlock": "10.0.0.0/33"}, "InvalidParameterValue", "valid CIDR"),
        ({"RuleAction": "drop"}, "InvalidParameterValue", "allow or deny"),
    ],
)
def test_an_entry_that_says_no_rule_is_refused(lab: Lab, change: dict[str, Any], code: str, words: str):
    acl = make(lab)
    before = entries(lab, acl)
    with refused(code, words):
        lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **{**WEB, **change})
    assert entries(lab, acl) == before


def test_icmpv6_in_ipv4_means_all_of_its_types_and_other_protocols_have_no_ports(lab: Lab):
    acl = make(lab)
    asked = {**WEB, "Protocol": "58", "IcmpTypeCode": {"Type": 128, "Code": 0}}
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **asked)
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **{**WEB, "RuleNumber": 120, "Protocol": "-1"})
    icmp, everything, _ = [each for each in entries(lab, acl) if not each["Egress"]]
    assert icmp["IcmpTypeCode"] == {"Type": -1, "Code": -1}
    assert "PortRange" not in everything


def test_a_subnet_changes_its_acl_and_is_never_without_one(lab: Lab):
    acl = make(lab)
    (default,) = [each for each in acls(lab) if each["IsDefault"]]
    old = next(each for each in default["Associations"] if each["SubnetId"] == lab.app)
    new = lab.api.ec2("ReplaceNetworkAclAssociation", AssociationId=old["NetworkAclAssociationId"], NetworkAclId=acl)[
        "NewAssociationId"
    ]
    by_subnet = {"Filters": [{"Name": "association.subnet-id", "Values": [lab.app]}]}
    assert [each["NetworkAclId"] for each in acls(lab, **by_subnet)] == [acl]
    with refused("InvalidAssociationID.NotFound"):
        lab.api.ec2("ReplaceNetworkAclAssociation", AssociationId=old["NetworkAclAssociationId"], NetworkAclId=acl)
    with refused("DependencyViolation"):
        lab.api.ec2("DeleteNetworkAcl", NetworkAclId=acl)
    lab.api.ec2("ReplaceNetworkAclAssociation", AssociationId=new, NetworkAclId=default["NetworkAclId"])
    lab.api.ec2("DeleteNetworkAcl", NetworkAclId=acl)
    with refused("InvalidNetworkAclID.NotFound"):
        lab.api.ec2("DescribeNetworkAcls", NetworkAclIds=[acl])


def test_an_acl_of_another_vpc_is_not_for_a_subnet_and_a_default_one_is_not_deleted(lab: Lab):
    other = lab.api.ec2("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    foreign = lab.api.ec2("CreateNetworkAcl", VpcId=other)["NetworkAcl"]["NetworkAclId"]
    (default,) = acls(lab)
    association = default["Associations"][0]["NetworkAclAssociationId"]
    with refused("InvalidParameterValue", "different networks"):
        lab.api.ec2("ReplaceNetworkAclAssociation", AssociationId=association, NetworkAclId=foreign)
    with refused("InvalidParameterValue", "default"):
        lab.api.ec2("DeleteNetworkAcl", NetworkAclId=default["NetworkAclId"])
    with refused("DependencyViolation"):
        lab.api.ec2("DeleteVpc", VpcId=other)
    lab.api.ec2("DeleteNetworkAcl", NetworkAclId=foreign)
    lab.api.ec2("DeleteVpc", VpcId=other)
    assert not [acl for acl in lab.api.store.snapshot().values(NetworkAcl) if acl.vpc == other]


def test_a_stranger_sees_no_acl(lab: Lab):
    acl = make(lab)
    stranger = lab.api.of("222222222222")
    with refused("InvalidNetworkAclID.NotFound"):
        stranger.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **WEB)
    with refused("InvalidNetworkAclID.NotFound"):
        stranger.ec2("DeleteNetworkAcl", NetworkAclId=acl)
    with refused("InvalidNetworkAclID.Malformed"):
        stranger.ec2("DeleteNetworkAcl", NetworkAclId="rtb-1")


def test_there_are_quotas_of_acls_and_of_entries_by_direction_and_family(lab: Lab):
    set_limit(lab.api.store, account=lab.api.account, name="rules-per-network-acl", value=2)
    acl = make(lab)
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **WEB)
    with refused("NetworkAclEntryLimitExceeded"):  # AWS counts its own last entry
        lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **{**WEB, "RuleNumber": 120})
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **{**WEB, "Egress": True})
    six = {key: value for key, value in WEB.items() if key != "CidrBlock"} | {
        "Ipv6CidrBlock": "::/0",
        "RuleNumber": 120,
    }
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **six)
    lab.api.ec2("ReplaceNetworkAclEntry", NetworkAclId=acl, **WEB)
    set_limit(lab.api.store, account=lab.api.account, name="network-acls-per-vpc", value=2)
    with refused("NetworkAclLimitExceeded"):
        make(lab)


def test_filters_find_acls_by_what_their_entries_say(lab: Lab):
    acl = make(lab)
    lab.api.ec2("CreateNetworkAclEntry", NetworkAclId=acl, **WEB)
    for name, value in (
        ("entry.cidr", "100.68.0.0/18"),
        ("entry.port-range.from", "80"),
        ("entry.port-range.to", "443"),
        ("entry.protocol", "tcp"),
        ("entry.protocol", "6"),
        ("entry.rule-number", "110"),
        ("default", "false"),
    ):
        found = acls(lab, Filters=[{"Name": name, "Values": [value]}])
        assert [each["NetworkAclId"] for each in found] == [acl], name


def test_what_an_older_version_did_not_store_is_made_at_the_start(api: Api):
    from opengwlb.api.common.defaults import complete

    vpc = api.ec2("CreateVpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]

    def forget(tx: Transaction) -> None:
        for acl in tx.values(NetworkAcl):
            tx.delete(NetworkAcl, acl.id)

    api.store.transact(forget)
    complete(api.store)
    (acl,) = api.ec2("DescribeNetworkAcls", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    assert [each["SubnetId"] for each in acl["Associations"]] == [subnet]
    revision = api.store.snapshot().revision
    complete(api.store)
    assert api.store.snapshot().revision == revision
