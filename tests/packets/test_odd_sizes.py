"""8500 bytes are the most that passes, both ways; what is larger is dropped with a verdict or, where asked for, answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.syscalls import inside

from . import geneve
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Endpoint, Lab, arrived, into, offload, run
from .test_bulk import echoing
from .testrun import Run

IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
BIG = IP(src=CLIENT, dst=SERVER, flags="DF") / UDP(sport=1, dport=2) / Raw(bytes(8501 - 28))
BIG6 = IPv6(src=CLIENT6, dst=SERVER6) / UDP(sport=1, dport=2) / Raw(bytes(8501 - 48))


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    made = labs("sizes", endpoints=2, forwards=False)
    made.settings = {"pmtud": True}
    assert made.apply() == {}
    return made


@pytest.fixture
def door(lab: Lab) -> Endpoint:
    return lab.endpoints[0]


@pytest.fixture(scope="module")
def unclamped(labs: Callable[..., Lab]) -> Iterator[Lab]:
    """An in-kernel appliance and one of user space between hosts that agree on segments of 9001 bytes."""
    made = labs("mss", endpoints=2, appliances=2, inspectors=1)
    made.settings = {"pmtud": True, "mss_clamping": False}
    assert made.apply() == {}
    with echoing(made.appliances[1]):
        yield made


def answer(lab: Lab, packet: Packet, *, endpoint: int = 0) -> Packet:
    """What the endpoint says to a packet's sender."""
    door = lab.endpoints[endpoint]
    with door.outer.opened() as raw:
        door.outer.send(into(door, packet))
        return arrived(raw, lambda frame: frame[12:14] in (b"\x08\x00", b"\x86\xdd"))


def with_right_checksums(frame: Packet) -> bytes:
    again = frame.copy()
    if IP in again:
        del again[IP].chksum, again[ICMP].chksum
    else:
        del again[ICMPv6PacketTooBig].cksum
    return bytes(again)


def forget(lab: Lab) -> None:
    """Both hosts forget what they learned of paths."""
    for end in (lab.client, lab.server):
        for version in ("-4", "-6"):
            run("ip", version, "route", "flush", "cache", box=end.box)
        run("ip", "tcp_metrics", "flush", box=end.box)


# -- the limit


@pytest.mark.parametrize("family", [4, 6])
def test_a_return_of_8500_bytes_passes_and_one_of_8501_is_dropped(lab: Lab, family: int) -> None:
    head = IP(src=CLIENT, dst=SERVER) if family == 4 else IPv6(src=CLIENT6, dst=SERVER6)
    packet = head / UDP(sport=9, dport=10)
    back = geneve.read(lab.through(packet)).returned()
    with lab.exactly(lab.node, "decapsulated"):
        lab.provider_node.send(bytes(back.change(inner=bytes(packet / Raw(bytes(8500 - len(packet)))))))
    with lab.exactly(lab.node, "return_too_big"):
        lab.provider_node.send(bytes(back.change(inner=bytes(packet / Raw(bytes(8501 - len(packet)))))))


@pytest.mark.parametrize(("gso_size", "verdict"), [(8460, "decap_failed"), (8461, "return_too_big")])
def test_a_returned_super_packet_is_judged_by_its_segments(lab: Lab, gso_size: int, verdict: str) -> None:
    """The test run makes super-packets of no kind that can be stripped: those that are small enough get as far as that."""
    packet = IP(src=CLIENT, dst=SERVER) / TCP(sport=9, dport=10, flags="S")
    back = geneve.read(lab.through(packet)).returned().change(inner=bytes(packet / Raw(bytes(2000))))
    with lab.exactly(lab.node, verdict, packets=2), inside(lab.node.netns):
        program = lab.dataplane.program("target")
        Run(program, bytes(back), ifindex=lab.node.ifindex, gso_segs=2, gso_size=gso_size)()


def test_without_the_attribute_nothing_is_answered(lab: Lab, door: Endpoint) -> None:
    lab.settings = {}
    try:
        assert lab.apply() == {}
        for packet in (BIG, BIG6):
            with lab.exactly(door.inner, "inner_too_big"):
                door.outer.send(into(door, packet))
    finally:
        lab.settings = {"pmtud": True}
        assert lab.apply() == {}


# -- the answer


