"""Filters run by the kernel (on a pair of local sockets), and pcapng read by tshark."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw
from test_observe_rows import FLOW, IGW, WEB_ENI
from test_walk_established import VERDICTS
from watched_lab import CLIENT as CLIENT_IN_LAB
from watched_lab import CONSUMER, COOKIE, ENDPOINT, LB, PRIVATE, PROVIDER, TG, Recorder, lab

from opengwlb.dataplane.samples import Sample
from opengwlb.model.topology import PortRef
from opengwlb.observe import capture_places, filters, pcapng, places, visibility
from opengwlb.observe.capture import Frame
from opengwlb.observe.capture_comments import Books, Commentator
from opengwlb.observe.flows import Named
from opengwlb.observe.visibility import Viewer
from opengwlb.policy import network
from opengwlb.wire.errors import AwsError
from opengwlb_appliance import geneve

CLIENT, SERVER, OTHER = "192.0.2.7", "10.0.0.37", "10.0.0.38"
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def plain(source: str, destination: str) -> Packet:
    return ETHER / IP(src=source, dst=destination) / TCP(dport=80)


def tunnelled(source: str, destination: str) -> Packet:
    inner = bytes(IP(src=source, dst=destination) / TCP(dport=80))
    header = geneve.encode(geneve.Header(protocol=geneve.IPV4, endpoint=1, cookie=2))
    return ETHER / IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=1, dport=6081) / Raw(header + inner)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.setblocking(False)
    yield one, other
    one.close()
    other.close()


def passed(pair: tuple[socket.socket, socket.socket], code: bytes, frame: Packet) -> bytes | None:
    sender, receiver = pair
    filters.attach(receiver, code)
    sender.setblocking(False)
    try:
        sender.send(bytes(frame))
        return receiver.recv(65536)
    except (BlockingIOError, PermissionError):  # the kernel's words for: the filter let nothing through
        return None


@pytest.mark.parametrize("build", [plain, tunnelled])
@pytest.mark.parametrize(
    ("ones", "others", "source", "destination", "wanted"),
    [
        ([CLIENT], [SERVER], CLIENT, SERVER, True),
        ([CLIENT], [SERVER], SERVER, CLIENT, True),
        ([CLIENT], [SERVER], CLIENT, OTHER, False),
        ([CLIENT], [SERVER], OTHER, SERVER, False),
        ([CLIENT], [OTHER, SERVER], CLIENT, SERVER, True),
        ([OTHER, CLIENT], [SERVER], SERVER, CLIENT, True),
        ([], [SERVER], OTHER, SERVER, True),
        ([], [SERVER], SERVER, OTHER, True),
        ([], [SERVER], CLIENT, OTHER, False),
        ([CLIENT], [], OTHER, CLIENT, True),
        ([CLIENT], [], OTHER, SERVER, False),
        ([], [], OTHER, CLIENT, True),
    ],
)
def test_a_filter_lets_through_its_pair_plainly_and_in_geneve(
    pair, build, ones, others, source, destination, wanted
) -> None:
    frame = build(source, destination)
    got = passed(pair, filters.between(ones, others), frame)
    assert got == (bytes(frame) if wanted else None)


CLIENT6, SERVER6, OTHER6 = "2001:db8:ffff::7", "2001:db8:0:102::5", "2001:db8:0:102::6"


def plain6(source: str, destination: str) -> Packet:
    return ETHER / IPv6(src=source, dst=destination) / TCP(dport=80)


def tunnelled6(source: str, destination: str) -> Packet:
    header = geneve.encode(geneve.Header(protocol=geneve.IPV6, endpoint=1, cookie=2))
    inner = bytes(IPv6(src=source, dst=destination) / TCP(dport=80))
    return ETHER / IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=1, dport=6081) / Raw(header + inner)


@pytest.mark.parametrize("build", [plain6, tunnelled6])
@pytest.mark.parametrize(
    ("ones", "others", "wanted"),
    [
        ([], [], True),
        ([CLIENT6], [SERVER6], True),
        ([SERVER6], [CLIENT6], True),
        ([CLIENT, CLIENT6], [OTHER6, SERVER6], True),
        ([CLIENT6], [], True),
        ([], [SERVER6], True),
        ([CLIENT6], [OTHER6], False),
        ([OTHER6], [], False),
        ([CLIENT], [], False),
        ([CLIENT6], [SERVER], False),
        ([f"2001:db8::{n:x}" for n in range(14)], [f"2001:db8:1::{n:x}" for n in range(4)], False),
        (
            [*(f"2001:db8::{n:x}" for n in range(14)), CLIENT6],
            [*(f"2001:db8:1::{n:x}" for n in range(4)), SERVER6],
            True,
        ),
    ],
)
def test_a_filter_lets_through_its_pair_of_ipv6(pair, build, ones, others, wanted) -> None:
    for frame in (build(CLIENT6, SERVER6), build(SERVER6, CLIENT6)):
        assert passed(pair, filters.between(ones, others), frame) == (bytes(frame) if wanted else None)


def test_a_filter_for_ipv6_lets_through_no_ipv4(pair: tuple[socket.socket, socket.socket]) -> None:
    assert passed(pair, filters.between([CLIENT6], []), plain(CLIENT, SERVER)) is None


def test_a_filter_lets_through_no_arp_and_cuts_to_its_length(pair: tuple[socket.socket, socket.socket]) -> None:
    assert passed(pair, filters.between([], []), ETHER / ARP()) is None
    assert passed(pair, filters.between([], [], length=40), plain(CLIENT, SERVER)) == bytes(plain(CLIENT, SERVER))[:40]
    assert passed(pair, filters.everything(length=20), ETHER / ARP()) == bytes(ETHER / ARP())[:20]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark judges the file")
def test_tshark_reads_the_file_with_interfaces_times_directions_and_lengths(tmp_path: Path) -> None:
    ports = [PortRef("vpc-1", "vpce-3b822cd32f"), PortRef("igw-1", "internet")]
    whole = bytes(plain(CLIENT, SERVER) / Raw(bytes(100)))
    frames = [
        Frame(
            port=ports[0], incoming=False, at_ns=1_800_000_000_000_000_123, data=bytes(plain(CLIENT, SERVER)), length=54
        ),
        Frame(port=ports[1], incoming=True, at_ns=1_800_000_001_000_000_000, data=whole[:61], length=len(whole)),
    ]
    file = tmp_path / "walk.pcapng"
    file.write_bytes(pcapng.write(frames, ports=ports, names={ports[0]: "vpce-076bc493b822cd32f"}, comment="a walk"))
    fields = ("frame.interface_name", "frame.time_epoch", "frame.len", "frame.cap_len", "ip.dst", "frame.comment")
    options = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "fields", *options], capture_output=True, text=True, check=True, timeout=60
    )
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["vpc-1/vpce-3b822cd32f", "1800000000.000000123", "54", "54", SERVER, "out of vpc-1"],
        ["igw-1/internet", "1800000001.000000000", "154", "61", SERVER, "into igw-1"],
    ]


def judged(file: Path, *fields: str) -> list[list[str]]:
    """What tshark reads of each packet; it finds nothing to warn of."""
    options = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(
        ["tshark", "-r", str(file), "-T", "fields", "-E", "separator=|", *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "arning" not in done.stderr and "appears to" not in done.stderr, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def test_a_whole_place_is_many_ports_of_which_each_account_gets_its_own() -> None:
    snapshot = lab()
    where = visibility.where(snapshot, network.topology(snapshot))

    def named(asked: str, account: str = "operator") -> list[str]:
        return list(
            capture_places.ports(snapshot, asked, where=where, viewer=Viewer(account, account == "operator")).values()
        )

    consumer, provider = f"vpc-{'c':0>17}", f"vpc-{'d':0>17}"
    assert len(named(ENDPOINT)) == len(named(WEB_ENI)) == 1
    assert named(f"i-{'2':0>17}") == [f"i-{'2':0>17} eni-{'2':0>17}"]
    assert set(named(LB)) == {ENDPOINT, f"eni-{'3':0>17} (a)"}
    assert named(TG) == [f"i-{'2':0>17} eni-{'2':0>17}"]
    assert len(named(IGW)) == 2
    assert {one.split()[1] for one in named(consumer, CONSUMER)} == {WEB_ENI, ENDPOINT, IGW}
    for stranger, asked in ((CONSUMER, provider), (CONSUMER, TG), (PROVIDER, IGW)):
        with pytest.raises(AwsError, match="There is no"):
            named(asked, stranger)
    assert named(LB, CONSUMER) == [ENDPOINT]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark judges the file")
def test_each_packets_comment_names_its_flow_its_target_and_its_verdict(tmp_path: Path) -> None:
    recorder = Recorder(lab())
    recorder.request(until=6)
    at = [one.place for one in recorder.frames]
    ports = {place.port: place.resource for place in at}
    caught = [
        Frame(port=one.place.port, incoming=one.incoming, at_ns=one.at_ns, data=one.data, length=len(one.data))
        for one in recorder.frames
    ]
    flow = replace(
        FLOW, source=CLIENT_IN_LAB, destination=PRIVATE, source_port=40000, destination_port=80, cookie=COOKIE
    )
    target = Named(target=f"i-{'2':0>17}", name="fw-1", address="10.9.0.10", zone="a", state="healthy")
    verdicts = {one.name: one for one in VERDICTS.values()}
    kept = Sample(ifindex=1, verdict=44, age_s=0.1, length=40, head=caught[3].data)
    commentator = Commentator(
        where=visibility.where(recorder.snapshot, network.topology(recorder.snapshot)),
        names=ports,
        private=places.public_to_private(recorder.snapshot),
    )
    books = Books(
        verdicts=verdicts,
        flows=[flow],
        target_of=lambda flow: target,
        dropped=[(caught[3].port, verdicts["no_targets"], kept)],
        now_s=caught[3].at_ns / 1e9 + 0.1,
    )
    commentator.learn(books)
    listed = list(ports)
    file = tmp_path / "walk.pcapng"
    file.write_bytes(
        pcapng.head(listed, names=ports, comment="a walk")
        + pcapng.packets(caught, ports=listed, comment=commentator.comment)
    )
    rows = judged(file, "frame.number", "frame.interface_description", "geneve.vni")
    assert [row[1] for row in rows] == [place.resource for place in at]
    comments = [commentator.comment(one) for one in caught]
    assert comments[4].split("; ") == [
        f"out of {at[4].port.box} at {at[4].resource}",
        f"tcp {CLIENT_IN_LAB}:40000 > {PRIVATE}:80",
        f"flow cookie 0x{COOKIE:08x} of {ENDPOINT}",
        f"target i-{'2':0>17} fw-1 (10.9.0.10, a)",
        f"encapsulated: {verdicts['encapsulated'].sentence}",
    ]
    assert comments[0].split("; ")[2] == f"flow cookie 0x{COOKIE:08x} of {ENDPOINT}"
    assert "igw_in" in comments[1] and "eni_forwarded" in comments[2] and "no_targets" in comments[3]
    assert [row[0] for row in judged(file, "frame.comment")] == comments


def test_packets_are_counted_in_a_file_that_comes_in_pieces() -> None:
    port = PortRef("vpc-1", "eni-1")
    frame = Frame(port=port, incoming=True, at_ns=1, data=bytes(plain(CLIENT, SERVER)), length=54)
    whole = pcapng.write([frame] * 3, ports=[port])
    found, rest = 0, b""
    for at in range(0, len(whole), 50):
        more, rest = pcapng.count(rest + whole[at : at + 50])
        found += more
    assert (found, rest) == (3, b"")
    with pytest.raises(ValueError, match="no pcapng"):
        pcapng.count(bytes(100))
