"""The whole path without the API: a network drawn by hand, the real programs, ordinary hosts at both ends."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opengwlb.dataplane import DataPlane
from opengwlb.fabric import Fabric
from opengwlb.model.topology import VPC_MTU

from . import lab
from .conftest import NAME
from .machine import eventually, run

ROOT = Path(__file__).parents[2]
BULK = 64 << 20
CHUNK = 1 << 20
TIMEOUT_S = 10.0
UDP_SEGMENT, IP_MTU = 103, 14
GENEVE_ROOM = VPC_MTU - 20 - 8
"""The longest UDP payload that an unfragmented packet on an ENI can have."""


both_tenants = pytest.mark.parametrize("tenant", [lab.FIRST, lab.SECOND], ids=["one endpoint", "two in series"])


@dataclass
class Network:
    fabric: Fabric
    plane: DataPlane
    appliance: str
    reflector: subprocess.Popen[str] | None = None

    def redraw(self, **drawn: Any) -> None:
        """Apply `lab.draw` with these arguments."""
        slot = lab.INSPECTOR_SLOT if self.appliance == "inspector" else lab.REFLECTOR_SLOT
        topology, wanted = lab.draw(targets=(slot,), **drawn)
        applied = self.fabric.apply(topology, attach=self.plane.attach)
        assert applied.errors == {}
        assert self.plane.apply(wanted, applied.ifindex) == {}

    def reflector_saw(self) -> dict[str, int]:
        assert self.reflector is not None
        self.reflector.send_signal(signal.SIGTERM)
        answer, _ = self.reflector.communicate(timeout=10)
        return dict(json.loads(answer))

    def verdicts(self) -> dict[str, int]:
        """Packets by verdict, over all ports."""
        totals: dict[str, int] = {}
        for counter in self.plane.counters():
            name = self.plane.verdicts[counter.verdict].name
            totals[name] = totals.get(name, 0) + counter.packets
        return totals

    def verdicts_at_rest(self) -> dict[str, int]:
        """Once no packet is on its way, in the reflector's queue for instance."""
        readings: list[dict[str, int]] = [{}]

        def settled() -> bool:
            readings.append(self.verdicts())
            return readings[-1] == readings[-2]

        eventually(settled, every_s=0.3)
        return readings[-1]

    def dropped(self) -> dict[str, int]:
        kinds = {verdict.name: verdict.kind for verdict in self.plane.verdicts.values()}
        return {name: count for name, count in self.verdicts().items() if kinds[name] == "DROP"}


@pytest.fixture(scope="session")
def objects() -> Path:
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    run("make", "-s", "-C", str(ROOT / "bpf"))
    return ROOT / "build" / "bpf"


@pytest.fixture(scope="module", params=["inspector", "reflector"])
def network(request: pytest.FixtureRequest, objects: Path) -> Iterator[Network]:
    run_dir = Path("/run/opengwlb") / NAME
    fabric = Fabric(name=NAME, run_dir=run_dir)
    plane = DataPlane(run_dir=run_dir, objects=objects, max_flows=4096)
    with contextlib.ExitStack() as stack:
        plane.destroy()
        fabric.destroy()
        stack.callback(fabric.destroy)
        stack.callback(plane.destroy)
        plane.open()
        network = Network(fabric, plane, request.param)
        network.redraw()
        command = [sys.executable, str(Path(__file__).with_name("reflector.py"))]
        namespace = Path(fabric.namespace(lab.REFLECTOR)).name
        network.reflector = reflector = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command], stdout=subprocess.PIPE, text=True
        )
        stack.callback(reflector.wait)
        stack.callback(reflector.kill)
        assert reflector.stdout is not None
        assert reflector.stdout.readline() == "ready\n"
        yield network


def send_and_digest(connection: socket.socket, size: int) -> str:
    digest = hashlib.blake2b()
    while size > 0:
        chunk = os.urandom(min(CHUNK, size))
        connection.sendall(chunk)
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


