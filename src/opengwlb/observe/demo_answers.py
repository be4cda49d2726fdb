"""What `demo` answers: how far the two-customer scenario is, and where its web servers are; the console's types are made from it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class DemoStep(msgspec.Struct, kw_only=True, frozen=True):
    """One of the scenario's parts."""

    id: str
    """`accounts`, `partner`, `customer1`, `customer2`, `answers`, in this order: for pages that say it in their own words."""
    title: str
    """As `gwlb demo` says it, in English."""
    state: Literal["waiting", "running", "done", "failed"]
    detail: str
    """What is waited for right now and how far it is: `the partner's appliances to run: 3 running, 2 pending`; else empty."""


class DemoAddress(msgspec.Struct, kw_only=True, frozen=True):
    """A web server of a customer, as the internet sees it."""

    customer: str
    account: str
    """12 digits."""
    name: str
    public_address: str
    private_address: str
    instance: str
    vpc: str
    endpoint: str
    """The `vpce-…` that its traffic goes through."""
    ruled: bool
    """Whether firewalls with rules inspect it, or a mere inspector that lets all pass."""


class DemoTraffic(msgspec.Struct, kw_only=True, frozen=True):
    """Requests that were sent from the internet, the last time it was asked for."""

    seconds_left: float
    """0 when it has ended."""
    answered: int
    """Requests that the rules allow, and that got their answer."""
    blocked: int
    """Requests that the rules forbid, and that got none."""
    unexpected: int
    """Requests that went otherwise than the rules say: 0 when all is well."""


class DemoAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """`GET` and `POST /_gwlb/v1/demo`, and `POST /_gwlb/v1/demo/traffic`."""

    state: Literal["none", "building", "ready", "failed"]
    steps: list[DemoStep]
    error: str | None
    """Of `failed`: what went wrong and what to do, in a sentence or two."""
    addresses: list[DemoAddress]
    traffic: DemoTraffic | None
    """None when none was asked for since the server started."""


class DemoTrafficAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /_gwlb/v1/demo/traffic`: for how long."""

    seconds: Annotated[float, msgspec.Meta(ge=1, le=120)] = 30.0
