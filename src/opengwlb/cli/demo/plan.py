"""What the demo builds, as values: accounts, networks, rules, user data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

ENDPOINTS = Path(__file__).with_name("endpoints.py")

PARTNER = "partner"
SECURITY_VPC_NAME = "security"
SECURITY_VPC = "10.100.0.0/16"
FIREWALLS = "firewalls"
INSPECTOR = "inspector"

WEB_PORT = 80
FORBIDDEN_PORT = 23
BULK_PORT = 5001
INTERNET_PORT = 8000
FORBIDDEN_TEXT = "attack-at-dawn"
NEAR_MISS = "attack-at-dusk"
PORT_RULE = "no-telnet"
TEXT_RULE = "no-attack"

FIREWALL_RULES = f"""\
default: allow
rules:
  - {{name: {PORT_RULE}, action: deny, protocol: tcp, ports: "{FORBIDDEN_PORT}"}}
  - {{name: {TEXT_RULE}, action: deny, protocol: tcp, ports: "{WEB_PORT}", payload: {FORBIDDEN_TEXT}}}
"""
"""User data of a firewall. Only what goes to the web port is searched for the text; bulk transfer is not."""

INSPECTOR_RULES = "default: allow\nrules: []\n"

BLOCKED_TIMEOUT_S = 2.0
"""A firewall drops silently, so a client learns by waiting."""

CLIENTS = tuple(f"192.0.2.{host}" for host in range(1, 65))
"""Addresses of the internet's box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One zone of the partner's security VPC: where the load balancer stands, and where its appliances do."""

    letter: str
    balancer_subnet: str
    appliance_subnet: str


PARTNER_ZONES = (
    Zone(letter="a", balancer_subnet="10.100.1.0/24", appliance_subnet="10.100.11.0/24"),
    Zone(letter="b", balancer_subnet="10.100.2.0/24", appliance_subnet="10.100.12.0/24"),
)
FIREWALLS_PER_ZONE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An application subnet with a web server, and the endpoint subnet before it."""

    name: str
    letter: str
    application_subnet: str
    endpoint_subnet: str
    inspected_by: str = FIREWALLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    name: str
    sites: tuple[Site, ...]
    vpc: str = "10.0.0.0/16"
    """The same for all: tenants do not see each other."""


CUSTOMERS = (
    Customer(
        name="customer1",
        sites=(
            Site(name="web-a", letter="a", application_subnet="10.0.0.32/28", endpoint_subnet="10.0.0.48/28"),
            Site(name="web-b", letter="b", application_subnet="10.0.1.32/28", endpoint_subnet="10.0.1.48/28"),
        ),
    ),
    Customer(
        name="customer2",
        sites=(
            Site(name="web-b", letter="b", application_subnet="10.0.0.32/28", endpoint_subnet="10.0.0.48/28"),
            Site(
                name="bulk-b",
                letter="b",
                application_subnet="10.0.2.32/28",
                endpoint_subnet="10.0.2.48/28",
                inspected_by=INSPECTOR,
            ),
        ),
    ),
)


def accounts() -> tuple[str, ...]:
    return (PARTNER, *(customer.name for customer in CUSTOMERS))


def titles() -> dict[str, str]:
    """Every step, in the order in which `building.build` takes them: id -> title."""
    return {
        "accounts": "Three accounts: a partner and two customers",
        "partner": "The partner: firewalls behind a Gateway Load Balancer, in two zones",
        **{each.name: f"{each.name}: web servers in {each.vpc}, inspected" for each in CUSTOMERS},
        "answers": "The web servers answer the internet",
    }


def application_user_data(name: str) -> str:
    """A script that installs the application; /etc/rc.local starts it, now and at every later boot."""
    arguments = shlex.join(["serve", name, str(BULK_PORT), FORBIDDEN_TEXT, str(WEB_PORT), str(FORBIDDEN_PORT)])
    return (
        "#!/bin/sh\nset -e\nmkdir -p /srv\n"
        f"cat >/srv/endpoints.py <<'PROGRAM'\n{ENDPOINTS.read_text()}PROGRAM\n"
        "cat >/etc/rc.local <<'START'\n#!/bin/sh\n"
        f"setsid python3 /srv/endpoints.py {arguments} </dev/null >/srv/endpoints.log 2>&1 &\n"
        "START\nchmod +x /etc/rc.local\n"
    )
