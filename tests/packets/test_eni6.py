"""The VPC router with IPv6: what eni.bpf.c does with what enters a port, judged from the boxes around it."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrDestOpt,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.syscalls import inside
from opengwlb.model.plane import EniEntry, EniRole, Plane
from opengwlb.model.topology import PortRef, Program

from .boxes import Boxes, Programs, arrived
from .harness import End, eventually, listens, process, run

ALICES_NET, BOBS_NET, NARROW_NET = "2001:db8:0:101::/64", "2001:db8:0:102::/64", "2001:db8:0:103::/64"
ALICE, BOB, CLIENT = "2001:db8:0:101::10", "2001:db8:0:102::20", "2001:db8:ffff::9"
ROUTER, LINK_LOCAL = "2001:db8:0:101::1", "fe80::1"
UDP_SEGMENT = 103
DELIVERY, ALICES, BOBS, ENDPOINTS, EDGE = 900, 1000, 1001, 1002, 1003
LAST_RESORT = ("unreachable", "default", "metric", "4278198272")
LOCAL = ("throw", "2001:db8:0:100::/56")

ROUTES: dict[int, tuple[tuple[str, ...], ...]] = {
    DELIVERY: ((f"{ALICE}/128", "dev", "alice"), (f"{BOB}/128", "dev", "bob"), LAST_RESORT),
    ALICES: (
        LOCAL,
        ("2001:db8:0:104::/64", "dev", "vpce"),
        ("default", "dev", "igw"),
        ("2001:db8:a::/48", "dev", "vpce"),
        ("2001:db8:a:8000::/49", "dev", "bob"),
        ("2001:db8:b::/48", "dev", "narrow"),
        ("2001:db8:c::/48", "dev", "unknown"),
        ("blackhole", "2001:db8:d::/48"),
        LAST_RESORT,
    ),
    BOBS: (LOCAL, LAST_RESORT),
    ENDPOINTS: (LOCAL, ("default", "dev", "igw"), LAST_RESORT),
    EDGE: (LOCAL, (ALICES_NET, "dev", "vpce"), LAST_RESORT),
}
"""`ip -6 route add` per table. `unknown` is a device that no program and no configuration knows."""


class Vpc6:
    """A router with five ports and the boxes behind them; only IPv6 is given out."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        self.router = boxes.box("k3-router", forwards=True)
        self._speak(self.router, "forwarding=1", "addr_gen_mode=1")
        run("sysctl", "-qw", "net.ipv6.fwmark_reflect=1", "net.ipv6.conf.all.forwarding=1", box=self.router)
        self.inner: dict[str, End] = {}
        """Router's ends."""
        self.outer: dict[str, End] = {}
        for name in ("alice", "bob", "igw", "vpce", "narrow", "unknown"):
            box = boxes.box(f"k3-{name}")
            if name in ("alice", "bob"):
                # No link-local address either: what these boxes say is what a test makes them say.
                self._speak(box, "addr_gen_mode=1")
            self.inner[name], self.outer[name] = boxes.wire(self.router, name, box, "eth0")
        run("ip", "link", "set", "narrow", "mtu", "1500", box=self.router)
        for table, routes in ROUTES.items():
            for route in routes:
                run("ip", "-6", "route", "add", *route, "table", str(table), box=self.router)
            if table != DELIVERY:
                mark = ("priority", str(table), "fwmark", str(table), "table", str(table))
                run("ip", "-6", "rule", "add", *mark, box=self.router)
        run("ip", "-6", "rule", "add", "priority", "32000", "table", str(DELIVERY), box=self.router)
        self.entries = [
            self._port("alice", role=EniRole.ENI, table=ALICES, subnet=ALICES_NET, address=ALICE),
            self._port("bob", role=EniRole.ENI, table=BOBS, subnet=BOBS_NET, address=BOB),
            self._port("igw", role=EniRole.IGW, table=EDGE),
            self._port("vpce", role=EniRole.ENDPOINT, table=ENDPOINTS, subnet=ALICES_NET),
            self._port("narrow", role=EniRole.ENDPOINT, table=ENDPOINTS, subnet=NARROW_NET),
        ]
        programs.apply(Plane(enis={entry.port: entry for entry in self.entries}), self.inner.values())

    def _speak(self, box: str, *more: str) -> None:
        settings = ("disable_ipv6=0", "accept_dad=0", "accept_ra=0", *more)
        run("sysctl", "-qw", *(f"net.ipv6.conf.default.{each}" for each in settings), box=box)
        run("sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0", box=box)

    def _port(
        self, name: str, *, role: EniRole, table: int, subnet: str | None = None, address: str | None = None
    ) -> EniEntry:
        """Attaches the program and numbers both ends; what the program must know."""
        end = self.inner[name]
        self.programs.attach(Program.ENI, end)
        if subnet is not None and address is not None:
            gateway = subnet.replace("::/64", "::1")
            run("ip", "address", "add", f"{gateway}/128", "dev", name, "nodad", box=self.router)
            run("ip", "neighbour", "add", address, "lladdr", self.outer[name].mac, "dev", name, box=self.router)
            run("ip", "address", "add", f"{address}/64", "dev", "eth0", "nodad", box=self.outer[name].box)
            run("ip", "-6", "route", "add", "default", "via", gateway, "dev", "eth0", box=self.outer[name].box)
        return EniEntry(
            port=PortRef(self.router, name),
            role=role,
            table=table,
            delivery=DELIVERY,
            ipv6=True,
            subnet6=subnet,
            addresses6=(address,) if address else (),
            source_dest_check=role is EniRole.ENI,
            mac=end.mac,
            peer_mac=self.outer[name].mac,
        )

    def frame(self, port: str, *, source: str = ALICE, to: str = BOB, hops: int = 64) -> Packet:
        return Ether(src=self.outer[port].mac, dst=self.inner[port].mac) / IPv6(src=source, dst=to, hlim=hops, fl=7)

    def question(self, asked: str, *, source: str = ALICE, hops: int = 255, code: int = 0) -> Packet:
        """A neighbour solicitation as a kernel sends it, with the option that DAD does not have."""
        mine = self.outer["alice"].mac
        group = f"ff02::1:ff{int(asked.rsplit(':', 1)[-1] or '0', 16) & 0xFFFF:06x}"
        group = group[:-4] + ":" + group[-4:]
        asking = Ether(src=mine, dst="33:33:ff:00:00:01") / IPv6(src=source, dst=group, hlim=hops)
        asking /= ICMPv6ND_NS(tgt=asked, code=code)
        return asking if source == "::" else asking / ICMPv6NDOptSrcLLAddr(lladdr=mine)


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc6]:
    boxes = Boxes(first_ifindex=0x53000)
    programs = Programs(tmp_path_factory.mktemp("eni6"))
    try:
        made = Vpc6(boxes, programs)
        quiet(made)
        yield made
    finally:
        programs.close()
        boxes.close()


