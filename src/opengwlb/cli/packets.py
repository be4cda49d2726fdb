"""`gwlb walk`, `reach` and `capture`: packets on their way, the ways they have, and a file of them for Wireshark."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from opengwlb.observe import pcapng
from opengwlb.policy.lint import Language

from . import client, credentials, lab, show
from .asking import protocol_number
from .parameters import Account, Json, Name

WAIT_BEYOND_S = 10.0
"""How much longer than it was told to take an answer is waited for."""


def register(app: App) -> None:
    """Adds this module's commands."""
    app.command(_walk, name="walk")
    app.command(_reach, name="reach")
    app.command(_capture, name="capture")


def _walk(
    *,
    endpoint: str | None = None,
    client: str | None = None,
    server: str | None = None,
    port: int | None = None,
    client_port: int | None = None,
    protocol: str | None = None,
    live: Annotated[bool, Parameter(negative=())] = False,
    show_bytes: Annotated[bool, Parameter(name="--bytes", negative=())] = False,
    wait_s: int = 20,
    language: Language = "en",
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> int:
    """Follow a connection through every box, there and back: the next one, or with --live one that is there.

    Parameters
    ----------
    endpoint
        Only through this vpce-.
    client
        Only from this address, IPv4 or IPv6.
    server
        Only to this address: private, public or IPv6.
    port
        Only to this port.
    client_port
        Only from this port, also in the middle of the connection: as `gwlb flows` shows it.
    protocol
        tcp, udp, icmp, icmpv6 or a number.
    live
        Any packet will do, not only a connection's first.
    show_bytes
        Take the packet apart at every place, header by header.
    wait_s
        How many seconds to wait for it.
    language
        en or ko.
    """
    from opengwlb.observe import walk_text, walk_tree

    asked: dict[str, Any] = {"endpoint": endpoint, "client": client, "server": server, "port": port}
    asked |= {"client_port": client_port, "protocol": protocol_number(protocol) if protocol is not None else None}
    given = {key: value for key, value in asked.items() if value is not None}
    given |= {"live": live, "wait_s": wait_s, "language": language}
    asker = _asker(name, account)
    if not json:
        print(f"Waiting up to {wait_s} s for {'packets' if live else 'a connection'} …", file=sys.stderr)
    answer = asker.post("walk", given, timeout_s=wait_s + WAIT_BEYOND_S)
    if json:
        show.as_json(answer)
    else:
        walk = walk_text.from_json(answer)
        show.console().print(walk_text.render(walk))
        if show_bytes:
            show.console().print(walk_tree.render(walk))
    return 0 if answer["ok"] else 1


def _asker(name: str, account: str) -> client.Client:
    return client.as_account(name, account=account)


def _reach(
    source: str,
    destination: str,
    protocol: str = "tcp",
    port: int = 0,
    /,
    *,
    source_address: str | None = None,
    source_port: int | None = None,
    language: Language = "en",
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> int:
    """Say whether two ends reach each other, both ways, by the real programs; what stops them, and what would mend it.

    gwlb reach igw-0123456789abcdef0 i-0123456789abcdef0 tcp 443

    Parameters
    ----------
    source
        An i- or eni-, or an igw- for who is in the internet.
    destination
        An address, or an i-.
    protocol
        tcp, udp, icmp, icmpv6 or a number.
    port
        The destination's.
    source_address
        Of who is in the internet; one of a documentation network when not given.
    source_port
        Some port when not given.
    language
        en or ko.
    """
    asked: dict[str, Any] = {"source": source, "destination": destination, "protocol": protocol_number(protocol)}
    asked |= {"destination_port": port, "source_address": source_address, "source_port": source_port}
    given = {key: value for key, value in asked.items() if value is not None} | {"language": language}
    answer = _asker(name, account).post("reach", given)
    if json:
        show.as_json(answer)
    else:
        _draw(answer)
    return 0 if answer["blocked"] is None else 1


def _draw(answer: dict[str, Any]) -> None:
    console = show.console()
    for direction in ("forward", "back"):
        if (way := answer[direction]) is None:
            continue
        console.print(f"[bold]{direction}[/]")
        for number, step in enumerate(way["steps"], start=1):
            colour = "red" if step["blocked"] else "green" if step["target"] else "default"
            said = escape(step["sentence"])
            console.print(f"{number:2} {step['at']}  [bold {colour}]{step['decision']}[/]: {said}", soft_wrap=True)
    blocked = answer["blocked"]
    console.print(f"[bold {'red' if blocked else 'green'}]{escape(answer['sentence'])}[/]", soft_wrap=True)
    if blocked is not None and blocked["by"] is not None:
        console.print(f"  {escape(blocked['by']['resource'])}: {escape(blocked['by']['rule'])}", soft_wrap=True)
    if blocked is not None and blocked["fix"] is not None:
        fix = blocked["fix"]
        console.print(f"  [dim]{escape(fix['command'] or fix['resource'] + ' ' + fix['field'])}[/]", soft_wrap=True)
    if answer["by"] == "rules":
        console.print("Told by AWS's routing rules: the way is not built, so no program could be asked.")


def _capture(
    place: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=("--output", "-o"))],
    seconds: float = 10.0,
    packets: int = 10_000,
    host: str | None = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Write the packets of a place into a file for Wireshark, each with its flow, target and verdict as a comment.

    gwlb capture vpce-076bc493b822cd32f -o endpoint.pcapng

    Parameters
    ----------
    place
        An eni-, vpce- or igw-, an i- (its interfaces), a vpc- (all ports of its router), a load balancer's or a target group's ARN.
    output
        The file; it is overwritten.
    seconds
        For how long, 60 at most.
    packets
        How many at most.
    host
        Only from and to this address, also inside GENEVE.
    """
    asker = _asker(name, account)
    query: dict[str, str | int | None] = {"port": place, "seconds": str(seconds), "packets": packets, "host": host}
    pieces = asker.download("captures", query, timeout_s=seconds + WAIT_BEYOND_S)
    console = show.console(stderr=True)
    began, found, size, rest = time.monotonic(), 0, 0, b""
    bar = Progress(
        BarColumn(), TextColumn("{task.description}"), console=console, disable=json or not console.is_terminal
    )
    # Asked before the file is opened: a refusal leaves what is there alone.
    first = next(pieces, b"")
    with output.open("wb") as file, bar:
        task = bar.add_task("", total=seconds)
        for piece in itertools.chain([first], pieces):
            file.write(piece)
            more, rest = pcapng.count(rest + piece)
            found, size = found + more, size + len(piece)
            passed = time.monotonic() - began
            said = f"{found:,} packets, {max(0.0, seconds - passed):.0f} s left"
            bar.update(task, completed=min(passed, seconds), description=said)
    if json:
        show.as_json({"file": str(output), "packets": found, "bytes": size})
    else:
        print(f"{output}: {found:,} packets, {size:,} bytes.")
