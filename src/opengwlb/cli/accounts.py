"""`gwlb account create|list|delete|keys|quota`: what AWS's own API has no local call for."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from . import client, show
from .parameters import Json, Name
from .refusal import Refusal

app = App(name="account", help="Accounts, their access keys and their quotas.")
keys = App(name="keys", help="The access keys of an account.")
app.command(keys)


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
def delete(
    account: str, /, *, force: Annotated[bool, Parameter(negative=())] = False, name: Name = "gwlb", json: Json = False
) -> None:
    """Delete an account that owns nothing any more.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    force
        Delete everything that it owns along with it: load balancers, instances, VPCs and all the rest.
    """
    answer = client.operator(name).delete(f"accounts/{account}", query=[("force", "true")] if force else [])
    if json:
        show.as_json(answer)
    else:
        also = f", and {answer['objects']} objects that it had" if answer["objects"] else ""
        print(f"{answer['deleted']} is gone{also}.")


@keys.command(name="list")
def list_keys(account: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """List an account's access keys.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    """
    answer = client.operator(name).get(f"accounts/{account}/keys")
    if json:
        show.as_json(answer)
    else:
        show.table(answer["access_keys"], title=f"access keys of {account}")


@keys.command(name="create")
def create_key(account: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Make one more access key and print it, with its secret: it is shown this once.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    """
    made = client.operator(name).post(f"accounts/{account}/keys", {})
    if json:
        show.as_json(made)
    else:
        print(f"AWS_ACCESS_KEY_ID={made['access_key']}\nAWS_SECRET_ACCESS_KEY={made['secret_key']}")


@keys.command
def deactivate(account: str, key: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Let a key sign no more, until it is activated again.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    key
        The access key's id: `gwlb account keys list` lists them.
    """
    _status(account, key, active=False, name=name, json=json)


@keys.command
def activate(account: str, key: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Let a key sign again.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    key
        The access key's id: `gwlb account keys list` lists them.
    """
    _status(account, key, active=True, name=name, json=json)


@keys.command(name="delete")
def delete_key(account: str, key: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Delete an access key: requests that it signed are refused from now on.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    key
        The access key's id: `gwlb account keys list` lists them.
    """
    answer = client.operator(name).delete(f"accounts/{account}/keys/{key}")
    if json:
        show.as_json(answer)
    else:
        print(f"{answer['deleted']} is gone.")


@app.command
def quota(
    account: str,
    quota: str | None = None,
    value: int | None = None,
    /,
    *,
    name: Name = "gwlb",
    json: Json = False,
) -> None:
    """Show an account's quotas, or change one; what it has already stays.

    Parameters
    ----------
    account
        Its name or its twelve digits.
    quota
        Which one; all are shown when not given.
    value
        The new number, in every region.
    """
    operator, path = client.operator(name), f"accounts/{account}/quotas"
    if quota is not None and value is not None:
        changed = operator.post(path, {"name": quota, "value": value})
        if json:
            show.as_json(changed)
        else:
            print(f"{account} may have {changed['value']} {changed['name']} (AWS's default: {changed['default']}).")
        return
    rows = [row for row in operator.get(path)["quotas"] if quota in (None, row["name"])]
    if not rows:
        raise Refusal(f"There is no quota {quota}: `gwlb account quota {account}` lists them.")
    if json:
        show.as_json({"quotas": rows})
    else:
        show.table(rows, title=f"quotas of {account}")


def _status(account: str, key: str, *, active: bool, name: str, json: bool) -> None:
    answer = client.operator(name).post(f"accounts/{account}/keys/{key}", {"active": active})
    if json:
        show.as_json(answer)
    else:
        print(f"{answer['access_key']} is {answer['status'].lower()}.")
