"""`gwlb plan` says what will become of live flows; then the change is made, and what became of each is counted."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import REGION, Server, until

SCRIPT = str(Path(__file__).with_name("connections.py"))
PORT, TCP, UDP = 7000, 24, 24
FATES = ("stay", "move", "break")


class Flows:
    """Long flows from the internet to the application, and the table's entries for them."""

    def __init__(self, server: Server, made: Customer) -> None:
        self._server = server
        self._holder = server.spawn(
            "internet",
            *(sys.executable, SCRIPT, "hold", made.public["a"], str(PORT), str(TCP), str(UDP)),
            stdin=-1,  # a pipe
        )
        opened = self._answered()
        assert {name: len(ports) for name, ports in opened.items()} == {"tcp": TCP, "udp": UDP}
        self.mine = {(name, port) for name, ports in opened.items() for port in ports}

    def _answered(self) -> dict[str, list[int]]:
        assert self._holder.stdout is not None
        line = self._holder.stdout.readline()
        assert line, self._holder.stderr and self._holder.stderr.read()
        return json.loads(line)

    def poke(self) -> set[tuple[str, int]]:
        """Sends on every flow; those that were answered."""
        assert self._holder.stdin is not None
        self._holder.stdin.write("\n")
        self._holder.stdin.flush()
        return {(name, port) for name, ports in self._answered().items() for port in ports}

    def table(self) -> dict[str, dict[str, Any]]:
        return {row["cookie"]: row for row in self._server.flows()}

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


def which(row: dict[str, Any]) -> tuple[str, int]:
    """A flow by what its holder knows of it."""
    return row["protocol"], row["source_port"]


def became(
    flows: Flows, before: dict[str, dict[str, Any]]
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]], list[dict[str, Any]]]:
    """By target, what became of each flow, and where those are that moved and go on; and the flows that ended meanwhile."""
    answered = flows.poke()
    after = flows.table()
    counts: dict[str, Counter[str]] = {}
    goals: dict[str, Counter[str]] = {}
    ended = []
    for cookie, row in before.items():
        now = after.get(cookie)
        if which(row) not in flows.mine:
            ended.append(row)
            continue
        if which(row) not in answered:
            fate = "break"
        elif now is not None and now["target"] == row["target"] and now["packets"] > row["packets"]:
            fate = "stay"
        else:
            fate = "move"
            if now is not None and now["packets"] > row["packets"]:
                goals.setdefault(row["target"], Counter())[now["target"]] += 1
        counts.setdefault(row["target"], Counter())[fate] += 1
    return counts, goals, ended


def foretold(server: Server, *arguments: str) -> dict[str, Any]:
    return json.loads(server.gwlb("plan", *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, per_zone=3)
    made = customer(server, service=inspected.service_name)
    inspected.elb.modify_target_group_attributes(
        TargetGroupArn=inspected.target_group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}],
    )
    healthy(inspected, count=3)
    reachable(server, made.public["a"])
    echo = server.spawn(made.applications["a"], sys.executable, SCRIPT, "serve", str(PORT))
    assert echo.stdout is not None and echo.stdout.readline() == "ready\n"
    try:
        yield inspected, made
    finally:
        echo.kill()
        echo.communicate()


@pytest.fixture
def flows(server: Server, lab: tuple[Partner, Customer]) -> Iterator[Flows]:
    inspected, made = lab
    every = inspected.appliances["a"]
    inspected.elb.register_targets(TargetGroupArn=inspected.target_group, Targets=[{"Id": one} for one in every])
    healthy(inspected, count=3)
    held = Flows(server, made)
    try:
        yield held
    finally:
        held.close()


def settled(flows: Flows) -> dict[str, dict[str, Any]]:
    """The live flows, once none of them is a closed one that lingers; nothing before."""
    table = flows.table()
    return {} if any(flow["state"] == "closed" for flow in table.values()) else table


