"""Listeners: the one link between a gateway load balancer and its target group."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from opengwlb.api.common import quotas
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.common.resources import owned
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer, TargetGroup
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import find, parse_tags, refuse, validation_error
from .target_quotas import check_targets

_FOREIGN = ("SslPolicy", "Certificates", "AlpnPolicy", "MutualAuthentication")


@action("elbv2", "CreateListener")
def create_listener(ctx: Context, params: Parameters) -> Answer:
    """A gateway load balancer has one listener. Repeating the call with the same target group answers with it."""
    _refuse_foreign(params)
    target_group = _forward_to(params["DefaultActions"])
    tags = parse_tags(params.get("Tags") or [])

    def work(tx: Transaction) -> Listener:
        load_balancer = find(ctx, tx, LoadBalancer, params["LoadBalancerArn"])
        _check_target_group(ctx, tx, target_group, load_balancer=load_balancer)
        check_targets(ctx, tx, target_group, load_balancer=load_balancer.id)
        wanted = Listener(
            id=ctx.arn("elasticloadbalancing", _resource("listener", load_balancer.id, secrets.token_hex(8))),
            account=ctx.account,
            region=ctx.region,
            load_balancer=load_balancer.id,
            target_group=target_group,
            tags=tags,
        )
        for listener in owned(ctx, tx, Listener):
            if listener.load_balancer == load_balancer.id:
                if replace(listener, id=wanted.id, attributes={}, rule_tags={}) == wanted:
                    return listener
                quotas.check(ctx, tx, "listeners-per-gateway-load-balancer", count=2)
        tx.put(wanted)
        return wanted

    return {"Listeners": [_describe(ctx.store.transact(work))]}


@action("elbv2", "ModifyListener")
def modify_listener(ctx: Context, params: Parameters) -> Answer:
    _refuse_foreign(params)

    def work(tx: Transaction) -> Listener:
        listener = find(ctx, tx, Listener, params["ListenerArn"])
        if actions := params.get("DefaultActions"):
            load_balancer = find(ctx, tx, LoadBalancer, listener.load_balancer)
            target_group = _forward_to(actions)
            _check_target_group(ctx, tx, target_group, load_balancer=load_balancer)
            check_targets(ctx, tx, target_group, load_balancer=load_balancer.id)
            listener = replace(listener, target_group=target_group)
            tx.put(listener)
        return listener

    return {"Listeners": [_describe(ctx.store.transact(work))]}


@action("elbv2", "DescribeListeners")
def describe_listeners(ctx: Context, params: Parameters) -> Answer:
    arn, arns = params.get("LoadBalancerArn"), params.get("ListenerArns")
    if bool(arn) == bool(arns):
        raise validation_error("You must specify either listener ARNs or a load balancer ARN")
    snapshot = ctx.store.snapshot()
    if arns:
        listeners = [find(ctx, snapshot, Listener, listener) for listener in dict.fromkeys(arns)]
    else:
        load_balancer = find(ctx, snapshot, LoadBalancer, arn or "")
        listeners = [lst for lst in owned(ctx, snapshot, Listener) if lst.load_balancer == load_balancer.id]
    shown, more = slice_elbv2(listeners, params)
    return {"Listeners": [_describe(listener) for listener in shown], **more}


@action("elbv2", "DeleteListener")
def delete_listener(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        tx.delete(Listener, find(ctx, tx, Listener, params["ListenerArn"]).id)

    ctx.store.transact(work)
    return {}


def _resource(kind: str, load_balancer: str, digits: str) -> str:
    """`listener/gwy/NAME/16hex/16hex`."""
    return f"{kind}/{load_balancer.split(':loadbalancer/', 1)[1]}/{digits}"


def _describe(listener: Listener) -> dict[str, Any]:
    """As AWS answers for gateway: no Port, no Protocol."""
    return {
        "ListenerArn": listener.id,
        "LoadBalancerArn": listener.load_balancer,
        "DefaultActions": forward(listener),
    }


def forward(listener: Listener) -> list[dict[str, Any]]:
    """The one action of a gateway listener, as answers show it."""
    return [
        {
            "Type": "forward",
            "TargetGroupArn": listener.target_group,
            "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": listener.target_group}]},
        }
    ]


def _refuse_foreign(params: Parameters) -> None:
    if params.get("Port") is not None:
        raise validation_error("A port cannot be specified for gateway listeners")
    if params.get("Protocol") is not None:
        raise validation_error("A protocol cannot be specified for gateway listeners")
    refuse(params, _FOREIGN, "cannot be specified for gateway listeners")


def _forward_to(actions: list[dict[str, Any]]) -> str:
    """The ARN of the one target group that the one action forwards to."""
    if len(actions) != 1:
        raise AwsError("TooManyActions", "Gateway listeners must have exactly one default action")
    action = actions[0]
    if action["Type"] != "forward":
        raise AwsError(
            "InvalidLoadBalancerAction",
            f"Action type '{action['Type']}' is not supported for gateway listeners; use 'forward'",
        )
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or []
    if len(groups) > 1:
        raise AwsError(
            "TooManyUniqueTargetGroupsPerLoadBalancer", "Gateway listeners forward to exactly one target group"
        )
    if any(group.get("Weight") not in (None, 1) for group in groups):
        raise validation_error("Weight cannot be specified for gateway listeners")
    if (config.get("TargetGroupStickinessConfig") or {}).get("Enabled"):
        raise validation_error("Target group stickiness cannot be specified for gateway listeners")
    arns = {arn for arn in (action.get("TargetGroupArn"), *(group.get("TargetGroupArn") for group in groups)) if arn}
    if not arns:
        raise validation_error("A target group ARN must be specified")
    if len(arns) > 1:
        raise validation_error("TargetGroupArn and ForwardConfig must name the same target group")
    return str(arns.pop())


def _check_target_group(ctx: Context, tx: Transaction, arn: str, *, load_balancer: LoadBalancer) -> None:
    group = find(ctx, tx, TargetGroup, arn)
    if group.vpc != load_balancer.vpc:
        raise AwsError(
            "InvalidConfigurationRequest",
            f"The following target groups are in a different VPC than load balancer '{load_balancer.id}': {arn}",
        )
    if any(lst.target_group == arn and lst.load_balancer != load_balancer.id for lst in tx.values(Listener)):
        raise AwsError(
            "TargetGroupAssociationLimit",
            f"The following target groups cannot be associated with more than one load balancer: {arn}",
        )
