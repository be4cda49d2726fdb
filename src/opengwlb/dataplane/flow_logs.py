"""The records that flow logs are made of, out of the maps that bpf/lib/flow_log.h fills.

Records carry the number of the round in which they began. `turn` begins a new one; once it returns, no program adds to the records of
earlier rounds, so they can be read, kept somewhere safe, and only then be forgotten: nothing is lost or counted twice, whatever ends in
between.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from opengwlb.model.flow_logs import FlowCount, FlowKey

from . import layout
from .entries import u32
from .errors import KernelError
from .maps import Map

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_MEMBARRIER = {"x86_64": 324, "aarch64": 283}.get(platform.machine(), 283)
_GLOBAL = 1
_WITHOUT_BARRIER_S = 0.1
"""A program runs for microseconds; where the kernel offers no barrier this is waited instead."""
_FIRST = 0
_FAMILIES: dict[int, tuple[Literal[4, 6], int, int]] = {4: (4, socket.AF_INET, 4), 6: (6, socket.AF_INET6, 16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    round: int
    key: FlowKey
    count: FlowCount
    raw: bytes
    """For `FlowRecords.forget`."""


class FlowRecords:
    def __init__(self, *, records: Map, ports: Map, round_: Map) -> None:
        self._records = records
        self._ports = ports
        self._round = round_

    def turn(self, *, now: float) -> int:
        """Begins a new round and answers its number; those of earlier rounds do not change any more once this returns.

        `now` is in seconds since the epoch. Numbers grow also when the maps were made anew.
        """
        former = struct.unpack("=I", self._round.get(u32(_FIRST)) or u32(0))[0]
        number: int = max(former + 1, int(now))
        self._round.put(u32(_FIRST), u32(number))
        _wait_for_programs()
        return number

    def before(self, round_: int) -> Iterator[Record]:
        """Every record of an earlier round."""
        offset_s = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        for raw, value in self._records.entries():
            key = layout.flow_log_key.from_buffer_copy(raw)
            if key.round < round_:
                yield Record(round=key.round, key=_key(key), count=_count(value, offset_s), raw=raw)

    def forget(self, raws: Sequence[bytes]) -> None:
        self._records.delete_all(raws)

    def lost(self) -> dict[int, int]:
        """ifindex -> packets that found no room, since its first record."""
        return {
            struct.unpack("=I", key)[0]: int(layout.flow_log_port.from_buffer_copy(value).lost)
            for key, value in self._ports.entries()
        }

    def prune(self, live_ifindexes: Collection[int]) -> None:
        """Forgets what was lost at ports that are no more."""
        for key in [key for key, _ in self._ports.entries() if struct.unpack("=I", key)[0] not in live_ifindexes]:
            self._ports.delete(key)


def _key(key: layout.flow_log_key) -> FlowKey:
    family, kind, length = _FAMILIES[key.family]
    return FlowKey(
        ifindex=key.ifindex,
        direction="egress" if key.what & layout.FLOW_LOG_EGRESS else "ingress",
        action="REJECT" if key.what & layout.FLOW_LOG_REJECT else "ACCEPT",
        family=family,
        source=socket.inet_ntop(kind, bytes(key.source)[:length]),
        destination=socket.inet_ntop(kind, bytes(key.destination)[:length]),
        source_port=int.from_bytes(bytes(key.source_port), "big"),
        destination_port=int.from_bytes(bytes(key.destination_port), "big"),
        protocol=key.protocol,
    )


def _count(value: bytes, offset_s: float) -> FlowCount:
    count = layout.flow_log_count.from_buffer_copy(value)
    return FlowCount(
        packets=count.packets,
        bytes=count.bytes,
        first_s=count.first_ns / 1e9 + offset_s,
        last_s=count.last_ns / 1e9 + offset_s,
        tcp_flags=count.tcp_flags,
        path=count.path,
    )


def _wait_for_programs() -> None:
    """Returns when every program that was running when this was called has ended: they run inside the kernel's read locks."""
    if _libc.syscall(_SYS_MEMBARRIER, _GLOBAL, 0, 0) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise KernelError(f"wait for programs ({os.strerror(number)})", number=number)
    time.sleep(_WITHOUT_BARRIER_S)
