"""What security groups cost a packet in the VPC's router: 300 rules and a group of 10,000 members against one rule, in one run.

Both sides of the packet's pass are guarded. Established packets are the kernel's mean over 200 repetitions of one (as far as a TTL
goes), first packets are single ones of flows that never were: the clock around a single run is in their figures, and in the baseline's.
"""

from __future__ import annotations

import os
import statistics
import struct
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.syscalls import inside
from opengwlb.model.plane import EniEntry, EniRole, Guard, Plane
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import SecurityGroup, SecurityGroupRule
from opengwlb.policy import rules

from .figures import Figure, Say, below
from .table import ENDPOINT_INDEX, NODE_INDEX, box, compiled, pinned
from .testrun import nanoseconds

ROUNDS = 9
REPEATED = 200
FIRSTS = 1500
MEMBERS = 10_000
RULES = 300
ESTABLISHED_GOAL_NS, FIRST_GOAL_NS = 5.0, 150.0
CLIENT, SERVER = "10.0.1.10", "10.0.2.10"
MACS = {NODE_INDEX: "02:00:00:00:00:01", ENDPOINT_INDEX: "02:00:00:00:00:02"}
_DELIVERY = 900


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    rules: tuple[SecurityGroupRule, ...] | None
    """Both ways; None: no groups at all."""
    members: int = 0


def _rule(port: int, *, egress: bool, cidr: str | None = None) -> SecurityGroupRule:
    return SecurityGroupRule(
        id="sgr", egress=egress, protocol="udp" if port == 53 else "tcp", from_port=port, to_port=port,
        cidr=cidr, group=None if cidr else "sg-peers",
    )  # fmt: skip


def _cases() -> tuple[_Case, ...]:
    both = (True, False)
    one = tuple(_rule(port, egress=egress, cidr="10.0.0.0/16") for egress in both for port in (80, 53))
    many = tuple(
        _rule(2000 + 3 * number, egress=egress, cidr=f"10.{number % 200 + 1}.{number % 256}.0/26")
        for egress in both
        for number in range(RULES - 2)
    )
    by_group = tuple(_rule(port, egress=egress) for egress in both for port in (80, 53))
    return (
        _Case("no groups", None),
        _Case("one rule", one),
        _Case(f"{RULES} rules, a group of {MEMBERS:,}", many + by_group, MEMBERS),
    )


def rows(*, prefix: str, directory: Path, say: Say) -> list[Figure]:
    """Figures in ns, each with that of one rule as its baseline."""
    allowed = os.sched_getaffinity(0)
    pinned()
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    try:
        with box(f"{prefix}g") as netns:
            objects = compiled(directory)
            plane = DataPlane(run_dir=Path(f"/run/{prefix}guards"), objects=objects, max_flows=1 << 20)
            try:
                plane.open()
                _routes(f"{prefix}g")
                with inside(netns):
                    for number in range(ROUNDS):
                        say(f"security groups, round {number + 1} of {ROUNDS}")
                        for case in _cases():
                            _measure(plane, case, number, times)
            finally:
                plane.destroy()
    finally:
        os.sched_setaffinity(0, allowed)
    return list(_figures(times))


def _figures(times: dict[tuple[str, str], list[float]]) -> list[Figure]:
    none, one, many = (case.name for case in _cases())
    found = []
    for kind, goal in (("established", ESTABLISHED_GOAL_NS), ("first", FIRST_GOAL_NS)):
        middle = {case: statistics.median(times[kind, case]) for case in (none, one, many)}
        for case in (none, one, many):
            spread = (min(times[kind, case]), max(times[kind, case]))
            name = f"{kind} packet in the router: {case}"
            found.append(below(name, value=middle[case], baseline=middle[one], unit="ns", spread=spread))
        # Of rounds, so that what the machine does beside moves both.
        more = [many_ns - one_ns for many_ns, one_ns in zip(times[kind, many], times[kind, one], strict=True)]
        found.append(
            below(
                f"{kind} packet: {many} more than one rule",
                value=statistics.median(more),
                unit="ns",
                goal=goal,
                limit="two interfaces are asked, and each looks a member up in a hash",
            )
        )
    return found


def _measure(plane: DataPlane, case: _Case, number: int, times: dict[tuple[str, str], list[float]]) -> None:
    assert plane.apply(_plane(case), _indexes()) == {}
    eni = plane.program("eni")
    port = 1024 + number
    for flags in ("S", "A"):
        nanoseconds(eni, _frame(TCP(sport=port, dport=80, flags=flags)), times=1, ifindex=NODE_INDEX)
    known = _frame(TCP(sport=port, dport=80, flags="A"))
    runs = [nanoseconds(eni, known, times=REPEATED, ifindex=NODE_INDEX) for _ in range(400)]
    times["established", case.name].append(statistics.median(runs))
    frame = bytearray(_frame(UDP(sport=0, dport=53)))
    firsts = []
    for source in range(FIRSTS):
        struct.pack_into("!H", frame, 34, 2048 + number * FIRSTS + source)
        firsts.append(nanoseconds(eni, bytes(frame), times=1, ifindex=NODE_INDEX))
    times["first", case.name].append(statistics.median(firsts))
    _all_passed(plane, case)


def _all_passed(plane: DataPlane, case: _Case) -> None:
    met = {plane.verdicts[one.verdict].name for one in plane.counters() if one.packets}
    assert met == {"eni_forwarded"}, f"{case.name}: {met}"


def _frame(layer: TCP | UDP) -> bytes:
    ethernet = Ether(src="02:00:00:00:01:01", dst=MACS[NODE_INDEX])
    return bytes(ethernet / IP(src=CLIENT, dst=SERVER, ttl=255) / layer)


def _routes(name: str) -> None:
    subprocess.run(["nsenter", f"--net=/run/netns/{name}", "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
    for device in ("node", "endpoint"):
        subprocess.run(["ip", "-n", name, "link", "set", device, "up"], check=True)
    route = ("10.0.2.0/24", "dev", "endpoint", "table", str(_DELIVERY))
    subprocess.run(["ip", "-n", name, "route", "add", *route], check=True)


def _ref(ifindex: int) -> PortRef:
    return PortRef("vpc-1", str(ifindex))


def _indexes() -> dict[PortRef, int]:
    return {_ref(one): one for one in MACS}


def _plane(case: _Case) -> Plane:
    members = {}
    have = {}
    if case.members:
        number = 1
        have = {number: frozenset({"sg-peers"})}
        addresses = [f"10.0.{100 + i // 250}.{i % 250}" for i in range(case.members - 2)]
        members = {(1, address): number for address in (CLIENT, SERVER, *addresses)}
    entries = {}
    for owner, (ifindex, mac) in enumerate(MACS.items()):
        guard = None
        if case.rules is not None:
            group = SecurityGroup(
                id="sg-1", account="1", region="r", vpc="vpc-1", name="g", description="", rules=case.rules
            )
            # Flows of one case must not be another's: each has interfaces of its own.
            guard = Guard(
                interface="eni-1", owner=owner + 2 * len(case.rules), vpc=1, guards4=True, guards_other=True,
                groups=rules.compile_groups([group], have),
            )  # fmt: skip
        entries[_ref(ifindex)] = EniEntry(
            port=_ref(ifindex), role=EniRole.ENI, table=_DELIVERY, delivery=_DELIVERY, source_dest_check=False,
            subnet=None, guard=guard, mac=mac, peer_mac="02:00:00:00:01:01",
        )  # fmt: skip
    return Plane(enis=entries, members=members)
