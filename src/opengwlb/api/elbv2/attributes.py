"""Describe and change the attributes of load balancers, target groups and listeners; `policy.attributes` knows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer, TargetGroup
from opengwlb.policy import attributes
from opengwlb.policy.attributes import BadAttribute, Scope
from opengwlb.store.protocol import Transaction

from .lookup import find, validation_error

E = TypeVar("E", LoadBalancer, TargetGroup, Listener)


@action("elbv2", "DescribeLoadBalancerAttributes")
def describe_load_balancer_attributes(ctx: Context, params: Parameters) -> Answer:
    return _describe(ctx, LoadBalancer, params["LoadBalancerArn"], scope=attributes.LOAD_BALANCER)


@action("elbv2", "ModifyLoadBalancerAttributes")
def modify_load_balancer_attributes(ctx: Context, params: Parameters) -> Answer:
    return _modify(ctx, params, LoadBalancer, params["LoadBalancerArn"], scope=attributes.LOAD_BALANCER)


@action("elbv2", "DescribeTargetGroupAttributes")
def describe_target_group_attributes(ctx: Context, params: Parameters) -> Answer:
    return _describe(ctx, TargetGroup, params["TargetGroupArn"], scope=attributes.TARGET_GROUP)


@action("elbv2", "ModifyTargetGroupAttributes")
def modify_target_group_attributes(ctx: Context, params: Parameters) -> Answer:
    return _modify(ctx, params, TargetGroup, params["TargetGroupArn"], scope=attributes.TARGET_GROUP)


@action("elbv2", "DescribeListenerAttributes")
def describe_listener_attributes(ctx: Context, params: Parameters) -> Answer:
    return _describe(ctx, Listener, params["ListenerArn"], scope=attributes.LISTENER)


@action("elbv2", "ModifyListenerAttributes")
def modify_listener_attributes(ctx: Context, params: Parameters) -> Answer:
    return _modify(ctx, params, Listener, params["ListenerArn"], scope=attributes.LISTENER)


def _describe(ctx: Context, kind: type[E], arn: str, *, scope: Scope) -> Answer:
    return _answer(scope, find(ctx, ctx.store.snapshot(), kind, arn).attributes)


def _modify(ctx: Context, params: Parameters, kind: type[E], arn: str, *, scope: Scope) -> Answer:
    """All of the changes or none; the answer is the whole list, as AWS gives it."""
    changes = [(item.get("Key") or "", item.get("Value") or "") for item in params["Attributes"]]

    def work(tx: Transaction) -> dict[str, str]:
        obj: Any = find(ctx, tx, kind, arn)
        try:
            after = attributes.changed(scope, obj.attributes, changes)
        except BadAttribute as error:
            raise validation_error(str(error)) from error
        tx.put(replace(obj, attributes=after))
        return after

    return _answer(scope, ctx.store.transact(work))


def _answer(scope: Scope, stored: dict[str, str]) -> Answer:
    return {"Attributes": [{"Key": key, "Value": value} for key, value in attributes.effective(scope, stored).items()]}
