"""Nanoseconds per packet of the load balancer's two programs, alone: BPF_PROG_TEST_RUN inside bpf/bench/harness.h, on one CPU.

Each figure is the median of alternated rounds, minus the median of a program that only answers XDP_TX or TC_ACT_OK. What the harness
itself takes, and adding and taking off 68 bytes without any load balancer, are rows of their own.
"""

from __future__ import annotations

import contextlib
import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import costs
from .figures import Figure, Say, below
from .table import ANY_FLOW, SYN, Measured, Table, box, compiled, pinned

ROUNDS = 5
PUSHED = "68 bytes added and taken off, nothing else"
MANY, MOST = 1 << 16, 1 << 20
DEFAULT, LARGE = 1 << 18, 1 << 21
HOOKS = ("xdp", "tc")
TOLERANCE = 1.1
"""How much more a packet may cost in a large network than in a small one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement of a round. `expected` is the verdict that all its packets must meet."""

    name: str
    hook: str
    run: Callable[[], Measured]
    table: Table
    expected: str
    prepare: Callable[[], object] = lambda: None
    goal: float | None = None
    line: str | None = None
    """Of what is measured by `costs`, the memory that each packet has to wait for."""
    least: float = 0.99
    """Share of packets that must be as expected: a set of eight may be full when the table is half full."""


