"""Rules that stay and change, who refers to a group, and which groups a VPC's interfaces may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from opengwlb.api.common import filters, pages, resources, tags
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import SecurityGroup, SecurityGroupRule, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import security_group_rules as rules_of
from .security_groups import check_quota, duplicate, named, no_rule

_PEERS = ("CidrIpv4", "CidrIpv6", "ReferencedGroupId")


@action("ec2", "ModifySecurityGroupRules")
def modify_security_group_rules(ctx: Context, params: Parameters) -> Answer:
    """Each rule becomes what the call says of it; its id, direction and tags stay."""

    def work(tx: Transaction) -> None:
        group = resources.require(ctx, tx, SecurityGroup, params["GroupId"])
        rules = {rule.id: rule for rule in group.rules}
        for update in params["SecurityGroupRules"]:
            old = rules.get(update["SecurityGroupRuleId"])
            if old is None:
                raise no_rule(update["SecurityGroupRuleId"])
            rules[old.id] = _modified(ctx, tx, group, old, update.get("SecurityGroupRule") or {})
        every = list(rules.values())
        for index, rule in enumerate(every):
            if any(rules_of.same(rule, other) for other in every[:index]):
                raise duplicate(rule)
        for egress in (False, True):
            check_quota(ctx, tx, every, egress=egress)
        dry_run(params)
        tx.put(replace(group, rules=tuple(every)))

    ctx.store.transact(work)
    return {"Return": True}


def _modified(
    ctx: Context, view: View, group: SecurityGroup, old: SecurityGroupRule, asked: Mapping[str, Any]
) -> SecurityGroupRule:
    refuse(asked, ("PrefixListId",), because="there are no prefix lists.")
    given = [member for member in _PEERS if asked.get(member)]
    if len(given) > 1:
        raise bad_combination("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified")
    if not given:
        raise AwsError(
            "MissingParameter",
            "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId",
        )
    if asked.get("IpProtocol") in ("tcp", "udp", "6", "17") and (
        asked.get("FromPort") is None or asked.get("ToPort") is None
    ):
        raise invalid_value("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")
    described = {"Description": asked.get("Description") or ""}
    peers: dict[str, list[dict[str, Any]]] = {
        "CidrIpv4": [{"CidrIp": asked.get("CidrIpv4"), **described}],
        "CidrIpv6": [{"CidrIpv6": asked.get("CidrIpv6"), **described}],
        "ReferencedGroupId": [{"GroupId": asked.get("ReferencedGroupId"), **described}],
    }
    lists = {"CidrIpv4": "IpRanges", "CidrIpv6": "Ipv6Ranges", "ReferencedGroupId": "UserIdGroupPairs"}
    ports = {member: asked[member] for member in ("IpProtocol", "FromPort", "ToPort") if member in asked}
    permission = {**ports, lists[given[0]]: peers[given[0]]}
    (new,) = rules_of.from_call(
        ctx, view, {"IpPermissions": [permission]}, group=group, egress=old.egress, given=old.tags
    )
    return replace(new, id=old.id)


@action("ec2", "UpdateSecurityGroupRuleDescriptionsIngress")
def update_descriptions_ingress(ctx: Context, params: Parameters) -> Answer:
    return _describe(ctx, params, egress=False)


@action("ec2", "UpdateSecurityGroupRuleDescriptionsEgress")
def update_descriptions_egress(ctx: Context, params: Parameters) -> Answer:
    return _describe(ctx, params, egress=True)


def _describe(ctx: Context, params: Parameters, *, egress: bool) -> Answer:
    """A description that is left out goes."""
    by_permission, by_id = params.get("IpPermissions"), params.get("SecurityGroupRuleDescriptions")
    if by_permission and by_id:
        raise bad_combination("The request must contain exactly one of ipPermissions or securityGroupRuleDescriptions")
    if not by_permission and not by_id:
        raise missing("ipPermissions or securityGroupRuleDescriptions")

    def work(tx: Transaction) -> None:
        group = named(ctx, tx, params)
        mine = {rule.id: rule for rule in group.rules if rule.egress is egress}
        said: dict[str, str] = {}
        for each in by_id or ():
            rule_id = each.get("SecurityGroupRuleId") or ""
            if rule_id not in mine:
                raise no_rule(rule_id)
            said[rule_id] = rules_of.description(each)
        if by_permission:
            for wanted in rules_of.from_call(ctx, tx, params, group=group, egress=egress, given={}):
                said[rules_of.find(mine.values(), wanted).id] = wanted.description
        dry_run(params)
        rules = (replace(rule, description=said.get(rule.id, rule.description)) for rule in group.rules)
        tx.put(replace(group, rules=tuple(rules)))

    ctx.store.transact(work)
    return {"Return": True}


@action("ec2", "DescribeSecurityGroupReferences")
def describe_security_group_references(ctx: Context, params: Parameters) -> Answer:
    """References from the other side of a peering or a transit gateway: there is neither, so nobody refers from there."""
    dry_run(params)
    resources.named(ctx, ctx.store.snapshot(), SecurityGroup, params["GroupId"])
    return {"SecurityGroupReferenceSet": []}


@action("ec2", "DescribeStaleSecurityGroups")
def describe_stale_security_groups(ctx: Context, params: Parameters) -> Answer:
    """Rules that refer to a group that is gone; such a group can only go beyond a peering."""
    dry_run(params)
    resources.require(ctx, ctx.store.snapshot(), Vpc, params["VpcId"])
    return {"StaleSecurityGroupSet": []}


_FOR_VPC: Mapping[str, Callable[[SecurityGroup], Iterable[str]]] = {
    "group-id": lambda group: (group.id,),
    "description": lambda group: (group.description,),
    "group-name": lambda group: (group.name,),
    "owner-id": lambda group: (group.account,),
    "primary-vpc-id": lambda group: (group.vpc,),
}


@action("ec2", "GetSecurityGroupsForVpc")
def get_security_groups_for_vpc(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    vpc = resources.require(ctx, snapshot, Vpc, params["VpcId"])
    groups = filters.apply(resources.in_vpc(snapshot, SecurityGroup, vpc.id), params.get("Filters"), _FOR_VPC)
    page, more = pages.slice_ec2(groups, params)
    shown = [
        {
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "OwnerId": group.account,
            "PrimaryVpcId": group.vpc,
            "Tags": tags.answer(group.tags),
        }
        for group in page
    ]
    return {"SecurityGroupForVpcs": shown, **more}
