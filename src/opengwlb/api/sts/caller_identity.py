"""Who is calling: the first thing most clients and scripts ask."""

from __future__ import annotations

from opengwlb.api.context import Answer, Context, Parameters, action


@action("sts", "GetCallerIdentity")
def get_caller_identity(ctx: Context, params: Parameters) -> Answer:
    """An access key belongs to its account's root, temporary credentials to a role's session (or the root's)."""
    return {"UserId": ctx.user_id or ctx.account, "Account": ctx.account, "Arn": ctx.caller_arn}
