"""TagResources and UntagResources: many resources of several services in one call, each for itself.

What fails is named in FailedResourcesMap, and the others are done all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opengwlb.api.common.tags import MOST_TAGS
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .catalogue import Tagged, named
from .looking import invalid

_CODES = {"ec2": "TagLimitExceeded", "elasticloadbalancing": "TooManyTags"}
"""What a service says beyond 50 tags."""
_GRANTS = {
    "ec2": ("ec2:CreateTags", "ec2:DeleteTags"),
    "elasticloadbalancing": ("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"),
}
"""Besides `tag:…` the caller needs the service's own permission (the API's reference, TagResources)."""


@action("resourcegroupstaggingapi", "TagResources")
def tag_resources(ctx: Context, params: Parameters) -> Answer:
    """A key that is there already gets the new value."""
    given: Mapping[str, str] = params["Tags"]
    for key in given:
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys that start with 'aws:' are reserved for AWS use.")

    def change(each: Tagged) -> dict[str, str]:
        tags = {**each.tags, **given}
        if len(tags) > MOST_TAGS:
            code = _CODES[each.type.split(":")[0]]
            raise AwsError(code, f"The maximum number of tags per resource is {MOST_TAGS}.")
        return tags

    return _each(ctx, params["ResourceARNList"], change=change, grant=0)


@action("resourcegroupstaggingapi", "UntagResources")
def untag_resources(ctx: Context, params: Parameters) -> Answer:
    """Keys that are not there are no error."""
    gone = set(params["TagKeys"])

    def change(each: Tagged) -> dict[str, str]:
        return {key: value for key, value in each.tags.items() if key not in gone}

    return _each(ctx, params["ResourceARNList"], change=change, grant=1)


def _each(ctx: Context, arns: Sequence[str], *, change: Callable[[Tagged], dict[str, str]], grant: int) -> Answer:
    def work(tx: Transaction) -> dict[str, Any]:
        failed: dict[str, Any] = {}
        for arn in dict.fromkeys(arns):
            try:
                each = named(ctx, tx, arn)
                ctx.authorise(_GRANTS[each.type.split(":")[0]][grant], arn)
                tx.put(each.tagged(change(each)))
            except AwsError as error:
                failed[arn] = {"StatusCode": error.status, "ErrorCode": error.code, "ErrorMessage": error.message}
        return failed

    return {"FailedResourcesMap": ctx.store.transact(work)}
