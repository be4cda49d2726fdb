"""The command: what it says when something is in the way, and what it prints for programs."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from opengwlb.cli import credentials, doctor, environment, lab, serving, teardown
from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions
from opengwlb.cli.refusal import Refusal

COMMANDS = (
    "account",
    "chaos",
    "console",
    "demo",
    "doctor",
    "down",
    "drops",
    "env",
    "events",
    "exec",
    "flows",
    "plan",
    "serve",
    "status",
    "tcpdump",
    "walk",
    "why",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labs of these tests live in a directory of their own."""
    monkeypatch.setattr(lab, "run_dir", lambda name: tmp_path / "run" / name)
    monkeypatch.setattr(lab, "default_data_dir", lambda name: tmp_path / "data" / name)
    monkeypatch.delenv("GWLB_NAME", raising=False)
    return tmp_path


def gwlb(*arguments: str, started: list[ServeOptions] | None = None) -> int:
    def serve(options: ServeOptions) -> None:
        assert started is not None, "the server must not start"
        started.append(options)

    return command.run(serve=serve, arguments=arguments)


def announce_here(tmp_path: Path, *, name: str = "gwlb", account: str = "partner") -> Path:
    """As if this process were a running server with one account."""
    data_dir = tmp_path / "data" / name
    data_dir.mkdir(parents=True)
    profile = credentials.Profile(name=account, access_key="AKIAEXAMPLE", secret_key="a%b/c+d")
    credentials.put_profile(data_dir, profile, region="ap-northeast-2")
    lab.announce(name=name, endpoint="http://127.0.0.1:4999", data_dir=data_dir, data_plane="none")
    return data_dir


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    gwlb("--help")
    said = capsys.readouterr().out
    assert [name for name in COMMANDS if f"│ {name} " not in said] == []


