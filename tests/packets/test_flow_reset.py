"""TCP resets instead of silence: to the sender only, with numbers that a real client believes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, PadN
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from opengwlb.dataplane.syscalls import inside

from .flow_slots import FlowSlots
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Endpoint, Lab, arrived, eventually, into, offload, run


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    lab = labs("reset", appliances=2, forwards=False, max_flows=512)
    lab.settings = {"reset_on_idle": True}
    assert lab.apply() == {}
    return lab


@pytest.fixture
def door(lab: Lab) -> Iterator[Endpoint]:
    yield lab.endpoints[0]
    FlowSlots(lab).clear()


def answer(lab: Lab, door: Endpoint, packet: Packet, verdict: str) -> Ether:
    """What comes back out of the endpoint."""
    with door.outer.opened() as raw, lab.exactly(door.inner, verdict):
        door.outer.send(into(door, packet))
        return arrived(raw, lambda _: True)


def checked(frame: Ether, layer: type[Packet]) -> tuple[Packet, TCP]:
    """The answer, its lengths and checksums as they have to be."""
    ip = frame[layer]
    again = layer(bytes(ip))
    del again[TCP].chksum
    if layer is IP:
        del again.chksum, again.len
    else:
        del again.plen
    assert bytes(layer(bytes(again))) == bytes(ip)
    assert len(bytes(ip)) == (40 if layer is IP else 60)
    return ip, ip[TCP]


FLAGS_AND_ANSWERS = [
    # flags, data, flags of the answer, its sequence, its acknowledgement
    ("A", b"", "R", 2000, 0),
    ("PA", b"x" * 700, "R", 2000, 0),
    ("FA", b"", "R", 2000, 0),
    ("SA", b"", "R", 2000, 0),
    ("P", b"x" * 700, "RA", 0, 1700),
    ("F", b"x", "RA", 0, 1002),
]


@pytest.mark.parametrize(("flags", "data", "answered", "sequence", "acknowledgement"), FLAGS_AND_ANSWERS)
@pytest.mark.parametrize("layer", [IP, IPv6])
def test_tcp_of_no_known_flow_is_answered_as_rfc_9293_says(
    lab: Lab,
    door: Endpoint,
    layer: type[Packet],
    flags: str,
    data: bytes,
    answered: str,
    sequence: int,
    acknowledgement: int,
) -> None:
    ends = (CLIENT, SERVER) if layer is IP else (CLIENT6, SERVER6)
    sent = layer(src=ends[0], dst=ends[1]) / TCP(sport=4, dport=5, flags=flags, seq=1000, ack=2000) / Raw(data)
    frame = answer(lab, door, sent, "tcp_reset_unknown")
    assert (frame.src, frame.dst) == (door.inner.mac, door.outer.mac)
    ip, tcp = checked(frame, layer)
    assert (ip.src, ip.dst) == ends[::-1]
    assert (tcp.sport, tcp.dport, str(tcp.flags)) == (5, 4, answered)
    assert (tcp.seq, tcp.ack, tcp.dataofs) == (sequence, acknowledgement, 5)
    assert lab.dataplane.flows() == []


BEHIND = [
    pytest.param(IP(src=CLIENT, dst=SERVER, options=b"\x01" * 4), id="IPv4 with one word of options"),
    pytest.param(IP(src=CLIENT, dst=SERVER, options=b"\x07\x27\x04" + bytes(37)), id="IPv4 with a recorded route"),
    pytest.param(IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrDestOpt(), id="IPv6 with destination options"),
    pytest.param(
        IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(options=PadN(optdata=bytes(250))),
        id="IPv6 with two extension headers",
    ),
    pytest.param(IPv6(src=CLIENT6, dst=SERVER6) / IPv6ExtHdrFragment(m=0, offset=0), id="IPv6 in a single fragment"),
]


@pytest.mark.parametrize("data", [b"", b"x" * 700], ids=["bare", "with data"])
@pytest.mark.parametrize("front", BEHIND)
def test_tcp_behind_options_and_extension_headers_is_answered_without_them(
    lab: Lab, door: Endpoint, front: Packet, data: bytes
) -> None:
    sent = front / TCP(sport=4, dport=5, flags="PA", seq=1000, ack=2000, options=[("NOP", None)] * 4) / Raw(data)
    ip, tcp = checked(answer(lab, door, sent, "tcp_reset_unknown"), type(front))
    assert (ip.src, ip.dst) == (front.dst, front.src)
    assert (tcp.sport, tcp.dport, str(tcp.flags), tcp.seq) == (5, 4, "R", 2000)


@pytest.mark.parametrize(
    ("packet", "verdict"),
    [
        (IP(src=CLIENT, dst=SERVER) / TCP(flags="R"), "tcp_no_flow"),
        (IP(src=CLIENT, dst=SERVER) / TCP(flags="RA"), "tcp_no_flow"),
        (IP(src=CLIENT, dst=SERVER) / TCP(flags="A", dataofs=4), "tcp_no_flow"),
        (IP(src=CLIENT, dst=SERVER) / TCP(flags="A", dataofs=6), "tcp_no_flow"),
        (
            fragment(IP(src=CLIENT, dst=SERVER, id=7) / TCP(flags="A") / Raw(bytes(2000)), fragsize=1000)[0],
            "tcp_no_flow",
        ),
        (IP(src=CLIENT, dst=SERVER) / TCP(flags="S"), "encapsulated"),
        (IP(src=CLIENT, dst=SERVER) / UDP(), "encapsulated"),
    ],
)
def test_no_reset_answers(lab: Lab, door: Endpoint, packet: Packet, verdict: str) -> None:
    """Resets, headers that are not all there, fragments; what may begin a flow begins it."""
    with lab.exactly(door.inner, verdict):
        door.outer.send(into(door, packet))


def test_without_the_attribute_nothing_is_answered(lab: Lab, door: Endpoint) -> None:
    lab.settings = {}
    try:
        assert lab.apply() == {}
        with lab.exactly(door.inner, "tcp_no_flow"):
            door.outer.send(into(door, IP(src=CLIENT, dst=SERVER) / TCP(flags="A")))
    finally:
        lab.settings = {"reset_on_idle": True}
        assert lab.apply() == {}


@pytest.mark.parametrize("why", ["unhealthy", "deregistered"])
def test_a_flow_pinned_to_a_target_that_resets_is_answered_once_and_forgotten(
    lab: Lab, door: Endpoint, why: str
) -> None:
    tcp = IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=80, flags="S")
    udp = IP(src=CLIENT, dst=SERVER) / UDP(sport=40000, dport=80)
    for packet in (tcp, udp):
        lab.through(packet)
    pinned = {one.protocol: one.target for one in lab.dataplane.flows()}
    lab.resets = dict.fromkeys((one.slot for one in lab.appliances), why)  # type: ignore[arg-type]
    before = lab.dataplane.node_counters()[0].resets
    try:
        assert lab.apply() == {}
        with lab.exactly(door.inner, "encapsulated"):
            door.outer.send(into(door, udp))
        data = IP(src=SERVER, dst=CLIENT) / TCP(sport=80, dport=40000, flags="PA", seq=7, ack=77) / Raw(b"data")
        _, reset = checked(answer(lab, door, data, f"tcp_reset_{why}"), IP)
        assert (str(reset.flags), reset.seq) == ("R", 77)
        assert {one.protocol: one.target for one in lab.dataplane.flows()} == {17: pinned[17]}
        answer(lab, door, data, "tcp_reset_unknown")
        assert lab.dataplane.node_counters()[0].resets == before + 2
        lab.settings = {"reset_on_idle": True, "fail_open": True}
        assert lab.apply() == {}
        with lab.exactly(door.inner, "encapsulated", packets=2):
            door.outer.send(into(door, tcp), into(door, tcp))
    finally:
        lab.resets, lab.settings = {}, {"reset_on_idle": True}
        assert lab.apply() == {}


PLAIN: tuple[tuple[int, int, bytes], ...] = ()
OPTIONS = ((socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x01" * 8),)
EXTENSIONS = ((socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes((0, 1, 1, 12, *bytes(12)))),)
"""What a socket puts between IP and TCP: nothing, eight NOPs, sixteen bytes of destination options."""


@pytest.mark.parametrize("checksum", ["on", "off"])
def test_a_real_client_believes_the_reset_whatever_it_was_doing(labs: Callable[..., Lab], checksum: str) -> None:
    """Super-packets, checksums left to a device that leaves them to the next, or finishes them: the kernel's own TCP closes the
    connection, on whichever side spoke."""
    lab = labs(f"reset-{checksum}", inspectors=1, max_flows=512)
    offload(lab.endpoints[0].inner, "tx-checksum-ip-generic", checksum)
    lab.settings = {"reset_on_idle": True}
    assert lab.apply() == {}
    for family, address, behind in (
        (socket.AF_INET, SERVER, PLAIN),
        (socket.AF_INET6, SERVER6, PLAIN),
        (socket.AF_INET, SERVER, OPTIONS),
        (socket.AF_INET6, SERVER6, EXTENSIONS),
    ):
        for speaker in ("client", "server"):
            with inside(lab.server.netns):
                listener = socket.create_server((address, 8000), family=family)
            with inside(lab.client.netns):
                client = socket.socket(family)
            for end in (listener, client):  # room for extension headers, which no MSS knows of
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 8000)
            client.settimeout(5)
            client.connect((address, 8000))
            server, _ = listener.accept()
            listener.close()
            client.sendall(b"x" * 100_000)
            left = 100_000
            while left:
                left -= len(server.recv(left))
            FlowSlots(lab).clear()
            one, other = (client, server) if speaker == "client" else (server, client)
            for option in behind:
                one.setsockopt(*option)
            one.sendall(b"y" * 60_000)
            one.settimeout(5)
            with pytest.raises(ConnectionResetError):
                one.recv(1)
            other.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.recv(1)  # only the sender was told
            assert other.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != errno.ECONNRESET
            client.close()
            server.close()
            FlowSlots(lab).clear()
    doubts = run("nstat", "-az", "TcpExtTCPChallengeACK", box=lab.client.box)
    assert float(doubts.split()[-2]) == 0, "a reset with a wrong number is asked about"
    eventually(lambda: lab.counts()[lab.endpoints[0].inner.ifindex, "tcp_reset_unknown"] >= 8, "no reset was counted")
