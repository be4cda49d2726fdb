"""`make bench`: every figure, its baseline beside it. Rounds alternate between what is compared; medians are printed."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from . import api, chain, figures, traffic
from .lab import lab

ROUNDS = 3
GOAL = 0.85
"""Of the FIB-redirect baseline: what a load balancer and an appliance may cost a bulk stream."""
RESULTS = Path(__file__).resolve().parents[1] / "build" / "bench.json"

console = Console()


def main() -> int:
    if os.geteuid() != 0:
        sys.exit("make bench needs root: it makes network namespaces.")
    prefix = f"bn{os.getpid() % 10000}"
    found: list[figures.Figure] = []
    with tempfile.TemporaryDirectory(prefix="opengwlb-bench-") as name:
        directory = Path(name)
        with (
            chain.chain(prefix=f"{prefix}r", redirect=True, directory=directory) as redirect,
            chain.chain(prefix=f"{prefix}f", redirect=False, directory=directory) as forward,
            lab(name=prefix, directory=directory) as built,
        ):
            ends = {
                "gwlb": (built.ends, ("eth0", "eth0")),
                "redirect": (
                    traffic.Ends(client=redirect[0], server=redirect[1], address=chain.SERVER),
                    ("right", "left"),
                ),
                "forward": (
                    traffic.Ends(client=forward[0], server=forward[1], address=chain.SERVER),
                    ("right", "left"),
                ),
            }
            for mtu in (1500, 8500):
                found += _bulk(ends, mtu=mtu)
            found += _latency(ends)
            found.append(
                figures.Figure(
                    figure="CreateLoadBalancer to the first inspected packet, appliance launched meanwhile",
                    value=round(built.first_packet_s, 2),
                    unit="s",
                )
            )
            describe, bare = api.rates(built.server, account="customer")
            found.append(
                figures.against(
                    "DescribeRouteTables, signed; baseline: the health page", value=describe, baseline=bare, unit="1/s"
                )
            )
    figures.show(found)
    figures.write(found, RESULTS)
    console.print(f"Written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")
    return 0 if all(one.met is not False for one in found) else 1


def _bulk(ends: dict[str, tuple[traffic.Ends, tuple[str, str]]], *, mtu: int) -> list[figures.Figure]:
    rates: dict[str, list[float]] = {which: [] for which in ends}
    for number in range(ROUNDS):
        for which, (pair, devices) in ends.items():
            console.print(f"TCP bulk, MTU {mtu}, round {number + 1} of {ROUNDS}: {which}")
            traffic.set_mtu(pair, mtu, devices=devices)
            rates[which].append(traffic.bulk(pair))
            traffic.settle()
    middle = {which: statistics.median(values) for which, values in rates.items()}
    return [
        figures.against(
            f"TCP bulk through GWLB and inspector, MTU {mtu}; baseline: FIB redirect in each of 7 boxes",
            value=middle["gwlb"], baseline=middle["redirect"], unit="Gbit/s", goal=GOAL,
        ),
        figures.against(
            f"TCP bulk through GWLB and inspector, MTU {mtu}; baseline: the kernel's ip_forward in each of 7 boxes",
            value=middle["gwlb"], baseline=middle["forward"], unit="Gbit/s",
        ),
    ]  # fmt: skip


def _latency(ends: dict[str, tuple[traffic.Ends, tuple[str, str]]]) -> list[figures.Figure]:
    times: dict[str, list[float]] = {"gwlb": [], "redirect": []}
    for number in range(ROUNDS):
        for which in times:
            console.print(f"round trips, round {number + 1} of {ROUNDS}: {which}")
            times[which] += traffic.round_trips(ends[which][0])
    ordered = {which: sorted(values) for which, values in times.items()}
    return [
        figures.added(
            f"added round-trip latency, p{share * 100:g}; baseline: FIB redirect",
            value=traffic.quantile(ordered["gwlb"], share),
            baseline=traffic.quantile(ordered["redirect"], share),
            unit="µs",
        )
        for share in (0.5, 0.99, 0.999)
    ]


if __name__ == "__main__":
    sys.exit(main())
