"""Tracked flows at network interfaces: for how long they are remembered, who yields when there is no room, and whose they are behind an
uplink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from opengwlb.model.plane import EniRole, Guard, Plane
from opengwlb.policy import rules

from .harness import run
from .test_security_groups import VPC, group, sent, tcp
from .tracked_slots import TrackedSlots
from .vpc import DELIVERY, IPV4, Vpc, built

ALICE, BOB, CAROL = 1, 2, 3
CAROLS = IPV4.to["nobody elsewhere"]
"""Of a second interface behind bob's port, when that is an uplink."""
IDLE = {"tcp_idle_s": 400, "udp_idle_s": 45, "udp_stream_idle_s": 200}
OPEN = (
    tcp(80, cidr="10.0.0.0/16"),
    {"protocol": "udp", "from_port": 53, "to_port": 53, "cidr": "10.0.0.0/16"},
    {"protocol": "icmp", "cidr": "10.0.0.0/16"},
    {"protocol": "47", "cidr": "10.0.0.0/16"},
)


@dataclass
class Tracked:
    vpc: Vpc
    slots: TrackedSlots


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracked]:
    run_dir = tmp_path_factory.mktemp("tracking")
    for vpc in built(run_dir, first_ifindex=0x54000, prefix="trk-"):
        for name in ("alice", "bob"):  # so that no kernel of theirs answers
            run("ip", "address", "flush", "dev", "eth0", box=vpc.outer[name].box)
        vpc.quiet()
        slots = TrackedSlots(run_dir)
        try:
            yield Tracked(vpc, slots)
        finally:
            slots.close()


@pytest.fixture
def lab(made: Tracked) -> Iterator[Tracked]:
    made.slots.clear()
    yield made
    made.slots.clear()


def guard(name: str, owner: int, *wanted: dict[str, object]) -> Guard:
    """TCP and UDP are looked at, whatever is open."""
    return Guard(
        interface=name,
        owner=owner,
        vpc=VPC,
        groups=rules.compile_groups([group(*wanted)], {}),
        guards4=True,
        guards6=True,
        guards_other=True,
        **IDLE,
    )


def guarded(vpc: Vpc, **guards: Guard) -> None:
    entries = [replace(entry, guard=guards.get(entry.port.device)) for entry in vpc.entries]
    vpc.programs.apply(Plane(enis={entry.port: entry for entry in entries}), vpc.inner.values())


def there(port: int, kind: str) -> Packet:
    """From alice, who begins, to bob."""
    if kind == "udp":
        return UDP(sport=port, dport=53)
    if kind == "ping":
        return ICMP(type=8, id=port)
    return GRE() if kind == "gre" else TCP(sport=port, dport=80, flags=kind)


def back(port: int, kind: str) -> Packet:
    if kind == "udp":
        return UDP(sport=53, dport=port)
    if kind == "ping":
        return ICMP(type=0, id=port)
    return GRE() if kind == "gre" else TCP(sport=80, dport=port, flags=kind)


@pytest.mark.parametrize(
    ("said", "answer", "idle_s"),
    [
        pytest.param([">S"], "SA", 60, id="a SYN"),
        pytest.param([">S", "<SA"], "SA", 60, id="a SYN that was answered"),
        pytest.param([">S", "<SA", ">A"], "A", 400, id="established, as the interface says"),
        pytest.param([">S", "<SA", ">A", ">FA"], "A", 120, id="one FIN"),
        pytest.param([">S", "<SA", ">A", ">FA", "<FA"], "A", 10, id="both FINs"),
        pytest.param([">S", "<SA", ">A", ">R"], "A", 10, id="a reset"),
        pytest.param([">udp"], "udp", 45, id="UDP, as the interface says"),
        pytest.param([">udp", "<udp", ">udp"], "udp", 45, id="UDP answered once"),
        pytest.param([">udp", "<udp", ">udp", "<udp"], "udp", 200, id="UDP answered twice"),
        pytest.param([">ping"], "ping", 30, id="ICMP"),
        pytest.param([">gre"], "gre", 600, id="another protocol"),
    ],
)
def test_a_flow_is_remembered_until_its_idle_time_is_over(
    lab: Tracked, said: list[str], answer: str, idle_s: int
) -> None:
    """Bob may say nothing by himself, so his answers pass exactly as long as the flow is remembered."""
    guarded(lab.vpc, bob=guard("bob", BOB, *OPEN))
    for port, waited, verdict in ((4001, idle_s - 3, "eni_forwarded"), (4002, idle_s + 3, "security_group_egress")):
        lab.slots.clear()
        for one in said:
            who, other, packet = ("alice", "bob", there) if one[0] == ">" else ("bob", "alice", back)
            assert sent(lab.vpc, IPV4, who, other, packet(port, one[1:])) == "eni_forwarded"
        lab.slots.pass_time(waited)
        assert sent(lab.vpc, IPV4, "bob", "alice", back(port, answer)) == verdict, f"after {waited} s"


