"""Flows, drops, events and `why` as rows: right ids, and to each account only its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from watched_lab import (
    CLIENT,
    CLIENT6,
    CONSUMER,
    ENDPOINT,
    LB,
    PRIVATE,
    PROVIDER,
    PUBLIC,
    SERVER6,
    STRANGER,
    TG,
    TO_ENDPOINT,
    dualstack,
    lab,
)

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.flows import Flow, Why
from opengwlb.dataplane.verdicts import Verdict, VerdictKind
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.account import AccessKey
from opengwlb.model.compute import Instance
from opengwlb.model.elb import LoadBalancer, Target
from opengwlb.model.ids import device_name, endpoint_number
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import Route, Vpc
from opengwlb.observe import drops, events, flows, verdict_words
from opengwlb.observe.filtering import FlowFilter
from opengwlb.observe.frames import FlowTuple
from opengwlb.observe.visibility import Viewer
from opengwlb.observe.why import why
from opengwlb.policy import network
from opengwlb.store.protocol import Change

VERDICTS = {
    1: Verdict(1, "eni_forwarded", VerdictKind.PASS, "Routed."),
    44: Verdict(44, "no_targets", VerdictKind.DROP, "No target could take the new flow."),
    15: Verdict(15, "no_route", VerdictKind.DROP, "No route."),
}
FLOW = Flow(
    endpoint=endpoint_number(ENDPOINT),
    source=CLIENT,
    destination=PRIVATE,
    source_port=40000,
    destination_port=80,
    protocol=6,
    target=3,
    cookie=0x1A2B3C4D,
    packets_forward=6,
    packets_backward=4,
    bytes_forward=600,
    bytes_backward=400,
    last_seen_s=0.25,
    created_s=2.0,
    idle_s=350,
    tcp="established",
    why=Why.HASH,
    former=None,
    verdict="decapsulated",
)
WEB_ENI, WEB, IGW, VPC = f"eni-{'1':0>17}", f"i-{'1':0>17}", f"igw-{'9':0>17}", f"vpc-{'c':0>17}"
BALANCER_BOX = "gwlb-0123456789abcdef"


def viewer(account: str, *, operator: bool = False) -> Viewer:
    return Viewer(account, operator)


def rows_of(who: Viewer, *found: Flow, snapshot: Snapshot | None = None) -> list[dict[str, Any]]:
    there = snapshot or lab()
    return list(flows.rows(there, found or (FLOW,), flows.Targets(there), viewer=who))


def asked_for(who: Viewer, *, endpoint: str | None = None, target: str | None = None) -> Wanted:
    return flows.wanted(lab(), flows.Targets(lab()), FlowFilter(endpoint=endpoint, target=target), viewer=who)


def test_consumer_provider_and_operator_may_read_a_flow_and_no_one_else() -> None:
    number = endpoint_number(ENDPOINT)
    assert asked_for(viewer(CONSUMER)) == asked_for(viewer(PROVIDER)) == Wanted(endpoints=frozenset({number}))
    assert asked_for(viewer(STRANGER)) == Wanted(endpoints=frozenset())
    assert asked_for(viewer("9", operator=True)) == Wanted()


def test_an_endpoint_narrows_what_is_read_and_never_widens_it() -> None:
    number = frozenset({endpoint_number(ENDPOINT)})
    assert asked_for(viewer(CONSUMER), endpoint=ENDPOINT).endpoints == number
    assert asked_for(viewer("9", operator=True), endpoint=ENDPOINT).endpoints == number
    assert asked_for(viewer(STRANGER), endpoint=ENDPOINT).endpoints == frozenset()
    assert asked_for(viewer("9", operator=True), endpoint="firewall").endpoints == frozenset()


@pytest.mark.parametrize("word", [f"i-{'2':0>17}", "10.9.0.10"])
def test_a_target_is_asked_for_by_id_or_address_and_only_by_its_provider(word: str) -> None:
    assert asked_for(viewer(PROVIDER), target=word).targets == frozenset({3})
    assert asked_for(viewer("9", operator=True), target=word) == Wanted(targets=frozenset({3}))
    assert asked_for(viewer(CONSUMER), target=word).endpoints == frozenset()
    assert asked_for(viewer(PROVIDER), target="i-0").targets == frozenset()


def test_a_target_is_asked_for_by_its_instances_name_too() -> None:
    appliance = lab().get(Instance, f"i-{'2':0>17}")
    assert appliance is not None
    there = lab().supposing(replace(appliance, tags={"Name": "fw-1"}))
    targets = flows.Targets(there)
    assert targets.called("fw-1") == frozenset({3})
    (row,) = rows_of(viewer(PROVIDER), snapshot=there)
    assert (row["target"], row["target_name"]) == (appliance.id, "fw-1")


def test_a_flow_is_told_in_the_apis_ids() -> None:
    (row,) = rows_of(viewer(PROVIDER))
    assert row == {
        "endpoint": ENDPOINT,
        "protocol": "tcp",
        "source": CLIENT,
        "source_port": 40000,
        "destination": PRIVATE,
        "destination_port": 80,
        "target": f"i-{'2':0>17}",
        "target_name": None,
        "target_address": "10.9.0.10",
        "zone": "a",
        "target_state": "healthy",
        "state": "established",
        "why": "hash",
        "verdict": "decapsulated",
        "cookie": "0x1a2b3c4d",
        "age_s": 2.0,
        "idle_s": 0.2,
        "expires_s": 349.8,
        "packets": 10,
        "packets_forward": 6,
        "packets_backward": 4,
        "bytes": 1000,
        "bytes_forward": 600,
        "bytes_backward": 400,
    }


def test_a_moved_flow_names_the_target_it_came_from_if_that_may_be_known() -> None:
    moved = replace(FLOW, why=Why.REBALANCED, former=3)
    assert [row["why"] for row in rows_of(viewer(PROVIDER), moved)] == [f"rebalanced from i-{'2':0>17}"]
    assert [row["why"] for row in rows_of(viewer(CONSUMER), moved)] == ["rebalanced"]


def test_a_consumer_is_not_told_the_providers_targets() -> None:
    (row,) = rows_of(viewer(CONSUMER))
    assert {row[name] for name in ("target", "target_name", "target_address", "zone")} == {None}
    for known in (None, FLOW):
        steps = why(
            lab(),
            source=WEB_ENI,
            flow=OUTBOUND,
            find_flow=lambda endpoint, wanted, known=known: known,
            viewer=viewer(CONSUMER),
        )
        assert steps[1].decision == "encapsulated" and f"i-{'2':0>17}" not in steps[1].sentence


def test_a_flow_whose_target_or_endpoint_is_gone_is_still_a_row() -> None:
    operator = viewer("9", operator=True)
    (row,) = rows_of(operator, replace(FLOW, target=77, endpoint=1))
    assert (row["target"], row["endpoint"]) == (None, "vpce-00000000000000001")


@pytest.mark.parametrize("count", [0, 1, flows.PIECE, flows.PIECE + 1])
def test_an_answer_in_pieces_is_the_same_json(count: int) -> None:
    lists = {"flows": [{"n": n} for n in range(count)], "ended": [{"é": None}]}
    said = b"".join(flows.streamed({"total": 7}, lists))
    assert json.loads(said) == {"total": 7, **lists}
    assert sum(line.startswith(b'{"n":') for line in said.splitlines()) == count, "a row a line"


OPERATOR = viewer("9", operator=True)


def drop_rows(who: Viewer, stacks: list[drops.StackDrop] | None = None, **how: Any) -> list[dict[str, Any]]:
    snapshot = lab()
    device = "vpce-3b822cd32f"
    rows = drops.rows(
        snapshot,
        network.topology(snapshot),
        counters=[
            Counter(ifindex=1, verdict=1, packets=99, bytes=9900),
            Counter(ifindex=1, verdict=44, packets=2, bytes=200),
            Counter(ifindex=2, verdict=15, packets=5, bytes=500),
            Counter(ifindex=77, verdict=15, packets=1, bytes=60),
        ],
        verdicts=VERDICTS,
        ifindex={PortRef(BALANCER_BOX, device): 1, PortRef(VPC, device_name(WEB_ENI)): 2},
        stacks=stacks or [],
        viewer=who,
        **how,
    )
    found: list[dict[str, Any]] = msgspec.to_builtins(rows)
    return found


def test_drops_name_verdict_meaning_and_place_and_leave_out_what_passed() -> None:
    rows = drop_rows(viewer("9", operator=True))
    assert [(row["verdict"], row["where"], row["packets"]) for row in rows] == [
        ("no_route", WEB_ENI, 5),
        ("no_targets", ENDPOINT, 2),
        ("no_route", "ifindex 77", 1),
    ]
    assert rows[1]["meaning"] == "No target could take the new flow."


def test_drops_are_told_in_korean_and_with_every_verdict_that_ends_a_packet() -> None:
    assert drop_rows(OPERATOR, language="ko")[1]["meaning"].startswith("새 플로우를 받을 대상이 없습니다.")
    assert verdict_words.KOREAN_STACKS.keys() == drops.STACK_SENTENCES.keys()
    english, korean = drops.known(VERDICTS.values()), drops.known(VERDICTS.values(), language="ko")
    assert {one.verdict for one in english} == {"no_route", "no_targets", *drops.STACK_SENTENCES}
    assert not any(there.meaning == here.meaning for there, here in zip(english, korean, strict=True))


def test_the_provider_sees_drops_of_its_load_balancer_only_and_a_stranger_none() -> None:
    assert [row["where"] for row in drop_rows(viewer(PROVIDER))] == [ENDPOINT]
    assert [row["where"] for row in drop_rows(viewer(CONSUMER))] == [WEB_ENI, ENDPOINT]
    assert drop_rows(viewer(STRANGER)) == []


def test_what_devices_and_stacks_threw_away_is_read_like_a_verdict() -> None:
    stacks = [
        drops.StackDrop(box=VPC, device="", name="ip_out_no_routes", packets=7),
        drops.StackDrop(box=BALANCER_BOX, device="vpce-3b822cd32f", name=drops.DEVICE_DROPPED, packets=3),
    ]
    rows = [row for row in drop_rows(viewer(PROVIDER), stacks) if row["bytes"] is None]
    assert [(row["verdict"], row["where"]) for row in rows] == [("device_tx_dropped", ENDPOINT)]
    assert ("ip_out_no_routes", VPC) in [(row["verdict"], row["where"]) for row in drop_rows(viewer(CONSUMER), stacks)]


def test_the_kernels_tables_are_parsed_by_name() -> None:
    snmp = "Ip: Forwarding InHdrErrors InDiscards OutNoRoutes\nIp: 1 4 0 2\nIcmp: InMsgs\nIcmp: 9\n"
    assert {(one.name, one.packets) for one in drops.parse_snmp(snmp, box="b")} == {
        ("ip_in_header_errors", 4),
        ("ip_out_no_routes", 2),
    }
    header = "Inter-|   Receive |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes …\n"
    devices = f"{header}  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n    lo: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    (found,) = drops.parse_devices(devices, box="b")
    assert (found.device, found.packets) == ("eth0", 12)


def decisions(source: str, flow: FlowTuple, *, known: Flow | None = None, **how: object) -> list[str]:
    steps = why(lab(**how), source=source, flow=flow, find_flow=lambda endpoint, wanted: known, viewer=OPERATOR)  # type: ignore[arg-type]
    return [step.decision for step in steps]


INBOUND = FlowTuple(CLIENT, PUBLIC, 6, 40000, 80)
OUTBOUND = FlowTuple(PRIVATE, CLIENT, 6, 80, 40000)


def test_why_follows_a_packet_from_the_internet_to_the_application() -> None:
    assert decisions(IGW, INBOUND) == ["igw_in", "routed", "encapsulated", "delivered"]


def test_why_follows_the_reply_out() -> None:
    assert decisions(WEB_ENI, OUTBOUND) == ["routed", "encapsulated", "routed", "igw_out"]


def test_why_names_the_target_of_a_known_flow_and_the_candidates_of_a_new_one() -> None:
    known = why(lab(), source=WEB_ENI, flow=OUTBOUND, find_flow=lambda endpoint, wanted: FLOW, viewer=OPERATOR)
    assert "0x1a2b3c4d" in known[1].sentence and f"i-{'2':0>17}" in known[1].sentence
    new = why(lab(), source=WEB_ENI, flow=OUTBOUND, find_flow=lambda endpoint, wanted: None, viewer=OPERATOR)
    assert "New flow" in new[1].sentence


def test_why_says_by_the_verdicts_name_where_a_packet_ends() -> None:
    assert decisions(WEB_ENI, OUTBOUND._replace(source="10.0.0.38")) == ["source_check"]
    assert decisions(WEB_ENI, OUTBOUND._replace(destination="169.254.169.254")) == ["to_service"]
    assert decisions(WEB_ENI, OUTBOUND._replace(source="10.0.0.38", destination="10.0.0.2")) == ["service_not_here"]
    assert decisions(IGW, INBOUND._replace(destination="198.18.1.11")) == ["igw_unknown_address"]
    assert decisions(WEB_ENI, OUTBOUND._replace(destination="10.0.0.45")) == ["no_such_address"]
    assert decisions(WEB_ENI, OUTBOUND, without=(f"{TG}|i-{'2':0>17}",)) == ["routed", "no_targets"]
    assert decisions(WEB_ENI, OUTBOUND, without=(ENDPOINT,)) == ["routed", "route_blackhole"]
    gone = Route(destination="0.0.0.0/0", target_type="gateway", target=IGW, state="blackhole")
    assert decisions(WEB_ENI, OUTBOUND, endpoint_routes=(gone,))[-1] == "route_blackhole"
    elsewhere = Route(destination="203.0.113.0/24", target_type="gateway", target=IGW)
    assert decisions(WEB_ENI, OUTBOUND, endpoint_routes=(elsewhere,))[-1] == "no_route"
    no_address = decisions(WEB_ENI, OUTBOUND, without=("eipalloc-1",))
    assert no_address[-1] == "igw_no_public_address"


def decisions6(source: str, flow: FlowTuple, *more: Any) -> list[str]:
    steps = why(dualstack(*more), source=source, flow=flow, find_flow=lambda endpoint, wanted: None, viewer=OPERATOR)
    return [step.decision for step in steps]


INBOUND6 = FlowTuple(CLIENT6, SERVER6, 6, 40000, 80)


def test_why_follows_ipv6_both_ways_untranslated() -> None:
    assert decisions6(IGW, INBOUND6) == ["igw_in", "routed", "encapsulated", "delivered"]
    assert decisions6(WEB_ENI, INBOUND6.reversed()) == ["routed", "encapsulated", "routed", "igw_out"]
    assert decisions6(IGW, INBOUND) == ["igw_in", "routed", "encapsulated", "delivered"]


def test_why_says_by_the_verdicts_name_where_ipv6_ends() -> None:
    out = INBOUND6.reversed()
    assert decisions(IGW, INBOUND6) == decisions(WEB_ENI, out) == ["ipv6_not_enabled"]
    assert decisions6(WEB_ENI, out._replace(source="2001:db8:0:102::6")) == ["source_check"]
    assert decisions6(IGW, INBOUND6._replace(destination="2001:db8:0:102::6")) == ["igw_unknown_address"]
    assert decisions6(WEB_ENI, out._replace(destination="2001:db8:0:102::6")) == ["no_such_address"]
    ipv4 = dualstack().get(LoadBalancer, LB)
    assert ipv4 is not None
    assert decisions6(WEB_ENI, out, replace(ipv4, ip_address_type="ipv4")) == ["routed", "endpoint_ipv6_not_enabled"]


def test_why_ends_a_loop_by_its_ttl() -> None:
    loop = Route(destination="0.0.0.0/0", **TO_ENDPOINT)
    assert decisions(WEB_ENI, OUTBOUND, endpoint_routes=(loop,))[-1] == "ttl_exceeded"


def test_events_tell_owners_of_their_objects_and_nobody_of_secrets() -> None:
    vpc = lab().get(Vpc, VPC)
    target = next(iter(lab().values(Target)))
    key = AccessKey(id="AKIA", account=CONSUMER, secret="s3cret")
    changes = [
        Change(revision=1, kind=Vpc, id=VPC, object=vpc, at=1.0),
        Change(revision=2, kind=AccessKey, id="AKIA", object=key, at=2.0),
        Change(revision=3, kind=Target, id=target.id, object=target, at=3.0),
        Change(revision=4, kind=Vpc, id=VPC, object=None, at=4.0),
    ]
    mine = events.rows(events.told(changes, {}), viewer=viewer(CONSUMER), limit=10)
    assert [(row["revision"], row["event"]) for row in mine] == [(1, "written"), (4, "deleted")]
    theirs = events.rows(events.told(changes, {}), viewer=viewer(PROVIDER), limit=10)
    assert [(row["id"], row["state"]) for row in theirs] == [(target.id, "healthy")]
    everything = events.rows(events.told(changes, {}), viewer=viewer("9", operator=True), limit=2)
    assert [row["revision"] for row in everything] == [3, 4]
    assert "s3cret" not in str(events.rows(events.told(changes, {}), viewer=viewer("9", operator=True), limit=10))


def test_the_box_of_a_load_balancer_is_named_as_the_rows_expect() -> None:
    assert BALANCER_BOX in network.topology(lab()).boxes and LB.endswith(BALANCER_BOX.removeprefix("gwlb-"))
