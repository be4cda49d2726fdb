"""Running connections when their appliance fails or leaves, by the target group's attributes, through the API and with real TCP."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from opengwlb.cli import lab as where
from opengwlb.dataplane.syscalls import inside
from opengwlb.instances import RuncDriver

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import Server, until

ECHO = """#cloud-boothook
#!/bin/sh
mkdir -p /srv/www && cd /srv/www && hostname > index.html
python3 -m http.server 80 >/dev/null 2>&1 &
cat > /srv/echo.py <<'PROGRAM'
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)
socketserver.ThreadingTCPServer(("", 7), Echo).serve_forever()
PROGRAM
python3 /srv/echo.py >/dev/null 2>&1 &
"""


@pytest.fixture(scope="module")
def lab(server: Server) -> tuple[Partner, Customer]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, zones=("a",), per_zone=2)
    made = customer(server, service=inspected.service_name, user_data=ECHO)
    healthy(inspected, count=2)
    reachable(server, made.public["a"])
    return inspected, made


@contextmanager
def connection(server: Server, made: Customer) -> Iterator[socket.socket]:
    """To the echo server, from the internet."""

    def connected() -> socket.socket | None:
        try:
            with inside(server.namespace("internet")):
                return socket.create_connection((made.public["a"], 7), timeout=2, source_address=("192.0.2.1", 0))
        except OSError:
            return None

    sock: socket.socket = until(connected, what="the echo server answers")
    try:
        yield sock
    finally:
        sock.close()


def echoed(sock: socket.socket, data: bytes = b"ping") -> bool:
    """Whether it comes back before the socket's timeout."""
    sock.sendall(data)
    try:
        return sock.recv(100) != b""
    except TimeoutError:
        return False


def is_reset(sock: socket.socket) -> bool:
    """Whether one more packet is answered with a reset."""
    try:
        echoed(sock)
    except ConnectionResetError:
        return True
    return False


def flow_of(server: Server, sock: socket.socket) -> dict[str, Any]:
    port = sock.getsockname()[1]
    (found,) = (one for one in server.flows() if port in (one["source_port"], one["destination_port"]))
    return found


def attributes(one: Partner, **of: str) -> None:
    """Of the target group; what is not named is AWS's default. In the order that AWS's rules allow."""
    values = {
        "send_tcp_reset.on_unhealthy.enabled": "false",
        "send_tcp_reset.on_deregistration.enabled": "false",
        "target_failover.on_unhealthy": "no_rebalance",
        "target_failover.on_deregistration": "no_rebalance",
        "deregistration_delay.timeout_seconds": "0",
    } | {key.replace("__", "."): value for key, value in of.items()}
    one.elb.modify_target_group_attributes(
        TargetGroupArn=one.target_group, Attributes=[{"Key": key, "Value": value} for key, value in values.items()]
    )


REBALANCE = {"target_failover__on_unhealthy": "rebalance", "target_failover__on_deregistration": "rebalance"}


@contextmanager
def dead(server: Server, one: Partner, instance: str) -> Iterator[None]:
    """Its first process is killed, and that is known; started and healthy again afterwards."""
    driver = RuncDriver(name=server.name, run_dir=where.run_dir(server.name), data_dir=server.data_dir)
    os.kill(driver.running()[instance].pid, signal.SIGKILL)
    try:
        healthy(one, count=1)
        yield
    finally:
        one.ec2.start_instances(InstanceIds=[instance])
        healthy(one, count=2, seconds=60)


def test_a_connection_survives_the_failure_of_its_appliance_with_rebalance_and_does_not_return(server, lab):
    inspected, made = lab
    attributes(inspected, **REBALANCE)
    with connection(server, made) as sock:
        assert echoed(sock)
        before = flow_of(server, sock)
        with dead(server, inspected, before["target"]):
            until(lambda: echoed(sock), what="the connection goes on")
            after = flow_of(server, sock)
            assert after["target"] != before["target"]
            assert after["cookie"] == before["cookie"]
        assert echoed(sock)
        assert flow_of(server, sock)["target"] == after["target"]


