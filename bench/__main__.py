"""`make bench`: every row of the table. `python -m bench ROW…` runs a choice and `python -m bench --list` names them.

Rounds alternate between what is compared; medians are printed, with the spread of the rounds.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from rich.console import Console

from opengwlb.dataplane.errors import DataPlaneError

from . import (
    api,
    boxes,
    browser,
    chain,
    changes,
    fairness,
    figures,
    flow_logs,
    guards,
    lab,
    memory,
    metrics,
    packets,
    rivals,
    scale,
    start,
    through,
    watching,
)
from .figures import Figure
from .table import BPF
from .traffic import Ends

RESULTS = Path(__file__).resolve().parents[1] / "build" / "bench.json"

FAILURES = (AssertionError, OSError, subprocess.SubprocessError, DataPlaneError)

console = Console()


class Bench:
    """What several rows share, made when the first of them asks, and taken away at the end."""

    def __init__(self, *, prefix: str, directory: Path, stack: contextlib.ExitStack) -> None:
        self.prefix, self.directory, self._stack = prefix, directory, stack
        self._start = time.monotonic()

    def say(self, what: str) -> None:
        console.print(f"{time.monotonic() - self._start:5.0f} s  {what}", highlight=False)

    @cached_property
    def load(self) -> Path:
        return boxes.tool("load", self.directory)

    @cached_property
    def lab(self) -> lab.Lab:
        self.say("building the lab through the API")
        return self._stack.enter_context(lab.lab(name=self.prefix, directory=self.directory))

    def _chain(self, *, redirect: bool) -> Ends:
        prefix = f"{self.prefix}{'r' if redirect else 'f'}"
        made = chain.chain(prefix=prefix, redirect=redirect, directory=self.directory)
        client, server = self._stack.enter_context(made)
        return Ends(client=client, server=server, address=chain.SERVER, devices=("right", "left"))

    @cached_property
    def redirect(self) -> Ends:
        return self._chain(redirect=True)

    @cached_property
    def forward(self) -> Ends:
        return self._chain(redirect=False)


def _packets(bench: Bench) -> list[Figure]:
    return packets.rows(prefix=bench.prefix, directory=bench.directory, say=bench.say)


def _guards(bench: Bench) -> list[Figure]:
    return guards.rows(prefix=bench.prefix, directory=bench.directory / "guards", say=bench.say)


def _rivals(bench: Bench) -> list[Figure]:
    return rivals.rows(prefix=bench.prefix, directory=bench.directory, say=bench.say)


def _growth(bench: Bench) -> list[Figure]:
    return packets.growth(prefix=bench.prefix, directory=bench.directory, say=bench.say)


def _memory(bench: Bench) -> list[Figure]:
    return memory.rows(prefix=bench.prefix, directory=bench.directory, say=bench.say)


def _changes(bench: Bench) -> list[Figure]:
    return changes.rows(prefix=bench.prefix, load=bench.load, say=bench.say)


def _flow_logs(bench: Bench) -> list[Figure]:
    return flow_logs.rows(prefix=bench.prefix, directory=bench.directory, say=bench.say)


def _bulk(bench: Bench) -> list[Figure]:
    bench.lab.use("inspector")
    ends = {"gwlb": bench.lab.ends, "redirect": bench.redirect, "forward": bench.forward}
    return through.bulk(ends, say=bench.say)


def _pair(bench: Bench) -> dict[str, Ends]:
    bench.lab.use("inspector")
    return {"gwlb": bench.lab.ends, "redirect": bench.redirect}


def _latency(bench: Bench) -> list[Figure]:
    return through.latency(_pair(bench), load=bench.load, say=bench.say)


def _small(bench: Bench) -> list[Figure]:
    return through.small(_pair(bench), load=bench.load, say=bench.say)


def _connections(bench: Bench) -> list[Figure]:
    return through.connections(_pair(bench), load=bench.load, say=bench.say)


def _round_trips(bench: Bench) -> list[Figure]:
    return through.round_trips(_pair(bench), say=bench.say)


def _share(bench: Bench) -> list[Figure]:
    return through.shares(bench.lab, say=bench.say)


def _goodput(bench: Bench) -> list[Figure]:
    return through.goodput(bench.lab, prefix=f"{bench.prefix}d", directory=bench.directory, say=bench.say)


def _watching(bench: Bench) -> list[Figure]:
    inject = boxes.tool("inject", bench.directory)
    return watching.rows(name=f"{bench.prefix}w", directory=bench.directory, inject=inject, say=bench.say)


def _first_packet(bench: Bench) -> list[Figure]:
    return [
        Figure(
            figure="CreateLoadBalancer to the first inspected packet, appliance launched meanwhile",
            value=round(bench.lab.first_packet_s, 2),
            unit="s",
        )
    ]


def _metrics(bench: Bench) -> list[Figure]:
    return metrics.rows(name=f"{bench.prefix}m", directory=bench.directory, say=bench.say)


def _api(bench: Bench) -> list[Figure]:
    return api.rows(name=f"{bench.prefix}a", directory=bench.directory, say=bench.say)


def _console(bench: Bench) -> list[Figure]:
    return browser.rows(name=f"{bench.prefix}c", directory=bench.directory, say=bench.say)


def _start(bench: Bench) -> list[Figure]:
    return start.rows(name=f"{bench.prefix}t", directory=bench.directory, say=bench.say)


def _fairness(bench: Bench) -> list[Figure]:
    return fairness.rows(name=f"{bench.prefix}q", directory=bench.directory, say=bench.say)


def _scale(bench: Bench) -> list[Figure]:
    return scale.rows(name=f"{bench.prefix}s", directory=bench.directory, say=bench.say)


ROWS: dict[str, Callable[[Bench], list[Figure]]] = {
    "packets": _packets,
    "guards": _guards,
    "rivals": _rivals,
    "growth": _growth,
    "memory": _memory,
    "changes": _changes,
    "watching": _watching,
    "flow-logs": _flow_logs,
    "latency": _latency,
    "bulk": _bulk,
    "small": _small,
    "connections": _connections,
    "round-trips": _round_trips,
    "share": _share,
    "goodput": _goodput,
    "first-packet": _first_packet,
    "api": _api,
    "metrics": _metrics,
    "console": _console,
    "start": _start,
    "fairness": _fairness,
    "scale": _scale,
}


def main(words: list[str]) -> int:
    if words == ["--list"]:
        print("\n".join(ROWS))
        return 0
    if unknown := set(words) - ROWS.keys():
        sys.exit(f"no row {', '.join(sorted(unknown))}: there are {', '.join(ROWS)}.")
    if os.geteuid() != 0:
        sys.exit("make bench needs root: it makes network namespaces.")
    boxes.run("make", "-s", "-C", str(BPF))
    found: list[Figure] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="opengwlb-bench-") as name, contextlib.ExitStack() as stack:
        bench = Bench(prefix=f"b1{os.getpid() % 10000}", directory=Path(name), stack=stack)
        for row in words or ROWS:
            try:
                found += ROWS[row](bench)
            except FAILURES as problem:  # one row holds up none of the others
                failed = True
                console.print(f"Row {row} failed: {problem}", style="red", highlight=False)
    figures.show(found)
    figures.write(found, RESULTS)
    where = RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS
    console.print(f"Written to {where}")
    return 1 if failed or any(one.met is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
