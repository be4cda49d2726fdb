"""Chooses the next step of a hunt, from what the model knows by now."""

from __future__ import annotations

import ipaddress
from struct import pack

from .frames import (
    CLIENTS6,
    FLAGS,
    ODD4,
    ODD6,
    SERVERS,
    Dice,
    Returns,
    Traffic,
    ipv4_packet,
    ipv6_packet,
    solicitation,
    spoil_ethernet,
    spoil_packet,
    tcp,
    udp,
)
from .gateway import PUBLIC
from .model import Model
from .router import ENI, ENI6, PEER, PEER6
from .state import Flow
from .wire import LONGEST
from .world import World, ref

SHORT = 3500
"""Bytes, at most, of a frame in a test run; longer ones go over devices."""
TAGS = 8
"""Of VLANs, which devices take off before a program sees the frame: only test runs have them."""
DESTINATIONS = [
    bytes(one)
    for one in (
        *((10, 0, 1, 1), (10, 0, 1, 77), (10, 0, 2, 77), (198, 51, 100, 9), (192, 0, 2, 1), (8, 8, 8, 8)),
        *((169, 254, 169, 254), (169, 254, 169, 253), (10, 0, 0, 2)),
    )
]
DESTINATIONS6 = [
    ipaddress.IPv6Address(one).packed
    for one in (
        *("2001:db8:0:101::1", "2001:db8:0:101::77", "2001:db8:0:102::77", "2001:db8:a::9", "2001:db8:0:104::1"),
        *("2001:db8:d::1", "2001:db8:e::1", "::1", "::ffff:10.0.0.1"),
    )
]
ASKED6 = [
    ipaddress.IPv6Address(one).packed
    for one in (
        *("2001:db8:0:101::1", "2001:db8:0:101::10", "2001:db8:0:101::99", "2001:db8:0:102::1", "2001:db8:0:102::10"),
        *("fe80::1", "fe80::2", "2001:db8:0:103::1", "::"),
    )
]
"""Of the VPC router's traffic: itself, addresses that nobody has, each of its routes, and none."""

Frame = tuple[str, str, int, bytes]
"""Program, port, GSO size, bytes."""
Event = tuple[str, int, int]
"""("age", cookie, 0), ("abandon", target, generation) or ("reset", target, flags)."""
Step = Frame | Event


