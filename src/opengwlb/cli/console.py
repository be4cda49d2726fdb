"""`gwlb console`: the console's address with a link that logs in, so that nobody copies keys into a browser."""

from __future__ import annotations

import sys
import time
from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from . import credentials, lab, show
from .parameters import Json, Name
from .refusal import Refusal


def register(app: App) -> None:
    app.command(console)


def console(
    *,
    account: str = credentials.OPERATOR,
    open_: Annotated[bool, Parameter(name="--open", negative=())] = False,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Print a link to the console that logs in. It can be used for five minutes; the session then lasts for a working day.

    Parameters
    ----------
    account
        Whom to log in: an account's name, or operator, who may enter every account.
    open_
        Open it in this machine's browser too.
    """
    found = link(name, account=account)
    if json:
        show.as_json({"url": found})
    else:
        print(found)
    if open_:
        import webbrowser

        if not webbrowser.open(found):
            raise Refusal("No browser was found here: open the link yourself.")
        print("Opened in the browser.", file=sys.stderr)


def link(name: str, *, account: str) -> str:
    """Of the running server of this name. Refuses when there is none, or no such account."""
    from opengwlb.console.sessions import login_token

    server = lab.require_running(name)
    key = credentials.profile(lab.data_dir_of(name), name=account)
    token = login_token(key.access_key, key.secret_key, now_s=time.time())
    return f"{server.endpoint}/console/#token={quote(token)}"
