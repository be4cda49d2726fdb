"""Packets that ended, by reason: what the programs counted, and what devices and the boxes' own stacks threw away.

Rows are flat, as a table shows them; the English sentence of a verdict is that of bpf/shared/verdicts.h.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict, VerdictKind
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef, Topology
from opengwlb.policy.lint import Language

from . import samples as sampled
from . import verdict_words, visibility
from .visibility import Viewer, Where

DEVICE_DROPPED = "device_tx_dropped"
STACK_SENTENCES = {
    DEVICE_DROPPED: "A device could not send it: its queue was full, or it was larger than the link's MTU.",
    "ip_in_discards": "The box's own stack had no room for it.",
    "ip_in_header_errors": "The box's own stack found its IP header wrong or its TTL used up.",
    "ip_in_address_errors": "The box's own stack is not the one it was addressed to.",
    "ip_out_discards": "The box's own stack could not send it: no room, or no neighbour.",
    "ip_out_no_routes": "The box's own stack had no route for it.",
}
_SNMP = {
    "InDiscards": "ip_in_discards",
    "InHdrErrors": "ip_in_header_errors",
    "InAddrErrors": "ip_in_address_errors",
    "OutDiscards": "ip_out_discards",
    "OutNoRoutes": "ip_out_no_routes",
}


class DroppedPacket(msgspec.Struct, kw_only=True, frozen=True):
    """One of the newest packets that met a verdict."""

    age_s: float
    length: int
    """Bytes of the frame."""
    packet: str
    """Its headers, in a line."""


class DropRow(msgspec.Struct, kw_only=True, frozen=True):
    """What one verdict ended at one place since the box was made."""

    verdict: str
    packets: int
    bytes: int | None
    """None where the kernel counts packets alone."""
    rate: float | None
    """Packets a second; None when none was asked for, or nothing was read there twice."""
    where: str
    """The resource that the port stands for; a box, or an `ifindex`, where none does."""
    box: str | None
    device: str | None
    meaning: str
    last: tuple[DroppedPacket, ...]
    """The newest first."""


class DropVerdict(msgspec.Struct, kw_only=True, frozen=True):
    """A reason for which packets can end here."""

    verdict: str
    meaning: str


class DropsAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The answer of `drops`."""

    drops: tuple[DropRow, ...]
    """The most frequent first."""
    verdicts: tuple[DropVerdict, ...]
    """All that the programs, devices and stacks know, also those that ended nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDrop:
    """What happened in a box outside our programs, since the box was made."""

    box: str
    device: str
    """Empty for the box's stack as a whole."""
    name: str
    """A key of `STACK_SENTENCES`."""
    packets: int


class RunIn(Protocol):
    """`fabric.run_in`: call a function inside a box. Raises OSError when there is no such box."""

    def __call__(self, box_id: str, function: Callable[[], list[StackDrop]], /) -> list[StackDrop]: ...


def of_stacks(boxes: Iterable[str], *, run_in: RunIn) -> list[StackDrop]:
    """Reads every box that exists; what is zero is left out."""
    found: list[StackDrop] = []
    for box in boxes:
        try:
            found += run_in(box, lambda box=box: _read_here(box))  # type: ignore[misc]  # the default binds the loop's value
        except OSError:
            continue  # planned but not built, or gone meanwhile
    return found


def _read_here(box: str) -> list[StackDrop]:
    with open("/proc/thread-self/net/dev") as devices, open("/proc/thread-self/net/snmp") as snmp:
        return parse_devices(devices.read(), box=box) + parse_snmp(snmp.read(), box=box)


def parse_devices(text: str, *, box: str) -> list[StackDrop]:
    """`/proc/net/dev`: the 12th number is what was dropped on transmit."""
    found = []
    for line in text.splitlines()[2:]:
        device, _, numbers = line.partition(":")
        dropped = int(numbers.split()[11])
        if dropped:
            found.append(StackDrop(box=box, device=device.strip(), name=DEVICE_DROPPED, packets=dropped))
    return found


