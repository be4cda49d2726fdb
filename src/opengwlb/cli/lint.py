"""`gwlb lint`: the classic mistakes in a design, each with the field that causes it and the command that mends it."""

from __future__ import annotations

import os
import sys
from typing import Any, Literal

from cyclopts import App
from rich.markup import escape

from . import client, credentials, lab, show
from .parameters import Account, Json, Name

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}
FAILED = 1
"""Exit code when packets are lost or by-pass inspection: for use in CI."""
NOTHING = {"en": "No mistakes found.", "ko": "발견된 실수가 없습니다."}


def register(app: App) -> None:
    app.command(lint)


def lint(
    *,
    language: Literal["en", "ko"] | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Look for the classic mistakes in what is configured. Changes nothing. Exit code 1 when there is an error.

    Parameters
    ----------
    language
        en or ko; that of the terminal when not given.
    """
    spoken = language or ("ko" if os.environ.get("LANG", "").startswith("ko") else "en")
    found = _found(name, account=account, language=spoken)
    if json:
        show.as_json(found)
    else:
        _print(found, nothing=NOTHING[spoken])
    if any(one["severity"] == "error" for one in found):
        sys.exit(FAILED)


def _found(name: str, *, account: str, language: str) -> list[dict[str, Any]]:
    return list(client.as_account(name, account=account).get("lint", language=language)["findings"])


def errors(name: str) -> list[str]:
    """What loses packets in the lab of this name: a sentence each, and the command that mends it. Refuses when no server runs."""
    found = _found(name, account=credentials.OPERATOR, language="en")
    return [
        f"{one['sentence']} {one['fix'] and 'To mend it: ' + one['fix']}".strip()
        for one in found
        if one["severity"] == "error"
    ]


def _print(found: list[dict[str, Any]], *, nothing: str) -> None:
    console = show.console()
    if not found:
        console.print(f"[green]{nothing}[/]")
    for one in found:
        colour = COLOURS[one["severity"]]
        console.print(
            f"[{colour} bold]{one['severity']}[/] {escape(one['resource'])} [dim]{one['field']} ({one['code']})[/]"
        )
        console.print(f"  {escape(one['sentence'])}", soft_wrap=True)
        if one["fix"]:
            console.print(f"  [dim]{escape(one['fix'])}[/]", soft_wrap=True)