def quiet(vpc: Vpc6) -> None:
    """Waits until the kernels have said what they say about multicast when their links come up."""
    last, since = vpc.programs.counters(), time.monotonic()
    while time.monotonic() - since < 1.5:
        time.sleep(0.05)
        now = vpc.programs.counters()
        if now != last:
            last, since = now, time.monotonic()


def settled(vpc: Vpc6, before: dict[tuple[int, str], int], *, rows: int = 1) -> dict[tuple[str, str], int]:
    """What was counted since `before`, once `rows` packets were."""
    names = {end.ifindex: name for name, end in vpc.inner.items()}
    grown: dict[tuple[str, str], int] = {}

    def enough() -> bool:
        now = vpc.programs.counters()
        grown.clear()
        grown.update(
            {(names[key[0]], key[1]): now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)}
        )
        return sum(grown.values()) >= rows

    with contextlib.suppress(AssertionError):
        eventually(enough, "", within_s=3)
    return grown


def verdict_of(vpc: Vpc6, port: str, frame: Packet | bytes) -> dict[tuple[str, str], int]:
    """Everything that was counted, at any port, for a frame that no one answers."""
    before = vpc.programs.counters()
    vpc.outer[port].send(frame)
    return settled(vpc, before)


def verdict_at(vpc: Vpc6, port: str, frame: Packet | bytes) -> dict[str, int]:
    """What the port counted for a frame that a box beyond may answer."""
    return {verdict: grown for (at, verdict), grown in verdict_of(vpc, port, frame).items() if at == port}


