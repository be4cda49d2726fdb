"""Tags of load balancers, target groups, listeners and their default rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opengwlb.api.common import arns
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Tags
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import check_tag_count, find, parse_tags, validation_error
from .rules import find_default

_KINDS = {"loadbalancer": LoadBalancer, "targetgroup": TargetGroup, "listener": Listener}
_MOST_AT_ONCE = 20


@action("elbv2", "AddTags")
def add_tags(ctx: Context, params: Parameters) -> Answer:
    """A key that is there already gets the new value."""
    tags = parse_tags(params["Tags"])

    def merged(before: Tags) -> Tags:
        after = {**before, **tags}
        check_tag_count(after)
        return after

    _change(ctx, params, merged)
    return {}


@action("elbv2", "RemoveTags")
def remove_tags(ctx: Context, params: Parameters) -> Answer:
    gone = set(params["TagKeys"])
    _change(ctx, params, lambda before: {key: value for key, value in before.items() if key not in gone})
    return {}


@action("elbv2", "DescribeTags")
def describe_tags(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    descriptions = []
    for arn in _arns(params):
        resource, member = _tagged(ctx, snapshot, arn)
        tags: Tags = getattr(resource, member)
        descriptions.append({"ResourceArn": arn, "Tags": [{"Key": key, "Value": tags[key]} for key in tags]})
    return {"TagDescriptions": descriptions}


def _change(ctx: Context, params: Parameters, change: Callable[[Tags], Tags]) -> None:
    """Of all the resources, or of none."""

    def work(tx: Transaction) -> None:
        for arn in _arns(params):
            resource, member = _tagged(ctx, tx, arn)
            tx.put(replace(resource, **{member: change(getattr(resource, member))}))

    ctx.store.transact(work)


def _arns(params: Parameters) -> list[str]:
    found: list[str] = params["ResourceArns"]
    if not 1 <= len(found) <= _MOST_AT_ONCE:
        raise validation_error(f"You must specify between 1 and {_MOST_AT_ONCE} resource ARNs")
    return list(dict.fromkeys(found))


def _tagged(ctx: Context, view: View, arn: str) -> tuple[Any, str]:
    """The object that has these tags, and the member that they are in."""
    parsed = arns.parse(arn)
    noun = parsed.resource.split("/", 1)[0] if parsed else ""
    if noun == "listener-rule":
        return find_default(ctx, view, arn), "rule_tags"
    if noun == "truststore":
        raise AwsError("TrustStoreNotFound", "One or more trust stores not found")
    if noun not in _KINDS:
        raise validation_error(f"'{arn}' is not a valid ARN of a load balancer, target group, listener or rule")
    return find(ctx, view, _KINDS[noun], arn), "tags"
