"""The main job, in order: server, accounts, partner, customers, traffic, walks, table. Leaves the lab running."""

from __future__ import annotations

import sys
import time
from functools import partial

from rich.console import Console

from .. import client, credentials, lint, show
from ..console import link
from ..lab import ServerRecord
from . import building, next_steps, plan, server
from .building import Built
from .evidence import Logs
from .internet import Internet
from .ledger import Ledger
from .traffic import Traffic
from .waits import Waits
from .watching import Watching


def run(*, name: str, listen: str, bulk_mib: int, as_json: bool) -> int:
    """0 when everything was as it should be. `as_json`: the story goes to standard error, its outcome to standard output."""
    began = time.monotonic()
    console = show.console(stderr=as_json)
    waits, ledger = Waits(console, mistakes=partial(lint.errors, name)), Ledger(console)
    console.print("[bold]The server[/]")
    record = server.ensure(name, listen=listen, accounts=plan.accounts(), waits=waits)
    built = building.build(
        record,
        waits=waits,
        begin=lambda step: ledger.section(plan.titles()[step]),
        made=lambda account, number: console.print(f"  [green]✓[/] account {account} is {number}"),
    )
    _traffic(record, built, ledger=ledger, bulk_mib=bulk_mib)
    console.print()
    console.print(ledger.table())
    steps = next_steps.lines(name, services=built.services, webs=built.webs)
    if as_json:
        outcome = {
            "ok": ledger.ok,
            "outcomes": ledger.as_dicts(),
            "next_steps": steps,
            "endpoint": record.endpoint,
            "console": link(name, account=credentials.OPERATOR),
        }
        show.as_json(outcome)
    else:
        _farewell(console, name=name, steps=steps, seconds=time.monotonic() - began)
    return 0 if ledger.ok else 1


def _traffic(record: ServerRecord, built: Built, *, ledger: Ledger, bulk_mib: int) -> None:
    internet = Internet(record.name)
    webs = built.webs
    firewalls = built.services[plan.FIREWALLS].appliances
    inspected = [web for web in webs if web.site.inspected_by == plan.FIREWALLS]
    traffic = Traffic(internet, logs=Logs(built.clouds[plan.PARTNER], appliances=firewalls), ledger=ledger)
    operator = client.operator(record.name)
    watching = Watching(operator, internet=internet, ledger=ledger, console=ledger.console, appliances=firewalls)

    ledger.section("Traffic through the firewalls")
    with watching.spread(inspected, connections=len(plan.CLIENTS) * len(plan.CUSTOMERS)):
        traffic.connections(inspected)
    for web in inspected:
        traffic.ping(web)
        traffic.outbound(web)
    traffic.forbidden(inspected[0])

    ledger.section("One connection of each customer, step by step")
    first_of = {web.customer: web for web in reversed(inspected)}
    for name in sorted(first_of):
        walk, packets = watching.walk(first_of[name])
        if walk is not None and name == inspected[0].customer:
            watching.tcpdump(walk, packets=packets)

    ledger.section("Bulk: through the user-space firewall, and through the in-kernel inspector")
    for web in (inspected[0], next(web for web in webs if web.site.inspected_by == plan.INSPECTOR)):
        traffic.bulk(web, size=bulk_mib << 20)


def _farewell(console: Console, *, name: str, steps: list[str], seconds: float) -> None:
    console.print(f"The lab keeps running ({seconds:.0f} s so far). Try next:\n")
    for line in steps:
        print(f"  {line}", file=console.file or sys.stdout)
    console.print("\nThe console, logged in (the link works for five minutes; `gwlb console` makes a new one):\n")
    print(f"  {link(name, account=credentials.OPERATOR)}", file=console.file or sys.stdout)
    console.print(f"\n`{server.way_down(name)}` takes it away. The server's log is {server.log_file(name)}.")
