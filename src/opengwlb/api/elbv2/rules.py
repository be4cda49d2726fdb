"""Rules: a gateway listener has its default rule and no other, so that the calls which make or change rules are refused by name."""

from __future__ import annotations

import hashlib
from typing import Any, NoReturn

from opengwlb.api.common import arns
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.common.resources import owned
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener
from opengwlb.model.snapshot import View
from opengwlb.wire.errors import AwsError

from .listeners import forward
from .lookup import find, validation_error


@action("elbv2", "DescribeRules")
def describe_rules(ctx: Context, params: Parameters) -> Answer:
    arn, wanted = params.get("ListenerArn"), params.get("RuleArns")
    if bool(arn) == bool(wanted):
        raise validation_error("You must specify either listener rule ARNs or a listener ARN")
    snapshot = ctx.store.snapshot()
    listeners = [find_default(ctx, snapshot, rule) for rule in dict.fromkeys(wanted or ())]
    if arn:
        listeners = [find(ctx, snapshot, Listener, arn)]
    shown, more = slice_elbv2(listeners, params)
    return {"Rules": [_describe(listener) for listener in shown], **more}


@action("elbv2", "CreateRule")
def create_rule(ctx: Context, params: Parameters) -> Answer:
    """Only listeners of application and dual-stack network load balancers take rules (botocore's documentation of CreateRule); that
    AWS's error is this one is inferred."""
    listener = find(ctx, ctx.store.snapshot(), Listener, params["ListenerArn"])
    raise AwsError("OperationNotPermitted", f"Rules are not supported for gateway listeners such as '{listener.id}'")


@action("elbv2", "ModifyRule")
def modify_rule(ctx: Context, params: Parameters) -> Answer:
    _refuse_default(ctx, params["RuleArn"], "modified: modify its listener")


@action("elbv2", "DeleteRule")
def delete_rule(ctx: Context, params: Parameters) -> Answer:
    _refuse_default(ctx, params["RuleArn"], "deleted")


@action("elbv2", "SetRulePriorities")
def set_rule_priorities(ctx: Context, params: Parameters) -> Answer:
    pairs = params["RulePriorities"]
    if not pairs:
        raise validation_error("At least one rule priority must be specified")
    for pair in pairs:
        find_default(ctx, ctx.store.snapshot(), pair.get("RuleArn") or "")
    raise AwsError("OperationNotPermitted", f"Default rule '{pairs[0]['RuleArn']}' cannot have another priority")


def rule_arn(listener: Listener) -> str:
    """The default rule is not stored: its 16 digits follow from the listener's ARN."""
    digits = hashlib.sha256(listener.id.encode()).hexdigest()[:16]
    return listener.id.replace(":listener/", ":listener-rule/") + f"/{digits}"


def find_default(ctx: Context, view: View, arn: str) -> Listener:
    """The caller's listener whose default rule this is. Errors: ValidationError, RuleNotFound."""
    parsed = arns.parse(arn)
    if parsed is None or parsed.service != "elasticloadbalancing" or not parsed.resource.startswith("listener-rule/"):
        raise validation_error(f"'{arn}' is not a valid listener rule ARN")
    for listener in owned(ctx, view, Listener):
        if rule_arn(listener) == arn:
            return listener
    raise AwsError("RuleNotFound", "One or more listener rules not found")


def _refuse_default(ctx: Context, arn: str, what: str) -> NoReturn:
    find_default(ctx, ctx.store.snapshot(), arn)
    raise AwsError("OperationNotPermitted", f"Default rule '{arn}' cannot be {what}")


def _describe(listener: Listener) -> dict[str, Any]:
    return {
        "RuleArn": rule_arn(listener),
        "Priority": "default",
        "Conditions": [],
        "Actions": forward(listener),
        "IsDefault": True,
    }
