"""What a benchmark says: one figure with its baseline, its goal, and whether it was met."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def against(name: str, *, value: float, baseline: float, unit: str, goal: float | None = None) -> Figure:
    """A figure where more is better, and `goal` is the least ratio."""
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
    )


def added(name: str, *, value: float, baseline: float, unit: str) -> Figure:
    """A figure where what is added to the baseline counts; without a goal."""
    return Figure(
        figure=name,
        value=round(value - baseline, 2),
        unit=unit,
        baseline=round(baseline, 2),
        ratio=round(value / baseline, 3),
    )


def show(figures: Iterable[Figure]) -> None:
    table = Table(title="OpenGWLB, measured")
    for column in ("figure", "value", "unit", "baseline", "ratio", "goal", "met"):
        table.add_column(column, justify="left" if column in ("figure", "unit") else "right")
    for one in figures:
        table.add_row(*("" if value is None else str(value) for value in asdict(one).values()))
    Console(width=140).print(table)


def write(figures: Iterable[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