def test_without_rebalance_a_connection_stays_with_its_failed_appliance_and_resumes_with_it(server, lab):
    inspected, made = lab
    attributes(inspected)
    with connection(server, made) as sock:
        assert echoed(sock)
        before = flow_of(server, sock)["target"]
        with dead(server, inspected, before):
            assert not echoed(sock)
            assert flow_of(server, sock)["target"] == before
            with connection(server, made) as another:
                assert echoed(another)
                assert flow_of(server, another)["target"] != before
        sock.settimeout(30)
        assert sock.recv(100)


def test_a_client_of_a_failed_appliance_is_reset_when_the_group_says_so(server, lab):
    inspected, made = lab
    attributes(inspected, send_tcp_reset__on_unhealthy__enabled="true")
    with connection(server, made) as sock:
        assert echoed(sock)
        with dead(server, inspected, flow_of(server, sock)["target"]):
            until(lambda: is_reset(sock), what="the reset")
            with connection(server, made) as again:
                assert echoed(again)


@pytest.mark.parametrize(
    ("of_the_group", "outcome"),
    [({}, "stays"), (REBALANCE, "moves"), ({"send_tcp_reset__on_deregistration__enabled": "true"}, "is reset")],
)
def test_a_connection_through_a_deregistered_appliance(server, lab, of_the_group, outcome):
    inspected, made = lab
    attributes(inspected, **of_the_group)
    with connection(server, made) as sock:
        assert echoed(sock)
        before = flow_of(server, sock)["target"]
        target = {"TargetGroupArn": inspected.target_group, "Targets": [{"Id": before}]}
        inspected.elb.deregister_targets(**target)
        try:
            healthy(inspected, count=1)
            _gone(inspected, before)
            if outcome == "is reset":
                until(lambda: is_reset(sock), what="the reset")
            else:
                _moves(server, sock, lambda now: (now == before) == (outcome == "stays"))
        finally:
            inspected.elb.register_targets(**target)
            healthy(inspected, count=2)


def _gone(one: Partner, instance: str) -> None:
    def look() -> bool:
        found = one.elb.describe_target_health(TargetGroupArn=one.target_group)["TargetHealthDescriptions"]
        return all(each["Target"]["Id"] != instance for each in found)

    until(look, what=f"{instance} is no target any more")


def _moves(server: Server, sock: socket.socket, expected: Callable[[str], bool]) -> None:
    until(lambda: echoed(sock) and expected(flow_of(server, sock)["target"]), what="the connection goes on")


def test_a_target_registered_again_while_draining_keeps_its_connections(server, lab):
    inspected, made = lab
    attributes(inspected, **REBALANCE, deregistration_delay__timeout_seconds="300")
    with connection(server, made) as sock:
        assert echoed(sock)
        before = flow_of(server, sock)["target"]
        target = {"TargetGroupArn": inspected.target_group, "Targets": [{"Id": before}]}
        inspected.elb.deregister_targets(**target)
        assert echoed(sock)
        states = inspected.elb.describe_target_health(**target)["TargetHealthDescriptions"]
        assert [one["TargetHealth"]["State"] for one in states] == ["draining"]
        inspected.elb.register_targets(**target)
        healthy(inspected, count=2)
        assert echoed(sock)
        assert flow_of(server, sock)["target"] == before


def test_a_connection_stays_with_its_terminated_appliance_until_the_group_rebalances(server, lab):
    """The last one here: the appliance is gone for good."""
    inspected, made = lab
    attributes(inspected)
    with connection(server, made) as sock:
        assert echoed(sock)
        before = flow_of(server, sock)["target"]
        inspected.ec2.terminate_instances(InstanceIds=[before])
        waiter = inspected.ec2.get_waiter("instance_terminated")
        waiter.wait(InstanceIds=[before], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        healthy(inspected, count=1)
        assert not echoed(sock)
        assert flow_of(server, sock)["target"] == before
        with connection(server, made) as another:
            assert echoed(another)
            assert flow_of(server, another)["target"] != before
        dropped = json.loads(server.gwlb("drops", "--json").stdout)["drops"]
        assert any(row["verdict"] == "no_such_address" for row in dropped)
        attributes(inspected, **REBALANCE)
        _moves(server, sock, lambda now: now != before)
