"""The rules that endpoint, target and inspector keep, in plain Python: the judge of what the programs do with a frame.

Written from the design page, the facts about AWS (wire format, flow handling) and the verdicts' own sentences; never from the programs.
Each rule is one function. Which of several broken rules names the verdict is the order in which `endpoint`, `target` and `inspector`
ask them.

What no rule fixes is learned from the first packet of a flow and then held against every other: its target (one of those listed), its
cookie (never another live flow's), its UDP source port (of the dynamic range).

Not modelled: time (flows live until `expire` says that one was not seen for too long), a full flow table, the limit of new flows a
second, and the answers of `opengwlb.pmtud.enabled`: frames of a test run are shorter than 8500 bytes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct, pack
from typing import NamedTuple

from opengwlb.model.plane import InspectorRule, NodeEntry, Plane
from opengwlb.model.topology import PortRef

from .packets import (
    ACK,
    EXTENSIONS,
    FIN,
    FIRST,
    ICMP,
    ICMP6,
    LATER,
    RST,
    SYN,
    TCP,
    UDP,
    WHOLE,
    Packet,
    adjusted,
    checksum,
    ipv4,
    ipv6,
    quoted4,
    quoted6,
    unicast4,
    unicast6,
)

GENEVE_PORT = 6081
OUTER = 68
INNER_MTU = 8500
MSS = {4: INNER_MTU - 40, 6: INNER_MTU - 60}
DYNAMIC_PORTS = range(49152, 65536)
COOKIE_INDEX_BITS = 16
"""Of a cookie, in a table of 65,536 flows: generation and index; generation 0 is nobody's."""
RESETS = {1: "tcp_reset_unhealthy", 2: "tcp_reset_deregistered"}
"""Why a target's flows are reset, by its flags."""
CE, ECT_0, ECT_1, NOT_ECT = 3, 2, 1, 0

_IP4, _IP6 = b"\x08\x00", b"\x86\xdd"
_OUTER_START = Struct("!HHH")
_GENEVE = Struct("!BBH4x")
_OPTION = Struct("!HBB")
_AWS = 0x0108
_SIZES = {1: 8, 2: 8, 3: 4}


class Broken(Exception):
    """What the program did breaks a rule; the text says which."""


@dataclass(frozen=True)
class PortFacts:
    """A port as the kernel has it."""

    ifindex: int
    mac: bytes
    peer_mac: bytes
    mtu: int


@dataclass(frozen=True)
class Node:
    slot: int
    address: bytes
    port: PortFacts
    entry: NodeEntry
    listed: frozenset[int]
    """Target slots for new flows."""


@dataclass(frozen=True)
class Door:
    """An endpoint."""

    id: int
    node: Node | None
    dualstack: bool
    port: PortFacts


class Flow:
    __slots__ = (
        "bytes",
        "cookie",
        "door",
        "fins",
        "generation",
        "key",
        "packets",
        "port",
        "protocol",
        "reset",
        "start",
        "sum",
        "target",
    )

    def __init__(self, key: tuple[object, ...], door: Door, protocol: int) -> None:
        self.key, self.door, self.protocol = key, door, protocol
        self.fins: set[bool] = set()
        self.reset = False
        self.cookie = self.target = self.generation = self.port = -1
        self.packets = self.bytes = 0
        self.start: bytes | None = None


