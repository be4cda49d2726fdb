"""Back from a target: what proves that a return belongs to a flow, and how it leaves."""

from __future__ import annotations

from struct import Struct, pack

from opengwlb.model.topology import PortRef

from .endpoint import EndpointRules
from .packets import UDP, Packet, adjusted, ipv4, ipv6
from .state import AWS, COOKIE_INDEX_BITS, GENEVE_PORT, IP4, IP6, Door, Flow

CE, ECT_0, ECT_1, NOT_ECT = 3, 2, 1, 0
GENEVE = Struct("!BBH4x")
OPTION = Struct("!HBB")
SIZES = {1: 8, 2: 8, 3: 4}
"""Of AWS's options."""


class ReturnRules(EndpointRules):
    def target(self, ref: PortRef, frame: bytes) -> str:
        """The verdict. For `decapsulated` and `decapsulated_changed`, `returned` then says the bytes."""
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
        verdict = self.whose(frame, packet, self.cookies[int.from_bytes(said[3], "big")])
        if verdict == "return_bad_cookie":
            return verdict
        mark = self.mark(frame[15] & 3, packet.tos & 3)
        if mark is None:
            return "return_congestion_mark"
        self.door, self.inner = door, remarked(frame[at:], packet, mark)
        if len(self.inner) > door.port.mtu:
            return "return_mtu_exceeded"
        return verdict

    def whose(self, frame: bytes, packet: Packet, flow: Flow) -> str:
        """A target may change what it returns, but not return one flow's packet as another's."""
        if self.key(packet, flow.door) == flow.key:
            return "decapsulated"
        followed = self.quoted_flow(frame, packet, flow.door)
        if followed is None:
            if packet.fragment and not self.goes_with_its_datagram(packet, flow.door):
                return "decapsulated_changed"
            key = self.key(packet, flow.door)
        else:
            key = followed.key
        if key not in self.flows:
            return "decapsulated_changed"
        return "decapsulated" if self.flows[key] is flow else "return_bad_cookie"

    def is_geneve(self, frame: bytes) -> bool:
        """UDP to 6081 in IPv4. Of later fragments no one can tell, and nobody else sends any."""
        if frame[12:14] != IP4 or len(frame) < 34 or frame[23] != UDP:
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
        first, _, kind = GENEVE.unpack_from(frame, 42)
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
            of, kind, length = OPTION.unpack_from(frame, at)
            length = (length & 31) * 4
            at += 4
            if at + length > end:
                return None
            if of == AWS and kind in SIZES:
                if kind in said or length != SIZES[kind]:
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
        return port.peer_mac + port.mac + (IP4 if self.inner[0] >> 4 == 4 else IP6) + self.inner


def remarked(inner: bytes, packet: Packet, mark: int) -> bytes:
    """With this ECN, and IPv4's checksum adjusted to it."""
    change = (packet.tos ^ mark) & 3
    if not change:
        return inner
    if packet.family == 6:
        return inner[:1] + bytes((inner[1] ^ change << 4,)) + inner[2:]
    old, new = inner[0] << 8 | inner[1], inner[0] << 8 | inner[1] ^ change
    return pack("!H", new) + inner[2:10] + pack("!H", adjusted(inner[10] << 8 | inner[11], old, new)) + inner[12:]
