"""Tags of every EC2 object: the id's prefix says which kind it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opengwlb.api.common import filters, pages, resources
from opengwlb.api.common import tags as common
from opengwlb.api.common.errors import dry_run, missing
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, SecurityGroup, SecurityGroupRule, Tags
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .security_groups import no_rule


@action("ec2", "CreateTags")
def create_tags(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    given = common.from_list(params.get("Tags"))
    if not given:
        raise missing("Tags")

    def work(tx: Transaction) -> None:
        for found in _named(ctx, tx, params):
            _put(tx, found, common.within_limit({**found.tags, **given}))

    ctx.store.transact(work)
    return {}


@action("ec2", "DeleteTags")
def delete_tags(ctx: Context, params: Parameters) -> Answer:
    """A tag given without a value always goes, one with a value if it matches; when none is given, all go."""
    dry_run(params)
    wanted = {tag.get("Key"): tag.get("Value") for tag in params.get("Tags") or ()}

    def goes(key: str, value: str) -> bool:
        return not wanted or (key in wanted and wanted[key] in (None, value))

    def work(tx: Transaction) -> None:
        for found in _named(ctx, tx, params):
            kept = {key: value for key, value in found.tags.items() if not goes(key, value)}
            _put(tx, found, kept)

    ctx.store.transact(work)
    return {}


def _put(tx: Transaction, found: Any, tags: Tags) -> None:
    """Rules of security groups are tagged like objects, but are kept in their group."""
    if not isinstance(found, SecurityGroupRule):
        tx.put(replace(found, tags=tags))
        return
    for group in tx.values(SecurityGroup):
        if any(rule.id == found.id for rule in group.rules):
            rules = (replace(rule, tags=tags) if rule.id == found.id else rule for rule in group.rules)
            tx.put(replace(group, rules=tuple(rules)))


def _rules(ctx: Context, view: View) -> dict[str, SecurityGroupRule]:
    return {rule.id: rule for group in resources.owned(ctx, view, SecurityGroup) for rule in group.rules}


def _named(ctx: Context, view: View, params: Parameters) -> list[Any]:
    """The objects of `Resources`, whatever their kinds. Errors: InvalidID (unknown prefix), NotFound of the kind."""
    found: list[Any] = []
    for resource_id in params.get("Resources") or ():
        if resource_id.startswith("sgr-"):
            rule = _rules(ctx, view).get(resource_id)
            if rule is None:
                raise no_rule(resource_id)
            found.append(rule)
            continue
        kind = resources.kind_of(resource_id)
        if kind is None:
            raise AwsError("InvalidID", f"The ID '{resource_id}' is not valid")
        each: Any = resources.find(ctx, view, InterfaceEndpoint, resource_id)
        each = each or resources.require(ctx, view, kind, resource_id)
        if isinstance(each, Address) and each.automatic:
            raise resources.not_found(kind, resource_id)
        found.append(each)
    if not found:
        raise missing("resourceIdSet")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _TagOf:
    resource_id: str
    resource_type: str
    key: str
    value: str

    @property
    def tags(self) -> Mapping[str, str]:
        return {self.key: self.value}


SPEC: Mapping[str, Callable[[_TagOf], Iterable[str]]] = {
    "key": lambda tag: (tag.key,),
    "resource-id": lambda tag: (tag.resource_id,),
    "resource-type": lambda tag: (tag.resource_type,),
    "value": lambda tag: (tag.value,),
}


@action("ec2", "DescribeTags")
def describe_tags(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    every = [
        _TagOf(resource_id=each.id, resource_type=naming.tag_type, key=key, value=value)
        for kind, naming in resources.NAMINGS.items()
        for each in resources.owned(ctx, snapshot, kind)
        for key, value in each.tags.items()
    ]
    every += [
        _TagOf(resource_id=rule.id, resource_type="security-group-rule", key=key, value=value)
        for rule in _rules(ctx, snapshot).values()
        for key, value in rule.tags.items()
    ]
    kept = filters.apply(every, params.get("Filters"), SPEC)
    page, more = pages.slice_ec2(kept, params, key=lambda tag: f"{tag.resource_id} {tag.key}")
    return {
        "Tags": [
            {"ResourceId": tag.resource_id, "ResourceType": tag.resource_type, "Key": tag.key, "Value": tag.value}
            for tag in page
        ],
        **more,
    }
