"""What of the scenario stands, by the store alone: it is the same after the server was started again, whoever built it."""

from __future__ import annotations

from collections.abc import Iterator

from opengwlb.model.account import Account
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import Vpc
from opengwlb.observe.demo_answers import DemoAddress
from opengwlb.observe.places import hosts

from . import plan

GOING = (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED)
SITES = tuple((customer, site) for customer in plan.CUSTOMERS for site in customer.sites)


def addresses(snapshot: Snapshot) -> list[DemoAddress]:
    """Of the web servers that have a public address and an endpoint, in the plan's order."""
    accounts = {one.name: one.id for one in snapshot.values(Account)}
    return [
        address
        for customer, site in SITES
        for address in _of(snapshot, customer, site, account=accounts.get(customer.name))
    ]


def missing(snapshot: Snapshot) -> list[str]:
    """`customer1/web-a` and so on: web servers of the plan that are not there, or not whole."""
    there = {(one.customer, one.name) for one in addresses(snapshot)}
    return [f"{customer.name}/{site.name}" for customer, site in SITES if (customer.name, site.name) not in there]


def begun(snapshot: Snapshot) -> bool:
    """Whether the partner has its security VPC: an account that is merely called `partner` is no demo."""
    accounts = {one.id for one in snapshot.values(Account) if one.name == plan.PARTNER}
    return any(
        one.account in accounts and one.tags.get("Name") == plan.SECURITY_VPC_NAME for one in snapshot.values(Vpc)
    )


def taken(snapshot: Snapshot) -> list[str]:
    """The names of the plan's accounts that are in use."""
    names = {one.name for one in snapshot.values(Account)}
    return [name for name in plan.accounts() if name in names]


def _of(snapshot: Snapshot, customer: plan.Customer, site: plan.Site, *, account: str | None) -> Iterator[DemoAddress]:
    for instance in snapshot.values(Instance):
        if instance.account != account or instance.tags.get("Name") != site.name or instance.state in GOING:
            continue
        endpoint = next(
            (
                one.id
                for one in snapshot.values(VpcEndpoint)
                if one.vpc == instance.vpc and one.tags.get("Name") == site.name
            ),
            None,
        )
        public = next(
            (one.public for one in hosts(snapshot, instance.private_ip) if one.interface.vpc == instance.vpc), None
        )
        if endpoint is not None and public is not None:
            yield DemoAddress(
                customer=customer.name,
                account=instance.account,
                name=site.name,
                public_address=public,
                private_address=instance.private_ip,
                instance=instance.id,
                vpc=instance.vpc,
                endpoint=endpoint,
                ruled=site.inspected_by == plan.FIREWALLS,
            )
            return
