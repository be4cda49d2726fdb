"""`gwlb flow-logs`: what a flow log delivered, line by line, and delivering before the minute is over."""

from __future__ import annotations

import json as encoding
import os
import sys
import time
from typing import Any

from cyclopts import App

from . import client, credentials, lab, show
from .parameters import Account, Json, Name

app = App(
    name="flow-logs", help="Read what VPC flow logs delivered. They are made with AWS's API: aws ec2 create-flow-logs."
)
EVERY_S = 1.0


@app.command(name="tail")
def tail(
    flow_log: str,
    /,
    *,
    follow: bool = False,
    limit: int = 20,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Print the last lines of a flow log, as they were delivered.

    gwlb flow-logs tail fl-0123456789abcdef0 --follow

    Parameters
    ----------
    flow_log
        Its id, fl-….
    follow
        Go on with each line that is delivered, until interrupted. With --json one object a line.
    limit
        How many lines to begin with.
    """
    reader = client.as_account(name, account=account)
    answer = reader.get("flow-logs", id=flow_log, limit=limit)
    if answer["error"]:
        print(f"gwlb: the last delivery failed: {answer['error']}", file=sys.stderr)
    if json and not follow:
        show.as_json(answer)
        return
    try:
        _say(answer, as_json=json)
        while follow:
            time.sleep(EVERY_S)
            answer = reader.get("flow-logs", id=flow_log, since=answer["at"], limit=100_000)
            _say(answer, as_json=json)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Nobody reads any more; what is left to be written at the end must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command(name="flush")
def flush(*, account: Account = credentials.OPERATOR, name: Name = lab.DEFAULT_NAME, json: Json = False) -> None:
    """Deliver what was gathered so far now, instead of at the end of the interval: as the operator of all accounts."""
    answer = client.as_account(name, account=account).post("flow-logs/flush", {})
    if json:
        show.as_json(answer)
    else:
        print(f"Delivered {answer['lines']:,} lines.")


def _say(answer: dict[str, Any], *, as_json: bool) -> None:
    for event in answer["events"]:
        print(encoding.dumps(event, ensure_ascii=False) if as_json else event["message"])
    sys.stdout.flush()
