"""No accepted call is without effect: a member that nobody acts on is refused, before the action sees the call.

botocore's models have hundreds of members that only other products, other types of load balancers or later versions know. The wire
parses them all; an action would ignore most. So an operation takes the members that its standing lists and no others, also none that
a newer botocore brings. False, zero, empty strings, lists and structures count as not given: clients send them for "I do not want it".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from opengwlb.wire.errors import AwsError

from . import Standing, standings

CODES = {
    "ec2": "UnsupportedOperation",
    "elbv2": "ValidationError",
    "iam": "InvalidInput",
    "sts": "ValidationError",
    "ssm": "ValidationException",
    "cloudwatch": "InvalidParameterCombination",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "service-quotas": "IllegalArgumentException",
}
"""Each service's own error for a request that cannot be honoured; the sentence is ours, AWS has none for it."""


@dataclass(slots=True)
class _Node:
    """A member, and what is known below it."""

    taken: bool = False
    """Whether what is not listed below is taken."""
    means: tuple[Any, ...] = ()
    members: dict[str, _Node] = field(default_factory=dict)


def check(service: str, operation: str, params: Mapping[str, Any]) -> None:
    """Raise the service's error for the first member that the operation does not act on.

    An operation without a standing is let through: the walk over settings fails for it.
    """
    standing = standings().get((service, operation))
    if standing is None:
        return
    refused = _first(params, _tree(service, operation))
    if refused is not None:
        raise AwsError(
            CODES.get(service, "ValidationError"),
            f"The parameter {refused} is not supported by {operation} here: nothing would act on it.",
        )


def given(value: Any) -> bool:
    """Whether a value asks for something."""
    if isinstance(value, Mapping):
        return any(given(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(given(each) for each in value)
    return bool(value)


@cache
def _tree(service: str, operation: str) -> _Node:
    return _compiled(standings()[service, operation])


def _compiled(standing: Standing) -> _Node:
    root = _Node(taken=standing.by in ("refused", "empty"))
    # Shorter paths first, so that a structure's own standing is there before its members inherit it.
    for path in sorted(standing.members, key=lambda each: each.count(".")):
        node = root
        for name in path.split("."):
            node = node.members.setdefault(name, _Node(taken=node.taken))
        node.taken = standing.members[path] != "refused"
        node.means = standing.means.get(path, ())
    return root


def _first(value: Any, node: _Node) -> str | None:
    """The path of the first member that is given and not taken."""
    if isinstance(value, list | tuple):
        return next((found for each in value if (found := _first(each, node)) is not None), None)
    if not isinstance(value, Mapping):
        return None
    fields: Mapping[str, Any] = value
    for name, each in fields.items():
        member = node.members.get(name)
        if member is None:
            if not node.taken and given(each):
                return name
        elif member.members and isinstance(each, Mapping | list | tuple):
            below = _first(each, member)
            if below is not None:
                return f"{name}.{below}"
        elif not member.taken and given(each) and each not in member.means:
            return name
    return None
