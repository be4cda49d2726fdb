"""Prints answers: as a table for a person, as JSON for a program."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

PLAIN_WIDTH = 132
"""Of tables that do not go to a terminal, which would say how wide it is, where COLUMNS does not say it either."""


def console(*, stderr: bool = False) -> Console:
    """A console that is wide enough for the tables where nobody says how wide it is."""
    made = Console(stderr=stderr, highlight=False)
    told = made.is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    return made if told else Console(stderr=stderr, highlight=False, width=PLAIN_WIDTH)


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


HEADERS = {"rate": "packets/s"}
"""What a column is called, where that is not its name."""


def table(rows: Iterable[Mapping[str, Any]], *, title: str, columns: Sequence[str] = (), empty: str = "none") -> None:
    """Print `drawn`."""
    console().print(drawn(rows, title=title, columns=columns, empty=empty))


def drawn(
    rows: Iterable[Mapping[str, Any]], *, title: str, columns: Sequence[str] = (), empty: str = "none"
) -> RenderableType:
    """One row per mapping; columns in the given order, else those of the rows as they first appear."""
    listed = list(rows)
    if not listed:
        return f"[bold]{title}[/]: {empty}"
    names = list(columns) or list(dict.fromkeys(key for row in listed for key in row))
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False)
    for name in names:
        numbers = all(isinstance(row.get(name), int | float | None) for row in listed)
        made.add_column(
            HEADERS.get(name, name.replace("_", " ")), overflow="fold", justify="right" if numbers else "left"
        )
    for row in listed:
        made.add_row(*(escape(_cell(row.get(name))) for name in names))  # [fd00::1] is an address, not a style
    return made


def _cell(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_cell(item) for item in value) or "-"
        case dict():
            return ", ".join(f"{key}={_cell(item)}" for key, item in value.items()) or "-"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def span(seconds: float) -> str:
    """`12.3s`, `4m05s`, `2h10m`."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    if seconds < 3600:
        return f"{seconds // 60:.0f}m{seconds % 60:02.0f}s"
    return f"{seconds // 3600:.0f}h{seconds % 3600 // 60:02.0f}m"
