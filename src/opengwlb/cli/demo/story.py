"""The main job, in order: server, accounts, partner, customers, traffic, walks, table. Leaves the lab running."""

from __future__ import annotations

import sys
import time
from functools import partial

from rich.console import Console

from .. import client, lint, show
from ..lab import ServerRecord
from . import customer, next_steps, partner, plan, server
from .clouds import Cloud
from .customer import Web
from .evidence import Logs
from .internet import Internet
from .ledger import Ledger
from .partner import Service
from .traffic import Traffic
from .waits import Waits
from .watching import Watching


def run(*, name: str, listen: str, bulk_mib: int, as_json: bool) -> int:
    """0 when everything was as it should be. `as_json`: the story goes to standard error, its outcome to standard output."""
    began = time.monotonic()
    console = show.console(stderr=as_json)
    waits, ledger = Waits(console, mistakes=partial(lint.errors, name)), Ledger(console)
    names = [plan.PARTNER, *(each.name for each in plan.CUSTOMERS)]
    console.print("[bold]The server[/]")
    record = server.ensure(name, listen=listen, accounts=names, waits=waits)
    clouds = _accounts(record, names=names, console=console)
    services, webs = _build(clouds, waits=waits, ledger=ledger)
    _traffic(record, clouds, services=services, webs=webs, waits=waits, ledger=ledger, bulk_mib=bulk_mib)
    console.print()
    console.print(ledger.table())
    steps = next_steps.lines(name, services=services, webs=webs)
    if as_json:
        outcome = {"ok": ledger.ok, "outcomes": ledger.as_dicts(), "next_steps": steps, "endpoint": record.endpoint}
        show.as_json(outcome)
    else:
        _farewell(console, name=name, steps=steps, seconds=time.monotonic() - began)
    return 0 if ledger.ok else 1


def _accounts(record: ServerRecord, *, names: list[str], console: Console) -> dict[str, Cloud]:
    operator = client.operator(record.name)
    clouds = {}
    for name in names:
        made = operator.post("accounts", {"name": name, "id": None})
        clouds[name] = Cloud(record, account=name, account_id=made["id"])
        console.print(f"  [green]✓[/] account {name} is {made['id']}")
    return clouds


def _build(clouds: dict[str, Cloud], *, waits: Waits, ledger: Ledger) -> tuple[dict[str, Service], list[Web]]:
    """Everything through AWS's own API, each account with its own key."""
    ledger.section("The partner: firewalls behind a Gateway Load Balancer, in two zones")
    customers = [clouds[each.name] for each in plan.CUSTOMERS]
    services = partner.build(clouds[plan.PARTNER], customers=customers, waits=waits)
    webs = []
    for each in plan.CUSTOMERS:
        ledger.section(f"{each.name}: web servers in {each.vpc}, inspected")
        webs += customer.build(clouds[each.name], each, services=services, waits=waits)
    return services, webs


def _traffic(
    record: ServerRecord,
    clouds: dict[str, Cloud],
    *,
    services: dict[str, Service],
    webs: list[Web],
    waits: Waits,
    ledger: Ledger,
    bulk_mib: int,
) -> None:
    internet = Internet(record.name)
    for web in webs:
        waits.until(f"{web.title} to answer at {web.public_ip}", partial(_greets, internet, web), timeout_s=60)
    firewalls = services[plan.FIREWALLS].appliances
    inspected = [web for web in webs if web.site.inspected_by == plan.FIREWALLS]
    traffic = Traffic(internet, logs=Logs(clouds[plan.PARTNER], appliances=firewalls), ledger=ledger)
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


def _greets(internet: Internet, web: Web) -> tuple[bool, str]:
    answer = internet.request(web.public_ip, source=plan.CLIENTS[0])
    return f"{web.title} greets" in answer["reply"], answer["reply"].rpartition("\n\r\n")[2].strip() or answer["error"]


def _farewell(console: Console, *, name: str, steps: list[str], seconds: float) -> None:
    console.print(f"The lab keeps running ({seconds:.0f} s so far). Try next:\n")
    for line in steps:
        print(f"  {line}", file=console.file or sys.stdout)
    console.print(f"\n`make down` takes it away. The server's log is {server.log_file(name)}.")
