"""What each target was given and returned, and how often it was condemned: of every slot that the kernel knows a target by."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric

from opengwlb.model.elb import Slot
from opengwlb.model.passive import Sign, TargetCounters
from opengwlb.model.snapshot import Snapshot

Read = Callable[[Collection[int]], Mapping[int, TargetCounters]]
"""`DataPlane.target_counters`."""
Condemned = Mapping[tuple[str, str, Sign], int]
"""`control.passive.PassiveHealth.condemned`."""
LABELS = ("target_group", "target", "address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    target_group: str
    target: str
    """As registered; also of one that was deregistered and still has flows."""
    address: str
    counters: TargetCounters


def counted(snapshot: Snapshot, read: Read) -> list[Counted]:
    named = {}
    for slot in snapshot.values(Slot):
        kind, *rest = slot.id.split("|")
        if kind == "target":
            named[slot.number] = rest
    found = read(named.keys())
    return [
        Counted(target_group=group, target=target, address=address, counters=found[number])
        for number, (group, target, address) in named.items()
        if number in found
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    name: str
    help: str
    of: Callable[[TargetCounters], int]


KINDS = (
    _Kind(
        name="given_packets",
        help="Packets that were sent to the target, since it has its place in the kernel's table.",
        of=lambda one: one.given,
    ),
    _Kind(
        name="returned_packets",
        help="Packets that the target returned and that passed. One that is given packets and returns none is dead, or keeps them.",
        of=lambda one: one.returned,
    ),
    _Kind(name="flows", help="Flows that were given to the target.", of=lambda one: one.flows),
    _Kind(
        name="answered_flows",
        help="Flows of which the target has returned something.",
        of=lambda one: one.answered,
    ),
    _Kind(
        name="refusals",
        help="ICMP errors of the target's host, which say that nobody takes GENEVE there.",
        of=lambda one: one.refused,
    ),
)
CONDEMNED_HELP = "How often passive detection made the target unhealthy since the server started, by what it saw."


def families(snapshot: Snapshot, read: Read, condemned: Condemned) -> Iterator[Metric]:
    rows = counted(snapshot, read)
    for kind in KINDS:
        family = CounterMetricFamily(f"gwlb_target_{kind.name}", kind.help, labels=LABELS)
        for row in rows:
            family.add_metric((row.target_group, row.target, row.address), kind.of(row.counters))
        yield family
    judged = CounterMetricFamily("gwlb_target_condemnations", CONDEMNED_HELP, labels=("target_group", "target", "sign"))
    for (group, target, sign), times in sorted(condemned.items()):
        judged.add_metric((group, target, str(sign)), times)
    yield judged
