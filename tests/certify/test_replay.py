"""A recording goes through an appliance packet by packet; two appliances are compared flow by flow."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import CookedLinux, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import PcapNgWriter, wrpcap

from opengwlb.certify import packets as bytes_of
from opengwlb.certify.comparison import Fate, assign_flows, differences, recorded_fates, summarise
from opengwlb.certify.recording import Recorded, RecordingError, read_recording

from .conftest import ADDRESS, NODES, Wire

GWLB = Path(sys.executable).with_name("gwlb")
C, S = "198.51.100.7", "10.0.0.37"


def connection(port: int, *, answers: int = 5) -> list[Packet]:
    """A whole TCP connection: handshake, data from the server, end."""
    up, down = {"sport": port, "dport": 443}, {"sport": 443, "dport": port}
    told = [
        IP(src=C, dst=S, id=1) / TCP(**up, flags="S", seq=1),
        IP(src=S, dst=C, id=1) / TCP(**down, flags="SA", seq=1, ack=2),
        IP(src=C, dst=S, id=2) / TCP(**up, flags="A", seq=2, ack=2),
    ]
    for at in range(answers):
        told.append(
            IP(src=S, dst=C, id=2 + at) / TCP(**down, flags="PA", seq=2 + 8 * at, ack=2) / Raw(b"answer %d" % at)
        )
    told.append(IP(src=C, dst=S, id=3) / TCP(**up, flags="FA", seq=2, ack=2))
    return told


def traffic() -> list[Packet]:
    told = connection(40000) + connection(40001, answers=2)
    told += [IP(src=C, dst=S) / UDP(sport=53, dport=53) / Raw(b"question")]
    told += fragment(IP(src=C, dst=S, id=77) / UDP(sport=5000, dport=5001) / Raw(bytes(3000)), fragsize=1000)
    told += [IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=2) / Raw(b"six")]
    return told


def recorded(told: list[Packet]) -> list[Recorded]:
    return [Recorded(at_ns=at, inner=bytes(packet)) for at, packet in enumerate(told)]


def tunnelled(told: list[Packet], *, dropped: set[int]) -> list[Packet]:
    """As a capture on an appliance's interface on AWS: each packet in, and out again unless it was dropped."""
    numbers, _ = assign_flows(recorded(told))
    frames = []
    for at, (packet, number) in enumerate(zip(told, numbers, strict=True)):
        options = bytes_of.aws_options(endpoint=0x76BC493B822CD32F, cookie=1000 + number)
        data = bytes_of.geneve(options, version=packet.version) + bytes(packet)
        for source, target in (("10.9.0.4", "10.9.0.20"), ("10.9.0.20", "10.9.0.4"))[: 1 if at in dropped else 2]:
            frames.append(
                Ether() / IP(src=source, dst=target) / UDP(sport=50000 + number, dport=6081, chksum=0) / Raw(data)
            )
    return frames


# -- reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["ethernet", "vlan", "raw", "cooked"])
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_pcap_of_every_link_type_is_read_as_bare_ip(tmp_path: Path, link: str, nanoseconds: bool) -> None:
    told = [packet for packet in traffic() if link != "raw" or packet.version == 4]
    wrap = {"ethernet": Ether(), "vlan": Ether() / Dot1Q(vlan=7), "raw": None, "cooked": CookedLinux(proto=0x0800)}[
        link
    ]
    frames = []
    for packet in told:
        head = CookedLinux(proto=0x0800 if packet.version == 4 else 0x86DD) if link == "cooked" else wrap
        frames.append(packet if head is None else head.copy() / packet)
    wrpcap(str(tmp_path / "x.pcap"), frames, nano=nanoseconds)
    found = read_recording((tmp_path / "x.pcap").read_bytes())
    assert [one.inner for one in found.packets] == [bytes(packet) for packet in told]
    assert found.cut_short == 0


def test_pcapng_is_read_and_what_is_not_ip_is_counted(tmp_path: Path) -> None:
    with PcapNgWriter(str(tmp_path / "x.pcapng")) as writer:
        for packet in traffic():
            writer.write(Ether() / packet)
        writer.write(Ether(type=0x88CC) / Raw(b"lldp"))
    found = read_recording((tmp_path / "x.pcapng").read_bytes())
    assert [one.inner for one in found.packets] == [bytes(packet) for packet in traffic()]
    assert found.other == 1


def test_a_capture_of_an_appliance_gives_inner_packets_and_its_verdicts(tmp_path: Path) -> None:
    told, dropped = traffic(), {3, 4, 20}
    wrpcap(str(tmp_path / "x.pcap"), tunnelled(told, dropped=dropped))
    found = read_recording((tmp_path / "x.pcap").read_bytes())
    assert [one.inner for one in found.packets] == [bytes(packet) for packet in told]
    assert {at for at, one in enumerate(found.packets) if not one.returned} == dropped
    assert {one.endpoint for one in found.packets} == {0x76BC493B822CD32F}


