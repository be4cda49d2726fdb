"""The quotas of an account by AWS's codes. Those whose code could not be verified are left to `gwlb account quota`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from opengwlb.api.common import quotas
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.policy.quotas import QUOTAS, Quota
from opengwlb.wire.errors import AwsError

SERVICES = {
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}
_PAGE = 100
T = TypeVar("T")


@action("service-quotas", "ListServices")
def list_services(ctx: Context, params: Parameters) -> Answer:
    shown, more = _page([{"ServiceCode": code, "ServiceName": name} for code, name in SERVICES.items()], params)
    return {"Services": shown, **more}


@action("service-quotas", "ListServiceQuotas")
def list_service_quotas(ctx: Context, params: Parameters) -> Answer:
    found = _of(params["ServiceCode"])
    if params.get("QuotaCode"):
        found = [quota for quota in found if quota.code == params["QuotaCode"]]
    shown, more = _page(found, params)
    return {"Quotas": [describe(ctx, quota) for quota in shown], **more}


@action("service-quotas", "ListAWSDefaultServiceQuotas")
def list_aws_default_service_quotas(ctx: Context, params: Parameters) -> Answer:
    shown, more = _page(_of(params["ServiceCode"]), params)
    return {"Quotas": [describe(ctx, quota, default=True) for quota in shown], **more}


@action("service-quotas", "GetServiceQuota")
def get_service_quota(ctx: Context, params: Parameters) -> Answer:
    return {"Quota": describe(ctx, find(params))}


@action("service-quotas", "GetAWSDefaultServiceQuota")
def get_aws_default_service_quota(ctx: Context, params: Parameters) -> Answer:
    return {"Quota": describe(ctx, find(params), default=True)}


def find(params: Parameters) -> Quota:
    """The quota that ServiceCode and QuotaCode name. Errors: NoSuchResourceException."""
    for quota in _of(params["ServiceCode"]):
        if quota.code == params["QuotaCode"]:
            return quota
    raise AwsError("NoSuchResourceException", f"The quota {params['QuotaCode']} is not one of {params['ServiceCode']}.")


def identity(ctx: Context, quota: Quota) -> dict[str, Any]:
    """What answers about a quota and about its increase share."""
    return {
        "ServiceCode": quota.service,
        "ServiceName": SERVICES[quota.service],
        "QuotaArn": ctx.arn("servicequotas", f"{quota.service}/{quota.code}"),
        "QuotaCode": quota.code,
        "QuotaName": quota.title,
        "Unit": "None",
        "GlobalQuota": False,
    }


def describe(ctx: Context, quota: Quota, *, default: bool = False) -> dict[str, Any]:
    value = quota.default if default else quotas.limit(ctx, ctx.store.snapshot(), quota.name)
    return {
        **identity(ctx, quota),
        "Value": float(value),
        "Adjustable": quota.adjustable,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _of(service: str) -> list[Quota]:
    if service not in SERVICES:
        raise AwsError(
            "NoSuchResourceException", f"The service {service} has no quotas here: {', '.join(SERVICES)} have."
        )
    return [quota for quota in QUOTAS.values() if quota.service == service and quota.code]


def _page(items: Sequence[T], params: Parameters) -> tuple[list[T], dict[str, str]]:
    """The quotas are fixed, so that a place in their order is a token."""
    try:
        start = int(base64.b64decode(params.get("NextToken") or base64.b64encode(b"0"), validate=True))
    except (ValueError, binascii.Error) as error:
        raise AwsError("InvalidPaginationTokenException", "The NextToken is none that was given out.") from error
    end = start + (params.get("MaxResults") or _PAGE)
    token = base64.b64encode(str(end).encode()).decode()
    return list(items[start:end]), {"NextToken": token} if end < len(items) else {}
