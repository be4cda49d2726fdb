"""A load balancer between real namespaces, as fabric would build it, and packets into and out of it.

    client --- consumer ===endpoint=== gwlb ===node=== provider --- appliance(s)
    server ---/

`consumer` and `provider` are VPC routers; the kernel's own forwarding plays them, or the VPC router's program where a test asks. Each
endpoint is a port of `consumer`: what enters by the client's or server's port goes to an endpoint, what comes back from one goes on.
Everything made here has names with the prefix `dp-` and is gone when the `Lab` is closed; OPENGWLB_TEST_PREFIX and OPENGWLB_TEST_OBJECTS
let two runs of different programs live side by side.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from scapy.layers.l2 import Ether
from scapy.packet import Packet

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.syscalls import inside
from opengwlb.model.plane import (
    EndpointEntry,
    EniEntry,
    EniRole,
    InspectorEntry,
    InspectorRule,
    NodeEntry,
    Plane,
    TargetEntry,
)
from opengwlb.model.topology import Port, PortRef, Program

OBJECTS = Path(os.environ.get("OPENGWLB_TEST_OBJECTS", Path(__file__).parents[2] / "build" / "bpf"))
PREFIX = os.environ.get("OPENGWLB_TEST_PREFIX", "dp-")
CLIENT, SERVER = "10.0.1.10", "10.0.2.10"
CLIENT6, SERVER6 = "fd00:1::10", "fd00:2::10"
NODE = "10.9.0.4"
MTU = 9001
_numbers = itertools.count(1_800_000_000)


def run(*command: str, box: str | None = None, timeout_s: float = 60) -> str:
    """Runs a command, in a box if one is named; its failure is the test's."""
    prefix = ("nsenter", f"--net=/run/netns/{box}") if box else ()
    done = subprocess.run((*prefix, *command), capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def offload(end: End, feature: str, state: str) -> None:
    run("ethtool", "-K", end.device, feature, state, box=end.box)


def eventually(holds: Callable[[], bool], what: str, *, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@dataclass(frozen=True)
class End:
    """One end of a wire."""

    box: str
    device: str
    ifindex: int
    mac: str

    @property
    def ref(self) -> PortRef:
        return PortRef(self.box, self.device)

    @property
    def netns(self) -> str:
        return f"/run/netns/{self.box}"

    def port(self, program: Program | None) -> Port:
        return Port(box=self.box, device=self.device, mac=self.mac, mtu=MTU, program=program)

    @contextlib.contextmanager
    def opened(self) -> Iterator[socket.socket]:
        """A packet socket: what it sends leaves by this end, what it reads arrived at it."""
        with inside(self.netns):
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        raw.bind((self.device, 3))
        try:
            yield raw
        finally:
            raw.close()

    def send(self, *frames: Packet | bytes) -> None:
        with self.opened() as raw:
            for frame in frames:
                raw.send(bytes(frame))


def arrived(raw: socket.socket, wanted: Callable[[bytes], bool], *, within_s: float = 3.0) -> Packet:
    """As `frame_arrived`, dissected by scapy."""
    return Ether(frame_arrived(raw, wanted, within_s=within_s))


def frame_arrived(raw: socket.socket, wanted: Callable[[bytes], bool], *, within_s: float = 3.0) -> bytes:
    """The first frame that arrived at a packet socket and is wanted, as it came: scapy writes some packets otherwise than it read them,
    such as ICMP errors inside a tunnel that it knows."""
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        raw.settimeout(left)
        with contextlib.suppress(TimeoutError):
            frame, address = raw.recvfrom(70000)
            if address[2] != socket.PACKET_OUTGOING and wanted(frame):
                return frame
    raise AssertionError("the wanted frame did not arrive")


@dataclass
class Endpoint:
    number: int
    inner: End
    """In the load balancer's box."""
    outer: End
    """The consumer router's."""
    node: int = 0


@dataclass
class Appliance:
    address: str
    own: End
    router: End
    """The provider router's end."""
    slot: int = 0


@dataclass
class Lab:
    """See the module. `box` names are full namespace names."""

    name: str
    endpoints: list[Endpoint] = field(default_factory=list)
    appliances: list[Appliance] = field(default_factory=list)
    inspectors: dict[PortRef, InspectorEntry] = field(default_factory=dict)
    enis: dict[End, EniEntry] = field(default_factory=dict)
    dualstack: bool = True
    generations: dict[int, int] = field(default_factory=dict)
    tcp_idle_s: int = 350
    other_idle_s: int = 120
    healthy: set[int] | None = None
    """Slots that new flows may get; None: all."""
    max_flows: int = 4096
    settings: dict[str, Any] = field(default_factory=dict)
    resets: dict[int, Literal["unhealthy", "deregistered"]] = field(default_factory=dict)
    """Why flows of a target slot are reset."""
    """Other fields of the node's entry."""

    def __post_init__(self) -> None:
        self._boxes: list[str] = []
        self.run_dir = Path(f"/run/{PREFIX}{self.name}")
        self.dataplane = DataPlane(run_dir=self.run_dir, objects=OBJECTS, max_flows=self.max_flows)

    # -- building

    def build(
        self,
        *,
        endpoints: int = 1,
        appliances: int = 1,
        inspectors: int | None = None,
        forwards: bool = True,
        eni: bool = False,
    ) -> None:
        """The first `inspectors` appliances (None: all) are in-kernel ones, the others wait for a program of user space.

        Without `forwards` nothing moves by itself, and no box speaks IPv6: what a test does not send is not there. With `eni` the
        routers are the VPC router's program.
        """
        self.dataplane.open()
        self._forwards = forwards
        for name in ("client", "server", "consumer", "gwlb", "provider"):
            self.box(name, forwards=forwards and name in ("consumer", "provider"))
        self.client, consumer_client = self.wire("client", "eth0", "consumer", "client")
        self.server, consumer_server = self.wire("server", "eth0", "consumer", "server")
        for i in range(endpoints):
            inner, outer = self.wire("gwlb", f"vpce{i}", "consumer", f"vpce{i}")
            offload(outer, "tx-udp-segmentation", "off")
            self.endpoints.append(Endpoint(0x0A1B2C3D4E5F6070 + i, inner, outer))
            self.dataplane.attach(inner.port(Program.ENDPOINT), netns=inner.netns, ifindex=inner.ifindex)
        self.node, self.provider_node = self.wire("gwlb", "node", "provider", "node")
        self.dataplane.attach(self.node.port(Program.TARGET), netns=self.node.netns, ifindex=self.node.ifindex)
        for i in range(appliances):
            self.box(f"appliance{i}")
            own, router = self.wire(f"appliance{i}", "eth0", "provider", f"app{i}")
            self.appliances.append(Appliance(f"10.9.1.{10 + i}", own, router, slot=3 + i))
            self._address(own, f"10.9.1.{10 + i}/32", None)
            self._route(own, "0.0.0.0/0", via="169.254.1.1", mac=router.mac)
            self._route(router, f"10.9.1.{10 + i}", mac=own.mac)
            if inspectors is None or i < inspectors:
                self.dataplane.attach(own.port(Program.INSPECTOR), netns=own.netns, ifindex=own.ifindex)
            else:
                offload(router, "tx-checksum-ip-generic", "off")
        self._address(self.node, f"{NODE}/32", None)
        self._route(self.node, "10.9.0.0/16", via="169.254.1.1", mac=self.provider_node.mac)
        self._route(self.provider_node, NODE, mac=self.node.mac)
        for host, router, v4, v6 in (
            (self.client, consumer_client, CLIENT, CLIENT6),
            (self.server, consumer_server, SERVER, SERVER6),
        ):
            self._address(host, f"{v4}/32", f"{v6}/128" if forwards else None)
            self._route(host, "0.0.0.0/0", via="169.254.1.1", mac=router.mac)
            if forwards:
                self._route(host, "::/0", via="fe80::1", mac=router.mac)
        if forwards:
            self._consumer_routes(consumer_client, consumer_server)
        if eni:
            for one in self.appliances:
                self._route_by_program(one.router, one.own.mac, table=254)
            self._route_by_program(self.provider_node, self.node.mac, table=254)
            for i, (port, mac) in enumerate(self._consumer_ports(consumer_client, consumer_server)):
                self._route_by_program(port, mac, table=100 + i)
        assert self.apply() == {}

    def _route_by_program(self, port: End, peer_mac: str, *, table: int) -> None:
        self.dataplane.attach(port.port(Program.ENI), netns=port.netns, ifindex=port.ifindex)
        self.enis[port] = EniEntry(
            port=port.ref,
            role=EniRole.ENI,
            table=table,
            delivery=900,
            source_dest_check=False,
            ipv6=self._forwards,
            mac=port.mac,
            peer_mac=peer_mac,
        )

    def _consumer_ports(self, client: End, server: End) -> list[tuple[End, str]]:
        """The consumer router's ports in the order of the way, with the MACs behind them."""
        doors = ((one.outer, one.inner.mac) for one in self.endpoints)
        return [(client, self.client.mac), *doors, (server, self.server.mac)]

    def _consumer_routes(self, client: End, server: End) -> None:
        """client -> endpoint 0 -> endpoint 1 ... -> server, and the mirror of it."""
        ports = self._consumer_ports(client, server)
        for i, (port, behind) in enumerate(ports):
            for family, far_client, far_server, via in (
                ("-4", CLIENT, SERVER, "169.254.1.1"),
                ("-6", CLIENT6, SERVER6, "fe80::1"),
            ):
                table = str(100 + i)
                run("ip", family, "rule", "add", "iif", port.device, "lookup", table, "pref", table, box=port.box)
                run("ip", family, "neigh", "replace", via, "lladdr", behind, "dev", port.device, box=port.box)
                for destination, step in ((far_client, -1), (far_server, 1)):
                    if 0 <= i + step < len(ports):
                        out = ports[i + step][0].device
                        route = ("route", "add", destination, "via", via, "dev", out, "onlink", "table", table)
                        run("ip", family, *route, box=port.box)

    def box(self, name: str, *, forwards: bool = False) -> str:
        full = f"{PREFIX}{self.name}-{name}"
        subprocess.run(["ip", "netns", "delete", full], check=False, capture_output=True)
        run("ip", "netns", "add", full)
        self._boxes.append(full)
        settings = ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"]
        settings += ["net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.router_solicitations=0"]
        if not self._forwards:
            settings += ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
        if forwards:
            settings += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
            settings += ["net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0"]
        else:
            settings += ["net.ipv4.ip_forward=0"]
        run("sysctl", "-qw", *settings, box=full)
        run("ip", "link", "set", "lo", "up", box=full)
        return full

    def wire(self, left: str, left_device: str, right: str, right_device: str, *, mtu: int = MTU) -> tuple[End, End]:
        """A veth pair, both ends up, with ifindexes unique on the machine."""
        ends = []
        for box, device in ((left, left_device), (right, right_device)):
            number = next(_numbers)
            mac = f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
            ends.append(End(f"{PREFIX}{self.name}-{box}", device, number, mac))
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

    def _address(self, end: End, v4: str, v6: str | None) -> None:
        run("ip", "addr", "add", v4, "dev", end.device, box=end.box)
        if v6:
            run("ip", "-6", "addr", "add", v6, "dev", end.device, "nodad", box=end.box)

    def _route(self, end: End, destination: str, *, mac: str, via: str | None = None) -> None:
        family = "-6" if ":" in destination else "-4"
        hop = via or destination
        run("ip", family, "neigh", "replace", hop, "lladdr", mac, "dev", end.device, box=end.box)
        onlink = ("via", via, "onlink") if via else ()
        run("ip", family, "route", "add", destination, *onlink, "dev", end.device, box=end.box)

    # -- configuring

    def plane(self) -> Plane:
        ends = [(one.slot, one.address) for one in self.appliances]
        chosen = tuple(sorted(slot for slot, _ in ends if self.healthy is None or slot in self.healthy))
        return Plane(
            nodes={
                0: NodeEntry(
                    slot=0,
                    address=NODE,
                    port=self.node.ref,
                    mac=self.node.mac,
                    peer_mac=self.provider_node.mac,
                    targets=chosen,
                    tcp_idle_s=self.tcp_idle_s,
                    other_idle_s=self.other_idle_s,
                    **self.settings,
                )
            },
            targets={
                slot: TargetEntry(
                    slot=slot,
                    generation=self.generations.get(slot, 1),
                    address=address,
                    reset=self.resets.get(slot, ""),
                )
                for slot, address in ends
            },
            endpoints={
                one.number: EndpointEntry(
                    endpoint=one.number,
                    port=one.inner.ref,
                    node=one.node,
                    mac=one.inner.mac,
                    peer_mac=one.outer.mac,
                    dualstack=self.dualstack,
                )
                for one in self.endpoints
            },
            inspectors=self.inspectors,
            enis={port.ref: entry for port, entry in self.enis.items()},
        )

    @property
    def indexes(self) -> dict[PortRef, int]:
        ends = [self.node, *(e.inner for e in self.endpoints), *(a.own for a in self.appliances), *self.enis]
        return {end.ref: end.ifindex for end in ends}

    def apply(self) -> dict[str, str]:
        return self.dataplane.apply(self.plane(), self.indexes)

    def deny(self, *rules: InspectorRule) -> None:
        """Gives every inspector these rules."""
        self.inspectors = {one.own.ref: InspectorEntry(port=one.own.ref, rules=rules) for one in self.appliances}
        assert self.apply() == {}

    # -- sending

    def through(self, packet: Packet | bytes, *, endpoint: int = 0) -> bytes:
        """Sends a packet into an endpoint and answers the frame that leaves the node toward the provider's router."""
        door = self.endpoints[endpoint]
        with self.provider_node.opened() as raw:
            door.outer.send(into(door, packet))
            return frame_arrived(raw, lambda frame: frame[12:14] == b"\x08\x00" and frame[36:38] == b"\x17\xc1")

    def back(self, frame: object, *, endpoint: int = 0) -> bytes:
        """Sends a frame to the node and answers the frame that leaves the endpoint toward the consumer's router."""
        door = self.endpoints[endpoint]
        with door.outer.opened() as raw:
            self.provider_node.send(bytes(frame))  # type: ignore[call-overload]
            return frame_arrived(raw, lambda got: got[12:14] in (b"\x08\x00", b"\x86\xdd"))

    # -- asking

    def counts(self) -> Tally[tuple[int, str]]:
        """Packets by (ifindex, verdict's name)."""
        names = {number: verdict.name for number, verdict in self.dataplane.verdicts.items()}
        return Tally({(one.ifindex, names[one.verdict]): one.packets for one in self.dataplane.counters()})

    @contextlib.contextmanager
    def exactly(self, end: End, verdict: str, *, packets: int = 1) -> Iterator[None]:
        """What is sent inside meets this verdict at this port, and no other anywhere."""
        before = self.counts()
        yield
        expected = {(end.ifindex, verdict): packets}
        change: dict[tuple[int, str], int] = {}

        def as_expected() -> bool:
            change.clear()
            change.update(self.counts() - before)
            return change == expected

        with contextlib.suppress(AssertionError):
            eventually(as_expected, "", within_s=2.0)
        assert change == expected

    def close(self) -> None:
        self.dataplane.destroy()
        for box in reversed(self._boxes):
            subprocess.run(["ip", "netns", "delete", box], check=False, capture_output=True)
        with contextlib.suppress(OSError):
            self.run_dir.rmdir()


@contextlib.contextmanager
def process(*command: str, box: str, ready: Callable[[], bool] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process in a box, for as long as the block."""
    started = subprocess.Popen(
        ("nsenter", f"--net=/run/netns/{box}", *command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        if ready:
            eventually(ready, f"{command[0]} did not get ready")
        yield started
    finally:
        started.terminate()
        started.wait(timeout=10)


def listens(box: str, port: int, *, kind: str = "-ltn") -> bool:
    return f":{port} " in run("ss", "-H", kind, box=box)


def iperf_gbits(client: str, server: str, address: str, *arguments: str, seconds: float = 1.5) -> float:
    """Received rate of an iperf3 run from one box to another."""
    with process("iperf3", "-s", "-1", "-p", "5201", box=server, ready=lambda: listens(server, 5201)):
        text = run(
            "iperf3", "-c", address, "-p", "5201", "-t", str(seconds), "-J", *arguments, box=client, timeout_s=30
        )
    end = json.loads(text)["end"]
    received = end.get("sum_received") or end["sum"]
    return float(received["bits_per_second"]) / 1e9


def into(end: Endpoint, packet: Packet | bytes) -> bytes:
    """A frame from the consumer's router into an endpoint."""
    raw = bytes(packet)
    kind = 0x86DD if raw[0] >> 4 == 6 else 0x0800
    return bytes(Ether(src=end.outer.mac, dst=end.inner.mac, type=kind)) + raw
