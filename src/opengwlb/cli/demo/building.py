"""The scenario itself, step by step: accounts, the partner, the customers. `gwlb demo` builds it, and so does the server when asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from .. import client
from ..lab import ServerRecord
from . import customer, partner, plan
from .clouds import Cloud
from .customer import Web
from .internet import Internet
from .partner import Service
from .waits import Waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    clouds: Mapping[str, Cloud]
    """By account."""
    services: Mapping[str, Service]
    """`plan.FIREWALLS`, `plan.INSPECTOR`."""
    webs: tuple[Web, ...]


def build(
    record: ServerRecord,
    *,
    waits: Waits,
    begin: Callable[[str], None],
    made: Callable[[str, str], None] = lambda name, account_id: None,
) -> Built:
    """Everything through AWS's own API, each account with its own key.

    `begin` is told the id of each step of `plan.titles` as it begins, `made` each account's name and id. Refuses, or raises the client's
    errors, where it stops; what was built stays.
    """
    begin("accounts")
    clouds = {}
    operator = client.operator(record.name)
    for name in plan.accounts():
        account_id = operator.post("accounts", {"name": name, "id": None})["id"]
        clouds[name] = Cloud(record, account=name, account_id=account_id)
        made(name, account_id)
    begin("partner")
    customers = [clouds[each.name] for each in plan.CUSTOMERS]
    services = partner.build(clouds[plan.PARTNER], customers=customers, waits=waits)
    webs: list[Web] = []
    for each in plan.CUSTOMERS:
        begin(each.name)
        webs += customer.build(clouds[each.name], each, services=services, waits=waits)
    begin("answers")
    internet = Internet(record.name)
    for web in webs:
        waits.until(f"{web.title} to answer at {web.public_ip}", partial(_greets, internet, web), timeout_s=60)
    return Built(clouds=clouds, services=services, webs=tuple(webs))


def _greets(internet: Internet, web: Web) -> tuple[bool, str]:
    answer = internet.request(web.public_ip, source=plan.CLIENTS[0])
    return f"{web.title} greets" in answer["reply"], answer["reply"].rpartition("\n\r\n")[2].strip() or answer["error"]
