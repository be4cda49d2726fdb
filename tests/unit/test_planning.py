"""What a change would do to live flows, on AWS's documented rules."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from test_plan import interface, snapshot, subnet, vpc

from opengwlb.model.elb import Listener, LoadBalancer, LoadBalancerZone, Slot, Target, TargetGroup, TargetState
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import planning, planning_words, selection
from opengwlb.policy.planning import CrossZone, Deregister, DisableZone, Plan, PlanError, Stickiness

WHO = {"account": "111111111111", "region": "r"}
LB, TG = "arn:lb/gwy/lb/1", "arn:targetgroup/tg/1"
A1, A2, B1 = "10.9.0.11", "10.9.0.12", "10.9.1.11"
IN_A, IN_B, ELSEWHERE = (f"vpce-{number:0>17}" for number in (1, 2, 3))
TCP, UDP, ICMP, GRE = 6, 17, 1, 47
FLOWS = [(IN_A, A1, TCP, 10), (IN_A, A1, UDP, 5), (IN_A, A2, TCP, 7), (IN_B, B1, TCP, 3), (IN_B, B1, ICMP, 2)]


def lab(
    *,
    group: dict[str, str] | None = None,
    balancer: dict[str, str] | None = None,
    listener: dict[str, str] | None = None,
    states: dict[str, TargetState] | None = None,
) -> Snapshot:
    provider = vpc("d", cidr="10.9.0.0/16")
    subnets = {zone: subnet(zone, provider, f"10.9.{i}.0/24", zone=zone) for i, zone in enumerate("ab")}
    nodes = [interface(zone, of, f"10.9.{i}.4") for i, (zone, of) in enumerate(subnets.items())]
    zones = tuple(LoadBalancerZone(zone=n.zone, subnet=n.subnet, network_interface=n.id) for n in nodes)
    endpoint = VpcEndpoint(
        **WHO, id=IN_A, service="s", service_name="s", vpc="vpc-c", subnet="subnet-c", zone="a", network_interface="eni-e",
        created=0.0, load_balancer=LB, state="available",
    )  # fmt: skip
    return snapshot(
        provider,
        *subnets.values(),
        *nodes,
        LoadBalancer(**WHO, id=LB, name="lb", vpc=provider.id, created=0.0, zones=zones, attributes=balancer or {}),
        TargetGroup(**WHO, id=TG, name="tg", vpc=provider.id, target_type="ip", attributes=group or {}),
        Listener(**WHO, id="listener", load_balancer=LB, target_group=TG, attributes=listener or {}),
        endpoint,
        replace(endpoint, id=IN_B, zone="b"),
        replace(endpoint, id=ELSEWHERE, load_balancer="arn:other"),
        *(
            Target(
                id=f"{TG}|{address}",
                target_group=TG,
                target=address,
                registered=0.0,
                state=(states or {}).get(address, TargetState.HEALTHY),
            )
            for address in (A1, A2, B1)
        ),
        *(
            Slot(id=f"target|{TG}|{address}|{address}", number=number, generation=1)
            for number, address in enumerate((A1, A2, B1))
        ),
    )


def planned(there: Snapshot, change: planning.Change, flows: list[tuple[str, str, int, int]] = FLOWS) -> Plan:
    slots = {slot.id.rpartition("|")[2]: slot.number for slot in there.values(Slot)}
    counts = {
        FlowKind(endpoint_number(endpoint), slots.get(target, 99), protocol): count
        for endpoint, target, protocol, count in flows
    }
    return planning.plan(there, change, counts)


def fates(plan: Plan) -> dict[str, tuple[int, int, int]]:
    return {row.target: (row.stay, row.move, row.breaks) for row in plan.targets}


def said(plan: Plan) -> list[str]:
    return [planning_words.say(reason, "en") for reason in plan.reasons]


STAYS = {A1: (15, 0, 0), A2: (7, 0, 0), B1: (5, 0, 0)}
GOES_A1 = Deregister(target_group=TG, targets=(A1,))
REBALANCE = {"target_failover.on_deregistration": "rebalance", "target_failover.on_unhealthy": "rebalance"}
RESET = {"send_tcp_reset.on_deregistration.enabled": "true"}


def test_without_rebalance_a_deregistered_targets_flows_stay_and_new_ones_go_elsewhere() -> None:
    plan = planned(lab(), GOES_A1)
    assert fates(plan) == STAYS
    assert [(zone.zone, zone.before, zone.after) for zone in plan.zones] == [
        ("a", (A1, A2), (A2,)),
        ("b", (B1,), (B1,)),
    ]
    assert "no_rebalance" in said(plan)[0] and "300 s" in said(plan)[0]


def test_with_rebalance_they_move_and_no_other_targets_flow_does() -> None:
    assert fates(planned(lab(group=REBALANCE), GOES_A1)) == {**STAYS, A1: (0, 15, 0)}


def test_each_flow_that_moves_is_told_the_target_that_the_new_table_has_in_its_place() -> None:
    there = lab(group=REBALANCE, balancer={"load_balancing.cross_zone.enabled": "true"})
    table = selection.maglev([(1, A2), (2, B1)])
    kinds = {FlowKind(endpoint_number(IN_A), 0, TCP, place): 1 + place % 3 for place in range(0, selection.SIZE, 7)}
    stays = {FlowKind(endpoint_number(IN_A), 1, TCP, 5): 9}
    rows = {row.target: row for row in planning.plan(there, GOES_A1, kinds | stays).targets}
    expected = Counter()
    for kind, count in kinds.items():
        expected[A2 if table[kind.place or 0] == 1 else B1] += count
    assert rows[A1].to == dict(expected) and set(expected) == {A2, B1}
    assert rows[A1].move == sum(expected.values())
    assert rows[A2].to == {}


def test_where_flows_go_that_begin_anew_is_not_foretold() -> None:
    kinds = {FlowKind(endpoint_number(IN_A), 0, UDP, 5): 2}
    plan = planning.plan(lab(), Stickiness(target_group=TG, kind="source_ip_dest_ip"), kinds)
    assert fates(plan)[A1] == (0, 2, 0) and plan.targets[0].to == {}
    assert any("not foretold" in reason for reason in said(plan))


def test_with_rebalance_and_nobody_to_take_them_they_break() -> None:
    plan = planned(lab(group=REBALANCE), Deregister(target_group=TG, targets=(B1,)))
    assert fates(plan) == {**STAYS, B1: (0, 0, 5)}
    assert any(reason.startswith("New flows of b will be dropped") for reason in said(plan))


def test_with_rebalance_and_nobody_left_anywhere_they_are_not_sent_away() -> None:
    assert fates(planned(lab(group=REBALANCE), Deregister(target_group=TG, targets=(A1, A2, B1)))) == STAYS


def test_with_cross_zone_another_zones_targets_take_them() -> None:
    there = lab(group=REBALANCE, balancer={"load_balancing.cross_zone.enabled": "true"})
    plan = planned(there, Deregister(target_group=TG, targets=(B1,)))
    assert fates(plan) == {**STAYS, B1: (0, 5, 0)}
    assert plan.zones[1].after == (A1, A2)


def test_with_resets_tcp_breaks_and_the_rest_stays() -> None:
    assert fates(planned(lab(group=RESET), GOES_A1)) == {**STAYS, A1: (5, 0, 10)}


def test_flows_of_another_load_balancers_endpoints_do_not_count() -> None:
    assert fates(planned(lab(group=REBALANCE), GOES_A1, [(ELSEWHERE, A1, TCP, 9)])) == dict.fromkeys(STAYS, (0, 0, 0))


def test_flows_of_a_target_that_is_gone_are_shown_as_such() -> None:
    plan = planned(lab(), GOES_A1, [(IN_A, "gone", TCP, 2)])
    assert (plan.targets[-1].target, plan.targets[-1].state, plan.targets[-1].stay) == ("", "not registered", 2)


def test_disabling_a_zone_deregisters_all_of_its_targets() -> None:
    plan = planned(lab(group=REBALANCE), DisableZone(load_balancer=LB, zone="a"))
    assert fates(plan) == {**STAYS, A1: (0, 0, 15), A2: (0, 0, 7)}
    assert A1 in said(plan)[0] and A2 in said(plan)[0]


def test_cross_zone_moves_no_live_flow_and_changes_where_new_ones_go() -> None:
    plan = planned(lab(), CrossZone(load_balancer=LB, enabled=True))
    assert fates(plan) == STAYS
    assert plan.zones[1].after == (A1, A2, B1)


def test_another_stickiness_breaks_tcp_and_begins_the_rest_anew() -> None:
    plan = planned(lab(), Stickiness(target_group=TG, kind="source_ip_dest_ip"))
    assert fates(plan) == {A1: (0, 5, 10), A2: (0, 0, 7), B1: (0, 2, 3)}


def test_three_tuple_keeps_what_has_no_ports() -> None:
    flows = [(IN_B, B1, ICMP, 2), (IN_B, B1, GRE, 1), (IN_B, B1, UDP, 4)]
    plan = planned(lab(), Stickiness(target_group=TG, kind="source_ip_dest_ip_proto"), flows)
    assert fates(plan)[B1] == (3, 4, 0)


def test_with_adopt_established_tcp_begins_anew_too() -> None:
    plan = planned(
        lab(balancer={"opengwlb.adopt.enabled": "true"}), Stickiness(target_group=TG, kind="source_ip_dest_ip")
    )
    assert fates(plan)[A1] == (0, 15, 0)


def test_the_stickiness_there_is_changes_nothing() -> None:
    group = {"stickiness.enabled": "true", "stickiness.type": "source_ip_dest_ip"}
    assert fates(planned(lab(group=group), Stickiness(target_group=TG, kind="source_ip_dest_ip"))) == STAYS
    assert fates(planned(lab(), Stickiness(target_group=TG, kind="off"))) == STAYS


def test_what_no_longer_holds_is_said() -> None:
    there = lab(listener={"tcp.idle_timeout.seconds": "600"})
    plan = planned(there, Stickiness(target_group=TG, kind="source_ip_dest_ip"))
    assert any("600" in reason for reason in said(plan))
    failing = lab(states={A2: TargetState.UNHEALTHY})
    assert any("fail open" in reason for reason in said(planned(failing, GOES_A1)))


@pytest.mark.parametrize(
    ("change", "options", "word"),
    [
        (Deregister(target_group=TG, targets=("10.9.0.99",)), {}, "not registered"),
        (Deregister(target_group="arn:no", targets=(A1,)), {}, "no target group"),
        (DisableZone(load_balancer=LB, zone="c"), {}, "no zone c"),
        (Stickiness(target_group=TG, kind="sideways"), {}, "one of"),
        (Stickiness(target_group=TG, kind="source_ip_dest_ip"), {"group": RESET}, "send_tcp_reset"),
        (CrossZone(load_balancer="arn:no", enabled=True), {}, "no load balancer"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(change: planning.Change, options: dict[str, Any], word: str) -> None:
    with pytest.raises(PlanError, match=word):
        planned(lab(**options), change)


def test_every_reason_has_its_places_in_both_languages() -> None:
    for code, sentences in planning_words.SENTENCES.items():
        english, korean = (set(re.findall(r"\{(\w+)\}", sentences[language])) for language in ("en", "ko"))
        assert english == korean, code
        assert re.search("[가-힣]", sentences["ko"]), code


def test_every_reason_that_is_given_has_a_sentence() -> None:
    given = set(re.findall(r'Reason\("([\w-]+)"', inspect.getsource(planning)))
    assert given <= set(planning_words.SENTENCES)
    assert set(planning_words.SENTENCES) - given == {
        "rebalances", "resets", "stays", "same-key", "other-key", "not-foretold", "adopts", "no-syn",
    }  # fmt: skip
