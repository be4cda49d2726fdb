"""The own flow table against the kernel's LRU_HASH: one program, one packet, one clock, two tables (bpf/bench/lru_flow.h).

Kept so that anybody can check the choice of decision 0002 on a machine of their own. Rounds of both alternate; each figure's baseline is
the LRU hash's, so a ratio below 1 speaks for the own table.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from opengwlb.dataplane.layout import FLOW_WAYS
from opengwlb.dataplane.libbpf import BpfObject

from .figures import Figure, Say, below
from .packets import DEFAULT, HOOKS, LARGE, MANY, MOST, ROUNDS, machine
from .table import ACK, ANY_FLOW, RIVALS, SYN, Measured, Table

OWN, LRU = "encap", "lru_encap"
SCATTERED = 0x9E3779B1
"""From one packet's flow to the next one's. An LRU hash lays its entries down in the order in which they came, and packets in that order
again find theirs read ahead by the processor: real ones do not."""


class Both(Table):
    """A data plane with both tables, of equally many slots: which is used says the program's name."""

    def __init__(self, *, name: str, netns: str, objects: Path, max_flows: int) -> None:
        super().__init__(name=name, netns=netns, objects=objects, max_flows=max_flows)
        self._rivals = objects / RIVALS
        self._loaded: list[BpfObject] = []

    def open(self) -> Both:
        super().open()
        maps = self._run_dir / "bpf" / "maps"
        sizes = {"lru_flows": self.slots, "flow_tuples": self.slots}
        sizes |= dict.fromkeys(("flows", "flow_spills"), self.slots // FLOW_WAYS)
        for path in sorted(self._rivals.glob("*.bpf.o")):
            self._loaded.append(BpfObject(path, maps=maps, max_entries=sizes))
        return self

    def close(self) -> None:
        for one in self._loaded:
            one.close()
        super().close()

    def _program(self, name: str) -> int:
        for one in self._loaded:
            if name in one.programs:
                return one.programs[name]
        return super()._program(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What both tables do in a round. `prepare` is the own table's: an LRU hash that is full stays so."""

    name: str
    table: Both
    flows: int
    times: int = MOST
    flags: int = ACK
    prepare: Callable[[], object] = lambda: None

    def run(self, kind: str, hook: str) -> Measured:
        return self.table.encapsulate(
            f"{hook}_{kind}_real", times=self.times, flows=self.flows, flags=self.flags, stride=SCATTERED
        )


def rows(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    """Every figure of this module."""
    times: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    with machine(prefix, directory) as (netns, objects, tables):

        def opened(letter: str, slots: int) -> Both:
            made = Both(name=f"{prefix}{letter}", netns=netns, objects=objects, max_flows=slots)
            tables.callback(made.close)
            return made.open()

        small, large = opened("s", DEFAULT), opened("l", LARGE)
        full, full_large = opened("f", DEFAULT), opened("g", LARGE)
        for table, flows in ((small, MANY), (large, MOST)):
            for kind in (OWN, LRU):
                say(f"opening {flows:,} flows in {table.slots:,} slots of the {_TITLES[kind]}")
                table.encapsulate(f"xdp_{kind}_real", times=flows, flows=flows, flags=SYN)
        for table in (full, full_large):
            say(f"filling {table.slots:,} slots of the {_TITLES[LRU]}")
            table.encapsulate(f"xdp_{OWN}_real", times=1, flows=1, flags=SYN)
            table.encapsulate(f"xdp_{OWN}_real", times=16, flows=1)
            table.encapsulate(f"xdp_{LRU}_real", times=table.slots, flows=ANY_FLOW + 1, flags=SYN)
        contests = list(_contests(small, large, full, full_large))
        for number in range(ROUNDS):
            say(f"own table against {_TITLES[LRU]}, round {number + 1} of {ROUNDS}")
            for hook in HOOKS:
                times["only", hook, OWN].append(small.encapsulate(f"{hook}_only", times=MOST, flows=1).ns)
                for contest in contests:
                    for kind in (OWN, LRU):
                        times[contest.name, hook, kind].append(_measured(contest, kind, hook))
    return [_figure(contest.name, hook, times) for hook in HOOKS for contest in contests]


_TITLES = {OWN: "own table", LRU: "LRU hash"}


def _contests(small: Both, large: Both, full: Both, full_large: Both) -> Iterator[Contest]:
    yield Contest(name="encapsulate, established, 1 flow, 256k slots", table=small, flows=1)
    yield Contest(name="encapsulate, 65,536 flows, 256k slots", table=small, flows=MANY)
    yield Contest(name="encapsulate, 1,048,576 flows, 2M slots", table=large, flows=MOST)
    for table, size in ((full, "256k"), (full_large, "2M")):
        yield Contest(
            name=f"new flow, table full, {size} slots",
            table=table,
            flows=ANY_FLOW + 1,
            times=table.slots // 4,
            flags=SYN,
            prepare=lambda table=table: table.fill(live=False),
        )


def _measured(contest: Contest, kind: str, hook: str) -> int:
    if kind == OWN:
        contest.prepare()
    before = contest.table.verdicts()
    done = contest.run(kind, hook)
    change = contest.table.verdicts() - before
    assert change["encapsulated"] >= 0.99 * sum(change.values()), f"{contest.name} ({hook}, {kind}) met {dict(change)}"
    return done.ns


def _figure(name: str, hook: str, times: dict[tuple[str, str, str], list[int]]) -> Figure:
    base = statistics.median(times["only", hook, OWN])
    own, lru = times[name, hook, OWN], times[name, hook, LRU]
    kind = "XDP-typed" if hook == "xdp" else "tcx, as attached"
    return below(
        f"own table against LRU hash: {name} ({kind})",
        value=statistics.median(own) - base,
        baseline=statistics.median(lru) - base,
        unit="ns",
        of_ratio=True,
        spread=(min(own) - base, max(own) - base),
    )