def receive_and_digest(connection: socket.socket, size: int) -> str:
    digest = hashlib.blake2b()
    while size > 0 and (chunk := connection.recv(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def connected(
    fabric: Fabric, client_box: str, server_box: str, *, address: str, port: int
) -> Iterator[tuple[socket.socket, socket.socket]]:
    """(client's, server's) end of a TCP connection."""
    with fabric.open_socket(server_box) as listener, fabric.open_socket(client_box) as client:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", port))
        listener.listen()
        listener.settimeout(TIMEOUT_S)
        client.settimeout(TIMEOUT_S)
        client.connect((address, port))
        server, _ = listener.accept()
        server.settimeout(TIMEOUT_S)
        with server:
            yield client, server


def bulk(source: socket.socket, sink: socket.socket, size: int = BULK) -> float:
    """Moves bytes, compares their digests, answers Gb/s."""
    sent: list[str] = []
    begin = time.monotonic()
    sender = threading.Thread(target=lambda: sent.append(send_and_digest(source, size)))
    sender.start()
    received = receive_and_digest(sink, size)
    sender.join()
    assert sent == [received]
    return size * 8 / (time.monotonic() - begin) / 1e9


@both_tenants
def test_tcp_bulk_from_the_internet_arrives_whole_both_ways(network: Network, tenant: lab.Tenant) -> None:
    with connected(network.fabric, lab.INTERNET, tenant.web, address=tenant.public, port=80) as (client, server):
        assert server.getpeername()[0] == lab.CLIENT
        down, up = bulk(client, server), bulk(server, client)
    assert min(down, up) > 0.05, f"{down:.2f} and {up:.2f} Gb/s: segments are lost somewhere"


@both_tenants
def test_a_connection_from_the_application_reaches_the_internet(network: Network, tenant: lab.Tenant) -> None:
    with connected(network.fabric, tenant.web, lab.INTERNET, address=lab.CLIENT, port=8080) as (client, server):
        assert server.getpeername()[0] == tenant.public
        bulk(client, server, 4 << 20)


@both_tenants
def test_tcp_bulk_between_two_hosts_of_mtu_9001_fits_the_tunnel(network: Network, tenant: lab.Tenant) -> None:
    with connected(network.fabric, tenant.web, tenant.database, address=lab.DATABASE_ADDRESS, port=5432) as ends:
        client, server = ends
        segment = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        assert 8000 < segment <= 8460
        down, up = bulk(client, server), bulk(server, client)
    assert min(down, up) > 0.05, f"{down:.2f} and {up:.2f} Gb/s: segments are lost somewhere"


@both_tenants
def test_udp_arrives_both_ways(network: Network, tenant: lab.Tenant) -> None:
    fabric = network.fabric
    with (
        fabric.open_socket(tenant.web, kind=socket.SOCK_DGRAM) as server,
        fabric.open_socket(lab.INTERNET, kind=socket.SOCK_DGRAM) as client,
    ):
        server.bind(("", 5000))
        server.settimeout(5)
        client.settimeout(5)
        for number in range(100):
            client.sendto(b"%d" % number * 300, (tenant.public, 5000))
            data, peer = server.recvfrom(2000)
            server.sendto(data, peer)
            assert client.recvfrom(2000) == (b"%d" % number * 300, (tenant.public, 5000))


@both_tenants
def test_ping_counts_each_pass_of_a_router_and_none_of_the_load_balancer(network: Network, tenant: lab.Tenant) -> None:
    internet = Path(network.fabric.namespace(lab.INTERNET)).name
    answer = run("ping", "-c", "3", "-i", "0.1", "-W", "2", tenant.public, inside=internet)
    assert " 0% packet loss" in answer
    ttl = re.search(r"ttl=(\d+)", answer)
    assert ttl is not None
    assert int(ttl[1]) == 64 - len(["gateway", "VPC before inspection", *("VPC after it" for _ in tenant.endpoint_ids)])


@both_tenants
def test_udp_super_packets_arrive_as_their_datagrams(network: Network, tenant: lab.Tenant) -> None:
    """What QUIC stacks send: one call, many datagrams, segmented as late as possible."""
    fabric = network.fabric
    with (
        fabric.open_socket(tenant.web, kind=socket.SOCK_DGRAM) as server,
        fabric.open_socket(lab.INTERNET, kind=socket.SOCK_DGRAM) as client,
    ):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        server.bind(("", 4433))
        server.settimeout(5)
        client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        for number in range(10):
            client.sendto(b"".join(b"%1200d" % (20 * number + part) for part in range(20)), (tenant.public, 4433))
            arrived = {int(server.recv(2000)) for _ in range(20)}
            assert arrived == set(range(20 * number, 20 * number + 20))


def test_two_tenants_with_the_same_addresses_meet_their_own_hosts_at_once(network: Network) -> None:
    fabric = network.fabric
    with contextlib.ExitStack() as stack:
        ends = {
            tenant: stack.enter_context(connected(fabric, lab.INTERNET, tenant.web, address=tenant.public, port=80))
            for tenant in (lab.FIRST, lab.SECOND)
        }
        for tenant, (client, _) in ends.items():
            client.sendall(tenant.public.encode())
        for tenant, (_, server) in ends.items():
            assert server.recv(100).decode() == tenant.public


def test_all_that_was_encapsulated_came_back_and_nothing_was_dropped(network: Network) -> None:
    before = network.verdicts_at_rest()
    with connected(network.fabric, lab.INTERNET, lab.FIRST.web, address=lab.FIRST.public, port=80) as (client, server):
        bulk(client, server, 1 << 20)
    after = network.verdicts_at_rest()
    sent, returned = (after[name] - before.get(name, 0) for name in ("encapsulated", "decapsulated"))
    assert sent == returned > 0
    assert network.dropped().keys() <= {"arp_unanswered", "not_unicast", "ipv6_not_enabled", "inspector_denied"}


def test_a_connection_outlives_the_daemon_and_its_return(network: Network, objects: Path) -> None:
    with connected(network.fabric, lab.INTERNET, lab.FIRST.web, address=lab.FIRST.public, port=80) as (client, server):
        bulk(client, server, 1 << 20)
        network.fabric.close()
        network.plane.close()
        bulk(client, server, 1 << 20)
        run_dir = Path("/run/opengwlb") / NAME
        network.fabric = Fabric(name=NAME, run_dir=run_dir)
        network.plane = DataPlane(run_dir=run_dir, objects=objects, max_flows=4096)
        network.plane.open()
        network.redraw()
        bulk(server, client, 1 << 20)


@pytest.mark.parametrize("network", ["inspector"], indirect=True)
def test_the_inspector_denies_what_its_rules_say(network: Network) -> None:
    with network.fabric.open_socket(lab.INTERNET) as client:
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.connect((lab.FIRST.public, lab.FORBIDDEN_PORT))
    assert network.verdicts()["inspector_denied"] > 0


def test_nothing_of_it_appears_on_the_hosts_own_interfaces(network: Network) -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as capture:
        capture.setblocking(False)
        with connected(network.fabric, lab.INTERNET, lab.FIRST.web, address=lab.FIRST.public, port=80) as (
            client,
            server,
        ):
            bulk(client, server, 64 << 10)
        seen = []
        with contextlib.suppress(BlockingIOError):
            while True:
                seen.append(capture.recv(65535))
    addresses = [socket.inet_aton(one) for one in (lab.CLIENT, lab.FIRST.public, lab.WEB_ADDRESS, lab.NODE_ADDRESS)]
    assert not [frame for frame in seen if any(address in frame[14:54] for address in addresses)]


def test_an_endpoint_subnet_routed_to_its_own_endpoint_is_a_loop_that_ends_by_ttl(network: Network) -> None:
    network.redraw(loop=True)
    try:
        before = network.verdicts()
        with network.fabric.open_socket(lab.FIRST.web, kind=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", (lab.CLIENT, 9))
        eventually(lambda: network.verdicts().get("ttl_exceeded", 0) == before.get("ttl_exceeded", 0) + 1)
        assert network.verdicts()["encapsulated"] - before.get("encapsulated", 0) == 63
    finally:
        network.redraw()


def test_a_host_of_mtu_9001_learns_of_a_narrow_link_beyond_the_gateway(network: Network) -> None:
    """The gateway's kernel complains in public addresses; the complaint reaches the sender in its own, by way of the appliance."""
    network.redraw(internet_mtu=1400)
    try:
        with connected(network.fabric, lab.INTERNET, lab.FIRST.web, address=lab.FIRST.public, port=80) as (
            client,
            server,
        ):
            bulk(server, client, 8 << 20)
            assert server.getsockopt(socket.IPPROTO_IP, IP_MTU) == 1400
    finally:
        network.redraw()


@pytest.mark.parametrize("network", ["reflector"], indirect=True)
def test_a_user_space_appliance_sees_whole_segments_that_fit_the_link(network: Network) -> None:
    """Ends the reflector, so the last of its module."""
    with connected(network.fabric, lab.INTERNET, lab.FIRST.web, address=lab.FIRST.public, port=80) as (client, server):
        bulk(client, server, 4 << 20)
    saw = network.reflector_saw()
    assert saw["datagrams"] > 1000
    assert saw["longest"] <= GENEVE_ROOM
    assert saw["wrong_checksums"] == 0