def test_packets_that_a_capture_cut_short_are_left_out_and_counted() -> None:
    whole = bytes(Ether() / traffic()[0])
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 40, 1)
    data = (
        head
        + struct.pack("<IIII", 0, 0, 40, len(whole))
        + whole[:40]
        + struct.pack("<IIII", 0, 0, len(whole), len(whole))
        + whole
    )
    found = read_recording(data)
    assert (len(found.packets), found.cut_short) == (1, 1)


def test_a_spoilt_file_is_refused_in_a_sentence_and_never_with_another_error(tmp_path: Path) -> None:
    wrpcap(str(tmp_path / "x.pcap"), [Ether() / packet for packet in traffic()])
    with PcapNgWriter(str(tmp_path / "x.pcapng")) as writer:
        for packet in traffic():
            writer.write(Ether() / packet)
    dice = random.Random(7)
    for name in ("x.pcap", "x.pcapng"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(400):
            spoilt = bytearray(whole[: dice.randrange(1, len(whole) + 1)])
            for _ in range(dice.randrange(4)):
                spoilt[dice.randrange(len(spoilt))] = dice.getrandbits(8)
            try:
                read_recording(bytes(spoilt))
            except RecordingError as problem:
                assert str(problem)


# -- comparing ---------------------------------------------------------------------------------------------------------


def test_a_tuple_that_is_opened_again_is_another_flow_and_fragments_stay_together() -> None:
    told = connection(40000) + connection(40000) + traffic()[-5:]
    numbers, names = assign_flows(recorded(told))
    assert numbers == [0] * 9 + [1] * 9 + [2, 3, 3, 3, 3] or numbers == [0] * 9 + [1] * 9 + [2, 2, 2, 2, 3]
    assert names[0] == names[1] == "tcp 198.51.100.7:40000 → 10.0.0.37:443"


def test_differences_name_the_flow_and_the_packet_where_two_part() -> None:
    told = recorded(connection(40000))
    numbers, names = assign_flows(told)
    one = summarise(told, numbers, names, [Fate(returned=True, size=40, latency_ns=100_000)] * 9)
    other = summarise(told, numbers, names, [Fate(returned=at != 5, size=40, latency_ns=100_000) for at in range(9)])
    (sentence,) = differences(one, other, names=("old", "new"))
    assert "40000" in sentence and "old passed 9 of 9" in sentence and "new 8; they part at packet 6" in sentence
    assert differences(one, one, names=("old", "new")) == []
    slow = summarise(told, numbers, names, [Fate(returned=True, size=40, latency_ns=9_000_000)] * 9)
    assert differences(one, slow, names=("old", "new")) == []
    (sentence,) = differences(one, slow, names=("old", "new"), slower=3)
    assert "median latency 100 µs with old, 9000 µs with new" in sentence


def test_what_was_recorded_is_no_verdict_where_nothing_came_back() -> None:
    assert recorded_fates(recorded(traffic())) is None


# -- replaying ---------------------------------------------------------------------------------------------------------


def replay(wire: Wire, file: Path, *more: str) -> tuple[int, dict]:
    done = subprocess.run(
        [GWLB, "replay", file, "--via", ADDRESS, "--netns", wire.node, "--node", NODES[0], "--json", *more],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_recording_goes_through_an_appliance_and_comes_out_whole(wire: Wire, tmp_path: Path) -> None:
    wrpcap(str(tmp_path / "x.pcap"), [Ether() / packet for packet in traffic()])
    with wire.hairpin():
        status, told = replay(wire, tmp_path / "x.pcap", "--also", ADDRESS)
    assert (status, told["differences"]) == (0, [])
    first = told["appliances"][0]
    assert {row["verdict"] for row in first["flows"]} == {"passed"} and first["strange_packets"] == 0
    assert sum(row["bytes_passed"] for row in first["flows"]) == sum(len(bytes(packet)) for packet in traffic())
    assert all(0 < row["latency_p50_us"] < 250_000 for row in first["flows"])


def test_what_the_appliance_of_the_recording_did_is_compared_with(wire: Wire, tmp_path: Path) -> None:
    wrpcap(str(tmp_path / "same.pcap"), tunnelled(traffic(), dropped=set()))
    wrpcap(str(tmp_path / "other.pcap"), tunnelled(traffic(), dropped={4}))
    with wire.hairpin():
        assert replay(wire, tmp_path / "same.pcap")[0] == 0
        status, told = replay(wire, tmp_path / "other.pcap")
    assert status == 1
    (sentence,) = told["differences"]
    assert "the recording passed 8 of 9 packets" in sentence and "they part at packet 5" in sentence


def test_an_appliance_that_drops_part_of_a_flow_is_found_by_the_comparison(wire: Wire, tmp_path: Path) -> None:
    wrpcap(str(tmp_path / "x.pcap"), tunnelled(traffic(), dropped=set()))
    with wire.hairpin("tires-of-servers"):
        status, told = replay(wire, tmp_path / "x.pcap")
    assert status == 1
    (sentence,) = told["differences"]
    assert f"{ADDRESS} 8; they part at packet 8" in sentence
