"""ListMetrics: what metrics an account has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.metrics import DAY, HOUR, MetricKey

from .common import GATEWAY_ELB, as_stored, invalid, storage

PAGE = 500
LISTED_S, RECENT_S = 14 * DAY, 3 * HOUR


@action("cloudwatch", "ListMetrics")
def list_metrics(ctx: Context, params: Parameters) -> Answer:
    """Those with a data point in the last two weeks, or three hours, in order of creation. Here at once; on AWS within 15 minutes."""
    if params.get("IncludeLinkedAccounts") or params.get("OwningAccount"):
        raise invalid("This is no monitoring account: IncludeLinkedAccounts and OwningAccount are not available.")
    after = _after(params.get("NextToken"))
    since = ctx.now - (RECENT_S if params.get("RecentlyActive") else LISTED_S)
    matching = [
        one
        for one in storage(ctx).listed(ctx.account, region=ctx.region, since=int(since))
        if one.id > after and _matches(one.key, params)
    ]
    answer: dict[str, Any] = {"Metrics": [_shown(one.key) for one in matching[:PAGE]]}
    if len(matching) > PAGE:
        answer["NextToken"] = str(matching[PAGE - 1].id)
    return answer


def _after(token: str | None) -> int:
    if token is None:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) < 20):
        raise invalid("The value for parameter NextToken is invalid: it is none that ListMetrics gave.")
    return int(token)


def _matches(key: MetricKey, params: Parameters) -> bool:
    return (
        params.get("Namespace") in (None, key.namespace)
        and params.get("MetricName") in (None, key.name)
        and _has(key, params.get("Dimensions") or ())
    )


def _has(key: MetricKey, filters: Sequence[Mapping[str, str]]) -> bool:
    has = dict(key.dimensions)
    for one in filters:
        name, value = one["Name"], one.get("Value")
        if value is not None and key.namespace == GATEWAY_ELB:
            value = as_stored(name, value)
        if name not in has or value not in (None, has[name]):
            return False
    return True


def _shown(key: MetricKey) -> dict[str, Any]:
    return {
        "Namespace": key.namespace,
        "MetricName": key.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in key.dimensions],
    }
