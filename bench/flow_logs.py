"""Nanoseconds that a packet takes through the VPC's router from one interface to another: without a flow log, and recorded at both.

BPF_PROG_TEST_RUN of the router's own program, without a harness: the only thing that changes with each packet is the TTL, so a run is no
longer than that lasts.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import statistics
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.syscalls import inside
from opengwlb.model.plane import EniEntry, EniRole, Plane
from opengwlb.model.topology import PortRef

from .boxes import run
from .figures import Figure, Say, below
from .table import compiled, pinned
from .testrun import nanoseconds

ROUNDS = 9
RUNS = 400
PACKETS = 200
"""Of a run: fewer than the TTL has steps."""
DELIVERY = 900
FIRST_INDEX = 1_700_100_000
NOWHERE, SENDER, BOTH = "neither", "the sender", "both"
_MACS = ("02:b1:00:00:01:01", "02:b1:00:00:01:02")


def rows(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    """With and without, in turns."""
    with _router(f"{prefix}v") as netns, _programs(f"{prefix}v", compiled(directory)) as plane:
        say("a packet from interface to interface, with and without a flow log")
        times: dict[str, list[float]] = defaultdict(list)
        pinned()
        for _ in range(ROUNDS):
            for where in (NOWHERE, SENDER, BOTH):
                errors = plane.apply(_configured(where), _INDEXES)
                assert not errors, errors
                times[where].append(_measured(plane, netns))
                _recorded(plane, as_expected={NOWHERE: 0, SENDER: 1, BOTH: 2}[where])
    base = statistics.median(times[NOWHERE])
    return [
        below(
            f"interface to interface in one VPC, flow log of {where}",
            value=statistics.median(found),
            unit="ns",
            baseline=base,
            of_ratio=True,
            spread=(min(found), max(found)),
        )
        for where, found in times.items()
    ]


_PORTS = (PortRef("vpc", "left"), PortRef("vpc", "right"))
_INDEXES = {port: FIRST_INDEX + 2 * number for number, port in enumerate(_PORTS)}
_ADDRESSES = ("10.0.1.10", "10.0.2.10")


def _configured(where: str) -> Plane:
    return Plane(
        enis={
            port: EniEntry(
                port=port,
                role=EniRole.ENI,
                table=DELIVERY,
                delivery=DELIVERY,
                subnet=f"10.0.{number + 1}.0/24",
                addresses=(_ADDRESSES[number],),
                flow_log=where == BOTH or (where == SENDER and number == 0),
                mac=_MACS[0],
                peer_mac=_MACS[1],
            )
            for number, port in enumerate(_PORTS)
        }
    )


def _frame() -> bytes:
    source, destination = (socket.inet_aton(address) for address in _ADDRESSES)
    ethernet = bytes.fromhex((_MACS[0] + _MACS[1]).replace(":", "")) + b"\x08\x00"
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 60, 1, 0, 255, 6, 0, source, destination)
    words = sum(struct.unpack("!10H", head))
    check = ~((words & 0xFFFF) + (words >> 16)) & 0xFFFF
    tcp = struct.pack("!HHIIBBHHH", 40000, 80, 1, 1, 5 << 4, 0x10, 1000, 0, 0)
    return ethernet + head[:10] + struct.pack("!H", check) + head[12:] + tcp + bytes(20)


def _measured(plane: DataPlane, netns: str) -> float:
    """The mean of a packet, over many runs."""
    program, frame, ifindex = plane.program("eni"), _frame(), _INDEXES[_PORTS[0]]
    with inside(netns):
        return statistics.mean(nanoseconds(program, frame, times=PACKETS, ifindex=ifindex) for _ in range(RUNS))


def _recorded(plane: DataPlane, *, as_expected: int) -> None:
    """Takes the records away: as many as interfaces were watched, each with every packet."""
    records = plane.flow_records()
    found = list(records.before(records.turn(now=time.time())))
    records.forget([one.raw for one in found])
    assert [one.count.packets for one in found] == [RUNS * PACKETS] * as_expected, found


@contextlib.contextmanager
def _router(name: str) -> Iterator[str]:
    """A namespace with the router's two ports. Answers its path."""
    run("ip", "netns", "add", name)
    try:
        for port, index in _INDEXES.items():
            run(
                *("ip", "-n", name, "link", "add", port.device, "mtu", "9001", "index", str(index), "type", "veth"),
                *("peer", "name", f"{port.device}0", "mtu", "9001", "index", str(index + 1)),
            )
            for device in (port.device, f"{port.device}0"):
                run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.conf.all.forwarding=1")
        for port, address in zip(_PORTS, _ADDRESSES, strict=True):
            run("ip", "-n", name, "route", "add", f"{address}/32", "dev", port.device, "table", str(DELIVERY))
        yield f"/run/netns/{name}"
    finally:
        run("ip", "netns", "delete", name)


@contextlib.contextmanager
def _programs(name: str, objects: Path) -> Iterator[DataPlane]:
    run_dir = Path("/run") / name
    plane = DataPlane(run_dir=run_dir, objects=objects, max_flows=4096)
    try:
        plane.open()
        yield plane
    finally:
        plane.destroy()
        shutil.rmtree(run_dir, ignore_errors=True)
