"""GetResources, GetTagKeys, GetTagValues: what the caller has in this region, by its tags."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.wire.errors import AwsError

from .catalogue import Tagged, everything

MOST_RESOURCES = 100
"""On a page, and when nobody says how many (AWS's own default is not documented; inferred from its maximum)."""
TAGS_ON_A_PAGE = range(100, 501)
MOST_TYPES = 100
_ALONE = ("TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "TagsPerPage", "PaginationToken")
_NAMES_ON_A_PAGE = 1000

T = TypeVar("T")


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


@action("resourcegroupstaggingapi", "GetResources")
def get_resources(ctx: Context, params: Parameters) -> Answer:
    """By filters, or by ARNs. AWS also lists what once had tags, with none; that is not remembered here."""
    if params.get("IncludeComplianceDetails") or params.get("ExcludeCompliantResources"):
        raise invalid(
            "There are no tag policies here: IncludeComplianceDetails and ExcludeCompliantResources cannot be used."
        )
    found = everything(ctx, ctx.store.snapshot())
    if arns := params.get("ResourceARNList"):
        for name in _ALONE:
            if params.get(name) not in (None, "", []):
                raise invalid(f"ResourceARNList and {name} cannot be used in the same request.")
        wanted = set(arns)
        return {"ResourceTagMappingList": [_shown(each) for each in found if each.arn in wanted], "PaginationToken": ""}
    kept = _of_types(found, params.get("ResourceTypeFilters") or ())
    kept = _with_tags((each for each in kept if each.tags), params.get("TagFilters") or ())
    size, tags = params.get("ResourcesPerPage"), params.get("TagsPerPage")
    if size is not None and not 1 <= size <= MOST_RESOURCES:
        raise invalid(f"ResourcesPerPage must be between 1 and {MOST_RESOURCES}.")
    if tags is not None and tags not in TAGS_ON_A_PAGE:
        raise invalid("TagsPerPage must be between 100 and 500.")
    start = _place(kept, params.get("PaginationToken"), key=lambda each: each.arn)
    page = _page(kept[start:], resources=size or MOST_RESOURCES, tags=tags)
    more = start + len(page) < len(kept)
    return {
        "ResourceTagMappingList": [_shown(each) for each in page],
        "PaginationToken": _token(page[-1].arn) if more else "",
    }


@action("resourcegroupstaggingapi", "GetTagKeys")
def get_tag_keys(ctx: Context, params: Parameters) -> Answer:
    keys = sorted({key for each in everything(ctx, ctx.store.snapshot()) for key in each.tags})
    page, token = _names(keys, params.get("PaginationToken"))
    return {"TagKeys": page, "PaginationToken": token}


@action("resourcegroupstaggingapi", "GetTagValues")
def get_tag_values(ctx: Context, params: Parameters) -> Answer:
    key = params["Key"]
    values = sorted({each.tags[key] for each in everything(ctx, ctx.store.snapshot()) if key in each.tags})
    page, token = _names(values, params.get("PaginationToken"))
    return {"TagValues": page, "PaginationToken": token}


def _shown(each: Tagged) -> dict[str, Any]:
    return {"ResourceARN": each.arn, "Tags": [{"Key": key, "Value": value} for key, value in each.tags.items()]}


def _of_types(found: Iterable[Tagged], types: Sequence[str]) -> list[Tagged]:
    """`ec2`, `ec2:vpc`, `elasticloadbalancing:loadbalancer` or `…:loadbalancer/gwy`; any of them."""
    if len(types) > MOST_TYPES:
        raise invalid(f"ResourceTypeFilters can have at most {MOST_TYPES} types.")
    if not types:
        return list(found)
    return [each for each in found if any(f"{each.type}:".startswith((f"{one}:", f"{one}/")) for one in types)]


def _with_tags(found: Iterable[Tagged], filters: Sequence[dict[str, Any]]) -> list[Tagged]:
    """All filters, any value of each; a filter without values asks for its key alone."""
    for one in filters:
        if not one.get("Key"):
            raise invalid("Each tag filter must have a key.")
    return [
        each
        for each in found
        if all(
            one["Key"] in each.tags and (not one.get("Values") or each.tags[one["Key"]] in one["Values"])
            for one in filters
        )
    ]


def _page(found: Sequence[Tagged], *, resources: int, tags: int | None) -> list[Tagged]:
    """As many as fit. What has no tag counts as one tag; a resource and its tags stay together."""
    page: list[Tagged] = []
    weight = 0
    for each in found[:resources]:
        weight += max(1, len(each.tags))
        if tags is not None and weight > tags:
            break
        page.append(each)
    return page


def _names(names: Sequence[str], token: str | None) -> tuple[list[str], str]:
    start = _place(names, token, key=str)
    page = list(names[start : start + _NAMES_ON_A_PAGE])
    return page, _token(page[-1]) if start + len(page) < len(names) else ""


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([last]).encode()).decode()


def _place(ordered: Sequence[T], token: str | None, *, key: Callable[[T], str]) -> int:
    """Behind the one that the token names, which may be gone by now. Errors: InvalidParameterException."""
    if not token:
        return 0
    try:
        (last,) = json.loads(base64.urlsafe_b64decode(token.encode()))
        return sum(key(each) <= str(last) for each in ordered)
    except (ValueError, TypeError, binascii.Error) as error:
        raise invalid("The pagination token is not valid.") from error
