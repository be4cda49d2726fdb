"""The VPC router, in both families: what eni.bpf.c does with what enters a port, judged from the boxes around it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import ICMPv6TimeExceeded
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.syscalls import inside
from opengwlb.model.topology import Program

from .boxes import arrived, ip_counter
from .harness import listens, process, run
from .vpc import ENDPOINTS, FAMILIES, IPV4, IPV6, RESOLVER, Family, Vpc, built

UDP_SEGMENT = 103
families = pytest.mark.parametrize("family", FAMILIES, ids=str)


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    yield from built(tmp_path_factory.mktemp("eni"), first_ifindex=0x51000)


@families
def test_a_packet_to_another_subnet_is_routed_with_hops_and_macs_rewritten_and_nothing_else(
    vpc: Vpc, family: Family
) -> None:
    frame = vpc.frame(family, "alice") / UDP(sport=1000, dport=9) / Raw(b"hello")
    with vpc.outer["bob"].opened() as raw:
        assert vpc.verdict_at("alice", frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: family.layer in packet and UDP in packet)
    expected = Ether(bytes(frame))
    expected[Ether].src, expected[Ether].dst = vpc.inner["bob"].mac, vpc.outer["bob"].mac
    setattr(expected[family.layer], family.hops, 63)
    if family is IPV4:
        del expected[IP].chksum
    assert bytes(got) == bytes(Ether(bytes(expected)))


@families
@pytest.mark.parametrize(
    ("entering", "source", "to", "leaving"),
    [
        pytest.param("alice", "alice", "internet", "igw", id="the default route leads to the internet gateway"),
        pytest.param("alice", "alice", "longer prefix", "vpce", id="the longest prefix wins over the default route"),
        pytest.param(
            *("alice", "alice", "more specific than local", "vpce"), id="a route more specific than local wins over it"
        ),
        pytest.param("alice", "alice", "bob", "bob", id="local traffic is delivered by host routes"),
        pytest.param("igw", "client", "alice", "vpce", id="the edge table sends the subnet to the endpoint"),
        pytest.param("igw", "client", "bob", "bob", id="the edge table leaves other subnets local"),
        pytest.param("vpce", "client", "alice", "alice", id="after inspection the endpoint's own subnet is next door"),
        pytest.param("vpce", "alice", "client", "igw", id="after inspection the endpoint's table sends replies out"),
        pytest.param("vpce", "client", "bob", "bob", id="an endpoint delivers to other subnets"),
    ],
)
def test_the_route_table_of_the_port_decides(
    vpc: Vpc, family: Family, entering: str, source: str, to: str, leaving: str
) -> None:
    frame = vpc.frame(family, entering, source=source, to=to) / TCP(dport=80)
    ends = (family.address(source), family.address(to))

    def is_it(packet: Packet) -> bool:
        return family.layer in packet and (packet[family.layer].src, packet[family.layer].dst) == ends

    with vpc.outer[leaving].opened() as raw:
        assert vpc.verdict_at(entering, frame) == {"eni_forwarded": 1}
        got = arrived(raw, is_it)
    assert getattr(got[family.layer], family.hops) == 63
    assert (got.src, got.dst) == (vpc.inner[leaving].mac, vpc.outer[leaving].mac)


DROPS = [
    # verdict, port, source, destination, hops, bytes of data, why
    ("source_check", "alice", "stranger", "bob", 64, 0, "a source of someone else"),
    ("dest_check", "alice", "alice", "checked", 64, 0, "a stranger to a checked ENI"),
    ("ttl_exceeded", "alice", "alice", "bob", 1, 0, "one hop"),
    ("ttl_exceeded", "alice", "alice", "bob", 0, 0, "no hops"),
    ("no_route", "bob", "bob", "internet", 64, 0, "no default route"),
    ("route_blackhole", "alice", "alice", "blackhole", 64, 0, "a blackhole route"),
    ("no_such_address", "alice", "alice", "nobody elsewhere", 64, 0, "nobody in the other subnet"),
    ("no_such_address", "alice", "alice", "nobody next door", 64, 0, "nobody in the own subnet"),
    ("mtu_exceeded", "alice", "alice", "narrow", 64, 1501, "1501 bytes"),
    ("not_unicast", "alice", "alice", "multicast", 64, 0, "multicast"),
    ("not_unicast", "alice", "alice", "link-local", 64, 0, "link-local"),
    ("not_unicast", "alice", "link-local", "bob", 64, 0, "from a link-local address"),
    ("not_unicast", "alice", "alice", "loopback", 64, 0, "loopback"),
    ("not_unicast", "alice", "nothing", "bob", 64, 0, "no source"),
    ("eni_not_configured", "alice", "alice", "unknown", 64, 0, "an unknown port ahead"),
]


@families
@pytest.mark.parametrize(
    ("verdict", "port", "source", "to", "hops", "length"),
    [pytest.param(*row[:6], id=f"{row[0]}: {row[6]}") for row in DROPS],
)
def test_one_packet_counts_its_verdict_and_no_other(
    vpc: Vpc, family: Family, verdict: str, port: str, source: str, to: str, hops: int, length: int
) -> None:
    frame = vpc.frame(family, port, source=source, to=to, hops=hops) / UDP()
    frame /= Raw(bytes(max(0, length - family.smallest - 8)))
    assert vpc.verdict_of(port, frame) == {(port, verdict): 1}


def test_a_packet_of_the_next_links_mtu_is_carried(vpc: Vpc) -> None:
    for family in FAMILIES:
        frame = vpc.frame(family, "alice", to="narrow") / UDP() / Raw(bytes(1500 - family.smallest - 8))
        assert vpc.verdict_at("alice", frame) == {"eni_forwarded": 1}


MALFORMED = [
    pytest.param(family, field, value, id=f"{family} {field} {value}")
    for family, field, value in (
        (IPV4, "version", 5),
        (IPV4, "ihl", 4),
        (IPV4, "len", 2000),
        (IPV4, "len", 19),
        (IPV4, "chksum", 1),
        (IPV6, "version", 5),
        (IPV6, "plen", 2000),
    )
]


@pytest.mark.parametrize(("family", "field", "value"), MALFORMED)
def test_a_header_that_contradicts_itself_or_its_frame_is_malformed(
    vpc: Vpc, family: Family, field: str, value: int
) -> None:
    frame = vpc.frame(family, "alice") / UDP() / Raw(b"x")
    setattr(frame[family.layer], field, value)
    assert vpc.verdict_of("alice", frame) == {("alice", "malformed"): 1}


@families
def test_a_runt_without_a_whole_header_is_malformed(vpc: Vpc, family: Family) -> None:
    frame = bytes(vpc.frame(family, "alice") / UDP())[: 14 + family.smallest - 4]
    assert vpc.verdict_of("alice", frame) == {("alice", "malformed"): 1}


def test_a_port_without_configuration_lets_nothing_in(vpc: Vpc) -> None:
    vpc.programs.attach(Program.ENI, vpc.inner["unknown"])
    for family in FAMILIES:
        frame = vpc.frame(family, "unknown") / UDP()
        assert vpc.verdict_of("unknown", frame) == {("unknown", "eni_not_configured"): 1}


@families
def test_a_port_with_forwarding_off_counts_a_look_up_error(vpc: Vpc, family: Family) -> None:
    setting = f"net.{family}.conf.alice.forwarding"
    run("sysctl", "-qw", f"{setting}=0", box=vpc.router)
    try:
        assert vpc.verdict_of("alice", vpc.frame(family, "alice") / UDP()) == {("alice", "fib_error"): 1}
    finally:
        run("sysctl", "-qw", f"{setting}=1", box=vpc.router)
        vpc.quiet()


@families
def test_the_router_itself_answers_a_ping(vpc: Vpc, family: Family) -> None:
    before = vpc.programs.counters()
    run("ping", family.flag, "-c", "1", "-W", "2", family.router, box=vpc.outer["alice"].box)
    assert vpc.settled(before).get(("alice", "to_router")) == 1


@families
def test_a_sender_learns_where_its_hops_ran_out(vpc: Vpc, family: Family) -> None:
    error, kind = (ICMP, 11) if family is IPV4 else (ICMPv6TimeExceeded, 3)
    with vpc.outer["alice"].opened() as raw:
        frame = vpc.frame(family, "alice", hops=1) / UDP(dport=33434)
        assert vpc.verdict_of("alice", frame) == {("alice", "ttl_exceeded"): 1}
        got = arrived(raw, lambda packet: error in packet)
    assert (got[error].type, got[error].code) == (kind, 0)
    assert (got[family.layer].src, got[family.layer].dst) == (family.router, family.alice)


@families
def test_traffic_between_hosts_never_enters_the_stack_and_stays_in_super_packets(vpc: Vpc, family: Family) -> None:
    alice, bob = vpc.outer["alice"].box, vpc.outer["bob"].box
    run("ping", family.flag, "-c", "1", "-W", "2", family.bob, box=alice)
    before, frames, received = vpc.programs.counters(), vpc.frames_into("alice"), ip_counter(vpc.router, "InReceives")
    with process("iperf3", "-s", "-1", box=bob, ready=lambda: listens(bob, 5201)):
        run("iperf3", "-c", family.bob, "-n", "200M", box=alice)
    grown = vpc.settled(before)
    frames = vpc.frames_into("alice") - frames
    assert not {"to_router", "ttl_exceeded"} & {verdict for _, verdict in grown}
    if family is IPV4:
        assert ip_counter(vpc.router, "InReceives") == received
    assert grown["alice", "eni_forwarded"] > 150 * 2**20 / 8961  # iperf3 leaves its last socket buffer unsent
    assert grown["alice", "eni_forwarded"] > 3 * frames, "segments per frame: super-packets were cut"


@families
def test_udp_super_packets_between_hosts_arrive_as_their_datagrams(vpc: Vpc, family: Family) -> None:
    """As QUIC sends, the last datagram shorter."""
    kind = socket.AF_INET if family is IPV4 else socket.AF_INET6
    before = vpc.frames_into("alice")
    with inside(vpc.outer["bob"].netns):
        receiver = socket.socket(kind, socket.SOCK_DGRAM)
    with inside(vpc.outer["alice"].netns):
        sender = socket.socket(kind, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((family.bob, 7000))
        receiver.settimeout(2)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        data = [bytes([i]) * (1200 if i < 39 else 17) for i in range(40)]
        sender.sendto(b"".join(data), (family.bob, 7000))
        assert [receiver.recv(2000) for _ in data] == data
    assert vpc.frames_into("alice") - before <= 4


def test_a_packet_may_leave_by_the_port_it_came_in_by(vpc: Vpc) -> None:
    run("ip", "route", "add", "198.18.9.0/24", "dev", "vpce", "table", str(ENDPOINTS), box=vpc.router)
    frame = vpc.frame(IPV4, "vpce") / UDP()
    frame[IP].dst = "198.18.9.1"
    with vpc.outer["vpce"].opened() as raw:
        vpc.verdict_of("vpce", frame)
        assert arrived(raw, lambda packet: IP in packet and packet[IP].dst == "198.18.9.1")[IP].ttl == 63


def test_ip_options_are_carried(vpc: Vpc) -> None:
    frame = vpc.frame(IPV4, "alice") / UDP() / Raw(b"x")
    frame[IP].options = [IPOption_RR(length=39, pointer=4, routers=["0.0.0.0"] * 9)]
    with vpc.outer["bob"].opened() as raw:
        assert vpc.verdict_at("alice", Ether(bytes(frame))) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: UDP in packet)
    assert got[IP].ihl == 15
    frame = Ether(bytes(frame))
    frame[IP].chksum ^= 0x0101
    assert vpc.verdict_of("alice", frame) == {("alice", "malformed"): 1}


UNANSWERED = [
    ("alice", ARP(op=2, psrc=IPV4.alice, pdst=IPV4.router), "an ARP reply"),
    ("alice", ARP(psrc=IPV4.alice, pdst=IPV4.bob), "ARP for another subnet"),
    ("alice", ARP(psrc="0.0.0.0", pdst=IPV4.alice), "a probe for the own address"),
    ("igw", ARP(psrc=IPV4.client, pdst=IPV4.alice), "ARP from the internet gateway"),
]


@pytest.mark.parametrize(("port", "asked"), [pytest.param(*row[:2], id=row[2]) for row in UNANSWERED])
def test_what_no_router_answers_is_dropped_as_unanswered(vpc: Vpc, port: str, asked: Packet) -> None:
    assert vpc.verdict_of(port, Ether() / asked) == {(port, "arp_unanswered"): 1}


@pytest.mark.parametrize("asked", [IPV4.router, "10.0.1.2", "10.0.1.200"])
def test_every_address_of_the_subnet_has_the_routers_mac(vpc: Vpc, asked: str) -> None:
    mine = vpc.outer["alice"].mac
    request = Ether(src=mine, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mine, psrc=IPV4.alice, pdst=asked)
    with vpc.outer["alice"].opened() as raw:
        assert vpc.verdict_of("alice", request) == {("alice", "arp_answered"): 1}
        got = arrived(raw, lambda packet: ARP in packet)
    assert (got.src, got.dst, got[ARP].op) == (vpc.inner["alice"].mac, mine, 2)
    assert (got[ARP].hwsrc, got[ARP].psrc) == (vpc.inner["alice"].mac, asked)
    assert (got[ARP].hwdst, got[ARP].pdst) == (mine, IPV4.alice)


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(Raw(b"x" * 50), id="another EtherType"),
        pytest.param(Dot1Q(vlan=5) / IP(dst=IPV4.bob), id="a VLAN tag"),
    ],
)
def test_what_is_of_neither_family_is_dropped_by_its_name(vpc: Vpc, behind: Packet) -> None:
    kind = {} if Dot1Q in behind else {"type": 0x88B5}
    frame = Ether(dst=vpc.inner["alice"].mac, **kind) / behind
    assert vpc.verdict_of("alice", frame) == {("alice", "not_ip"): 1}


def test_a_packet_that_an_endpoint_sends_back_to_itself_dies_by_its_ttl(vpc: Vpc) -> None:
    """The endpoint's box gives every packet back; the endpoint's own table routes it there again. The last of this lab."""
    back = vpc.outer["vpce"]
    run("ip", "route", "add", "203.0.113.0/24", "dev", "vpce", "table", str(ENDPOINTS), box=vpc.router)
    run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", box=back.box)
    run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0", box=back.box)
    run("sysctl", "-qw", "net.ipv4.conf.eth0.send_redirects=0", box=back.box)
    run("ip", "neighbour", "add", "169.254.0.1", "lladdr", vpc.inner["vpce"].mac, "dev", "eth0", box=back.box)
    run("ip", "route", "add", "default", "via", "169.254.0.1", "dev", "eth0", "onlink", box=back.box)
    before = vpc.programs.counters()
    with vpc.outer["alice"].opened() as raw:
        vpc.outer["alice"].send(vpc.frame(IPV4, "alice", to="longer prefix", hops=63) / UDP(dport=33434))
        got = arrived(raw, lambda packet: ICMP in packet)
    assert (got[ICMP].type, got[IP].dst) == (11, IPV4.alice)
    # The two routers take turns: 63 at alice's port, then 61, 59 … 3 and 1 at the endpoint's.
    assert vpc.settled(before, rows=32) == {
        ("alice", "eni_forwarded"): 1,
        ("vpce", "eni_forwarded"): 30,
        ("vpce", "ttl_exceeded"): 1,
    }


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.169.253", RESOLVER])
def test_instances_reach_the_services_in_their_routers_box_and_get_answers(vpc: Vpc, address: str) -> None:
    run("ip", "address", "add", f"{address}/32", "dev", "lo", box=vpc.router)
    before = vpc.programs.counters()
    run("ping", "-c", "1", "-W", "2", address, box=vpc.outer["alice"].box)
    assert vpc.settled(before) == {("alice", "to_service"): 1}
    run("ip", "address", "del", f"{address}/32", "dev", "lo", box=vpc.router)


@pytest.mark.parametrize(
    ("verdict", "port", "source", "to", "ttl"),
    [
        pytest.param("service_not_here", "alice", "10.0.1.11", "169.254.169.254", 64, id="not from another's address"),
        pytest.param("service_not_here", "alice", "10.0.1.11", RESOLVER, 64, id="nor to the name server"),
        pytest.param("not_unicast", "igw", IPV4.client, "169.254.169.254", 64, id="no metadata from the internet"),
        pytest.param("not_unicast", "vpce", IPV4.alice, "169.254.169.254", 64, id="no metadata out of an endpoint"),
        pytest.param("service_not_here", "igw", IPV4.client, RESOLVER, 64, id="no names from the internet"),
        pytest.param("service_not_here", "vpce", IPV4.alice, RESOLVER, 1, id="no names out of an endpoint with TTL 1"),
        pytest.param("to_service", "bob", IPV4.bob, "169.254.169.254", 1, id="metadata without DNS support, TTL 1"),
        pytest.param("not_unicast", "bob", IPV4.bob, "169.254.169.253", 64, id="no name server without DNS support"),
        pytest.param("no_such_address", "bob", IPV4.bob, RESOLVER, 64, id="nor at its other address"),
    ],
)
def test_nobody_else_reaches_them(vpc: Vpc, verdict: str, port: str, source: str, to: str, ttl: int) -> None:
    ethernet = Ether(src=vpc.outer[port].mac, dst=vpc.inner[port].mac)
    frame = ethernet / IP(src=source, dst=to, ttl=ttl) / UDP(dport=53)
    assert vpc.verdict_of(port, frame) == {(port, verdict): 1}
