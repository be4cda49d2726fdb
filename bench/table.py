"""A load balancer that exists for BPF_PROG_TEST_RUN alone: configured maps and two devices, no packets but the harness's."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import mmap
import os
import random
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.flows import monotonic_ns
from opengwlb.dataplane.layout import FLOW_BUSY, FLOW_VALID, FLOW_WAYS, flow_slot
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import inside, open_pin
from opengwlb.model.plane import EndpointEntry, NodeEntry, Plane, TargetEntry
from opengwlb.model.topology import PortRef

from .testrun import nanoseconds

BPF = Path(__file__).resolve().parents[1] / "bpf"
RIVALS = "rivals"
"""Of a directory of objects: those with another flow table, which only `rivals.py` loads."""
SYN, ACK = 0x02, 0x10
ANY_FLOW = 0xFFFFFFFF
ENDPOINT = 0x0A1B2C3D4E5F6070
FIRST_PORT_INDEX = 1_700_000_000
SERVER = "10.0.2.10"
_MAC, _PEER = "02:b1:00:00:00:01", "02:b1:00:00:00:02"
_BLOCK = 4096
"""Slots that are written at once when a table is filled."""


class bench_state(ctypes.Structure):
    """Of bpf/bench/harness.h."""

    _fields_ = [
        ("next", ctypes.c_uint64),
        ("forwarded", ctypes.c_uint64),
        ("mask", ctypes.c_uint32),
        ("train", ctypes.c_uint32),
        ("ifindex", ctypes.c_uint32),
        ("ports", ctypes.c_uint32),
        ("tcp_flags", ctypes.c_uint32),
        ("record", ctypes.c_uint32),
        ("stride", ctypes.c_uint32),
        ("headers", ctypes.c_uint8 * 88),
    ]


def compiled(directory: Path) -> Path:
    """The programs and what stands round them, compiled anew."""
    objects = directory / "objects"
    for target in ("all", "bench"):
        subprocess.run(["make", "-s", "-C", str(BPF), target, f"OUT={objects}"], check=True)
    # Out of sight: whoever opens a data plane loads every object that is there, and with these comes a second table.
    rivals = objects / RIVALS
    rivals.mkdir()
    for path in objects.glob("bench_*_lru.bpf.o"):
        path.rename(rivals / path.name)
    return objects


@contextlib.contextmanager
def box(name: str) -> Iterator[str]:
    """A namespace with two devices: an endpoint's port and a node's. Answers its path."""
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        for number, (device, peer) in enumerate((("node", "provider"), ("endpoint", "consumer"))):
            index = FIRST_PORT_INDEX - 2 * (number + 1)
            subprocess.run(
                [
                    *("ip", "-n", name, "link", "add", device, "mtu", "9001", "index", str(index), "type", "veth"),
                    *("peer", "name", peer, "mtu", "9001", "index", str(index + 1)),
                ],
                check=True,
            )
        yield f"/run/netns/{name}"
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


NODE_INDEX, ENDPOINT_INDEX = FIRST_PORT_INDEX - 2, FIRST_PORT_INDEX - 4


class Table:
    """One data plane: a flow table of a size, and how many targets, endpoints and zones it knows.

    The first endpoint's port is a real device; further endpoints exist in the maps, and for XDP-typed programs only.
    """

    def __init__(
        self,
        *,
        name: str,
        netns: str,
        objects: Path,
        max_flows: int = 262144,
        targets: int = 2,
        endpoints: int = 1,
        zones: int = 1,
    ) -> None:
        self.netns = netns
        self.slots = max_flows
        self._run_dir = Path("/run") / name
        self._dataplane = DataPlane(run_dir=self._run_dir, objects=objects, max_flows=max_flows, new_flows_per_s=0)
        self._targets, self._endpoints, self._zones = targets, endpoints, zones
        self._first_port = ENDPOINT_INDEX if endpoints == 1 else FIRST_PORT_INDEX
        self._maps: list[Map] = []

    def open(self) -> Table:
        self._dataplane.open()
        plane, indexes = self._plane()
        errors = self._dataplane.apply(plane, indexes)
        assert not errors, errors
        self._state, self._flows = self._map("bench_state"), self._map("flows")
        return self

    def _map(self, name: str) -> Map:
        found = Map(open_pin(str(self._run_dir / "bpf" / "maps" / name)), name=name)
        self._maps.append(found)
        return found

    def close(self) -> None:
        for one in self._maps:
            one.close()
        self._dataplane.destroy()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    def _plane(self) -> tuple[Plane, dict[PortRef, int]]:
        ports = [PortRef("gwlb", f"e{number}") for number in range(self._endpoints)]
        nodes = [PortRef("gwlb", f"n{number}") for number in range(self._zones)]
        addresses = [ipaddress.IPv4Address("10.9.64.0") + number for number in range(self._targets)]
        plane = Plane(
            targets={
                slot: TargetEntry(slot=slot, generation=1, address=str(address))
                for slot, address in enumerate(addresses, start=1)
            },
            nodes={
                slot: NodeEntry(
                    slot=slot,
                    address=f"10.9.{slot}.4",
                    port=port,
                    mac=_MAC,
                    peer_mac=_PEER,
                    targets=tuple(range(1, self._targets + 1)),
                )
                for slot, port in enumerate(nodes)
            },
            endpoints={
                ENDPOINT + number: EndpointEntry(
                    endpoint=ENDPOINT + number,
                    port=port,
                    node=number % self._zones,
                    mac=_MAC,
                    peer_mac=_PEER,
                )
                for number, port in enumerate(ports)
            },
        )
        indexes = dict.fromkeys(nodes, NODE_INDEX)
        indexes |= {port: self._first_port + n for n, port in enumerate(ports)}
        return plane, indexes

    # -- running

    def encapsulate(
        self,
        program: str,
        *,
        times: int,
        flows: int,
        flags: int = ACK,
        train: int = 1,
        record: bool = False,
        ports: int | None = None,
        stride: int = 1,
    ) -> Measured:
        """`times` packets of `flows` flows in turn (a power of two; ANY_FLOW + 1: never the same again), `train` in a row.

        The flows of an XDP-typed program go round the first `ports` endpoints (None: the largest power of two of them). An odd `stride`
        leads to every flow in another order than 1, in which they were opened.
        """
        most = 1 << self._endpoints.bit_length() - 1 if program.startswith("xdp_") else 1
        state = bench_state(
            next=self._settled().next if flows > ANY_FLOW else 0,
            mask=flows - 1,
            train=train.bit_length() - 1,
            ifindex=self._first_port,
            ports=(most if ports is None else ports) - 1,
            tcp_flags=flags,
            record=record,
            stride=stride,
        )
        return self._run(program, state, _frame(), bytes(12) + b"\x08\x00", times=times, ifindex=ENDPOINT_INDEX)

    def decapsulate(self, program: str, *, times: int, flows: int) -> Measured:
        """Returns of flows that were opened with `record`."""
        inner = _frame()[14:]
        outer = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 68 + len(inner), 0, 0x4000, 64, 17, 0, bytes(4), _node(0))
        udp = struct.pack("!HHHH", 49152, 6081, 48 + len(inner), 0)
        options = struct.pack("!HBBQHBBQHBBI", 0x108, 1, 2, ENDPOINT, 0x108, 2, 2, 0, 0x108, 3, 1, 0)
        headers = bytes(12) + b"\x08\x00" + outer + udp + struct.pack("!BBHI", 8, 0, 0x800, 0) + options
        state = bench_state(mask=flows - 1, ifindex=NODE_INDEX, stride=1)
        return self._run(program, state, headers + inner, headers, times=times, ifindex=NODE_INDEX)

    def _run(
        self, program: str, state: bench_state, frame: bytes, headers: bytes, *, times: int, ifindex: int
    ) -> Measured:
        ctypes.memmove(state.headers, headers, len(headers))
        self._state.put(_FIRST, bytes(state))
        device = None if program.startswith("xdp_") else ifindex
        with inside(self.netns):
            duration = nanoseconds(self._program(program), frame, times=times, ifindex=device)
        return Measured(duration, self._settled().forwarded / times)

    def _program(self, name: str) -> int:
        return self._dataplane.program(name)

    def _settled(self) -> bench_state:
        raw = self._state.get(_FIRST)
        assert raw is not None
        return bench_state.from_buffer_copy(raw)

    def verdicts(self) -> Counter[str]:
        """Packets by verdict, since the table was opened."""
        found: Counter[str] = Counter()
        for row in self._dataplane.counters():
            found[self._dataplane.verdicts[row.verdict].name] += row.packets
        return found

    # -- filling

    def fill(self, *, live: bool) -> None:
        """Every slot holds a flow like the one that is in it now (exactly one), under other tags; live ones or long expired ones."""
        size = ctypes.sizeof(flow_slot)
        with mmap.mmap(self._flows.fd, self._flows.max_entries * FLOW_WAYS * size) as whole:
            if not hasattr(self, "_pattern"):
                tags = memoryview(whole).cast("Q")[0 :: size // 8].tolist()
                (found,) = (index for index, tag in enumerate(tags) if tag & FLOW_VALID)
                self._pattern = whole[found * size : (found + 1) * size]
            slot = flow_slot.from_buffer_copy(self._pattern)
            slot.last_seen_ns = monotonic_ns() - (0 if live else 7 * 86400 * 10**9)
            block = bytearray(bytes(slot) * _BLOCK)
            words, dice = memoryview(block).cast("Q"), random.Random(1)
            for index in range(_BLOCK):
                words[index * size // 8] = (dice.getrandbits(64) & ~FLOW_BUSY) | FLOW_VALID
            for at in range(0, len(whole), len(block)):
                whole[at : at + len(block)] = bytes(block)


class Measured:
    """ns per packet, and the share of packets that the program forwarded."""

    def __init__(self, ns: int, forwarded: float) -> None:
        self.ns, self.forwarded = ns, forwarded


_FIRST = b"\0\0\0\0"


def _node(slot: int) -> bytes:
    return ipaddress.IPv4Address(f"10.9.{slot}.4").packed


def _frame() -> bytes:
    """64 bytes: Ethernet, IPv4, TCP without options, ten bytes of data."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 50, 0, 0, 64, 6, 0, bytes(4), ipaddress.IPv4Address(SERVER).packed)
    tcp = struct.pack("!HHIIBBHHH", 1024, 80, 1, 1, 0x50, ACK, 512, 0, 0)
    return bytes(12) + b"\x08\x00" + ip + tcp + bytes(10)


def pinned(cpu: int | None = None) -> int:
    """Binds this process to one CPU, the last that it may use; answers it."""
    chosen = max(os.sched_getaffinity(0)) if cpu is None else cpu
    os.sched_setaffinity(0, {chosen})
    return chosen