@pytest.mark.parametrize("options", [[], [b"\x01" * 40]], ids=["plain", "ip_options"])
def test_a_packet_that_is_too_big_is_answered_with_fragmentation_needed(
    lab: Lab, door: Endpoint, options: list[bytes]
) -> None:
    packet = IP(src=CLIENT, dst=SERVER, flags="DF", options=options) / UDP(sport=1, dport=2) / Raw(b"\xaa" * 8501)
    with lab.exactly(door.inner, "too_big_answered"):
        frame = answer(lab, packet)
    assert (frame.src, frame.dst) == (door.inner.mac, door.outer.mac)
    ip, icmp = frame[IP], frame[ICMP]
    assert (ip.src, ip.dst, ip.len) == (SERVER, CLIENT, len(bytes(frame)) - 14)
    assert ip.len <= 576
    assert (icmp.type, icmp.code, icmp.nexthopmtu) == (3, 4, 8500)
    quote = bytes(frame)[14 + 28 :]
    assert quote == bytes(packet)[: len(quote)]
    assert with_right_checksums(frame) == bytes(frame)


def test_a_packet_of_ipv6_that_is_too_big_is_answered_with_packet_too_big(lab: Lab, door: Endpoint) -> None:
    with lab.exactly(door.inner, "too_big_answered"):
        frame = answer(lab, BIG6)
    ip, icmp = frame[IPv6], frame[ICMPv6PacketTooBig]
    assert (frame.src, frame.dst, ip.src, ip.dst) == (door.inner.mac, door.outer.mac, SERVER6, CLIENT6)
    assert len(bytes(ip)) == 1280
    assert (icmp.code, icmp.mtu) == (0, 8500)
    assert bytes(icmp)[8:] == bytes(BIG6)[: 1280 - 48]
    assert with_right_checksums(frame) == bytes(frame)


UNANSWERED: dict[str, Packet] = {
    "may_be_fragmented": IP(src=CLIENT, dst=SERVER) / UDP() / Raw(bytes(8501)),
    "first_fragment": IP(src=CLIENT, dst=SERVER, flags="DF+MF") / UDP() / Raw(bytes(8508)),
    "later_fragment": IP(src=CLIENT, dst=SERVER, flags="DF", frag=100) / Raw(bytes(8508)),
    "icmp_error": IP(src=CLIENT, dst=SERVER, flags="DF") / ICMP(type=3) / Raw(bytes(8501)),
    "v6_fragment": IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrFragment(id=1, offset=0, m=1) / UDP() / Raw(bytes(8501)),
    "v6_icmp_error": IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6PacketTooBig() / Raw(bytes(8501)),
    "v6_without_source": IPv6(src="::", dst=SERVER6) / UDP() / Raw(bytes(8501)),
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_what_must_not_be_answered_is_dropped(lab: Lab, door: Endpoint, name: str) -> None:
    with lab.exactly(door.inner, "inner_too_big"):
        door.outer.send(into(door, UNANSWERED[name]))


def test_a_broadcast_is_not_answered(lab: Lab, door: Endpoint) -> None:
    with lab.exactly(door.inner, "endpoint_not_forwardable"):
        door.outer.send(Ether(dst="ff:ff:ff:ff:ff:ff", src=door.outer.mac) / BIG)


def test_pings_that_are_too_big_are_answered(lab: Lab, door: Endpoint) -> None:
    for packet in (
        IP(src=CLIENT, dst=SERVER, flags="DF") / ICMP(type=8) / Raw(bytes(8501)),
        IPv6(src=CLIENT6, dst=SERVER6) / ICMPv6EchoRequest(data=bytes(8501)),
    ):
        with lab.exactly(door.inner, "too_big_answered"):
            door.outer.send(into(door, packet))


def test_a_sender_gets_a_hundred_answers_a_second_and_the_next_has_its_own(lab: Lab, door: Endpoint) -> None:
    flood = [into(door, IP(src="10.0.1.99", dst=SERVER, flags="DF") / UDP() / Raw(bytes(8501)))] * 150
    before = lab.counts()
    door.outer.send(*flood)
    change = lab.counts() - before
    assert change[door.inner.ifindex, "too_big_answered"] == 100
    assert change[door.inner.ifindex, "inner_too_big"] == 50
    with lab.exactly(door.inner, "too_big_answered"):
        door.outer.send(into(door, BIG))


def test_the_answer_to_an_unfinished_packet_is_finished(unclamped: Lab) -> None:
    """A host leaves its checksum to the device. What is unfinished must not be finished later, in the middle of the answer."""
    lab, door = unclamped, unclamped.endpoints[0]
    forget(lab)
    offload(door.inner, "tx-checksum-ip-generic", "off")
    try:
        with inside(lab.client.netns):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender, door.outer.opened() as raw:
            sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
            sender.sendto(b"\xaa" * 8600, (SERVER, 7300))
            frame = arrived(raw, lambda got: got[23] == socket.IPPROTO_ICMP)
    finally:
        offload(door.inner, "tx-checksum-ip-generic", "on")
    assert with_right_checksums(frame) == bytes(frame)
    assert set(bytes(frame)[14 + 28 + 28 :]) == {0xAA}


# -- real TCP


def transfer(lab: Lab, source: str, destination: str, *, family: socket.AddressFamily, size: int) -> int:
    """Sends `size` bytes from the box that holds `source`, by TCP; answers how many arrived."""
    sender_box, receiver_box = (lab.client, lab.server) if source in (CLIENT, CLIENT6) else (lab.server, lab.client)
    with inside(receiver_box.netns):
        listener = socket.socket(family, socket.SOCK_STREAM)
    with inside(sender_box.netns):
        sender = socket.socket(family, socket.SOCK_STREAM)
    got = 0

    def send() -> None:
        with sender:
            sender.sendall(bytes(size))

    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((destination, 7100))
        listener.listen()
        listener.settimeout(10)
        sender.settimeout(10)
        sender.bind((source, 0))
        sender.connect((destination, 7100))
        assert sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) > 8460
        accepted, _ = listener.accept()
        thread = threading.Thread(target=send)
        thread.start()
        with accepted:
            accepted.settimeout(10)
            while data := accepted.recv(1 << 20):
                got += len(data)
        thread.join()
    return got


