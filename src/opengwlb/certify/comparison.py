"""What became of a recording's packets, flow by flow, and where two appliances disagree. Pure."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from opengwlb_appliance.inner import ACK, FIN, RST, SYN, TCP, UDP, Inner, InnerError

from .recording import Recorded

NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmpv6", 132: "sctp"}
LATENCY_SLACK_US = 1000
"""A median has to be worse by this too before it counts as slower: what a busy machine adds by itself."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one packet."""

    returned: bool
    size: int
    """Inner bytes that came back."""
    altered: bool = False
    latency_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOutcome:
    """A flow through one appliance, or as it was recorded."""

    flow: str
    packets: int
    passed: int
    altered: int
    bytes_sent: int
    bytes_passed: int
    latency_p50_us: float | None
    latency_p99_us: float | None
    fates: tuple[bool, ...]
    """Whether each packet came back, in order."""

    @property
    def verdict(self) -> str:
        if self.passed == self.packets:
            return "passed"
        return "partly" if self.passed else "dropped"

    def as_row(self) -> dict[str, Any]:
        row = asdict(self)
        row.pop("fates")
        return {"flow": row.pop("flow"), "verdict": self.verdict, "dropped": self.packets - self.passed, **row}


def assign_flows(packets: Sequence[Recorded]) -> tuple[list[int], list[str]]:
    """(flow number of each packet, name of each flow). A flow is what a load balancer would give one cookie.

    A TCP tuple that is opened again after its end is another flow. Later fragments go with their first one, ICMP errors with the
    flow that they quote. A recorded cookie decides where there is one.
    """
    numbers: list[int] = []
    names: list[str] = []
    known: dict[object, int] = {}
    ended: set[int] = set()
    pieces: dict[object, int] = {}
    for packet in packets:
        key: object
        inner = _read(packet)
        if inner is None:
            key, name, piece = ("odd", packet.endpoint, packet.cookie), "not well-formed IP", None
        else:
            about = inner.quoted() or inner
            key, name, piece = _key(packet, about), _name(about), _piece(packet, inner)
        later = inner is not None and inner.fragment
        opens = inner is not None and inner.protocol == TCP and inner.tcp_flags & (SYN | ACK) == SYN
        number = pieces.get(piece) if later else known.get(key)
        if number is None or (opens and number in ended and packet.cookie is None):
            number = known[key] = len(names)
            names.append(name)
        if piece is not None:
            pieces[piece] = number
        if inner is not None and inner.protocol == TCP and inner.tcp_flags & (FIN | RST):
            ended.add(number)
        numbers.append(number)
    return numbers, names


def _read(packet: Recorded) -> Inner | None:
    try:
        return Inner(packet.inner)
    except InnerError:
        return None


def _key(packet: Recorded, inner: Inner) -> object:
    if packet.cookie is not None:
        return packet.endpoint, packet.cookie
    ends = ((inner.source_bytes, inner.port_bytes[:2]), (inner.destination_bytes, inner.port_bytes[2:]))
    return inner.protocol, min(ends), max(ends)


def _piece(packet: Recorded, inner: Inner) -> object | None:
    """What the fragments of a datagram have in common."""
    if not (inner.fragment or inner.more_fragments):
        return None
    if inner.version == 4:
        return packet.endpoint, inner.source_bytes, inner.destination_bytes, inner.data[9], inner.data[4:6]
    return packet.endpoint, inner.source_bytes, inner.destination_bytes, inner.protocol


def _name(inner: Inner) -> str:
    what = NAMES.get(inner.protocol, f"protocol {inner.protocol}")
    family = socket.AF_INET if inner.version == 4 else socket.AF_INET6
    ends = [socket.inet_ntop(family, end) for end in (inner.source_bytes, inner.destination_bytes)]
    if inner.protocol in (TCP, UDP) and not inner.fragment:
        bracketed = [f"[{end}]" if ":" in end else end for end in ends]
        ends = [f"{bracketed[0]}:{inner.source_port}", f"{bracketed[1]}:{inner.destination_port}"]
    return f"{what} {ends[0]} → {ends[1]}"


def summarise(
    packets: Sequence[Recorded], numbers: Sequence[int], names: Sequence[str], fates: Sequence[Fate]
) -> list[FlowOutcome]:
    """One outcome for each flow, in the order in which they begin."""
    by_flow: list[list[int]] = [[] for _ in names]
    for at, number in enumerate(numbers):
        by_flow[number].append(at)
    found = []
    for name, members in zip(names, by_flow, strict=True):
        mine = [fates[at] for at in members]
        latencies = sorted(fate.latency_ns / 1000 for fate in mine if fate.latency_ns is not None)
        found.append(
            FlowOutcome(
                flow=name,
                packets=len(members),
                passed=sum(1 for fate in mine if fate.returned),
                altered=sum(1 for fate in mine if fate.altered),
                bytes_sent=sum(len(packets[at].inner) for at in members),
                bytes_passed=sum(fate.size for fate in mine if fate.returned),
                latency_p50_us=_at(latencies, 50),
                latency_p99_us=_at(latencies, 99),
                fates=tuple(fate.returned for fate in mine),
            )
        )
    return found


def _at(sorted_values: Sequence[float], percent: int) -> float | None:
    if not sorted_values:
        return None
    return round(sorted_values[min(len(sorted_values) - 1, len(sorted_values) * percent // 100)], 1)


def recorded_fates(packets: Sequence[Recorded]) -> list[Fate] | None:
    """What the recorded appliance did; None when the recording does not say."""
    if not packets or any(one.returned is None for one in packets):
        return None
    return [Fate(returned=bool(one.returned), size=len(one.inner)) for one in packets]


def differences(
    one: Sequence[FlowOutcome], other: Sequence[FlowOutcome], *, names: tuple[str, str], slower: float | None = None
) -> list[str]:
    """A sentence for each flow on which two appliances disagree. `slower`: also when a median latency is so many times the
    other's."""
    found = []
    for a, b in zip(one, other, strict=True):
        if a.fates != b.fates:
            at = next(number for number, (x, y) in enumerate(zip(a.fates, b.fates, strict=True), 1) if x != y)
            found.append(
                f"{a.flow}: {names[0]} passed {a.passed} of {a.packets} packets, {names[1]} {b.passed}; they part at packet {at}"
            )
        elif a.bytes_passed != b.bytes_passed or a.altered != b.altered:
            found.append(
                f"{a.flow}: {names[0]} returned {a.bytes_passed} bytes ({a.altered} packets altered), "
                f"{names[1]} {b.bytes_passed} ({b.altered} altered)"
            )
        elif slower is not None and a.latency_p50_us is not None and b.latency_p50_us is not None:
            low, high = sorted((a.latency_p50_us, b.latency_p50_us))
            if high > low * slower and high > low + LATENCY_SLACK_US:
                found.append(
                    f"{a.flow}: median latency {a.latency_p50_us:g} µs with {names[0]}, {b.latency_p50_us:g} µs with {names[1]}"
                )
    return found
