"""Which rules guard which interface, decided from stored objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import (
    ConnectionTracking,
    NetworkAcl,
    NetworkAclAssociation,
    NetworkAclEntry,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
)
from opengwlb.policy.guards import Guards, number

OWNER: dict[str, Any] = {"account": "1", "region": "r"}
VPC, SUBNET = "vpc-0aa", "subnet-1"


def interface(name: str, *groups: str, **more: Any) -> NetworkInterface:
    return NetworkInterface(
        id=f"eni-0{name}", **OWNER, vpc=VPC, subnet=SUBNET, zone="a", mac="", groups=groups,
        **{"private_ip": "10.0.0.4", **more},
    )  # fmt: skip


def group(name: str, *rules: SecurityGroupRule) -> SecurityGroup:
    return SecurityGroup(id=name, **OWNER, vpc=VPC, name=name, description="", rules=rules)


def rule(**more: Any) -> SecurityGroupRule:
    return SecurityGroupRule(**{"id": "sgr", "egress": False, "protocol": "-1", **more})


EVERYWHERE = tuple(rule(egress=egress, cidr=cidr) for egress in (True, False) for cidr in ("0.0.0.0/0", "::/0"))


def snapshot(*objects: Any) -> Snapshot:
    return Snapshot(1, {}).supposing(*objects)


def acl(*entries: NetworkAclEntry) -> NetworkAcl:
    association = NetworkAclAssociation(id="aclassoc-1", subnet=SUBNET)
    return NetworkAcl(id="acl-1", **OWNER, vpc=VPC, entries=entries, associations=(association,))


def entry(number: int, *, egress: bool, allow: bool = True) -> NetworkAclEntry:
    return NetworkAclEntry(number=number, egress=egress, allow=allow, protocol="-1", cidr="0.0.0.0/0")


def test_an_interface_without_groups_under_an_open_acl_has_no_guard() -> None:
    node = interface("1")
    found = Guards(snapshot(node, acl(entry(100, egress=True), entry(100, egress=False))))
    assert found.of_interface(node) is None
    assert found.members == {}


def test_groups_that_are_open_both_ways_ask_only_about_what_is_always_tracked() -> None:
    one = interface("1", "sg-1")
    guard = Guards(snapshot(one, group("sg-1", *EVERYWHERE))).of_interface(one)
    assert guard is not None
    assert (guard.guards4, guard.guards6, guard.guards_other) == (False, False, True)


def test_an_acl_that_denies_guards_interfaces_and_endpoints_of_its_subnet_alone() -> None:
    node = interface("1")
    found = Guards(snapshot(node, acl(entry(100, egress=True))))
    guard = found.of_interface(node)
    assert guard is not None and guard.acl is not None and guard.guards4
    assert found.of_endpoint("vpce-0b", vpc=VPC, subnet=SUBNET) is not None
    assert found.of_endpoint("vpce-0b", vpc=VPC, subnet="subnet-2") is None


def test_interfaces_with_the_same_groups_share_one_rule_set_that_the_next_pass_finds_again() -> None:
    one, other = interface("1", "sg-1"), interface("2", "sg-1", private_ip="10.0.0.5")
    objects = (one, other, group("sg-1", rule(group="sg-1")))
    first = Guards(snapshot(*objects))
    guards = [first.of_interface(each) for each in (one, other)]
    assert guards[0] is not None and guards[1] is not None
    assert guards[0].groups is guards[1].groups and guards[0].owner != guards[1].owner
    again = Guards(snapshot(*objects)).of_interface(one)
    assert again is not None and again.groups is guards[0].groups
    changed = Guards(snapshot(one, other, group("sg-1"))).of_interface(one)
    assert changed is not None and changed.groups is not guards[0].groups


def test_members_are_all_addresses_of_interfaces_with_groups() -> None:
    one = interface("1", "sg-1", ipv6_addresses=("2001:db8::4",))
    found = Guards(snapshot(one, interface("2", private_ip="10.0.0.5"), group("sg-1")))
    assert {address for _, address in found.members} == {"10.0.0.4", "2001:db8::4"}
    assert {vpc for vpc, _ in found.members} == {number(VPC)}


def test_an_interface_whose_rules_do_not_fit_is_closed_and_says_why() -> None:
    many = tuple(rule(protocol="tcp", from_port=port, to_port=port, cidr="10.0.0.0/8") for port in range(1100))
    one = interface("1", "sg-1")
    guard = Guards(snapshot(one, group("sg-1", *many))).of_interface(one)
    assert guard is not None and guard.groups is None and guard.guards4
    assert "1100 different protocols and port ranges" in guard.refused


def test_an_interface_says_for_how_long_its_flows_are_remembered() -> None:
    one = replace(interface("1", "sg-1"), connection_tracking=ConnectionTracking(tcp_established_s=60, udp_s=45))
    guard = Guards(snapshot(one, group("sg-1"))).of_interface(one)
    assert guard is not None
    assert (guard.tcp_idle_s, guard.udp_idle_s, guard.udp_stream_idle_s) == (60, 45, 180)
