"""Every appliance is replaced, one after the other, while a thousand connections go on and 500 a second begin: nobody notices."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opengwlb.cli import client

from .cloud import Customer, Partner, customer, healthy, image, partner, reachable
from .server import Server, until

SCRIPT = str(Path(__file__).with_name("rolling.py"))
PORT, LONG, RATE = 7000, 1000, 500
APPLIANCES, DELAY_S = 2, 4


class Load:
    """`rolling.py` on the internet, against the application."""

    def __init__(self, server: Server, made: Customer) -> None:
        self._process = server.spawn(
            "internet", sys.executable, SCRIPT, "load", made.public["a"], str(PORT), str(LONG), str(RATE), stdin=-1
        )
        self.first = self._said()

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        return dict(json.loads(line))

    def told(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._said()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, per_zone=APPLIANCES, appliance="firewall")
    made = customer(server, service=inspected.service_name)
    inspected.elb.modify_target_group_attributes(
        TargetGroupArn=inspected.target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(DELAY_S)}],
    )
    healthy(inspected, count=APPLIANCES)
    reachable(server, made.public["a"])
    serving = server.spawn(made.applications["a"], sys.executable, SCRIPT, "serve", str(PORT))
    assert serving.stdout is not None and serving.stdout.readline() == "ready\n"
    try:
        yield inspected, made
    finally:
        serving.kill()
        serving.communicate()


def states(one: Partner) -> dict[str, str]:
    found = one.elb.describe_target_health(TargetGroupArn=one.target_group)["TargetHealthDescriptions"]
    return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in found}


def drops(server: Server) -> Counter[str]:
    rows = client.operator(server.name).get("drops", limit=10_000)["drops"]
    return Counter({f"{row['where']} {row['verdict']}": row["packets"] for row in rows})


def flows(server: Server) -> list[dict[str, Any]]:
    return list(client.operator(server.name).get("flows", limit=100_000)["flows"])


def long_flows(found: list[dict[str, Any]]) -> dict[str, str]:
    """Target by cookie, of the connections that have asked more than once."""
    return {row["cookie"]: row["target"] for row in found if row["state"] == "established" and row["packets"] > 6}


def still_open(found: list[dict[str, Any]], targets: list[str]) -> list[dict[str, Any]]:
    return [row for row in found if row["target"] in targets and row["state"] != "closed"]


def launched(one: Partner) -> list[str]:
    """As many as there are, not yet registered."""
    made = one.ec2.run_instances(
        ImageId=image(one.ec2, "firewall"), MinCount=APPLIANCES, MaxCount=APPLIANCES, SubnetId=one.subnets["a"]
    )["Instances"]
    ids = [each["InstanceId"] for each in made]
    one.ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return ids


def replace_each(one: Partner, *, old: list[str], new: list[str]) -> None:
    """Register one, wait until it is healthy, deregister another; then wait until all are drained."""
    for leaver, comer in zip(old, new, strict=True):
        one.elb.register_targets(TargetGroupArn=one.target_group, Targets=[{"Id": comer}])
        until(lambda comer=comer: states(one)[comer] == "healthy", what=f"{comer} is healthy")
        one.elb.deregister_targets(TargetGroupArn=one.target_group, Targets=[{"Id": leaver}])
        assert states(one)[leaver] == "draining"
    until(lambda: states(one).keys() == set(new), what="the old ones are drained", seconds=2 * DELAY_S + 10)


def test_rolling_replacement_loses_no_flow_and_no_new_connection(server: Server, lab: tuple[Partner, Customer]):
    """The appliances are the SDK's firewalls in user space, which know connections: one that met another's flow would drop it."""
    inspected, made = lab
    old, new = inspected.appliances["a"], launched(inspected)
    before = drops(server)
    load = Load(server, made)
    try:
        assert load.first["long"] == LONG and not load.first["failed"]
        until(lambda: len(long_flows(flows(server))) == LONG, what="every long connection has asked twice")
        held = long_flows(flows(server))
        assert set(held.values()) == set(old)

        replace_each(inspected, old=old, new=new)
        time.sleep(3)  # every long connection asks three times after its appliance has left
        found = flows(server)
        assert {cookie: target for cookie, target in long_flows(found).items() if cookie in held} == held
        young = {row["target"] for row in found if row["age_s"] < 2}
        assert young == set(new), "new connections go to the new appliances alone"
        during = load.told("say")
        assert (during["long"], during["waiting"], during["failed"]) == (LONG, 0, {})

        parted = load.told("part")
        assert (parted["parted"], parted["failed"]) == (LONG, {})
        until(lambda: not still_open(flows(server), old), what="the old appliances' connections are closed", every=0.2)
        inspected.ec2.terminate_instances(InstanceIds=old)
        waiter = inspected.ec2.get_waiter("instance_terminated")
        waiter.wait(InstanceIds=old, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        end = load.told("end")
    finally:
        load.close()
    assert (end["done"], end["failed"]) == (end["begun"], {})
    assert end["rate"] >= 0.95 * RATE, "this machine does not begin so many connections a second"
    assert drops(server) - before == Counter()