def test_every_packet_begins_the_idle_time_anew(lab: Tracked) -> None:
    guarded(lab.vpc, bob=guard("bob", BOB, *OPEN))
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4003, "ping")) == "eni_forwarded"
    for _ in range(3):
        lab.slots.pass_time(20)
        assert sent(lab.vpc, IPV4, "bob", "alice", back(4003, "ping")) == "eni_forwarded"


def test_a_connection_is_tracked_from_its_syn_on_though_other_packets_of_its_ports_came_before(lab: Tracked) -> None:
    guarded(lab.vpc, bob=guard("bob", BOB, *OPEN))
    for stray in ("A", "R", "FA"):
        lab.slots.clear()
        assert sent(lab.vpc, IPV4, "alice", "bob", there(4004, stray)) == "eni_forwarded"
        assert sent(lab.vpc, IPV4, "bob", "alice", back(4004, "A")) == "security_group_egress"
        assert sent(lab.vpc, IPV4, "alice", "bob", there(4004, "S")) == "eni_forwarded"
        assert sent(lab.vpc, IPV4, "bob", "alice", back(4004, "SA")) == "eni_forwarded", stray


def test_what_must_be_tracked_and_finds_no_room_is_refused_and_nothing_established_yields(lab: Tracked) -> None:
    guarded(lab.vpc, bob=guard("bob", BOB, *OPEN))
    lab.slots.fill(BOB)
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4010, "S")) == "tracking_full"
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4010, "udp")) == "tracking_full"
    assert {slot.owner for slot in lab.slots.used()} == {BOB}
    assert sent(lab.vpc, IPV4, "alice", "bob", TCP(sport=4010, dport=81, flags="S")) == "security_group_ingress"
    lab.slots.pass_time(3700)
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4010, "S")) == "eni_forwarded"


def test_an_interface_with_nothing_in_a_full_set_takes_one_place_of_the_one_that_has_most(lab: Tracked) -> None:
    out = {"egress": True, "protocol": "tcp", "from_port": 80, "to_port": 80, "cidr": "10.0.0.0/16"}
    guarded(lab.vpc, alice=guard("alice", ALICE, out))
    lab.slots.fill(BOB)
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4011, "S")) == "eni_forwarded"
    owners = [slot.owner for slot in lab.slots.used()]
    assert (owners.count(ALICE), owners.count(BOB)) == (1, len(owners) - 1)
    assert sent(lab.vpc, IPV4, "bob", "alice", back(4011, "SA")) == "eni_forwarded"


def test_what_is_open_both_ways_needs_no_room(lab: Tracked) -> None:
    everywhere = {"cidr": "0.0.0.0/0"}
    guarded(lab.vpc, bob=guard("bob", BOB, tcp(80, **everywhere), {"egress": True, "protocol": "-1", **everywhere}))
    lab.slots.fill(BOB)
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4012, "S")) == "eni_forwarded"
    assert sent(lab.vpc, IPV4, "bob", "alice", back(4012, "SA")) == "eni_forwarded"
    assert sent(lab.vpc, IPV4, "alice", "bob", there(4012, "A")) == "eni_forwarded"


