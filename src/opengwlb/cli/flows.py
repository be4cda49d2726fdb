"""`gwlb flows`: the live flows of a moment, or what begins and ends from now on."""

from __future__ import annotations

import json as encoding
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import RenderableType

from . import client, credentials, lab, show, watching
from .parameters import Account, Json, Name, Watch

COLUMNS = ("flow", "endpoint", "target", "zone", "why", "verdict", "state", "age", "idle", "packets", "bytes")
SAID_ONCE = ("endpoint", "target", "zone", "why", "verdict")
Verdict = Literal["encapsulated", "decapsulated", "tcp_reset_unhealthy", "tcp_reset_deregistered", "no_targets"]
EVERY_S = 1.0
"""Changes are asked for at most this often."""


def register(app: App) -> None:
    """Adds this module's command."""
    app.command(_flows, name="flows")


def _flows(
    *terms: str,
    endpoint: str | None = None,
    target: str | None = None,
    verdict: Verdict | None = None,
    follow: Annotated[bool, Parameter(negative=())] = False,
    watch: Watch = None,
    limit: int = 50,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """List live flows, the latest seen first: tuple, target and why this one, age, packets and bytes there and back.

    gwlb flows verdict:no_targets target:fw-2 port:80 10.0.0.5

    Parameters
    ----------
    terms
        Which: verdict:, target:, endpoint:, protocol:, port:, and addresses or prefixes. Every term must hold; a port or an address is that
        of either end.
    endpoint
        Only those through this vpce-.
    target
        Only those of this target: its id, its address or its instance's name.
    verdict
        Only those whose packets come so far: encapsulated (given to the target, which has returned nothing yet), decapsulated (it has),
        or whose next packet meets tcp_reset_unhealthy, tcp_reset_deregistered or no_targets.
    follow
        Go on, with a line for each flow that begins or ends, until interrupted. With --json one object a line.
    limit
        How many to list; of changes, how many a second.
    """
    reader = client.as_account(name, account=account)
    watching.require_one(follow=follow, watch=watch)
    asked: dict[str, str | int | None] = {
        "filter": shlex.join(terms) or None,
        "endpoint": endpoint,
        "target": target,
        "verdict": verdict,
        "limit": limit,
    }
    ask = partial(reader.get, "flows", **asked)
    if follow:
        _follow(reader, asked, ask(), as_json=json)
    elif json and watching.seconds(watch) is None:
        _copy(reader.stream("flows", **asked))
    else:
        watching.answer(ask, _drawn, every=watch, as_json=json)


def _copy(pieces: Iterable[bytes]) -> None:
    """To the standard output as they come: a million rows fill nobody's memory. Until nobody reads any more."""
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        watching.read_no_more()


def _drawn(answer: dict[str, Any]) -> RenderableType:
    """What is the same for all rows is said once, so that the rest fits a line."""
    rows, total = [_row(one) for one in answer["flows"]], answer["total"]
    same = [name for name in SAID_ONCE if len({row[name] for row in rows}) == 1]
    once = "".join(f", {name} {rows[0][name] or '-'}" for name in same)
    title = "flows" if len(rows) == total else f"flows: {len(rows):,} of {total:,}"
    return show.drawn(rows, title=title + once, columns=[name for name in COLUMNS if name not in same])


def _follow(reader: client.Client, asked: dict[str, str | int | None], first: dict[str, Any], *, as_json: bool) -> None:
    """Until interrupted, or until nobody reads any more."""
    with watching.until_interrupted():
        if not as_json:
            print(f"{first['total']:,} flows are live. What begins (+) and ends (-) from here on, until Ctrl-C:")
        for answer in _changes(reader, asked, since=first["at"]):
            now = datetime.now().astimezone()
            for line in _json_lines(answer, now) if as_json else _lines(answer, now):
                print(line)
            sys.stdout.flush()


def _changes(reader: client.Client, asked: dict[str, str | int | None], *, since: int) -> Iterator[dict[str, Any]]:
    while True:
        time.sleep(EVERY_S)
        start = time.monotonic()
        answer = reader.get("flows", **asked, since=since)
        since = answer["at"]
        yield answer
        # A large table takes a while to read: the server has other things to do as well.
        time.sleep(max(0.0, time.monotonic() - start - EVERY_S))


def _json_lines(answer: dict[str, Any], now: datetime) -> Iterator[str]:
    for event, name in (("began", "flows"), ("ended", "ended")):
        for row in answer[name]:
            yield encoding.dumps({"at": now.isoformat(timespec="seconds"), "event": event} | row, ensure_ascii=False)


def _lines(answer: dict[str, Any], now: datetime) -> Iterator[str]:
    at = f"{now:%H:%M:%S}"
    for row in reversed(answer["flows"]):
        where = f"to {_target(row)} ({row['why']})" if row["target"] else f"({row['why']})"
        yield f"{at} + {_tuple(row)} by {row['endpoint']} {where}"
    yield from _more(at, "+", answer["total"] - len(answer["flows"]), "began")
    for row in reversed(answer["ended"]):
        how = row["state"] or "idle"
        yield f"{at} - {_tuple(row)} {how} after {show.span(row['age_s'])}, {_both(row, 'packets')} packets"
    yield from _more(at, "-", answer["total_ended"] - len(answer["ended"]), "ended")


def _more(at: str, sign: str, count: int, verb: str) -> Iterable[str]:
    return (f"{at} {sign} {count:,} more {verb}",) if count > 0 else ()


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "flow": _tuple(one),
        "endpoint": one["endpoint"],
        "target": _target(one),
        "zone": one["zone"],
        "why": one["why"],
        "verdict": one["verdict"],
        "state": one["state"],
        "age": show.span(one["age_s"]),
        "idle": show.span(one["idle_s"]),
        "packets": _both(one, "packets"),
        "bytes": f"{_size(one['bytes_forward'])} / {_size(one['bytes_backward'])}",
    }


def _tuple(one: dict[str, Any]) -> str:
    source, destination = (_end(one[name], one[f"{name}_port"]) for name in ("source", "destination"))
    return f"{one['protocol']} {source} → {destination}"


def _end(address: str, port: int) -> str:
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _target(one: dict[str, Any]) -> str | None:
    return f"{one['target_name']} ({one['target']})" if one["target_name"] else one["target"]


def _both(one: dict[str, Any], what: str) -> str:
    """There and back."""
    return f"{one[f'{what}_forward']:,} / {one[f'{what}_backward']:,}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f}{unit}" if unit == "B" or count >= 100 else f"{count:.1f}{unit}"
        count /= 1000
    return f"{count:,.1f}TB"
