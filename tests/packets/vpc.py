"""A VPC's router with five ports and the boxes behind them, in IPv4 and IPv6, with the VPC router's program on every port.

alice (checked ENI) --- router --- bob (checked ENI)
igw, vpce, narrow (MTU 1500), unknown (a device that no configuration knows) ---/
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from opengwlb.model.plane import EniEntry, EniRole, Plane
from opengwlb.model.topology import PortRef, Program

from .boxes import Boxes, Programs
from .harness import End, eventually, run

DELIVERY, ALICES, BOBS, ENDPOINTS, EDGE = 900, 1000, 1001, 1002, 1003
RESOLVER = "10.0.0.2"
"""Of every port but bob's, whose VPC has no DNS."""
LAST_RESORT = ("unreachable", "default", "metric", "4278198272")


@dataclass(frozen=True, kw_only=True)
class Family:
    """The same network's addresses in one family. Each destination is named by what alice's route table says of it."""

    name: str
    flag: str
    """Of `ip` and `ping`."""
    layer: type[Packet]
    hops: str
    """The layer's field that counts them down."""
    vpc: str
    nets: dict[str, str]
    """Of ports; the router has the first address of each."""
    alice: str
    bob: str
    client: str
    """In the internet."""
    router: str
    stranger: str
    """In alice's subnet, not hers."""
    blocks: dict[str, str]
    to: dict[str, str]
    smallest: int
    """Bytes of a header."""

    def __str__(self) -> str:
        return self.name

    @property
    def routes(self) -> dict[int, tuple[tuple[str, ...], ...]]:
        """`ip route add` per table."""
        local = ("throw", self.vpc)
        return {
            DELIVERY: ((self.alice, "dev", "alice"), (self.bob, "dev", "bob"), LAST_RESORT),
            ALICES: (
                local,
                (self.blocks["more specific than local"], "dev", "vpce"),
                ("default", "dev", "igw"),
                (self.blocks["longer prefix"], "dev", "vpce"),
                (self.blocks["checked"], "dev", "bob"),
                (self.blocks["narrow"], "dev", "narrow"),
                (self.blocks["unknown"], "dev", "unknown"),
                ("blackhole", self.blocks["blackhole"]),
                LAST_RESORT,
            ),
            BOBS: (local, LAST_RESORT),
            ENDPOINTS: (local, ("default", "dev", "igw"), LAST_RESORT),
            EDGE: (local, (self.nets["alice"], "dev", "vpce"), LAST_RESORT),
        }

    def address(self, word: str) -> str:
        """`alice`, `bob`, `client`, or a destination's name."""
        return str(getattr(self, word, None) or self.to[word])


