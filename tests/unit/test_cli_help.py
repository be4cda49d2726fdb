"""`--help`: every command says what it does, and every argument and option what it is for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cyclopts import App
from rich.table import Table

from opengwlb.cli import show
from opengwlb.cli.demo import server
from opengwlb.cli.main import app


def commands(within: App, path: tuple[str, ...] = ("gwlb",)) -> Iterator[tuple[str, App]]:
    for name in within:
        if name.startswith("-"):
            continue
        if within[name].default_command is not None:
            yield " ".join((*path, name)), within[name]
        yield from commands(within[name], (*path, name))


def test_every_command_argument_and_option_has_a_sentence() -> None:
    found = dict(commands(app))
    assert {"gwlb status", "gwlb account keys create", "gwlb plan cross-zone"} <= found.keys()
    mute = [path for path, command in found.items() if not command.help]
    for path, command in found.items():
        mute += [
            f"{path} {argument.name}"
            for argument in command.assemble_argument_collection(parse_docstring=True)
            if argument.parameter.parse is not False and not argument.parameter.help
        ]
    assert mute == []


@pytest.mark.parametrize(
    ("told", "width"), [("200", 200), ("80", 80), (None, show.PLAIN_WIDTH), ("", show.PLAIN_WIDTH)]
)
def test_a_table_in_a_pipe_is_as_wide_as_columns_says(
    told: str | None, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if told is not None:
        monkeypatch.setenv("COLUMNS", told)
    made = Table(expand=True)
    made.add_column("one")
    show.console().print(made)
    assert len(capsys.readouterr().out.splitlines()[0]) == width


def test_a_demo_of_another_name_says_how_that_one_is_taken_away() -> None:
    assert server.way_down("gwlb") == "make down"
    assert server.way_down("second") == "gwlb down --data --name second"
