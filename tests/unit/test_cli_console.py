"""`gwlb console`: a link that logs in as the asked account, and nothing of its secret."""

from __future__ import annotations

import json
import time
import webbrowser
from pathlib import Path
from urllib.parse import unquote

import pytest

from opengwlb.cli import credentials, lab
from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions
from opengwlb.console import sessions

SECRETS = {"AKIAOPERATOR": "a%b/c+d", "AKIAPARTNER": "another"}


@pytest.fixture(autouse=True)
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this process were a running server with two accounts."""
    monkeypatch.setattr(lab, "run_dir", lambda name: tmp_path / "run" / name)
    monkeypatch.delenv("GWLB_NAME", raising=False)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    for name, key in zip(("operator", "partner"), SECRETS, strict=True):
        profile = credentials.Profile(name=name, access_key=key, secret_key=SECRETS[key])
        credentials.put_profile(data_dir, profile, region="ap-northeast-2")
    lab.announce(name="gwlb", endpoint="http://127.0.0.1:4999", data_dir=data_dir, data_plane="none")


def gwlb(*arguments: str) -> int:
    def serve(options: ServeOptions) -> None:
        raise AssertionError("no command here starts a server")

    return command.run(serve=serve, arguments=("console", *arguments))


def whom(url: str) -> str | None:
    address, _, token = url.partition("#token=")
    assert address == "http://127.0.0.1:4999/console/"
    return sessions.login_key(unquote(token), secret_of=SECRETS.get, now_s=time.time())


def test_the_link_logs_in_as_the_operator(capsys: pytest.CaptureFixture[str]) -> None:
    assert gwlb() == 0
    said = capsys.readouterr().out.strip()
    assert whom(said) == "AKIAOPERATOR"
    assert SECRETS["AKIAOPERATOR"] not in unquote(said)


def test_it_logs_in_as_another_account_and_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert gwlb("--account", "partner", "--json") == 0
    assert whom(json.loads(capsys.readouterr().out)["url"]) == "AKIAPARTNER"


def test_it_opens_the_browser_only_when_asked_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: not opened.append(url))
    assert (gwlb(), opened) == (0, [])
    capsys.readouterr()
    assert gwlb("--open") == 0
    assert opened == [capsys.readouterr().out.strip()]


def test_without_a_browser_the_link_is_printed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert gwlb("--open") == 1
    said = capsys.readouterr()
    assert whom(said.out.strip()) == "AKIAOPERATOR"
    assert "open the link yourself" in said.err


def test_an_account_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert gwlb("--account", "nobody") == 1
    assert "operator, partner" in capsys.readouterr().err
