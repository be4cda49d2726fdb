"""The read API and the metrics over HTTP, with a store, a pretended data plane and boxes that do not exist."""

from __future__ import annotations

import socket
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from test_observe_rows import FLOW, IGW, VERDICTS, WEB, WEB_ENI
from watched_lab import CLIENT, CONSUMER, ENDPOINT, PRIVATE, PROVIDER, PUBLIC, STRANGER, TG, lab

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.dataplane.flows import Changes, Flow, Found
from opengwlb.dataplane.node_counters import NodeCounters
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.flows import FlowKind
from opengwlb.model.passive import TargetCounters
from opengwlb.model.snapshot import KINDS
from opengwlb.model.topology import PortRef
from opengwlb.observe import metrics, read_api
from opengwlb.observe.drops import StackDrop
from opengwlb.observe.owners import Owners
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

OPERATOR = "999999999999"
WHY = {"source": WEB_ENI, "source_address": PRIVATE, "destination": CLIENT}


class Plane:
    verdicts: Mapping[int, Verdict] = VERDICTS

    def counters(self) -> list[Counter]:
        return [Counter(ifindex=1, verdict=44, packets=2, bytes=200)]

    def dry_run(self) -> NoReturn:
        raise DataPlaneError("this plane has no programs")

    def samples(self) -> list[Sample]:
        return [Sample(ifindex=1, verdict=44, age_s=0.5, length=40, head=bytes(14))]

    def flows(self) -> list[Flow]:
        return [FLOW]

    def find_flows(self, wanted: Wanted, *, limit: int) -> Found:
        found = [
            flow
            for flow in self.flows()
            if (wanted.endpoints is None or flow.endpoint in wanted.endpoints)
            and (wanted.targets is None or flow.target in wanted.targets)
            and wanted.verdict in (None, flow.verdict)
        ]
        return Found(at_ns=1000, total=len(found), flows=iter(found[:limit]))

    def changed_flows(self, wanted: Wanted, *, after_ns: int, limit: int) -> Changes:
        ended = replace(FLOW, source_port=40001, tcp="closed")
        return Changes(
            began=replace(self.find_flows(wanted, limit=limit), at_ns=after_ns + 5),
            ended=Found(at_ns=after_ns + 5, total=8, flows=iter([ended])),
        )

    def tally_flows(self, *, with_places: bool = False) -> Tally[FlowKind]:
        return Tally({FlowKind(FLOW.endpoint, FLOW.target, FLOW.protocol): 4, FlowKind(FLOW.endpoint, 3, 17): 2})

    def node_counters(self) -> dict[int, NodeCounters]:
        return {}

    def target_counters(self, slots: Collection[int]) -> dict[int, TargetCounters]:
        return {slot: TargetCounters(given=7, returned=5, flows=3, answered=2, refused=1) for slot in slots}


class NoBoxes:
    def open_socket(self, box_id: str, family: int, kind: int, protocol: int) -> socket.socket:
        raise FileNotFoundError(box_id)

    def run_in(self, box_id: str, function: Callable[[], list[StackDrop]], /) -> list[StackDrop]:
        if box_id.startswith("vpc-"):
            return [StackDrop(box=box_id, device="", name="ip_out_no_routes", packets=4)]
        raise FileNotFoundError(box_id)


def authenticate(request: Request, body: bytes) -> str:
    account = request.headers.get("x-account")
    if account is None:
        raise AwsError("MissingAuthenticationToken", "Sign the request.", status=403)
    return account


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    store = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    stored = lab()
    store.transact(lambda tx: [tx.put(one) for kind in KINDS for one in stored.values(kind)])
    ports = {PortRef("gwlb-0123456789abcdef", "vpce-3b822cd32f"): 1}
    sources = read_api.Sources(
        store=store, owners=Owners(store), dataplane=Plane(), fabric=NoBoxes(), ifindex=lambda: ports
    )
    routes = read_api.routes(sources=sources, authenticate=authenticate, operator=OPERATOR)
    page = metrics.route(
        sources=sources, errors=lambda: {"vpc-1": "no room"}, sampler=metrics.Sampler(sources, clock=lambda: 5.0)
    )
    yield TestClient(Starlette(routes=[*routes, page]))
    store.close()


def ask(client: TestClient, what: str, *, account: str = CONSUMER, status: int = 200, **fields: Any) -> Any:
    answer = client.post(f"/_gwlb/v1/{what}", json=fields, headers={"x-account": account})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_query_and_body_ask_the_same(client: TestClient) -> None:
    by_query = client.get("/_gwlb/v1/flows?limit=5", headers={"x-account": CONSUMER}).json()
    assert by_query == ask(client, "flows", limit=5)
    assert by_query["flows"][0]["endpoint"] == ENDPOINT


def test_each_account_sees_its_own_part(client: TestClient) -> None:
    assert ask(client, "flows", account=STRANGER) == {"at": 1000, "total": 0, "flows": []}
    assert ask(client, "drops", account=STRANGER)["drops"] == []
    verdicts = {row["verdict"] for row in ask(client, "drops", account=OPERATOR)["drops"]}
    assert verdicts == {"no_targets", "ip_out_no_routes"}
    assert [row["verdict"] for row in ask(client, "drops", account=CONSUMER)["drops"]] == [
        "ip_out_no_routes",
        "no_targets",
    ]