class Sender:
    """Chooses the next step, from what the model knows by now."""

    def __init__(self, dice: Dice, world: World, model: Model) -> None:
        self.dice, self.world, self.model = dice, world, model
        self.traffic = Traffic(dice)
        self.doors = [(f"door{i}", world.ports[ref(f"door{i}")]) for i in range(8)]
        self.returns = Returns(
            dice,
            nodes=[one.address for one in self.model.nodes.values()],
            targets=list(self.model.addresses.values()),
            endpoints=list(self.model.door_by_id),
        )
        self.recent: list[tuple[Flow, bytes]] = []
        self.guarded: list[bytes] = []
        """Packets that were sent past guards."""
        self.stale = [1 << 23]
        self.again: Step | None = None
        self.generation = 1
        self.node_names = {name: name.device for name in self.model.nodes}

    def remember(self, out_of: bytes) -> None:
        """A packet that just went to a target, to be returned later."""
        flow = self.model.flow
        if flow is not None and flow.cookie >= 0:
            if len(self.recent) < 256:
                self.recent.append((flow, self.model.inner))
            else:
                self.recent[self.dice.below(256)] = (flow, self.model.inner)

    def next(self) -> Step:
        dice = self.dice
        if self.again is not None:
            step, self.again = self.again, None
            return step
        roll = dice.roll()
        if roll < 0.45 or not self.recent:
            return self.into_endpoint()
        if roll < 0.84:
            return self.to_node()
        if roll < 0.9:
            return self.to_appliance()
        if roll < 0.93:
            return self.to_router()
        if roll < 0.96:
            return self.past_guards()
        if roll < 0.985:
            return self.to_gateway()
        flow, _ = self.recent[dice.below(len(self.recent))]
        if roll < 0.997:
            self.stale.append(flow.cookie)
            return ("age", flow.cookie, 0)
        if roll < 0.9993:
            return ("reset", dice.below(4), dice.of((0, 0, 0, 1, 2)))
        self.generation += 1
        return ("abandon", dice.below(5), self.generation)

    def into_endpoint(self) -> Step:
        dice = self.dice
        place = 0 if dice.roll() < 0.5 else dice.below(8)
        name, port = self.doors[place]
        family = 6 if (dice.roll() < 0.3 and place != 1) or dice.roll() < 0.05 else 4
        packet = self.traffic.packet(family)
        if dice.roll() < 0.5:
            packet = spoil_packet(dice, packet)
            if dice.roll() < 0.3:
                packet = spoil_packet(dice, packet)
        frame = port.mac + port.peer_mac + (b"\x08\x00" if family == 4 else b"\x86\xdd") + packet
        if dice.roll() < 0.05 and len(frame) <= SHORT - TAGS:
            frame = spoil_ethernet(dice, frame)
        # A test run's super-packets have no type, and the kernel takes no options out of such a one.
        plain = (
            frame[14] == 0x45 or (frame[14] >> 4 == 6 and frame[20:21] in (b"\x06", b"\x11"))
            if len(frame) > 14
            else True
        )
        gso = (
            dice.of((100, 1400, 8440, 8480, 8500))
            if plain and place < 2 and len(frame) <= SHORT and dice.roll() < 0.02
            else 0
        )
        if gso:  # may begin a flow without showing what it was given: the same frame, whole, shows it
            self.again = ("endpoint", name, 0, frame[:LONGEST])
        return ("endpoint", name, gso, frame[:LONGEST])

    def to_node(self) -> Step:
        dice = self.dice
        flow, inner = self.recent[dice.below(len(self.recent))]
        node = flow.door.node
        assert node is not None
        name, port = node.entry.port.device, node.port
        if dice.roll() < 0.05:
            name = dice.of(("node0", "node1", "node2", "node3", "node4", "node9"))
        sender = self.model.addresses.get(flow.target) or bytes((10, 9, 1, 99))
        frame = self.returns.frame(
            port.mac + port.peer_mac,
            sender,
            node.address,
            flow.port,
            flow.door.id,
            flow.cookie,
            inner,
            self.other_cookie(),
        )
        if dice.roll() < 0.1:
            frame = frame[:14] + spoil_packet(dice, frame[14:])
        if dice.roll() < 0.03 and len(frame) <= SHORT - TAGS:
            frame = spoil_ethernet(dice, frame)
        return ("target", name, 0, frame[:LONGEST])

    def to_appliance(self) -> Step:
        dice = self.dice
        flow, inner = self.recent[dice.below(len(self.recent))]
        name = dice.of(("app0", "app1"))
        port = self.world.ports[ref(name)]
        node = flow.door.node
        assert node is not None
        frame = self.returns.frame(
            port.mac + port.peer_mac,
            node.address,
            self.model.addresses.get(flow.target) or bytes((10, 9, 1, 99)),
            flow.port,
            flow.door.id,
            flow.cookie,
            inner if dice.roll() < 0.5 else self.traffic.packet(dice.of((4, 6))),
            self.other_cookie(),
        )
        if dice.roll() < 0.1:
            frame = frame[:14] + spoil_packet(dice, frame[14:])
        if dice.roll() < 0.03:
            frame = spoil_ethernet(dice, frame)
        return ("inspector", name, 0, frame[:SHORT])

    def to_router(self) -> Step:
        dice = self.dice
        name = dice.of(("eni0", "eni0", "eni1", "eni2"))
        port = self.world.ports[ref(name)]
        frame = self.router_frame(port.mac + port.peer_mac, port.peer_mac)
        if dice.roll() < 0.1:
            frame = spoil_ethernet(dice, frame)
        return ("eni", name, 0, frame[:SHORT])

    def router_frame(self, macs: bytes, asker: bytes) -> bytes:
        dice = self.dice
        roll = dice.roll()
        if roll < 0.1:
            asked = bytes((10, 0, dice.below(3), dice.below(12)))
            arp = bytes.fromhex("0001080006040001") + asker + bytes((10, 0, 1, 10)) + bytes(6) + asked
            return macs + b"\x08\x06" + (spoil_packet(dice, arp) if dice.roll() < 0.5 else arp + bytes(18))
        if roll < 0.25:
            packet = solicitation(dice, dice.of((ENI6, ENI6, bytes(16), *ODD6)), dice.of(ASKED6), asker)
            return macs + b"\x86\xdd" + (spoil_packet(dice, packet) if dice.roll() < 0.4 else packet)
        data = udp(1000, 53, bytes(dice.below(40) if dice.roll() < 0.7 else 1180 + dice.below(100)))
        if roll < 0.6:
            source = ENI6 if dice.roll() < 0.8 else dice.of((PEER6, *ODD6))
            destination = dice.of((ENI6, PEER6, *DESTINATIONS6) if dice.roll() < 0.9 else ODD6)
            packet = ipv6_packet(source, destination, dice.of((17, 17, 58, 60, 44)), data, hops=dice.of((64, 2, 1, 0)))
            return macs + b"\x86\xdd" + (spoil_packet(dice, packet) if dice.roll() < 0.4 else packet)
        source = ENI if dice.roll() < 0.8 else dice.of((PEER, *ODD4))
        destination = dice.of((ENI, PEER, *DESTINATIONS) if dice.roll() < 0.9 else ODD4)
        options = b"\1" * 4 * dice.below(3)
        packet = ipv4_packet(source, destination, 17, data, options=options, ttl=dice.of((64, 2, 1, 0)))
        return macs + b"\x08\x00" + (spoil_packet(dice, packet) if dice.roll() < 0.4 else packet)

    def past_guards(self) -> Step:
        """Between two interfaces that groups and an ACL guard: few flows, both ways, in pieces, and errors about them."""
        dice = self.dice
        name, family = dice.of(("eni0", "eni1")), 6 if dice.roll() < 0.3 else 4
        ends = (ENI, PEER) if family == 4 else (ENI6, PEER6)
        source, destination = ends if name == "eni0" else ends[::-1]
        if dice.roll() < 0.02:
            destination = source
        protocol, payload = self.guarded_transport(family)
        packet: bytes
        ident, place = dice.below(6), dice.of((0, 0, 0, 0, 0, 0x2000, 1))
        if family == 4:
            packet = ipv4_packet(source, destination, protocol, payload, ident=ident, place=place)
        else:
            if place:
                payload = pack("!BBHI", protocol, 0, 1 if place == 0x2000 else 8, ident) + payload
                protocol = 44
            packet = ipv6_packet(source, destination, protocol, payload)
        if len(self.guarded) < 64:
            self.guarded.append(packet)
        else:
            self.guarded[dice.below(64)] = packet
        if dice.roll() < 0.1:
            packet = spoil_packet(dice, packet)
        port = self.world.ports[ref(name)]
        return (
            "eni",
            name,
            0,
            (port.mac + port.peer_mac + (b"\x08\x00" if family == 4 else b"\x86\xdd") + packet)[:SHORT],
        )

    def guarded_transport(self, family: int) -> tuple[int, bytes]:
        dice, roll = self.dice, self.dice.roll()
        ports = [dice.of((53, 80, 81, 90, 1000, 2000)) for _ in range(2)]
        if roll < 0.4:
            return 6, tcp(*ports, dice.of(FLAGS))
        if roll < 0.6:
            return 17, udp(*ports, bytes(8))
        icmp = 1 if family == 4 else 58
        if roll < 0.75:
            kind = dice.of((0, 8, 8, 13, 14, 3) if family == 4 else (128, 129, 128, 1, 130))
            return icmp, pack("!BBHHH", kind, dice.of((0, 0, 0, 1)), 0, dice.below(2), 0) + bytes(8)
        if roll < 0.9 and self.guarded:
            kind = dice.of((3, 4, 5, 11, 12) if family == 4 else (1, 2, 3, 4))
            return icmp, pack("!BBHI", kind, dice.below(5), 0, 0) + dice.of(self.guarded)[: dice.of((28, 48, 56, 100))]
        return dice.of((47, 47, 50, 1, 58)), bytes(12)

    def to_gateway(self) -> Step:
        """What a VPC sends out, and what the internet sends in: any transport, and errors about what went the other way."""
        dice = self.dice
        name, program = dice.of(("igw0", "igw0", "igw1", "igw2")), dice.of(("igw_out", "igw_in"))
        port = self.world.ports[ref(name)]
        macs = port.mac + port.peer_mac
        if dice.roll() < 0.25:
            held, other = (ENI6, dice.of((PEER6, *ODD6))), dice.of((CLIENTS6[0], CLIENTS6[0], *ODD6))
            ends = (dice.of(held), other) if program == "igw_out" else (other, dice.of(held))
            packet = ipv6_packet(*ends, *self.traffic.transport(6))
            frame = macs + b"\x86\xdd" + (spoil_packet(dice, packet) if dice.roll() < 0.4 else packet)
        else:
            frame = macs + b"\x08\x00" + self.gateway_packet(name, leaves=program == "igw_out")
        if dice.roll() < 0.05:
            frame = spoil_ethernet(dice, frame)
        if dice.roll() < 0.2:
            frame += bytes(dice.below(30))
        return (program, name, 0, frame[:SHORT])

    def gateway_packet(self, name: str, *, leaves: bool) -> bytes:
        dice = self.dice
        own = dice.of(list(PUBLIC.get(name, PUBLIC["igw0"]).items()))[not leaves]
        if dice.roll() < 0.1:
            own = dice.of((bytes((10, 0, 1, 12)), bytes((198, 18, 0, 9))))
        far = dice.of((bytes((198, 51, 100, 9)), SERVERS[0]))
        protocol, payload = self.traffic.transport(4)
        if protocol == 6 and dice.roll() < 0.3:
            payload = payload[: 14 + dice.below(8)]
        if dice.roll() < 0.15:
            protocol, payload = dice.of((33, 136)), dice.bits(160).to_bytes(20, "big")
        if dice.roll() < 0.3:
            kind, inner = dice.of((6, 17, 17, 136, 33, 1)), dice.bits(256).to_bytes(32, "big")
            quoted = ipv4_packet(far, own, kind, inner[: dice.below(33)], options=b"\1" * 4 * dice.below(3))
            if dice.roll() < 0.3:
                quoted = spoil_packet(dice, quoted)
            cut = quoted if dice.roll() < 0.5 else quoted[: dice.below(len(quoted) + 1)]
            protocol, payload = 1, pack("!BBHI", dice.of((3, 4, 5, 11, 12, 8)), 0, dice.bits(16), 0) + cut
        ends = (own, far) if leaves else (far, own)
        place = dice.of((0, 0, 0, 0x4000, 0x2000, 0x2001, 1))
        packet = ipv4_packet(*ends, protocol, payload, options=b"\1" * 4 * dice.below(3), place=place)
        return spoil_packet(dice, packet) if dice.roll() < 0.25 else packet

    def other_cookie(self) -> int:
        dice = self.dice
        if dice.roll() < 0.5:
            return self.stale[dice.below(len(self.stale))]
        return self.recent[dice.below(len(self.recent))][0].cookie
