"""The VPC router: what eni.bpf.c does with what enters a port, judged from the boxes around it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

from opengwlb.model.plane import EniEntry, EniRole, Plane
from opengwlb.model.topology import PortRef, Program

from .boxes import Boxes, Programs, arrived, ip_counter
from .harness import End, run

ALICE, BOB, CLIENT = "10.0.1.10", "10.0.2.20", "198.51.100.9"
ROUTER, RESOLVER = "10.0.1.1", "10.0.0.2"
DELIVERY, ALICES, BOBS, ENDPOINTS, EDGE = 900, 1000, 1001, 1002, 1003
LAST_RESORT = ("unreachable", "default", "metric", "4278198272")

ROUTES: dict[int, tuple[tuple[str, ...], ...]] = {
    DELIVERY: ((f"{ALICE}/32", "dev", "alice"), (f"{BOB}/32", "dev", "bob"), LAST_RESORT),
    ALICES: (
        ("throw", "10.0.0.0/16"),
        ("10.0.2.64/26", "dev", "vpce"),
        ("default", "dev", "igw"),
        ("203.0.113.0/24", "dev", "vpce"),
        ("203.0.113.128/25", "dev", "bob"),
        ("198.18.1.0/24", "dev", "narrow"),
        ("198.18.2.0/24", "dev", "unknown"),
        ("blackhole", "192.0.2.0/24"),
        LAST_RESORT,
    ),
    BOBS: (("throw", "10.0.0.0/16"), LAST_RESORT),
    ENDPOINTS: (("throw", "10.0.0.0/16"), ("default", "dev", "igw"), LAST_RESORT),
    EDGE: (("throw", "10.0.0.0/16"), ("10.0.1.0/24", "dev", "vpce"), LAST_RESORT),
}
"""`ip route add` per table. `unknown` is a device that no program and no configuration knows."""


class Vpc:
    """A router with five ports and the boxes behind them."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        self.router = boxes.box("router", forwards=True)
        self.inner: dict[str, End] = {}
        """Router's ends."""
        self.outer: dict[str, End] = {}
        for name in ("alice", "bob", "igw", "vpce", "narrow", "unknown"):
            self.inner[name], self.outer[name] = boxes.wire(self.router, name, boxes.box(name), "eth0")
        run("ip", "link", "set", "narrow", "mtu", "1500", box=self.router)
        for table, routes in ROUTES.items():
            for route in routes:
                run("ip", "route", "add", *route, "table", str(table), box=self.router)
            if table != DELIVERY:
                run(
                    "ip",
                    "rule",
                    "add",
                    "priority",
                    str(table),
                    "fwmark",
                    str(table),
                    "table",
                    str(table),
                    box=self.router,
                )
        run("ip", "rule", "add", "priority", "32000", "table", str(DELIVERY), box=self.router)
        entries = [
            self._port("alice", role=EniRole.ENI, table=ALICES, subnet="10.0.1.0/24", address=ALICE),
            self._port("bob", role=EniRole.ENI, table=BOBS, subnet="10.0.2.0/24", address=BOB),
            self._port("igw", role=EniRole.IGW, table=EDGE),
            self._port("vpce", role=EniRole.ENDPOINT, table=ENDPOINTS, subnet="10.0.1.0/24"),
            self._port("narrow", role=EniRole.ENDPOINT, table=ENDPOINTS, subnet="10.0.3.0/24"),
        ]
        programs.apply(Plane(enis={entry.port: entry for entry in entries}), self.inner.values())

    def _port(
        self, name: str, *, role: EniRole, table: int, subnet: str | None = None, address: str | None = None
    ) -> EniEntry:
        """Attaches the program and numbers both ends; what the program must know."""
        end = self.inner[name]
        self.programs.attach(Program.ENI, end)
        if subnet is not None:
            gateway = str(IPv4Network(subnet).network_address + 1)
            run("ip", "address", "add", f"{gateway}/32", "dev", name, box=self.router)
        if address is not None:
            run("ip", "neighbour", "add", address, "lladdr", self.outer[name].mac, "dev", name, box=self.router)
            run("ip", "address", "add", f"{address}/24", "dev", "eth0", box=self.outer[name].box)
            run("ip", "route", "add", "default", "via", gateway, box=self.outer[name].box)
        return EniEntry(
            port=PortRef(self.router, name),
            role=role,
            table=table,
            delivery=DELIVERY,
            subnet=subnet,
            addresses=(address,) if address else (),
            source_dest_check=role is EniRole.ENI,
            resolver=None if name == "bob" else RESOLVER,
            mac=end.mac,
            peer_mac=self.outer[name].mac,
        )

    def frame(self, port: str, *, source: str = ALICE, to: str = BOB, ttl: int = 64) -> Packet:
        return Ether(src=self.outer[port].mac, dst=self.inner[port].mac) / IP(src=source, dst=to, ttl=ttl, id=7)


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    boxes = Boxes(first_ifindex=0x51000)
    programs = Programs(tmp_path_factory.mktemp("eni"))
    try:
        yield Vpc(boxes, programs)
    finally:
        programs.close()
        boxes.close()


