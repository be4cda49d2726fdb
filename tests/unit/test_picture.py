"""The map, the targets' timeline and the rates of traffic: the pure parts of the console's live picture."""

from __future__ import annotations

import time
from dataclasses import replace

from watched_lab import CONSUMER, ENDPOINT, LB, PROVIDER, STRANGER, TG, lab

from opengwlb.control.probe_log import KEPT, ProbeLog
from opengwlb.dataplane.verdicts import Verdict, VerdictKind
from opengwlb.model.elb import Target, TargetState
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import Route, RouteTable
from opengwlb.observe import timeline, traffic
from opengwlb.observe.network_map import network_map
from opengwlb.observe.visibility import Viewer, Where
from opengwlb.policy.health import Failure, ProbeResult, TargetHealth
from opengwlb.store.protocol import Change

OPERATOR = Viewer("999999999999", True)
TARGET = f"{TG}|i-{'2':0>17}"
DROPPED, PASSED = (
    Verdict(number=number, name=name, kind=kind, sentence=f"{name}.")
    for number, name, kind in ((1, "no_targets", VerdictKind.DROP), (2, "forward", VerdictKind.PASS))
)
VERDICTS = {one.number: one for one in (DROPPED, PASSED)}
AT = {7: Where(port=PortRef("vpc-1", "vpce-1"), resource="vpce-1", accounts=frozenset({CONSUMER}))}


def test_each_account_sees_its_own_side_of_the_map() -> None:
    seen = {
        account: {node.kind for node in network_map(lab(), viewer=Viewer(account, False)).nodes}
        for account in (CONSUMER, PROVIDER, STRANGER)
    }
    assert seen[STRANGER] == set()
    assert "endpoint" in seen[CONSUMER] and not seen[CONSUMER] & {"load-balancer", "target-group", "target"}
    assert {"endpoint", "load-balancer", "target-group", "target"} <= seen[PROVIDER]
    (theirs,) = (node for node in network_map(lab(), viewer=Viewer(PROVIDER, False)).nodes if node.id == ENDPOINT)
    assert (theirs.vpc, theirs.detail.subnet, theirs.detail.addresses) == (None, None, ())


def test_a_consumer_sees_its_route_tables_with_where_they_lead_and_a_provider_does_not() -> None:
    picture = network_map(lab(), viewer=Viewer(CONSUMER, False))
    tables = {node.id: node.detail for node in picture.nodes if node.kind == "route-table"}
    assert set(tables) == {"rtb-app", "rtb-end", "rtb-edge"}
    assert [(each.destination, each.target, each.state) for each in tables["rtb-app"].routes] == [
        ("10.0.0.0/16", "local", "active"),
        ("0.0.0.0/0", ENDPOINT, "active"),
    ]
    led = {(edge.source, edge.target) for edge in picture.edges if edge.kind == "routes"}
    assert led == {("rtb-app", ENDPOINT), ("rtb-edge", ENDPOINT), ("rtb-end", f"igw-{'9':0>17}")}
    provided = network_map(lab(), viewer=Viewer(PROVIDER, False))
    assert not [node for node in provided.nodes if node.kind == "route-table"]
    assert not [edge for edge in provided.edges if edge.kind in ("routes", "associated")]


def test_edges_lead_from_left_to_right_and_only_between_nodes_of_the_map() -> None:
    picture = network_map(lab(), viewer=OPERATOR)
    there = {node.id for node in picture.nodes}
    assert all({edge.source, edge.target} <= there for edge in picture.edges)
    kinds = {(edge.kind, edge.source, edge.target) for edge in picture.edges}
    assert {("routes", "rtb-app", ENDPOINT), ("forwards", LB, TG), ("registered", TG, TARGET)} <= kinds
    assert ("associated", f"igw-{'9':0>17}", "rtb-edge") in kinds
    (route,) = (edge for edge in picture.edges if edge.id == f"routes:rtb-app>{ENDPOINT}")
    assert (route.label, route.ports, route.state) == ("0.0.0.0/0", (ENDPOINT,), "ok")


def test_a_route_to_what_is_gone_is_drawn_to_something_that_says_so() -> None:
    table = lab().get(RouteTable, "rtb-app")
    lost = Route(destination="10.7.0.0/16", target_type="vpc-endpoint", target="vpce-gone", state="blackhole")
    picture = network_map(lab(replace(table, routes=(*table.routes, lost))), viewer=OPERATOR)
    (node,) = (one for one in picture.nodes if one.id == "vpce-gone")
    assert (node.kind, node.state, node.healthy) == ("endpoint", "deleted", False)
    assert [edge.state for edge in picture.edges if edge.target == "vpce-gone"] == ["bad"]