def test_a_packet_to_another_subnet_is_routed_with_hop_limit_and_macs_rewritten_and_nothing_else(vpc: Vpc6) -> None:
    frame = vpc.frame("alice") / UDP(sport=1000, dport=9) / Raw(b"hello")
    with vpc.outer["bob"].opened() as raw:
        assert verdict_at(vpc, "alice", frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: UDP in packet)
    expected = Ether(bytes(frame))
    expected[Ether].src, expected[Ether].dst = vpc.inner["bob"].mac, vpc.outer["bob"].mac
    expected[IPv6].hlim = 63
    assert bytes(got) == bytes(expected)


@pytest.mark.parametrize(
    ("entering", "source", "to", "leaving"),
    [
        pytest.param("alice", ALICE, "2001:db8:e::1", "igw", id="the default route leads to the internet gateway"),
        pytest.param("alice", ALICE, "2001:db8:a::9", "vpce", id="the longest prefix wins over the default route"),
        pytest.param("alice", ALICE, "2001:db8:0:104::7", "vpce", id="a route more specific than local wins over it"),
        pytest.param("alice", ALICE, BOB, "bob", id="local traffic is delivered by host routes"),
        pytest.param("igw", CLIENT, ALICE, "vpce", id="the edge table sends the application's subnet to the endpoint"),
        pytest.param("igw", CLIENT, BOB, "bob", id="the edge table leaves other subnets local"),
        pytest.param("vpce", CLIENT, ALICE, "alice", id="after inspection the endpoint's own subnet is next door"),
        pytest.param("vpce", ALICE, CLIENT, "igw", id="after inspection the endpoint's table sends replies out"),
        pytest.param("vpce", CLIENT, BOB, "bob", id="an endpoint delivers to other subnets"),
    ],
)
def test_the_route_table_of_the_port_decides(vpc: Vpc6, entering: str, source: str, to: str, leaving: str) -> None:
    frame = vpc.frame(entering, source=source, to=to) / TCP(dport=80)
    with vpc.outer[leaving].opened() as raw:
        assert verdict_at(vpc, entering, frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: IPv6 in packet and packet[IPv6].dst == to and packet[IPv6].src == source)
    assert (got[IPv6].hlim, got.src, got.dst) == (63, vpc.inner[leaving].mac, vpc.outer[leaving].mac)


def test_extension_headers_are_carried(vpc: Vpc6) -> None:
    frame = vpc.frame("alice") / IPv6ExtHdrDestOpt() / UDP() / Raw(b"x")
    with vpc.outer["bob"].opened() as raw:
        assert verdict_at(vpc, "alice", frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: IPv6ExtHdrDestOpt in packet)
    assert bytes(got)[54:] == bytes(frame)[54:]


