"""Who is condemned and who is trusted again: passive detection and health checks on one store."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opengwlb.control.passive import PassiveHealth
from opengwlb.model.elb import (
    HealthCheck,
    Listener,
    LoadBalancer,
    LoadBalancerZone,
    Slot,
    Target,
    TargetGroup,
    TargetState,
)
from opengwlb.model.passive import Sign, TargetCounters
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import Subnet
from opengwlb.policy import attributes, slots
from opengwlb.policy.health import Failure, ProbeResult, TargetHealth, informed, known, observe
from opengwlb.store.sqlite import SqliteStore

MS = 1_000_000
ON = {"opengwlb.passive_health.enabled": "true", "opengwlb.passive_health.window_ms": "200"}
REBALANCE = {"target_failover.on_unhealthy": "rebalance", "target_failover.on_deregistration": "rebalance"}


class Kernel:
    """Counters of targets that return all they get, but for those that are dead."""

    def __init__(self) -> None:
        self.now = 1_000_000 * MS
        self.dead: set[int] = set()
        self.left: list[int] = []
        self.counters: dict[int, TargetCounters] = {}

    def target_counters(self, slots: Collection[int]) -> dict[int, TargetCounters]:
        return {slot: self.counters.get(slot, TargetCounters()) for slot in slots}

    def leave(self, slot: int) -> None:
        self.left.append(slot)

    def pass_ms(self, ms: int, numbers: Collection[int]) -> None:
        self.now += ms * MS
        for number in numbers:
            one, alive = self.counters.get(number, TargetCounters()), number not in self.dead
            self.counters[number] = replace(
                one,
                given=one.given + ms,
                awaited=one.awaited + ms,
                turns=one.turns + ms,
                returned=one.returned + ms * alive,
                last_given_ns=self.now,
                last_returned_ns=self.now if alive else one.last_returned_ns,
            )


class Quiet:
    """No link is down, no process ended, unless a test says so."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def lost(self, box: str, ifindex: int) -> bool:
        return False

    def renew(self) -> None: ...
    def watch(self, instances: Collection[str]) -> None: ...
    def ended(self) -> Collection[str]:
        return self.gone


