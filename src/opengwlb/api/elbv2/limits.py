"""DescribeAccountLimits: AWS's names for the quotas of gateway load balancers."""

from __future__ import annotations

from opengwlb.api.common import quotas
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.context import Answer, Context, Parameters, action

TOLD = (
    "gateway-load-balancers",
    "gateway-load-balancers-per-vpc",
    "geneve-target-groups",
    "targets-per-availability-zone-per-gateway-load-balancer",
    "targets-per-target-group",
)
"""Those of gateway load balancers that the call tells on AWS (its reference lists the names); `gwlb account quota` tells all."""


@action("elbv2", "DescribeAccountLimits")
def describe_account_limits(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    shown, more = slice_elbv2(TOLD, params, key=str)
    return {"Limits": [{"Name": name, "Max": str(quotas.limit(ctx, snapshot, name))} for name in shown], **more}
