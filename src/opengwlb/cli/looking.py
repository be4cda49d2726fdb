"""`gwlb status`, `walk`, `flows`, `drops`: the read API's answers, drawn."""

from __future__ import annotations

import sys
from typing import Any

from rich.markup import escape

from opengwlb.observe import walk_text

from . import client, show

STATUS_TABLES = ("boxes", "load_balancers", "targets", "endpoints", "drops")


def status(name: str, *, as_json: bool) -> None:
    """Boxes, load balancers, targets with health, endpoints, drops, and warnings such as routing loops."""
    reader = client.operator(name)
    answer = reader.get("status") | reader.get("drops")
    if as_json:
        show.as_json(answer)
        return
    for section in STATUS_TABLES:
        show.table(answer.get(section, []), title=section.replace("_", " "))
    for warning in answer.get("warnings", []):
        show.console().print(f"[yellow]warning[/]: {escape(warning)}")


def listing(name: str, *, what: str, account: str, as_json: bool, **query: str | int | None) -> None:
    """`flows` or `drops`, as an account sees them."""
    answer = client.as_account(name, account=account).get(what, **query)
    if as_json:
        show.as_json(answer)
        return
    rows: list[dict[str, Any]] = answer[what]
    show.table(rows, title=what)


def walk(name: str, *, question: dict[str, Any], wait_s: int, account: str, as_json: bool) -> int:
    """Wait for one connection and follow it through every box; 0 when all was as it should be."""
    asked = {key: value for key, value in question.items() if value is not None} | {"wait_s": wait_s}
    reader = client.as_account(name, account=account)
    if not as_json:
        print(f"Waiting up to {wait_s} s for a connection …", file=sys.stderr)
    answer = reader.post("walk", asked, timeout_s=wait_s + 10)
    if as_json:
        show.as_json(answer)
    else:
        show.console().print(walk_text.render(walk_text.from_json(answer)))
    return 0 if answer["ok"] else 1
