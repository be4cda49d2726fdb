"""Tags of roles, policies and instance profiles: the same three calls for each kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.iam import InstanceProfile, ManagedPolicy, Role
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .common import no_such, require, show_tags, tags_of

MOST_TAGS = 50


def _found(ctx: Context, view: View, kind: type[Any], params: Parameters) -> Any:
    if kind is not ManagedPolicy:
        return require(ctx, view, kind, params["RoleName" if kind is Role else "InstanceProfileName"])
    policy = view.get(ManagedPolicy, params["PolicyArn"])
    if policy is None or policy.account != ctx.account:
        raise no_such("Policy", params["PolicyArn"])
    return policy


def _register(kind: type[Any], noun: str) -> None:
    @action("iam", f"Tag{noun}")
    def tag(ctx: Context, params: Parameters) -> Answer:
        given = tags_of(params)

        def work(tx: Transaction) -> None:
            found = _found(ctx, tx, kind, params)
            tags = {**found.tags, **given}
            if len(tags) > MOST_TAGS:
                raise AwsError(
                    "LimitExceeded", f"The number of tags has reached the maximum limit: {MOST_TAGS}", status=409
                )
            tx.put(replace(found, tags=tags))

        ctx.store.transact(work)
        return {}

    @action("iam", f"Untag{noun}")
    def untag(ctx: Context, params: Parameters) -> Answer:
        def work(tx: Transaction) -> None:
            found = _found(ctx, tx, kind, params)
            tx.put(replace(found, tags={key: each for key, each in found.tags.items() if key not in params["TagKeys"]}))

        ctx.store.transact(work)
        return {}

    @action("iam", f"List{noun}Tags")
    def list_tags(ctx: Context, params: Parameters) -> Answer:
        found = _found(ctx, ctx.store.snapshot(), kind, params)
        return {"Tags": [], **show_tags(found.tags), "IsTruncated": False}


for _kind, _noun in ((Role, "Role"), (ManagedPolicy, "Policy"), (InstanceProfile, "InstanceProfile")):
    _register(_kind, _noun)
