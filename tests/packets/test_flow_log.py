"""What eni.bpf.c records for flow logs, in both families: whose side, which flow, how much of it, and what is left out."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.layout import FLOW_LOG_SHARE
from opengwlb.dataplane.syscalls import inside
from opengwlb.model.flow_logs import FlowCount, FlowKey
from opengwlb.model.plane import Guard
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry
from opengwlb.policy.rules import compile_acl

from .harness import eventually, iperf_gbits
from .test_security_groups import ALL_OUT, guards
from .testrun import Run
from .vpc import FAMILIES, IPV4, IPV6, RESOLVER, Family, Vpc, built

families = pytest.mark.parametrize("family", FAMILIES, ids=str)


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    """A flow log covers alice and bob."""
    for one in built(tmp_path_factory.mktemp("flowlog"), first_ifindex=0x5A000, prefix="flog-"):
        cover(one, "alice", "bob")
        yield one


def cover(vpc: Vpc, *ports: str) -> None:
    vpc.entries = [replace(entry, flow_log=entry.port.device in ports) for entry in vpc.entries]
    vpc.say(vpc.entries)


def drained(vpc: Vpc) -> dict[FlowKey, FlowCount]:
    """What was recorded since the last time. One round: no key comes twice."""
    records = vpc.programs.flow_records()
    found = list(records.before(records.turn(now=time.time())))
    records.forget([one.raw for one in found])
    assert len({one.key for one in found}) == len(found)
    return {one.key: one.count for one in found}


def seen(vpc: Vpc, *frames: Packet, port: str = "alice") -> dict[tuple[str, str, str], tuple[FlowKey, FlowCount]]:
    """(port, direction, action) -> the only record that these frames made there; whatever answers them is left out."""
    drained(vpc)
    before = vpc.programs.counters()
    vpc.outer[port].send(*frames)
    vpc.settled(before, rows=len(frames))
    names = {end.ifindex: name for name, end in vpc.inner.items()}
    found: dict[tuple[str, str, str], tuple[FlowKey, FlowCount]] = {}
    for key, count in drained(vpc).items():
        if key.source == IPV4.bob or key.source == IPV6.bob:
            continue
        place = (names[key.ifindex], key.direction, key.action)
        assert place not in found
        found[place] = key, count
    return found


@families
def test_a_packet_is_recorded_by_its_sender_and_by_its_receiver(vpc: Vpc, family: Family) -> None:
    frame = vpc.frame(family, "alice") / UDP(sport=4000, dport=53) / Raw(bytes(100))
    start = time.time()
    found = seen(vpc, frame, frame, frame)
    assert set(found) == {("alice", "egress", "ACCEPT"), ("bob", "ingress", "ACCEPT")}
    for (port, direction, _), (key, count) in found.items():
        assert key == FlowKey(
            ifindex=vpc.inner[port].ifindex,
            direction=direction,  # type: ignore[arg-type]  # of the two that it can be
            action="ACCEPT",
            family=4 if family is IPV4 else 6,
            source=family.alice,
            destination=family.bob,
            source_port=4000,
            destination_port=53,
            protocol=17,
        )
        assert (count.packets, count.bytes) == (3, 3 * (family.smallest + 8 + 100))
        assert count.tcp_flags == 0
        assert start - 0.1 <= count.first_s <= count.last_s <= time.time() + 0.1


FLAGS = [
    ("S", 2),
    ("SA", 18),
    ("A", 0),
    ("PA", 0),
    ("FA", 1),
    ("F", 1),
    ("R", 4),
    ("RA", 4),
    ("SE", 2),
    ("SF", 3),
    ("U", 0),
]


@families
@pytest.mark.parametrize(("flags", "number"), FLAGS)
def test_tcp_flags_are_those_that_aws_knows(vpc: Vpc, family: Family, flags: str, number: int) -> None:
    found = seen(vpc, vpc.frame(family, "alice") / TCP(sport=4001, dport=81, flags=flags))
    assert {count.tcp_flags for _, count in found.values()} == {number}


def test_the_flags_of_all_its_packets_are_told_together(vpc: Vpc) -> None:
    frames = [vpc.frame(IPV4, "alice") / TCP(sport=4002, dport=81, flags=flags) for flags in ("SA", "A", "PA", "FA")]
    assert seen(vpc, *frames)["bob", "ingress", "ACCEPT"][1].tcp_flags == 19


@families
def test_other_protocols_have_no_ports(vpc: Vpc, family: Family) -> None:
    body = ICMP(id=7) if family is IPV4 else Raw(bytes(8))
    frame = vpc.frame(family, "alice") / body
    if family is IPV6:
        frame[IPv6].nh = 99
    key, count = seen(vpc, frame)["alice", "egress", "ACCEPT"]
    assert (key.protocol, key.source_port, key.destination_port) == (1 if family is IPV4 else 99, 0, 0)
    assert count.tcp_flags == 0


@families
@pytest.mark.parametrize(("to", "path"), [("bob", 1), ("longer prefix", 1), ("internet", 8), ("blackhole", 0)])
def test_the_path_is_the_one_that_the_route_took(vpc: Vpc, family: Family, to: str, path: int) -> None:
    """What has no route was accepted all the same: neither group nor ACL refused it."""
    found = seen(vpc, vpc.frame(family, "alice", to=to) / UDP(sport=4003, dport=9))
    assert found["alice", "egress", "ACCEPT"][1].path == path
    assert set(found) - {("alice", "egress", "ACCEPT")} == ({("bob", "ingress", "ACCEPT")} if to == "bob" else set())


def test_a_packet_that_the_receivers_address_check_drops_is_no_record_of_the_receiver(vpc: Vpc) -> None:
    found = seen(vpc, vpc.frame(IPV4, "alice", to="checked") / UDP(sport=4004, dport=9))
    assert set(found) == {("alice", "egress", "ACCEPT")}


@pytest.fixture
def guarded(vpc: Vpc) -> Iterator[Vpc]:
    yield vpc
    vpc.say(vpc.entries)


@families
def test_what_a_group_refuses_is_rejected_on_the_side_whose_group_it_is(guarded: Vpc, family: Family) -> None:
    frame = guarded.frame(family, "alice") / TCP(sport=4010, dport=443, flags="S")
    guards(guarded, alice=ALL_OUT, bob=ALL_OUT)
    found = seen(guarded, frame, frame)
    assert set(found) == {("alice", "egress", "ACCEPT"), ("bob", "ingress", "REJECT")}
    for key, count in found.values():
        assert (key.source, key.destination, key.destination_port) == (family.alice, family.bob, 443)
        assert (count.packets, count.tcp_flags) == (2, 2)
    guards(guarded, alice=(), bob=ALL_OUT)
    new = guarded.frame(family, "alice") / TCP(sport=4013, dport=443, flags="S")  # the other one is remembered
    assert set(seen(guarded, new)) == {("alice", "egress", "REJECT")}


@families
@pytest.mark.parametrize("egress", [True, False], ids=["outbound", "inbound"])
def test_what_a_network_acl_denies_is_rejected_at_the_interface_of_its_subnet(
    guarded: Vpc, family: Family, egress: bool
) -> None:
    everything = tuple(
        NetworkAclEntry(number=100 + number, egress=out, allow=out is not egress, protocol="-1", cidr=cidr)
        for number, (out, cidr) in enumerate(product((True, False), ("0.0.0.0/0", "::/0")))
    )
    acl = compile_acl(NetworkAcl(id="acl-1", account="1", region="r", vpc="vpc-1", entries=everything))
    where = "alice" if egress else "bob"
    guard = Guard(interface=where, owner=1, vpc=1, acl=acl, guards4=True, guards6=True, guards_other=True)
    guarded.say([replace(one, guard=guard if one.port.device == where else None) for one in guarded.entries])
    found = seen(guarded, guarded.frame(family, "alice") / UDP(sport=4014, dport=9))
    denied = ("alice", "egress", "REJECT") if egress else ("bob", "ingress", "REJECT")
    assert set(found) == ({denied} if egress else {("alice", "egress", "ACCEPT"), denied})


@families
def test_answers_of_an_allowed_flow_are_accepted_as_the_group_remembers_it(guarded: Vpc, family: Family) -> None:
    guards(guarded, alice=ALL_OUT)
    seen(guarded, guarded.frame(family, "alice") / TCP(sport=4011, dport=80, flags="S"))
    drained(guarded)
    for port, action in ((4011, "ACCEPT"), (4012, "REJECT")):
        frame = guarded.frame(family, "bob", source="bob", to="alice") / TCP(sport=80, dport=port, flags="SA")
        guarded.verdict_at("bob", frame)
        mine = {(key.direction, key.action) for key in drained(guarded) if key.destination_port == port}
        assert mine == {("egress", "ACCEPT"), ("ingress", action)}


def left_out(vpc: Vpc) -> dict[str, Packet]:
    alice, broadcast = IPV4.alice, "ff:ff:ff:ff:ff:ff"
    own = Ether(src=vpc.outer["alice"].mac, dst=vpc.inner["alice"].mac)
    to_all = Ether(src=vpc.outer["alice"].mac, dst=broadcast)
    ask = UDP(sport=4005, dport=53)
    return {
        "ARP": to_all / ARP(op=1, hwsrc=vpc.outer["alice"].mac, psrc=alice, pdst="10.0.1.1"),
        "DHCP": to_all / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / BOOTP() / DHCP(),
        "the name server": own / IP(src=alice, dst=RESOLVER) / ask,
        "the name server's other address": own / IP(src=alice, dst="169.254.169.253") / ask,
        "instance metadata": own / IP(src=alice, dst="169.254.169.254") / TCP(sport=4005, dport=80, flags="S"),
        "the router": own / IP(src=alice, dst=IPV4.router) / ICMP(),
        "the router, by IPv6": own / IPv6(src=IPV6.alice, dst=IPV6.router) / UDP(sport=4005, dport=9),
        "multicast": own / IP(src=alice, dst="224.0.0.5") / UDP(),
        "neighbour discovery": own / IPv6(src=IPV6.alice, dst=IPV6.router) / ICMPv6ND_NS(tgt=IPV6.router),
        "an address of someone else": own / IP(src=IPV4.stranger, dst=IPV4.bob) / UDP(),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("ARP", "DHCP", "the name server", "the name server's other address", "instance metadata", "the router"),
        *("the router, by IPv6", "multicast", "neighbour discovery", "an address of someone else"),
    ],
)
def test_what_aws_does_not_log_is_not_recorded(vpc: Vpc, what: str) -> None:
    assert seen(vpc, left_out(vpc)[what]) == {}


def test_only_interfaces_that_a_flow_log_covers_are_recorded(vpc: Vpc) -> None:
    frame = vpc.frame(IPV4, "alice") / UDP(sport=4006, dport=9)
    try:
        cover(vpc, "bob")
        assert set(seen(vpc, frame)) == {("bob", "ingress", "ACCEPT")}
        cover(vpc)
        assert seen(vpc, frame) == {}
        cover(vpc, "vpce")
        to_endpoint = vpc.frame(IPV4, "alice", to="longer prefix") / UDP(sport=4006, dport=9)
        assert set(seen(vpc, to_endpoint)) == {("vpce", "ingress", "ACCEPT")}
    finally:
        cover(vpc, "alice", "bob")


@families
def test_a_packet_whose_hops_ran_out_left_its_interface(vpc: Vpc, family: Family) -> None:
    found = seen(vpc, vpc.frame(family, "alice", hops=1) / UDP(sport=4007, dport=9))
    assert set(found) == {("alice", "egress", "ACCEPT")}


def test_bulk_counts_as_the_interfaces_own_counters_do(vpc: Vpc) -> None:
    """Super-packets count as their segments in both."""
    drained(vpc)
    names = {end.ifindex: name for name, end in vpc.inner.items()}
    packets, sizes = vpc.programs.counters(), vpc.programs.sizes()
    iperf_gbits(vpc.outer["alice"].box, vpc.outer["bob"].box, IPV4.bob, seconds=1)

    def is_quiet() -> bool:
        first = vpc.programs.counters()
        time.sleep(0.1)
        return first == vpc.programs.counters()

    eventually(is_quiet, "the connections end")
    recorded: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for key, count in drained(vpc).items():
        row = recorded[names[key.ifindex], key.direction]
        row[0], row[1] = row[0] + count.packets, row[1] + count.bytes
    for port, far in (("alice", "bob"), ("bob", "alice")):
        place = (vpc.inner[port].ifindex, "eni_forwarded")
        counted = [
            vpc.programs.counters()[place] - packets.get(place, 0),
            vpc.programs.sizes()[place] - sizes.get(place, 0),
        ]
        assert recorded[port, "egress"] == counted == recorded[far, "ingress"]
    assert recorded["alice", "egress"][0] > 1000


def test_nothing_that_comes_while_records_are_taken_is_lost_or_told_twice(vpc: Vpc) -> None:
    drained(vpc)
    sent, rounds, total, alice = 20_000, 0, 0, vpc.inner["alice"].ifindex
    frames = [bytes(vpc.frame(IPV4, "alice") / UDP(sport=5000 + number, dport=9)) for number in range(20)]

    def send() -> None:
        for _ in range(sent // len(frames)):
            vpc.outer["alice"].send(*frames)

    before = vpc.programs.counters()
    sender = threading.Thread(target=send)
    sender.start()

    def take() -> int:
        return sum(
            count.packets for key, count in drained(vpc).items() if key.ifindex == alice and key.direction == "egress"
        )

    while sender.is_alive():
        rounds, total = rounds + 1, total + take()
    place = (alice, "eni_forwarded")
    eventually(lambda: vpc.programs.counters()[place] - before.get(place, 0) == sent, "all are forwarded")
    assert total + take() == sent
    assert rounds > 3


def test_a_port_that_has_had_its_share_loses_records_and_says_how_many_and_others_do_not(vpc: Vpc) -> None:
    drained(vpc)
    records = vpc.programs.flow_records()
    alice, bob = vpc.inner["alice"], vpc.inner["bob"]
    before = records.lost()
    cover(vpc, "alice")
    try:
        with inside(alice.netns):
            frame = bytearray(bytes(vpc.frame(IPV4, "alice", to="internet") / UDP(sport=0, dport=7)))
            for number in range(FLOW_LOG_SHARE + 100):
                frame[34:36] = (number & 0xFFFF).to_bytes(2, "big")
                Run(vpc.programs.program("eni"), bytes(frame), ifindex=alice.ifindex)()
    finally:
        cover(vpc, "alice", "bob")
    lost = records.lost()
    assert lost[alice.ifindex] - before.get(alice.ifindex, 0) == 100
    back = vpc.frame(IPV4, "bob", source="bob", to="alice") / UDP(sport=4008, dport=9)
    vpc.outer["bob"].send(back)
    eventually(lambda: any(key.ifindex == bob.ifindex for key in _now(vpc)), "bob's is recorded")
    assert records.lost().get(bob.ifindex, 0) == before.get(bob.ifindex, 0)
    assert (
        len([key for key in drained(vpc) if key.ifindex == alice.ifindex and key.direction == "egress"])
        == FLOW_LOG_SHARE
    )
    # A new round, a new share.
    assert ("alice", "egress", "ACCEPT") in seen(vpc, vpc.frame(IPV4, "alice") / UDP(sport=4009, dport=9))


def _now(vpc: Vpc) -> list[FlowKey]:
    return [one.key for one in vpc.programs.flow_records().before(1 << 32)]


def test_what_was_lost_at_a_port_that_is_gone_is_forgotten(vpc: Vpc) -> None:
    records = vpc.programs.flow_records()
    assert vpc.inner["alice"].ifindex in records.lost()
    records.prune({vpc.inner["bob"].ifindex})
    assert vpc.inner["alice"].ifindex not in records.lost()
