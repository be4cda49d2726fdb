"""Asking for more: granted at once, where AWS lets people wait. It counts in every region of the account."""

from __future__ import annotations

import hashlib

from opengwlb.api.common import quotas
from opengwlb.api.common.describe import timestamp
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.policy.quotas import LARGEST
from opengwlb.wire.errors import AwsError

from .looking import find, identity


@action("service-quotas", "RequestServiceQuotaIncrease")
def request_service_quota_increase(ctx: Context, params: Parameters) -> Answer:
    """Errors: NoSuchResourceException; IllegalArgumentException (inferred) for what is no increase or cannot be one."""
    quota, wanted = find(params), params["DesiredValue"]
    if not quota.adjustable:
        raise AwsError("IllegalArgumentException", f"{quota.title} is not adjustable: it is always {quota.default}.")
    now = quotas.limit(ctx, ctx.store.snapshot(), quota.name)
    if wanted != int(wanted) or not now < wanted <= LARGEST:
        raise AwsError(
            "IllegalArgumentException",
            f"Give a whole number that is above the quota as it is, {now}, and at most {LARGEST}.",
        )
    quotas.set_limit(ctx.store, account=ctx.account, name=quota.name, value=int(wanted))
    return {
        "RequestedQuota": {
            **identity(ctx, quota),
            "Id": hashlib.sha256(ctx.request_id.encode()).hexdigest()[:32],
            "DesiredValue": float(wanted),
            "Status": "APPROVED",
            "Created": timestamp(ctx.now),
            "LastUpdated": timestamp(ctx.now),
            "Requester": ctx.caller_arn,
            "QuotaRequestedAtLevel": "ACCOUNT",
        }
    }