def holds(server: Server, flows: Flows, arguments: tuple[str, ...], change: Callable[[], None]) -> dict[str, Any]:
    """Asks for the plan, makes the change, and compares; the plan."""
    before = until(lambda: settled(flows), what="closed flows are forgotten", every=0.5)
    plan = foretold(server, *arguments)
    change()
    time.sleep(1)  # the promise: within a second of the change, packets go by it
    counts, goals, ended = became(flows, before)
    for row in plan["targets"]:
        seen = counts.get(row["target"], Counter())
        gone = [one for one in ended if one["target"] == row["target"]]
        for fate in FATES:
            assert 0 <= row[fate] - seen[fate] <= len(gone), (row, seen, gone)
        for goal in row["to"].keys() | goals.get(row["target"], {}).keys():
            assert 0 <= row["to"].get(goal, 0) - goals[row["target"]][goal] <= len(gone), (row, goals, gone)
        assert row["flows"] == seen.total() + len(gone), (row, seen, gone)
    assert sum(row["flows"] for row in plan["targets"]) == len(before)
    assert sum(counter.total() for counter in counts.values()) == TCP + UDP
    return plan


def leaves(inspected: Partner, *targets: str) -> None:
    ids = [{"Id": one} for one in targets]
    inspected.elb.deregister_targets(TargetGroupArn=inspected.target_group, Targets=ids)

    def gone() -> bool:
        found = inspected.elb.describe_target_health(TargetGroupArn=inspected.target_group)["TargetHealthDescriptions"]
        return not {one["Target"]["Id"] for one in found} & set(targets)

    until(gone, what="the targets are gone")


def attributes(inspected: Partner, **values: str) -> None:
    named = [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]
    inspected.elb.modify_target_group_attributes(TargetGroupArn=inspected.target_group, Attributes=named)


def test_deregistered_without_rebalance_its_flows_stay(server: Server, lab, flows: Flows):
    inspected, _ = lab
    victim = inspected.appliances["a"][0]
    plan = holds(server, flows, ("deregister", victim), lambda: leaves(inspected, victim))
    assert plan["summary"]["move"] == plan["summary"]["break"] == 0
    (zone,) = plan["new_flows"]
    assert victim in zone["now"] and victim not in zone["then"]


def test_deregistered_with_rebalance_they_move_and_nobody_elses_do(server: Server, lab, flows: Flows):
    inspected, _ = lab
    victim = inspected.appliances["a"][0]
    attributes(inspected, target_failover__on_deregistration="rebalance", target_failover__on_unhealthy="rebalance")
    try:
        plan = holds(server, flows, ("deregister", victim), lambda: leaves(inspected, victim))
    finally:
        attributes(
            inspected, target_failover__on_deregistration="no_rebalance", target_failover__on_unhealthy="no_rebalance"
        )
    moved = {row["target"]: row["move"] for row in plan["targets"]}
    goals = {row["target"]: row["to"] for row in plan["targets"]}[victim]
    assert len(goals) == 2 and sum(goals.values()) == moved[victim]
    assert moved[victim] > 0 and sum(moved.values()) == moved[victim]


def test_a_zone_whose_targets_all_leave_keeps_its_flows_and_takes_no_new_one(server: Server, lab, flows: Flows):
    inspected, made = lab
    every = inspected.appliances["a"]
    plan = holds(server, flows, ("disable-zone", f"{REGION}a"), lambda: leaves(inspected, *every))
    assert plan["summary"]["stay"] >= TCP + UDP and plan["new_flows"][0]["then"] == []
    probe = server.inside("internet", "curl", "-s", "-m", "1", f"http://{made.public['a']}/")
    assert probe.returncode == 28, "the new connection's SYN is dropped"


def test_another_stickiness_breaks_tcp_and_begins_the_rest_anew(server: Server, lab, flows: Flows):
    inspected, _ = lab

    def change() -> None:
        attributes(inspected, stickiness__enabled="true", stickiness__type="source_ip_dest_ip")

    try:
        plan = holds(server, flows, ("stickiness", "source_ip_dest_ip"), change)
    finally:
        attributes(inspected, stickiness__enabled="false")
    assert plan["summary"]["break"] >= TCP and plan["summary"]["move"] >= UDP