IPV4 = Family(
    name="ipv4",
    flag="-4",
    layer=IP,
    hops="ttl",
    vpc="10.0.0.0/16",
    nets={"alice": "10.0.1.0/24", "bob": "10.0.2.0/24", "vpce": "10.0.1.0/24", "narrow": "10.0.3.0/24"},
    alice="10.0.1.10",
    bob="10.0.2.20",
    client="198.51.100.9",
    router="10.0.1.1",
    stranger="10.0.1.11",
    blocks={
        "more specific than local": "10.0.2.64/26",
        "longer prefix": "203.0.113.0/24",
        "checked": "203.0.113.128/25",
        "narrow": "198.18.1.0/24",
        "unknown": "198.18.2.0/24",
        "blackhole": "192.0.2.0/24",
    },
    to={
        "internet": "198.51.100.1",
        "more specific than local": "10.0.2.70",
        "longer prefix": "203.0.113.9",
        "checked": "203.0.113.200",
        "narrow": "198.18.1.1",
        "unknown": "198.18.2.1",
        "blackhole": "192.0.2.5",
        "nobody elsewhere": "10.0.2.21",
        "nobody next door": "10.0.1.99",
        "multicast": "224.0.0.5",
        "link-local": "169.254.169.252",
        "loopback": "127.0.0.1",
        "nothing": "0.0.0.0",
    },
    smallest=20,
)
IPV6 = Family(
    name="ipv6",
    flag="-6",
    layer=IPv6,
    hops="hlim",
    vpc="2001:db8:0:100::/56",
    nets={
        "alice": "2001:db8:0:101::/64",
        "bob": "2001:db8:0:102::/64",
        "vpce": "2001:db8:0:101::/64",
        "narrow": "2001:db8:0:103::/64",
    },
    alice="2001:db8:0:101::10",
    bob="2001:db8:0:102::20",
    client="2001:db8:ffff::9",
    router="2001:db8:0:101::1",
    stranger="2001:db8:0:101::11",
    blocks={
        "more specific than local": "2001:db8:0:104::/64",
        "longer prefix": "2001:db8:a::/48",
        "checked": "2001:db8:a:8000::/49",
        "narrow": "2001:db8:b::/48",
        "unknown": "2001:db8:c::/48",
        "blackhole": "2001:db8:d::/48",
    },
    to={
        "internet": "2001:db8:e::1",
        "more specific than local": "2001:db8:0:104::7",
        "longer prefix": "2001:db8:a::9",
        "checked": "2001:db8:a:8000::2",
        "narrow": "2001:db8:b::1",
        "unknown": "2001:db8:c::1",
        "blackhole": "2001:db8:d::5",
        "nobody elsewhere": "2001:db8:0:102::21",
        "nobody next door": "2001:db8:0:101::99",
        "multicast": "ff02::1",
        "link-local": "fe80::2",
        "loopback": "::1",
        "nothing": "::",
    },
    smallest=40,
)
FAMILIES = (IPV4, IPV6)
PORTS = {
    "alice": (EniRole.ENI, ALICES),
    "bob": (EniRole.ENI, BOBS),
    "igw": (EniRole.IGW, EDGE),
    "vpce": (EniRole.ENDPOINT, ENDPOINTS),
    "narrow": (EniRole.ENDPOINT, ENDPOINTS),
}


def built(run_dir: Path, *, first_ifindex: int, prefix: str = "eni-") -> Iterator[Vpc]:
    """For a fixture: one network, gone afterwards."""
    boxes, programs = Boxes(first_ifindex=first_ifindex, prefix=prefix), Programs(run_dir)
    try:
        yield Vpc(boxes, programs)
    finally:
        programs.close()
        boxes.close()


