"""Who is calling: the first thing most clients and scripts ask."""

from __future__ import annotations

from opengwlb.api.context import Answer, Context, Parameters, action


@action("sts", "GetCallerIdentity")
def get_caller_identity(ctx: Context, params: Parameters) -> Answer:
    """Every access key belongs to its account's root."""
    return {"UserId": ctx.account, "Account": ctx.account, "Arn": f"arn:aws:iam::{ctx.account}:root"}