def rows(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    """Every figure of this module."""
    with machine(prefix, directory) as (netns, objects, tables):
        single = costs.measure(prefix=prefix, objects=objects, say=say)
        small = tables.enter_context(opened(f"{prefix}s", netns, objects, max_flows=DEFAULT))
        large = tables.enter_context(opened(f"{prefix}l", netns, objects, max_flows=LARGE))
        full = tables.enter_context(opened(f"{prefix}f", netns, objects, max_flows=DEFAULT))
        full_large = tables.enter_context(opened(f"{prefix}g", netns, objects, max_flows=LARGE))
        for table, flows in ((small, MANY), (large, MOST)):
            say(f"opening {flows:,} flows in {table.slots:,} slots")
            table.encapsulate("xdp_encap_real", times=flows, flows=flows, flags=SYN, record=True)
        for table in (full, full_large):
            table.encapsulate("xdp_encap_real", times=1, flows=1, flags=SYN)
            table.encapsulate("xdp_encap_real", times=16, flows=1)
        every = [row for hook in HOOKS for row in _rows(hook, small, large, full, full_large)]
        times = _measure(every, say)
    found = single.figures()
    for hook in HOOKS:
        base = statistics.median(times["only", hook])
        pushed = statistics.median(times[PUSHED, hook]) - base
        for row in every:
            if row.hook == hook and row.name != "only":
                found.append(_figure(row, times[row.name, hook], base, _limit(row, pushed, single.by_name)))
    return found


def _limit(row: Row, pushed: float, single: dict[str, float]) -> str:
    """The profile of a figure that misses its goal, of measures of the same run, and what to try next."""
    said = (
        f"{pushed:g} ns are 68 bytes added and taken off, which the harness does too; on this kernel each call with its return costs "
        f"{single[costs.CALL]:g} ns and a redirect {single[costs.REDIRECT]:g}"
    )
    if row.line is None:
        return f"{said}. Next to try: packets in pairs, so that the second one's checks overlap the first one's calls"
    return (
        f"{said}; the flow's own line of memory {single[row.line]:g}, when nothing overlaps it. Next to try: slots of 32 bytes, with what "
        "only people read elsewhere, so that twice as many flows fit the cache"
    )


def _figure(row: Row, times: list[int], base: float, limit: str) -> Figure:
    kind = "XDP-typed" if row.hook == "xdp" else "tcx, as attached"
    return below(
        f"{row.name} ({kind})",
        value=statistics.median(times) - base,
        baseline=base,
        unit="ns",
        goal=row.goal if row.hook == "xdp" else None,
        spread=(min(times) - base, max(times) - base),
        limit=limit,
    )


def _rows(hook: str, small: Table, large: Table, full: Table, full_large: Table) -> Iterator[Row]:
    def encap(table: Table, flows: int, *, program: str = "encap_real", train: int = 1) -> Callable[[], Measured]:
        return lambda: table.encapsulate(f"{hook}_{program}", times=MOST, flows=flows, train=train)

    def decap(table: Table, flows: int, *, program: str = "decap_real") -> Callable[[], Measured]:
        return lambda: table.decapsulate(f"{hook}_{program}", times=MOST, flows=flows)

    def fresh(table: Table) -> Callable[[], Measured]:
        times = table.slots // 4
        return lambda: table.encapsulate(f"{hook}_encap_real", times=times, flows=ANY_FLOW + 1, flags=SYN)

    def row(
        name: str, table: Table, run: Callable[[], Measured], expected: str = "encapsulated", **more: object
    ) -> Row:
        return Row(name=name, hook=hook, table=table, run=run, expected=expected, **more)  # type: ignore[arg-type]  # Row's own names

    yield row("only", small, encap(small, 1, program="only"), "nothing")
    yield row("harness alone, encapsulating", small, encap(small, MANY, program="encap_bare"), "nothing")
    yield row(PUSHED, small, encap(small, MANY, program="encap_room"), "nothing")
    yield row("encapsulate, established, 1 flow", small, encap(small, 1), goal=40)
    yield row("encapsulate, 65,536 flows, 256k slots", small, encap(small, MANY), goal=110, line=costs.MANY_LINES)
    yield row("encapsulate, 1,048,576 flows, 2M slots", large, encap(large, MOST), goal=230, line=costs.MOST_LINES)
    yield row(
        "encapsulate, 1,048,576 flows, 2M slots, two packets in a row",
        large, encap(large, MOST, train=2), goal=140, line=costs.MOST_LINES,
    )  # fmt: skip
    for table, size, goal, line in ((full, "256k", 140, costs.MANY_LINES), (full_large, "2M", 320, costs.MOST_LINES)):
        yield row(
            f"new flow, inserted, table full of expired entries, {size} slots",
            table, fresh(table), goal=goal, line=line, prepare=lambda table=table: table.fill(live=False),
        )  # fmt: skip
        yield row(
            f"newcomer refused, table full of live entries, {size} slots",
            table, fresh(table), "flow_table_full", goal=goal, line=line, prepare=lambda table=table: table.fill(live=True),
        )  # fmt: skip
    yield row("harness alone, returning", small, decap(small, MANY, program="decap_bare"), "nothing")
    yield row("68 bytes taken off and added, nothing else", small, decap(small, MANY, program="decap_room"), "nothing")
    yield row("return path, 1 flow", small, decap(small, 1), "decapsulated", goal=40)
    for name, table, flows, goal, line in (
        ("return path, 65,536 flows, 256k slots", small, MANY, 100, costs.MANY_LINES),
        ("return path, 1,048,576 flows, 2M slots", large, MOST, 220, costs.MOST_LINES),
    ):
        yield row(name, table, decap(table, flows), "decapsulated", goal=goal, line=line)


def growth(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    """What a packet costs as the network grows: 65,536 flows, from the smallest network to each larger one."""
    sizes = {
        "2 targets, 1 endpoint, 1 zone": {"targets": 2, "endpoints": 1, "zones": 1},
        "1,000 targets": {"targets": 1000},
        "10,000 endpoints, packets by one": {"endpoints": 10_000},
        "10,000 endpoints, packets by 8,192 in turn": {"endpoints": 10_000},
        "3 zones, 4 endpoints": {"zones": 3, "endpoints": 4},
    }
    times: dict[str, list[int]] = defaultdict(list)
    with machine(prefix, directory) as (netns, objects, tables):
        networks: dict[str, Table] = {}
        for number, (name, size) in enumerate(sizes.items()):
            say(f"making {name}")
            networks[name] = tables.enter_context(
                opened(f"{prefix}{number}", netns, objects, max_flows=DEFAULT, **size)
            )
            ports = 1 if "by one" in name else None
            _all_forwarded(networks[name].encapsulate("xdp_encap_real", times=MANY, flows=MANY, flags=SYN, ports=ports))
        for number in range(ROUNDS):
            say(f"a growing network, round {number + 1} of {ROUNDS}")
            for name, table in networks.items():
                ports = 1 if "by one" in name else None
                done = table.encapsulate("xdp_encap_real", times=MOST, flows=MANY, ports=ports)
                _all_forwarded(done)
                times[name].append(done.ns)
    base, *larger = sizes
    middle = statistics.median(times[base])
    return [
        below(
            f"encapsulate, 65,536 flows: {name}; baseline: {base} (XDP-typed)",
            value=statistics.median(times[name]),
            baseline=middle,
            unit="ns",
            goal=TOLERANCE,
            of_ratio=True,
            limit="each endpoint's configuration and each endpoint's counters are lines of memory to be fetched",
            spread=(min(times[name]), max(times[name])),
        )
        for name in larger
    ]


def _all_forwarded(done: Measured) -> None:
    assert done.forwarded > 0.99, f"only {done.forwarded:.1%} of the packets were forwarded"


def _measure(every: list[Row], say: Say) -> dict[tuple[str, str], list[int]]:
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number in range(ROUNDS):
        say(f"cost of a packet, round {number + 1} of {ROUNDS}")
        for row in every:
            row.prepare()
            before = row.table.verdicts()
            done = row.run()
            change = row.table.verdicts() - before
            total = sum(change.values())
            wanted = change[row.expected] if row.expected != "nothing" else total
            assert wanted >= row.least * total, f"{row.name} ({row.hook}) met {dict(change)}"
            times[row.name, row.hook].append(done.ns)
    return times


@contextlib.contextmanager
def machine(prefix: str, directory: Path) -> Iterator[tuple[str, Path, contextlib.ExitStack]]:
    """A box, compiled programs, and a place for tables; this process stays on one CPU meanwhile."""
    allowed = os.sched_getaffinity(0)
    pinned()
    try:
        with box(f"{prefix}t") as netns, contextlib.ExitStack() as tables:
            yield netns, compiled(directory), tables
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def opened(name: str, netns: str, objects: Path, **size: int) -> Iterator[Table]:
    table = Table(name=name, netns=netns, objects=objects, **size)
    try:
        yield table.open()
    finally:
        table.close()
