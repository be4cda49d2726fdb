"""Tags: how calls give them, what EC2 refuses, how answers show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opengwlb.api.common.errors import invalid_value
from opengwlb.model.vpc import Tags
from opengwlb.wire.errors import AwsError

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256


def from_specifications(params: Mapping[str, Any], resource_type: str, *, also: Iterable[str] = ()) -> Tags:
    """The tags that `TagSpecifications` gives to `resource_type`.

    `also` lists other types that the operation makes (RunInstances: `network-interface`).
    Errors: InvalidParameterValue.
    """
    known = {resource_type, *also}
    chosen: list[Mapping[str, Any]] = []
    for specification in params.get("TagSpecifications") or ():
        named = specification.get("ResourceType")
        if not named:
            raise AwsError("InvalidParameter", "Tag specification resource type must have a value")
        if named not in known:
            raise invalid_value(f"'{named}' is not a valid taggable resource type for this operation.")
        if named == resource_type:
            chosen.extend(specification.get("Tags") or ())
    return from_list(chosen)


def from_list(tags: Sequence[Mapping[str, Any]] | None) -> Tags:
    """`[{"Key", "Value"}]` as a mapping, checked as EC2 does."""
    found: Tags = {}
    for tag in tags or ():
        key, value = tag.get("Key"), tag.get("Value") or ""
        if not key:
            raise invalid_value("Tag key can't be empty")
        if key in found:
            raise invalid_value(f"Duplicate tag key '{key}' specified.")
        if key.lower().startswith("aws:"):
            raise invalid_value("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > LONGEST_KEY:
            raise invalid_value(f"Tag key exceeds the maximum length of {LONGEST_KEY} characters")
        if len(value) > LONGEST_VALUE:
            raise invalid_value(f"Tag value exceeds the maximum length of {LONGEST_VALUE} characters")
        found[key] = value
    return within_limit(found)


def within_limit(tags: Tags) -> Tags:
    if len(tags) > MOST_TAGS:
        raise AwsError("TagLimitExceeded", f"The maximum number of tags per resource is {MOST_TAGS}")
    return tags


def answer(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As describe calls show them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
