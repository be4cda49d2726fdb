"""The read API and the metrics over HTTP, with a store, a pretended data plane and boxes that do not exist."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from test_observe_rows import FLOW, IGW, VERDICTS, WEB, WEB_ENI
from watched_lab import CLIENT, CONSUMER, ENDPOINT, PRIVATE, PROVIDER, PUBLIC, STRANGER, TG, lab

from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.dataplane.flows import Flow
from opengwlb.dataplane.plane import Counter
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.model.snapshot import KINDS
from opengwlb.model.topology import PortRef
from opengwlb.observe import metrics, read_api
from opengwlb.observe.drops import StackDrop
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

OPERATOR = "999999999999"


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
    sources = read_api.Sources(store=store, dataplane=Plane(), fabric=NoBoxes(), ifindex=lambda: ports)
    routes = read_api.routes(sources=sources, authenticate=authenticate, operator=OPERATOR)
    page = metrics.route(sources=sources, errors=lambda: {"vpc-1": "no room"})
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
    assert ask(client, "flows", account=STRANGER) == {"flows": []}
    assert ask(client, "drops", account=STRANGER) == {"drops": []}
    verdicts = {row["verdict"] for row in ask(client, "drops", account=OPERATOR)["drops"]}
    assert verdicts == {"no_targets", "ip_out_no_routes"}
    assert [row["verdict"] for row in ask(client, "drops", account=CONSUMER)["drops"]] == [
        "ip_out_no_routes",
        "no_targets",
    ]


def test_an_unsigned_request_is_refused_by_name(client: TestClient) -> None:
    answer = client.get("/_gwlb/v1/drops")
    assert (answer.status_code, answer.json()["code"]) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(
    ("what", "fields", "word"),
    [
        ("flows", {"limit": 0}, "limit"),
        ("flows", {"limt": 3}, "limt"),
        ("walk", {"server": "10.0.0.256"}, "server"),
        ("why", {"source": WEB_ENI}, "source_address"),
        ("captures", {"port": WEB_ENI, "seconds": 3600}, "seconds"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, what: str, fields: dict[str, Any], word: str) -> None:
    answer = ask(client, what, status=400, **fields)
    assert answer["code"] == "ValidationError" and word in answer["message"]


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
    assert ask(client, "why", status=400, **(asked | {"source": WEB}))["code"] == "ValidationError"


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
    assert "gwlb_flows 1.0" in text
    assert f'gwlb_targets{{state="healthy",target_group="{TG}"}} 1.0' in text
    assert f'gwlb_targets{{state="unhealthy",target_group="{TG}"}} 0.0' in text
    assert 'gwlb_ip_out_no_routes_packets_total{box="vpc-' in text


def test_without_a_data_plane_everything_answers_and_is_empty(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    sources = read_api.Sources(store=store, dataplane=None, fabric=None, ifindex=dict)
    routes = read_api.routes(sources=sources, authenticate=authenticate, operator=OPERATOR)
    page = metrics.route(sources=sources, errors=dict)
    client = TestClient(Starlette(routes=[*routes, page]))
    assert ask(client, "flows") == {"flows": []} and ask(client, "drops") == {"drops": []}
    assert "gwlb_store_revision" in client.get("/metrics").text
    store.close()
