"""Appliances that die under running transfers, with passive detection: how long the transfers stand still, and what the API says of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opengwlb.cli import client
from opengwlb.cli import lab as where
from opengwlb.instances import RuncDriver
from opengwlb.model.passive import Sign
from opengwlb.policy.passive import DESCRIPTIONS

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import Server

GAPS = str(Path(__file__).with_name("gaps.py"))
PORT = 5002
TRANSFERS = 100
RATE = 60.0
"""Messages a second of each transfer. With their acknowledgements 12,000 packets a second, a fifth of them for each target at least."""
APPLIANCES = 5
DETECTED_MS = 250.0
TICK_MS = time.clock_getres(6) * 1e3
"""Of CLOCK_MONOTONIC_COARSE: the kernel's timer tick."""
ROUNDED_MS = 8 * TICK_MS
"""A timer that is set for longer than 63 ticks ahead rings up to eight ticks late (the wheel's second level); the second
timeout of a transfer is one."""
INTERVAL_S = 5


@pytest.fixture(scope="module")
def lab(server: Server) -> tuple[Partner, Customer]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, per_zone=APPLIANCES, appliance="firewall", interval_s=INTERVAL_S)
    made = customer(server, service=inspected.service_name)
    # TCP, the default, would find the health page of an appliance whose loop is gone.
    inspected.elb.modify_target_group(TargetGroupArn=inspected.target_group, HealthCheckProtocol="HTTP")
    attributes(inspected, {"opengwlb.passive_health.enabled": "true"} | REBALANCE)
    healthy(inspected, count=APPLIANCES)
    reachable(server, made.public["a"])
    return inspected, made


REBALANCE = {"target_failover.on_unhealthy": "rebalance", "target_failover.on_deregistration": "rebalance"}


def attributes(one: Partner, values: dict[str, str]) -> None:
    one.elb.modify_target_group_attributes(
        TargetGroupArn=one.target_group, Attributes=[{"Key": key, "Value": value} for key, value in values.items()]
    )