def test_flows_are_asked_for_by_target_and_by_what_changed_since(client: TestClient) -> None:
    appliance = f"i-{'2':0>17}"
    assert ask(client, "flows", account=PROVIDER, target=appliance)["total"] == 1
    assert ask(client, "flows", account=CONSUMER, target=appliance)["total"] == 0
    assert [ask(client, "flows", verdict=name)["total"] for name in ("decapsulated", "encapsulated")] == [1, 0]
    changed = ask(client, "flows", account=PROVIDER, since=1000)
    assert (changed["at"], changed["total"], changed["total_ended"]) == (1005, 1, 8)
    assert [row["state"] for row in changed["flows"] + changed["ended"]] == ["established", "closed"]


def test_a_plan_is_the_providers_and_finds_what_is_meant(client: TestClient) -> None:
    appliance = f"i-{'2':0>17}"
    asked = {"change": "deregister", "value": appliance}
    plan = ask(client, "plan", account=PROVIDER, **asked)
    assert plan["summary"] == {"stay": 6, "move": 0, "break": 0}
    assert plan == ask(client, "plan", account=OPERATOR, **asked, target_group="tg")
    assert plan["new_flows"] == [{"zone": "a", "now": [appliance], "then": []}]
    stuck = ask(client, "plan", account=PROVIDER, change="stickiness", value="source_ip_dest_ip", target_group=TG)
    assert stuck["summary"] == {"stay": 0, "move": 2, "break": 4}
    assert ask(client, "plan", account=PROVIDER, change="cross-zone", value="on")["summary"]["stay"] == 6
    assert ask(client, "plan", account=CONSUMER, status=404, **asked)["code"] == "TargetGroupNotFound"


@pytest.mark.parametrize(
    ("change", "value"), [("disable-zone", "z"), ("cross-zone", "sideways"), ("explode", ""), ("stickiness", "glue")]
)
def test_a_change_that_cannot_be_made_is_refused(client: TestClient, change: str, value: str) -> None:
    answer = ask(client, "plan", account=PROVIDER, status=400, change=change, value=value)
    assert answer["code"] == "ValidationError" and answer["message"]


