"""`gwlb status`, `walk`, `flows`, `drops`: the read API's answers, drawn."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from . import client, show

STATUS_TABLES = ("boxes", "load_balancers", "targets", "endpoints", "drops")


def status(name: str, *, as_json: bool) -> None:
    """Boxes, load balancers, targets with health, endpoints, drops, and warnings such as routing loops."""
    answer = client.operator(name).get("status")
    if as_json:
        show.as_json(answer)
        return
    for section in STATUS_TABLES:
        show.table(answer.get(section, []), title=section.replace("_", " "))
    console = Console(highlight=False)
    for warning in answer.get("warnings", []):
        console.print(f"[yellow]warning[/]: {warning}")


def listing(name: str, *, what: str, account: str, as_json: bool, **query: str | int | None) -> None:
    """`flows` or `drops`, as an account sees them."""
    answer = client.as_account(name, account=account).get(what, **query)
    if as_json:
        show.as_json(answer)
        return
    rows: list[dict[str, Any]] = answer[what]
    show.table(rows, title=what)