def processes(server: Server, instance: str, name: str) -> list[int]:
    """Of the instance, by the name that `ps` shows."""
    network = os.stat(server.namespace(instance)).st_ino
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if (directory / "comm").read_text().strip() == name and (directory / "ns/net").stat().st_ino == network:
                found.append(int(directory.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def killed(server: Server, instance: str) -> None:
    driver = RuncDriver(name=server.name, run_dir=where.run_dir(server.name), data_dir=server.data_dir)
    os.kill(driver.running()[instance].pid, signal.SIGKILL)


def cut(server: Server, instance: str) -> None:
    assert server.inside(instance, "ip", "link", "set", "eth0", "down").returncode == 0


def hung(server: Server, instance: str) -> None:
    for pid in processes(server, instance, "gwlb-loop"):
        os.kill(pid, signal.SIGSTOP)


def loop_gone(server: Server, instance: str) -> None:
    for pid in processes(server, instance, "gwlb-loop"):
        os.kill(pid, signal.SIGKILL)


DEATHS: dict[str, tuple[Callable[[Server, str], None], set[Sign]]] = {
    # The host's refusals come first where the kernel takes its time to end the other processes of the first one.
    "killed": (killed, {Sign.ENDED, Sign.REFUSED}),
    "link cut": (cut, {Sign.LINK_DOWN}),
    "loop gone": (loop_gone, {Sign.REFUSED}),
    "hung loop": (hung, {Sign.SILENT}),
}


@dataclass
class Struck:
    """What came of a death."""

    victim: str
    at: float
    described: dict[str, str]
    gaps: list[float]
    """The longest of each transfer, in milliseconds since the death at the earliest, sorted."""
    quiet_ms: float
    """The 99th percentile of what the same transfers stood still for before anything died: this machine's own doing, not a death's."""
    timeout_ms: float
    """The largest retransmission timeout that a stalled sender's kernel reported before the second one was over."""


@contextmanager
def transfers(server: Server, made: Customer) -> Iterator[Callable[[], tuple[Any, Any]]]:
    """Call what it gives once, for what receiver and sender noted."""
    taking = server.spawn(made.applications["a"], sys.executable, GAPS, "receive", str(PORT), stdin=subprocess.PIPE)
    try:
        assert taking.stdout and taking.stdout.readline() == "ready\n"
        arguments = (made.public["a"], str(PORT), str(TRANSFERS), str(RATE), "192.0.2.1")
        sending = server.spawn("internet", sys.executable, GAPS, "send", *arguments, stdin=subprocess.PIPE)
        try:
            assert sending.stdout and sending.stdout.readline() == "ready\n"

            def end() -> tuple[Any, Any]:
                said = []
                for process in (sending, taking):  # in this order: the other way round it would be reset
                    out, error = process.communicate(timeout=30)
                    assert process.returncode == 0, error
                    said.append(json.loads(out))
                return said[1], said[0]

            yield end
        finally:
            sending.kill()
    finally:
        taking.kill()


@pytest.fixture(scope="module")
def struck(server: Server, lab: tuple[Partner, Customer]) -> dict[str, Struck]:
    """Four deaths, one after another, under the same transfers."""
    inspected, made = lab
    victims = iter(inspected.appliances["a"])
    strikes = []
    with transfers(server, made) as end:
        running = time.time()
        time.sleep(8.0)  # running time: a target has to have shown that it is not given to pauses
        for death, (strike, _) in DEATHS.items():
            victim = next(victims)
            at = time.time()
            strike(server, victim)
            time.sleep(2.0)  # running time: for the longest gap
            strikes.append((death, victim, at, health_of(inspected, victim)))
        took, sent = end()
    ends = [at for _, _, at, _ in strikes[1:]] + [time.time()]
    return {
        death: Struck(
            victim=victim,
            at=at,
            described=described,
            gaps=sorted(longest(took.get(source, []), since=at, until=until_s) for source in sent),
            quiet_ms=sorted(longest(took.get(source, []), since=running, until=strikes[0][2]) for source in sent)[98],
            timeout_ms=max(
                (rto for rows in sent.values() for when, rto, again in rows if at < when < until_s and again < 2),
                default=0.0,
            ),
        )
        for (death, victim, at, described), until_s in zip(strikes, ends, strict=True)
    }


def longest(noted: list[list[float]], *, since: float, until: float) -> float:
    """Of what ended in that time, counted from its beginning at the earliest: a message's interval before it was nobody's fault."""
    ends = ((begun, begun + ms / 1e3) for begun, ms in noted)
    return max((round((end - max(begun, since)) * 1e3, 1) for begun, end in ends if since < end <= until), default=0.0)


def health_of(one: Partner, instance: str) -> dict[str, str]:
    found = one.elb.describe_target_health(TargetGroupArn=one.target_group, Targets=[{"Id": instance}])
    return dict(found["TargetHealthDescriptions"][0]["TargetHealth"])


@pytest.mark.parametrize("death", list(DEATHS))
def test_transfers_stand_still_for_no_longer_than_detection_and_one_timeout(struck, death):
    one = struck[death]
    print(
        f"{death}: p50 {one.gaps[50]} ms, p99 {one.gaps[98]} ms, longest {one.gaps[99]} ms; RTO {one.timeout_ms:g} ms, "
        f"before {one.quiet_ms} ms"
    )
    assert one.gaps[98] < DETECTED_MS + one.timeout_ms + ROUNDED_MS + one.quiet_ms, one


@pytest.mark.parametrize("death", list(DEATHS))
def test_health_says_what_the_sign_was(server, struck, death):
    says = {DESCRIPTIONS[sign] for sign in DEATHS[death][1]}
    assert says & {one["description"] for one in events_of(server, struck[death].victim)}
    if death != "killed":  # the instance is stopped by then, and its target unused
        assert struck[death].described["State"] == "unhealthy"
        assert struck[death].described["Reason"] == "Target.FailedHealthChecks"
        assert struck[death].described["Description"] in says


def events_of(server: Server, target: str) -> list[dict[str, Any]]:
    """What happened to a target's health."""
    rows = client.operator(server.name).get("events", limit=10_000)["events"]
    return [row for row in rows if row["id"].endswith(f"|{target}") and "description" in row]


def test_flows_moved_and_the_condemnations_are_counted(server, struck):
    metrics = urllib.request.urlopen(f"{server.endpoint}/metrics", timeout=10).read().decode()
    for death, (_, signs) in DEATHS.items():
        line = next(
            line
            for line in metrics.splitlines()
            if line.startswith("gwlb_target_condemnations_total{") and struck[death].victim in line
        )
        assert any(f'sign="{sign}"' in line for sign in signs) and line.endswith(" 1.0")
    rows = json.loads(server.gwlb("status", "--json").stdout)["targets"]
    for row in rows:
        assert row["given"] >= row["returned"] > 0
        assert row["condemned"] == (row["target"] in {one.victim for one in struck.values()})
    assert "given" in server.gwlb("status").stdout


def test_what_recovers_is_trusted_by_its_health_checks_and_not_before(server, lab, struck):
    """The server mends the link, and lets the stopped loop go on; who has no process stays away."""
    inspected, _ = lab
    for pid in processes(server, struck["hung loop"].victim, "gwlb-loop"):
        os.kill(pid, signal.SIGCONT)
    back = {struck["link cut"].victim, struck["hung loop"].victim}
    still = set(inspected.appliances["a"]) - {struck["killed"].victim, struck["loop gone"].victim}
    found = healthy(inspected, count=3, seconds=60)
    assert {one["Target"]["Id"] for one in found if one["TargetHealth"]["State"] == "healthy"} == still >= back
    for death in ("link cut", "hung loop"):
        seen = [(row["at"], row["state"]) for row in events_of(server, struck[death].victim)]
        gone = max(at for at, state in seen if state == "unhealthy")
        came = max(at for at, state in seen if state == "healthy")
        assert came - gone > INTERVAL_S  # two successes in a row: the threshold
