"""What `gwlb serve` is told about flows, the packets obey."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from opengwlb.cli import client
from opengwlb.dataplane.syscalls import inside

from .cloud import Customer, customer, healthy, partner, reachable
from .server import Server, until

TICK_S = 0.01
"""The programs' clock is behind by as much."""
SLOTS, PER_CPU_S, YIELDS_S = 64, 150, 2
OPTIONS = ("--max-flows", str(SLOTS), "--new-flows-per-s", str(PER_CPU_S), "--tcp-yields-after-s", str(YIELDS_S))
PORT = 7000
FLOOD_PORT = 10000
"""The first of many, below those that the kernel gives out."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(name=f"st{os.getpid() % 10000}opts", data_dir=tmp_path_factory.mktemp("o") / "data", options=OPTIONS)
    try:
        yield made.start()
    finally:
        made.down()


@pytest.fixture(scope="module")
def made(server: Server) -> Iterator[Customer]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server)
    built = customer(server, service=inspected.service_name)
    healthy(inspected, count=1)
    reachable(server, built.public["a"])
    with inside(server.namespace(built.applications["a"])):
        listener = socket.create_server(("0.0.0.0", PORT), backlog=1024)
    with listener:
        yield built


def dropped(server: Server, verdict: str) -> int:
    rows: list[dict[str, Any]] = client.operator(server.name).get("drops", limit=1000)["drops"]
    return sum(row["packets"] for row in rows if row["verdict"] == verdict)


def opened(server: Server, made: Customer, count: int) -> list[socket.socket]:
    """So many connections begun at the pace that the limit allows."""
    begun = []
    for _ in range(count):
        with inside(server.namespace("internet")):
            sock = socket.socket()
        sock.setblocking(False)
        sock.bind(("192.0.2.1", 0))
        sock.connect_ex((made.public["a"], PORT))
        begun.append(sock)
        time.sleep(1.25 / PER_CPU_S)
    return begun


def is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def flood(server: Server, made: Customer, count: int) -> int:
    """So many new flows of UDP at once; the seconds of the clock that they fell into."""
    start = int(time.monotonic() - TICK_S)
    for port in range(FLOOD_PORT, FLOOD_PORT + count):  # of the kernel's choice some would come twice
        with inside(server.namespace("internet")):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sock:
            sock.bind(("192.0.2.1", port))
            sock.sendto(b"new", (made.public["a"], PORT))
    return int(time.monotonic()) - start + 1


def test_no_cpu_opens_more_new_flows_a_second_than_it_was_told(server: Server, made: Customer):
    """Datagrams: nobody repeats them."""
    before = dropped(server, "new_flow_limit")
    packets, lasted = 1500, flood(server, made, 1500)
    refused = dropped(server, "new_flow_limit") - before
    assert refused >= packets - lasted * PER_CPU_S * (os.cpu_count() or 1) > 0


def test_a_table_holds_as_many_flows_as_it_was_told_and_then_silent_tcp_yields_after_its_time(
    server: Server, made: Customer
):
    time.sleep(1)  # the limit of the second in which the test before ended
    before = dropped(server, "flow_table_full")
    first = opened(server, made, 2 * SLOTS)
    try:
        assert client.operator(server.name).get("flows")["total"] <= SLOTS
        assert dropped(server, "flow_table_full") > before
        connected = sum(map(is_connected, first))
        assert connected < 2 * SLOTS
        for sock in first:
            if not is_connected(sock):
                sock.close()  # or it would try again
        time.sleep(YIELDS_S + 0.1)
        full = dropped(server, "flow_table_full")
        late = opened(server, made, SLOTS // 4)
        try:
            until(
                lambda: all(map(is_connected, late)),
                what="newcomers take the places of silent connections",
                seconds=0.9,
            )
            assert dropped(server, "flow_table_full") == full
        finally:
            for sock in late:
                sock.close()
    finally:
        for sock in first:
            sock.close()


def test_a_restarted_server_takes_new_bounds_but_keeps_the_table_that_is_there_and_says_so(
    server: Server, made: Customer
):
    with closing(opened(server, made, 1)[0]) as sock:
        until(lambda: is_connected(sock), what="a connection")
        server.kill()
        server.options = ("--max-flows", "65536")
        server.start()
        assert f"keeps its {SLOTS} slots" in server.log.read_text()
        before = dropped(server, "new_flow_limit")
        flood(server, made, 1500)
        assert dropped(server, "new_flow_limit") == before
        found = client.operator(server.name).get("flows", limit=SLOTS)
        assert found["total"] <= SLOTS
        assert sock.getsockname()[1] in {row["source_port"] for row in found["flows"]}
