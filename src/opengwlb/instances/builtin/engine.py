"""The firewall's decisions: a packet in, a verdict out, and what it has to remember of flows in between. No sockets,
no files.

The load balancer gives a flow one cookie in both directions, so the GENEVE header is the key under which a flow is
remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from opengwlb_appliance import ACK, FIN, ICMP, ICMPV6, RST, SYN, TCP, Inner, Packet, Verdict

from .rules import Flow, Policy, Rule
from .streams import NoRoom, Room, Stream

FLOW_LIMIT = 65536
"""Flows remembered; beyond it the one that was asked about longest ago is forgotten, and judged anew if it goes on."""


class FlowState:
    """What is known of one flow."""

    __slots__ = ("closed", "denied_by", "directions", "opening", "rules", "streams")

    def __init__(self, opening: Flow, *, denied_by: str | None, rules: tuple[Rule, ...]) -> None:
        self.opening = opening
        """As its first packet had it."""
        back = opening.reversed()
        self.directions = {ends_of_flow(opening): True, ends_of_flow(back): False}
        """Addresses and ports as a packet of each direction has them. True is the direction of the first packet."""
        self.denied_by = denied_by
        self.rules = rules
        """Those that look into its payload."""
        self.streams: dict[bool, Stream] = {}
        """By direction."""
        self.closed = False
        """A FIN or RST was seen: the ports may be used again."""

    def close_streams(self) -> None:
        for stream in self.streams.values():
            stream.close()


class Firewall:
    """The callback of the packet loop."""

    def __init__(self, policy: Policy, *, log: Callable[[dict[str, Any]], None]) -> None:
        """`log` gets one mapping for each flow that is denied, and for each single packet that is dropped from an
        allowed one."""
        self._policy = policy
        self._log = log
        self._room = Room()
        self._flows: OrderedDict[bytes, FlowState] = OrderedDict()

    def adopt(self, policy: Policy) -> None:
        """Judge by another policy from now on: known flows too, by their first packets, which the new rules are about as well."""
        self._policy = policy
        for state in self._flows.values():
            state.close_streams()
            state.streams = {}
            state.denied_by = policy.denied_by(state.opening)
            state.rules = () if state.denied_by else policy.payload_rules_of(state.opening)

    def __call__(self, packet: Packet) -> Verdict:
        inner = packet.inner
        if inner.protocol in (ICMP, ICMPV6):
            return self._icmp(packet, inner)
        key = packet.data[: packet.header.length] + inner.protocol.to_bytes(1, "big")
        state = self._flows.get(key)
        forward = state.directions.get(ends_of(inner)) if state is not None else None
        if state is None or (forward is None and not inner.fragment):
            state = self._judge(packet, inner, flow_of(inner), key=key)
            forward = state.directions.get(ends_of(inner))
        if state.denied_by is not None:
            return Verdict.DROP_FLOW
        if not state.rules:
            return Verdict.RETURN_FLOW
        self._flows.move_to_end(key)
        return self._look_into(packet, inner, state, forward=bool(forward))

    def _judge(self, packet: Packet, inner: Inner, flow: Flow, *, key: bytes) -> FlowState:
        """The header rules' word on a flow that is met for the first time."""
        opening = opening_of(flow, tcp_flags=inner.tcp_flags)
        denied_by = self._policy.denied_by(opening)
        rules = () if denied_by else self._policy.payload_rules_of(opening)
        state = FlowState(opening, denied_by=denied_by, rules=rules)
        if denied_by:
            self._report(packet, inner, rule=denied_by, reason="header")
        previous = self._flows.pop(key, None)
        if previous is not None:
            previous.close_streams()
        self._flows[key] = state
        if len(self._flows) > FLOW_LIMIT:
            self._flows.popitem(last=False)[1].close_streams()
        return state

    def _look_into(self, packet: Packet, inner: Inner, state: FlowState, *, forward: bool) -> Verdict:
        if inner.fragment or inner.more_fragments:
            self._report(packet, inner, rule=state.rules[0].name, reason="fragment that cannot be looked into")
            return Verdict.DROP
        try:
            is_stream = inner.protocol == TCP
            found = (
                self._segment(inner, state, forward=forward) if is_stream else first_match(state.rules, inner.payload)
            )
        except NoRoom:
            return Verdict.DROP
        if found is None:
            return Verdict.RETURN
        state.denied_by = found.name
        state.close_streams()
        self._report(packet, inner, rule=found.name, reason="payload")
        return Verdict.DROP_FLOW

    def _segment(self, inner: Inner, state: FlowState, *, forward: bool) -> Rule | None:
        """Raises NoRoom for a segment to drop without blame."""
        flags, sequence = inner.tcp_flags, inner.tcp_sequence
        if flags & SYN and not flags & ACK and state.closed:
            state.close_streams()
            state.closed = False
        stream = state.streams.get(forward)
        if stream is None:
            stream = state.streams[forward] = Stream(state.rules, room=self._room)
        if flags & SYN:
            if not stream.opened(sequence):
                raise NoRoom
            sequence = (sequence + 1) & 0xFFFFFFFF
        if flags & (FIN | RST):
            state.closed = True
        data = inner.payload
        return stream.segment(sequence, data) if data else None

    def _icmp(self, packet: Packet, inner: Inner) -> Verdict:
        """Each packet by itself: an error shares addresses and protocol with pings, but stands for the flow that it
        quotes."""
        quoted = inner.quoted()
        flow = flow_of(quoted or inner)
        if quoted is not None:
            flow = opening_of(flow, tcp_flags=0)
        denied_by = self._policy.denied_by(flow)
        if denied_by is None or self._is_answer(packet, inner, flow, quoted=quoted):
            rule = first_match(self._policy.payload_rules_of(flow), inner.payload) if quoted is None else None
            if quoted is None:
                self._remember_ping(packet, flow)
            if rule is None:
                return Verdict.RETURN
            self._report(packet, inner, rule=rule.name, reason="payload")
            return Verdict.DROP
        self._report(packet, inner, rule=denied_by, reason="header")
        return Verdict.DROP

    def _is_answer(self, packet: Packet, inner: Inner, flow: Flow, *, quoted: Inner | None) -> bool:
        """A reply of a ping that was allowed."""
        state = self._flows.get(ping_key(packet, inner.protocol))
        return quoted is None and state is not None and state.opening.reversed() == flow

    def _remember_ping(self, packet: Packet, flow: Flow) -> None:
        key = ping_key(packet, flow.protocol)
        if key not in self._flows:
            self._flows[key] = FlowState(flow, denied_by=None, rules=())
            if len(self._flows) > FLOW_LIMIT:
                self._flows.popitem(last=False)[1].close_streams()

    def _report(self, packet: Packet, inner: Inner, *, rule: str, reason: str) -> None:
        self._log(
            {
                "event": "denied",
                "rule": rule,
                "reason": reason,
                "source": inner.source,
                "source_port": inner.source_port,
                "destination": inner.destination,
                "destination_port": inner.destination_port,
                "protocol": inner.protocol,
                "endpoint": packet.header.endpoint_id,
                "cookie": f"0x{packet.header.cookie:08x}",
            }
        )