@pytest.fixture
def uplink(lab: Tracked) -> Iterator[Tracked]:
    """Bob's port is an uplink's: bob and carol are behind it, each an interface."""
    vpc, before = lab.vpc, lab.vpc.entries
    run("ip", "route", "add", CAROLS, "dev", "bob", "table", str(DELIVERY), box=vpc.router)
    vpc.entries = [
        replace(entry, role=EniRole.UPLINK, addresses=(IPV4.bob, CAROLS), source_dest_check=False, addresses6=())
        if entry.port.device == "bob"
        else entry
        for entry in before
    ]
    try:
        yield lab
    finally:
        vpc.entries = before
        run("ip", "route", "delete", CAROLS, "dev", "bob", "table", str(DELIVERY), box=vpc.router)
        vpc.say(before)


def behind(vpc: Vpc, own: Guard | None, *guards: tuple[str, Guard]) -> None:
    entries = [replace(one, guard=own, behind=guards) if one.port.device == "bob" else one for one in vpc.entries]
    vpc.programs.apply(Plane(enis={entry.port: entry for entry in entries}), vpc.inner.values())


def met(vpc: Vpc, port: str, source: str, destination: str, layer: Packet) -> str:
    ether = Ether(src=vpc.outer[port].mac, dst=vpc.inner[port].mac)
    (verdict,) = vpc.verdict_at(port, ether / IP(src=source, dst=destination) / layer)
    return verdict


def test_interfaces_behind_one_uplink_are_each_let_through_by_their_own_groups(uplink: Tracked) -> None:
    vpc = uplink.vpc
    bobs, carols = guard("bob", BOB, tcp(80, cidr="10.0.0.0/16")), guard("carol", CAROL, tcp(81, cidr="10.0.0.0/16"))
    behind(vpc, None, (IPV4.bob, bobs), (CAROLS, carols))
    for address, mine, other in ((IPV4.bob, 80, 81), (CAROLS, 81, 80)):
        assert (
            met(vpc, "alice", IPV4.alice, address, TCP(sport=4020, dport=other, flags="S")) == "security_group_ingress"
        )
        assert met(vpc, "alice", IPV4.alice, address, TCP(sport=4020, dport=mine, flags="S")) == "eni_forwarded"
    assert {slot.owner for slot in uplink.slots.used()} == {BOB, CAROL}


def test_an_answer_from_behind_an_uplink_passes_for_who_was_asked_and_for_no_neighbour(uplink: Tracked) -> None:
    vpc = uplink.vpc
    opened = tcp(80, cidr="10.0.0.0/16")
    behind(vpc, None, (IPV4.bob, guard("bob", BOB, opened)), (CAROLS, guard("carol", CAROL, opened)))
    assert met(vpc, "alice", IPV4.alice, IPV4.bob, TCP(sport=4021, dport=80, flags="S")) == "eni_forwarded"
    answer = TCP(sport=80, dport=4021, flags="SA")
    assert met(vpc, "bob", CAROLS, IPV4.alice, answer) == "security_group_egress"
    assert met(vpc, "bob", IPV4.bob, IPV4.alice, answer) == "eni_forwarded"


def test_who_has_no_interface_behind_an_uplink_is_judged_by_the_ports_own_guard(uplink: Tracked) -> None:
    vpc = uplink.vpc
    behind(vpc, guard("bob", BOB), (IPV4.bob, guard("bob", BOB)), (CAROLS, guard("carol", CAROL)))
    beyond = met(vpc, "bob", "192.168.9.9", IPV4.alice, TCP(sport=4022, dport=80, flags="S") / Raw(b"x"))
    assert beyond == "security_group_egress"
    everything = {"egress": True, "protocol": "-1", "cidr": "0.0.0.0/0"}
    behind(vpc, guard("bob", BOB, everything), (IPV4.bob, guard("bob", BOB)), (CAROLS, guard("carol", CAROL)))
    assert met(vpc, "bob", "192.168.9.9", IPV4.alice, TCP(sport=4022, dport=80, flags="S")) == "eni_forwarded"
    assert met(vpc, "bob", CAROLS, IPV4.alice, TCP(sport=4022, dport=80, flags="S")) == "security_group_egress"
