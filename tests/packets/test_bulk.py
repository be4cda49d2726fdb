"""Bulk through the load balancer: super-packets in the kernel, full segments to user space, two endpoints in series, UDP GSO."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from opengwlb.dataplane.syscalls import inside

from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Appliance, End, Lab, eventually, iperf_gbits, listens, process

UDP_SEGMENT = 103
ECHO = Path(__file__).with_name("echo.py")


@pytest.fixture(scope="module")
def one(labs: Callable[..., Lab]) -> Lab:
    return labs("one", endpoints=1, appliances=2)


@pytest.fixture(scope="module")
def series(labs: Callable[..., Lab]) -> Lab:
    """Two endpoints, an in-kernel appliance and one of user space: a flow meets any two of them."""
    return labs("two", endpoints=2, appliances=2, inspectors=1)


@pytest.fixture(scope="module")
def routed(labs: Callable[..., Lab]) -> Lab:
    """The same between VPC routers that are programs, as in a real network: no stack touches the packet between the endpoints."""
    return labs("routed", endpoints=2, appliances=2, inspectors=1, eni=True)


@contextlib.contextmanager
def echoing(appliance: Appliance) -> Iterator[None]:
    box = appliance.own.box
    with process(sys.executable, str(ECHO), box=box, ready=lambda: listens(box, 6081, kind="-lun")):
        yield


def super_packets(lab: Lab, end: End) -> int:
    """Packets of Ethernet that entered a device: super-packets count as one."""
    with inside(end.netns):
        for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
            if line.strip().startswith(f"{end.device}:"):
                return int(line.split(":")[1].split()[1])
    raise AssertionError(f"no device {end.device}")


@pytest.mark.parametrize("arguments", [(), ("-R",), ("-6",)], ids=["forward", "reverse", "ipv6"])
def test_tcp_bulk_passes_an_in_kernel_appliance_as_super_packets(one: Lab, arguments: tuple[str, ...]) -> None:
    before, skbs = one.counts(), super_packets(one, one.node)
    rate = iperf_gbits(one.client.box, one.server.box, SERVER6 if "-6" in arguments else SERVER, *arguments, seconds=1)
    packets = (one.counts() - before)[one.node.ifindex, "decapsulated"]
    assert rate > 1
    assert packets > 3 * (super_packets(one, one.node) - skbs)


@pytest.mark.parametrize("arguments", [(), ("-R",), ("-6",)], ids=["forward", "reverse", "ipv6"])
def test_tcp_bulk_passes_two_in_kernel_appliances_in_series(series: Lab, arguments: tuple[str, ...]) -> None:
    series.healthy = {series.appliances[0].slot}
    assert series.apply() == {}
    skbs = super_packets(series, series.node)
    before = series.counts()
    rate = iperf_gbits(
        series.client.box, series.server.box, SERVER6 if "-6" in arguments else SERVER, *arguments, seconds=1
    )
    change = series.counts() - before
    assert rate > 1
    assert change[series.node.ifindex, "decapsulated"] > 3 * (super_packets(series, series.node) - skbs)
    assert change[series.endpoints[0].inner.ifindex, "encapsulated"] > 1000
    assert change[series.endpoints[1].inner.ifindex, "encapsulated"] > 1000


@pytest.mark.parametrize("arguments", [(), ("-R",), ("-6",)], ids=["forward", "reverse", "ipv6"])
def test_tcp_bulk_passes_user_space_and_the_kernel_in_any_order(series: Lab, arguments: tuple[str, ...]) -> None:
    """Six connections over two appliances and two endpoints: each of the four orders happens nearly always, user space always."""
    series.healthy = None
    assert series.apply() == {}
    address = SERVER6 if "-6" in arguments else SERVER
    with echoing(series.appliances[1]):
        rate = iperf_gbits(series.client.box, series.server.box, address, *arguments, "-P", "6", seconds=1.5)
    assert rate > 0.05


@pytest.mark.parametrize("arguments", [(), ("-R",), ("-6",)], ids=["forward", "reverse", "ipv6"])
@pytest.mark.parametrize("chosen", [[0], [1], [0, 1]], ids=["kernel", "user-space", "both"])
def test_tcp_bulk_passes_two_endpoints_between_vpc_routers(
    routed: Lab, arguments: tuple[str, ...], chosen: list[int]
) -> None:
    routed.healthy = {routed.appliances[i].slot for i in chosen}
    assert routed.apply() == {}
    with echoing(routed.appliances[1]):
        address = SERVER6 if "-6" in arguments else SERVER
        rate = iperf_gbits(
            routed.client.box, routed.server.box, address, *arguments, "-P", str(3 * len(chosen)), seconds=1
        )
    assert rate > (1 if chosen == [0] else 0.05)
    verdicts = routed.counts()
    assert verdicts[routed.endpoints[1].outer.ifindex, "eni_forwarded"] > 1000
    assert [port for port in verdicts if port[1] == "to_router"] == []


def test_a_user_space_appliance_gets_no_datagram_above_the_mtu_and_only_full_checksums(series: Lab) -> None:
    series.healthy = {series.appliances[1].slot}
    assert series.apply() == {}
    frames: list[bytes] = []
    with echoing(series.appliances[1]), series.appliances[1].own.opened() as raw:
        iperf_gbits(series.client.box, series.server.box, SERVER, "-b", "50M", seconds=1)
        raw.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, address = raw.recvfrom(70000)
                if address[2] != socket.PACKET_OUTGOING and frame[36:38] == b"\x17\xc1":
                    frames.append(frame)
    assert len(frames) > 100
    assert max(len(frame) for frame in frames) == 14 + 68 + 8500
    for frame in frames:
        inner = frame[14 + 68 :]
        assert _sum(inner[:20]) == 0xFFFF
        pseudo = inner[12:20] + b"\0\x06" + (len(inner) - 20).to_bytes(2, "big")
        assert _sum(pseudo + inner[20:]) == 0xFFFF


def _sum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize(
    ("lab_name", "target", "chosen"),
    [
        *(("one", target, [0]) for target in (SERVER, SERVER6)),
        *(("series", target, chosen) for target in (SERVER, SERVER6) for chosen in ([0], [1], [0, 1])),
        *(("routed", target, chosen) for target in (SERVER, SERVER6) for chosen in ([0], [1], [0, 1])),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(("kernel", "user-space")[i] for i in value),
)
def test_udp_gso_arrives_as_its_datagrams(
    lab_name: str, target: str, chosen: list[int], request: pytest.FixtureRequest
) -> None:
    """As QUIC sends: bursts of 40 datagrams in one write, the last one shorter. Each arrives once, whole."""
    lab: Lab = request.getfixturevalue(lab_name)
    lab.healthy = {lab.appliances[i].slot for i in chosen}
    assert lab.apply() == {}
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with contextlib.ExitStack() as held:
        if 1 in chosen:
            held.enter_context(echoing(lab.appliances[1]))
        with inside(lab.server.netns):
            receiver = held.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        receiver.bind((target, 7000))
        receiver.settimeout(2)
        for sport in range(7001, 7001 + 3 * len(chosen)):
            with inside(lab.client.netns):
                sender = held.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            sender.bind((CLIENT6 if family == socket.AF_INET6 else CLIENT, sport))
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
            for burst in range(4):
                data = [bytes([burst, i]) * (600 if i < 39 else 211) for i in range(40)]
                sender.sendto(b"".join(data), (target, 7000))
                assert sorted(receiver.recv(2000) for _ in data) == sorted(data)


def dropped_or_sent(lab: Lab, before: Tally[tuple[int, str]], verdict: str) -> int:
    """Packets that met this verdict at the first endpoint since then."""
    return (lab.counts() - before)[lab.endpoints[0].inner.ifindex, verdict]


@pytest.mark.parametrize(("source", "target", "most"), [(CLIENT, SERVER, 8472), (CLIENT6, SERVER6, 8452)])
def test_udp_gso_is_measured_by_its_datagrams(routed: Lab, source: str, target: str, most: int) -> None:
    """Seven datagrams in one write: of 8500 bytes with their headers all arrive, of one byte more none does."""
    routed.healthy = {routed.appliances[0].slot}
    assert routed.apply() == {}
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with inside(routed.server.netns):
        receiver = socket.socket(family, socket.SOCK_DGRAM)
    with inside(routed.client.netns):
        sender = socket.socket(family, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((target, 7000))
        receiver.settimeout(2)
        sender.bind((source, 7100))
        for size, verdict in ((most, "encapsulated"), (most + 1, "inner_too_big")):
            data = [bytes([i]) * size for i in range(7)]
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
            before = routed.counts()
            sender.sendto(b"".join(data), (target, 7000))
            if verdict == "encapsulated":
                assert [receiver.recv(9000) for _ in data] == data
            met = partial(dropped_or_sent, routed, before, verdict)
            eventually(lambda met=met: met() >= 7, "the load balancer met them")
            assert met() == 7