DROPS = [
    ("malformed", "alice", lambda v: v.frame("alice") / UDP() / Raw(b"x"), {"version": 5}, "another IP version"),
    ("malformed", "alice", lambda v: v.frame("alice") / UDP() / Raw(b"x"), {"plen": 2000}, "a length beyond the frame"),
    ("source_check", "alice", lambda v: v.frame("alice", source="2001:db8:0:101::11") / UDP(), {}, "a foreign source"),
    ("dest_check", "alice", lambda v: v.frame("alice", to="2001:db8:a:8000::2") / UDP(), {}, "a stranger to an ENI"),
    ("ttl_exceeded", "alice", lambda v: v.frame("alice", hops=1) / UDP(), {}, "hop limit 1"),
    ("ttl_exceeded", "alice", lambda v: v.frame("alice", hops=0) / UDP(), {}, "hop limit 0"),
    ("no_route", "bob", lambda v: v.frame("bob", source=BOB, to="2001:db8:e::1") / UDP(), {}, "no default route"),
    ("route_blackhole", "alice", lambda v: v.frame("alice", to="2001:db8:d::5") / UDP(), {}, "a blackhole route"),
    ("no_such_address", "alice", lambda v: v.frame("alice", to="2001:db8:0:102::21") / UDP(), {}, "nobody elsewhere"),
    ("no_such_address", "alice", lambda v: v.frame("alice", to="2001:db8:0:101::99") / UDP(), {}, "nobody next door"),
    (
        "mtu_exceeded",
        "alice",
        lambda v: v.frame("alice", to="2001:db8:b::1") / UDP() / Raw(bytes(1453)),
        {},
        "1501 bytes",
    ),
    ("not_unicast", "alice", lambda v: v.frame("alice", to="ff02::1") / UDP(), {}, "multicast"),
    ("not_unicast", "alice", lambda v: v.frame("alice", to="fe80::2") / UDP(), {}, "to a link-local address"),
    ("not_unicast", "alice", lambda v: v.frame("alice", source="fe80::2") / UDP(), {}, "from a link-local address"),
    ("not_unicast", "alice", lambda v: v.frame("alice", to="::1") / UDP(), {}, "loopback"),
    ("not_unicast", "alice", lambda v: v.frame("alice", source="::") / UDP(), {}, "no source"),
    ("not_unicast", "alice", lambda v: v.frame("alice", to="::ffff:10.0.0.1") / UDP(), {}, "IPv4 in disguise"),
    ("eni_not_configured", "alice", lambda v: v.frame("alice", to="2001:db8:c::1") / UDP(), {}, "an unknown port"),
    ("neighbour_unanswered", "alice", lambda v: v.question("2001:db8:0:102::20"), {}, "asked for another subnet"),
    ("neighbour_unanswered", "alice", lambda v: v.question("fe80::77"), {}, "asked for a stranger's link-local"),
    ("neighbour_unanswered", "alice", lambda v: v.question(ALICE, source="::"), {}, "a probe for the own address"),
    ("neighbour_unanswered", "alice", lambda v: v.question(ROUTER, hops=254), {}, "asked from beyond a router"),
    ("neighbour_unanswered", "alice", lambda v: v.question(ROUTER, code=1), {}, "an unknown code"),
    (
        "neighbour_unanswered",
        "alice",
        lambda v: v.frame("alice", to="ff02::2", hops=255) / ICMPv6ND_RS(),
        {},
        "a router solicitation",
    ),
    (
        "neighbour_unanswered",
        "alice",
        lambda v: v.frame("alice", to="ff02::1", hops=255) / ICMPv6ND_NA(tgt=ALICE),
        {},
        "an advertisement",
    ),
    ("neighbour_unanswered", "igw", lambda v: v.question(ALICE), {}, "asked from the internet gateway"),
]


@pytest.mark.parametrize(
    ("verdict", "port", "build", "fields", "why"), DROPS, ids=[f"{row[0]}: {row[4]}" for row in DROPS]
)
def test_one_crafted_packet_counts_its_verdict_and_no_other(
    vpc: Vpc6, verdict: str, port: str, build: Callable[[Vpc6], Packet], fields: dict[str, int], why: str
) -> None:
    frame = build(vpc)
    for field, value in fields.items():
        setattr(frame[IPv6], field, value)
    assert verdict_of(vpc, port, frame) == {(port, verdict): 1}


def test_a_runt_without_a_whole_header_is_malformed(vpc: Vpc6) -> None:
    assert verdict_of(vpc, "alice", bytes(vpc.frame("alice") / UDP())[:50]) == {("alice", "malformed"): 1}


