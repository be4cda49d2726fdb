"""`gwlb events`: what changed, object by object, as the store's revisions tell it: lately, or from now on."""

from __future__ import annotations

import json as encoding
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from . import client, credentials, lab, show, watching
from .parameters import Account, Json, Name

COLUMNS = ("revision", "at", "kind", "id", "event", "state", "why")
WAIT_S = 25
"""One question waits so long for something to happen; the server allows 30."""
AT_ONCE = 10_000
"""Changes that one answer may have."""


def register(app: App) -> None:
    app.command(events)


def events(
    *,
    follow: Annotated[bool, Parameter(negative=())] = False,
    limit: int = 50,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """List the latest changes: which object was written or deleted, and its state; of a target also why.

    Parameters
    ----------
    follow
        Go on, with a line for each change, until interrupted. With --json one object a line.
    limit
        How many of the latest to list.
    """
    reader = client.as_account(name, account=account)
    answer = reader.get("events", limit=limit)
    if not follow:
        if json:
            show.as_json(answer)
        else:
            show.table(map(_row, answer["events"]), title="events", columns=COLUMNS)
        return
    with watching.until_interrupted():
        for one in _from_now_on(reader, answer):
            print(encoding.dumps(one, ensure_ascii=False) if json else _line(one), flush=True)


def _from_now_on(reader: client.Client, first: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What was listed, and what comes. The answer's revision may be older than its last event: the store goes on meanwhile."""
    answer = first
    while True:
        yield from answer["events"]
        since = max([answer["revision"], *(one["revision"] for one in answer["events"])])
        answer = reader.get("events", since=since, wait_s=WAIT_S, limit=AT_ONCE)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "at": _clock(one["at"], "%Y-%m-%d %H:%M:%S"), "why": _why(one)}


def _line(one: dict[str, Any]) -> str:
    said = [one["kind"], one["id"], "is gone" if one["event"] == "deleted" else one["state"], _why(one)]
    return f"{_clock(one['at'], '%H:%M:%S')} {' '.join(word for word in said if word)}"


def _why(one: dict[str, Any]) -> str:
    return one.get("description") or one.get("reason") or ""


def _clock(at_s: float, form: str) -> str:
    return datetime.fromtimestamp(at_s).astimezone().strftime(form)
