"""Boxes for the packet tests of the VPC router and the internet gateway: namespaces, wires between them, programs on their ends.

Everything made here carries a prefix, `eni-` unless another is given, and is gone when it is closed. The ends of a wire get ifindexes
that are unique on the machine, as fabric gives them, because one set of maps serves all boxes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.flow_logs import FlowRecords
from opengwlb.model.plane import Plane
from opengwlb.model.topology import Program

from . import harness
from .harness import OBJECTS, End, run


def arrived(raw: socket.socket, wanted: Callable[[Packet], bool]) -> Packet:
    """The first frame that arrived at a packet socket and is wanted."""
    return harness.arrived(raw, lambda frame: wanted(Ether(frame)))


class Boxes:
    """The namespaces and wires of one test module."""

    def __init__(self, *, first_ifindex: int, prefix: str = "eni-") -> None:
        self._ifindex = first_ifindex
        self._prefix = prefix
        self._made: list[str] = []

    def box(self, name: str, *, forwards: bool = False) -> str:
        full = f"{self._prefix}{name}"
        run("ip", "netns", "add", full)
        self._made.append(full)
        settings = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
        if forwards:
            settings += ["net.ipv4.ip_forward=1", "net.ipv4.fwmark_reflect=1", "net.ipv4.icmp_ratelimit=0"]
            settings += ["net.ipv4.conf.all.send_redirects=0"]
            settings += ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
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
            *("ip", "link", "add", a.device, "netns", a.box, "index", str(a.ifindex), "address", a.mac),
            *("mtu", str(mtu), "type", "veth", "peer", "name", b.device, "netns", b.box, "index", str(b.ifindex)),
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
    lines = run("cat", "/proc/net/snmp", box=box).splitlines()
    names, values = (line.split() for line in lines if line.startswith("Ip:"))
    return int(values[names.index(name)])


class Programs:
    """The compiled programs on ends of wires, through the data plane as the server uses it."""

    def __init__(self, run_dir: Path) -> None:
        self._plane = DataPlane(run_dir=run_dir, objects=OBJECTS, max_flows=4096)
        try:
            self._plane.open()
        except BaseException:
            self._plane.destroy()
            raise

    def attach(self, program: Program, end: End) -> None:
        self._plane.attach(end.port(program), netns=end.netns, ifindex=end.ifindex)

    def apply(self, plane: Plane, ends: Iterable[End]) -> None:
        assert self._plane.apply(plane, {end.ref: end.ifindex for end in ends}) == {}

    def counters(self) -> dict[tuple[int, str], int]:
        """(ifindex, verdict) -> packets."""
        return {(row.ifindex, self._plane.verdicts[row.verdict].name): row.packets for row in self._plane.counters()}

    def sizes(self) -> dict[tuple[int, str], int]:
        """(ifindex, verdict) -> bytes."""
        return {(row.ifindex, self._plane.verdicts[row.verdict].name): row.bytes for row in self._plane.counters()}

    def flow_records(self) -> FlowRecords:
        return self._plane.flow_records()

    def program(self, name: str) -> int:
        return self._plane.program(name)

    def close(self) -> None:
        self._plane.destroy()