def test_a_map_is_of_one_region_or_of_all() -> None:
    assert network_map(lab(), viewer=OPERATOR, region="us-east-1").nodes == ()
    assert network_map(lab(), viewer=OPERATOR, region="ap-northeast-2") == network_map(lab(), viewer=OPERATOR)


def test_five_thousand_targets_are_drawn_in_less_than_a_second() -> None:
    many = [Target(id=f"{TG}|10.9.{n // 250}.{n % 250}", target_group=TG, target=f"10.9.{n // 250}.{n % 250}",
                   registered=0.0, state=TargetState.HEALTHY) for n in range(5000)]  # fmt: skip
    snapshot = lab(*many)
    began = time.process_time()
    assert len(network_map(snapshot, viewer=OPERATOR).nodes) > 5000
    assert time.process_time() - began < 1.0


def test_the_log_keeps_the_newest_probes_and_forgets_targets_that_are_gone() -> None:
    log = ProbeLog()
    for number in range(KEPT + 5):
        refused = ProbeResult(failure=Failure.FAILED, said="refused")
        log.add("a", refused, health=TargetHealth(failures=number), at=float(number), took_s=0.001)
    kept = log.of("a")
    assert (len(kept.last), kept.last[0].at, kept.failures) == (KEPT, 5.0, KEPT + 4)
    log.keep(lambda target: False)
    assert log.of("a").last == ()


def known(**more: object) -> timeline.Known:
    plain = {"probes": ProbeLog().of, "counters": {}, "flows": {3: 4}, "drained": {}, "transitions": {}}
    return timeline.Known(**(plain | more))  # type: ignore[arg-type]


def test_a_draining_target_says_how_long_and_how_many_flows_are_left() -> None:
    target = replace(lab().get(Target, TARGET), deregistered=100.0, state=TargetState.DRAINING)
    told = timeline.answer(
        lab(target), known(drained={(TARGET, 100.0): 9}), viewer=Viewer(PROVIDER, False), now_s=130.0
    )
    draining = told.targets[0].draining
    assert draining is not None
    assert (draining.until, draining.seconds_left, draining.flows_left, draining.flows_at_start) == (400.0, 270.0, 4, 9)
    assert timeline.answer(lab(), known(), viewer=Viewer(CONSUMER, False), now_s=0.0).targets == ()


def test_a_transition_is_a_new_state_or_reason() -> None:
    target = lab().get(Target, TARGET)
    sick = replace(target, state=TargetState.UNHEALTHY, reason="Target.Timeout")
    changes = [
        Change(revision=n, kind=Target, id=TARGET, object=one, at=float(n))
        for n, one in enumerate((target, replace(target, condemned=1), sick, target))
    ]
    found = timeline.transitions({}, changes, kept=2)[TARGET]
    assert [(one.at, one.state) for one in found] == [(2.0, "unhealthy"), (3.0, "healthy")]


def reading(at_s: float, **counted: int) -> traffic.Reading:
    numbers = {verdict.name: verdict.number for verdict in VERDICTS.values()}
    return traffic.Reading(at_s=at_s, counted={(7, numbers[name]): (n, n * 100) for name, n in counted.items()})


def test_rates_are_what_was_counted_between_two_readings() -> None:
    (one,) = traffic.rates(reading(1, forward=10), reading(3, forward=30, no_targets=4), places=AT, verdicts=VERDICTS)
    assert (one.traffic.packets, one.traffic.bytes) == (12.0, 1200.0)
    assert one.traffic.verdicts == {"forward": 10.0, "no_targets": 2.0}
    assert traffic.rates(reading(1, forward=30), reading(2, forward=30), places=AT, verdicts=VERDICTS) == []


def test_drops_are_said_when_they_begin_after_a_quiet_minute() -> None:
    drops, by_name = traffic.Drops(), {one.name: one for one in VERDICTS.values()}
    ports = traffic.rates(reading(1), reading(2, no_targets=4, forward=9), places=AT, verdicts=VERDICTS)
    said = [drops.began(ports, verdicts=by_name, at=0.0, now_s=now_s) for now_s in (2.0, 30.0, 100.0)]
    assert [len(each) for each in said] == [1, 0, 1]
    assert said[0][0][1].meaning == "no_targets."


def test_a_second_of_traffic_shows_each_viewer_its_own_ports() -> None:
    ports = tuple(traffic.rates(reading(1), reading(2, forward=9), places=AT, verdicts=VERDICTS))
    second = traffic.Second(at=2.0, over_s=1.0, ports=ports)
    assert len(second.of(Viewer(CONSUMER, False)).ports) == 1
    assert second.of(Viewer(PROVIDER, False)).ports == ()


def test_flows_moved_are_counted_from_what_was_read_before() -> None:
    before, after = traffic.Reading(at_s=1, moved={1: 5}), traffic.Reading(at_s=2, moved={1: 8, 2: 4})
    assert traffic.moves(before, after) == {1: 3}
