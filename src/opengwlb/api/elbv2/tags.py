"""Tags of load balancers, target groups and listeners, and the account's limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.api.common import arns
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import check_tag_count, find, parse_tags, validation_error

_KINDS = {"loadbalancer": LoadBalancer, "targetgroup": TargetGroup, "listener": Listener}
_LIMITS = {
    "gateway-load-balancers": 100,
    "gateway-load-balancers-per-vpc": 100,
    "geneve-target-groups": 100,
    "listeners-per-gateway-load-balancer": 1,
    "targets-per-availability-zone-per-gateway-load-balancer": 300,
}


@action("elbv2", "AddTags")
def add_tags(ctx: Context, params: Parameters) -> Answer:
    """A key that is there already gets the new value."""
    tags = parse_tags(params["Tags"])

    def work(tx: Transaction) -> None:
        for arn in params["ResourceArns"]:
            resource = _tagged(ctx, tx, arn)
            merged = {**resource.tags, **tags}
            check_tag_count(merged)
            tx.put(replace(resource, tags=merged))

    ctx.store.transact(work)
    return {}


@action("elbv2", "RemoveTags")
def remove_tags(ctx: Context, params: Parameters) -> Answer:
    gone = set(params["TagKeys"])

    def work(tx: Transaction) -> None:
        for arn in params["ResourceArns"]:
            resource = _tagged(ctx, tx, arn)
            tx.put(replace(resource, tags={key: value for key, value in resource.tags.items() if key not in gone}))

    ctx.store.transact(work)
    return {}


@action("elbv2", "DescribeTags")
def describe_tags(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    return {
        "TagDescriptions": [
            {
                "ResourceArn": arn,
                "Tags": [{"Key": key, "Value": value} for key, value in _tagged(ctx, snapshot, arn).tags.items()],
            }
            for arn in params["ResourceArns"]
        ]
    }


@action("elbv2", "DescribeAccountLimits")
def describe_account_limits(ctx: Context, params: Parameters) -> Answer:
    """Those that can be met here; few enough for one page."""
    return {"Limits": [{"Name": name, "Max": str(limit)} for name, limit in _LIMITS.items()]}


def _tagged(ctx: Context, view: View, arn: str) -> Any:
    parsed = arns.parse(arn)
    noun = parsed.resource.split("/", 1)[0] if parsed else ""
    if noun == "listener-rule":
        raise AwsError("RuleNotFound", f"The default rule '{arn}' has no tags of its own; tag its listener")
    if noun not in _KINDS:
        raise validation_error(f"'{arn}' is not a valid ARN of a load balancer, target group or listener")
    return find(ctx, view, _KINDS[noun], arn)
