"""`gwlb status`, `flows` and `plan` as a person reads them, from answers of a server that is not there."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, get_args

import pytest

from opengwlb.cli import client, flows
from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions
from opengwlb.cli.refusal import Refusal
from opengwlb.observe.filtering import FlowVerdict

ROW = {
    "endpoint": "vpce-076bc493b822cd32f",
    "protocol": "tcp",
    "source": "192.0.2.7",
    "source_port": 40000,
    "destination": "10.0.0.37",
    "destination_port": 80,
    "target": "i-00000000000000002",
    "target_name": "fw-1",
    "zone": "ap-northeast-2a",
    "state": "established",
    "why": "hash",
    "verdict": "decapsulated",
    "age_s": 75.0,
    "idle_s": 0.2,
    "packets_forward": 1200,
    "packets_backward": 900,
    "bytes_forward": 123_456,
    "bytes_backward": 4_500_000,
}


class Server:
    """Gives prepared answers, one after the other, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def get(self, path: str, **query: Any) -> Any:
        self.asked.append((path, {key: value for key, value in query.items() if value is not None}))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def stream(self, path: str, **query: Any) -> Any:
        """By one byte after the other."""
        said = json.dumps(self.get(path, **query)).encode()
        return (said[at : at + 1] for at in range(len(said)))


Serving = Callable[..., Server]


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Serving:
    def start(*answers: Any) -> Server:
        made = Server(*answers)
        monkeypatch.setattr(client, "as_account", lambda name, *, account: made)
        return made

    monkeypatch.setattr(flows, "EVERY_S", 0.0)
    return start


def no_server(options: ServeOptions) -> None:
    raise AssertionError("no command here starts a server")


def gwlb(*arguments: str) -> int:
    return command.run(serve=no_server, arguments=arguments)


