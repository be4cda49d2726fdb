"""The guard, by itself: what counts as given, what is inherited, and that a call that is refused changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from opengwlb.api.standing import guard
from opengwlb.model.vpc import Vpc
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

from .calls import World


def refused(operation: str, *, service: str = "ec2", **params: object) -> str:
    with pytest.raises(AwsError) as caught:
        guard.check(service, operation, params)
    assert caught.value.code == guard.CODES[service]
    return caught.value.message


@pytest.mark.parametrize("nothing", [None, False, 0, "", [], {}, {"Mode": ""}, [{}]])
def test_what_asks_for_nothing_is_taken(nothing: object):
    guard.check("ec2", "TerminateInstances", {"InstanceIds": ["i-1"], "Force": nothing})


def test_a_member_that_a_later_botocore_brings_is_refused_until_somebody_acts_on_it():
    assert "FutureOption" in refused("CreateVpc", CidrBlock="10.0.0.0/16", FutureOption="on")


def test_a_member_of_a_structure_is_refused_by_its_whole_name():
    actions = [{"Type": "forward", "TargetGroupArn": "arn", "Order": 1}]
    assert "DefaultActions.Order" in refused("CreateListener", service="elbv2", DefaultActions=actions)


def test_what_is_refused_changes_nothing(tmp_path: Path):
    store = SqliteStore(tmp_path / "guard.db", clock=lambda: 1_800_000_000.0)
    caller = World(store=store)
    caller.call("ec2", "DescribeVpcs")
    before = {each.id for each in store.snapshot().values(Vpc)}
    with pytest.raises(AwsError, match="InstanceTenancy"):
        caller.call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16", InstanceTenancy="dedicated")
    assert {each.id for each in store.snapshot().values(Vpc)} == before
    store.close()