class World:
    """A load balancer in one zone with three targets by address."""

    def __init__(self, path: Path, *, attributes: dict[str, str]) -> None:
        self.store = SqliteStore(path, clock=lambda: 5.0)
        self.kernel, self.quiet = Kernel(), Quiet()
        lb, group = "arn:lb", "arn:aws:elasticloadbalancing:r:1:targetgroup/tg/1"
        self.group = TargetGroup(
            id=group, account="1", region="r", name="tg", vpc="vpc-1", target_type="ip", attributes=attributes
        )
        self.ids = [f"{group}|10.9.0.{number}" for number in (5, 6, 7)]
        zone = LoadBalancerZone(zone="a", subnet="subnet-1", network_interface="eni-1")
        objects = [
            self.group,
            LoadBalancer(id=lb, account="1", region="r", name="lb", vpc="vpc-1", zones=(zone,), created=0.0),
            Listener(id="arn:listener", account="1", region="r", load_balancer=lb, target_group=group),
            Subnet(id="subnet-1", account="1", region="r", vpc="vpc-1", cidr="10.9.0.0/24", zone="a", zone_id="z"),
            *(
                Target(id=one, target_group=group, target=one.split("|")[1], registered=0.0, state=TargetState.HEALTHY)
                for one in self.ids
            ),
            *(
                Slot(id=slots.target_key(one, one.split("|")[1]), number=number, generation=1)
                for number, one in enumerate(self.ids)
            ),
        ]
        self.store.transact(lambda tx: [tx.put(one) for one in objects])
        self.passive = PassiveHealth(
            store=self.store,
            programs=self.kernel,
            links=self.quiet,
            processes=self.quiet,
            ifindex=dict[PortRef, int],
            clock=lambda: self.kernel.now / 1e9,
            coarse_ns=lambda: self.kernel.now,
        )

    def run(self, ms: int) -> None:
        for _ in range(ms // 10):
            self.kernel.pass_ms(10, range(3))
            self.passive.reconcile()

    def target(self, number: int) -> Target:
        found = self.store.snapshot().get(Target, self.ids[number])
        assert found is not None
        return found

    def states(self) -> list[str]:
        return [str(self.target(number).state) for number in range(3)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "store.sqlite", attributes=ON | REBALANCE)
    yield made
    made.store.close()


def test_a_silent_target_becomes_unhealthy_with_awss_reason_and_its_flows_leave_at_once(world: World) -> None:
    world.run(2_000)
    world.kernel.dead = {1}
    world.run(400)
    assert world.states() == ["healthy", "unhealthy", "healthy"]
    condemned = world.target(1)
    assert condemned.reason == "Target.FailedHealthChecks"
    assert condemned.description.startswith("Passive health check: ")
    assert condemned.condemned == 1
    assert world.kernel.left == [1]
    assert world.passive.condemned == {(world.group.id, "10.9.0.6", Sign.SILENT): 1}


def test_nothing_happens_to_groups_that_do_not_ask_for_it(tmp_path: Path) -> None:
    world = World(tmp_path / "store.sqlite", attributes=REBALANCE)
    world.run(2_000)
    world.kernel.dead = {1}
    world.run(2_000)
    assert world.states() == ["healthy"] * 3
    world.store.close()


def test_without_rebalance_flows_stay(tmp_path: Path) -> None:
    world = World(tmp_path / "store.sqlite", attributes=ON)
    world.run(2_000)
    world.kernel.dead = {1}
    world.run(400)
    assert world.target(1).state is TargetState.UNHEALTHY
    assert world.kernel.left == []
    world.store.close()


def test_the_last_healthy_target_is_not_condemned_for_silence(world: World) -> None:
    world.store.transact(
        lambda tx: [tx.put(replace(world.target(number), state=TargetState.UNHEALTHY)) for number in (0, 2)]
    )
    world.run(2_000)
    world.kernel.dead = {1}
    world.run(2_000)
    assert world.target(1).state is TargetState.HEALTHY


def test_of_two_that_fall_silent_at_once_both_go_while_a_third_returns(world: World) -> None:
    world.run(2_000)
    world.kernel.dead = {0, 1}
    world.run(400)
    assert world.states() == ["unhealthy", "unhealthy", "healthy"]


def test_when_all_fall_silent_nobody_is_condemned(world: World) -> None:
    world.run(2_000)
    world.kernel.dead = {0, 1, 2}
    world.run(2_000)
    assert world.states() == ["healthy"] * 3


def test_a_condemned_target_is_trusted_after_the_healthy_threshold_and_later_after_longer(world: World) -> None:
    check = HealthCheck(healthy_threshold=3, unhealthy_threshold=2)
    health = known(replace(world.target(0), state=TargetState.UNHEALTHY, condemned_at=9.0, condemned=1))
    assert successes_needed(health, check) == 3
    assert successes_needed(replace(health, condemned=2), check) == 6
    assert successes_needed(replace(health, condemned=3), check) == 12
    assert successes_needed(replace(health, condemned=50), check) == 96
    assert successes_needed(replace(health, condemned=50, condemned_at=None), check) == 3


def successes_needed(health: TargetHealth, check: HealthCheck) -> int:
    for number in range(1, 1000):
        health = observe(health, ProbeResult(), check=check)
        if health.state is TargetState.HEALTHY:
            return number
    raise AssertionError(health)


def test_a_failed_check_of_a_condemned_target_counts_like_any_and_keeps_its_record(world: World) -> None:
    check = HealthCheck(unhealthy_threshold=2)
    health = known(replace(world.target(0), state=TargetState.UNHEALTHY, condemned_at=9.0, condemned=2))
    for _ in range(2):
        health = observe(health, ProbeResult(failure=Failure.TIMEOUT), check=check)
    assert (health.reason, health.condemned_at, health.condemned) == ("Target.Timeout", 9.0, 2)


def test_what_was_probed_before_the_condemnation_says_nothing(world: World) -> None:
    before = TargetHealth(state=TargetState.HEALTHY, successes=40)
    target = replace(world.target(0), state=TargetState.UNHEALTHY, condemned_at=9.0, condemned=1)
    assert informed(before, target) == known(target)
    assert known(target).successes == 0
    since = replace(known(target), successes=2)
    assert informed(since, target) is since


def test_a_target_that_only_its_health_checks_speak_for_is_condemned_again(world: World) -> None:
    world.run(2_000)
    world.kernel.dead = {1}
    world.run(400)
    for times in (2, 3):
        world.store.transact(lambda tx: tx.put(replace(world.target(1), state=TargetState.HEALTHY, condemned_at=None)))
        world.run(1_000)
        assert (world.target(1).state, world.target(1).condemned) == (TargetState.UNHEALTHY, times)


def test_a_target_that_returned_packets_for_five_minutes_starts_with_a_clean_record(world: World) -> None:
    world.store.transact(lambda tx: tx.put(replace(world.target(1), condemned=3)))
    world.run(1_000)
    assert world.target(1).condemned == 3
    world.kernel.now += 300_000 * MS
    world.run(1_000)
    assert world.target(1).condemned == 0


def test_the_attributes_are_off_and_checked_as_awss_are() -> None:
    assert attributes.passive_window_ms({}) is None
    assert attributes.passive_window_ms({"opengwlb.passive_health.window_ms": "100"}) is None
    assert attributes.passive_window_ms({"opengwlb.passive_health.enabled": "true"}) == 210
    assert "opengwlb.passive_health.enabled" not in attributes.effective(attributes.TARGET_GROUP, {})
    changed = attributes.changed(attributes.TARGET_GROUP, {}, ON.items())
    assert attributes.passive_window_ms(changed) == 200
    for key, value in (
        ("opengwlb.passive_health.enabled", "yes"),
        ("opengwlb.passive_health.window_ms", "49"),
        ("opengwlb.passive_health.window_ms", "10001"),
        ("opengwlb.passive_health.window_ms", "0.2"),
    ):
        with pytest.raises(attributes.BadAttribute, match=key.replace(".", r"\.")):
            attributes.changed(attributes.TARGET_GROUP, {}, [(key, value)])
