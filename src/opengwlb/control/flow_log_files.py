"""The directory that flow logs are delivered into: streams of JSON lines for CloudWatch Logs, compressed objects for S3.

A delivery is all or nothing even when the process or the machine ends in it: `intended` says beforehand what `deliver` will write and
where, whoever keeps that safe can have it taken back by `take_back`, and then deliver again. Each account's part is bounded: the oldest
files go first.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from opengwlb.model.flow_logs import FlowLog
from opengwlb.policy import flow_log_names as names
from opengwlb.policy.flow_log_lines import header
from opengwlb.policy.flow_log_windows import Delivery

ROTATE_BYTES = 8 << 20
"""A stream goes on in a new file when this one has so many."""
ACCOUNT_BYTES = 256 << 20
"""What is kept of one account's flow logs."""
_SUFFIX = ".jsonl"
FAILED = "Unknown error"
"""AWS's word for what is no matter of permissions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a delivery is about to write, below the directory."""

    streams: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Directory of a stream -> number of its last file, and how many bytes that has."""
    objects: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.streams or self.objects)


class FlowLogFiles:
    def __init__(
        self, directory: Path, *, account_bytes: int = ACCOUNT_BYTES, rotate_bytes: int = ROTATE_BYTES
    ) -> None:
        self.directory = directory
        self._account_bytes = account_bytes
        self._rotate_bytes = rotate_bytes

    def intended(self, deliveries: Iterable[Delivery], *, now: float) -> Intent:
        """What `deliver` of the same will write."""
        streams: dict[str, tuple[int, int]] = {}
        objects: dict[str, None] = {}
        for one in deliveries:
            if not one.lines:
                continue
            if one.log.destination_type == "s3":
                objects[str(names.object_key(one.log, end_s=now))] = None
            else:
                place = str(names.stream_directory(one.log, one.interface.id))
                streams.setdefault(place, self._position(place))
        return Intent(streams=streams, objects=tuple(objects))

    def take_back(self, intent: Intent) -> None:
        """Leaves nothing of a delivery that may not have come to its end."""
        for place, (number, length) in intent.streams.items():
            for other, path in _files(self.directory / place):
                if other > number:
                    path.unlink()
                elif other == number:
                    os.truncate(path, min(length, path.stat().st_size))
        for one in intent.objects:
            (self.directory / one).unlink(missing_ok=True)

    def deliver(self, deliveries: Iterable[Delivery], *, now: float) -> dict[str, str]:
        """Writes everything; flow log -> AWS's word for what went wrong, empty when nothing did. A stream or object is written whole or
        not at all."""
        said: dict[str, str] = {}
        objects: dict[str, tuple[FlowLog, list[str]]] = {}
        for one in deliveries:
            said.setdefault(one.log.id, "")
            texts = [text for _, text in one.lines]
            if one.log.destination_type == "s3":
                objects.setdefault(one.log.id, (one.log, []))[1].extend(texts)
            elif one.lines:
                events = "".join(_event(start, text, now=now) for start, text in one.lines)
                place = str(names.stream_directory(one.log, one.interface.id))
                if not self._append(place, events.encode(), now=now):
                    said[one.log.id] = FAILED
        for log, lines in objects.values():
            if lines and not self._put(log, lines, now=now):
                said[log.id] = FAILED
        return said

    def keep_within_bounds(self, accounts: Collection[str]) -> None:
        """Deletes the oldest files of accounts that have more than they may."""
        for account in accounts:
            found = sorted(_sizes(self.directory / account))
            total = sum(size for _, size, _ in found)
            for _, size, path in found:
                if total <= self._account_bytes:
                    break
                path.unlink(missing_ok=True)
                total -= size
                with suppress(OSError):  # not empty
                    path.parent.rmdir()

    def _position(self, place: str) -> tuple[int, int]:
        number, path = max(_files(self.directory / place), default=(0, None))
        return number, path.stat().st_size if path is not None else 0

    def _append(self, place: str, events: bytes, *, now: float) -> bool:
        number, length = self._position(place)
        if number == 0 or length >= self._rotate_bytes:
            number, length = number + 1, 0
        path = self.directory / place / f"{number:08}{_SUFFIX}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(events)
                file.flush()
                os.fdatasync(file.fileno())
            os.utime(path, (now, now))  # when it was delivered, for who follows
        except OSError:
            with suppress(OSError):
                os.truncate(path, length)
            return False
        return True

    def _put(self, log: FlowLog, lines: Iterable[str], *, now: float) -> bool:
        path = self.directory / names.object_key(log, end_s=now)
        text = "".join(f"{line}\n" for line in (header(log.log_format), *lines))
        unfinished = path.with_name(f".{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(gzip.compress(text.encode(), mtime=int(now)))
                file.flush()
                os.fdatasync(file.fileno())
            os.utime(unfinished, (now, now))
            unfinished.rename(path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            return False
        return True


def _event(start: int, text: str, *, now: float) -> str:
    """As CloudWatch Logs' GetLogEvents gives it; times in milliseconds."""
    event = {"timestamp": start * 1000, "message": text, "ingestionTime": int(now * 1000)}
    return json.dumps(event, separators=(",", ":")) + "\n"


def _files(directory: Path) -> list[tuple[int, Path]]:
    if not directory.is_dir():
        return []
    return [(int(path.stem), path) for path in directory.glob(f"*{_SUFFIX}")]


def _sizes(directory: Path) -> Iterator[tuple[float, int, Path]]:
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            if path.is_file():
                yield found.st_mtime, found.st_size, path
