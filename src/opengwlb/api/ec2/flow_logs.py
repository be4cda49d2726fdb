"""Flow logs: made for VPCs, subnets and network interfaces, delivered to CloudWatch Logs or S3.

Their records are of what `bpf/eni.bpf.c` let pass or refused at the interfaces; docs/en/flow-logs.md says where to read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from opengwlb.api.common import idempotency, resources, tags
from opengwlb.api.common.describe import describe, timestamp
from opengwlb.api.common.errors import dry_run
from opengwlb.api.common.filters import present
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.flow_logs import FlowLog
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, Subnet, Tags, Vpc
from opengwlb.policy import flow_logs as policy
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .flow_log_access import ACCESS_ERROR, may_publish
from .flow_log_requests import Wanted, read

_KINDS = {"VPC": Vpc, "Subnet": Subnet, "NetworkInterface": NetworkInterface}

SPEC: Mapping[str, Callable[[FlowLog], Iterable[str]]] = {
    "deliver-log-status": lambda log: (_status(log),),
    "log-destination-type": lambda log: (log.destination_type,),
    "flow-log-id": lambda log: (log.id,),
    "log-group-name": lambda log: present(log.log_group or None),
    "resource-id": lambda log: (log.resource,),
    "traffic-type": lambda log: (log.traffic_type,),
}


def _status(log: FlowLog) -> str:
    return "FAILED" if log.error else "SUCCESS"


def answer(log: FlowLog) -> Answer:
    shown: Answer = {
        "CreationTime": timestamp(log.created),
        "DeliverLogsStatus": _status(log),
        "FlowLogId": log.id,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": log.resource,
        "TrafficType": log.traffic_type,
        "LogDestinationType": log.destination_type,
        "LogFormat": log.log_format,
        "MaxAggregationInterval": log.interval_s,
        "Tags": tags.answer(log.tags),
    }
    named = {
        "DeliverLogsErrorMessage": log.error,
        "DeliverLogsPermissionArn": log.role,
        "LogGroupName": log.log_group,
        "LogDestination": log.destination,
    }
    if log.destination_type == "s3":
        shown["DestinationOptions"] = {
            "FileFormat": "plain-text",
            "HiveCompatiblePartitions": log.hive_partitions,
            "PerHourPartition": log.hourly,
        }
    return shown | {name: value for name, value in named.items() if value}


@action("ec2", "CreateFlowLogs")
def create_flow_logs(ctx: Context, params: Parameters) -> Answer:
    """One flow log for each resource.

    Where some resources already have the same flow log, the others get theirs and those are answered as unsuccessful; where all have, the
    call is refused (the refusal is AWS's, the division is inferred).
    """
    wanted = read(ctx, params)
    given = tags.from_specifications(params, "vpc-flow-log")
    refused: dict[str, AwsError] = {}

    def make(tx: Transaction) -> tuple[FlowLog, ...]:
        for resource in wanted.resources:
            resources.require(ctx, tx, _KINDS[wanted.resource_type], resource)
        dry_run(params)
        made = []
        for resource in wanted.resources:
            if _exists(ctx, tx, resource, wanted):
                refused[resource] = AwsError(
                    "FlowLogAlreadyExists",
                    "Error. There is an existing Flow Log with the same configuration and log destination.",
                )
            else:
                made.append(_make(ctx, tx, resource, wanted, given))
        if not made:
            raise next(iter(refused.values()))
        return tuple(made)

    def work(tx: Transaction) -> tuple[FlowLog, ...]:
        return idempotency.idempotent(ctx, tx, "CreateFlowLogs", params, kind=FlowLog, make=lambda: make(tx))

    made = ctx.store.transact(work)
    return {
        "FlowLogIds": [log.id for log in made],
        "Unsuccessful": [_unsuccessful(resource, error) for resource, error in refused.items()],
        **({"ClientToken": params["ClientToken"]} if params.get("ClientToken") else {}),
    }


def _make(ctx: Context, tx: Transaction, resource: str, wanted: Wanted, given: Tags) -> FlowLog:
    log = FlowLog(
        id=new_id("fl"),
        account=ctx.account,
        region=ctx.region,
        resource=resource,
        resource_type=wanted.resource_type,
        traffic_type=wanted.traffic_type,
        destination_type=wanted.destination_type,
        log_group=wanted.log_group,
        destination=wanted.destination,
        role=wanted.role,
        log_format=wanted.log_format,
        interval_s=wanted.interval_s,
        hive_partitions=wanted.hive_partitions,
        hourly=wanted.hourly,
        created=ctx.now,
        error="" if may_publish(tx, wanted.role, group=wanted.log_group_arn) else ACCESS_ERROR,
        tags=given,
    )
    tx.put(log)
    return log


def _exists(ctx: Context, view: View, resource: str, wanted: Wanted) -> bool:
    """By resource and destination, whatever else differs: two of them would write each record twice to one place."""
    return any(
        (log.resource, log.destination_type, log.log_group) == (resource, wanted.destination_type, wanted.log_group)
        and (log.destination_type != "s3" or log.destination == wanted.destination)
        and log.traffic_type == wanted.traffic_type
        for log in resources.owned(ctx, view, FlowLog)
    )


def _unsuccessful(resource: str, error: AwsError) -> Answer:
    return {"ResourceId": resource, "Error": {"Code": error.code, "Message": error.message}}


@action("ec2", "DescribeFlowLogs")
def describe_flow_logs(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    _require_known(ctx, snapshot, params.get("FlowLogIds") or ())
    found, more = describe(
        ctx,
        snapshot,
        {**params, "Filters": params.get("Filter")},
        kind=FlowLog,
        ids="FlowLogIds",
        spec=SPEC,
        visible=lambda log: policy.has_resource(snapshot, log),
    )
    return {"FlowLogs": [answer(log) for log in found], **more}


@action("ec2", "DeleteFlowLogs")
def delete_flow_logs(ctx: Context, params: Parameters) -> Answer:
    """All or none; what was recorded until now and not delivered yet is not delivered."""

    def work(tx: Transaction) -> None:
        _require_known(ctx, tx, params["FlowLogIds"])
        dry_run(params)
        for log_id in params["FlowLogIds"]:
            tx.delete(FlowLog, log_id)

    ctx.store.transact(work)
    return {"Unsuccessful": []}


def _require_known(ctx: Context, view: View, log_ids: Sequence[str]) -> None:
    """AWS's error for flow logs that are not there, which counts them."""
    for log_id in log_ids:
        if resources.kind_of(log_id) is not FlowLog:
            raise resources.malformed(FlowLog, log_id)
    lost = [
        log_id
        for log_id in log_ids
        if (log := resources.find(ctx, view, FlowLog, log_id)) is None or not policy.has_resource(view, log)
    ]
    if lost:
        raise AwsError(
            "InvalidFlowLogId.NotFound",
            f"These flow log ids in the input list are not found: [TotalCount: {len(lost)}] {' '.join(lost)}",
        )
