"""What single things cost a program here, so that a packet's nanoseconds can be told apart: a profile for machines without counters.

Each is done eight times in a packet, or follows eight lines of memory of which each names the next; an empty program is taken off.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import statistics
import struct
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from opengwlb.dataplane.libbpf import BpfObject
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import mount_bpffs, unmount

from .figures import Figure, Say, below
from .table import pinned
from .testrun import nanoseconds

TIMES = 8
ROUNDS = 5
PACKETS = 1 << 17
LINE = 64
LOOPBACK = 1
MANY_LINES, MOST_LINES = "a line of memory, one of 65,536 in 16 MiB", "a line of memory, one of 1,048,576 in 128 MiB"
CHAINS = {MANY_LINES: (1 << 16, 1 << 18), MOST_LINES: (1 << 20, 1 << 21)}
"""How many lines are followed, and among how many."""
CALL, REDIRECT = "a function call and its return", "a redirect"
SINGLE = {
    "cost_call": CALL,
    "cost_array_lookup": "a look-up in an array",
    "cost_hash_lookup": "a look-up in a hash",
    "cost_copy": "20 bytes of the packet copied by the helper",
    "cost_clock": "the coarse clock asked",
    "cost_redirect": REDIRECT,
}


@dataclass(frozen=True, slots=True)
class Costs:
    """Nanoseconds of each thing, by the names above; medians of rounds."""

    by_name: dict[str, float]
    spread: dict[str, tuple[float, float]]

    def figures(self) -> list[Figure]:
        return [
            below(f"what one costs here: {name}", value=value, unit="ns", spread=self.spread[name])
            for name, value in self.by_name.items()
        ]


def measure(*, prefix: str, objects: Path, say: Say) -> Costs:
    """`objects` is a directory of compiled programs, those of the benchmarks among them."""
    mount = Path("/run") / f"{prefix}costs"
    mount.mkdir(exist_ok=True)
    mount_bpffs(str(mount))
    pins = mount / "maps"
    try:
        pins.mkdir()
        loaded = BpfObject(objects / "bench_costs.bpf.o", maps=pins, max_entries={})
        try:
            say("what single things cost")
            return _measured(loaded)
        finally:
            loaded.close()
    finally:
        for path in pins.iterdir():
            path.unlink()
        unmount(str(mount))
        mount.rmdir()


def _measured(loaded: BpfObject) -> Costs:
    pinned()
    hashed = ctypes.c_uint64(1)
    key = struct.pack("=I", 1)
    _map(loaded, "cost_hash").put(key, bytes(hashed))
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        nothing = _run(loaded, "cost_nothing")
        for program, name in SINGLE.items():
            times[name].append((_run(loaded, program) - nothing) / TIMES)
    for name, (lines, among) in CHAINS.items():
        _chain(_map(loaded, "cost_lines"), lines=lines, among=among)
        _map(loaded, "cost_at").put(struct.pack("=I", 0), bytes(LINE))
        _run(loaded, "cost_line")
        for _ in range(ROUNDS):
            times[name].append((_run(loaded, "cost_line") - _run(loaded, "cost_nothing")) / TIMES)
    return Costs(
        {name: round(statistics.median(found), 1) for name, found in times.items()},
        {name: (round(min(found), 1), round(max(found), 1)) for name, found in times.items()},
    )


def _run(loaded: BpfObject, program: str) -> int:
    return nanoseconds(loaded.programs[program], bytes(12) + b"\x08\x00" + bytes(50), times=PACKETS, ifindex=LOOPBACK)


def _map(loaded: BpfObject, name: str) -> Map:
    return Map(loaded.maps[name], name=name)


def _chain(lines_map: Map, *, lines: int, among: int) -> None:
    """A ring through `lines` places of the first `among`, in no order; it begins at 0."""
    places = [0, *random.Random(1).sample(range(1, among), lines - 1)]
    with mmap.mmap(lines_map.fd, lines_map.max_entries * LINE) as whole, memoryview(whole).cast("I") as words:
        for here, there in zip(places, [*places[1:], places[0]], strict=True):
            words[here * LINE // 4] = there
