"""`gwlb events`: the latest changes as a table, and what comes as lines."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from opengwlb.cli import client
from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import Vpc
from opengwlb.observe.events import lately
from opengwlb.store.protocol import Change, Compacted

AT_S = 1_795_472_253.4
WRITTEN = {"revision": 7, "at": AT_S, "kind": "Instance", "id": "i-1", "event": "written", "state": "running"}
TARGET = {
    "revision": 8,
    "at": AT_S,
    "kind": "Target",
    "id": "tg|i-1",
    "event": "written",
    "state": "unhealthy",
    "reason": "Target.Timeout",
    "description": "Request timed out",
}
DELETED = {"revision": 9, "at": AT_S, "kind": "VpcEndpoint", "id": "vpce-1", "event": "deleted", "state": None}


class Server:
    """Gives prepared answers; the end of them is a Ctrl-C."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get(self, path: str, **query: Any) -> Any:
        assert path == "events"
        self.asked.append(query)
        if not self.answers:
            os.kill(os.getpid(), signal.SIGINT)
        return self.answers.pop(0)


def gwlb(*arguments: str) -> int:
    def serve(options: ServeOptions) -> None:
        raise AssertionError("no command here starts a server")

    return command.run(serve=serve, arguments=("events", *arguments))


def serving(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Server:
    made = Server(*answers)
    monkeypatch.setattr(client, "as_account", lambda name, *, account: made)
    return made


def test_the_latest_changes_are_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    server = serving(monkeypatch, {"events": [WRITTEN, TARGET], "revision": 8})
    assert gwlb("--limit", "2") == 0
    said = capsys.readouterr().out
    assert "Request timed out" in said
    assert said.index("i-1") < said.index("tg|i-1")
    assert server.asked == [{"limit": 2}]


def test_following_goes_on_from_the_last_event_without_saying_any_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The store went on while it answered: the last event is newer than the revision beside it.
    first = {"events": [WRITTEN, TARGET], "revision": 7}
    server = serving(monkeypatch, first, {"events": [DELETED], "revision": 9}, {"events": [], "revision": 12})
    assert gwlb("--follow") == 0
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Instance i-1 running",
        "Target tg|i-1 unhealthy Request timed out",
        "VpcEndpoint vpce-1 is gone",
    ]
    assert [one.get("since") for one in server.asked] == [None, 8, 9, 12]


def test_for_programs_each_event_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    serving(monkeypatch, {"events": [WRITTEN], "revision": 7})
    assert gwlb("--follow", "--json") == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [WRITTEN]


@pytest.mark.parametrize(
    ("newest", "oldest", "first"), [(20, 1, 1), (20_000, 15_000, 19_001), (20_000, 19_990, 20_000), (3, 4, None)]
)
def test_the_latest_are_found_also_when_the_first_are_no_longer_kept(
    newest: int, oldest: int, first: int | None
) -> None:
    class Kept:
        def snapshot(self) -> Snapshot:
            return Snapshot(newest, {})

        def changes(self, since: int) -> list[Change]:
            if since + 1 < oldest:
                raise Compacted(str(since))
            return [
                Change(revision=n, kind=Vpc, id=f"vpc-{n}", object=None, at=AT_S) for n in range(since + 1, newest + 1)
            ]

    found = lately(Kept())  # type: ignore[arg-type]  # all that is asked of a store
    assert (found[0].revision if found else None) == first