class Model:
    """The state that the rules need, and the rules. One instance stands for an empty flow table."""

    def __init__(self, plane: Plane, ports: Mapping[PortRef, PortFacts]) -> None:
        self.nodes: dict[PortRef, Node] = {}
        by_slot: dict[int, Node] = {}
        for entry in plane.nodes.values():
            address = ipaddress.IPv4Address(entry.address).packed
            node = Node(entry.slot, address, ports[entry.port], entry, frozenset(entry.targets))
            self.nodes[entry.port] = by_slot[entry.slot] = node
        self.doors: dict[PortRef, Door] = {}
        self.door_by_id: dict[int, Door] = {}
        for one in plane.endpoints.values():
            door = Door(one.endpoint, by_slot.get(one.node), one.dualstack, ports[one.port])
            self.doors[one.port] = self.door_by_id[one.endpoint] = door
        self.addresses = {t.slot: ipaddress.IPv4Address(t.address).packed for t in plane.targets.values()}
        self.generations = {t.slot: t.generation for t in plane.targets.values()}
        self.rules = {ref: [_compiled(rule) for rule in one.rules] for ref, one in plane.inspectors.items()}
        self.flows: dict[tuple[object, ...], Flow] = {}
        self.cookies: dict[int, Flow] = {}
        self.fragments: dict[tuple[object, ...], Piece] = {}
        self.resets: dict[int, int] = {}
        self.flow: Flow | None = None
        self.chance: Packet | None = None
        self.answer = b""
        self.inner = b""
        self.outer_tos = 0

    # -- events

    def expire(self, flow: Flow) -> None:
        """It was not seen for longer than its idle timeout."""
        if self.flows.get(flow.key) is flow:
            del self.flows[flow.key]
            self.cookies.pop(flow.cookie, None)

    def reset_flows(self, target: int, flags: int) -> None:
        """TCP of this target's flows is answered with a reset; 0: no more."""
        self.resets[target] = flags

    def abandon(self, target: int, generation: int) -> None:
        """All flows have to leave this target (rebalance)."""
        self.generations[target] = generation

    # -- into an endpoint

    def endpoint(self, ref: PortRef, frame: bytes, gso_size: int) -> str:
        """The verdict. For `encapsulated` and `underlay_mtu_exceeded`, `tunnelled` then says the bytes; for a reset, `answer` has them."""
        self.flow, self.answer, self.chance = None, b"", None
        door = self.doors.get(ref)
        if door is None or door.node is None:
            return "endpoint_not_configured"
        if not self.enters_tunnel(frame):
            return "endpoint_not_forwardable"
        packet = ipv4(frame, 14) if frame[12:14] == _IP4 else ipv6(frame, 14)
        if packet is None:
            return "endpoint_malformed"
        if not self.forwardable(frame, packet):
            return "endpoint_not_forwardable"
        if packet.family == 6 and not door.dualstack:
            return "endpoint_ipv6_not_enabled"
        if self.too_big(packet, gso_size):
            return "inner_too_big"
        followed = self.quoted_flow(frame, packet, door)
        if followed is None:
            if packet.fragment and not self.goes_with_its_datagram(packet, door):
                return "fragment_no_flow"
            followed = Followed(self.key(packet, door), packet.protocol, False)
        verdict = self.enter_flow(frame, packet, door, followed)
        if verdict != "encapsulated":
            return verdict
        self.inner = self.carried(frame, packet, door)
        self.outer_tos = self.tos(packet)
        if not gso_size and len(self.inner) + OUTER > door.node.port.mtu:
            return "underlay_mtu_exceeded"
        return "encapsulated"

    def enters_tunnel(self, frame: bytes) -> bool:
        """IP for one receiver, untagged."""
        return not frame[0] & 1 and frame[12:14] in (_IP4, _IP6)

    def forwardable(self, frame: bytes, packet: Packet) -> bool:
        """Multicast, link-local and neighbour discovery stay outside."""
        if packet.family == 4:
            return unicast4(packet.source) and unicast4(packet.destination)
        if not (unicast6(packet.source) and unicast6(packet.destination)):
            return False
        if packet.protocol != ICMP6 or packet.fragment == LATER or packet.transport >= packet.end:
            return True
        return not 133 <= frame[packet.transport] <= 137

    def too_big(self, packet: Packet, gso_size: int) -> bool:
        """8500 bytes, of a super-packet for each segment; all with its header in one IPv4 packet."""
        if packet.length + OUTER > 65535:
            return True
        return (packet.shared + gso_size if gso_size else packet.length) > INNER_MTU

    def goes_with_its_datagram(self, packet: Packet, door: Door) -> bool:
        """All fragments of a datagram go one way. Addresses, identification and, in IPv4, the protocol tell the datagram; the first has
        the ports. A later one of UDP that comes before it takes the ports of the latest first fragment between the two hosts, or none,
        and the first then goes with it; TCP and what hides behind extension headers has to wait. Without ports there is nothing to
        wait for."""
        assert door.node is not None
        known = packet.family == 4 or packet.protocol not in EXTENSIONS
        if (
            packet.fragment == LATER
            and known
            and (door.node.entry.stickiness != 5 or packet.protocol not in (TCP, UDP))
        ):
            return True
        hosts = (door.id, packet.source, packet.destination)
        datagram = (*hosts, packet.family, packet.piece_of, packet.ident)
        found = self.fragments.get(datagram)
        if packet.fragment == FIRST:
            if found is not None and found.guessed and found.protocol == packet.protocol:
                packet.source_port, packet.destination_port = found.ports
                return True
            own = Piece((packet.source_port, packet.destination_port), packet.protocol, False)
            self.fragments[datagram] = self.fragments[(*hosts, packet.protocol)] = own
            return True
        if found is None:
            if packet.protocol != UDP:
                return False
            latest = self.fragments.get((*hosts, UDP))
            found = self.fragments[datagram] = Piece(latest.ports if latest else (0, 0), UDP, True)
        (packet.source_port, packet.destination_port), packet.protocol = found.ports, found.protocol
        return True

    def quoted_flow(self, frame: bytes, packet: Packet, door: Door) -> Followed | None:
        """An ICMP error goes with the live flow of the packet that it quotes, if its receiver sent that one. Whole ones:
        nobody has to fragment an error."""
        if packet.fragment or packet.end < packet.transport + 8 or not is_error(packet, frame[packet.transport]):
            return None
        quoted = quoted4(frame, packet) if packet.family == 4 else quoted6(frame, packet)
        if quoted is None or quoted.source != packet.destination:
            return None
        key = self.key(quoted, door)
        return Followed(key, quoted.protocol, True) if key in self.flows else None

    def key(self, packet: Packet, door: Door) -> tuple[object, ...]:
        """Symmetric, per endpoint, of as much of the tuple as stickiness says; ports are 0 for what is neither TCP nor UDP."""
        sticky = door.node.entry.stickiness if door.node else 5
        one, other = (packet.source, packet.source_port), (packet.destination, packet.destination_port)
        if sticky != 5:
            one, other = (packet.source, 0), (packet.destination, 0)
        ends = (one, other) if one <= other else (other, one)
        return (door.id, packet.family, packet.protocol if sticky != 2 else -1, *ends)

    def opens(self, packet: Packet, protocol: int) -> bool:
        """A SYN that answers none."""
        return protocol == TCP and packet.fragment != LATER and packet.flags & (SYN | ACK) == SYN

    def may_begin(self, packet: Packet, protocol: int, door: Door) -> bool:
        """TCP needs a SYN to begin, unless the node adopts flows of others."""
        assert door.node is not None
        return protocol != TCP or self.opens(packet, protocol) or door.node.entry.adopt

    def is_closed(self, flow: Flow) -> bool:
        """Both sides said FIN, or one RST."""
        return flow.reset or len(flow.fins) == 2

    def enter_flow(self, frame: bytes, packet: Packet, door: Door, followed: Followed) -> str:
        assert door.node is not None
        flow = self.flows.get(followed.key)
        if flow is None or (not followed.quoted and self.opens(packet, followed.protocol) and self.is_closed(flow)):
            if not self.may_begin(packet, followed.protocol, door):
                return self.stray(frame, packet, door)
            if not door.node.listed:
                return "no_targets"
            if flow is not None:
                self.expire(flow)
            flow = self.flows[followed.key] = Flow(followed.key, door, followed.protocol)
        if flow.target >= 0:
            if self.generations.get(flow.target) != flow.generation:
                if not door.node.listed:
                    return "no_targets"
                flow.target, flow.start = -1, None
            elif self.resets.get(flow.target) and not followed.quoted and self.resettable(frame, packet):
                self.expire(flow)
                return self.reset(frame, packet, RESETS[self.resets[flow.target]])
        self.flow = flow
        if flow.target < 0 and not followed.quoted and self.resettable(frame, packet):
            self.chance = packet
        if not followed.quoted:
            self.see(flow, packet, followed)
        return "encapsulated"

    def could_be(self, verdict: str) -> bool:
        """Whether the flow, which has no target yet, can have been given to one whose flows are reset. Then it is gone again."""
        flow = self.flow
        if flow is None or self.chance is None:
            return False
        assert flow.door.node is not None
        return any(RESETS.get(self.resets.get(slot, 0)) == verdict for slot in flow.door.node.listed)

    def was_reset(self, frame: bytes, verdict: str) -> bytes:
        """The answer, after `could_be`."""
        assert self.flow is not None and self.chance is not None
        self.expire(self.flow)
        self.flow = None
        self.reset(frame, self.chance, verdict)
        return self.answer

    def see(self, flow: Flow, packet: Packet, followed: Followed) -> None:
        """What ends a connection. A SYN on a flow of which one side is done begins it again; a flow of several connections has no end."""
        assert flow.door.node is not None
        if followed.protocol != TCP or flow.door.node.entry.stickiness != 5 or packet.fragment == LATER:
            return
        direction = (packet.source, packet.source_port) <= (packet.destination, packet.destination_port)
        if packet.flags & RST and not flow.reset:
            flow.reset = True
        elif packet.flags & FIN and not packet.flags & RST and direction not in flow.fins:
            flow.fins.add(direction)
        elif packet.flags & SYN:
            flow.fins.clear()

    def stray(self, frame: bytes, packet: Packet, door: Door) -> str:
        """TCP in the middle of a flow that is not known."""
        assert door.node is not None
        if door.node.entry.reset_on_idle and self.resettable(frame, packet):
            return self.reset(frame, packet, "tcp_reset_unknown")
        return "tcp_no_flow"

    def resettable(self, frame: bytes, packet: Packet) -> bool:
        """Whole TCP with a header that is all there, directly behind a plain IP header; a reset is never answered with one."""
        if packet.protocol != TCP or packet.fragment != WHOLE or packet.flags & RST:
            return False
        header = (frame[packet.transport + 12] >> 4) * 4
        return (
            header >= 20
            and packet.transport + header <= packet.end
            and packet.transport == packet.at + (20 if packet.family == 4 else 40)
        )

    def reset(self, frame: bytes, packet: Packet, verdict: str) -> str:
        """As a host without that connection answers (RFC 9293, 3.10.7.1)."""
        at = packet.transport
        header = (frame[at + 12] >> 4) * 4
        said = int.from_bytes(frame[at + 4 : at + 8], "big")
        taken = packet.end - at - header + bool(packet.flags & SYN) + bool(packet.flags & FIN)
        if packet.flags & ACK:
            numbers, flags = frame[at + 8 : at + 12] + bytes(4), RST
        else:
            numbers, flags = bytes(4) + pack("!I", (said + taken) & 0xFFFFFFFF), RST | ACK
        tcp = frame[at + 2 : at + 4] + frame[at : at + 2] + numbers + pack("!BBHHH", 0x50, flags, 0, 0, 0)
        pseudo = packet.destination + packet.source + pack("!HH", TCP, 20)
        tcp = tcp[:16] + pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        if packet.family == 4:
            ip = pack("!BBHHHBBH", 0x45, 0, 40, 0, 0x4000, 64, TCP, 0) + packet.destination + packet.source
            ip = ip[:10] + pack("!H", checksum(ip)) + ip[12:]
        else:
            ip = pack("!IHBB", 6 << 28, 20, TCP, 64) + packet.destination + packet.source
        self.answer = frame[6:12] + frame[:6] + frame[12:14] + ip + tcp
        return verdict

    def carried(self, frame: bytes, packet: Packet, door: Door) -> bytes:
        """The packet as it came, without what Ethernet padded, and with a lower MSS if it is a SYN."""
        assert door.node is not None
        inner = frame[14 : packet.end]
        if not door.node.entry.mss_clamping:
            return inner
        if packet.protocol == TCP and packet.flags & SYN and packet.fragment != LATER:
            return self.clamped(inner, packet.transport - 14, MSS[packet.family])
        return inner

    def clamped(self, inner: bytes, tcp: int, most: int) -> bytes:
        """RFC 9293, 3.2: kinds 0 and 1 are single bytes, all others have a length. Only in a header that is all there."""
        end = tcp + (inner[tcp + 12] >> 4) * 4
        at = tcp + 20
        if end > len(inner):
            return inner
        while at + 4 <= end and inner[at]:
            if inner[at] == 1:
                at += 1
                continue
            size = inner[at + 1]
            if inner[at] == 2:
                mss = inner[at + 2] << 8 | inner[at + 3]
                if size != 4 or mss <= most:
                    return inner
                out = bytearray(inner)
                out[at + 2 : at + 4] = pack("!H", most)
                old_sum = inner[tcp + 16] << 8 | inner[tcp + 17]
                old, new = (_swapped(mss), _swapped(most)) if (at - tcp) & 1 else (mss, most)
                out[tcp + 16 : tcp + 18] = pack("!H", adjusted(old_sum, old, new))
                return bytes(out)
            if size < 2:
                return inner
            at += size
        return inner

    def tos(self, packet: Packet) -> int:
        """The outer TOS byte: DSCP copied, ECN by RFC 6040's normal mode copied too."""
        return packet.tos

    def settle(self, frame_bytes: int, segments: int) -> None:
        """The packet went on: it counts in its flow."""
        if self.flow is not None:
            self.flow.packets += segments
            self.flow.bytes += frame_bytes

    def tunnelled(self, out: bytes) -> bytes:
        """What has to have left, having learned from `out` what no rule fixes. `Broken` when that cannot be."""
        flow = self.flow
        assert flow is not None
        if flow.start is None:
            self.learn(flow, out)
        length = len(self.inner) + OUTER
        total = flow.sum + length + self.outer_tos
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        start = flow.start
        assert start is not None
        kind = _IP4 if self.inner[0] >> 4 == 4 else _IP6
        return b"".join(
            (
                start[:15],
                bytes((self.outer_tos,)),
                pack("!H", length),
                start[18:24],
                pack("!H", ~total & 0xFFFF),
                start[26:38],
                pack("!HH", length - 20, 0),
                b"\x08\x00",
                kind,
                start[46:],
                self.inner,
            )
        )

    def learn(self, flow: Flow, out: bytes) -> None:
        if len(out) < 14 + OUTER:
            raise Broken(f"{len(out)} bytes left, too few for a GENEVE header")
        target = next((slot for slot, address in self.addresses.items() if address == out[30:34]), None)
        if target is None:
            raise Broken(f"sent to {ipaddress.IPv4Address(out[30:34])}, which is no target")
        port = out[34] << 8 | out[35]
        cookie = int.from_bytes(out[78:82], "big")
        if flow.cookie < 0:
            self.admit(flow, cookie, port)
        self.give(flow, target)

    def give(self, flow: Flow, target: int) -> None:
        node = flow.door.node
        assert node is not None
        if target not in node.listed:
            raise Broken(f"flow given to target {target}, which is none for new flows of this node")
        flow.target, flow.generation = target, self.generations[target]
        flow.start = self.header(flow, node)
        flow.sum = sum(Struct("!10H").unpack_from(flow.start, 14))

    def admit(self, flow: Flow, cookie: int, port: int) -> None:
        """A cookie is no other live flow's, and never 0; the port is of the dynamic range."""
        if cookie in self.cookies or not cookie >> COOKIE_INDEX_BITS:
            raise Broken(f"cookie {cookie:#x} given to a second live flow, or to none")
        if port not in DYNAMIC_PORTS:
            raise Broken(f"UDP source port {port}")
        self.cookies[cookie] = flow
        flow.cookie, flow.port = cookie, port

    def header(self, flow: Flow, node: Node) -> bytes:
        """Ethernet and the 68 bytes, with lengths, TOS, checksum and protocol still 0."""
        return b"".join(
            (
                node.port.peer_mac + node.port.mac + _IP4,
                bytes.fromhex("45000000000040004011 0000"),
                node.address + self.addresses[flow.target],
                pack("!HHHH", flow.port, GENEVE_PORT, 0, 0),
                bytes.fromhex("0800 0000 00000000"),
                _OPTION.pack(_AWS, 1, 2) + pack("!Q", flow.door.id),
                _OPTION.pack(_AWS, 2, 2) + bytes(8),
                _OPTION.pack(_AWS, 3, 1) + pack("!I", flow.cookie),
            )
        )

    # -- back from a target

    def target(self, ref: PortRef, frame: bytes) -> str:
        """The verdict. For `decapsulated`, `returned` then says the bytes."""
        if not self.is_geneve(frame):
            return "not_geneve"
        node = self.nodes.get(ref)
        if node is None:
            return "target_not_configured"
        if (frame[20] << 8 | frame[21]) & 0x3FFF:
            return "return_fragment"
        if not self.outer_agrees(frame):
            return "return_bad_outer"
        if frame[30:34] != node.address:
            return "return_wrong_node"
        family, options = self.geneve_base(frame)
        if not family:
            return "return_bad_geneve"
        said = self.read_options(frame, options)
        if said is None:
            return "return_bad_geneve"
        door = self.door_by_id.get(int.from_bytes(said.get(1, b""), "big")) if 1 in said else None
        if door is None or door.node is not node:
            return "return_unknown_endpoint"
        refusal = self.not_the_flows(frame[26:30], door, said)
        if refusal:
            return refusal if frame[26:30] in self.addresses.values() else "return_unknown_target"
        if 2 not in said:
            return "return_bad_geneve"
        at = 42 + 8 + options
        packet = self.inner_agrees(frame, at, family, door)
        if packet is None:
            return "return_bad_inner"
        mark = self.mark(frame[15] & 3, packet.tos & 3)
        if mark is None:
            return "return_congestion_mark"
        self.door, self.inner = door, remarked(frame[at:], packet, mark)
        if len(self.inner) > door.port.mtu:
            return "return_mtu_exceeded"
        return "decapsulated"

    def is_geneve(self, frame: bytes) -> bool:
        """UDP to 6081 in IPv4. Of later fragments no one can tell, and nobody else sends any."""
        if frame[12:14] != _IP4 or len(frame) < 34 or frame[23] != UDP:
            return False
        if (frame[20] << 8 | frame[21]) & 0x1FFF:
            return True
        at = 14 + (frame[14] & 15) * 4
        return len(frame) >= at + 8 and (frame[at + 2] << 8 | frame[at + 3]) == GENEVE_PORT

    def outer_agrees(self, frame: bytes) -> bool:
        """IPv4 without options; IP's and UDP's lengths are those of the frame."""
        length = len(frame) - 14
        return frame[14] == 0x45 and frame[16:18] == pack("!H", length) and frame[38:40] == pack("!H", length - 20)

    def geneve_base(self, frame: bytes) -> tuple[int, int]:
        """Family of the inner packet (0: not as it should be) and bytes of options. Version 0, something behind the header, IP in it."""
        if len(frame) < 50:
            return 0, 0
        first, _, kind = _GENEVE.unpack_from(frame, 42)
        options = (first & 0x3F) * 4
        if first >> 6 or 50 + options >= len(frame):
            return 0, 0
        return {0x0800: 4, 0x86DD: 6}.get(kind, 0), options

    def read_options(self, frame: bytes, size: int) -> dict[int, bytes] | None:
        """AWS's options, in any order, each once and of its length, among others that are not critical. None when that does not hold."""
        said: dict[int, bytes] = {}
        at, end = 50, 50 + size
        while at < end:
            if at + 4 > end:
                return None
            of, kind, length = _OPTION.unpack_from(frame, at)
            length = (length & 31) * 4
            at += 4
            if at + length > end:
                return None
            if of == _AWS and kind in _SIZES:
                if kind in said or length != _SIZES[kind]:
                    return None
                said[kind] = frame[at : at + length]
            elif self.is_critical(kind):
                return None
            at += length
        return said

    def is_critical(self, kind: int) -> bool:
        """An unknown option that must be understood: RFC 8926, 3.5."""
        return bool(kind & 0x80)

    def not_the_flows(self, sender: bytes, door: Door, said: dict[int, bytes]) -> str | None:
        """Why this sender may not touch the flow of this cookie; None when it may."""
        cookie = int.from_bytes(said.get(3, b""), "big")
        if not cookie >> COOKIE_INDEX_BITS:
            return "return_bad_cookie"
        flow = self.cookies.get(cookie)
        if flow is None:
            return "return_no_flow"
        if flow.door is not door:
            return "return_bad_cookie"
        if not self.is_flows_target(flow, sender):
            return "return_wrong_target"
        return None

    def is_flows_target(self, flow: Flow, sender: bytes) -> bool:
        """A flow belongs to the target it was given to, for as long as it is not taken from it."""
        return self.generations.get(flow.target) == flow.generation and self.addresses[flow.target] == sender

    def inner_agrees(self, frame: bytes, at: int, family: int, door: Door) -> Packet | None:
        """A well-formed packet and nothing behind it; IPv6 only through a dualstack endpoint."""
        packet = ipv4(frame, at) if family == 4 else ipv6(frame, at)
        return packet if packet is not None and packet.end == len(frame) and (family == 4 or door.dualstack) else None

    def mark(self, outer: int, inner: int) -> int | None:
        """The inner packet's ECN behind the tunnel (RFC 6040, 4.2); None: it has to be dropped."""
        if outer == CE:
            return None if inner == NOT_ECT else CE
        return ECT_1 if outer == ECT_1 and inner == ECT_0 else inner

    def returned(self) -> bytes:
        """Out of the endpoint, as the target returned it but for a congestion mark."""
        port = self.door.port
        return port.peer_mac + port.mac + (_IP4 if self.inner[0] >> 4 == 4 else _IP6) + self.inner

    # -- the in-kernel appliance

    def inspector(self, ref: PortRef, frame: bytes) -> str:
        """The verdict. For `inspector_returned`, `swapped` then says the bytes."""
        if not self.is_geneve(frame) or (frame[20] << 8 | frame[21]) & 0x1FFF:
            return "inspector_not_geneve"
        if (frame[20] << 8 | frame[21]) & 0x2000 or not self.outer_agrees(frame):
            return "inspector_malformed"
        family, options = self.geneve_base(frame)
        if (
            not family or frame[43] & 0x40
        ):  # the header says that an option is critical, and no known one is (RFC 8926, 3.5)
            return "inspector_malformed"
        packet = ipv4(frame, 50 + options) if family == 4 else ipv6(frame, 50 + options)
        if packet is None:
            return "inspector_malformed"
        if self.denied(self.rules.get(ref, ()), packet):
            return "inspector_denied"
        return "inspector_returned"

    def denied(self, rules: object, packet: Packet) -> bool:
        """The first rule that matches decides. Rules name IPv4 networks: only 0.0.0.0/0 speaks of IPv6 too."""
        for deny, (source, source_mask), (destination, destination_mask), protocol, first, last in rules:  # type: ignore[attr-defined]
            if packet.family == 4:
                if int.from_bytes(packet.source, "big") & source_mask != source:
                    continue
                if int.from_bytes(packet.destination, "big") & destination_mask != destination:
                    continue
            elif source_mask or destination_mask:
                continue
            if protocol in (0, packet.protocol) and first <= packet.destination_port <= last:
                return bool(deny)
        return False

    def swapped(self, frame: bytes) -> bytes:
        """Outer MACs and addresses exchanged, a fresh TTL of 64, all else as it came."""
        header = bytearray(frame[14:34])
        header[8], header[10:12], header[12:16], header[16:20] = 64, b"\0\0", frame[30:34], frame[26:30]
        header[10:12] = pack("!H", checksum(bytes(header)))
        return frame[6:12] + frame[:6] + frame[12:14] + bytes(header) + frame[34:]


