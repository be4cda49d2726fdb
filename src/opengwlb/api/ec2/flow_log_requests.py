"""What CreateFlowLogs is asked, checked: AWS's errors for what AWS refuses, `UnsupportedOperation` for what is not built here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from opengwlb.api.common import arns
from opengwlb.api.common.errors import invalid_value, missing, refuse, unsupported
from opengwlb.api.context import Context, Parameters
from opengwlb.model.flow_logs import ResourceType, TrafficType
from opengwlb.policy.flow_log_lines import DEFAULT_FORMAT, FormatError, UnknownField, parse
from opengwlb.policy.flow_log_names import BUCKET_PREFIX
from opengwlb.wire.errors import AwsError

from .flow_log_access import group_arn

INTERVALS = (60, 600)
MOST_RESOURCES = 300
_TYPES: dict[str, ResourceType] = {"VPC": "VPC", "Subnet": "Subnet", "NetworkInterface": "NetworkInterface"}
_TRAFFIC: dict[str, TrafficType] = {"ACCEPT": "ACCEPT", "REJECT": "REJECT", "ALL": "ALL"}
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FOLDER = re.compile(r"(/[A-Za-z0-9!_.*'()-]+)*/?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{0,12}:role/.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The flow log that each of the resources shall have."""

    resources: tuple[str, ...]
    resource_type: ResourceType
    traffic_type: TrafficType
    destination_type: Literal["cloud-watch-logs", "s3"]
    log_group: str
    log_group_arn: str
    destination: str
    role: str
    log_format: str
    interval_s: int
    hive_partitions: bool
    hourly: bool


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameter", message)


def read(ctx: Context, params: Parameters) -> Wanted:
    """Errors: InvalidParameter, InvalidParameterValue, MissingParameter, UnsupportedOperation."""
    resource_type = _TYPES.get(params["ResourceType"])
    if resource_type is None:
        raise unsupported(
            f"ResourceType={params['ResourceType']}", "flow logs are for VPCs, subnets and network interfaces."
        )
    refuse(params, ("DeliverCrossAccountRole",), because="flow logs are delivered in their own account.")
    refuse(params, ("TagFieldSpecifications",), because="records have no fields for tags.")
    if not params.get("TrafficType"):
        raise missing("TrafficType")
    if params["TrafficType"] not in _TRAFFIC:
        raise invalid_value(f"Invalid value '{params['TrafficType']}' for TrafficType. Use {', '.join(_TRAFFIC)}.")
    chosen = params["ResourceIds"]
    if not chosen:
        raise missing("ResourceId")
    if len(chosen) > MOST_RESOURCES:
        raise invalid_value(f"At most {MOST_RESOURCES} resources can be given in one call.")
    interval = 600 if params.get("MaxAggregationInterval") is None else params["MaxAggregationInterval"]
    kind = params.get("LogDestinationType") or "cloud-watch-logs"
    if kind == "kinesis-data-firehose":
        raise unsupported("LogDestinationType=kinesis-data-firehose", "use s3 or cloud-watch-logs.")
    if kind not in ("cloud-watch-logs", "s3"):
        raise invalid_value(f"Invalid value '{kind}' for LogDestinationType. Use cloud-watch-logs or s3.")
    group, destination = (_bucket if kind == "s3" else _group)(ctx, params)
    if interval not in INTERVALS:
        raise invalid("Invalid Flow Log Max Aggregation Interval")
    options = _options(params, kind)
    return Wanted(
        resources=tuple(dict.fromkeys(chosen)),
        resource_type=resource_type,
        traffic_type=_TRAFFIC[params["TrafficType"]],
        destination_type="s3" if kind == "s3" else "cloud-watch-logs",
        log_group=group,
        log_group_arn=group_arn(ctx.account, ctx.region, group),
        destination=destination,
        role=params.get("DeliverLogsPermissionArn") or "",
        log_format=_format(params.get("LogFormat")),
        interval_s=interval,
        hive_partitions=bool(options.get("HiveCompatiblePartitions")),
        hourly=bool(options.get("PerHourPartition")),
    )


def _group(ctx: Context, params: Parameters) -> tuple[str, str]:
    """Name of the log group, and its ARN where the call gave that."""
    name, arn, role = (
        params.get(each) or "" for each in ("LogGroupName", "LogDestination", "DeliverLogsPermissionArn")
    )
    if not name and not arn:
        raise invalid("LogDestination can't be empty if LogGroupName is not provided.")
    if name and arn:
        raise invalid("Please only provide LogGroupName or only provide LogDestination.")
    if not role:
        raise invalid("DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.")
    if _ROLE.fullmatch(role) is None:
        raise invalid_value(f"Invalid DeliverLogsPermissionArn: {role} is not the ARN of an IAM role.")
    if arn:
        parts = arns.parse(arn)
        name = parts.resource.removeprefix("log-group:").removesuffix(":*") if parts else ""
        if parts is None or parts.service != "logs" or not parts.resource.startswith("log-group:"):
            raise invalid(f"LogDestination: {arn} is not the ARN of a log group.")
        if (parts.account, parts.region) != (ctx.account, ctx.region):
            raise unsupported("LogDestination", "the log group must be in the flow log's own account and region.")
    if _GROUP.fullmatch(name) is None:
        raise invalid(f"LogGroupName: {name} is not the name of a log group.")
    return name, arn


def _bucket(ctx: Context, params: Parameters) -> tuple[str, str]:
    arn = params.get("LogDestination") or ""
    if params.get("LogGroupName"):
        raise invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
    if not arn:
        raise invalid("LogDestination can't be empty if LogGroupName is not provided.")
    if params.get("DeliverLogsPermissionArn"):
        raise invalid("DeliverLogsPermissionArn is not applicable for s3.")
    bucket, slash, folder = arn.removeprefix(BUCKET_PREFIX).partition("/")
    is_bucket = arn.startswith(BUCKET_PREFIX) and _BUCKET.fullmatch(bucket) and _FOLDER.fullmatch(slash + folder)
    if not is_bucket or not {".", ".."}.isdisjoint(folder.split("/")):
        raise invalid(f"LogDestination: {arn} is not the ARN of a bucket, with or without a folder in it.")
    if "AWSLogs" in folder.split("/"):
        raise invalid("LogDestination: AWSLogs is a reserved folder name.")
    return "", arn


def _options(params: Parameters, kind: str) -> dict[str, Any]:
    options: dict[str, Any] = params.get("DestinationOptions") or {}
    if options and kind != "s3":
        raise invalid("DestinationOptions is only applicable if LogDestinationType is s3.")
    if options.get("FileFormat", "plain-text") != "plain-text":
        raise unsupported("DestinationOptions.FileFormat", "files are plain text; parquet is not written.")
    return options


def _format(text: str | None) -> str:
    """The format as given, or the default one. AWS's own words for one that is none."""
    if text is None:
        return DEFAULT_FORMAT
    try:
        parse(text)
    except UnknownField as error:
        raise unsupported("LogFormat", f"{error} is a field of a version after 5.") from error
    except FormatError as error:
        raise invalid_value(
            f"1 validation error detected: Value '{text}' at 'logFormat' has an invalid format"
        ) from error
    return text