def settled(vpc: Vpc, before: dict[tuple[int, str], int], *, rows: int = 1) -> dict[tuple[str, str], int]:
    """What was counted since `before`, once `rows` packets were."""
    names = {end.ifindex: name for name, end in vpc.inner.items()}
    deadline = time.monotonic() + 3
    while True:
        now = vpc.programs.counters()
        grown = {
            (names[key[0]], key[1]): now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)
        }
        if sum(grown.values()) >= rows or time.monotonic() > deadline:
            return grown
        time.sleep(0.01)


def verdict_of(vpc: Vpc, port: str, frame: Packet | bytes) -> dict[tuple[str, str], int]:
    """Everything that was counted, at any port, for a frame that no one answers."""
    before = vpc.programs.counters()
    vpc.outer[port].send(frame)
    return settled(vpc, before)


def verdict_at(vpc: Vpc, port: str, frame: Packet | bytes) -> dict[str, int]:
    """What the port counted for a frame that a box beyond may answer."""
    return {verdict: grown for (at, verdict), grown in verdict_of(vpc, port, frame).items() if at == port}


def test_a_packet_to_another_subnet_is_routed_with_ttl_and_macs_rewritten_and_nothing_else(vpc: Vpc) -> None:
    frame = vpc.frame("alice") / UDP(sport=1000, dport=9) / Raw(b"hello")
    with vpc.outer["bob"].opened() as raw:
        assert verdict_at(vpc, "alice", frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: UDP in packet)
    expected = Ether(bytes(frame))
    expected[Ether].src, expected[Ether].dst = vpc.inner["bob"].mac, vpc.outer["bob"].mac
    expected[IP].ttl = 63
    del expected[IP].chksum
    assert bytes(got) == bytes(Ether(bytes(expected)))


@pytest.mark.parametrize(
    ("entering", "source", "to", "leaving"),
    [
        pytest.param("alice", ALICE, "198.51.100.1", "igw", id="the default route leads to the internet gateway"),
        pytest.param("alice", ALICE, "203.0.113.9", "vpce", id="the longest prefix wins over the default route"),
        pytest.param("alice", ALICE, "10.0.2.70", "vpce", id="a route more specific than local wins over local"),
        pytest.param("alice", ALICE, BOB, "bob", id="local traffic is delivered by host routes"),
        pytest.param("igw", CLIENT, ALICE, "vpce", id="the edge table sends the application's subnet to the endpoint"),
        pytest.param("igw", CLIENT, BOB, "bob", id="the edge table leaves other subnets local"),
        pytest.param("vpce", CLIENT, ALICE, "alice", id="after inspection the endpoint's own subnet is next door"),
        pytest.param("vpce", ALICE, CLIENT, "igw", id="after inspection the endpoint's table sends replies out"),
        pytest.param("vpce", CLIENT, BOB, "bob", id="an endpoint delivers to other subnets"),
    ],
)
def test_the_route_table_of_the_port_decides(vpc: Vpc, entering: str, source: str, to: str, leaving: str) -> None:
    frame = vpc.frame(entering, source=source, to=to) / TCP(dport=80)
    with vpc.outer[leaving].opened() as raw:
        assert verdict_at(vpc, entering, frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: IP in packet and packet[IP].dst == to)
    assert (got[IP].ttl, got.src, got.dst) == (63, vpc.inner[leaving].mac, vpc.outer[leaving].mac)


def test_a_packet_may_leave_by_the_port_it_came_in_by(vpc: Vpc) -> None:
    run("ip", "route", "add", "198.18.9.0/24", "dev", "vpce", "table", str(ENDPOINTS), box=vpc.router)
    with vpc.outer["vpce"].opened() as raw:
        verdict_of(vpc, "vpce", vpc.frame("vpce", source=ALICE, to="198.18.9.1") / UDP())
        assert arrived(raw, lambda packet: IP in packet and packet[IP].dst == "198.18.9.1")[IP].ttl == 63


