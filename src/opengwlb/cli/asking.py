"""`gwlb drops`: what the data plane is asked beyond lists."""

from __future__ import annotations

import json as encoding
from datetime import datetime
from typing import Any

from cyclopts import App
from rich.markup import escape

from . import client, credentials, lab, show
from .parameters import Account, Json, Name

RATE_OVER_S = 1.0
"""A rate is what was counted in this time; the answer takes as long."""
COLUMNS = ("verdict", "packets", "rate", "where", "device", "meaning")


def register(app: App) -> None:
    """Adds this module's commands."""
    app.command(_drops, name="drops")


def _drops(
    *,
    follow: bool = False,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """List drops: verdict, count, packets a second, where, what it means, and the last packets that met it.

    Parameters
    ----------
    follow
        Go on, with a line for each verdict that took more packets, until interrupted. With --json one object a line.
    """
    reader = client.as_account(name, account=account)
    rows = _ask(reader)
    if not follow:
        if json:
            show.as_json({"drops": rows})
        else:
            _draw(rows)
        return
    seen: dict[tuple[str, ...], int] = {}
    while True:
        at = datetime.now().astimezone()
        for row in rows:
            key = (row["verdict"], row["where"], row["device"] or "")
            more = row["packets"] - seen.get(key, 0)
            seen[key] = row["packets"]
            if more > 0:
                _say(row | {"at": at.isoformat(timespec="seconds"), "more": more}, as_json=json)
        rows = _ask(reader)


def _ask(reader: client.Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = reader.get("drops", limit=1_000_000, over_s=str(RATE_OVER_S))["drops"]
    return rows


def _draw(rows: list[dict[str, Any]]) -> None:
    show.table(rows, title="drops", columns=COLUMNS)
    with_packets = [row for row in rows if row["last"]]
    if with_packets:
        show.console().print("[bold]last packets[/]")
    for row in with_packets:
        show.console().print(f"{row['verdict']} at {row['where']}")
        for one in row["last"]:
            show.console().print(f"  {_age(one['age_s'])} ago, {one['length']} bytes: {escape(one['packet'])}")


def _say(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(encoding.dumps(row, ensure_ascii=False), flush=True)
        return
    last = f": {row['last'][0]['packet']}" if row["last"] else ""
    print(f"{row['at'][11:19]} {row['verdict']} +{row['more']} at {row['where']}{last}", flush=True)


def _age(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
