"""What a benchmark says: one figure with its baseline, its goal, and whether it was met."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    figure: str
    value: float
    unit: str
    baseline: float | None = None
    """The same measure without what is measured, from the same run."""
    ratio: float | None = None
    """value / baseline."""
    goal: float | None = None
    """Of the ratio where there is one, else of the value."""
    met: bool | None = None
    spread: tuple[float, float] | None = None
    """The least and the most of the rounds that `value` is the median of."""
    limit: str | None = None
    """Where a goal is not met: what limits it."""


Say = Callable[[str], None]
"""Tells people what is being measured."""


def against(
    name: str,
    *,
    value: float,
    baseline: float,
    unit: str,
    goal: float | None = None,
    spread: tuple[float, float] | None = None,
    limit: str | None = None,
) -> Figure:
    """A figure where more is better, and `goal` is the least ratio; `limit` counts when it is not met."""
    ratio = value / baseline
    met = None if goal is None else ratio >= goal
    return Figure(
        figure=name,
        value=round(value, 3),
        unit=unit,
        baseline=round(baseline, 3),
        ratio=round(ratio, 3),
        goal=goal,
        met=met,
        spread=_rounded(spread),
        limit=limit if met is False else None,
    )


def below(
    name: str,
    *,
    value: float,
    unit: str,
    baseline: float | None = None,
    goal: float | None = None,
    of_ratio: bool = False,
    spread: tuple[float, float] | None = None,
    limit: str | None = None,
) -> Figure:
    """A figure where less is better; `goal` is the most, of the value or else of value / baseline."""
    ratio = round(value / baseline, 3) if of_ratio and baseline else None
    met = None if goal is None else (value if ratio is None else ratio) <= goal
    return Figure(
        figure=name,
        value=round(value, 3),
        unit=unit,
        baseline=None if baseline is None else round(baseline, 3),
        ratio=ratio,
        goal=goal,
        met=met,
        spread=_rounded(spread),
        limit=limit if met is False else None,
    )


def _rounded(spread: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if spread is None else (round(spread[0], 3), round(spread[1], 3))


def show(figures: Iterable[Figure]) -> None:
    """The table; below it what limits each figure that misses its goal."""
    table = Table(title="OpenGWLB, measured")
    for column in ("figure", "value", "spread", "unit", "baseline", "ratio", "goal", "met"):
        table.add_column(column, justify="left" if column in ("figure", "unit") else "right")
    console = Console(width=160)
    missed = []
    for one in figures:
        spread = "" if one.spread is None else f"{one.spread[0]:g} … {one.spread[1]:g}"
        cells = (
            one.value,
            spread,
            one.unit,
            one.baseline,
            one.ratio,
            one.goal,
            {True: "yes", False: "no", None: ""}[one.met],
        )
        table.add_row(one.figure, *("" if cell is None else str(cell) for cell in cells))
        if one.met is False and one.limit:
            missed.append(f"Not met: {one.figure}: {one.limit}.")
    console.print(table)
    for line in missed:
        console.print(line, highlight=False)


def write(figures: Iterable[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
