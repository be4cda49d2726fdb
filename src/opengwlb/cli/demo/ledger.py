"""What should happen, what did, and who did it: said as it happens, and as a table at the end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    what: str
    expected: str
    """`passes` or `blocked`, or what a figure has to be."""
    happened: str
    by: str
    """Who did it: an appliance and its rule, or the path taken."""
    ok: bool


class Ledger:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.outcomes: list[Outcome] = []

    def add(self, what: str, *, expected: str, happened: str, ok: bool, by: str = "") -> bool:
        """Record and say one outcome; whether it is as it should be."""
        outcome = Outcome(what=what, expected=expected, happened=happened, by=by, ok=ok)
        self.outcomes.append(outcome)
        mark = "[green]✓[/]" if ok else "[red]✗[/]"
        said = f"  {mark} {escape(f'{what}: {happened}')}" + (f" [dim]({escape(by)})[/]" if by else "")
        self.console.print(said if ok else f"{said} [red]expected: {expected}[/]", soft_wrap=True)
        return ok

    def section(self, title: str) -> None:
        self.console.print(f"\n[bold]{title}[/]")

    @property
    def ok(self) -> bool:
        return bool(self.outcomes) and all(outcome.ok for outcome in self.outcomes)

    def table(self, title: str = "What passed, what was blocked, and by whom") -> Table:
        drawn = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for column in ("", "traffic", "should", "did", "by"):
            drawn.add_column(column, overflow="fold")
        for each in self.outcomes:
            mark = "[green]✓[/]" if each.ok else "[red]✗[/]"
            drawn.add_row(mark, *map(escape, (each.what, each.expected, each.happened, each.by)))
        return drawn

    def as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(outcome) for outcome in self.outcomes]
