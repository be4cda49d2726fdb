"""`gwlb account create|list|delete`: the one thing AWS's own API has no local call for."""

from __future__ import annotations

from typing import Any

from cyclopts import App

from . import client, show
from .parameters import Json, Name

app = App(name="account", help="Accounts and their access keys.")


@app.command
def create(account: str, /, *, id: str | None = None, name: Name = "gwlb", json: Json = False) -> None:
    """Make an account with an access key.

    Parameters
    ----------
    account
        What `gwlb env` will call it.
    id
        Twelve digits; chosen at random when not given.
    """
    made: dict[str, Any] = client.operator(name).post("accounts", {"name": account, "id": id})
    if json:
        show.as_json(made)
    else:
        print(f'{made["name"]} is account {made["id"]}. Use it: eval "$(gwlb env {made["name"]})"')


@app.command(name="list")
def list_(*, name: Name = "gwlb", json: Json = False) -> None:
    """List the accounts."""
    answer = client.operator(name).get("accounts")
    if json:
        show.as_json(answer)
    else:
        show.table(answer["accounts"], title="accounts")


@app.command
def delete(account: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Delete an account that owns nothing any more."""
    client.operator(name).delete(f"accounts/{account}")
    if json:
        show.as_json({"deleted": account})
    else:
        print(f"{account} is gone.")
