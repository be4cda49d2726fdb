"""Which rules guard which interface, decided from stored objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.model.elb import Slot
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import Topology
from opengwlb.model.vpc import (
    ConnectionTracking,
    NetworkAcl,
    NetworkAclAssociation,
    NetworkAclEntry,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
)
from opengwlb.policy import guards, slots

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
    """With the numbers that control gives out."""
    made = Snapshot(1, {}).supposing(*objects)
    numbers, _ = slots.changes(made)
    return made.supposing(*numbers)


def acl(*entries: NetworkAclEntry) -> NetworkAcl:
    association = NetworkAclAssociation(id="aclassoc-1", subnet=SUBNET)
    return NetworkAcl(id="acl-1", **OWNER, vpc=VPC, entries=entries, associations=(association,))


def entry(number: int, *, egress: bool, allow: bool = True) -> NetworkAclEntry:
    return NetworkAclEntry(number=number, egress=egress, allow=allow, protocol="-1", cidr="0.0.0.0/0")


def test_an_interface_without_groups_under_an_open_acl_has_no_guard() -> None:
    node = interface("1")
    view = snapshot(node, acl(entry(100, egress=True), entry(100, egress=False)))
    assert guards.of_interface(view, node) is None
    assert guards.members(view, Topology()) == {}


def test_groups_that_are_open_both_ways_ask_only_about_what_is_always_tracked() -> None:
    one = interface("1", "sg-1")
    guard = guards.of_interface(snapshot(one, group("sg-1", *EVERYWHERE)), one)
    assert guard is not None
    assert (guard.guards4, guard.guards6, guard.guards_other) == (False, False, True)


def test_an_acl_that_denies_guards_interfaces_and_endpoints_of_its_subnet_alone() -> None:
    node = interface("1")
    view = snapshot(node, acl(entry(100, egress=True)))
    guard = guards.of_interface(view, node)
    assert guard is not None and guard.acl is not None and guard.guards4
    assert guards.of_endpoint(view, "vpce-0b", vpc=VPC, subnet=SUBNET) is not None
    assert guards.of_endpoint(view, "vpce-0b", vpc=VPC, subnet="subnet-2") is None


def test_interfaces_with_the_same_groups_share_one_rule_set_that_the_next_pass_finds_again() -> None:
    one, other = interface("1", "sg-1"), interface("2", "sg-1", private_ip="10.0.0.5")
    objects = (one, other, group("sg-1", rule(group="sg-1")))
    view = snapshot(*objects)
    first, second = (guards.of_interface(view, each) for each in (one, other))
    assert first is not None and second is not None
    assert first.groups is second.groups and first.owner != second.owner
    again = guards.of_interface(snapshot(*objects), one)
    assert again is not None and again.groups is first.groups
    changed = guards.of_interface(snapshot(one, other, group("sg-1")), one)
    assert changed is not None and changed.groups is not first.groups


def test_who_refers_to_a_group_knows_every_combination_that_has_it() -> None:
    referring = group("sg-1", rule(group="sg-2"))
    one, member = interface("1", "sg-1"), interface("2", "sg-2", "sg-3", private_ip="10.0.0.5")
    groups = (referring, group("sg-2"), group("sg-3"))
    alone = guards.of_interface(snapshot(one, *groups), one)
    joined = snapshot(one, member, *groups)
    found = guards.of_interface(joined, one)
    assert alone is not None and alone.groups is not None and found is not None and found.groups is not None
    class_of_member = guards.members(joined, Topology())[guards.number(VPC), "10.0.0.5"]
    assert [bits for _, bits in alone.groups.ingress.classes] == [0]
    assert dict(found.groups.ingress.classes)[class_of_member]


def test_members_are_all_addresses_of_interfaces_with_groups() -> None:
    one = interface("1", "sg-1", ipv6_addresses=("2001:db8::4",), further_ips=("10.0.0.6", "10.0.0.7"))
    members = guards.members(snapshot(one, interface("2", private_ip="10.0.0.5"), group("sg-1")), Topology())
    assert {address for _, address in members} == {"10.0.0.4", "10.0.0.6", "10.0.0.7", "2001:db8::4"}
    assert len(set(members.values())) == 1
    assert {vpc for vpc, _ in members} == {guards.number(VPC)}
    assert 0 not in members.values()


def test_an_interface_whose_rules_do_not_fit_is_closed_and_says_why() -> None:
    many = tuple(rule(protocol="tcp", from_port=port, to_port=port, cidr="10.0.0.0/8") for port in range(1100))
    one = interface("1", "sg-1")
    guard = guards.of_interface(snapshot(one, group("sg-1", *many)), one)
    assert guard is not None and guard.groups is None and guard.guards4
    assert "1100 different protocols and port ranges" in guard.refused


def test_an_interface_says_for_how_long_its_flows_are_remembered() -> None:
    one = replace(interface("1", "sg-1"), tracking=ConnectionTracking(tcp_established_s=60, udp_s=45))
    guard = guards.of_interface(snapshot(one, group("sg-1")), one)
    assert guard is not None
    assert (guard.tcp_idle_s, guard.udp_idle_s, guard.udp_stream_idle_s) == (60, 45, 180)


def test_each_combination_of_groups_has_a_number_of_its_own_and_keeps_it() -> None:
    objects = [
        interface("1", "sg-1"),
        interface("2", "sg-2"),
        interface("3", "sg-2", "sg-1"),
        interface("4", "sg-1", "sg-2"),
    ]
    view = snapshot(*objects)
    numbers = {slot.id: slot.number for slot in view.values(Slot)}
    assert set(numbers) == {"class|sg-1", "class|sg-2", "class|sg-1,sg-2"}
    assert len(set(numbers.values())) == 3 and 0 not in numbers.values()
    later = view.supposing(interface("5", "sg-3"))
    new, gone = slots.changes(later)
    assert [slot.id for slot in new] == ["class|sg-3"] and not gone
    assert new[0].number not in numbers.values()
