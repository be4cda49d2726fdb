"""`gwlb marketplace`: products with terms to accept, from the catalogue that comes with OpenGWLB and from companies' own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from . import client, credentials, images, show
from .parameters import Account, Json, Name
from .refusal import Refusal

app = App(name="marketplace", help="Appliances of others, with terms to accept.")

_COLUMNS = ("product_code", "name", "vendor", "version", "id", "accepted", "description")


@app.command(name="list")
def list_(*, account: Account = credentials.OPERATOR, name: Name = "gwlb", json: Json = False) -> None:
    """List the products, and which of them the account has accepted."""
    found = client.as_account(name, account=account).get("marketplace")
    if json:
        show.as_json(found)
        return
    show.table(found["products"], title="products", columns=_COLUMNS)
    for location in found["catalogues"]:
        print(f"catalogue: {location}")


@app.command(name="show")
def show_(product: str, /, *, account: Account = credentials.OPERATOR, name: Name = "gwlb", json: Json = False) -> None:
    """Show a product with its terms.

    Parameters
    ----------
    product
        Its code: `gwlb marketplace list` lists them.
    """
    found = _product(client.as_account(name, account=account), product)
    if json:
        show.as_json(found)
    else:
        show.table([{"what": key, "is": value} for key, value in found.items()], title=product)


@app.command
def accept(
    product: str,
    /,
    *,
    yes: Annotated[bool, Parameter(negative=())] = False,
    account: Account = credentials.OPERATOR,
    name: Name = "gwlb",
    json: Json = False,
) -> None:
    """Accept a product's terms for an account; fetch its image if it is not here yet.

    Parameters
    ----------
    product
        Its code.
    yes
        The terms are known: do not ask.
    """
    caller = client.as_account(name, account=account)
    found = _product(caller, product)
    if not yes:
        _ask(found)
    image = images.follow(caller.lines("marketplace/accept", {"product": product}, timeout_s=3600.0), quiet=json)
    if json:
        show.as_json(image)
    else:
        print(f"{account} has accepted {product}: run instances of {image['id']}.")


def _ask(product: dict[str, Any]) -> None:
    print(f"{product['name']} {product['version']} by {product['vendor']}\n\n{product['licence']}\n")
    if not sys.stdin.isatty():
        raise Refusal("Accepting these terms needs a yes: add --yes once you have read them.")
    if input("Do you accept these terms? [yes/no] ").strip().lower() != "yes":
        raise Refusal("Not accepted.")


@app.command
def add(location: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Add a catalogue, a file or a URL; again when it has changed.

    Parameters
    ----------
    location
        The catalogue: a TOML file's path, or its URL.
    """
    if "://" not in location:
        location = str(Path(location).resolve())
    found = client.operator(name).post("marketplace/catalogues/add", {"location": location})
    if json:
        show.as_json(found)
    else:
        show.table(found["products"], title=location, columns=("product_code", "name", "vendor", "version", "id"))


@app.command
def rm(location: str, /, *, name: Name = "gwlb", json: Json = False) -> None:
    """Take a catalogue away. Instances of its products go on.

    Parameters
    ----------
    location
        As it was added: the file's path, or the URL.
    """
    if "://" not in location:
        location = str(Path(location).resolve())
    done = client.operator(name).post("marketplace/catalogues/remove", {"location": location})
    if json:
        show.as_json(done)
    else:
        print(f"{done['removed']} is no longer a catalogue.")


def _product(caller: client.Client, code: str) -> dict[str, Any]:
    products = caller.get("marketplace")["products"]
    found = [one for one in products if one["product_code"] == code]
    if not found:
        known = ", ".join(sorted({one["product_code"] for one in products}))
        raise Refusal(f"There is no product {code}; there are: {known}.")
    last: dict[str, Any] = found[-1]
    return last