DROPS = [
    ("malformed", "alice", lambda p: p.frame("alice") / UDP() / Raw(b"x"), {"version": 5}, "another IP version"),
    (
        "malformed",
        "alice",
        lambda p: p.frame("alice") / UDP() / Raw(b"x"),
        {"ihl": 4},
        "a header shorter than 20 bytes",
    ),
    ("malformed", "alice", lambda p: p.frame("alice") / UDP() / Raw(b"x"), {"len": 2000}, "a length beyond the frame"),
    ("malformed", "alice", lambda p: p.frame("alice") / UDP() / Raw(b"x"), {"len": 19}, "a length below the header"),
    ("malformed", "alice", lambda p: p.frame("alice") / UDP() / Raw(b"x"), {"chksum": 1}, "a wrong header checksum"),
    ("source_check", "alice", lambda p: p.frame("alice", source="10.0.1.11") / UDP(), {}, "a source of someone else"),
    ("dest_check", "alice", lambda p: p.frame("alice", to="203.0.113.200") / UDP(), {}, "a stranger to a checked ENI"),
    ("ttl_exceeded", "alice", lambda p: p.frame("alice", ttl=1) / UDP(), {}, "TTL 1"),
    ("ttl_exceeded", "alice", lambda p: p.frame("alice", ttl=0) / UDP(), {}, "TTL 0"),
    ("no_route", "bob", lambda p: p.frame("bob", source=BOB, to="198.51.100.1") / UDP(), {}, "no default route"),
    ("route_blackhole", "alice", lambda p: p.frame("alice", to="192.0.2.5") / UDP(), {}, "a blackhole route"),
    ("no_such_address", "alice", lambda p: p.frame("alice", to="10.0.2.21") / UDP(), {}, "nobody in the other subnet"),
    ("no_such_address", "alice", lambda p: p.frame("alice", to="10.0.1.99") / UDP(), {}, "nobody in the own subnet"),
    ("mtu_exceeded", "alice", lambda p: p.frame("alice", to="198.18.1.1") / UDP() / Raw(bytes(1473)), {}, "1501 bytes"),
    ("not_unicast", "alice", lambda p: p.frame("alice", to="224.0.0.5") / UDP(), {}, "multicast"),
    ("not_unicast", "alice", lambda p: p.frame("alice", to="255.255.255.255") / UDP(), {}, "broadcast"),
    ("not_unicast", "alice", lambda p: p.frame("alice", to="169.254.169.252") / UDP(), {}, "link-local"),
    ("not_unicast", "alice", lambda p: p.frame("alice", to="127.0.0.1") / UDP(), {}, "loopback"),
    ("not_unicast", "alice", lambda p: p.frame("alice", source="0.0.0.0") / UDP(), {}, "no source"),
    ("eni_not_configured", "alice", lambda p: p.frame("alice", to="198.18.2.1") / UDP(), {}, "an unknown port ahead"),
    ("ipv6_not_enabled", "alice", lambda p: Ether(dst=p.inner["alice"].mac) / IPv6() / UDP(), {}, "IPv6"),
    (
        "not_ip",
        "alice",
        lambda p: Ether(dst=p.inner["alice"].mac, type=0x88B5) / Raw(b"x" * 50),
        {},
        "another EtherType",
    ),
    ("not_ip", "alice", lambda p: Ether(dst=p.inner["alice"].mac) / Dot1Q(vlan=5) / IP(dst=BOB), {}, "a VLAN tag"),
    ("arp_unanswered", "alice", lambda p: Ether() / ARP(op=2, psrc=ALICE, pdst=ROUTER), {}, "an ARP reply"),
    ("arp_unanswered", "alice", lambda p: Ether() / ARP(psrc=ALICE, pdst="10.0.2.20"), {}, "ARP for another subnet"),
    ("arp_unanswered", "alice", lambda p: Ether() / ARP(psrc="0.0.0.0", pdst=ALICE), {}, "a probe for the own address"),
    ("arp_unanswered", "igw", lambda p: Ether() / ARP(psrc=CLIENT, pdst=ALICE), {}, "ARP from the internet gateway"),
]


