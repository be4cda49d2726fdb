"""Every verdict of endpoint, target and inspector: one crafted packet, its counter up by one and no other."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane import VerdictKind
from opengwlb.dataplane.syscalls import inside
from opengwlb.model.plane import InspectorRule
from opengwlb.model.topology import Program

from . import geneve
from .geneve import Tunnelled, option
from .harness import CLIENT, CLIENT6, NODE, SERVER, SERVER6, End, Endpoint, Lab, eventually, into, run
from .testrun import Run

TCP_SYN = IP(src=CLIENT, dst=SERVER) / TCP(sport=1000, dport=80, flags="S")
DATAGRAM = IP(src=CLIENT, dst=SERVER) / UDP(sport=1000, dport=53) / Raw(b"data")


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("verdicts", endpoints=2, appliances=2, forwards=False)


@pytest.fixture
def door(lab: Lab) -> Endpoint:
    return lab.endpoints[0]


@pytest.fixture
def sent(lab: Lab) -> Tunnelled:
    """A packet of a known flow, on its way to its target."""
    return geneve.read(lab.through(DATAGRAM))


@pytest.fixture
def back(sent: Tunnelled) -> Tunnelled:
    """The same, as its target returns it."""
    return sent.returned()


def in_a_test_run(lab: Lab, program: str, end: End, frame: bytes, *, gso_size: int) -> int:
    """Runs a program on a super-packet of a kind that the kernel cannot lengthen or shorten. No device carries one."""
    with inside(end.netns):
        return Run(lab.dataplane.program(program), frame, ifindex=end.ifindex, gso_segs=2, gso_size=gso_size)()


# -- endpoint

ENDPOINT_DROPS: dict[str, list[Packet | bytes]] = {
    "endpoint_malformed": [
        bytes(IP(src=CLIENT, dst=SERVER, ihl=4) / Raw(b"x" * 40)),
        bytes(IP(src=CLIENT, dst=SERVER, len=2000) / UDP()),
        bytes(IP(src=CLIENT, dst=SERVER, proto=6) / Raw(b"short")),
        bytes(IP(src=CLIENT, dst=SERVER))[:12],
        bytes(IPv6(src=CLIENT6, dst=SERVER6, plen=900) / UDP()),
    ],
    "endpoint_not_forwardable": [
        IP(src=CLIENT, dst="224.0.0.5") / UDP(),
        IP(src=CLIENT, dst="255.255.255.255") / UDP(),
        IP(src="169.254.1.1", dst=SERVER) / UDP(),
        IP(src="0.0.0.0", dst=SERVER) / UDP(),
        IPv6(src=CLIENT6, dst="ff02::5") / UDP(),
        IPv6(src="fe80::1", dst=SERVER6) / UDP(),
        IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6ND_NS(tgt=SERVER6),
    ],
    "tcp_no_flow": [
        IP(src=CLIENT, dst=SERVER) / TCP(sport=7, dport=7, flags="A"),
        IP(src=CLIENT, dst=SERVER) / TCP(sport=7, dport=7, flags="SA"),
        IPv6(src=CLIENT6, dst=SERVER6) / TCP(sport=7, dport=7, flags="R"),
    ],
    "inner_too_big": [
        IP(src=CLIENT, dst=SERVER) / UDP() / Raw(bytes(8501 - 28)),
        IPv6(src=CLIENT6, dst=SERVER6) / UDP() / Raw(bytes(8501 - 48)),
    ],
    "fragment_no_flow": [
        fragment(IP(src=CLIENT, dst=SERVER, id=4242) / TCP() / Raw(bytes(2000)), fragsize=1000)[1],
        IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrFragment(id=4242, offset=3, nh=60) / Raw(bytes(16)),
    ],
}


@pytest.mark.parametrize(
    ("verdict", "packet"),
    [
        pytest.param(verdict, packet, id=f"{verdict}-{i}")
        for verdict, packets in ENDPOINT_DROPS.items()
        for i, packet in enumerate(packets)
    ],
)
def test_an_endpoint_drops(lab: Lab, door: Endpoint, verdict: str, packet: Packet | bytes) -> None:
    with lab.exactly(door.inner, verdict):
        door.outer.send(into(door, packet))


def test_an_endpoint_keeps_arp_and_multicast_ethernet_out(lab: Lab, door: Endpoint) -> None:
    frames = [
        Ether(dst="ff:ff:ff:ff:ff:ff") / ARP(pdst=SERVER),
        Ether(dst="01:00:5e:00:00:05") / DATAGRAM,
        Ether(dst=door.inner.mac, type=0x88CC) / Raw(bytes(60)),
    ]
    for frame in frames:
        with lab.exactly(door.inner, "endpoint_not_forwardable"):
            door.outer.send(frame)


def test_a_packet_of_8500_bytes_is_carried(lab: Lab, door: Endpoint) -> None:
    with lab.exactly(door.inner, "encapsulated"):
        door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / UDP() / Raw(bytes(8500 - 28))))


def test_an_endpoint_without_configuration_drops(lab: Lab) -> None:
    inner, outer = lab.wire("gwlb", "bare", "consumer", "bare")
    lab.dataplane.attach(inner.port(Program.ENDPOINT), netns=inner.netns, ifindex=inner.ifindex)
    with lab.exactly(inner, "endpoint_not_configured"):
        outer.send(into(Endpoint(1, inner, outer), TCP_SYN))


def test_an_endpoint_drops_new_flows_when_there_are_no_targets(lab: Lab, door: Endpoint) -> None:
    lab.healthy = set()
    try:
        assert lab.apply() == {}
        with lab.exactly(door.inner, "no_targets"):
            door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=5555, dport=80, flags="S")))
    finally:
        lab.healthy = None
        lab.apply()


def test_an_endpoint_that_is_not_dualstack_drops_ipv6(lab: Lab, door: Endpoint) -> None:
    lab.dualstack = False
    try:
        assert lab.apply() == {}
        with lab.exactly(door.inner, "endpoint_ipv6_not_enabled"):
            door.outer.send(into(door, IPv6(src=CLIENT6, dst=SERVER6) / UDP()))
    finally:
        lab.dualstack = True
        lab.apply()


def test_an_endpoint_drops_what_the_way_to_the_target_cannot_carry(lab: Lab, door: Endpoint) -> None:
    run("ip", "link", "set", lab.node.device, "mtu", "2000", box=lab.node.box)
    try:
        with lab.exactly(door.inner, "underlay_mtu_exceeded"):
            door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / UDP() / Raw(bytes(1933 - 28))))
        with lab.exactly(door.inner, "encapsulated"):
            door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / UDP() / Raw(bytes(1932 - 28))))
    finally:
        run("ip", "link", "set", lab.node.device, "mtu", "9001", box=lab.node.box)


def test_an_endpoint_says_when_the_kernel_cannot_add_the_header(lab: Lab, door: Endpoint) -> None:
    with lab.exactly(door.inner, "encap_failed", packets=2):
        in_a_test_run(lab, "endpoint", door.inner, into(door, DATAGRAM), gso_size=100)


def test_a_full_flow_table_refuses_new_flows_and_keeps_the_old(labs: Callable[..., Lab]) -> None:
    lab = labs("full", forwards=False, max_flows=8)
    door = lab.endpoints[0]
    packets = [IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=53) for port in range(9)]
    with lab.exactly(door.inner, "encapsulated", packets=16):
        door.outer.send(*(into(door, packet) for packet in packets[:8] * 2))
    with lab.exactly(door.inner, "flow_table_full"):
        door.outer.send(into(door, packets[8]))
    with lab.exactly(door.inner, "encapsulated", packets=8):
        door.outer.send(*(into(door, packet) for packet in packets[:8]))
    assert len({one.cookie for one in lab.dataplane.flows()}) == 8


# -- target


def changed_tlv(back: Tunnelled, place: int, new: bytes) -> Tunnelled:
    parts = [back.tlvs[:12], back.tlvs[12:24], back.tlvs[24:]]
    parts[place] = new
    return back.change(options=b"".join(parts))


RETURNS: dict[str, list[Callable[[Tunnelled], Tunnelled]]] = {
    "return_bad_outer": [
        lambda back: back.change(tail=b"trailing"),
        lambda back: back.change(udp_length=20),
        lambda back: back.change(ip=(("options", [b"\x01" * 4]),)),
    ],
    "return_fragment": [
        lambda back: back.change(ip=(("flags", "MF"),)),
        lambda back: back.change(ip=(("flags", 0), ("frag", 185))),
    ],
    "return_wrong_node": [lambda back: back.change(destination="10.9.0.5")],
    "return_unknown_target": [lambda back: back.change(source="10.9.1.99")],
    "return_bad_geneve": [
        lambda back: back.change(version=1),
        lambda back: back.change(protocol=0x6558),
        lambda back: changed_tlv(back, 0, option(1, bytes(4))),
        lambda back: changed_tlv(back, 1, b""),
        lambda back: changed_tlv(back, 2, option(3, bytes(8))),
        lambda back: back.change(options=back.tlvs + option(0x85, b"", of=0x1234)),
        lambda back: back.change(options=back.tlvs + struct.pack("!HBB", 0x1234, 1, 31)),
        lambda back: back.change(options=back.tlvs + option(3, struct.pack("!I", back.cookie))),
    ],
    "return_unknown_endpoint": [
        lambda back: back.change(endpoint=back.endpoint ^ 0xFFFF),
        lambda back: changed_tlv(back, 0, b""),
    ],
    "return_bad_cookie": [
        lambda back: back.change(cookie=0),
        lambda back: changed_tlv(back, 2, b""),
        lambda back: back.change(endpoint=back.endpoint + 1),
    ],
    "return_no_flow": [
        lambda back: back.change(cookie=back.cookie ^ 0x0080_0000 ^ 0x0200_0000),
        lambda back: back.change(cookie=back.cookie ^ 1 ^ 1 << 30),
        lambda back: back.change(cookie=0x007F_FFFF | 0x0080_0000),
    ],
    "return_wrong_target": [
        lambda back: back.change(source={"10.9.1.10": "10.9.1.11", "10.9.1.11": "10.9.1.10"}[back.source])
    ],
    "return_bad_inner": [
        lambda back: back.change(protocol=0x86DD),
        lambda back: back.change(inner=back.inner[:-1]),
        lambda back: back.change(inner=back.inner + b"x"),
        lambda back: back.change(inner=b"\x45"),
    ],
}


@pytest.mark.parametrize(
    ("verdict", "spoil"),
    [
        pytest.param(verdict, spoil, id=f"{verdict}-{i}")
        for verdict, spoils in RETURNS.items()
        for i, spoil in enumerate(spoils)
    ],
)
def test_a_return_is_dropped(lab: Lab, back: Tunnelled, verdict: str, spoil: Callable[[Tunnelled], Tunnelled]) -> None:
    with lab.exactly(lab.node, "decapsulated"):
        lab.provider_node.send(bytes(back))
    with lab.exactly(lab.node, verdict):
        lab.provider_node.send(bytes(spoil(back)))


def test_a_return_of_an_expired_flow_is_dropped(lab: Lab, back: Tunnelled) -> None:
    lab.other_idle_s = 0
    try:
        assert lab.apply() == {}
        frame = lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=4321, dport=53))
        stale = geneve.read(frame).returned()
        eventually(lambda: all(one.cookie != stale.cookie for one in lab.dataplane.flows()), "the flow lives on")
        with lab.exactly(lab.node, "return_no_flow"):
            lab.provider_node.send(bytes(stale))
    finally:
        lab.other_idle_s = 120
        lab.apply()


def test_a_return_larger_than_the_endpoints_link_is_dropped(lab: Lab, door: Endpoint, back: Tunnelled) -> None:
    run("ip", "link", "set", door.inner.device, "mtu", "2000", box=door.inner.box)
    try:
        big = bytes(IP(src=CLIENT, dst=SERVER) / UDP(sport=1000, dport=53) / Raw(bytes(2001 - 28)))
        with lab.exactly(lab.node, "return_mtu_exceeded"):
            lab.provider_node.send(bytes(back.change(inner=big)))
    finally:
        run("ip", "link", "set", door.inner.device, "mtu", "9001", box=door.inner.box)


def test_a_node_without_configuration_drops_returns_only(lab: Lab, back: Tunnelled) -> None:
    inner, outer = lab.wire("gwlb", "bare2", "provider", "bare2")
    lab.dataplane.attach(inner.port(Program.TARGET), netns=inner.netns, ifindex=inner.ifindex)
    with lab.exactly(inner, "target_not_configured"):
        outer.send(bytes(back))
    with lab.exactly(inner, "not_geneve"):
        outer.send(Ether(dst=inner.mac) / IP(src="10.9.1.10", dst=NODE) / TCP(dport=80))


def test_a_target_says_when_the_kernel_cannot_strip_the_header(lab: Lab, back: Tunnelled) -> None:
    with lab.exactly(lab.node, "decap_failed", packets=2):
        in_a_test_run(lab, "target", lab.node, bytes(back), gso_size=100)


def test_everything_else_at_a_node_belongs_to_its_stack(lab: Lab) -> None:
    head = Ether(src=lab.provider_node.mac, dst=lab.node.mac)
    for frame in (
        head / ARP(pdst=NODE),
        head / IP(src="10.9.1.10", dst=NODE) / UDP(sport=6081, dport=53),
        head / IP(src="10.9.1.10", dst=NODE) / ICMP(type=0),
    ):
        with lab.exactly(lab.node, "not_geneve"):
            lab.provider_node.send(frame)


# -- inspector


@pytest.fixture
def inspected(lab: Lab, sent: Tunnelled) -> Iterator[tuple[End, End, Tunnelled]]:
    """The instance's own end, the router's, and a packet for it."""
    own = lab.appliances[0]
    yield own.own, own.router, sent.change(destination=own.address, eth=(own.router.mac, own.own.mac))
    lab.inspectors = {}
    lab.apply()


def test_an_inspector_returns_the_packet_with_swapped_addresses(
    lab: Lab, inspected: tuple[End, End, Tunnelled]
) -> None:
    own, router, packet = inspected
    with router.opened() as raw, lab.exactly(own, "inspector_returned"):
        router.send(bytes(packet))
        raw.settimeout(2)
        frames = [raw.recvfrom(2000) for _ in range(2)]
    frame = next(data for data, address in frames if address[2] != 4)
    assert geneve.read(frame) == packet.returned()


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ([InspectorRule(action="deny")], "inspector_denied"),
        ([InspectorRule(action="deny", protocol=17, from_port=53, to_port=53)], "inspector_denied"),
        ([InspectorRule(action="deny", source="10.0.1.0/24", destination="10.0.2.10/32")], "inspector_denied"),
        ([InspectorRule(action="deny", protocol=6)], "inspector_returned"),
        ([InspectorRule(action="deny", from_port=54)], "inspector_returned"),
        ([InspectorRule(action="deny", source="10.0.3.0/24")], "inspector_returned"),
        ([InspectorRule(action="allow", protocol=17), InspectorRule(action="deny")], "inspector_returned"),
    ],
)
def test_an_inspector_obeys_its_first_matching_rule(
    lab: Lab, inspected: tuple[End, End, Tunnelled], rules: list[InspectorRule], verdict: str
) -> None:
    own, router, packet = inspected
    lab.deny(*rules)
    with lab.exactly(own, verdict):
        router.send(bytes(packet))


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ([InspectorRule(action="deny")], "inspector_denied"),
        ([InspectorRule(action="deny", source="fd00:1::10/128", destination="fd00:2::/48")], "inspector_denied"),
        ([InspectorRule(action="deny", source="fd00:1::10/127", protocol=17, to_port=53)], "inspector_denied"),
        ([InspectorRule(action="deny", destination="::/0")], "inspector_denied"),
        ([InspectorRule(action="deny", source="fd00:1::12/127")], "inspector_returned"),
        ([InspectorRule(action="deny", source="fd00:1:0:1::/64")], "inspector_returned"),
        ([InspectorRule(action="deny", destination="fd00:2:0:0:8000::/65")], "inspector_returned"),
        ([InspectorRule(action="deny", source="0.0.0.0/0")], "inspector_returned"),
        ([InspectorRule(action="allow", source="fd00:1::/32"), InspectorRule(action="deny")], "inspector_returned"),
    ],
)
def test_an_inspectors_rules_speak_of_ipv6_too(
    lab: Lab, inspected: tuple[End, End, Tunnelled], rules: list[InspectorRule], verdict: str
) -> None:
    own, router, packet = inspected
    inner = IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=1000, dport=53) / Raw(b"data")
    lab.deny(*rules)
    with lab.exactly(own, verdict):
        router.send(bytes(packet.change(protocol=0x86DD, inner=bytes(inner))))


@pytest.mark.parametrize("everything", ["::/0", "fd00::/8"])
def test_a_rule_about_ipv6_leaves_ipv4_alone(lab: Lab, inspected: tuple[End, End, Tunnelled], everything: str) -> None:
    own, router, packet = inspected
    lab.deny(InspectorRule(action="deny", source=everything))
    with lab.exactly(own, "inspector_returned"):
        router.send(bytes(packet))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.change(version=2),
        lambda one: one.change(protocol=0x6558),
        lambda one: one.change(udp_length=30),
        lambda one: one.change(ip=(("flags", "MF"),)),
        lambda one: one.change(inner=b"\x45\0\0"),
        lambda one: one.change(flags=0x40, options=one.tlvs + option(0x87, bytes(4), of=0x0F0F)),
    ],
)
def test_an_inspector_drops_what_no_load_balancer_sends(
    lab: Lab, inspected: tuple[End, End, Tunnelled], spoil: Callable[[Tunnelled], Tunnelled]
) -> None:
    own, router, packet = inspected
    with lab.exactly(own, "inspector_malformed"):
        router.send(bytes(spoil(packet)))


def test_an_inspector_leaves_other_packets_to_the_instance(lab: Lab, inspected: tuple[End, End, Tunnelled]) -> None:
    own, router, _ = inspected
    with lab.exactly(own, "inspector_not_geneve"):
        router.send(Ether(dst=own.mac) / IP(src=NODE, dst="10.9.1.10") / UDP(dport=9))


# -- super-packets


def test_a_super_packet_is_judged_by_its_segments(lab: Lab, door: Endpoint) -> None:
    """8481 bytes a segment make 8521 with their headers: too big, though each would fit the device."""
    data = IP(src=CLIENT, dst=SERVER) / TCP(sport=88, dport=80, flags="S") / Raw(bytes(2000))
    with lab.exactly(door.inner, "inner_too_big", packets=2):
        in_a_test_run(lab, "endpoint", door.inner, into(door, data), gso_size=8481)


def test_every_drop_of_these_programs_is_tested(lab: Lab) -> None:
    """By name, in this directory: a new verdict without a test fails here."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    drops = {
        one.name for one in lab.dataplane.verdicts.values() if one.kind is VerdictKind.DROP and 40 <= one.number < 100
    }
    assert {name for name in drops if f'"{name}"' not in text} == set()
