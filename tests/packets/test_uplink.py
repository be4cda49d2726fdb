"""An uplink: a NIC of a host joined to a VPC's router, judged from a machine beyond the NIC and from the host itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet

from opengwlb.model.plane import EniEntry, EniRole, Plane, UplinkEntry
from opengwlb.model.topology import Program

from .boxes import Boxes, Programs, arrived
from .harness import End, eventually, run

ALICE, ROUTER, OUTSIDE, BEYOND, STRANGER = "10.0.1.10", "10.0.1.1", "10.0.1.50", "192.168.9.9", "10.0.1.77"
NEIGHBOUR = "10.0.1.60"
"""Another host on the wire beyond the NIC."""
TABLE, DELIVERY = 1000, 900
TRANSFER = str(Path(__file__).parents[1] / "stories" / "transfer.py")


class Site:
    """alice --- router ===uplink=== host:nic --- outside. Only `outside`'s wire is a real one to the host."""

    def __init__(self, boxes: Boxes, programs: Programs) -> None:
        self.programs = programs
        router, host = boxes.box("router", forwards=True), boxes.box("host")
        self.router_alice, self.alice = boxes.wire(router, "alice", boxes.box("alice"), "eth0")
        self.router_uplink, self.inner = boxes.wire(router, "uplink", host, "inner")
        self.nic, self.outside = boxes.wire(host, "nic", boxes.box("outside"), "eth0")
        # As policy says it: the router's end has the NIC's MAC.
        run("ip", "link", "set", "uplink", "address", self.nic.mac, box=router)
        for route in (
            (f"{ALICE}/32", "dev", "alice"),
            (f"{OUTSIDE}/32", "dev", "uplink"),
            ("unreachable", "default", "metric", "4278198272"),
        ):
            run("ip", "route", "add", *route, "table", str(DELIVERY), box=router)
        for route in (
            ("throw", "10.0.0.0/16"),
            ("192.168.9.0/24", "via", OUTSIDE, "dev", "uplink", "onlink"),
            ("unreachable", "default", "metric", "4278198272"),
        ):
            run("ip", "route", "add", *route, "table", str(TABLE), box=router)
        run("ip", "rule", "add", "priority", "32000", "table", str(DELIVERY), box=router)
        for end in (self.router_alice, self.router_uplink):
            run("ip", "address", "add", f"{ROUTER}/32", "dev", end.device, box=router)
        run("ip", "address", "add", f"{ALICE}/24", "dev", "eth0", box=self.alice.box)
        run("ip", "address", "add", f"{OUTSIDE}/24", "dev", "eth0", box=self.outside.box)
        run("ip", "address", "add", f"{BEYOND}/32", "dev", "lo", box=self.outside.box)
        run("ip", "route", "add", "default", "via", ROUTER, box=self.alice.box)
        programs.attach(Program.ENI, self.router_alice)
        programs.attach(Program.ENI, self.router_uplink)
        programs.attach(Program.UPLINK, self.inner)
        programs.attach(Program.NIC, self.nic)
        self.apply()

    def apply(self, *, joined: bool = True, check: bool = True) -> None:
        def entry(end: End, role: EniRole, address: str, *, mac: str, peer: str, check: bool) -> EniEntry:
            return EniEntry(
                port=end.ref,
                role=role,
                table=TABLE,
                delivery=DELIVERY,
                subnet="10.0.1.0/24",
                addresses=(address,),
                source_dest_check=check,
                mac=mac,
                peer_mac=peer,
            )

        enis = [
            entry(self.router_alice, EniRole.ENI, ALICE, mac=self.router_alice.mac, peer=self.alice.mac, check=True),
            entry(self.router_uplink, EniRole.UPLINK, OUTSIDE, mac=self.nic.mac, peer=self.inner.mac, check=check),
        ]
        crossing = UplinkEntry(uplink="upl-1", nic=self.nic.ref, inner=self.inner.ref)
        self.programs.apply(
            Plane(enis={one.port: one for one in enis}, uplinks=frozenset({crossing} if joined else ())),
            (self.router_alice, self.router_uplink, self.inner, self.nic),
        )

    def counted(self, end: End, verdict: str) -> int:
        return self.programs.counters().get((end.ifindex, verdict), 0)

    def expect(self, end: End, verdict: str, send: Callable[[], None]) -> None:
        before = self.counted(end, verdict)
        send()
        eventually(lambda: self.counted(end, verdict) > before, f"no {verdict} at {end.device}")

    def pings(self, end: End, address: str, *, source: str | None = None) -> bool:
        asked = ["ping", "-c1", "-W1", *(["-I", source] if source else []), address]
        return subprocess.run(["nsenter", f"--net={end.netns}", "--", *asked], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    boxes = Boxes(first_ifindex=1_710_000_000)
    programs = Programs(tmp_path_factory.mktemp("uplink"))
    try:
        yield Site(boxes, programs)
    finally:
        programs.close()
        boxes.close()


def asking(end: End, address: str) -> Packet:
    return Ether(dst="ff:ff:ff:ff:ff:ff", src=end.mac) / ARP(op="who-has", hwsrc=end.mac, psrc=NEIGHBOUR, pdst=address)


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_tcp_passes_both_ways(site: Site, mode: str) -> None:
    serving = subprocess.Popen(
        ["nsenter", f"--net={site.outside.netns}", "--", sys.executable, TRANSFER, "serve", "7000"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None and serving.stdout.readline() == "ready\n"
        said = run(sys.executable, TRANSFER, mode, OUTSIDE, "7000", str(64 << 20), box=site.alice.box)
    finally:
        serving.kill()
        serving.wait()
    assert json.loads(said)["equal"] is True
    assert site.counted(site.nic, "uplink_in") and site.counted(site.inner, "uplink_out")


@pytest.mark.parametrize("address", [ALICE, ROUTER])
def test_the_router_answers_for_what_is_on_its_other_sides_with_the_nics_own_mac(site: Site, address: str) -> None:
    with site.outside.opened() as raw:
        raw.send(bytes(asking(site.outside, address)))
        answer = arrived(raw, lambda frame: ARP in frame and frame[ARP].op == 2 and frame[ARP].psrc == address)
    assert answer[ARP].hwsrc == site.nic.mac


@pytest.mark.parametrize("address", [OUTSIDE, STRANGER])
def test_the_router_leaves_hosts_on_the_wire_to_answer_for_themselves(site: Site, address: str) -> None:
    site.expect(site.router_uplink, "arp_unanswered", lambda: site.outside.send(asking(site.outside, address)))


def test_only_the_addresses_that_were_allowed_may_send(site: Site) -> None:
    stray = Ether(dst=site.nic.mac, src=site.outside.mac) / IP(src=STRANGER, dst=ALICE) / UDP(dport=9)
    site.expect(site.router_uplink, "source_check", lambda: site.outside.send(stray))


def test_a_network_behind_an_outside_router_is_reached_by_that_routers_address(site: Site) -> None:
    assert not site.pings(site.alice, BEYOND)
    site.apply(check=False)
    try:
        run("ip", "route", "replace", "10.0.1.10", "via", ROUTER, "onlink", "dev", "eth0", box=site.outside.box)
        assert site.pings(site.alice, BEYOND)
        assert site.pings(site.outside, ALICE, source=BEYOND)
    finally:
        run("ip", "route", "del", "10.0.1.10", box=site.outside.box)
        site.apply()


def test_an_address_that_moves_to_another_machine_is_followed_when_that_says_so(site: Site) -> None:
    assert site.pings(site.alice, OUTSIDE)
    other = "02:00:00:00:99:99"
    # The kernel takes nobody's word for a new MAC within a second of the last one (neigh/locktime).
    run("sysctl", "-qw", "net.ipv4.neigh.uplink.locktime=0", box=site.router_uplink.box)
    told = Ether(dst="ff:ff:ff:ff:ff:ff", src=other) / ARP(op="who-has", hwsrc=other, psrc=OUTSIDE, pdst=OUTSIDE)
    site.outside.send(told)
    eventually(
        lambda: other in run("ip", "neigh", "show", OUTSIDE, "dev", "uplink", box=site.router_uplink.box),
        "the router does not know of the move",
    )
    mine = Ether(dst="ff:ff:ff:ff:ff:ff", src=site.outside.mac) / ARP(
        op="who-has", hwsrc=site.outside.mac, psrc=OUTSIDE, pdst=OUTSIDE
    )
    site.outside.send(mine)
    eventually(lambda: site.pings(site.alice, OUTSIDE), "back again")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(lambda site: Ether(dst=site.nic.mac) / Dot1Q(vlan=7) / IP(dst=ALICE) / ICMP(), id="a VLAN"),
        pytest.param(lambda site: Ether(dst=site.nic.mac) / IPv6(dst="2001:db8::1") / UDP(), id="IPv6"),
        pytest.param(lambda site: Ether(dst="01:80:c2:00:00:0e", type=0x88CC) / b"lldp", id="LLDP"),
        pytest.param(lambda site: Ether(dst="02:11:22:33:44:55") / IP(dst=ALICE) / ICMP(), id="another's"),
    ],
)
def test_what_is_not_the_uplinks_stays_the_hosts(site: Site, frame: Callable[[Site], Packet]) -> None:
    made = frame(site)
    before = site.counted(site.nic, "uplink_in")
    with site.nic.opened() as raw:
        site.outside.send(made)
        # A packet socket hears before the program; the address it does not take would be dropped by the host's stack.
        arrived(raw, lambda seen: bytes(seen)[:14] == bytes(made)[:14] or Dot1Q in made)
    site.expect(
        site.nic,
        "uplink_in",
        lambda: site.outside.send(Ether(dst=site.nic.mac, src=site.outside.mac) / IP(src=OUTSIDE, dst=ALICE) / UDP()),
    )
    assert site.counted(site.nic, "uplink_in") == before + 1


def test_without_configuration_the_nic_is_the_hosts_and_the_vpc_is_shut(site: Site) -> None:
    site.apply(joined=False)
    try:
        before = site.counted(site.nic, "uplink_in")
        site.outside.send(Ether(dst=site.nic.mac, src=site.outside.mac) / IP(src=OUTSIDE, dst=ALICE) / UDP())
        site.expect(site.inner, "uplink_not_configured", lambda: site.router_uplink.send(asking(site.nic, OUTSIDE)))
        assert site.counted(site.nic, "uplink_in") == before
    finally:
        site.apply()
    eventually(lambda: site.pings(site.alice, OUTSIDE), "the uplink carries again")
