"""The last lines that a flow log delivered, out of the files that it was delivered into."""

from __future__ import annotations

import gzip
import heapq
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypedDict

import msgspec

from opengwlb.model.flow_logs import FlowLog
from opengwlb.policy import flow_log_names as names

LINE_BYTES = 1024
"""More than a line has with every field, in its event."""
MOST_BYTES = 16 << 20
"""Of each stream, from its end."""


class Event(TypedDict):
    """One line, as CloudWatch Logs gives events; times in milliseconds."""

    timestamp: int | None
    """Of the record's start; None in S3, whose lines have none of their own."""
    ingestionTime: int
    logStreamName: str
    """The stream, or the object's key in its bucket."""
    message: str


class _Kept(msgspec.Struct):
    timestamp: int
    message: str
    ingestionTime: int


def tail(directory: Path, log: FlowLog, *, after_ms: int, limit: int) -> list[Event]:
    """The last `limit` lines that were delivered later than `after_ms` (since the epoch), the oldest first."""
    room = min(limit * LINE_BYTES, MOST_BYTES)
    of = _of_bucket if log.destination_type == "s3" else _of_group
    found = of(directory, log, after_ms=after_ms, room=room)
    numbered = ((event["ingestionTime"], event["timestamp"] or 0, number, event) for number, event in enumerate(found))
    return [event for *_, event in sorted(heapq.nlargest(limit, numbered))]


def _of_group(directory: Path, log: FlowLog, *, after_ms: int, room: int) -> Iterator[Event]:
    wanted = (
        f"*-{log.traffic_type.lower()}" if log.resource_type != "NetworkInterface" else names.stream(log, log.resource)
    )
    for stream in sorted((directory / names.group_directory(log)).glob(wanted)):
        for line in _last_lines(stream, after_ms=after_ms, room=room):
            kept = msgspec.json.decode(line, type=_Kept)
            if kept.ingestionTime > after_ms:
                yield Event(
                    timestamp=kept.timestamp,
                    ingestionTime=kept.ingestionTime,
                    logStreamName=stream.name,
                    message=kept.message,
                )


def _last_lines(stream: Path, *, after_ms: int, room: int) -> Iterator[bytes]:
    """Whole lines from the end of a stream. A last one that is being written is left for the next time."""
    left = room
    for path in sorted(stream.glob("*.jsonl"), reverse=True):
        try:
            changed, size = path.stat().st_mtime, path.stat().st_size
            if left <= 0 or changed * 1000 <= after_ms - 1000:
                return
            with path.open("rb") as file:
                file.seek(max(0, size - left))
                held = file.read(left)
        except FileNotFoundError:  # the oldest go when there are too many
            continue
        lines = held.split(b"\n")
        yield from lines[1 if size > left else 0 : -1]
        left -= len(held)


def _of_bucket(directory: Path, log: FlowLog, *, after_ms: int, room: int) -> Iterator[Event]:
    below = directory / names.objects_directory(log)
    bucket, _ = names.bucket(log)
    root = directory / log.account / "s3" / names.segment(bucket)
    left = room
    dated = sorted(((_changed(path), path) for path in below.rglob(f"*_{log.id}_*.log.gz")), reverse=True)
    for changed, path in dated:
        at_ms = int(changed * 1000)
        if left <= 0 or at_ms <= after_ms:
            return
        try:
            text = gzip.decompress(path.read_bytes()).decode()
        except (FileNotFoundError, EOFError, zlib.error):
            continue
        left -= len(text)
        for line in islice(text.splitlines(), 1, None):
            yield Event(timestamp=None, ingestionTime=at_ms, logStreamName=str(path.relative_to(root)), message=line)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
