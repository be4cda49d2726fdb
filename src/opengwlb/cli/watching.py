"""`--watch`: a view that is drawn again and again, and `--follow`'s way to end: on Ctrl-C with success, not with a complaint.

On a terminal a view has a screen of its own, and what stood there before comes back at the end. Elsewhere each view is printed below
the last one, and with `--json` each answer is one line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape

from . import show
from .refusal import Refusal

T = TypeVar("T")
EVERY_S = 2.0
"""Between two views when nobody says otherwise."""
SOONEST_S, LATEST_S = 0.2, 3600.0


def seconds(watch: float | bool | None) -> float | None:
    """What `--watch [SECONDS]` asks for; None without it. Refuses intervals that help nobody."""
    if watch is None or watch is False:
        return None
    every_s = EVERY_S if watch is True else watch
    if not SOONEST_S <= every_s <= LATEST_S:
        raise Refusal(f"--watch {every_s:g}: look again after {SOONEST_S:g} to {LATEST_S:,.0f} seconds.", status=2)
    return every_s


def require_one(*, follow: bool, watch: float | bool | None) -> None:
    """Refuses both at once: one adds lines, the other draws anew."""
    if follow and seconds(watch) is not None:
        raise Refusal("--follow adds lines, --watch draws the whole again: give one of them.", status=2)


def answer(
    ask: Callable[[], T],
    draw: Callable[[T], RenderableType],
    *,
    every: float | bool | None,
    as_json: bool,
    within: Callable[[T], Any] = lambda answered: answered,
) -> T | None:
    """Show what `ask` answers, drawn or as JSON, once or as `--watch` wants it.

    `within(answer)` is what JSON readers get. The answer when it was asked for once, which a caller may take its exit status from; None
    after watching.
    """
    every_s = seconds(every)
    if every_s is not None:
        if as_json:
            lines(lambda: within(ask()), every_s=every_s)
        else:
            watch(lambda: draw(ask()), every_s=every_s)
        return None
    answered = ask()
    if as_json:
        show.as_json(within(answered))
    else:
        show.console().print(draw(answered))
    return answered


def watch(
    render: Callable[[], RenderableType], *, every_s: float, console: Console | None = None, views: int | None = None
) -> None:
    """Draw what `render` makes every `every_s` seconds until Ctrl-C, or until there were so many `views`.

    The first view must come: its Refusal is raised. When a later one is refused (the server restarts, say), the last view stays with
    the reason beside it, and it is tried again.
    """
    out = console or show.console()
    with until_interrupted():
        view = render()
        if out.is_terminal:
            with Live(console=out, screen=True, auto_refresh=False) as live:
                for shown, refused in _views(render, view, every_s=every_s, most=views):
                    live.update(Group(_head(every_s, refused), shown), refresh=True)
            return
        for shown, refused in _views(render, view, every_s=every_s, most=views):
            if refused is None:
                out.print(shown)
                out.file.flush()
            else:
                print(f"gwlb: {refused}", file=sys.stderr, flush=True)


def lines(ask: Callable[[], Any], *, every_s: float, views: int | None = None) -> None:
    """The same for programs: each answer as one line of JSON, a refusal on standard error."""
    with until_interrupted():
        for answered, refused in _views(ask, ask(), every_s=every_s, most=views):
            if refused is None:
                print(json.dumps(answered, ensure_ascii=False), flush=True)
            else:
                print(f"gwlb: {refused}", file=sys.stderr, flush=True)


def _views(make: Callable[[], T], first: T, *, every_s: float, most: int | None) -> Iterator[tuple[T, Refusal | None]]:
    """The first view, and a new one whenever it is due: the last that came, and why no newer one did."""
    view, refused, count = first, None, 0
    while True:
        began = time.monotonic()
        yield view, refused
        count += 1
        if count == most:
            return
        time.sleep(max(0.0, began + every_s - time.monotonic()))
        try:
            view, refused = make(), None
        except Refusal as refusal:
            refused = refusal


def _head(every_s: float, refused: Refusal | None) -> str:
    if refused is not None:
        return f"[red]{escape(str(refused))}[/] [dim]Trying again every {every_s:g} s; what stands below is old.[/]"
    return f"[dim]{datetime.now().astimezone():%H:%M:%S}, again every {every_s:g} s; Ctrl-C ends.[/]"


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C, or that nobody reads any more, ends the block and is no error.

    After Ctrl-C the process is on its way out, and stays deaf to more of them: who ends a whole process group, as timeout(1) does, says
    it twice.
    """
    before = signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        read_no_more()
    signal.signal(signal.SIGINT, before)


def read_no_more() -> None:
    """What is left to be written at the end must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
