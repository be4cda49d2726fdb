"""`--data-plane none`, without and with `--test-hooks`: what a server that carries nothing says of itself."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bare import Bare

from opengwlb.app import Server
from opengwlb.cli.lab import run_dir
from opengwlb.cli.options import ServeOptions
from opengwlb.wire.errors import AwsError

NUMBERS = itertools.count()


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def served(directory: Path, clock: Clock, *, test_hooks: bool) -> Iterator[Bare]:
    options = ServeOptions(
        host="127.0.0.1",
        port=0,
        data_dir=directory,
        data_plane="none",
        auth="off",
        test_hooks=test_hooks,
        name=f"ab{os.getpid() % 10000}{next(NUMBERS)}",
    )
    server = Server(options, clock=clock)
    try:
        yield Bare(server)
    finally:
        server.store.close()
        shutil.rmtree(run_dir(options.name), ignore_errors=True)


@pytest.fixture
def suites(tmp_path: Path, clock: Clock) -> Iterator[Bare]:
    """Its reconcilers' threads do not run: what is settled was settled by the calls."""
    yield from served(tmp_path / "data", clock, test_hooks=True)


@pytest.fixture
def absent(tmp_path: Path, clock: Clock) -> Iterator[Bare]:
    yield from served(tmp_path / "data", clock, test_hooks=False)


def run(server: Bare, **more: Any) -> str:
    asked = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1, **more}
    return str(server.ec2("RunInstances", **asked)["Instances"][0]["InstanceId"])


def state(server: Bare, instance: str) -> str:
    return str(
        server.ec2("DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]["State"]["Name"]
    )


def test_for_suites_whatever_a_call_starts_is_finished_before_the_next_call(suites: Bare) -> None:
    made = suites.ec2("RunInstances", ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]
    assert made["State"]["Name"] == "pending"  # the answer is AWS's
    instance = made["InstanceId"]
    assert state(suites, instance) == "running"
    for operation, after in (("StopInstances", "stopped"), ("StartInstances", "running")):
        suites.ec2(operation, InstanceIds=[instance])
        assert state(suites, instance) == after
    suites.ec2("TerminateInstances", InstanceIds=[instance])
    assert state(suites, instance) == "terminated"
    assert suites.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"] == []


def test_for_suites_any_well_formed_image_is_one_and_no_list_shows_it(suites: Bare) -> None:
    before = suites.ec2("DescribeImages")["Images"]
    for image in ("ami-0123456789abcdef0", "ami-12c6146b"):
        run(suites, ImageId=image)
    assert suites.ec2("DescribeImages")["Images"] == before
    with pytest.raises(AwsError) as refused:
        suites.ec2("DescribeImages", ImageIds=["ami-12c6146b"])
    assert refused.value.code == "InvalidAMIID.NotFound"
    for wrong in ("ami-xyz", "ami-123", "img-12c6146b"):
        with pytest.raises(AwsError) as refused:
            run(suites, ImageId=wrong)
        assert refused.value.code in ("InvalidAMIID.NotFound", "InvalidAMIID.Malformed")


def test_for_suites_a_target_is_healthy_after_its_threshold_and_not_before(suites: Bare, clock: Clock) -> None:
    group = load_balanced(suites, run(suites))
    assert health(suites, group) == "initial"
    clock.now += 49.0
    assert health(suites, group) == "initial"
    clock.now += 1.0  # five checks, ten seconds apart
    assert health(suites, group) == "healthy"


def test_without_test_hooks_an_unknown_image_is_refused_and_targets_are_unavailable(absent: Bare, clock: Clock) -> None:
    with pytest.raises(AwsError) as refused:
        run(absent)
    assert refused.value.code == "InvalidAMIID.NotFound"
    instance = run(absent, ImageId="ami-0000000000000a001")
    assert state(absent, instance) == "pending"
    absent.reconcile()
    assert state(absent, instance) == "running"
    group = load_balanced(absent, instance)
    clock.now += 3600.0
    assert health(absent, group) == "unavailable"


def test_an_instance_that_ends_by_itself_stops_or_is_terminated_as_it_was_told(absent: Bare) -> None:
    image = {"ImageId": "ami-0000000000000a001"}
    stops, ends = run(absent, **image), run(absent, **image, InstanceInitiatedShutdownBehavior="terminate")
    absent.reconcile()
    alive = absent.server.driver.running
    absent.server.driver.running = lambda: {  # type: ignore[method-assign]  # stands for first processes that end
        name: replace(one, alive=False) for name, one in alive().items()
    }
    absent.reconcile("instances")
    absent.reconcile("instances")
    assert (state(absent, stops), state(absent, ends)) == ("stopped", "terminated")


def load_balanced(server: Bare, instance: str) -> str:
    """A target group with this target, behind a load balancer."""
    subnet = server.ec2("DescribeSubnets")["Subnets"][0]
    balancer = server.elbv2("CreateLoadBalancer", Name="lb", Type="gateway", Subnets=[subnet["SubnetId"]])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    asked = {"Name": "tg", "Protocol": "GENEVE", "Port": 6081, "VpcId": subnet["VpcId"]}
    group = str(server.elbv2("CreateTargetGroup", **asked)["TargetGroups"][0]["TargetGroupArn"])
    server.elbv2("CreateListener", LoadBalancerArn=arn, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    server.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": instance}])
    return group


def health(server: Bare, group: str) -> str:
    server.reconcile("health")
    (target,) = server.elbv2("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
    return str(target["TargetHealth"]["State"])
