"""`gwlb drops`, `why` and `chaos`: what the data plane is asked beyond lists."""

from __future__ import annotations

import json as encoding
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.markup import escape

from . import client, credentials, lab, show, watching
from .parameters import Account, Json, Name, Watch
from .refusal import Refusal

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
RATE_OVER_S = 1.0
"""A rate is what was counted in this time; the answer takes as long."""
COLUMNS = ("verdict", "packets", "rate", "where", "device", "meaning")


def register(app: App) -> None:
    """Adds this module's commands."""
    app.command(_drops, name="drops")
    app.command(_why, name="why")
    app.command(_chaos, name="chaos")


def _drops(
    *,
    follow: Annotated[bool, Parameter(negative=())] = False,
    watch: Watch = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """List drops: verdict, count, packets a second, where, what it means, and the last packets that met it.

    Parameters
    ----------
    follow
        Go on, with a line for each verdict that took more packets, until interrupted. With --json one object a line.
    """
    reader = client.as_account(name, account=account)
    if follow:
        watching.require_one(follow=follow, watch=watch)
        with watching.until_interrupted():
            _follow(reader, as_json=json)
        return
    watching.answer(partial(_ask, reader), _drawn, every=watch, as_json=json, within=lambda rows: {"drops": rows})


def _follow(reader: client.Client, *, as_json: bool) -> None:
    seen: dict[tuple[str, ...], int] = {}
    while True:
        at = datetime.now().astimezone()
        for row in _ask(reader):
            key = (row["verdict"], row["where"], row["device"] or "")
            more = row["packets"] - seen.get(key, 0)
            seen[key] = row["packets"]
            if more > 0:
                _say(row | {"at": at.isoformat(timespec="seconds"), "more": more}, as_json=as_json)


def _ask(reader: client.Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = reader.get("drops", limit=1_000_000, over_s=str(RATE_OVER_S))["drops"]
    return rows


def _drawn(rows: list[dict[str, Any]]) -> RenderableType:
    drawn = [show.drawn(rows, title="drops", columns=COLUMNS)]
    with_packets = [row for row in rows if row["last"]]
    if with_packets:
        drawn.append("[bold]last packets[/]")
    for row in with_packets:
        drawn.append(f"{row['verdict']} at {row['where']}")
        drawn += [f"  {_age(one['age_s'])} ago, {one['length']} bytes: {escape(one['packet'])}" for one in row["last"]]
    return Group(*drawn)


def _say(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(encoding.dumps(row, ensure_ascii=False), flush=True)
        return
    last = f": {row['last'][0]['packet']}" if row["last"] else ""
    print(f"{row['at'][11:19]} {row['verdict']} +{row['more']} at {row['where']}{last}", flush=True)


def _age(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _why(
    source: str,
    destination: str,
    protocol: str,
    ports: str = "",
    /,
    *,
    endpoint: str | None = None,
    origin: Annotated[str | None, Parameter(name="--from")] = None,
    flags: str = "S",
    length: int = 0,
    ttl: int = 64,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> int:
    """Say what would happen to a packet, and why: the real programs run on it, nothing is sent, nothing changes.

    gwlb why 192.0.2.1 10.0.0.37 tcp 40000:80 --endpoint vpce-076bc493b822cd32f

    Parameters
    ----------
    source
        The packet's source address, IPv4 or IPv6.
    destination
        Its destination address, of the same family.
    protocol
        tcp, udp, icmp, icmpv6 or a number.
    ports
        SOURCE:DESTINATION, or the destination's alone. Only tcp and udp have any.
    endpoint
        Begin at this vpce-, as its VPC's router gives it the packet.
    origin
        Begin at this eni- or i-, or at this igw- for what comes from the internet.
    flags
        TCP's, as tcpdump writes them: S begins a connection, A goes on with one; none for none.
    length
        Of the IP packet, in bytes, 3500 at most; the headers alone when not given.
    ttl
        IPv4's TTL or IPv6's hop limit.
    """
    begin = endpoint or origin
    if begin is None or (endpoint and origin):
        raise Refusal("Say where the packet begins: --endpoint vpce-…, or --from eni-…, i-… or igw-….")
    number = protocol_number(protocol)
    if (number in (PROTOCOLS["tcp"], PROTOCOLS["udp"])) is not bool(ports):
        raise Refusal(
            f"{protocol} has no ports."
            if ports
            else f"{protocol} needs ports: SOURCE:DESTINATION, or the destination's alone."
        )
    from_port, to_port = _ports(ports)
    answer = client.as_account(name, account=account).post(
        "why",
        {
            "source": begin,
            "source_address": source,
            "destination": destination,
            "protocol": number,
            "source_port": from_port,
            "destination_port": to_port,
            "flags": "" if flags == "none" else flags,
            "length": length,
            "ttl": ttl,
        },
    )
    if json:
        show.as_json(answer)
    else:
        for number, step in enumerate(answer["steps"], start=1):
            show.console().print(f"{number:2} {step['at']}  [bold]{step['decision']}[/]: {escape(step['sentence'])}")
            if step.get("packet"):
                show.console().print(f"   [dim]{escape(step['packet'])}[/]")
        if answer["by"] == "rules":
            show.console().print("Told by AWS's routing rules: the way is not built, so no program could be asked.")
    return 0 if answer["arrives"] else 1


def _ports(text: str) -> tuple[int, int]:
    source, _, destination = text.rpartition(":")
    try:
        return int(source or 0), int(destination or 0)
    except ValueError as error:
        raise Refusal(f"{text} is no SOURCE:DESTINATION of ports.") from error


def protocol_number(text: str) -> int:
    """By its name or number. Refuses anything else."""
    if text.lower() in PROTOCOLS:
        return PROTOCOLS[text.lower()]
    if not text.isdecimal():
        raise Refusal(f"{text} is no protocol: {', '.join(PROTOCOLS)} or a number.")
    return int(text)


CHAOS_COLUMNS = ("target", "id", "kind", "seed", "share", "delay_ms", "state", "left_s", "met", "done")


def _chaos(
    target: str | None = None,
    kind: str | None = None,
    /,
    *,
    seed: int = 0,
    share: float | None = None,
    delay: int | None = None,
    period: Annotated[str, Parameter(name="--for")] = "60s",
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Make a target misbehave for a while, or stop it; without TARGET list what was asked for.

    gwlb chaos i-0123456789abcdef0 lose --share 0.2 --seed 7 --for 30s

    Parameters
    ----------
    target
        As registered (i- or an address), or its eni-.
    kind
        stall: nothing comes from it. lie-on-health: it returns nothing but answers health checks. lose, duplicate, corrupt-tlv,
        stale-cookie: done to a share of what it returns. slow: what it returns comes late. reorder: a share of it comes late and is
        passed by the rest. stop: end it now.
    seed
        The same seed does the same to the same sequence of packets.
    share
        Of what it returns, above 0 and up to 1; without it 1 for slow, else 0.3.
    delay
        For slow and reorder: how many milliseconds late, 200 and 10 without it, 60000 at most.
    period
        How long: 90, 90s, 5m or 1h. It ends by itself, also when the server is gone.
    """
    reader = client.as_account(name, account=account)
    if target is None:
        answer = reader.get("chaos")
    else:
        if kind is None:
            raise Refusal(
                "Say what the target shall do: stall, lie-on-health, lose, duplicate, corrupt-tlv, stale-cookie, slow, reorder, or stop."
            )
        asked = {"target": target, "kind": kind, "seed": seed, "for_s": _seconds(period)}
        asked |= {word: value for word, value in (("share", share), ("delay_ms", delay)) if value is not None}
        answer = reader.post("chaos", asked)
    if json:
        show.as_json(answer)
    else:
        show.table(answer["chaos"], title="chaos", columns=CHAOS_COLUMNS)


def _seconds(text: str) -> float:
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    number = text[:-1] if unit else text
    try:
        return float(number) * (unit or 1)
    except ValueError as error:
        raise Refusal(f"{text} is no time: 90, 90s, 5m or 1h.") from error
