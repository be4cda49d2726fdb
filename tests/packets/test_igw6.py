"""The internet gateway with IPv6: nothing is translated, and only addresses of the VPC's interfaces pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from opengwlb.model.plane import Gateway6Entry, Plane
from opengwlb.model.topology import PortRef, Program

from .boxes import Boxes, Programs, arrived
from .harness import eventually, run

HELD, FREE, CLIENT = "2001:db8:0:101::10", "2001:db8:0:101::11", "2001:db8:ffff::1"
LABEL = 9


class Internet6:
    """host =9001= igw =1500= near, with the gateway's own kernel between."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        host, igw, near = boxes.box("k3-host"), boxes.box("k3-gateway", forwards=True), boxes.box("k3-near")
        own = ("disable_ipv6=0", "forwarding=1", "addr_gen_mode=1", "accept_dad=0")
        run("sysctl", "-qw", *(f"net.ipv6.conf.default.{each}" for each in own), box=igw)
        run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", box=igw)
        self.inside, self.host = boxes.wire(igw, "vpc", host, "eth0")
        self.outside, self.near = boxes.wire(igw, "internet", near, "igw", mtu=1500)
        run("ip", "address", "add", "2001:db8:ffff::fffe/128", "dev", "internet", "nodad", box=igw)
        for destination, via, end, far in (
            ("2001:db8:0:100::/56", "fe80::3", self.inside, self.host),
            ("default", "fe80::1", self.outside, self.near),
        ):
            run("ip", "neighbour", "add", via, "lladdr", far.mac, "dev", end.device, box=igw)
            run("ip", "-6", "route", "add", destination, "via", via, "dev", end.device, "onlink", box=igw)
        self.port = PortRef(igw, self.inside.device)
        programs.attach(Program.IGW, self.inside)
        self.say(HELD)

    def say(self, *addresses: str) -> None:
        entries = {self.port: Gateway6Entry(port=self.port, addresses=addresses)} if addresses else {}
        self.programs.apply(Plane(gateways6=entries), [self.inside])

    def leaving(self, *, source: str = HELD, to: str = CLIENT) -> Packet:
        return Ether(src=self.host.mac, dst=self.inside.mac) / IPv6(src=source, dst=to, fl=LABEL)

    def coming(self, *, source: str = CLIENT, to: str = HELD) -> Packet:
        return Ether(src=self.near.mac, dst=self.outside.mac) / IPv6(src=source, dst=to, fl=LABEL)

    def verdicts(self, send: Callable[[], None], *, verdict: str) -> dict[str, int]:
        """What was counted for what `send` sends, once `verdict` was. The gateway's own kernel speaks of multicast now and then."""
        before = self.programs.counters()
        grown: dict[str, int] = {}

        def counted() -> bool:
            now = self.programs.counters()
            grown.clear()
            grown.update({key[1]: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key, 0)})
            return verdict in grown

        send()
        with contextlib.suppress(AssertionError):
            eventually(counted, "", within_s=3)
        if verdict != "not_unicast":
            grown.pop("not_unicast", None)
        return grown


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet6]:
    boxes = Boxes(first_ifindex=0x54000)
    programs = Programs(tmp_path_factory.mktemp("igw6"))
    try:
        yield Internet6(boxes, programs)
    finally:
        programs.close()
        boxes.close()


@pytest.mark.parametrize("outward", [True, False], ids=["out", "in"])
def test_what_passes_is_unchanged_but_for_the_hop_limit_that_the_gateway_takes(
    internet: Internet6, outward: bool
) -> None:
    frame = (internet.leaving() if outward else internet.coming()) / TCP(sport=1234, dport=80) / Raw(b"hello")
    door, exit_ = (internet.host, internet.near) if outward else (internet.near, internet.host)
    with exit_.opened() as raw:
        door.send(frame)
        got = arrived(raw, lambda packet: IPv6 in packet and packet[IPv6].fl == LABEL)
    expected = IPv6(bytes(frame)[14:])
    expected.hlim = 63
    assert bytes(got)[14:] == bytes(expected)


OUTCOMES = [
    ("igw_out", True, lambda i: i.leaving() / ICMPv6EchoRequest(), "out from an interface's address"),
    ("igw_in", False, lambda i: i.coming() / ICMPv6EchoRequest(), "in for an interface's address"),
    ("igw_no_public_address", True, lambda i: i.leaving(source=FREE) / ICMPv6EchoRequest(), "out from nobody's"),
    ("igw_unknown_address", False, lambda i: i.coming(to=FREE) / ICMPv6EchoRequest(), "in for nobody's address"),
    ("not_unicast", True, lambda i: i.leaving(to="ff02::1") / ICMPv6ND_NS(), "neighbour discovery"),
    ("not_unicast", True, lambda i: i.leaving(source="fe80::5") / ICMPv6EchoRequest(), "link-local"),
    ("malformed", True, lambda i: bytes(i.leaving() / ICMPv6EchoRequest())[:50], "a header cut short"),
]


@pytest.mark.parametrize(
    ("verdict", "outward", "build", "why"), OUTCOMES, ids=[f"{row[0]}: {row[3]}" for row in OUTCOMES]
)
def test_one_crafted_packet_counts_its_verdict_and_no_other(
    internet: Internet6, verdict: str, outward: bool, build: Callable[[Internet6], Packet], why: str
) -> None:
    end = internet.host if outward else internet.near
    grown = internet.verdicts(lambda: end.send(build(internet)), verdict=verdict)
    assert set(grown) == {verdict}
    assert grown[verdict] == 1 or verdict == "not_unicast"


def test_a_gateway_of_a_vpc_without_ipv6_drops_it_by_its_name(internet: Internet6) -> None:
    internet.say()
    try:
        frame = internet.leaving() / ICMPv6EchoRequest()
        grown = internet.verdicts(lambda: internet.host.send(frame), verdict="ipv6_not_enabled")
        assert set(grown) == {"ipv6_not_enabled"}
    finally:
        internet.say(HELD)


def test_the_gateway_tells_a_jumbo_sender_of_the_internets_mtu(internet: Internet6) -> None:
    with internet.host.opened() as raw:
        internet.host.send(internet.leaving() / TCP() / Raw(bytes(3000)))
        got = arrived(raw, lambda packet: ICMPv6PacketTooBig in packet)
    assert (got[ICMPv6PacketTooBig].mtu, got[IPv6].dst) == (1500, HELD)
