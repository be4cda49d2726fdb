"""Days on which things break: the server killed, the machine rebooted, an appliance dead, a lab half built, two servers at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError

from .cloud import Customer, Partner, answers, customer, healthy, partner, reachable
from .server import Server, forget_machine, until

NUMBERED = str(Path(__file__).with_name("numbered.py"))
RATE = 20_000


@pytest.fixture(scope="module")
def lab(server: Server) -> tuple[Partner, Customer]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, zones=("a",), per_zone=2)
    made = customer(server, service=inspected.service_name)
    healthy(inspected, count=2)
    reachable(server, made.public["a"])
    return inspected, made


def boxes(server: Server) -> dict[str, int]:
    """Namespace -> inode: the same box keeps its inode."""
    return {
        one.name: one.stat().st_ino for one in Path("/run/netns").iterdir() if one.name.startswith(f"{server.name}-")
    }


def test_packets_and_new_connections_survive_kill_and_restart_of_the_server(server, lab):
    _, made = lab
    address = made.public["a"]
    before = boxes(server)
    receiver = server.spawn(made.applications["a"], sys.executable, NUMBERED, "receive", "7000")
    assert receiver.stdout.readline() == "ready\n"
    sender = server.spawn("internet", sys.executable, NUMBERED, "send", address, "7000", str(RATE), "12", "192.0.2.9")
    try:
        time.sleep(2)  # traffic first
        server.kill()
        failed = []
        for number in range(200):
            source = f"192.0.2.{1 + number % 60}"
            if not answers(server, address, source=source):
                failed.append(source)
        assert not failed, f"{len(failed)} of 200 new connections failed while the server was dead"
        server.start()
        sent = json.loads(sender.communicate(timeout=60)[0])
        until(lambda: _idle(server), what="the reconcilers settle")
    finally:
        sender.kill()
        receiver.send_signal(signal.SIGTERM)
        out, err = receiver.communicate(timeout=30)
    got = json.loads(out)
    assert got["missing"] == 0 and got["doubled"] == 0, (got, sent, err)
    assert got["received"] == sent["sent"] and sent["sent"] > RATE * 10, (got, sent)
    assert boxes(server) == before, "the restart rebuilt boxes instead of adopting them"


def _idle(server: Server) -> bool:
    import urllib.request

    with urllib.request.urlopen(f"{server.endpoint}/_gwlb/health") as answer:
        return answer.status == 200


def test_a_dead_appliance_is_found_by_its_health_check_avoided_and_used_again(server, lab):
    inspected, made = lab
    healthy(inspected, count=2)
    victim, survivor = inspected.appliances["a"]
    (pid,) = _first_process(server, victim)
    os.kill(pid, signal.SIGKILL)
    healthy(inspected, count=1)
    found = inspected.elb.describe_target_health(TargetGroupArn=inspected.target_group)["TargetHealthDescriptions"]
    states = {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}
    assert states[survivor] == "healthy" and states[victim] in ("unhealthy", "unused")
    time.sleep(1)  # the promise: within a second of the state change, new flows go to healthy targets only
    for number in range(20):
        assert answers(server, made.public["a"], source=f"192.0.2.{number + 1}")
    inspected.ec2.start_instances(InstanceIds=[victim])
    healthy(inspected, count=2, seconds=60)

    def used() -> bool:
        for number in range(16):
            answers(server, made.public["a"], source=f"192.0.2.{number + 1}")
        return victim in {one["target"] for one in server.flows()}

    until(used, what="the appliance that came back gets flows again")


def _first_process(server: Server, instance: str) -> list[int]:
    from opengwlb.cli import lab as where
    from opengwlb.instances import RuncDriver

    driver = RuncDriver(name=server.name, run_dir=where.run_dir(server.name), data_dir=server.data_dir)
    return [driver.running()[instance].pid]


def test_a_lab_killed_in_the_middle_of_building_converges_to_what_was_acknowledged(server, lab):
    inspected, _ = lab
    server.account("builder")
    server.gwlb("account", "quota", "builder", "vpcs", "1000")
    ec2 = server.client("ec2", "builder")
    ec2.meta.config.retries = {"max_attempts": 0}
    acknowledged: list[tuple[str, str]] = []

    def build() -> None:
        from .cloud import image

        try:
            linux = image(ec2, "linux")
            while True:
                vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
                acknowledged.append(("vpc", vpc))
                subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="ap-northeast-2a")
                subnet_id = subnet["Subnet"]["SubnetId"]
                launched = ec2.run_instances(ImageId=linux, MinCount=1, MaxCount=1, SubnetId=subnet_id)
                acknowledged.append(("instance", launched["Instances"][0]["InstanceId"]))
                endpoint = ec2.create_vpc_endpoint(
                    VpcEndpointType="GatewayLoadBalancer",
                    ServiceName=inspected.service_name,
                    VpcId=vpc,
                    SubnetIds=[subnet_id],
                )
                acknowledged.append(("endpoint", endpoint["VpcEndpoint"]["VpcEndpointId"]))
        except (BotoCoreError, ResponseParserError):
            return  # the server is dead, perhaps in the middle of an answer: the call was not acknowledged

    builder = threading.Thread(target=build)
    builder.start()
    until(lambda: len(acknowledged) >= 8, what="some of it is built")
    server.kill()
    builder.join(30)
    server.start()
    ec2 = server.client("ec2", "builder")

    def converged() -> bool:
        instances = [one for kind, one in acknowledged if kind == "instance"]
        endpoints = [one for kind, one in acknowledged if kind == "endpoint"]
        states = {
            one["Instances"][0]["State"]["Name"]
            for one in ec2.describe_instances(InstanceIds=instances)["Reservations"]
        } | {one["State"] for one in ec2.describe_vpc_endpoints(VpcEndpointIds=endpoints)["VpcEndpoints"]}
        return states == {"running", "available"}

    until(converged, what="everything acknowledged runs", seconds=60)
    vpcs = {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
    assert {one for kind, one in acknowledged if kind == "vpc"} <= vpcs


def test_after_a_reboot_everything_is_rebuilt_from_the_data_directory(server, lab):
    inspected, made = lab
    address = made.public["a"]
    assert answers(server, address)
    server.kill()
    forget_machine(server)
    assert boxes(server) == {}
    server.start()
    healthy(inspected, count=2, seconds=60)
    reachable(server, address, seconds=30)


@pytest.fixture
def neighbour(server: Server, tmp_path: Path) -> Iterator[Server]:
    other = Server(name=f"{server.name}n", data_dir=tmp_path / "data")
    try:
        yield other.start()
    finally:
        other.down()


def test_two_servers_on_one_machine_do_not_touch_each_other(server, lab, neighbour):
    _, made = lab
    before = boxes(server)
    neighbour.account("partner")
    neighbour.account("customer1")
    theirs = partner(neighbour)
    also = customer(neighbour, service=theirs.service_name)
    healthy(theirs, count=1)
    reachable(neighbour, also.public["a"])
    assert answers(server, made.public["a"])
    neighbour.down()
    assert answers(server, made.public["a"])
    assert {name: inode for name, inode in boxes(server).items() if not name.startswith(neighbour.name)} == {
        name: inode for name, inode in before.items() if not name.startswith(neighbour.name)
    }
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert neighbour.name not in left


def test_a_box_deleted_by_hand_is_rebuilt_with_what_ran_in_it(server, lab):
    inspected, made = lab
    box = Path(server.namespace(made.applications["a"])).name
    before = boxes(server)[box]
    subprocess.run(["ip", "netns", "delete", box], check=True)
    until(lambda: boxes(server).get(box, before) != before, what="the box is there again", seconds=20)
    reachable(server, made.public["a"], seconds=30)
    states = inspected.elb.describe_target_health(TargetGroupArn=inspected.target_group)["TargetHealthDescriptions"]
    assert {one["TargetHealth"]["State"] for one in states} == {"healthy"}
