"""`gwlb plan …`: what a change would do to the flows that are live now, before it is made. Nothing is changed."""

from __future__ import annotations

from typing import Any, Literal

from cyclopts import App
from rich.markup import escape

from . import client, credentials, lab, show
from .parameters import Account, Json, Name
from .refusal import Refusal

app = App(
    name="plan", help="Say which live flows would stay, move or break if something were changed. Changes nothing."
)

TARGETS = ("target", "zone", "state", "flows", "stay", "move", "break", "move to")


@app.command
def deregister(
    *targets: str,
    target_group: str | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Targets leave their target group.

    Parameters
    ----------
    targets
        As registered: instance ids or addresses.
    target_group
        Name or ARN, when they are in several.
    """
    if not targets:
        raise Refusal("Say which targets: instance ids or addresses, as registered.")
    _ask("deregister", ",".join(targets), name, account, as_json=json, target_group=target_group)


@app.command(name="disable-zone")
def disable_zone(
    zone: str,
    /,
    *,
    load_balancer: str | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Every target of a zone leaves: AWS does not let a zone itself be taken from a Gateway Load Balancer.

    Parameters
    ----------
    zone
        Such as ap-northeast-2a.
    load_balancer
        Name or ARN, when there are several.
    """
    _ask("disable-zone", zone, name, account, as_json=json, load_balancer=load_balancer)


@app.command
def stickiness(
    kind: Literal["off", "source_ip_dest_ip_proto", "source_ip_dest_ip"],
    /,
    *,
    target_group: str | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """A target group's stickiness becomes another.

    Parameters
    ----------
    kind
        AWS's stickiness.type, or off for the 5-tuple.
    target_group
        Name or ARN, when there are several.
    """
    _ask("stickiness", kind, name, account, as_json=json, target_group=target_group)


@app.command(name="cross-zone")
def cross_zone(
    state: Literal["on", "off"],
    /,
    *,
    load_balancer: str | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """A load balancer begins or ceases to use targets of other zones.

    Parameters
    ----------
    state
        on: targets of every zone take its flows. off: those of the flow's own zone alone.
    load_balancer
        Name or ARN, when there are several.
    """
    _ask("cross-zone", state, name, account, as_json=json, load_balancer=load_balancer)


def _ask(change: str, value: str, name: str, account: str, *, as_json: bool, **where: str | None) -> None:
    answer: dict[str, Any] = client.as_account(name, account=account).get("plan", change=change, value=value, **where)
    if as_json:
        show.as_json(answer)
        return
    out = show.console()
    counts = answer["summary"]
    out.print(f"[bold]{counts['stay']:,} flows stay, {counts['move']:,} move, {counts['break']:,} break.[/]")
    for reason in answer["reasons"]:
        out.print(escape(reason))
    for row in answer["targets"]:
        row["move to"] = ", ".join(f"{count:,} {target}" for target, count in row["to"].items())
    show.table(answer["targets"], title="live flows by target", columns=TARGETS)
    show.table(answer["new_flows"], title="new flows by zone", columns=("zone", "now", "then"))