def parse_snmp(text: str, *, box: str) -> list[StackDrop]:
    """`/proc/net/snmp`: a line of names, then a line of numbers."""
    names, numbers = (line.split()[1:] for line in text.splitlines() if line.startswith("Ip:"))
    return [
        StackDrop(box=box, device="", name=_SNMP[name], packets=int(number))
        for name, number in zip(names, numbers, strict=True)
        if name in _SNMP and int(number)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was counted at one moment."""

    at_s: float
    counters: tuple[Counter, ...] = ()
    stacks: tuple[StackDrop, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Packets a second between two readings; what is not in it was not read twice."""

    counted: Mapping[tuple[int, int], float] = field(default_factory=dict)
    """By ifindex and verdict."""
    thrown_away: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """By box, device and name."""


def rates(before: Reading, after: Reading) -> Rates:
    """What is new in the second reading began between the two. A counter that went back was begun anew."""
    seconds = after.at_s - before.at_s
    if seconds <= 0:
        return Rates()
    counted = {(one.ifindex, one.verdict): one.packets for one in before.counters}
    thrown = {(one.box, one.device, one.name): one.packets for one in before.stacks}
    return Rates(
        counted={
            key: max(0, one.packets - counted.get(key, 0)) / seconds
            for one in after.counters
            for key in [(one.ifindex, one.verdict)]
        },
        thrown_away={
            key: max(0, one.packets - thrown.get(key, 0)) / seconds
            for one in after.stacks
            for key in [(one.box, one.device, one.name)]
        },
    )


def known(verdicts: Iterable[Verdict], *, language: Language = "en") -> tuple[DropVerdict, ...]:
    """All reasons for which packets can end: the programs' in their numbers' order, then those of devices and stacks."""
    sentences = {one.name: one.sentence for one in verdicts if one.kind is VerdictKind.DROP} | STACK_SENTENCES
    return tuple(
        DropVerdict(verdict=name, meaning=verdict_words.sentence(name, english, language))
        for name, english in sentences.items()
    )


def rows(
    snapshot: Snapshot,
    topology: Topology,
    *,
    counters: Iterable[Counter],
    verdicts: Mapping[int, Verdict],
    ifindex: Mapping[PortRef, int],
    stacks: Iterable[StackDrop] = (),
    viewer: Viewer,
    rates: Rates | None = None,
    samples: Iterable[Sample] = (),
    language: Language = "en",
) -> list[DropRow]:
    """The most frequent first."""
    rates = rates or Rates()
    kept: dict[tuple[int, int], list[Sample]] = {}
    for sample in samples:
        kept.setdefault((sample.ifindex, sample.verdict), []).append(sample)
    meanings = {one.verdict: one.meaning for one in known(verdicts.values(), language=language)}
    found = [
        *_counted(
            visibility.by_ifindex(visibility.where(snapshot, topology), ifindex),
            counters,
            verdicts=verdicts,
            meanings=meanings,
            viewer=viewer,
            rates=rates,
            kept=kept,
        ),
        *_thrown_away(snapshot, topology, stacks, meanings=meanings, viewer=viewer, rates=rates),
    ]
    return sorted(found, key=lambda row: -row.packets)


def _counted(
    named: Mapping[int, Where],
    counters: Iterable[Counter],
    *,
    verdicts: Mapping[int, Verdict],
    meanings: Mapping[str, str],
    viewer: Viewer,
    rates: Rates,
    kept: Mapping[tuple[int, int], list[Sample]],
) -> Iterator[DropRow]:
    for counter in counters:
        verdict, at = verdicts.get(counter.verdict), named.get(counter.ifindex)
        if verdict is None or verdict.kind is not VerdictKind.DROP:
            continue
        if not viewer.sees(at.accounts if at else frozenset()):
            continue
        key = (counter.ifindex, counter.verdict)
        yield DropRow(
            verdict=verdict.name,
            packets=counter.packets,
            bytes=counter.bytes,
            rate=_rounded(rates.counted.get(key)),
            where=at.resource if at else f"ifindex {counter.ifindex}",
            box=at.port.box if at else None,
            device=at.port.device if at else None,
            meaning=meanings[verdict.name],
            last=tuple(_packet(one) for one in sorted(kept.get(key, ()), key=lambda one: one.age_s)),
        )


def _packet(one: Sample) -> DroppedPacket:
    return DroppedPacket(age_s=round(one.age_s, 3), length=one.length, packet=sampled.line(one.head))


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 2)


def _thrown_away(
    snapshot: Snapshot,
    topology: Topology,
    stacks: Iterable[StackDrop],
    *,
    meanings: Mapping[str, str],
    viewer: Viewer,
    rates: Rates,
) -> Iterator[DropRow]:
    ports = visibility.where(snapshot, topology)
    boxes = visibility.box_accounts(snapshot, topology)
    for drop in stacks:
        at = ports.get(PortRef(drop.box, drop.device))
        if viewer.sees(at.accounts if at else boxes.get(drop.box, frozenset())):
            yield DropRow(
                verdict=drop.name,
                packets=drop.packets,
                bytes=None,
                rate=_rounded(rates.thrown_away.get((drop.box, drop.device, drop.name))),
                where=at.resource if at else drop.box,
                box=drop.box,
                device=drop.device or None,
                meaning=meanings[drop.name],
                last=(),
            )
