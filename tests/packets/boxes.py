"""Boxes for the packet tests of the VPC router and the internet gateway: namespaces, wires between them, raw frames in and out.

Everything made here carries the prefix `eni-` and is gone when the `Boxes` are closed. The ends of a wire get ifindexes that are
unique on the machine, as fabric gives them, because one set of maps serves all boxes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from opengwlb.dataplane import DataPlane
from opengwlb.model.plane import Plane
from opengwlb.model.topology import Port, PortRef, Program

ROOT = Path(__file__).parents[2]

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(*command: str, box: str | None = None) -> str:
    prefix = ("ip", "netns", "exec", box) if box else ()
    done = subprocess.run((*prefix, *command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
    return done.stdout


@contextlib.contextmanager
def inside(box: str) -> Iterator[None]:
    """This thread stands in the box's network namespace."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{box}", os.O_RDONLY)
    try:
        assert _libc.setns(there, CLONE_NEWNET) == 0
        yield
    finally:
        assert _libc.setns(home, CLONE_NEWNET) == 0
        os.close(there)
        os.close(home)


@dataclass(frozen=True)
class End:
    """One end of a wire."""

    box: str
    device: str
    ifindex: int
    mac: str

    @contextlib.contextmanager
    def opened(self) -> Iterator[socket.socket]:
        """A packet socket on this end: what it sends leaves here, what it reads arrived here or was sent by others."""
        with inside(self.box):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        raw.bind((self.device, 3))
        try:
            yield raw
        finally:
            raw.close()

    def send(self, *frames: Packet | bytes) -> None:
        with self.opened() as raw:
            for frame in frames:
                raw.send(bytes(frame))


def arrived(raw: socket.socket, wanted: Callable[[Packet], bool], *, within_s: float = 3.0) -> Packet:
    """The first frame that arrived on a socket and is wanted."""
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        raw.settimeout(left)
        try:
            frame, address = raw.recvfrom(65535)
        except TimeoutError:
            break
        packet = Ether(frame)
        if address[2] != socket.PACKET_OUTGOING and wanted(packet):
            return packet
    raise AssertionError("the wanted frame did not arrive")


class Boxes:
    """The namespaces and wires of one test module."""

    def __init__(self, *, first_ifindex: int) -> None:
        self._ifindex = first_ifindex
        self._made: list[str] = []

    def box(self, name: str, *, forwards: bool = False) -> str:
        full = f"eni-{name}"
        run("ip", "netns", "add", full)
        self._made.append(full)
        settings = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
        if forwards:
            settings += ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.fwmark_reflect=1"]
            settings += [
                "net.ipv4.icmp_ratelimit=0",
                "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0",
            ]
        run("sysctl", "-qw", *settings, box=full)
        run("ip", "link", "set", "lo", "up", box=full)
        return full

    def wire(self, left: str, left_device: str, right: str, right_device: str, *, mtu: int = 9001) -> tuple[End, End]:
        """A veth pair, both ends up."""
        ends = []
        for box, device in ((left, left_device), (right, right_device)):
            self._ifindex += 1
            mac = f"02:00:00:00:{self._ifindex >> 8 & 255:02x}:{self._ifindex & 255:02x}"
            ends.append(End(box, device, self._ifindex, mac))
        a, b = ends
        run(
            *(
                "ip",
                "link",
                "add",
                a.device,
                "netns",
                a.box,
                "index",
                str(a.ifindex),
                "address",
                a.mac,
                "mtu",
                str(mtu),
            ),
            *("type", "veth", "peer", "name", b.device, "netns", b.box, "index", str(b.ifindex)),
            *("address", b.mac, "mtu", str(mtu)),
        )
        for end in ends:
            run("ip", "link", "set", end.device, "up", box=end.box)
        return a, b

    def close(self) -> None:
        for name in reversed(self._made):
            left = subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True)
            for process in left.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def ip_counter(box: str, name: str) -> int:
    """One of the box's IP statistics: `InReceives`, `InDiscards` …"""
    names, values = (
        line.split() for line in run("cat", "/proc/net/snmp", box=box).splitlines() if line.startswith("Ip:")
    )
    return int(values[names.index(name)])


class Programs:
    """The compiled programs on ends of wires, through the data plane as the server uses it."""

    def __init__(self, run_dir: Path) -> None:
        subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True, timeout=120)
        self._plane = DataPlane(run_dir=run_dir, objects=ROOT / "build" / "bpf", max_flows=4096)
        self._plane.open()

    def attach(self, program: Program, end: End) -> None:
        port = Port(box=end.box, device=end.device, mac=end.mac, mtu=9001, program=program)
        self._plane.attach(port, netns=f"/run/netns/{end.box}", ifindex=end.ifindex)

    def apply(self, plane: Plane, ends: Iterable[End]) -> None:
        assert self._plane.apply(plane, {PortRef(end.box, end.device): end.ifindex for end in ends}) == {}

    def counters(self) -> dict[tuple[int, str], int]:
        """(ifindex, verdict) -> packets."""
        return {(row.ifindex, self._plane.verdicts[row.verdict].name): row.packets for row in self._plane.counters()}

    def close(self) -> None:
        self._plane.destroy()