def ping_key(packet: Packet, protocol: int) -> bytes:
    """Where the opening of a ping is remembered."""
    return packet.data[: packet.header.length] + protocol.to_bytes(1, "big")


def ends_of(inner: Inner) -> bytes:
    """The bytes that name the ends of a packet, in its own direction."""
    return inner.source_bytes + inner.destination_bytes + inner.port_bytes


def ends_of_flow(flow: Flow) -> bytes:
    """What `ends_of` says of a packet in the flow's direction."""
    ports = flow.source_port.to_bytes(2, "big") + flow.destination_port.to_bytes(2, "big")
    return flow.source + flow.destination + ports


def flow_of(inner: Inner) -> Flow:
    """The flow in the packet's own direction."""
    return Flow(
        source=inner.source_bytes,
        destination=inner.destination_bytes,
        protocol=inner.protocol,
        source_port=inner.source_port,
        destination_port=inner.destination_port,
    )


def opening_of(flow: Flow, *, tcp_flags: int) -> Flow:
    """The flow as its first packet had it, from a packet that may be a later one.

    Flows that began before us come in the middle when another appliance fails. Of these the side with the lower TCP
    port is taken for the server.
    """
    if flow.protocol != TCP or (tcp_flags & SYN and not tcp_flags & ACK):
        return flow
    if tcp_flags & SYN or flow.source_port < flow.destination_port:
        return flow.reversed()
    return flow


def first_match(rules: tuple[Rule, ...], payload: bytes) -> Rule | None:
    """The first rule whose pattern is in a datagram."""
    for rule in rules:
        if rule.pattern is not None and rule.pattern.is_in(payload):
            return rule
    return None
