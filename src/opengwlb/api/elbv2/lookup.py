"""What every ELBv2 action needs: find the caller's object by ARN, check names and tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from opengwlb.api.common import arns
from opengwlb.api.context import Context, Parameters
from opengwlb.model.elb import Listener, LoadBalancer, Target, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Tags
from opengwlb.wire.errors import AwsError

MAX_TAGS = 50
_NOT_FOUND = {
    LoadBalancer: ("LoadBalancerNotFound", "Load balancer '{}' not found"),
    TargetGroup: ("TargetGroupNotFound", "Target group '{}' not found"),
    Listener: ("ListenerNotFound", "Listener '{}' not found"),
}
_RESOURCE = {LoadBalancer: "loadbalancer/", TargetGroup: "targetgroup/", Listener: "listener/"}
_NOUN = {LoadBalancer: "load balancer", TargetGroup: "target group", Listener: "listener"}

E = TypeVar("E", LoadBalancer, TargetGroup, Listener)


def validation_error(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def find(ctx: Context, view: View, kind: type[E], arn: str) -> E:
    """The caller's object. Raises ValidationError for what is no such ARN, else `…NotFound`."""
    parsed = arns.parse(arn)
    if parsed is None or parsed.service != "elasticloadbalancing" or not parsed.resource.startswith(_RESOURCE[kind]):
        raise validation_error(f"'{arn}' is not a valid {_NOUN[kind]} ARN")
    found = view.get(kind, arn)
    if found is None or (found.account, found.region) != (ctx.account, ctx.region):
        code, message = _NOT_FOUND[kind]
        raise AwsError(code, message.format(arn))
    return found


def targets_of(view: View, target_group: str) -> list[Target]:
    """Every registration of a target group, draining ones included."""
    return [target for target in view.values(Target) if target.target_group == target_group]


def check_name(noun: str, name: str) -> None:
    """AWS's rules for names of load balancers and target groups; `noun` opens the message."""
    if len(name) > 32:
        raise validation_error(f"{noun} name '{name}' cannot be longer than '32' characters")
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise validation_error(
            f"{noun} name '{name}' can only contain characters that are alphanumeric characters or hyphens(-)"
        )
    if name.startswith("-") or name.endswith("-"):
        raise validation_error(f"{noun} name '{name}' cannot begin or end with '-'")


def refuse(params: Parameters, names: Sequence[str], why: str) -> None:
    """Raise for the first of `names` that was given; `why` follows the parameter's name."""
    for name in names:
        if params.get(name) not in (None, [], ""):
            raise validation_error(f"{name} {why}")


def parse_tags(items: Iterable[dict[str, Any]]) -> Tags:
    """`[{Key, Value}]` -> tags. Raises DuplicateTagKeys, TooManyTags, ValidationError."""
    tags: Tags = {}
    for item in items:
        key = item["Key"]
        if key in tags:
            raise AwsError("DuplicateTagKeys", f"Tag key '{key}' was specified more than once.")
        if key.lower().startswith("aws:"):
            raise validation_error("Tag keys that start with 'aws:' are reserved for AWS use")
        if not all(_in_tags(character) for character in key + (item.get("Value") or "")):
            raise validation_error(f"Tag '{key}' may have letters, digits, spaces and _ . : / = + - @ only")
        tags[key] = item.get("Value") or ""
    check_tag_count(tags)
    return tags


def _in_tags(character: str) -> bool:
    """Letters, separators and digits of any script, and `_.:/=+-@`, as botocore's elbv2 model has it."""
    return unicodedata.category(character)[0] in "LZN" or character in "_.:/=+-@"


def check_tag_count(tags: Tags) -> None:
    if len(tags) > MAX_TAGS:
        raise AwsError("TooManyTags", f"The maximum number of tags per resource is {MAX_TAGS}.")
