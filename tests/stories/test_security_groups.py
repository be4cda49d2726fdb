"""Security groups as AWS users set them: calls go in by boto3, and packets obey, bulk and all."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, allowed, answers, customer, healthy, partner, reachable
from .server import Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
CLIENT = "192.0.2.1"
TIMED_OUT = 28
"""curl's exit status."""
WEB_RULE = allowed("tcp", 80, "0.0.0.0/0")


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, appliance="firewall")
    made = customer(server, service=inspected.service_name, lets_in=(WEB_RULE,))
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    yield inspected, made


def default_group(ec2: Any, vpc: str) -> str:
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    return str(ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"])


def dropped(server: Server, verdict: str) -> int:
    """Packets that met this verdict, anywhere."""
    rows = json.loads(server.gwlb("drops", "--json").stdout)["drops"]
    return sum(int(row["packets"]) for row in rows if row["verdict"] == verdict)


def silent(server: Server, address: str, port: int) -> bool:
    """Whether nobody says anything to a new connection."""
    asked = ("curl", "-s", "-m", "0.4", "--interface", CLIENT, f"http://{address}:{port}/")
    return bool(server.inside("internet", *asked).returncode == TIMED_OUT)


def test_a_port_is_open_exactly_as_long_as_its_rule(server: Server, lab: tuple[Partner, Customer]) -> None:
    _, made = lab
    group, address = default_group(made.ec2, made.vpc), made.public["a"]
    made.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[WEB_RULE])
    until(lambda: not answers(server, address, seconds=0.3), what="the port is closed")
    made.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB_RULE])
    until(lambda: answers(server, address, seconds=0.5), what="the port is open again")


@pytest.mark.parametrize("missing", ["GENEVE", "the health port"])
def test_appliances_whose_group_lacks_what_a_load_balancer_needs_pass_nothing(
    server: Server, lab: tuple[Partner, Customer], missing: str
) -> None:
    inspected, made = lab
    group = default_group(inspected.ec2, inspected.vpc)
    rule = allowed("udp", 6081, "10.9.0.0/16") if missing == "GENEVE" else allowed("tcp", 80, "10.9.0.0/16")
    before = dropped(server, "security_group_ingress")
    inspected.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
    try:
        if missing == "GENEVE":
            until(lambda: not answers(server, made.public["a"], seconds=0.3), what="nothing comes through")
        else:

            def unhealthy() -> Any:
                (one,) = inspected.elb.describe_target_health(TargetGroupArn=inspected.target_group)[
                    "TargetHealthDescriptions"
                ]
                return one["TargetHealth"]["State"] == "unhealthy" and one["TargetHealth"]

            until(unhealthy, what="the target is unhealthy for want of an answer", seconds=40)
        assert dropped(server, "security_group_ingress") > before
    finally:
        inspected.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    healthy(inspected, count=1)
    reachable(server, made.public["a"])


def test_a_removed_rule_leaves_a_running_tracked_transfer_and_refuses_the_next(
    server: Server, lab: tuple[Partner, Customer]
) -> None:
    _, made = lab
    group, address = default_group(made.ec2, made.vpc), made.public["a"]
    narrow = allowed("tcp", 7000, "192.0.2.0/24")
    made.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[narrow])
    served = server.spawn(made.applications["a"], sys.executable, TRANSFER, "serve", "7000", "0.0.0.0")
    try:

        def pull(size: int) -> Any:
            return server.inside("internet", sys.executable, TRANSFER, "pull", address, "7000", str(size), CLIENT)

        until(lambda: pull(1 << 16).returncode == 0, what="a transfer by the narrow rule")
        running = server.spawn("internet", sys.executable, TRANSFER, "pull", address, "7000", str(256 << 20), CLIENT)
        time.sleep(0.1)  # so that it has begun
        assert running.poll() is None
        made.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[narrow])
        until(lambda: silent(server, address, 7000), what="new connections are refused")
        assert running.poll() is None, "the transfer was too short to tell"
        assert running.wait(timeout=120) == 0, "the transfer that was running ended with its rule"
    finally:
        served.terminate()
