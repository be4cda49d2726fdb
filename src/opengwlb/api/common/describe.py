"""The shape of nearly every EC2 describe call: by ids or all, filtered, one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from opengwlb.api.common import filters, pages, resources
from opengwlb.api.common.errors import dry_run
from opengwlb.api.context import Context
from opengwlb.model.snapshot import View

T = TypeVar("T", bound=resources.Owned)


def describe(
    ctx: Context,
    view: View,
    params: Mapping[str, Any],
    *,
    kind: type[T],
    ids: str,
    spec: Mapping[str, Callable[[T], Iterable[str]]],
    visible: Callable[[T], bool] = lambda _: True,
) -> tuple[list[T], dict[str, str]]:
    """The caller's objects that the call selects, and `{"NextToken": …}` when more follow. `ids` is the ids' member.

    Errors: NotFound and Malformed of the kind, those of `filters.apply` and `pages.slice_ec2`.
    """
    dry_run(params)
    pages.check_combination(params, ids=ids)
    found = [each for each in resources.named(ctx, view, kind, params.get(ids)) if visible(each)]
    return pages.slice_ec2(filters.apply(found, params.get("Filters"), spec), params, ids=ids)


def timestamp(seconds: float) -> datetime:
    """Seconds since the epoch as answers carry them."""
    return datetime.fromtimestamp(seconds, UTC)
