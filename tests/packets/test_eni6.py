"""The VPC router's part of IPv6 that IPv4 has not: neighbour discovery, extension headers, and VPCs without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from scapy.layers.inet import UDP
from scapy.layers.inet6 import (
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
)
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from .boxes import arrived
from .harness import eventually, run
from .vpc import IPV6, Vpc, built

ALICE, BOB, ROUTER, LINK_LOCAL = IPV6.alice, IPV6.bob, IPV6.router, "fe80::1"


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    yield from built(tmp_path_factory.mktemp("eni6"), first_ifindex=0x53000)


def question(vpc: Vpc, asked: str, *, source: str = ALICE, hops: int = 255, code: int = 0) -> Packet:
    """A neighbour solicitation as a kernel sends it, with the option that DAD does not have."""
    mine = vpc.outer["alice"].mac
    group = f"{int(asked.rsplit(':', 1)[-1] or '0', 16) & 0xFFFF:06x}"
    asking = Ether(src=mine, dst="33:33:ff:00:00:01")
    asking /= IPv6(src=source, dst=f"ff02::1:ff{group[:-4]}:{group[-4:]}", hlim=hops) / ICMPv6ND_NS(
        tgt=asked, code=code
    )
    return asking if source == "::" else asking / ICMPv6NDOptSrcLLAddr(lladdr=mine)


def said(vpc: Vpc, to: str, message: Packet) -> Packet:
    frame = vpc.frame(IPV6, "alice", hops=255) / message
    frame[IPv6].dst = to
    return frame


def test_ipv4_in_disguise_is_not_carried(vpc: Vpc) -> None:
    assert vpc.verdict_of("alice", said(vpc, "::ffff:10.0.0.1", UDP())) == {("alice", "not_unicast"): 1}


UNANSWERED: list[tuple[str, str, Callable[[Vpc], Packet]]] = [
    ("alice", "asked for another subnet", lambda v: question(v, BOB)),
    ("alice", "asked for a stranger's link-local", lambda v: question(v, "fe80::77")),
    ("alice", "a probe for the own address", lambda v: question(v, ALICE, source="::")),
    ("alice", "asked from beyond a router", lambda v: question(v, ROUTER, hops=254)),
    ("alice", "an unknown code", lambda v: question(v, ROUTER, code=1)),
    ("alice", "a router solicitation", lambda v: said(v, "ff02::2", ICMPv6ND_RS())),
    ("alice", "an advertisement", lambda v: said(v, "ff02::1", ICMPv6ND_NA(tgt=ALICE))),
    ("igw", "asked from the internet gateway", lambda v: question(v, ALICE)),
]


@pytest.mark.parametrize(("port", "build"), [pytest.param(row[0], row[2], id=row[1]) for row in UNANSWERED])
def test_what_no_router_answers_is_dropped_as_unanswered(vpc: Vpc, port: str, build: Callable[[Vpc], Packet]) -> None:
    assert vpc.verdict_of(port, build(vpc)) == {(port, "neighbour_unanswered"): 1}


def test_extension_headers_are_carried(vpc: Vpc) -> None:
    frame = vpc.frame(IPV6, "alice") / IPv6ExtHdrDestOpt() / UDP() / Raw(b"x")
    with vpc.outer["bob"].opened() as raw:
        assert vpc.verdict_at("alice", frame) == {"eni_forwarded": 1}
        got = arrived(raw, lambda packet: IPv6ExtHdrDestOpt in packet)
    assert bytes(got)[54:] == bytes(frame)[54:]


@pytest.mark.parametrize("asked", [ROUTER, "2001:db8:0:101::2", "2001:db8:0:101::ffff", LINK_LOCAL])
def test_every_address_of_the_subnet_has_the_routers_mac(vpc: Vpc, asked: str) -> None:
    mine = vpc.outer["alice"].mac
    with vpc.outer["alice"].opened() as raw:
        assert vpc.verdict_of("alice", question(vpc, asked)) == {("alice", "neighbour_answered"): 1}
        got = arrived(raw, lambda packet: ICMPv6ND_NA in packet)
    assert (got.src, got.dst, got[IPv6].src, got[IPv6].dst) == (vpc.inner["alice"].mac, mine, asked, ALICE)
    answer = got[ICMPv6ND_NA]
    assert (answer.tgt, answer.S, answer.O, answer.R) == (asked, 1, 1, int(asked in (ROUTER, LINK_LOCAL)))
    assert answer[ICMPv6NDOptDstLLAddr].lladdr == vpc.inner["alice"].mac
    again = Ether(bytes(got))
    del again[ICMPv6ND_NA].cksum
    assert bytes(Ether(bytes(again))) == bytes(got), "checksum"


def test_a_question_is_counted_as_long_as_it_was_asked_not_as_its_answer_is(vpc: Vpc) -> None:
    def size() -> int:
        return vpc.programs.sizes()[vpc.inner["alice"].ifindex, "neighbour_answered"]

    asked = question(vpc, "2001:db8:0:101::77", source="::")
    vpc.verdict_of("alice", asked)
    before = size()
    assert vpc.verdict_of("alice", asked) == {("alice", "neighbour_answered"): 1}
    assert size() - before == len(bytes(asked)) - 14


def test_who_probes_for_an_address_that_is_not_its_own_learns_that_it_is_taken(vpc: Vpc) -> None:
    with vpc.outer["alice"].opened() as raw:
        frame = question(vpc, "2001:db8:0:101::77", source="::")
        assert vpc.verdict_of("alice", frame) == {("alice", "neighbour_answered"): 1}
        got = arrived(raw, lambda packet: ICMPv6ND_NA in packet)
    assert (got.dst, got[IPv6].dst, got[ICMPv6ND_NA].S) == ("33:33:00:00:00:01", "ff02::1", 0)


def test_a_kernel_with_duplicate_address_detection_keeps_its_own_address_and_gives_up_another(vpc: Vpc) -> None:
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
        vpc.quiet()


def test_ipv6_of_a_vpc_without_it_is_dropped_by_its_name(vpc: Vpc) -> None:
    vpc.say([replace(entry, ipv6=False, subnet6=None, addresses6=()) for entry in vpc.entries])
    try:
        for frame in (vpc.frame(IPV6, "alice") / UDP(), question(vpc, ROUTER)):
            assert vpc.verdict_of("alice", frame) == {("alice", "ipv6_not_enabled"): 1}
    finally:
        vpc.say(vpc.entries)