class Vpc:
    """See the module. The hosts speak no IPv6 of themselves, so that what they say is what a test makes them say."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        self.router = boxes.box("router", forwards=True)
        self._speak_ipv6(self.router, "forwarding=1")
        run("sysctl", "-qw", "net.ipv6.fwmark_reflect=1", "net.ipv6.conf.all.forwarding=1", box=self.router)
        self.inner: dict[str, End] = {}
        """Router's ends."""
        self.outer: dict[str, End] = {}
        for name in (*PORTS, "unknown"):
            box = boxes.box(name)
            if name in ("alice", "bob"):
                self._speak_ipv6(box)
            self.inner[name], self.outer[name] = boxes.wire(self.router, name, box, "eth0")
        run("ip", "link", "set", "narrow", "mtu", "1500", box=self.router)
        for family in FAMILIES:
            self._routes(family)
        self.entries = [self._port(name) for name in PORTS]
        self.say(self.entries)
        self.quiet()

    def say(self, entries: list[EniEntry]) -> None:
        """What the program knows."""
        self.programs.apply(Plane(enis={entry.port: entry for entry in entries}), self.inner.values())

    def _speak_ipv6(self, box: str, *more: str) -> None:
        settings = ("disable_ipv6=0", "accept_dad=0", "accept_ra=0", "addr_gen_mode=1", *more)
        run("sysctl", "-qw", *(f"net.ipv6.conf.default.{each}" for each in settings), box=box)
        run("sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0", box=box)

    def _routes(self, family: Family) -> None:
        for table, routes in family.routes.items():
            for route in routes:
                run("ip", family.flag, "route", "add", *route, "table", str(table), box=self.router)
            if table != DELIVERY:
                mark = ("priority", str(table), "fwmark", str(table), "table", str(table))
                run("ip", family.flag, "rule", "add", *mark, box=self.router)
        run("ip", family.flag, "rule", "add", "priority", "32000", "table", str(DELIVERY), box=self.router)

    def _port(self, name: str) -> EniEntry:
        """Attaches the program and numbers both ends; what the program must know."""
        end, far = self.inner[name], self.outer[name]
        role, table = PORTS[name]
        self.programs.attach(Program.ENI, end)
        for family in FAMILIES if role is EniRole.ENI else ():
            net, own = family.nets[name], getattr(family, name)
            address, _, length = net.partition("/")
            gateway = address.removesuffix("0") + "1"
            nodad = ("nodad",) if family is IPV6 else ()
            alone = "128" if family is IPV6 else "32"
            run("ip", "address", "add", f"{gateway}/{alone}", "dev", name, *nodad, box=self.router)
            run("ip", "neighbour", "add", own, "lladdr", far.mac, "dev", name, box=self.router)
            run("ip", "address", "add", f"{own}/{length}", "dev", "eth0", *nodad, box=far.box)
            run("ip", family.flag, "route", "add", "default", "via", gateway, "dev", "eth0", box=far.box)
        return EniEntry(
            port=PortRef(self.router, name),
            role=role,
            table=table,
            delivery=DELIVERY,
            subnet=IPV4.nets.get(name),
            addresses=(getattr(IPV4, name),) if role is EniRole.ENI else (),
            ipv6=True,
            subnet6=IPV6.nets.get(name),
            addresses6=(getattr(IPV6, name),) if role is EniRole.ENI else (),
            source_dest_check=role is EniRole.ENI,
            resolver=None if name == "bob" else RESOLVER,
            mac=end.mac,
            peer_mac=far.mac,
        )

    def quiet(self) -> None:
        """Waits until the kernels have said what they say about multicast when their links come up."""
        last, since = self.programs.counters(), time.monotonic()
        while time.monotonic() - since < 1.5:
            time.sleep(0.05)
            now = self.programs.counters()
            if now != last:
                last, since = now, time.monotonic()

    # -- frames

    def frame(self, family: Family, port: str, *, source: str = "alice", to: str = "bob", hops: int = 64) -> Any:
        """`source` and `to` are names of `Family.address`."""
        ethernet = Ether(src=self.outer[port].mac, dst=self.inner[port].mac)
        more = {family.hops: hops} | ({"id": 7} if family is IPV4 else {"fl": 7})
        return ethernet / family.layer(src=family.address(source), dst=family.address(to), **more)

    def settled(self, before: dict[tuple[int, str], int], *, rows: int = 1) -> dict[tuple[str, str], int]:
        """What was counted since `before`, once `rows` packets were."""
        names = {end.ifindex: name for name, end in self.inner.items()}
        grown: dict[tuple[str, str], int] = {}

        def enough() -> bool:
            now = self.programs.counters()
            grown.clear()
            for key, count in now.items():
                if count != before.get(key, 0):
                    grown[names[key[0]], key[1]] = count - before.get(key, 0)
            return sum(grown.values()) >= rows

        with contextlib.suppress(AssertionError):
            eventually(enough, "", within_s=3)
        return grown

    def verdict_of(self, port: str, frame: Packet | bytes) -> dict[tuple[str, str], int]:
        """Everything that was counted, at any port, for a frame that no one answers."""
        before = self.programs.counters()
        self.outer[port].send(frame)
        return self.settled(before)

    def verdict_at(self, port: str, frame: Packet | bytes) -> dict[str, int]:
        """What the port counted for a frame that a box beyond may answer."""
        return {verdict: grown for (at, verdict), grown in self.verdict_of(port, frame).items() if at == port}

    def frames_into(self, port: str) -> int:
        """Super-packets count once."""
        (device,) = json.loads(run("ip", "-s", "-j", "link", "show", port, box=self.router))
        return int(device["stats64"]["rx"]["packets"])
