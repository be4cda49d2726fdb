"""How closely instances are watched, and what their owners report of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from opengwlb.api.common import filters
from opengwlb.api.common.errors import dry_run, refuse
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import named, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

log = logging.getLogger(__name__)


@action("ec2", "MonitorInstances")
def monitor_instances(ctx: Context, params: Parameters) -> Answer:
    return _monitor(ctx, params, monitored=True, state="pending")


@action("ec2", "UnmonitorInstances")
def unmonitor_instances(ctx: Context, params: Parameters) -> Answer:
    return _monitor(ctx, params, monitored=False, state="disabling")


def _monitor(ctx: Context, params: Parameters, *, monitored: bool, state: str) -> Answer:
    """The answer names the way there, as AWS's does; the next description has arrived."""
    refuse(params, ("MetricCategoryIds",), because="an instance has one set of metrics.")

    def work(tx: Transaction) -> list[Answer]:
        instances = [require(ctx, tx, Instance, each) for each in dict.fromkeys(params["InstanceIds"])]
        dry_run(params)
        for instance in instances:
            tx.put(replace(instance, monitored=monitored))
        return [{"InstanceId": each.id, "Monitoring": {"State": state}} for each in instances]

    return {"InstanceMonitorings": ctx.store.transact(work)}


_CREDIT_FILTERS: Mapping[str, Callable[[Instance], Iterable[str]]] = {"instance-id": lambda instance: (instance.id,)}


@action("ec2", "DescribeInstanceCreditSpecifications")
def describe_instance_credit_specifications(ctx: Context, params: Parameters) -> Answer:
    """Instances of types that burst on AWS may do so here as long as they like: nothing counts credits."""
    dry_run(params)
    found = named(ctx, ctx.store.snapshot(), Instance, params.get("InstanceIds"))
    bursting = [each for each in found if each.instance_type.startswith("t")]
    page, more = slice_ec2(filters.apply(bursting, params.get("Filters"), _CREDIT_FILTERS), params, ids="InstanceIds")
    shown = [{"InstanceId": each.id, "CpuCredits": "unlimited"} for each in page]
    return {"InstanceCreditSpecifications": shown, **more}


@action("ec2", "ReportInstanceStatus")
def report_instance_status(ctx: Context, params: Parameters) -> Answer:
    """AWS collects such reports and changes nothing by them (documented at the operation). Here the operator's log has them."""
    snapshot = ctx.store.snapshot()
    for instance_id in params["Instances"]:
        instance = require(ctx, snapshot, Instance, instance_id)
        if instance.state is not InstanceState.RUNNING:
            raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' state.")
    dry_run(params)
    since, until = params.get("StartTime"), params.get("EndTime")
    log.info(
        "account %s reports %s of %s (%s) from %s to %s: %s",
        ctx.account,
        params["Status"],
        ", ".join(params["Instances"]),
        ", ".join(params["ReasonCodes"]),
        since or "?",
        until or "now",
        params.get("Description") or "no description",
    )
    return {}
