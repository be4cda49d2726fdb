"""Where flow logs go below the server's directory of them: a directory for each account, in it one for each destination.

    ACCOUNT/cloud-watch-logs/REGION/GROUP/eni-…-all/00000001.jsonl
    ACCOUNT/s3/BUCKET/FOLDER/AWSLogs/ACCOUNT/vpcflowlogs/REGION/2026/11/23/ACCOUNT_vpcflowlogs_REGION_fl-…_20261123T1845Z_….log.gz

Streams and keys are named as AWS names them (VPC User Guide, "Publish flow logs to CloudWatch Logs" and "… to Amazon S3").
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import PurePath
from urllib.parse import quote

from opengwlb.model.flow_logs import FlowLog

LONGEST = 200
"""Characters of a name of the caller's that a file's name has; the rest is a digest."""
BUCKET_PREFIX = "arn:aws:s3:::"


def stream(log: FlowLog, interface: str) -> str:
    """The log stream's name."""
    return f"{interface}-{log.traffic_type.lower()}"


def group_directory(log: FlowLog) -> PurePath:
    return PurePath(log.account, "cloud-watch-logs", log.region, segment(log.log_group))


def stream_directory(log: FlowLog, interface: str) -> PurePath:
    return group_directory(log) / stream(log, interface)


def bucket(log: FlowLog) -> tuple[str, tuple[str, ...]]:
    """Name of the bucket, and the folder's parts."""
    name, *folder = log.destination.removeprefix(BUCKET_PREFIX).split("/")
    return name, tuple(part for part in folder if part)


def objects_directory(log: FlowLog) -> PurePath:
    """Below which all objects of the flow log are."""
    name, folder = bucket(log)
    below = PurePath(log.account, "s3", segment(name), *(segment(part) for part in folder), "AWSLogs")
    if log.hive_partitions:
        return below / f"aws-account-id={log.account}" / "aws-service=vpcflowlogs" / f"aws-region={log.region}"
    return below / log.account / "vpcflowlogs" / log.region


def object_key(log: FlowLog, *, end_s: float) -> PurePath:
    """Of the records of an interval that ended at `end_s`."""
    end = datetime.fromtimestamp(end_s, UTC)
    parts = [("year", f"{end:%Y}"), ("month", f"{end:%m}"), ("day", f"{end:%d}")]
    if log.hourly:
        parts.append(("hour", f"{end:%H}"))
    days = [f"{name}={value}" if log.hive_partitions else value for name, value in parts]
    digest = hashlib.sha256(f"{log.id}/{end_s}".encode()).hexdigest()[:8]
    return objects_directory(log).joinpath(
        *days, f"{log.account}_vpcflowlogs_{log.region}_{log.id}_{end:%Y%m%dT%H%MZ}_{digest}.log.gz"
    )


def segment(text: str) -> str:
    """A name of the caller's as one part of a path: what could lead elsewhere is percent-encoded, what is too long is cut."""
    quoted = quote(text, safe="").replace("..", "%2E%2E")
    if quoted == ".":
        quoted = "%2E"
    if len(quoted) <= LONGEST:
        return quoted
    return f"{quoted[:LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
