"""Registrations: who may become a target, and what is known of its health."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any

from opengwlb.api.common.zones import zones
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Target, TargetGroup, TargetState
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import find, targets_of, validation_error
from .target_groups import GENEVE_PORT
from .target_quotas import check_targets, zone_of_address

_OUTSIDE = [IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


@action("elbv2", "RegisterTargets")
def register_targets(ctx: Context, params: Parameters) -> Answer:
    """All of the targets, or none. Registering again while draining makes the target serve again."""

    def work(tx: Transaction) -> None:
        group = find(ctx, tx, TargetGroup, params["TargetGroupArn"])
        for item in params["Targets"]:
            _check_item(item)
            if item.get("Port") not in (None, GENEVE_PORT):
                raise AwsError(
                    "InvalidTarget", f"Targets of protocol 'GENEVE' must use port '6081', not '{item['Port']}'"
                )
        check = _check_instances if group.target_type == "instance" else _check_addresses
        check(ctx, tx, group, params["Targets"])
        registered = {target.id: target for target in targets_of(tx, group.id)}
        for item in params["Targets"]:
            target_id = f"{group.id}|{item['Id']}"
            known = registered.get(target_id)
            zone = item.get("AvailabilityZone")
            if known is not None and known.deregistered is None:
                registered[target_id] = replace(known, zone=zone or known.zone)
            else:
                registered[target_id] = Target(
                    id=target_id, target_group=group.id, target=item["Id"], zone=zone, registered=ctx.now
                )
            tx.put(registered[target_id])
        check_targets(ctx, tx, group.id)

    ctx.store.transact(work)
    return {}


@action("elbv2", "DeregisterTargets")
def deregister_targets(ctx: Context, params: Parameters) -> Answer:
    """Starts the deregistration delay; control removes the target when it is over. Unknown targets are no error."""

    def work(tx: Transaction) -> None:
        group = find(ctx, tx, TargetGroup, params["TargetGroupArn"])
        for item in params["Targets"]:
            target = tx.get(Target, f"{group.id}|{item['Id']}")
            if target is None or target.deregistered is not None or item.get("Port") not in (None, GENEVE_PORT):
                continue
            tx.put(
                replace(
                    target,
                    deregistered=ctx.now,
                    state=TargetState.DRAINING,
                    reason="Target.DeregistrationInProgress",
                    description="Target deregistration is in progress",
                )
            )

    ctx.store.transact(work)
    return {}


@action("elbv2", "DescribeTargetHealth")
def describe_target_health(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    group = find(ctx, snapshot, TargetGroup, params["TargetGroupArn"])
    registered = {target.target: target for target in targets_of(snapshot, group.id)}
    asked: list[dict[str, Any]] = params.get("Targets") or [{"Id": target} for target in registered]
    descriptions = []
    for item in asked:
        target = registered.get(item["Id"])
        if target is None or item.get("Port") not in (None, GENEVE_PORT):
            descriptions.append(_not_registered(item))
        else:
            descriptions.append(_describe(snapshot, group, target))
    return {"TargetHealthDescriptions": descriptions}


def _describe(view: View, group: TargetGroup, target: Target) -> dict[str, Any]:
    identity: dict[str, Any] = {"Id": target.target, "Port": GENEVE_PORT}
    if group.target_type == "ip":
        zone = target.zone or zone_of_address(view, group.vpc, target.target)
        identity |= {"AvailabilityZone": zone} if zone is not None else {}
    health: dict[str, Any] = {"State": str(target.state)}
    if target.state is not TargetState.HEALTHY:
        health |= {"Reason": target.reason, "Description": target.description}
    port = group.health_check.port
    return {
        "Target": identity,
        "HealthCheckPort": str(GENEVE_PORT) if port == "traffic-port" else port,
        "TargetHealth": health,
    }


def _not_registered(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "Target": {"Id": item["Id"], "Port": item.get("Port") or GENEVE_PORT},
        "TargetHealth": {
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group",
        },
    }


def _check_item(item: dict[str, Any]) -> None:
    if item.get("QuicServerId"):
        raise validation_error("QuicServerId is not supported for target groups with protocol 'GENEVE'")


def _check_instances(ctx: Context, tx: Transaction, group: TargetGroup, items: list[dict[str, Any]]) -> None:
    stopped = []
    for item in items:
        if item.get("AvailabilityZone"):
            raise validation_error("Availability Zone cannot be specified for targets of type 'instance'")
        if not _INSTANCE.fullmatch(item["Id"]):
            raise validation_error(f"Instance ID '{item['Id']}' is not valid")
        instance = tx.get(Instance, item["Id"])
        if instance is None or (instance.account, instance.region) != (ctx.account, ctx.region):
            raise AwsError("InvalidTarget", f"The following targets do not exist: '{item['Id']}'")
        if instance.vpc != group.vpc:
            raise AwsError(
                "InvalidTarget", f"The following targets are not in the target group VPC '{group.vpc}': '{item['Id']}'"
            )
        if instance.state is not InstanceState.RUNNING or instance.desired is not InstanceState.RUNNING:
            stopped.append(item["Id"])
    if stopped:
        ids = "', '".join(stopped)
        raise AwsError(
            "InvalidTarget", f"The following targets are not in a running state and cannot be registered: '{ids}'"
        )


def _check_addresses(ctx: Context, tx: Transaction, group: TargetGroup, items: list[dict[str, Any]]) -> None:
    """The sentences about zones are AWS's, as reported for Network Load Balancers."""
    vpc = tx.get(Vpc, group.vpc)
    for item in items:
        try:
            address = IPv4Address(item["Id"])
        except AddressValueError as error:
            raise validation_error(f"The IP address '{item['Id']}' is not a valid IPv4 address") from error
        zone = item.get("AvailabilityZone")
        if zone not in (None, "all") and zone not in (each.name for each in zones(ctx.region)):
            raise validation_error(f"The Availability Zone '{zone}' is not valid")
        if vpc is not None and any(address in IPv4Network(cidr) for cidr in vpc.cidrs):
            at = zone_of_address(tx, group.vpc, item["Id"])
            if at is None:
                raise AwsError("InvalidTarget", f"The IP address '{address}' is not within any subnet of '{group.vpc}'")
            if zone not in (None, at):
                raise validation_error(
                    f"The IP address '{address}' is within the VPC, and cannot have its Availability Zone overridden to "
                    f"'{zone}' from '{at}'"
                )
        elif not any(address in network for network in _OUTSIDE):
            raise AwsError(
                "InvalidTarget",
                f"The IP address '{address}' must be from the subnets of '{group.vpc}', "
                "from 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or from 100.64.0.0/10",
            )
        elif zone is None:
            raise validation_error(
                "You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, "
                f"since the IP address '{address}' is outside the VPC"
            )