def test_a_port_with_forwarding_off_counts_a_look_up_error(vpc: Vpc6) -> None:
    run("sysctl", "-qw", "net.ipv6.conf.alice.forwarding=0", box=vpc.router)
    try:
        assert verdict_of(vpc, "alice", vpc.frame("alice") / UDP()) == {("alice", "fib_error"): 1}
    finally:
        run("sysctl", "-qw", "net.ipv6.conf.alice.forwarding=1", box=vpc.router)
        quiet(vpc)


@pytest.mark.parametrize("asked", [ROUTER, "2001:db8:0:101::2", "2001:db8:0:101::ffff", LINK_LOCAL])
def test_every_address_of_the_subnet_has_the_routers_mac(vpc: Vpc6, asked: str) -> None:
    mine = vpc.outer["alice"].mac
    with vpc.outer["alice"].opened() as raw:
        assert verdict_of(vpc, "alice", vpc.question(asked)) == {("alice", "neighbour_answered"): 1}
        got = arrived(raw, lambda packet: ICMPv6ND_NA in packet)
    assert (got.src, got.dst, got[IPv6].src, got[IPv6].dst) == (vpc.inner["alice"].mac, mine, asked, ALICE)
    answer = got[ICMPv6ND_NA]
    assert (answer.tgt, answer.S, answer.O, answer.R) == (asked, 1, 1, int(asked in (ROUTER, LINK_LOCAL)))
    assert answer[ICMPv6NDOptDstLLAddr].lladdr == vpc.inner["alice"].mac
    again = Ether(bytes(got))
    del again[ICMPv6ND_NA].cksum
    assert bytes(Ether(bytes(again))) == bytes(got), "checksum"


def test_a_question_is_counted_as_long_as_it_was_asked_not_as_its_answer_is(vpc: Vpc6) -> None:
    def size() -> int:
        return vpc.programs.sizes()[vpc.inner["alice"].ifindex, "neighbour_answered"]

    question = vpc.question("2001:db8:0:101::77", source="::")
    verdict_of(vpc, "alice", question)
    before = size()
    assert verdict_of(vpc, "alice", question) == {("alice", "neighbour_answered"): 1}
    assert size() - before == len(bytes(question)) - 14


def test_who_probes_for_an_address_that_is_not_its_own_learns_that_it_is_taken(vpc: Vpc6) -> None:
    with vpc.outer["alice"].opened() as raw:
        frame = vpc.question("2001:db8:0:101::77", source="::")
        assert verdict_of(vpc, "alice", frame) == {("alice", "neighbour_answered"): 1}
        got = arrived(raw, lambda packet: ICMPv6ND_NA in packet)
    assert (got.dst, got[IPv6].dst, got[ICMPv6ND_NA].S) == ("33:33:00:00:00:01", "ff02::1", 0)


def test_a_kernel_with_duplicate_address_detection_keeps_its_own_address_and_gives_up_another(vpc: Vpc6) -> None:
    box = vpc.outer["bob"].box
    run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1", "net.ipv6.conf.eth0.dad_transmits=1", box=box)
    run("ip", "address", "del", f"{BOB}/64", "dev", "eth0", box=box)
    try:
        for address in (BOB, "2001:db8:0:102::21"):
            run("ip", "address", "add", f"{address}/64", "dev", "eth0", box=box)
        shown = {}

        def decided() -> bool:
            for line in run(
                "ip", "-o", "-6", "address", "show", "dev", "eth0", "scope", "global", box=box
            ).splitlines():
                shown[line.split()[3]] = line
            return len(shown) == 2 and not any(
                "tentative" in line and "dadfailed" not in line for line in shown.values()
            )

        eventually(decided, "the kernel has probed", within_s=5)
        assert "dadfailed" not in shown[f"{BOB}/64"]
        assert "dadfailed" in shown["2001:db8:0:102::21/64"]
    finally:
        run("ip", "-6", "address", "flush", "dev", "eth0", "scope", "global", box=box)
        run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0", box=box)
        run("ip", "address", "add", f"{BOB}/64", "dev", "eth0", "nodad", box=box)
        run("ip", "-6", "route", "replace", "default", "via", "2001:db8:0:102::1", "dev", "eth0", box=box)
        quiet(vpc)