@pytest.mark.parametrize(
    ("verdict", "port", "build", "fields", "why"), DROPS, ids=[f"{row[0]}: {row[4]}" for row in DROPS]
)
def test_one_crafted_packet_counts_its_verdict_and_no_other(
    vpc: Vpc, verdict: str, port: str, build: Callable[[Vpc], Packet], fields: dict[str, int], why: str
) -> None:
    frame = build(vpc)
    for field, value in fields.items():
        setattr(frame[IP], field, value)
    assert verdict_of(vpc, port, frame) == {(port, verdict): 1}


def test_a_runt_without_a_whole_ip_header_is_malformed(vpc: Vpc) -> None:
    frame = bytes(vpc.frame("alice") / UDP())[:30]
    assert verdict_of(vpc, "alice", frame) == {("alice", "malformed"): 1}


def test_a_port_without_configuration_lets_nothing_in(vpc: Vpc) -> None:
    vpc.programs.attach(Program.ENI, vpc.inner["unknown"])
    frame = vpc.frame("unknown") / UDP()
    assert verdict_of(vpc, "unknown", frame) == {("unknown", "eni_not_configured"): 1}


def test_a_port_with_forwarding_off_counts_a_look_up_error(vpc: Vpc) -> None:
    run("sysctl", "-qw", "net.ipv4.conf.alice.forwarding=0", box=vpc.router)
    try:
        assert verdict_of(vpc, "alice", vpc.frame("alice") / UDP()) == {("alice", "fib_error"): 1}
    finally:
        run("sysctl", "-qw", "net.ipv4.conf.alice.forwarding=1", box=vpc.router)


def test_ip_options_are_carried(vpc: Vpc) -> None:
    frame = vpc.frame("alice") / UDP() / Raw(b"x")
    frame[IP].options = [IPOption_RR(length=39, pointer=4, routers=["0.0.0.0"] * 9)]
    with vpc.outer["bob"].opened() as raw:
        assert verdict_at(vpc, "alice", Ether(bytes(frame))) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: UDP in packet)
    assert got[IP].ihl == 15
    frame = Ether(bytes(frame))
    frame[IP].chksum ^= 0x0101
    assert verdict_of(vpc, "alice", frame) == {("alice", "malformed"): 1}


@pytest.mark.parametrize("asked", [ROUTER, "10.0.1.2", "10.0.1.200"])
def test_every_address_of_the_subnet_has_the_routers_mac(vpc: Vpc, asked: str) -> None:
    mine = vpc.outer["alice"].mac
    request = Ether(src=mine, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mine, psrc=ALICE, pdst=asked)
    with vpc.outer["alice"].opened() as raw:
        assert verdict_of(vpc, "alice", request) == {("alice", "arp_answered"): 1}
        got = arrived(raw, lambda packet: ARP in packet)
    assert (got.src, got.dst, got[ARP].op) == (vpc.inner["alice"].mac, mine, 2)
    assert (got[ARP].hwsrc, got[ARP].psrc) == (vpc.inner["alice"].mac, asked)
    assert (got[ARP].hwdst, got[ARP].pdst) == (mine, ALICE)


def test_the_router_itself_answers_a_ping(vpc: Vpc) -> None:
    before = vpc.programs.counters()
    run("ping", "-c", "1", "-W", "2", ROUTER, box=vpc.outer["alice"].box)
    assert settled(vpc, before).get(("alice", "to_router")) == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.169.253", RESOLVER])
def test_instances_reach_the_services_in_their_routers_box_and_get_answers(vpc: Vpc, address: str) -> None:
    run("ip", "address", "add", f"{address}/32", "dev", "lo", box=vpc.router)
    before = vpc.programs.counters()
    run("ping", "-c", "1", "-W", "2", address, box=vpc.outer["alice"].box)
    assert settled(vpc, before) == {("alice", "to_service"): 1}
    run("ip", "address", "del", f"{address}/32", "dev", "lo", box=vpc.router)