def test_an_unsigned_request_is_refused_by_name(client: TestClient) -> None:
    answer = client.get("/_gwlb/v1/drops")
    assert (answer.status_code, answer.json()["code"]) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(
    ("what", "fields", "word"),
    [
        ("flows", {"verdict": "lost"}, "verdict"),
        ("flows", {"limit": 0}, "limit: a number of at least 1"),
        ("flows", {"limt": 3}, "limt"),
        ("walk", {"server": "10.0.0.256"}, "server: '10.0.0.256' is neither an IPv4 nor an IPv6 address"),
        ("walk", {"server": ""}, "server: '' is neither"),
        ("walk", {"server": "fe80::1%eth0"}, "server: 'fe80::1%eth0' names a link"),
        ("captures", {"port": WEB_ENI, "host": "2001:db8::g"}, "host"),
        ("why", {"source": WEB_ENI, "source_address": "::1", "destination": "x"}, "destination"),
        ("why", {"source": WEB_ENI}, "source_address"),
        ("captures", {"port": WEB_ENI, "seconds": 3600}, "seconds: a number of at most 60"),
        ("walk", {"wait_s": 0}, "wait_s: a number above 0"),
        ("walk", {"wait_s": []}, "wait_s: Expected"),
        ("why", WHY | {"destination_port": 65536}, "destination_port: a number of at most 65535"),
        ("why", WHY | {"flags": "SX"}, "flags: TCP has no X"),
        ("plan", {"change": "deregister", "value": "i-1"}, "i-1 is registered with no target group"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, what: str, fields: dict[str, Any], word: str) -> None:
    answer = ask(client, what, status=400, **fields)
    assert answer["code"] in ("ValidationError", "InvalidTarget") and word in answer["message"]


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post("/_gwlb/v1/flows", content=b"\xff{", headers={"x-account": CONSUMER})
    assert (answer.status_code, answer.json()["code"]) == (400, "ValidationError")


def test_why_uses_the_live_flow_of_either_direction(client: TestClient) -> None:
    reply = {
        "source": WEB_ENI,
        "source_address": PRIVATE,
        "destination": CLIENT,
        "source_port": 80,
        "destination_port": 40000,
    }
    steps = ask(client, "why", **reply)["steps"]
    assert [step["decision"] for step in steps] == ["routed", "encapsulated", "routed", "igw_out"]
    assert "0x1a2b3c4d" in steps[1]["sentence"]


def test_why_does_not_tell_about_other_accounts_interfaces(client: TestClient) -> None:
    asked = {"source": WEB_ENI, "source_address": PRIVATE, "destination": CLIENT}
    assert ask(client, "why", account=PROVIDER, status=404, **asked)["code"] == "ResourceNotFound"
    assert ask(client, "why", account=CONSUMER, **(asked | {"source": IGW, "destination": PUBLIC}))["steps"]
    by_instance = ask(client, "why", **(asked | {"source": WEB}))
    assert by_instance == ask(client, "why", **asked)


def test_a_walk_without_a_matching_connection_says_so(client: TestClient) -> None:
    assert ask(client, "walk", status=404, endpoint=ENDPOINT, wait_s=0.2)["code"] == "NoConnection"
    assert ask(client, "walk", status=404, server=PUBLIC, wait_s=0.2)["code"] == "NoConnection"


def test_a_walk_over_someone_elses_endpoint_is_not_found(client: TestClient) -> None:
    answer = ask(client, "walk", account=STRANGER, status=404, endpoint=ENDPOINT, wait_s=0.2)
    assert answer["code"] == "InvalidVpcEndpointId.NotFound"
    assert ask(client, "walk", account=STRANGER, status=400, server=PUBLIC)["code"] == "ValidationError"


def test_a_capture_needs_a_port_of_the_callers_that_is_built(client: TestClient) -> None:
    assert ask(client, "captures", status=404, port=WEB)["code"] == "ResourceNotReady"
    assert ask(client, "captures", status=404, account=PROVIDER, port=WEB)["code"] == "ResourceNotFound"
    assert ask(client, "captures", status=404, port="eni-0")["code"] == "ResourceNotFound"


def test_events_start_after_a_revision(client: TestClient) -> None:
    answer = ask(client, "events", since=0)
    assert any(row["id"] == ENDPOINT for row in answer["events"])
    assert all(row["kind"] != "Slot" for row in answer["events"])
    assert ask(client, "events", since=answer["revision"])["events"] == []


def test_metrics_carry_the_verdicts_sentences_and_places(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert "# HELP gwlb_no_targets_packets_total No target could take the new flow." in text
    assert (
        f'gwlb_no_targets_packets_total{{box="gwlb-0123456789abcdef",device="vpce-3b822cd32f",kind="drop",'
        f'resource="{ENDPOINT}"}} 2.0' in text
    )
    assert "gwlb_reconcile_errors 1.0" in text
    assert "gwlb_flows 6.0" in text
    assert f'gwlb_targets{{state="healthy",target_group="{TG}"}} 1.0' in text
    assert f'gwlb_targets{{state="unhealthy",target_group="{TG}"}} 0.0' in text
    assert 'gwlb_ip_out_no_routes_packets_total{box="vpc-' in text


def test_the_metrics_of_aws_are_there_under_its_names_and_dimensions(client: TestClient) -> None:
    text = client.get("/metrics").text
    zone = 'AvailabilityZone="a",LoadBalancer="gwy/lb/0123456789abcdef"'
    for line in (
        f"aws_gatewayelb_ActiveFlowCount{{{zone}}} 6.0",
        f"aws_gatewayelb_NewFlowCount_total{{{zone}}} 0.0",
        f"aws_gatewayelb_ProcessedBytes_total{{{zone}}} 0.0",
        f"aws_gatewayelb_PeakBytesPerSecond{{{zone}}} 0.0",
        f"aws_gatewayelb_RejectedFlowCount_TCP_total{{{zone}}} 0.0",
        f"aws_gatewayelb_TCP_ELB_Reset_Count_total{{{zone}}} 0.0",
        'aws_gatewayelb_ConsumedLCUs{LoadBalancer="gwy/lb/0123456789abcdef"} 0.0',
        f'aws_gatewayelb_HealthyHostCount{{{zone},TargetGroup="targetgroup/tg/00123456789abcdef0"}} 1.0',
    ):
        assert line in text


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_samples_are_taken_when_they_are_due_and_live_flows_counted_once_a_minute(tmp_path: Path) -> None:
    counted = 0

    class Busy(Plane):
        def tally_flows(self, *, with_places: bool = False) -> Tally[FlowKind]:
            nonlocal counted
            counted += 1
            return super().tally_flows(with_places=with_places)

    store = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    clock = Clock()
    sources = read_api.Sources(store=store, owners=Owners(store), dataplane=Busy(), fabric=None, ifindex=dict)
    sampler = metrics.Sampler(sources, clock=clock)
    assert sampler.sample() == 10.0
    clock.now += 4
    assert sampler.sample() == 6.0 and counted == 1
    for _ in range(6):
        clock.now += 10
        sampler.sample()
    assert counted == 2
    store.close()


def test_without_a_data_plane_everything_answers_and_is_empty(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    sources = read_api.Sources(store=store, owners=Owners(store), dataplane=None, fabric=None, ifindex=dict)
    routes = read_api.routes(sources=sources, authenticate=authenticate, operator=OPERATOR)
    page = metrics.route(sources=sources, errors=dict, sampler=metrics.Sampler(sources, clock=lambda: 5.0))
    client = TestClient(Starlette(routes=[*routes, page]))
    assert ask(client, "flows")["flows"] == [] and ask(client, "drops")["drops"] == []
    assert "gwlb_store_revision" in client.get("/metrics").text
    store.close()