def test_the_router_itself_answers_a_ping(vpc: Vpc6) -> None:
    before = vpc.programs.counters()
    run("ping", "-6", "-c", "1", "-W", "2", ROUTER, box=vpc.outer["alice"].box)
    assert settled(vpc, before).get(("alice", "to_router")) == 1


def test_a_sender_learns_where_its_hop_limit_ran_out(vpc: Vpc6) -> None:
    with vpc.outer["alice"].opened() as raw:
        frame = vpc.frame("alice", hops=1) / UDP(dport=33434)
        assert verdict_of(vpc, "alice", frame) == {("alice", "ttl_exceeded"): 1}
        got = arrived(raw, lambda packet: ICMPv6TimeExceeded in packet)
    assert (got[ICMPv6TimeExceeded].code, got[IPv6].src, got[IPv6].dst) == (0, ROUTER, ALICE)


def frames_into(vpc: Vpc6, port: str) -> int:
    """Super-packets count once."""
    (device,) = json.loads(run("ip", "-s", "-j", "link", "show", port, box=vpc.router))
    return int(device["stats64"]["rx"]["packets"])


def test_traffic_between_hosts_never_enters_the_stack_and_stays_in_super_packets(vpc: Vpc6) -> None:
    alice, bob = vpc.outer["alice"].box, vpc.outer["bob"].box
    run("ping", "-6", "-c", "1", "-W", "2", BOB, box=alice)
    before, frames = vpc.programs.counters(), frames_into(vpc, "alice")
    with process("iperf3", "-s", "-1", box=bob, ready=lambda: listens(bob, 5201)):
        run("iperf3", "-6", "-c", BOB, "-n", "200M", box=alice)
    grown = settled(vpc, before)
    frames = frames_into(vpc, "alice") - frames
    handed_over = {"to_router", "ttl_exceeded"}
    assert not handed_over & {verdict for _, verdict in grown}
    assert grown["alice", "eni_forwarded"] > 150 * 2**20 / 8941  # iperf3 leaves its last socket buffer unsent
    assert grown["alice", "eni_forwarded"] > 3 * frames, "segments per frame: super-packets were cut"


def test_udp_super_packets_between_hosts_arrive_as_their_datagrams(vpc: Vpc6) -> None:
    """As QUIC sends, the last datagram shorter."""
    before = frames_into(vpc, "alice")
    with inside(vpc.outer["bob"].netns):
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with inside(vpc.outer["alice"].netns):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((BOB, 7000))
        receiver.settimeout(2)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        data = [bytes([i]) * (1200 if i < 39 else 17) for i in range(40)]
        sender.sendto(b"".join(data), (BOB, 7000))
        assert [receiver.recv(2000) for _ in data] == data
    assert frames_into(vpc, "alice") - before <= 2


def test_ipv6_of_a_vpc_without_it_is_dropped_by_its_name(vpc: Vpc6) -> None:
    without = [
        EniEntry(
            port=entry.port,
            role=entry.role,
            table=entry.table,
            delivery=DELIVERY,
            mac=entry.mac,
            peer_mac=entry.peer_mac,
        )
        for entry in vpc.entries
    ]
    vpc.programs.apply(Plane(enis={entry.port: entry for entry in without}), vpc.inner.values())
    try:
        for frame in (vpc.frame("alice") / UDP(), vpc.question(ROUTER)):
            assert verdict_of(vpc, "alice", frame) == {("alice", "ipv6_not_enabled"): 1}
    finally:
        vpc.programs.apply(Plane(enis={entry.port: entry for entry in vpc.entries}), vpc.inner.values())
