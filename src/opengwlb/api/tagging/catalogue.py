"""What has tags and an ARN in a region: EC2's objects, load balancers, target groups, listeners and their default rules.

IAM's objects are not here: AWS answers for them in us-east-1 only, and few of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from opengwlb.api.common import arns, resources
from opengwlb.api.context import Context
from opengwlb.api.elbv2.rules import rule_arn
from opengwlb.model.elb import Listener, LoadBalancer, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address
from opengwlb.wire.errors import AwsError

_BALANCING: tuple[type[Any], ...] = (LoadBalancer, TargetGroup, Listener)
NO_SUCH = "InvalidParameterException"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """A resource and its tags."""

    arn: str
    holder: Any
    """The stored object that has them."""
    member: str = "tags"
    """Of the holder: a rule's tags are its listener's `rule_tags`."""

    @property
    def id(self) -> str:
        return self.arn

    @property
    def tags(self) -> Mapping[str, str]:
        found: Mapping[str, str] = getattr(self.holder, self.member)
        return found

    @property
    def type(self) -> str:
        """`ec2:vpc`, `elasticloadbalancing:loadbalancer/gwy`: what resource type filters name the beginning of."""
        _, _, service, _, _, resource = self.arn.split(":", 5)
        parts = resource.split("/")
        return f"{service}:{'/'.join(parts[:2] if service != 'ec2' and len(parts) > 3 else parts[:1])}"

    def tagged(self, tags: Mapping[str, str]) -> Any:
        """The holder with other tags, to be stored."""
        return replace(self.holder, **{self.member: dict(tags)})


def everything(ctx: Context, view: View) -> list[Tagged]:
    """Every object of the caller's in this region that can have tags, by ARN."""
    return sorted(_everything(ctx, view), key=lambda each: each.arn)


def _everything(ctx: Context, view: View) -> Iterator[Tagged]:
    for kind in resources.NAMINGS:
        for each in resources.owned(ctx, view, kind):
            if not (isinstance(each, Address) and each.automatic):
                yield Tagged(arn=arns.ec2(each), holder=each)
    for kind in _BALANCING:
        for each in resources.owned(ctx, view, kind):
            yield Tagged(arn=each.id, holder=each)
            if isinstance(each, Listener):
                yield Tagged(arn=rule_arn(each), holder=each, member="rule_tags")


def named(ctx: Context, view: View, arn: str) -> Tagged:
    """The caller's resource of this ARN.

    Errors: InvalidParameterException for what is no ARN of a kind that can be tagged here (inferred: AWS's sentence is not documented),
    the hosting service's own code for what is not there.
    """
    parsed = arns.parse(arn)
    if parsed is None:
        raise AwsError(NO_SUCH, f"The value '{arn}' is not a valid ARN.")
    if (parsed.region, parsed.account) != (ctx.region, ctx.account):
        raise AwsError(NO_SUCH, f"The resource '{arn}' does not belong to this account and region.")
    if parsed.service == "ec2":
        return _of_ec2(ctx, view, arn, resource=parsed.resource)
    if parsed.service == "elasticloadbalancing":
        return _of_balancing(ctx, view, arn)
    raise AwsError(NO_SUCH, f"Resources of the service '{parsed.service}' cannot be tagged here.")


def _of_ec2(ctx: Context, view: View, arn: str, *, resource: str) -> Tagged:
    tag_type, _, resource_id = resource.partition("/")
    kinds = [kind for kind, naming in resources.NAMINGS.items() if naming.tag_type == tag_type]
    if not kinds:
        raise AwsError(NO_SUCH, f"EC2 has no taggable resource type '{tag_type}' here.")
    for kind in kinds:
        found = resources.find(ctx, view, kind, resource_id)
        if found is not None and not (isinstance(found, Address) and found.automatic):
            return Tagged(arn=arn, holder=found)
    raise resources.not_found(kinds[0], resource_id)


def _of_balancing(ctx: Context, view: View, arn: str) -> Tagged:
    for kind in _BALANCING:
        found = resources.find(ctx, view, kind, arn)
        if found is not None:
            return Tagged(arn=arn, holder=found)
    for listener in resources.owned(ctx, view, Listener):
        if rule_arn(listener) == arn:
            return Tagged(arn=arn, holder=listener, member="rule_tags")
    raise AwsError(NO_SUCH, f"The resource '{arn}' was not found.")
