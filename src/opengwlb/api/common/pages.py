"""Pagination: EC2's MaxResults/NextToken and ELBv2's PageSize/Marker.

A token names the last item that was given and its place, so that objects made or deleted meanwhile shift nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from opengwlb.api.common.errors import bad_combination, invalid_value
from opengwlb.wire.errors import AwsError

T = TypeVar("T")
_CALLED = {"InstanceIds": "instancesSet"}
"""What AWS calls a list of ids in its sentence about pages, where that is not the member's name."""


def _id(item: Any) -> str:
    return str(item.id)


def slice_ec2(
    items: Sequence[T],
    params: Mapping[str, Any],
    *,
    ids: str | None = None,
    minimum: int = 5,
    maximum: int = 1000,
    key: Callable[[T], str] = _id,
) -> tuple[list[T], dict[str, str]]:
    """One page, and `{"NextToken": …}` when more follow; merge the latter into the answer.

    `ids` names the member that lists ids: it may not be combined with MaxResults.
    Errors: InvalidParameterValue (size or token), InvalidParameterCombination.
    """
    check_combination(params, ids=ids)
    size = params.get("MaxResults")
    if size is not None:
        if size < minimum or (size > maximum and maximum < 1000):
            raise invalid_value(
                f"Value ( {size} ) for parameter maxResults is invalid. "
                f"Expecting a value greater than or equal to {minimum}"
            )
        size = min(size, maximum)
    start = _resume(items, params.get("NextToken"), key=key, error=invalid_value("Unable to parse pagination token"))
    page, token = _cut(items, start, size, key=key)
    return page, {"NextToken": token} if token else {}


def check_combination(params: Mapping[str, Any], *, ids: str | None) -> None:
    """Who names objects gets them all. Errors: InvalidParameterCombination."""
    if ids is not None and params.get(ids) and params.get("MaxResults") is not None:
        raise bad_combination(f"The parameter {_CALLED.get(ids, ids)} cannot be used with the parameter maxResults")


def slice_elbv2(
    items: Sequence[T], params: Mapping[str, Any], *, key: Callable[[T], str] = _id
) -> tuple[list[T], dict[str, str]]:
    """One page, and `{"NextMarker": …}` when more follow. Errors: ValidationError."""
    size = params.get("PageSize", 400)
    if not 1 <= size <= 400:
        raise AwsError(
            "ValidationError",
            f"Value '{size}' at 'pageSize' failed to satisfy constraint: "
            "Member must be between 1 and 400, both included",
        )
    start = _resume(items, params.get("Marker"), key=key, error=AwsError("ValidationError", "Invalid marker"))
    page, token = _cut(items, start, size, key=key)
    return page, {"NextMarker": token} if token else {}


def _cut(items: Sequence[T], start: int, size: int | None, *, key: Callable[[T], str]) -> tuple[list[T], str | None]:
    end = len(items) if size is None else start + size
    page = list(items[start:end])
    if end >= len(items) or not page:
        return page, None
    return page, base64.urlsafe_b64encode(json.dumps([end, key(page[-1])]).encode()).decode()


def _resume(items: Sequence[T], token: str | None, *, key: Callable[[T], str], error: AwsError) -> int:
    if not token:
        return 0
    try:
        place, last = json.loads(base64.urlsafe_b64decode(token.encode()))
        place, last = int(place), str(last)
    except (ValueError, TypeError, binascii.Error) as cause:
        raise error from cause
    for index, item in enumerate(items):
        if key(item) == last:
            return index + 1
    return max(0, place)
