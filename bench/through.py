"""Whole chains: client, load balancer, appliance, server, against the same number of boxes without a load balancer."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import share, traffic
from .direct import direct
from .figures import Figure, Say, against, below
from .lab import Lab
from .traffic import Ends

ROUNDS = 5
FEWER_ROUNDS = 3
BULK_GOAL = 0.92
SMALL_GOAL = 0.8
CONNECTIONS_GOAL = 0.85
GOODPUT_GOAL = 0.9
PERMITTED_LAG = 0.99
"""Of the rate asked for: with less, the goal for that rate is not met."""
SHARE_GOAL = 0.1
RATES = (100_000, 50_000)
"""Packets a second of the latency rows; the goals are for the first."""
LATENCY_GOALS = {"p50": 3.0, "p99": 10.0, "p99.9": 50.0}


def _alternated(
    ends: Mapping[str, Ends], once: Callable[[Ends], float], *, rounds: int, what: str, say: Say
) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        say(f"{what}, round {number + 1} of {rounds}")
        for which, pair in ends.items():
            values[which].append(once(pair))
            traffic.settle()
    return values


def _ratio(
    name: str, values: Mapping[str, list[float]], *, baseline: str, unit: str, goal: float | None, limit: str
) -> Figure:
    return against(
        name,
        value=statistics.median(values["gwlb"]),
        baseline=statistics.median(values[baseline]),
        unit=unit,
        goal=goal,
        spread=(min(values["gwlb"]), max(values["gwlb"])),
        limit=limit,
    )


def bulk(ends: Mapping[str, Ends], *, say: Say) -> list[Figure]:
    found = []
    for mtu in (1500, 8500):
        once = partial(traffic.bulk, mtu=mtu)
        values = _alternated(ends, once, rounds=ROUNDS, what=f"TCP bulk, MTU {mtu}", say=say)
        for baseline, words, goal in (
            ("redirect", "FIB redirect in each of 7 boxes", BULK_GOAL),
            ("forward", "the kernel's ip_forward in each of 7 boxes", None),
        ):
            found.append(
                _ratio(
                    f"TCP bulk through GWLB and inspector, MTU {mtu}; baseline: {words}",
                    values,
                    baseline=baseline,
                    unit="Gbit/s",
                    goal=goal,
                    limit="what each super-packet costs in parsing, two tunnel headers and the appliance, on the sender's CPU",
                )
            )
    return found


def latency(ends: Mapping[str, Ends], *, load: Path, say: Say) -> list[Figure]:
    found = []
    for rate in RATES:
        answers: dict[str, list[dict[str, float]]] = defaultdict(list)
        for number in range(ROUNDS):
            say(f"one-way latency, {rate:,} packets/s, round {number + 1} of {ROUNDS}")
            for which, pair in ends.items():
                answers[which].append(traffic.measured(load, "latency", pair, seconds=2, rate=rate))
        reached = min(statistics.median(one["rate"] for one in answers["gwlb"]), rate)
        for name, goal in LATENCY_GOALS.items():
            ours, theirs = ([one[name] / 1000 for one in answers[which]] for which in ("gwlb", "redirect"))
            added = [one - other for one, other in zip(ours, theirs, strict=True)]
            figure = below(
                f"added one-way latency, {name}, {rate:,} packets/s asked, {reached:,.0f} reached; baseline: FIB redirect",
                value=statistics.median(added),
                baseline=statistics.median(theirs),
                unit="µs",
                goal=goal if rate == RATES[0] else None,
                spread=(min(added), max(added)),
                limit="what else runs on the sender's CPU meanwhile",
            )
            if figure.goal is not None and reached < rate * PERMITTED_LAG:
                figure = replace(
                    figure, met=False, limit="this CPU does not carry that many packets a second through the chain"
                )
            found.append(figure)
    return found


def small(ends: Mapping[str, Ends], *, load: Path, say: Say) -> list[Figure]:
    values = _alternated(
        ends,
        lambda pair: traffic.measured(load, "blast", pair, seconds=2)["rate"] / 1e3,
        rounds=ROUNDS,
        what="small packets",
        say=say,
    )
    return [
        _ratio(
            "small packets received, one CPU for sender and chain; baseline: FIB redirect",
            values,
            baseline="redirect",
            unit="kpps",
            goal=SMALL_GOAL,
            limit="what a packet costs in endpoint, target, four router ports and the inspector",
        )
    ]


def connections(ends: Mapping[str, Ends], *, load: Path, say: Say) -> list[Figure]:
    values = _alternated(
        ends,
        lambda pair: traffic.measured(load, "connect", pair, seconds=2)["rate"],
        rounds=ROUNDS,
        what="connect, request, close",
        say=say,
    )
    return [
        _ratio(
            "connect-request-close; baseline: FIB redirect",
            values,
            baseline="redirect",
            unit="1/s",
            goal=CONNECTIONS_GOAL,
            limit="the latency that ten packets of a connection gain one after the other",
        )
    ]


def round_trips(ends: Mapping[str, Ends], *, say: Say) -> list[Figure]:
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(FEWER_ROUNDS):
        say(f"round trips, round {number + 1} of {FEWER_ROUNDS}")
        for which, pair in ends.items():
            times[which] += traffic.round_trips(pair)
    ordered = {which: sorted(values) for which, values in times.items()}
    found = []
    for part in (0.5, 0.99, 0.999):
        base = traffic.quantile(ordered["redirect"], part)
        found.append(
            below(
                f"added round-trip latency, p{part * 100:g}; baseline: FIB redirect",
                value=traffic.quantile(ordered["gwlb"], part) - base,
                baseline=base,
                unit="µs",
            )
        )
    return found


def shares(lab: Lab, *, say: Say) -> list[Figure]:
    links = Path("/run/opengwlb") / lab.server.name / "bpf" / "links"
    found = []
    for appliance, words in (("firewall", "the SDK's firewall"), ("hairpin", "an iptables hairpin")):
        lab.use(appliance)
        values: dict[str, list[float]] = defaultdict(list)
        with share.counted():
            for number in range(FEWER_ROUNDS):
                say(f"share of CPU time with {words}, round {number + 1} of {FEWER_ROUNDS}")
                before = [share.run_time_s(links, which) for which in (share.BALANCER, share.ROUTER)]
                start = share.cpu_time_s(lab.boxes())
                traffic.bulk(lab.ends, mtu=1500)
                whole = share.cpu_time_s(lab.boxes()) - start
                after = [share.run_time_s(links, which) for which in (share.BALANCER, share.ROUTER)]
                for name, old, new in zip(("balancer", "router"), before, after, strict=True):
                    values[name].append((new - old) / whole)
        for name, programs, goal in (
            ("balancer", "endpoint and target", SHARE_GOAL),
            ("router", "the VPC routers' program", None),
        ):
            found.append(
                below(
                    f"share of CPU time, {programs}, TCP bulk through {words}",
                    value=statistics.median(values[name]),
                    unit="of 1",
                    goal=goal,
                    spread=(min(values[name]), max(values[name])),
                    limit="the programs' own run time, with the kernel's timing of it",
                )
            )
    return found


def goodput(lab: Lab, *, prefix: str, directory: Path, say: Say) -> list[Figure]:
    lab.use("firewall")
    box = lab.server.namespace(lab.appliances["firewall"])
    # The appliance has a CPU of its own: where the scheduler puts it among the others would decide the figure.
    mine, *_, its = sorted(os.sched_getaffinity(0))
    for process in share.processes(box):
        os.sched_setaffinity(process, {its})
    found = []
    with direct(prefix=prefix, appliance=box.rsplit("/", 1)[-1], directory=directory) as fed:
        ends = {"gwlb": lab.ends, "direct": fed}
        for mtu in (1500, 8500):
            once = partial(traffic.bulk, mtu=mtu, cpu=mine)
            values = _alternated(
                ends,
                once,
                rounds=ROUNDS,
                what=f"goodput of a user-space appliance, MTU {mtu}",
                say=say,
            )
            found.append(
                _ratio(
                    f"TCP goodput through the SDK's firewall, MTU {mtu}; baseline: the same process fed GENEVE directly",
                    values,
                    baseline="direct",
                    unit="Gbit/s",
                    goal=GOODPUT_GOAL,
                    limit="what the appliance sends runs on its own CPU through the boxes behind it: five instead of one",
                )
            )
    return found
