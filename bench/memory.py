"""What a flow costs in memory, and the largest table."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from opengwlb.dataplane.syscalls import open_pin

from .figures import Figure, Say, below
from .packets import machine, opened
from .table import SYN

LARGEST = 1 << 23
MAPS = ("flows", "flow_tuples")
"""Those that grow with the table. Locks and the memory of fragments have one size for all tables."""
BYTES_PER_FLOW = 128


def rows(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    say(f"a table of {LARGEST:,} flows")
    with machine(prefix, directory) as (netns, objects, tables):
        name = f"{prefix}m"
        table = tables.enter_context(opened(name, netns, objects, max_flows=LARGEST))
        done = table.encapsulate("xdp_encap_real", times=1 << 16, flows=1 << 16, flags=SYN)
        held = sum(_charged(Path("/run") / name / "bpf" / "maps" / one) for one in MAPS)
    return [
        Figure(
            figure="table size settable to 8 M flows, and it takes flows", value=LARGEST, unit="flows",
            goal=8_000_000, met=done.forwarded == 1.0,
        ),
        below("memory per flow", value=round(held / LARGEST, 1), unit="bytes", goal=BYTES_PER_FLOW),
    ]  # fmt: skip


def _charged(pin: Path) -> int:
    """Bytes that the kernel charges for a map."""
    with contextlib.closing(os.fdopen(open_pin(str(pin)), "rb", buffering=0)) as held:
        lines = Path(f"/proc/self/fdinfo/{held.fileno()}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("memlock:"))
