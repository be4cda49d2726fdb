"""Target groups of the GENEVE protocol: create, describe, change their health checks, delete."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

from opengwlb.api.common import quotas
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.common.resources import owned
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import HealthCheck, Listener, LoadBalancer, Target, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import check_name, find, parse_tags, refuse, targets_of, validation_error

GENEVE_PORT = 6081


@action("elbv2", "CreateTargetGroup")
def create_target_group(ctx: Context, params: Parameters) -> Answer:
    """Repeating the call with the same settings answers with the group made the first time."""
    name = params["Name"]
    check_name("Target group", name)
    target_type: Any = params.get("TargetType") or "instance"
    if target_type not in ("instance", "ip"):
        raise AwsError(
            "InvalidConfigurationRequest",
            f"Target type '{target_type}' is not supported for target groups with protocol 'GENEVE'; "
            "use 'instance' or 'ip'",
        )
    _check_protocol(params)
    health_check = _health_check(HealthCheck(), params)
    tags = parse_tags(params.get("Tags") or [])

    def work(tx: Transaction) -> dict[str, Any]:
        vpc = tx.get(Vpc, params["VpcId"])
        if vpc is None or (vpc.account, vpc.region) != (ctx.account, ctx.region):
            raise validation_error(f"The VPC ID '{params['VpcId']}' is not found")
        groups = owned(ctx, tx, TargetGroup)
        wanted = TargetGroup(
            id=ctx.arn("elasticloadbalancing", f"targetgroup/{name}/00{secrets.token_hex(8)}"),
            account=ctx.account,
            region=ctx.region,
            name=name,
            vpc=vpc.id,
            target_type=target_type,
            health_check=health_check,
            tags=tags,
        )
        for group in groups:
            if group.name == name:
                if replace(group, id=wanted.id, attributes={}) != wanted:
                    raise AwsError(
                        "DuplicateTargetGroupName",
                        f"A target group with the same name '{name}' exists, but with different settings",
                    )
                return describe(tx, group)
        quotas.check(ctx, tx, "geneve-target-groups", count=len(groups) + 1)
        tx.put(wanted)
        return describe(tx, wanted)

    return {"TargetGroups": [ctx.store.transact(work)]}


@action("elbv2", "DescribeTargetGroups")
def describe_target_groups(ctx: Context, params: Parameters) -> Answer:
    selectors = [name for name in ("LoadBalancerArn", "TargetGroupArns", "Names") if params.get(name)]
    if len(selectors) > 1:
        raise validation_error(
            "You must specify only one of load balancer ARN, target group ARNs and target group names"
        )
    snapshot = ctx.store.snapshot()
    groups = owned(ctx, snapshot, TargetGroup)
    if arn := params.get("LoadBalancerArn"):
        load_balancer = find(ctx, snapshot, LoadBalancer, arn)
        used = {lst.target_group for lst in snapshot.values(Listener) if lst.load_balancer == load_balancer.id}
        groups = [group for group in groups if group.id in used]
    elif arns := params.get("TargetGroupArns"):
        groups = [group for group in groups if group.id in arns]
        _all_found(len(groups), len(set(arns)))
    elif names := params.get("Names"):
        groups = [group for group in groups if group.name in names]
        _all_found(len(groups), len(set(names)))
    shown, more = slice_elbv2(groups, params)
    return {"TargetGroups": [describe(snapshot, group) for group in shown], **more}


@action("elbv2", "ModifyTargetGroup")
def modify_target_group(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> dict[str, Any]:
        group = find(ctx, tx, TargetGroup, params["TargetGroupArn"])
        _check_enabled(params, group.target_type)
        group = replace(group, health_check=_health_check(group.health_check, params))
        tx.put(group)
        return describe(tx, group)

    return {"TargetGroups": [ctx.store.transact(work)]}


@action("elbv2", "DeleteTargetGroup")
def delete_target_group(ctx: Context, params: Parameters) -> Answer:
    """Deleting what is not there succeeds, as on AWS."""

    def work(tx: Transaction) -> None:
        try:
            group = find(ctx, tx, TargetGroup, params["TargetGroupArn"])
        except AwsError as error:
            if error.code != "TargetGroupNotFound":
                raise
            return
        if any(listener.target_group == group.id for listener in tx.values(Listener)):
            raise AwsError("ResourceInUse", f"Target group '{group.id}' is currently in use by a listener or a rule")
        for target in targets_of(tx, group.id):
            tx.delete(Target, target.id)
        tx.delete(TargetGroup, group.id)

    ctx.store.transact(work)
    return {}


def describe(view: View, group: TargetGroup) -> dict[str, Any]:
    """As AWS answers for GENEVE: no ProtocolVersion, no IpAddressType; path and matcher only with HTTP checks."""
    check = group.health_check
    answer: dict[str, Any] = {
        "TargetGroupArn": group.id,
        "TargetGroupName": group.name,
        "Protocol": "GENEVE",
        "Port": group.port,
        "VpcId": group.vpc,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": check.interval_s,
        "HealthCheckTimeoutSeconds": check.timeout_s,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "LoadBalancerArns": sorted(
            {listener.load_balancer for listener in view.values(Listener) if listener.target_group == group.id}
        ),
        "TargetType": group.target_type,
    }
    if check.protocol != "TCP":
        answer["HealthCheckPath"] = check.path
        answer["Matcher"] = {"HttpCode": check.matcher}
    return answer


def _all_found(found: int, asked: int) -> None:
    if found != asked:
        raise AwsError("TargetGroupNotFound", "One or more target groups not found")


def _check_protocol(params: Parameters) -> None:
    for member, noun in (("Protocol", "protocol"), ("Port", "port"), ("VpcId", "VPC ID")):
        if not params.get(member):
            raise validation_error(f"A {noun} must be specified")
    if params["Protocol"] != "GENEVE":
        raise AwsError(
            "InvalidConfigurationRequest",
            f"Protocol '{params['Protocol']}' is not supported: target groups here serve Gateway Load Balancers, "
            "whose protocol is 'GENEVE'",
        )
    if params["Port"] != GENEVE_PORT:
        raise validation_error(
            f"Port '{params['Port']}' is not supported for protocol 'GENEVE'; the port must be '6081'"
        )
    refuse(
        params, ("ProtocolVersion", "TargetControlPort"), "is not supported for target groups with protocol 'GENEVE'"
    )
    if params.get("IpAddressType") not in (None, "ipv4"):
        raise validation_error("IpAddressType must be 'ipv4' for target groups with protocol 'GENEVE'")
    _check_enabled(params, params.get("TargetType") or "instance")


def _check_enabled(params: Parameters, target_type: str) -> None:
    if params.get("HealthCheckEnabled") is False:
        raise validation_error(f"Health checks cannot be disabled for target groups with target type '{target_type}'")


def _health_check(before: HealthCheck, params: Parameters) -> HealthCheck:
    """`before` with what the caller gave. The wire has checked the ranges of the numbers."""
    protocol = params.get("HealthCheckProtocol") or before.protocol
    if protocol not in ("TCP", "HTTP", "HTTPS"):
        raise validation_error(f"Health check protocol '{protocol}' must be one of [HTTP, HTTPS, TCP]")
    port = params.get("HealthCheckPort") or before.port
    if port != "traffic-port" and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise validation_error(
            f"Health check port '{port}' must be 'traffic-port' or a port between '1-65535' inclusive"
        )
    path, matcher = params.get("HealthCheckPath"), (params.get("Matcher") or {}).get("HttpCode")
    if (params.get("Matcher") or {}).get("GrpcCode"):
        raise validation_error("GRPC codes are not supported for target groups with protocol 'GENEVE'")
    if protocol == "TCP" and path:
        raise validation_error("Health check path is not supported for health checks with the TCP protocol")
    if protocol == "TCP" and matcher:
        raise validation_error("Custom health check matchers are not supported for health checks with the TCP protocol")
    if path and not path.startswith("/"):
        raise validation_error(f"Health check path '{path}' must begin with a '/' character")
    if matcher:
        _check_matcher(matcher)
    check = replace(
        before,
        protocol=protocol,
        port=port,
        path=path or before.path,
        matcher=matcher or before.matcher,
        interval_s=params.get("HealthCheckIntervalSeconds") or before.interval_s,
        timeout_s=params.get("HealthCheckTimeoutSeconds") or before.timeout_s,
        healthy_threshold=params.get("HealthyThresholdCount") or before.healthy_threshold,
        unhealthy_threshold=params.get("UnhealthyThresholdCount") or before.unhealthy_threshold,
    )
    if check.timeout_s > check.interval_s:
        raise validation_error(
            f"Health check timeout '{check.timeout_s}' must be smaller than or equal to "
            f"the interval '{check.interval_s}'"
        )
    return check


def _check_matcher(matcher: str) -> None:
    """`200`, `200,202` or `200-299`, all within 200-399."""
    for part in matcher.split(","):
        bounds = part.split("-")
        if (
            not all(re.fullmatch(r"[23][0-9]{2}", bound) for bound in bounds)
            or len(bounds) > 2
            or bounds != sorted(bounds)
        ):
            raise validation_error(f"Health check matcher HTTP code '{matcher}' must be within '200-399' inclusive")
