"""What every example is: a lab of its own with some accounts, a story told in it, a table of what happened, and the lab gone again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from .. import client, lint, show, teardown
from ..refusal import Refusal
from . import server
from .clouds import Cloud
from .ledger import Ledger
from .waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a story is told with."""

    clouds: tuple[Cloud, ...]
    """Of the accounts, in their order."""
    lab: str
    waits: Waits
    ledger: Ledger


def main(
    description: str, *, name: str, listen: str, accounts: Sequence[str], title: str, tell: Callable[[Stage], None]
) -> int:
    """Reads the command line, tells the story, and answers the exit status: 0 when everything happened as expected."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--name", default=name, help="which lab (default: one of its own)")
    parser.add_argument("--listen", default=listen, help="where its server listens")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    asked = parser.parse_args()
    console = show.console()
    waits, ledger = Waits(console, mistakes=partial(lint.errors, asked.name)), Ledger(console)
    try:
        record = server.ensure(asked.name, listen=asked.listen, accounts=list(accounts), waits=waits)
        clouds = []
        for account in accounts:
            made = client.operator(asked.name).post("accounts", {"name": account, "id": None})
            clouds.append(Cloud(record, account=account, account_id=made["id"]))
        tell(Stage(clouds=tuple(clouds), lab=asked.name, waits=waits, ledger=ledger))
    except Refusal as refusal:
        print(f"{parser.prog}: {refusal}", file=sys.stderr)
        return refusal.status
    finally:
        if not asked.keep:
            teardown.down(asked.name, with_data=True)
    console.print(ledger.table(title))
    return 0 if ledger.ok else 1
