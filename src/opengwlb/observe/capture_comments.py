"""What is said of each captured packet: its flow with the cookie, the target, and the verdict, where they are known.

Pure: frames and what was read of the data plane in, sentences out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from opengwlb.dataplane.flows import Flow
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.model.ids import endpoint_id
from opengwlb.model.topology import PortRef
from opengwlb.policy import names

from . import frames, places
from .capture import Frame
from .flows import Named
from .frames import FlowTuple, Seen
from .visibility import Where
from .walk_context import flow_of

_DROPPED_WITHIN_S = 0.5
"""Of the moment in which a packet was captured: a sample says when it was dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the programs know, of what the asker may see."""

    verdicts: Mapping[str, Verdict]
    """By name."""
    flows: Iterable[Flow] = ()
    target_of: Callable[[Flow], Named | None] = lambda flow: None
    """None for who may not know it."""
    dropped: Iterable[tuple[PortRef, Verdict, Sample]] = ()
    now_s: float = 0.0
    """The wall clock when the samples were read."""


@dataclass(slots=True)
class Commentator:
    """Says it of one frame after another."""

    where: Mapping[PortRef, Where]
    names: Mapping[PortRef, str]
    private: Mapping[str, str]
    """Public -> private addresses, as the gateways in sight translate them."""
    _by_cookie: dict[tuple[str, int], Flow] = field(default_factory=dict)
    _by_tuple: dict[FlowTuple, list[Flow]] = field(default_factory=dict)
    _dropped: dict[tuple[PortRef, FlowTuple | None], list[tuple[float, Verdict]]] = field(default_factory=dict)
    _books: Books | None = None

    def learn(self, books: Books) -> None:
        self._books = books
        self._by_cookie, self._by_tuple = {}, {}
        for flow in books.flows:
            self._by_cookie[endpoint_id(flow.endpoint), flow.cookie] = flow
            there = FlowTuple(flow.source, flow.destination, flow.protocol, flow.source_port, flow.destination_port)
            for way in (there, there.reversed()):
                self._by_tuple.setdefault(way, []).append(flow)
        self._dropped = {}
        for port, verdict, sample in books.dropped:
            found = self._dropped.setdefault((port, flow_of(sample.head)), [])
            found.append((books.now_s - sample.age_s, verdict))

    def comment(self, frame: Frame) -> str:
        at = f"{'into' if frame.incoming else 'out of'} {frame.port.box}"
        if self.names.get(frame.port):
            at += f" at {self.names[frame.port]}"
        seen = frames.read(frame.data)
        packet = flow_of(frame.data) if seen is None else seen.flow
        if packet is None:
            return at
        parts = [at, _words(packet)]
        flow = self._flow(frame, seen, packet)
        if flow is not None:
            parts.append(f"flow cookie 0x{flow.cookie:08x} of {endpoint_id(flow.endpoint)}")
            target = self._books.target_of(flow) if self._books is not None else None
            if target is not None:
                named = f"{target.target} {target.name}" if target.name else target.target
                parts.append(f"target {named} ({target.address}{f', {target.zone}' if target.zone else ''})")
        elif seen is not None and seen.tunnel is not None:
            parts.append(f"flow cookie 0x{seen.tunnel.header.cookie:08x} of {seen.tunnel.header.endpoint_id}")
        verdict = self._verdict(frame, seen, packet)
        if verdict is not None:
            parts.append(f"{verdict.name}: {verdict.sentence}")
        return "; ".join(parts)

    def _flow(self, frame: Frame, seen: Seen | None, packet: FlowTuple) -> Flow | None:
        if seen is not None and seen.tunnel is not None:
            header = seen.tunnel.header
            return self._by_cookie.get((header.endpoint_id, header.cookie))
        found = self._by_tuple.get(places.translated(packet, self.private), [])
        at = self.where.get(frame.port)
        of_this = [flow for flow in found if at is not None and endpoint_id(flow.endpoint) == at.resource]
        # Of several endpoints with equal addresses behind them nothing tells which one is meant.
        return (of_this or found)[0] if len(of_this or found) == 1 else None

    def _verdict(self, frame: Frame, seen: Seen | None, packet: FlowTuple) -> Verdict | None:
        """What was decided before the packet left the box; of one that came in, only that it went no further."""
        known = self._books.verdicts if self._books is not None else {}
        if frame.incoming:
            for at_s, verdict in self._dropped.get((frame.port, packet), ()):
                if abs(frame.at_ns / 1e9 - at_s) < _DROPPED_WITHIN_S:
                    return verdict
            return None
        kind = frame.port.box.partition("-")[0]
        if kind == "igw":
            return known.get("igw_out" if frame.port.device == names.INTERNET else "igw_in")
        if kind == "gwlb":
            at = self.where.get(frame.port)
            if at is not None and at.resource.startswith("vpce-"):
                return known.get("decapsulated")
            return known.get("encapsulated") if seen is not None and seen.tunnel is not None else None
        return known.get("eni_forwarded") if kind == "vpc" else None


def _words(flow: FlowTuple) -> str:
    name = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}.get(flow.protocol, f"protocol {flow.protocol}")
    if flow.protocol not in (6, 17):
        return f"{name} {flow.source} > {flow.destination}"
    ends = "{}:{} > {}:{}" if flow.family == 4 else "[{}]:{} > [{}]:{}"
    return f"{name} {ends.format(flow.source, flow.source_port, flow.destination, flow.destination_port)}"