def test_a_thousand_boxes_are_still_a_page_and_the_one_in_trouble_is_on_it(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes = [{"id": f"i-{n:0>17x}", "kind": "instance", "state": "running"} for n in range(1000)]
    boxes[500]["state"] = "error: no room"
    targets = [{"target": box["id"], "state": "healthy"} for box in boxes]
    drops = [{"verdict": f"v{n}", "packets": n} for n in range(100)]
    answer = {"boxes": boxes, "load_balancers": [], "targets": targets, "endpoints": [], "warnings": ["a loop"]}
    for arguments, fits in ((("status",), True), (("status", "--all"), False)):
        serving(answer, {"drops": drops})
        assert gwlb(*arguments) == 0
        said = capsys.readouterr().out
        assert (len(said.splitlines()) < 50) is fits
        assert f"i-{500:0>17x}" in said and "a loop" in said
    serving(answer, {"drops": drops})
    gwlb("status")
    said = capsys.readouterr().out
    assert "1,000, of which 999 running, 1 error" in said and "1,000 healthy" in said and "of 100" in said


def test_few_boxes_are_all_listed(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving({"boxes": [{"id": "vpc-1", "state": "up"}]}, {"drops": []})
    gwlb("status")
    said = capsys.readouterr().out
    assert "vpc-1" in said and "targets: none" in said and "--all" not in said


def test_flows_are_a_table_that_says_what_it_leaves_out(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    server = serving({"at": 1, "total": 1_234_567, "flows": [ROW, ROW | {"source_port": 40001, "why": "fail-open"}]})
    assert gwlb("flows", "--target", "fw-1", "--limit", "2") == 0
    said = capsys.readouterr().out
    assert server.asked == [("flows", {"target": "fw-1", "limit": 2})]
    title = "flows: 2 of 1,234,567, endpoint vpce-076bc493b822cd32f, target fw-1 (i-00000000000000002), zone ap-northeast-2a"
    assert title in " ".join(said.split())
    (line,) = (line for line in said.splitlines() if ":40001 " in line)
    for cell in ("tcp 192.0.2.7:40001 → 10.0.0.37:80", "fail-open", "1m15s", "1,200 / 900", "123kB / 4.5MB"):
        assert cell in line


def test_flows_as_json_are_what_the_server_said(serving: Serving, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    answer = {"at": 1, "total": 2, "flows": [ROW, ROW | {"target_name": "방화벽"}]}
    serving(answer)
    assert gwlb("flows", "--json") == 0
    assert json.loads(capfdbinary.readouterr().out) == answer


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            sock, _ = door.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"at":1,\r\n')

        threading.Thread(target=answer).start()
        reader = client.Client(f"http://127.0.0.1:{door.getsockname()[1]}", access_key="a", secret_key="b")
        with pytest.raises(Refusal, match="does not answer"):
            list(reader.stream("flows"))


def test_flows_of_one_verdict_are_asked_for_by_its_name(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    server = serving({"at": 1, "total": 2, "flows": [ROW, ROW | {"source_port": 40001}]})
    assert gwlb("flows", "--verdict", "decapsulated") == 0
    assert server.asked == [("flows", {"verdict": "decapsulated", "limit": 50})]
    assert "verdict decapsulated" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        gwlb("flows", "--verdict", "lost")
    assert "no_targets" in capsys.readouterr().err


def test_the_command_knows_every_verdict_that_the_server_does() -> None:
    assert get_args(flows.Verdict) == get_args(FlowVerdict)


def test_following_prints_what_changed_and_ends_quietly_on_ctrl_c(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    first = {"at": 10, "total": 3, "flows": []}
    second = {"at": 20, "total": 4, "flows": [ROW], "total_ended": 1, "ended": [ROW | {"state": "closed"}]}
    server = serving(
        first, second, {"at": 30, "total": 0, "flows": [], "total_ended": 0, "ended": []}, KeyboardInterrupt()
    )
    assert gwlb("flows", "--follow", "--endpoint", ROW["endpoint"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 flows are live")
    assert "+ tcp 192.0.2.7:40000 → 10.0.0.37:80" in lines[1] and "fw-1 (i-00000000000000002) (hash)" in lines[1]
    assert lines[2].endswith("+ 3 more began")
    assert lines[3].endswith("closed after 1m15s, 1,200 / 900 packets") and len(lines) == 4
    assert [query.get("since") for _, query in server.asked] == [None, 10, 20, 30]


def test_following_for_a_program_is_one_object_a_line(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"at": 20, "total": 1, "flows": [ROW], "total_ended": 1, "ended": [ROW]}
    serving({"at": 10, "total": 3, "flows": []}, changes, KeyboardInterrupt())
    gwlb("flows", "--follow", "--json")
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["began", "ended"] and events[0]["source_port"] == 40000


def test_what_a_consumer_may_not_know_is_left_out_of_the_line(
    serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = ROW | {"target": None, "target_name": None, "zone": None, "source": "fd00::1", "destination_port": 0}
    changes = {"at": 20, "total": 1, "flows": [hidden], "total_ended": 0, "ended": []}
    serving({"at": 10, "total": 3, "flows": []}, changes, KeyboardInterrupt())
    gwlb("flows", "--follow")
    line = capsys.readouterr().out.splitlines()[1]
    assert line.endswith("[fd00::1]:40000 → 10.0.0.37 by vpce-076bc493b822cd32f (hash)")


def test_a_plan_opens_with_its_answer_and_its_reason(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"target": "i-1", "zone": "a", "state": "healthy", "flows": 12, "stay": 0, "move": 12, "break": 0}
    row["to"] = {"i-2": 7, "i-3": 5}
    answer = {
        "summary": {"stay": 1234, "move": 12, "break": 0},
        "targets": [row],
        "new_flows": [{"zone": "a", "now": ["i-1", "i-2"], "then": ["i-2"]}],
        "reasons": ["Because [so]."],
    }
    server = serving(answer)
    assert gwlb("plan", "deregister", "i-1", "i-2", "--target-group", "tg") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["1,234 flows stay, 12 move, 0 break.", "Because [so]."]
    assert any("7 i-2, 5 i-3" in line for line in lines)
    assert server.asked == [("plan", {"change": "deregister", "value": "i-1,i-2", "target_group": "tg"})]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (
            ("disable-zone", "za", "--load-balancer", "lb"),
            {"change": "disable-zone", "value": "za", "load_balancer": "lb"},
        ),
        (("stickiness", "off"), {"change": "stickiness", "value": "off"}),
        (("cross-zone", "on"), {"change": "cross-zone", "value": "on"}),
    ],
)
def test_every_plan_is_asked_for_by_its_fields(
    arguments: tuple[str, ...], asked: dict[str, str], serving: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"summary": {"stay": 0, "move": 0, "break": 0}, "targets": [], "new_flows": [], "reasons": []}
    server = serving(answer)
    assert gwlb("plan", *arguments, "--json") == 0
    assert server.asked == [("plan", asked)] and json.loads(capsys.readouterr().out) == answer


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0B"), (999, "999B"), (1500, "1.5kB"), (250_000, "250kB"), (3.2e13, "32.0TB")]
)
def test_sizes_are_short(count: float, words: str) -> None:
    assert flows._size(count) == words


def test_a_command_that_only_asks_does_not_load_the_servers_rooms() -> None:
    told = "import sys, opengwlb.entry; print(*(name for name in ('uvicorn', 'pyroute2', 'opengwlb.app') if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_terms_of_a_filter_go_to_the_server_as_one_text(serving: Serving) -> None:
    server = serving({"at": 1, "total": 0, "flows": []})
    assert gwlb("flows", "verdict:no_targets", "target:my firewall", "10.0.0.5") == 0
    assert server.asked == [("flows", {"filter": "verdict:no_targets 'target:my firewall' 10.0.0.5", "limit": 50})]


def test_following_and_watching_at_once_is_refused(serving: Serving, capsys: pytest.CaptureFixture[str]) -> None:
    serving()
    assert gwlb("flows", "--follow", "--watch") == 2
    assert "give one of them" in capsys.readouterr().err