@pytest.mark.parametrize("arguments", [("status",), ("flows",), ("env", "partner"), ("account", "list"), ("walk",)])
def test_without_a_server_a_command_says_how_to_start_one(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gwlb(*arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("gwlb: No server named gwlb is running")
    assert "gwlb serve" in said
    assert said.count("\n") == 1


def test_a_second_start_says_who_runs_already(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    announce_here(elsewhere)
    assert gwlb("serve", "--data-plane", "none") == 1
    said = capsys.readouterr().err
    assert f"pid {os.getpid()}" in said
    assert "http://127.0.0.1:4999" in said
    assert "gwlb down" in said


def test_a_server_that_died_is_not_taken_for_a_running_one(elsewhere: Path) -> None:
    announce_here(elsewhere)
    path = elsewhere / "run" / "gwlb" / "server.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "started": record["started"] + 1}))  # the pid was given to another process
    assert lab.running("gwlb") is None
    assert lab.last_record("gwlb") is not None


def test_a_taken_port_is_told_with_who_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert gwlb("serve", "--data-plane", "none", "--listen", f"127.0.0.1:{port}") == 1
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port} is taken by" in said
    assert f"pid {os.getpid()}" in said
    assert "--listen" in said


def test_serve_hands_over_what_was_asked_for(elsewhere: Path) -> None:
    started: list[ServeOptions] = []
    port = free_port()
    asked = ["--listen", f"127.0.0.1:{port}", "--data-plane", "none", "--auth", "off", "--test-hooks", "--name", "x"]
    assert gwlb("serve", *asked, "--data-dir", str(elsewhere), started=started) == 0
    assert started == [
        ServeOptions(
            host="127.0.0.1", port=port, data_dir=elsewhere, data_plane="none", auth="off", test_hooks=True, name="x"
        )
    ]
    assert started[0].endpoint == f"http://127.0.0.1:{port}"


def test_serve_hands_over_the_bounds_of_flows(monkeypatch: pytest.MonkeyPatch, elsewhere: Path) -> None:
    monkeypatch.setattr(doctor, "examine", lambda **_: [])
    started: list[ServeOptions] = []
    asked = ["--max-flows", "1000", "--new-flows-per-s", "0", "--tcp-yields-after-s", "7"]
    where = ["--listen", f"127.0.0.1:{free_port()}", "--data-dir", str(elsewhere)]
    assert gwlb("serve", *where, started=started) == 0
    assert gwlb("serve", *where, *asked, started=started) == 0
    assert [(one.max_flows, one.new_flows_per_s, one.tcp_yields_after_s) for one in started] == [
        (None, 250_000, 60),
        (1000, 0, 7),
    ]


def test_a_machine_that_cannot_carry_packets_stops_the_start_with_the_doctors_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [doctor.check_kernel("6.1.0", distribution="debian 12")]
    monkeypatch.setattr(doctor, "examine", lambda **_: old)
    assert gwlb("serve", "--listen", f"127.0.0.1:{free_port()}") == 1
    assert "kernel is too old" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--listen", "127.0.0.1:0"], "HOST:PORT"),
        (["--listen", "0.0.0.0:4566"], "--tls-certificate"),
        (["--listen", "0.0.0.0:4566", "--tls-certificate", "c", "--tls-key", "k", "--auth", "off"], "loopback only"),
        (["--tls-certificate", "c"], "belong together"),
        (["--max-flows", "9000000"], "give 8 to 8,388,608"),
        (["--new-flows-per-s", "-1"], "give 0 to"),
        (["--tcp-yields-after-s", "0"], "give 1 to 6,000"),
        (["--data-plane", "none", "--max-flows", "1000"], "leave it out"),
        (["--data-plane", "none", "--new-flows-per-s", "9"], "leave it out"),
    ],
)
def test_options_that_must_not_be_combined_are_refused_with_a_sentence(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gwlb("serve", *arguments) == 2
    assert word in capsys.readouterr().err


def test_env_makes_a_shell_talk_to_the_lab_as_that_account(elsewhere: Path) -> None:
    data_dir = announce_here(elsewhere)
    lines = environment.shell(environment.variables("gwlb", account="partner", region="eu-west-1"))
    script = f'eval {shlex.quote(lines)}; eval {shlex.quote(lines)}; env; echo "path $PATH"'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "old"}
    )
    seen = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert seen["AWS_PROFILE"] == "partner"
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4999"
    assert seen["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert seen["AWS_SHARED_CREDENTIALS_FILE"] == str(data_dir / "credentials")
    assert "AWS_ACCESS_KEY_ID" not in seen
    assert seen["PATH"].split(":").count(str(Path(sys.executable).parent)) == 1


def test_env_of_an_unknown_account_names_those_there_are(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    announce_here(elsewhere)
    assert gwlb("env", "nobody") == 1
    said = capsys.readouterr().err
    assert "partner" in said
    assert "gwlb account create nobody" in said


def test_env_prints_json_for_programs(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    announce_here(elsewhere)
    assert gwlb("env", "partner", "--json") == 0
    assert json.loads(capsys.readouterr().out)["AWS_PROFILE"] == "partner"


def test_credentials_are_read_by_aws_clients_and_by_their_owner_alone(elsewhere: Path) -> None:
    data_dir = announce_here(elsewhere)
    path = credentials.credentials_file(data_dir)
    assert path.stat().st_mode & 0o777 == 0o600
    parser = configparser.RawConfigParser()
    parser.read(path)
    assert parser["partner"]["aws_secret_access_key"] == "a%b/c+d"
    assert credentials.profile(data_dir, name="partner").secret_key == "a%b/c+d"
    credentials.remove_profile(data_dir, name="partner")
    credentials.remove_profile(data_dir, name="partner")
    assert credentials.profiles(data_dir) == {}


def test_a_server_that_does_not_answer_is_told_as_a_sentence(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    announce_here(elsewhere, account=credentials.OPERATOR)
    assert gwlb("status") == 1
    assert "does not answer" in capsys.readouterr().err


def test_down_of_what_is_not_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert gwlb("down", "--name", "never-was") == 0
    assert "nothing of never-was" in capsys.readouterr().out


def test_down_stops_the_server_and_keeps_the_data_unless_told(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teardown, "_empty_kernel", lambda name, **_: None)
    data_dir = announce_here(elsewhere)
    with subprocess.Popen(["sleep", "60"]) as server:
        path = elsewhere / "run" / "gwlb" / "server.json"
        record = {**json.loads(path.read_text()), "pid": server.pid, "started": lab.process_start(server.pid)}
        path.write_text(json.dumps(record))
        assert any("kept" in sentence for sentence in teardown.down("gwlb", with_data=False)["done"])
        assert server.wait(5) != 0
    assert data_dir.exists()
    assert not (elsewhere / "run" / "gwlb").exists()
    teardown.down("gwlb", with_data=True)
    assert not data_dir.exists()


def test_loopback_is_told_from_the_world() -> None:
    assert [serving.is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1", "::")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_exec_in_a_box_that_is_not_there_names_those_there_are() -> None:
    from opengwlb.cli import boxes

    with pytest.raises(Refusal, match="There is no box" if os.geteuid() == 0 else "sudo"):
        boxes.namespace("never-was", box="internet")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("why", "192.0.2.1", "10.0.0.36", "icmp", "80", "--endpoint", "vpce-1"), "icmp has no ports"),
        (("why", "192.0.2.1", "10.0.0.36", "tcp", "--endpoint", "vpce-1"), "tcp needs ports: SOURCE:DESTINATION"),
        (("why", "192.0.2.1", "10.0.0.36", "tcp", "a:b", "--endpoint", "vpce-1"), "a:b is no SOURCE:DESTINATION"),
        (("why", "192.0.2.1", "10.0.0.36", "sctp", "--endpoint", "vpce-1"), "sctp is no protocol"),
        (("why", "192.0.2.1", "10.0.0.36", "tcp", "80"), "Say where the packet begins"),
        (("plan", "deregister"), "Say which targets"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_to_say(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert gwlb(*arguments) == 1
    assert sentence in capsys.readouterr().err
