"""Packets a second by port and verdict, out of two readings of the counters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.verdicts import Verdict, VerdictKind

from .stream_events import DropsBegan, FlowsMoved, PortTraffic, Traffic
from .visibility import Viewer, Where

QUIET_S = 60.0
"""Drops that begin after so long without one are said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was counted at one moment."""

    at_s: float
    """Of a clock that only goes forward."""
    counted: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """(ifindex, verdict) -> packets, bytes."""
    moved: Mapping[int, int] = field(default_factory=dict)
    """Node's slot -> flows that it gave to another target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """A port's traffic, and who may see it."""

    accounts: frozenset[str]
    traffic: PortTraffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """What happened between two readings."""

    at: float
    """Seconds since the epoch, at its end."""
    over_s: float
    ports: tuple[Rated, ...]
    moved: tuple[tuple[frozenset[str], FlowsMoved], ...] = ()
    began: tuple[tuple[frozenset[str], DropsBegan], ...] = ()

    def of(self, viewer: Viewer) -> Traffic:
        return Traffic(
            at=self.at,
            over_s=self.over_s,
            ports=tuple(one.traffic for one in self.ports if viewer.sees(one.accounts)),
            moved=tuple(moved for accounts, moved in self.moved if viewer.sees(accounts)),
        )

    def drops(self, viewer: Viewer) -> list[DropsBegan]:
        return [began for accounts, began in self.began if viewer.sees(accounts)]


def summed(counters: Iterable[Counter]) -> dict[tuple[int, int], tuple[int, int]]:
    return {(one.ifindex, one.verdict): (one.packets, one.bytes) for one in counters}


def rates(
    before: Reading, after: Reading, *, places: Mapping[int, Where], verdicts: Mapping[int, Verdict]
) -> list[Rated]:
    """By port, those that carried something. What is new in the second reading began between the two; a counter that went back was
    begun anew. `places` by ifindex: ports that are gone are left out."""
    seconds = after.at_s - before.at_s
    if seconds <= 0:
        return []
    packets: dict[int, dict[str, int]] = {}
    sizes: dict[int, int] = {}
    for (ifindex, verdict), (count, size) in after.counted.items():
        count_then, size_then = before.counted.get((ifindex, verdict), (0, 0))
        more = count - count_then
        if more > 0 and ifindex in places and verdict in verdicts:
            by_name = packets.setdefault(ifindex, {})
            name = verdicts[verdict].name
            by_name[name] = by_name.get(name, 0) + more
            sizes[ifindex] = sizes.get(ifindex, 0) + max(0, size - size_then)
    return [
        Rated(
            accounts=places[ifindex].accounts,
            traffic=PortTraffic(
                where=places[ifindex].resource,
                box=places[ifindex].port.box,
                packets=_rounded(sum(by_name.values()) / seconds),
                bytes=_rounded(sizes[ifindex] / seconds),
                verdicts={name: _rounded(count / seconds) for name, count in by_name.items()},
            ),
        )
        for ifindex, by_name in packets.items()
    ]


def moves(before: Reading, after: Reading) -> dict[int, int]:
    """Node's slot -> flows moved between the two; only those that moved some."""
    return {
        slot: more
        for slot, count in after.moved.items()
        if (more := count - before.moved.get(slot, count))
        > 0  # a node that was not read before: nobody knows since when
    }


class Drops:
    """Remembers when which port last dropped for which reason."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], float] = {}

    def began(
        self, ports: Iterable[Rated], *, verdicts: Mapping[str, Verdict], at: float, now_s: float
    ) -> list[tuple[frozenset[str], DropsBegan]]:
        """What is dropped now and was not for `QUIET_S`. `verdicts` by name; `now_s` is the readings' clock, `at` the wall's."""
        found = []
        for port in ports:
            for name, rate in port.traffic.verdicts.items():
                if verdicts[name].kind is not VerdictKind.DROP:
                    continue
                key = (port.traffic.where, port.traffic.box, name)
                last = self._last.get(key)
                self._last[key] = now_s
                if last is None or now_s - last > QUIET_S:
                    found.append(
                        (
                            port.accounts,
                            DropsBegan(
                                at=at,
                                where=port.traffic.where,
                                box=port.traffic.box,
                                verdict=name,
                                meaning=verdicts[name].sentence,
                                packets=rate,
                            ),
                        )
                    )
        self._last = {key: last for key, last in self._last.items() if now_s - last <= QUIET_S}
        return found


def _rounded(rate: float) -> float:
    return round(rate, 1)
