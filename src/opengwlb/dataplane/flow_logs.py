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
from functools import lru_cache

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
_REMEMBERED = 65536
"""Addresses whose text is kept while records are read."""
# A quarter of a million records are read at once: as mirrors they would take four times as long.
_KEY = struct.Struct("=II16s16s2s2sBBBx")
_COUNT = struct.Struct("=QQQQII")
assert (_KEY.size, _COUNT.size) == (ctypes.sizeof(layout.flow_log_key), ctypes.sizeof(layout.flow_log_count))


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
        text = lru_cache(maxsize=_REMEMBERED)(_address)  # few talk with many
        for raw, value in self._records.entries():
            began, ifindex, source, destination, from_port, to_port, protocol, family, what = _KEY.unpack(raw)
            if began >= round_:
                continue
            key = FlowKey(
                ifindex=ifindex,
                direction="egress" if what & layout.FLOW_LOG_EGRESS else "ingress",
                action="REJECT" if what & layout.FLOW_LOG_REJECT else "ACCEPT",
                family=family,
                source=text(family, source),
                destination=text(family, destination),
                source_port=int.from_bytes(from_port, "big"),
                destination_port=int.from_bytes(to_port, "big"),
                protocol=protocol,
            )
            yield Record(round=began, key=key, count=_count(value, offset_s), raw=raw)

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


def _address(family: int, raw: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET, raw[:4]) if family == 4 else socket.inet_ntop(socket.AF_INET6, raw)


def _count(value: bytes, offset_s: float) -> FlowCount:
    packets, size, first_ns, last_ns, tcp_flags, path = _COUNT.unpack(value)
    return FlowCount(
        packets=packets,
        bytes=size,
        first_s=first_ns / 1e9 + offset_s,
        last_s=last_ns / 1e9 + offset_s,
        tcp_flags=tcp_flags,
        path=path,
    )


def _wait_for_programs() -> None:
    """Returns when every program that was running when this was called has ended: they run inside the kernel's read locks."""
    if _libc.syscall(_SYS_MEMBARRIER, _GLOBAL, 0, 0) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise KernelError(f"wait for programs ({os.strerror(number)})", number=number)
    time.sleep(_WITHOUT_BARRIER_S)