@pytest.mark.parametrize(
    ("verdict", "port", "source", "to", "ttl"),
    [
        pytest.param("service_not_here", "alice", "10.0.1.11", "169.254.169.254", 64, id="not from another's address"),
        pytest.param("service_not_here", "alice", "10.0.1.11", RESOLVER, 64, id="nor to the name server"),
        pytest.param("not_unicast", "igw", CLIENT, "169.254.169.254", 64, id="no metadata from the internet"),
        pytest.param("not_unicast", "vpce", ALICE, "169.254.169.254", 64, id="no metadata out of an endpoint"),
        pytest.param("service_not_here", "igw", CLIENT, RESOLVER, 64, id="no names from the internet"),
        pytest.param("service_not_here", "vpce", ALICE, RESOLVER, 1, id="no names out of an endpoint with a TTL of 1"),
        pytest.param("to_service", "bob", BOB, "169.254.169.254", 1, id="metadata without DNS support, TTL 1"),
        pytest.param("not_unicast", "bob", BOB, "169.254.169.253", 64, id="no name server without DNS support"),
        pytest.param("no_such_address", "bob", BOB, RESOLVER, 64, id="nor at its other address"),
    ],
)
def test_nobody_else_reaches_them(vpc: Vpc, verdict: str, port: str, source: str, to: str, ttl: int) -> None:
    frame = vpc.frame(port, source=source, to=to, ttl=ttl) / UDP(dport=53)
    assert verdict_of(vpc, port, frame) == {(port, verdict): 1}


def test_a_sender_learns_where_its_ttl_ran_out(vpc: Vpc) -> None:
    with vpc.outer["alice"].opened() as raw:
        assert verdict_of(vpc, "alice", vpc.frame("alice", ttl=1) / UDP(dport=33434)) == {("alice", "ttl_exceeded"): 1}
        got = arrived(raw, lambda packet: ICMP in packet)
    assert (got[ICMP].type, got[ICMP].code, got[IP].src, got[IP].dst) == (11, 0, ROUTER, ALICE)


def test_a_packet_that_an_endpoint_sends_back_to_itself_dies_by_its_ttl(vpc: Vpc) -> None:
    """The endpoint's box gives every packet back; the endpoint's own table routes it there again."""
    back = vpc.outer["vpce"]
    run("ip", "route", "add", "203.0.113.0/24", "dev", "vpce", "table", str(ENDPOINTS), box=vpc.router)
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", box=back.box)
    run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0", box=back.box)
    run("sysctl", "-qw", "net.ipv4.conf.eth0.send_redirects=0", box=back.box)
    run("ip", "neighbour", "add", "169.254.0.1", "lladdr", vpc.inner["vpce"].mac, "dev", "eth0", box=back.box)
    run("ip", "route", "add", "default", "via", "169.254.0.1", "dev", "eth0", "onlink", box=back.box)
    before = vpc.programs.counters()
    with vpc.outer["alice"].opened() as raw:
        vpc.outer["alice"].send(vpc.frame("alice", to="203.0.113.9", ttl=63) / UDP(dport=33434))
        got = arrived(raw, lambda packet: ICMP in packet)
    assert (got[ICMP].type, got[IP].dst) == (11, ALICE)
    # The two routers take turns: 63 at alice's port, then 61, 59 … 3 and 1 at the endpoint's.
    assert settled(vpc, before, rows=32) == {
        ("alice", "eni_forwarded"): 1,
        ("vpce", "eni_forwarded"): 30,
        ("vpce", "ttl_exceeded"): 1,
    }


def frames_into(vpc: Vpc, port: str) -> int:
    """Super-packets count once."""
    (device,) = json.loads(run("ip", "-s", "-j", "link", "show", port, box=vpc.router))
    return int(device["stats64"]["rx"]["packets"])


def test_traffic_between_hosts_never_enters_the_stack_and_stays_in_super_packets(vpc: Vpc) -> None:
    run("ping", "-c", "1", "-W", "2", BOB, box=vpc.outer["alice"].box)
    before, received = vpc.programs.counters(), ip_counter(vpc.router, "InReceives")
    frames = frames_into(vpc, "alice")
    run("iperf3", "-s", "-1", "-D", box=vpc.outer["bob"].box)
    deadline = time.monotonic() + 5
    while "5201" not in run("ss", "-Hltn", box=vpc.outer["bob"].box) and time.monotonic() < deadline:
        time.sleep(0.02)
    run("iperf3", "-c", BOB, "-n", "200M", box=vpc.outer["alice"].box)
    grown = settled(vpc, before)
    frames = frames_into(vpc, "alice") - frames
    assert {verdict for _, verdict in grown} <= {"eni_forwarded", "arp_answered"}
    assert ip_counter(vpc.router, "InReceives") == received
    assert grown["alice", "eni_forwarded"] > 150 * 2**20 / 8961  # iperf3 leaves its last socket buffer unsent
    assert grown["alice", "eni_forwarded"] > 3 * frames, "segments per frame: super-packets were cut"
