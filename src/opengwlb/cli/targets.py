"""`gwlb targets`: each target's health with its last checks, and how far those that were deregistered have drained."""

from __future__ import annotations

from functools import partial
from typing import Any

from cyclopts import App
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from . import client, credentials, lab, show, watching
from .parameters import Account, Json, Name, Watch

CHECKS_SHOWN = 20
"""Of the 120 that the server keeps: a terminal has no more room."""
BAR = 24
PASSED, FAILED = ".", "x"
COLOURS = {"healthy": "green", "unhealthy": "red", "unavailable": "red", "draining": "yellow", "initial": "cyan"}


def register(app: App) -> None:
    app.command(_targets, name="targets")


def _targets(
    *,
    target_group: str | None = None,
    watch: Watch = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Show each target's state, its last health checks (. passed, x failed, the newest at the right), and how it drains.

    Parameters
    ----------
    target_group
        Only those of this target group: its ARN or its name.
    """
    ask = partial(client.as_account(name, account=account).get, "targets", target_group=target_group)
    watching.answer(ask, drawn, every=watch, as_json=json)


def drawn(answer: dict[str, Any]) -> RenderableType:
    """The answer of `targets` as a table, and a bar for each target that drains."""
    rows = answer["targets"]
    if not rows:
        return "[bold]targets[/]: none"
    groups = {one["target_group"]: group_name(one["target_group"]) for one in rows}
    title = f"targets of {next(iter(groups.values()))}" if len(groups) == 1 else "targets"
    columns = ["target", "address", "zone", "state", "last checks", "in a row", "flows", "given / returned"]
    if len(groups) > 1:
        columns.insert(0, "target group")
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", justify="right" if column == "flows" else "left")
    for one in rows:
        cells = [
            escape(called(one)),
            one["address"] or "-",
            one["zone"] or "-",
            state(one),
            strip(one["health"]["probes"]),
            in_a_row(one),
            "-" if one["flows"] is None else f"{one['flows']:,}",
            "-" if one["given"] is None else f"{one['given']:,} / {one['returned']:,}",
        ]
        made.add_row(*([groups[one["target_group"]]] if len(groups) > 1 else []), *cells)
    return Group(made, *(drain(one) for one in rows if one["draining"] is not None))


def group_name(arn: str) -> str:
    """`tg` of `arn:aws:elasticloadbalancing:…:targetgroup/tg/…`."""
    return arn.split("/")[1]


def called(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['target']})" if one["name"] else str(one["target"])


def state(one: dict[str, Any]) -> str:
    """With the reason beside it, as markup."""
    colour = COLOURS.get(one["state"], "default")
    why = one["description"] or one["reason"]
    return f"[{colour}]{escape(one['state'])}[/]" + (f" [dim]{escape(why)}[/]" if why else "")


def strip(probes: list[dict[str, Any]]) -> str:
    """A character for each of the last checks, and what the newest said, as markup."""
    if not probes:
        return "-"
    marks = "".join(f"[green]{PASSED}[/]" if one["ok"] else f"[red]{FAILED}[/]" for one in probes[-CHECKS_SHOWN:])
    newest = probes[-1]
    return f"{marks} [dim]{escape(newest['said'])} {newest['took_ms']:.1f} ms[/]"


def in_a_row(one: dict[str, Any]) -> str:
    """How near the target is to another state: `2 of 3 failed`; `-` where nothing leads there."""
    health = one["health"]
    if health["failures"] and one["state"] != "unhealthy":
        return f"{health['failures']} of {health['unhealthy_threshold']} failed"
    if health["successes"] and one["state"] == "unhealthy":
        return f"{health['successes']} of {health['healthy_threshold']} passed"
    return "-"


def drain(one: dict[str, Any]) -> str:
    """How many of the flows that a target had when it was deregistered it has still, as a bar, in markup."""
    draining = one["draining"]
    left, began = draining["flows_left"], draining["flows_at_start"]
    done = round(BAR * (began - left) / began) if began else BAR
    bar = f"[yellow]{'#' * done}[/]{'-' * (BAR - done)}"
    flows = f"{left:,} of {began:,} flows left" if began else "no flows"
    seconds = draining["seconds_left"]
    then = "those left move to other targets" if draining["rebalance"] else "those left stay while they are active"
    when = f"{show.span(seconds)} of the delay left, then {then}" if seconds else f"the delay is over: {then}"
    return rf"draining {escape(called(one))} \[{bar}] {flows}; {when}"
