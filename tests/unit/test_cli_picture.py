"""`gwlb map` and `gwlb targets` as a person reads them, without colours."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from rich.console import Console, RenderableType
from watched_lab import CONSUMER, ENDPOINT, LB, PROVIDER, TG, lab

from opengwlb.cli import client, map_tree, network_map, targets
from opengwlb.cli import main as command
from opengwlb.model.elb import Target, TargetState
from opengwlb.model.privatelink import EndpointService
from opengwlb.model.vpc import Route, RouteTable
from opengwlb.observe.network_map import network_map as made
from opengwlb.observe.visibility import Viewer

OPERATOR = Viewer("999999999999", True)


def picture(*more: Any, viewer: Viewer = OPERATOR) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(msgspec.json.encode(made(lab(*more), viewer=viewer)))
    return answer


def text(drawn: RenderableType, *, colours: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=200, force_terminal=colours, no_color=not colours, highlight=False).print(drawn)
    return out.getvalue()


def sick() -> Target:
    found = lab().get(Target, f"{TG}|i-{'2':0>17}")
    assert found is not None
    return replace(found, state=TargetState.UNHEALTHY, description="Health checks failed")


def test_the_tree_leads_from_the_vpc_to_the_endpoint_and_names_each_route() -> None:
    lines = text(network_map.drawn(picture())).splitlines()
    assert lines[0].startswith(f"vpc vpc-{'c':0>17}")
    assert any(f"0.0.0.0/0 → endpoint {ENDPOINT}" in line for line in lines)
    assert sum("route table rtb-app" in line for line in lines) == 1
    assert [line for line in lines if "target i-" in line and " healthy " in line]


def test_a_load_balancer_is_told_behind_the_service_and_only_named_in_its_subnet() -> None:
    service = EndpointService(id="vpce-svc-0", account=PROVIDER, region="ap-northeast-2", load_balancers=(LB,))
    lines = text(network_map.drawn(picture(service))).splitlines()
    depth = {
        word: next(line.index(word) for line in lines if word in line and "→" not in line and "…" not in line)
        for word in (f"endpoint {ENDPOINT}", "endpoint service", "load balancer", "target group", "target i-")
    }
    assert list(depth.values()) == sorted(set(depth.values()))
    assert [line.split("── ")[1] for line in lines if line.endswith("…")][-1] == "load balancer lb …"


def test_every_resource_is_told_once_with_what_hangs_from_it() -> None:
    answer = picture()

    def ids(branches: tuple[map_tree.Branch, ...]) -> list[str]:
        return [
            one
            for branch in branches
            if not branch.words.endswith(map_tree.ELSEWHERE)
            for one in (branch.node["id"], *ids(branch.below))
            if not branch.way or branch.below
        ]

    told = ids(map_tree.forest(answer["nodes"], answer["edges"]))
    assert sorted(set(told)) == sorted(node["id"] for node in answer["nodes"])
    assert told.count(LB) == told.count(TG) == 1


def test_a_provider_sees_the_endpoints_of_its_consumers_as_trees_of_their_own() -> None:
    lines = text(network_map.drawn(picture(viewer=Viewer(PROVIDER, False)))).splitlines()
    assert f"endpoint {ENDPOINT} a available" in lines
    hidden = text(network_map.drawn(picture(viewer=Viewer(CONSUMER, False))))
    assert "target" not in hidden and "load balancer" not in hidden


def test_only_unhealthy_keeps_what_is_wrong_and_the_way_to_it() -> None:
    said = text(network_map.drawn(picture(sick()), only_unhealthy=True))
    (line,) = (line for line in said.splitlines() if " target i-" in line)
    assert line.endswith("unhealthy Health checks failed")
    assert "target group tg" in said and "rtb-app" not in said
    assert text(network_map.drawn(picture(), only_unhealthy=True)).strip() == "map: nothing is unhealthy"
    assert text(network_map.drawn({"nodes": [], "edges": []})).strip() == "map: nothing is there"


def test_a_route_to_what_is_gone_says_so_where_it_leads() -> None:
    table = lab().get(RouteTable, "rtb-app")
    assert table is not None
    lost = Route(destination="10.7.0.0/16", target_type="vpc-endpoint", target="vpce-gone", state="blackhole")
    said = text(network_map.drawn(picture(replace(table, routes=(*table.routes, lost))), only_unhealthy=True))
    assert "10.7.0.0/16 → endpoint vpce-gone deleted It is no more." in said


def test_of_five_thousand_targets_those_in_trouble_are_listed_and_the_rest_counted() -> None:
    many = [Target(id=f"{TG}|10.9.{n // 250}.{n % 250}", target_group=TG, target=f"10.9.{n // 250}.{n % 250}",
                   registered=0.0, state=TargetState.UNHEALTHY if n == 7 else TargetState.HEALTHY) for n in range(5000)]  # fmt: skip
    said = text(network_map.drawn(picture(*many)))
    assert len(said.splitlines()) < 40
    assert "target 10.9.0.7" in said and "… targets: 5,000 healthy more" in said


def test_health_has_colours_on_a_terminal_that_wants_them() -> None:
    assert "\x1b[31munhealthy" in text(network_map.drawn(picture(sick())), colours=True).replace(
        " \x1b", "\x1b"
    ).replace("[31m ", "[31m")
    assert "\x1b" not in text(network_map.drawn(picture(sick())))


PROBE = {"at": 1.0, "ok": True, "took_ms": 1.25, "said": "200"}
TARGET: dict[str, Any] = {
    "target_group": TG,
    "target": "i-1",
    "name": "fw-1",
    "address": "10.9.0.10",
    "zone": "ap-northeast-2a",
    "state": "healthy",
    "reason": "",
    "description": "",
    "given": 1200,
    "returned": 1199,
    "flows": 12,
    "health": {
        "interval_s": 10,
        "timeout_s": 5,
        "healthy_threshold": 3,
        "unhealthy_threshold": 2,
        "successes": 9,
        "failures": 0,
        "probes": [PROBE] * 30,
    },
    "draining": None,
    "transitions": [],
}
REFUSED = {**PROBE, "ok": False, "said": "refused"}


def with_checks(**more: Any) -> dict[str, Any]:
    state = {"state": more.pop("state")} if "state" in more else {}
    return TARGET | state | {"health": TARGET["health"] | more}


def test_a_target_is_a_line_with_its_last_checks() -> None:
    said = text(targets.drawn({"targets": [with_checks(probes=[PROBE, PROBE, REFUSED], successes=0, failures=1)]}))
    assert said.startswith("targets of tg")
    (line,) = (line for line in said.splitlines() if "fw-1 (i-1)" in line)
    for words in ("healthy", "..x refused 1.2 ms", "1 of 2 failed", "12", "1,200 / 1,199"):
        assert words in line
    assert f"{'.' * targets.CHECKS_SHOWN} 200" in text(targets.drawn({"targets": [TARGET]}))
    assert f"{'.' * (targets.CHECKS_SHOWN + 1)}" not in text(targets.drawn({"targets": [TARGET]}))


@pytest.mark.parametrize(
    ("state", "successes", "failures", "words"),
    [
        ("healthy", 9, 0, "-"),
        ("healthy", 0, 1, "1 of 2 failed"),
        ("initial", 0, 1, "1 of 2 failed"),
        ("unhealthy", 2, 0, "2 of 3 passed"),
        ("unhealthy", 0, 40, "-"),
    ],
)
def test_how_near_a_target_is_to_another_state(state: str, successes: int, failures: int, words: str) -> None:
    assert targets.in_a_row(with_checks(state=state, successes=successes, failures=failures)) == words


def test_a_draining_target_has_a_bar_with_flows_and_time() -> None:
    draining = {"since": 0.0, "until": 300.0, "seconds_left": 65.0, "flows_left": 9, "flows_at_start": 36}
    one = TARGET | {"state": "draining", "draining": draining | {"rebalance": False}}
    line = text(targets.drawn({"targets": [one]})).splitlines()[-1]
    assert line == (
        "draining fw-1 (i-1) [##################------] 9 of 36 flows left; "
        "1m05s of the delay left, then those left stay while they are active"
    )
    over = TARGET | {"draining": draining | {"rebalance": True, "seconds_left": 0.0, "flows_left": 0}}
    assert text(targets.drain(over)).strip().endswith("the delay is over: those left move to other targets")
    empty = TARGET | {"draining": draining | {"rebalance": True, "flows_left": 0, "flows_at_start": 0}}
    assert f"[{'#' * targets.BAR}] no flows" in text(targets.drain(empty))


def test_targets_of_several_groups_say_which_group() -> None:
    other = TARGET | {"target_group": TG.replace("/tg/", "/other/")}
    said = text(targets.drawn({"targets": [TARGET, other]}))
    assert "target group" in said and "other" in said
    assert text(targets.drawn({"targets": []})).strip() == "targets: none"


def test_without_packets_nothing_is_counted_and_nothing_was_checked() -> None:
    bare = with_checks(probes=[], successes=0) | {"given": None, "returned": None, "flows": None}
    (line,) = (line for line in text(targets.drawn({"targets": [bare]})).splitlines() if "fw-1" in line)
    assert line.split()[-4:] == ["-", "-", "-", "-"]


class _Reader:
    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, {}

    def get(self, path: str, **query: Any) -> Any:
        self.asked = {path: {key: value for key, value in query.items() if value is not None}}
        return self.answer


def test_both_commands_ask_as_they_are_told_and_print_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gwlb(reader: _Reader, *arguments: str) -> Any:
        monkeypatch.setattr(client, "as_account", lambda name, *, account: reader)
        assert command.run(serve=lambda options: None, arguments=arguments) == 0
        return json.loads(capsys.readouterr().out)

    reader = _Reader({"targets": [TARGET]})
    assert gwlb(reader, "targets", "--target-group", "tg", "--json") == reader.answer
    assert reader.asked == {"targets": {"target_group": "tg"}}
    reader = _Reader(picture(sick()))
    assert gwlb(reader, "map", "--region", "ap-northeast-2", "--json") == reader.answer
    assert reader.asked == {"map": {"region": "ap-northeast-2"}}
    wrong = gwlb(reader, "map", "--only-unhealthy", "--json")
    assert {node["kind"] for node in wrong["nodes"]} == {"target", "target-group"}
    assert {edge["kind"] for edge in wrong["edges"]} == {"registered"}
