"""Security groups: made, described, deleted, and rules added and taken away. Rules that change are beside this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from opengwlb.api.common import arns, filters, pages, quotas, resources, tags
from opengwlb.api.common.defaults import allow_all_out
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dry_run, invalid_value, missing
from opengwlb.api.common.filters import present
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.ec2 import security_group_rules as rules_of
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, SecurityGroup, SecurityGroupRule, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


def _rule_specs(prefix: str, *, egress: bool) -> Mapping[str, Callable[[SecurityGroup], Iterable[str]]]:
    def of(value: Callable[[SecurityGroupRule], str | None]) -> Callable[[SecurityGroup], Iterable[str]]:
        return lambda group: present(*(value(rule) for rule in group.rules if rule.egress is egress))

    def cidr(*, six: bool) -> Callable[[SecurityGroupRule], str | None]:
        return lambda rule: rule.cidr if rule.cidr and (":" in rule.cidr) is six else None

    return {
        f"{prefix}.cidr": of(cidr(six=False)),
        f"{prefix}.ipv6-cidr": of(cidr(six=True)),
        f"{prefix}.from-port": of(lambda rule: str(rule.from_port)),
        f"{prefix}.to-port": of(lambda rule: str(rule.to_port)),
        f"{prefix}.protocol": of(lambda rule: rule.protocol),
        f"{prefix}.group-id": of(lambda rule: rule.group),
        f"{prefix}.group-name": of(lambda _: None),
        f"{prefix}.prefix-list-id": of(lambda _: None),
        f"{prefix}.user-id": of(lambda rule: rule.group_account),
    }


SPEC: Mapping[str, Callable[[SecurityGroup], Iterable[str]]] = {
    "description": lambda group: (group.description,),
    "group-id": lambda group: (group.id,),
    "group-name": lambda group: (group.name,),
    "owner-id": lambda group: (group.account,),
    "vpc-id": lambda group: (group.vpc,),
    **_rule_specs("ip-permission", egress=False),
    **_rule_specs("egress.ip-permission", egress=True),
}


def answer(group: SecurityGroup) -> Answer:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": group.account,
        "VpcId": group.vpc,
        "SecurityGroupArn": arns.ec2(group),
        "IpPermissions": rules_of.permissions(rule for rule in group.rules if not rule.egress),
        "IpPermissionsEgress": rules_of.permissions(rule for rule in group.rules if rule.egress),
        "Tags": tags.answer(group.tags),
    }


@action("ec2", "CreateSecurityGroup")
def create_security_group(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    name, given = params["GroupName"], tags.from_specifications(params, "security-group")
    if not params["Description"]:
        raise missing("GroupDescription")
    if name.lower() == "default":
        raise invalid_value(f"Cannot use reserved security group name: {name}")
    if name.startswith("sg-"):
        raise invalid_value(f"Group names may not be in the format sg-*: {name}")

    def work(tx: Transaction) -> SecurityGroup:
        vpc = _vpc(ctx, tx, params.get("VpcId"))
        if any(each.name == name for each in resources.in_vpc(tx, SecurityGroup, vpc.id)):
            raise AwsError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc.id}'")
        quotas.check(ctx, tx, "security-groups", count=len(resources.owned(ctx, tx, SecurityGroup)) + 1)
        group = SecurityGroup(
            id=new_id("sg"),
            account=ctx.account,
            region=ctx.region,
            vpc=vpc.id,
            name=name,
            description=params["Description"],
            rules=allow_all_out(ipv6=bool(vpc.ipv6)),
            tags=given,
        )
        tx.put(group)
        return group

    made = ctx.store.transact(work)
    return {"GroupId": made.id, "SecurityGroupArn": arns.ec2(made), "Tags": tags.answer(made.tags)}


def _vpc(ctx: Context, view: View, vpc_id: str | None) -> Vpc:
    if vpc_id:
        return resources.require(ctx, view, Vpc, vpc_id)
    for vpc in resources.owned(ctx, view, Vpc):
        if vpc.is_default:
            return vpc
    raise AwsError("VPCIdNotSpecified", "No default VPC for this user")


@action("ec2", "DescribeSecurityGroups")
def describe_security_groups(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    names = params.get("GroupNames") or ()
    for name in names:
        named(ctx, snapshot, {"GroupName": name})
    found, more = describe(
        ctx,
        snapshot,
        params,
        kind=SecurityGroup,
        ids="GroupIds",
        spec=SPEC,
        visible=lambda group: not names or group.name in names,
    )
    return {"SecurityGroups": [answer(group) for group in found], **more}


@action("ec2", "DescribeSecurityGroupRules")
def describe_security_group_rules(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    for each in params.get("Filters") or ():
        malformed = [value for value in each.get("Values") or () if not value.startswith(("sg-", "*", "?"))]
        if each.get("Name") == "group-id" and malformed:
            raise AwsError("InvalidGroupId.Malformed", f"The security group ID '{malformed[0]}' is malformed")
    every = {
        rule.id: (group, rule)
        for group in resources.owned(ctx, ctx.store.snapshot(), SecurityGroup)
        for rule in group.rules
    }
    wanted = params.get("SecurityGroupRuleIds") or list(every)
    for rule_id in wanted:
        if rule_id not in every:
            raise no_rule(rule_id)
    group_of = {rule.id: group for group, rule in every.values()}
    spec: Mapping[str, Callable[[SecurityGroupRule], Iterable[str]]] = {
        "group-id": lambda rule: (group_of[rule.id].id,),
        "security-group-rule-id": lambda rule: (rule.id,),
    }
    kept = filters.apply([every[rule_id][1] for rule_id in wanted], params.get("Filters"), spec)
    page, more = pages.slice_ec2(kept, params, ids="SecurityGroupRuleIds")
    return {"SecurityGroupRules": [rules_of.answer(group_of[rule.id], rule) for rule in page], **more}


@action("ec2", "DeleteSecurityGroup")
def delete_security_group(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> str:
        group = named(ctx, tx, params)
        if group.name == "default":
            raise AwsError(
                "CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
            )
        on_interface = any(group.id in each.groups for each in tx.values(NetworkInterface))
        in_rule = any(
            rule.group == group.id for other in tx.values(SecurityGroup) if other.id != group.id for rule in other.rules
        )
        if on_interface or in_rule:
            raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
        tx.delete(SecurityGroup, group.id)
        return group.id

    return {"Return": True, "GroupId": ctx.store.transact(work)}


@action("ec2", "AuthorizeSecurityGroupIngress")
def authorize_security_group_ingress(ctx: Context, params: Parameters) -> Answer:
    return _authorize(ctx, params, egress=False)


@action("ec2", "AuthorizeSecurityGroupEgress")
def authorize_security_group_egress(ctx: Context, params: Parameters) -> Answer:
    return _authorize(ctx, params, egress=True)


@action("ec2", "RevokeSecurityGroupIngress")
def revoke_security_group_ingress(ctx: Context, params: Parameters) -> Answer:
    return _revoke(ctx, params, egress=False)


@action("ec2", "RevokeSecurityGroupEgress")
def revoke_security_group_egress(ctx: Context, params: Parameters) -> Answer:
    return _revoke(ctx, params, egress=True)


def _authorize(ctx: Context, params: Parameters, *, egress: bool) -> Answer:
    dry_run(params)
    given = tags.from_specifications(params, "security-group-rule")

    def work(tx: Transaction) -> list[Answer]:
        group = named(ctx, tx, params)
        added: list[SecurityGroupRule] = []
        for rule in rules_of.from_call(ctx, tx, params, group=group, egress=egress, given=given):
            if any(rules_of.same(rule, other) for other in (*group.rules, *added)):
                raise duplicate(rule)
            added.append(rule)
        check_quota(ctx, tx, [*group.rules, *added], egress=egress)
        tx.put(replace(group, rules=(*group.rules, *added)))
        return [rules_of.answer(group, rule) for rule in added]

    return {"Return": True, "SecurityGroupRules": ctx.store.transact(work)}


def _revoke(ctx: Context, params: Parameters, *, egress: bool) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> Answer:
        group = named(ctx, tx, params)
        gone, unknown = _revoked(ctx, tx, params, group=group, egress=egress)
        vpc = tx.get(Vpc, group.vpc)
        # In a default VPC AWS says what was not there instead of refusing (documented at the operation).
        if unknown and not (vpc is not None and vpc.is_default):
            raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
        ids = {rule.id for rule in gone}
        tx.put(replace(group, rules=tuple(rule for rule in group.rules if rule.id not in ids)))
        shown: Answer = {"RevokedSecurityGroupRules": [_revoked_answer(group, rule) for rule in gone]}
        return shown | ({"UnknownIpPermissions": rules_of.permissions(unknown)} if unknown else {})

    return {"Return": True, **ctx.store.transact(work)}


def _revoked(
    ctx: Context, view: View, params: Parameters, *, group: SecurityGroup, egress: bool
) -> tuple[list[SecurityGroupRule], list[SecurityGroupRule]]:
    """(stored rules that the call names, by `sgr-` id or by what they allow; what it describes and is not there)."""
    known = {rule.id: rule for rule in group.rules if rule.egress is egress}
    if params.get("SecurityGroupRuleIds"):
        for rule_id in params["SecurityGroupRuleIds"]:
            if rule_id not in known:
                raise no_rule(rule_id)
        return [known[rule_id] for rule_id in dict.fromkeys(params["SecurityGroupRuleIds"])], []
    found, unknown = [], []
    for wanted in rules_of.from_call(ctx, view, params, group=group, egress=egress, given={}):
        match = next((rule for rule in known.values() if rules_of.same(rule, wanted)), None)
        if match is None:
            unknown.append(wanted)
        elif match not in found:
            found.append(match)
    return found, unknown


def _revoked_answer(group: SecurityGroup, rule: SecurityGroupRule) -> Answer:
    shown = rules_of.answer(group, rule)
    kept = (
        "SecurityGroupRuleId",
        "GroupId",
        "IsEgress",
        "IpProtocol",
        "FromPort",
        "ToPort",
        "CidrIpv4",
        "CidrIpv6",
        "Description",
    )
    revoked = {name: shown[name] for name in kept if name in shown}
    return revoked | ({"ReferencedGroupId": rule.group} if rule.group else {})


def duplicate(rule: SecurityGroupRule) -> AwsError:
    return AwsError("InvalidPermission.Duplicate", f'the specified rule "{rules_of.sentence(rule)}" already exists')


def check_quota(ctx: Context, view: View, rules: Sequence[SecurityGroupRule], *, egress: bool) -> None:
    """Each family has a quota of its own; a rule that names a group is one in both (VPC user guide, "Amazon VPC quotas")."""
    mine = [rule for rule in rules if rule.egress is egress]
    for six in (False, True):
        count = sum(rule.cidr is None or (":" in rule.cidr) is six for rule in mine)
        quotas.check(ctx, view, "rules-per-security-group", count=count)


def no_rule(rule_id: str) -> AwsError:
    return AwsError("InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{rule_id}' does not exist")


def named(ctx: Context, view: View, params: Parameters) -> SecurityGroup:
    """By GroupId, or by GroupName in the default VPC. Errors: InvalidGroup.NotFound, InvalidGroupId.Malformed."""
    if params.get("GroupId"):
        return resources.require(ctx, view, SecurityGroup, params["GroupId"])
    name = params.get("GroupName")
    if not name:
        raise missing("groupId or groupName")
    try:
        return rules_of.by_name(view, name, vpc=_vpc(ctx, view, None).id)
    except AwsError as cause:
        raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist in default VPC") from cause
