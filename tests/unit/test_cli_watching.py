"""`--watch`: views that come again, on a terminal, in a file and as JSON; how they survive a server that restarts, and how they end."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from opengwlb.cli import show, watching
from opengwlb.cli.refusal import Refusal

SOON_S = 0.01


def telling(*told: str | Refusal | int) -> Callable[[], str]:
    """Each call gives the next; a Refusal is raised, a number is a signal that this process gets."""
    rest = list(told)

    def tell() -> str:
        match rest.pop(0):
            case Refusal() as refusal:
                raise refusal
            case int() as number:
                os.kill(os.getpid(), number)
                return "never seen"
            case said:
                return said

    return tell


def shown(told: Sequence[str | Refusal | int], *, terminal: bool) -> str:
    """What a console got of so many views."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, height=20)
    watching.watch(telling(*told), every_s=SOON_S, console=console, views=len(told))
    return out.getvalue()


def test_where_there_is_no_terminal_every_view_is_printed_below_the_last() -> None:
    assert shown(["one", "two", "three"], terminal=False) == "one\ntwo\nthree\n"


def test_on_a_terminal_a_view_replaces_the_last_and_what_stood_there_comes_back() -> None:
    said = shown(["one", "two"], terminal=True)
    assert "\x1b[?1049h" in said
    assert "two" in said
    assert said.rindex("\x1b[?1049l") > said.rindex("two")


def test_a_server_that_restarts_is_asked_again_and_the_last_view_stays(capsys: pytest.CaptureFixture[str]) -> None:
    away = Refusal("The server does not answer.")
    said = shown(["one", away, "two"], terminal=True)
    assert "The server does not answer." in said
    assert said.count("one") == 2
    assert "two" in said
    assert shown(["one", away, "two"], terminal=False) == "one\ntwo\n"
    assert capsys.readouterr().err == "gwlb: The server does not answer.\n"


def test_what_cannot_be_shown_even_once_is_refused_at_once() -> None:
    with pytest.raises(Refusal, match="no account"):
        watching.watch(telling(Refusal("There is no account x.")), every_s=SOON_S)


@pytest.mark.parametrize("terminal", [True, False])
def test_an_interrupt_ends_it_without_a_complaint(*, terminal: bool) -> None:
    before = signal.getsignal(signal.SIGINT)
    console = Console(file=io.StringIO(), force_terminal=terminal)
    try:
        watching.watch(telling("one", signal.SIGINT), every_s=SOON_S, console=console)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "a second one meets a process that is ending"
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_view_that_ends_by_itself_leaves_interrupts_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    watching.watch(telling("one"), every_s=SOON_S, console=Console(file=io.StringIO()), views=1)
    assert signal.getsignal(signal.SIGINT) is before


def test_for_programs_each_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = iter(range(3))
    watching.lines(lambda: {"n": next(numbers)}, every_s=SOON_S, views=3)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"n": 0}, {"n": 1}, {"n": 2}]


@pytest.mark.parametrize(("asked", "every_s"), [(None, None), (False, None), (True, 2.0), (5.0, 5.0)])
def test_seconds_are_two_when_none_are_given(asked: float | bool | None, every_s: float | None) -> None:
    assert watching.seconds(asked) == every_s


@pytest.mark.parametrize("asked", [0.0, -1.0, 0.1, 7200.0, float("nan")])
def test_intervals_that_help_nobody_are_refused(asked: float) -> None:
    with pytest.raises(Refusal, match="--watch"):
        watching.seconds(asked)


def test_an_address_in_brackets_is_not_taken_for_a_style() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(show.drawn([{"flow": "tcp [fd00::1]:80"}], title="flows"))
    assert "[fd00::1]:80" in out.getvalue()