@pytest.mark.parametrize("appliance", [0, 1], ids=["kernel", "user_space"])
@pytest.mark.parametrize("offloads", ["on", "off"], ids=["gso", "single_packets"])
@pytest.mark.parametrize(
    ("source", "destination"),
    [(CLIENT, SERVER), (SERVER, CLIENT), (CLIENT6, SERVER6), (SERVER6, CLIENT6)],
    ids=["client", "server", "client_v6", "server_v6"],
)
def test_tcp_with_segments_of_9001_bytes_learns_the_size_and_recovers(
    unclamped: Lab, source: str, destination: str, offloads: str, appliance: int
) -> None:
    """Without the clamp both ends begin too big, super-packets included; what was learned is forgotten before."""
    lab = unclamped
    lab.healthy = {lab.appliances[appliance].slot}
    lab.generations = {one.slot: lab.generations.get(one.slot, 1) + 1 for one in lab.appliances}
    assert lab.apply() == {}
    end = lab.client if source in (CLIENT, CLIENT6) else lab.server
    version = "-6" if ":" in source else "-4"
    for feature in ("tso", "gso"):
        offload(end, feature, offloads)
    forget(lab)
    before = lab.counts()
    try:
        family = socket.AF_INET6 if version == "-6" else socket.AF_INET
        assert transfer(lab, source, destination, family=family, size=3_000_000) == 3_000_000
    finally:
        for feature in ("tso", "gso"):
            offload(end, feature, "on")
    change = lab.counts() - before
    first = lab.endpoints[0 if end is lab.client else 1].inner.ifindex
    assert 1 <= change[first, "too_big_answered"] < 1000
    assert change[first, "inner_too_big"] == 0


@pytest.mark.parametrize(("source", "destination"), [(CLIENT, SERVER), (SERVER, CLIENT)], ids=["client", "server"])
def test_the_answer_passes_a_vpc_router_that_is_a_program(
    labs: Callable[..., Lab], source: str, destination: str
) -> None:
    lab = labs(f"vpc{source[5]}", eni=True)
    lab.settings = {"pmtud": True, "mss_clamping": False}
    assert lab.apply() == {}
    assert transfer(lab, source, destination, family=socket.AF_INET, size=3_000_000) == 3_000_000
    verdicts = lab.counts()
    assert verdicts[lab.endpoints[0].inner.ifindex, "too_big_answered"] >= 1
    assert [port for port in verdicts if port[1] in ("to_router", "no_route", "source_check")] == []
