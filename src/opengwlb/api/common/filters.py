"""`Filter.N.Name/Value.M` of describe calls: OR inside one filter, AND across filters, `*` and `?` as wildcards.

Each call passes the filters it knows as `name -> what the object says for it`; tag filters work on every object
with `tags`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from opengwlb.api.common.errors import invalid_value
from opengwlb.policy.wildcards import expression
from opengwlb.wire.errors import AwsError

T = TypeVar("T")
ESCAPE = "\\"
"""A backslash makes the next character literal."""
MOST_VALUES = 200
"""Of all filters of one call ("Filter names and values", EC2 API Reference: FilterLimitExceeded)."""
LONGEST = 4096
"""Characters of a value; inferred: longer than any value that an object has."""
Spec = Mapping[str, Callable[[T], Iterable[str]]]
"""Filter name -> the values an object has for it; several for members that are lists, none for absent ones."""


def flag(value: bool) -> tuple[str, ...]:
    """A boolean as filters spell it."""
    return ("true" if value else "false",)


def present(*values: str | None) -> tuple[str, ...]:
    """Those values that are there."""
    return tuple(value for value in values if value is not None)


def absent(_: Any) -> Iterable[str]:
    """What no object has: a filter that AWS knows and that never matches here."""
    return ()


def apply(items: Iterable[T], filters: Sequence[Mapping[str, Any]] | None, spec: Spec[T]) -> list[T]:
    """Items that match every filter.

    Errors: InvalidParameterValue for an unknown name, FilterLimitExceeded above 200 values.
    """
    kept = list(items)
    asked = 0
    for each in filters or ():
        name, patterns = each.get("Name", ""), each.get("Values") or []
        asked += max(1, len(patterns))
        if asked > MOST_VALUES:
            raise AwsError(
                "FilterLimitExceeded",
                f"The maximum number of filter values specified on a single call is {MOST_VALUES}",
            )
        values_of = _values(name, spec)
        matches = _matcher(tuple(patterns))
        kept = [item for item in kept if any(matches(value) for value in values_of(item))]
    return kept


def _values(name: str, spec: Spec[T]) -> Callable[[T], Iterable[str]]:
    if name in spec:
        return spec[name]
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: present(_tags(item).get(key))
    if name == "tag-key":
        return _tags
    if name == "tag-value":
        return lambda item: _tags(item).values()
    raise invalid_value(f"The filter '{name}' is invalid")


def _tags(item: Any) -> Mapping[str, str]:
    tags: Mapping[str, str] = getattr(item, "tags", {})
    return tags


@lru_cache(maxsize=512)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    if any(len(pattern) > LONGEST for pattern in patterns):
        raise invalid_value(f"A filter's value has at most {LONGEST} characters")
    every = "|".join(f"(?:{expression(pattern, escape=ESCAPE)})" for pattern in patterns) if patterns else r"(?!)"
    compiled = re.compile(every, re.DOTALL)
    return lambda value: compiled.fullmatch(value) is not None
