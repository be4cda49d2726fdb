"""`gwlb status`: the read API's answer, drawn."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape

from . import client, show, watching

STATUS_TABLES = ("boxes", "load_balancers", "targets", "endpoints", "drops")
COLUMNS = {
    "drops": ("verdict", "packets", "where", "device", "meaning"),
    "targets": ("target", "address", "zone", "state", "reason", "given", "returned", "condemned"),
}
"""Of a section that has more than a person reads at a glance: `gwlb drops` and `--json` have the rest."""
MOST_LISTED = 25
"""Rows of a table that a person reads; of more, only those that are not as they should be."""
AS_IT_SHOULD_BE = frozenset({"up", "running", "active", "healthy", "available"})
MOST_DROPS = 15


def status(name: str, *, everything: bool, every: float | bool | None, as_json: bool) -> None:
    """Boxes, load balancers, targets with health, endpoints, drops, and warnings such as routing loops."""

    def ask() -> dict[str, Any]:
        reader = client.operator(name)
        answer: dict[str, Any] = reader.get("status") | {"drops": reader.get("drops")["drops"]}
        return answer

    watching.answer(ask, lambda answer: _status(answer, everything=everything), every=every, as_json=as_json)


def _status(answer: dict[str, Any], *, everything: bool) -> RenderableType:
    drawn = []
    for section in STATUS_TABLES:
        rows = answer.get(section, [])
        listed = rows if everything else worth_listing(rows)
        drawn.append(
            show.drawn(
                listed,
                columns=COLUMNS.get(section, ()),
                title=title(section.replace("_", " "), rows, listed),
                empty="none" if not rows else "all well",
            )
        )
    return Group(*drawn, *(f"[yellow]warning[/]: {escape(one)}" for one in answer.get("warnings", [])))


def worth_listing(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of few; of many, those in trouble, or the first when rows have no state."""
    if len(rows) <= MOST_LISTED:
        return rows
    if "state" not in rows[0]:
        return rows[:MOST_DROPS]
    return [row for row in rows if row["state"] not in AS_IT_SHOULD_BE][:MOST_LISTED]


def title(noun: str, rows: list[dict[str, Any]], listed: list[dict[str, Any]]) -> str:
    """With what is not listed, counted by state."""
    if len(listed) == len(rows):
        return noun
    if "state" not in rows[0]:
        return f"{noun}: the first {len(listed)} of {len(rows):,} (--all lists every one)"
    counts = Counter(str(row["state"]).split(":", 1)[0] for row in rows)
    states = ", ".join(f"{count:,} {state}" for state, count in counts.most_common())
    return f"{noun}: {len(rows):,}, of which {states} (--all lists every one)"