class Piece(NamedTuple):
    """What the fragments of a datagram have in common."""

    ports: tuple[int, int]
    protocol: int
    guessed: bool
    """Before the first fragment came."""


class Followed(NamedTuple):
    """What flow a packet belongs to, by itself or by another packet."""

    key: tuple[object, ...]
    protocol: int
    quoted: bool
    """It is an error about that flow, and neither keeps nor ends it."""


def is_error(packet: Packet, kind: int) -> bool:
    """ICMP that quotes a packet (RFC 792: unreachable, quench, redirect, time exceeded, parameter problem; RFC 4443: 1 to 4)."""
    if packet.family == 4:
        return packet.protocol == ICMP and kind in (3, 4, 5, 11, 12)
    return packet.protocol == ICMP6 and 1 <= kind <= 4


def remarked(inner: bytes, packet: Packet, mark: int) -> bytes:
    """With this ECN, and IPv4's checksum adjusted to it."""
    change = (packet.tos ^ mark) & 3
    if not change:
        return inner
    if packet.family == 6:
        return inner[:1] + bytes((inner[1] ^ change << 4,)) + inner[2:]
    old, new = inner[0] << 8 | inner[1], inner[0] << 8 | inner[1] ^ change
    return pack("!H", new) + inner[2:10] + pack("!H", adjusted(inner[10] << 8 | inner[11], old, new)) + inner[12:]


def _compiled(rule: InspectorRule) -> tuple[object, ...]:
    source, destination = ipaddress.IPv4Network(rule.source), ipaddress.IPv4Network(rule.destination)
    return (
        rule.action == "deny",
        (int(source.network_address), int(source.netmask)),
        (int(destination.network_address), int(destination.netmask)),
        rule.protocol,
        rule.from_port,
        rule.to_port,
    )


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8
