"""What `reach` answers, as types: both directions of a connection hop by hop, what stops it, and whether both meet one appliance."""

from __future__ import annotations

from typing import Literal

import msgspec

Direction = Literal["forward", "back"]
Page = Literal[
    "route-table",
    "security-group",
    "network-acl",
    "target-group",
    "endpoint",
    "load-balancer",
    "instance",
    "network-interface",
    "vpc",
]
"""Where in the console a fix is made."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one box does with the packet."""

    at: str
    """The id of what decides here: `eni-…`, `vpce-…`, `igw-…`, `i-…`; of a rule that is told without programs also `rtb-…`, `vpc-…`."""
    decision: str
    """The verdict's name; `returned` and `delivered` where no program decides; `routed` where rules were asked alone."""
    sentence: str
    """In the language asked for."""
    packet: str = ""
    """As it was when it came here, in a line."""
    blocked: bool = False
    """True for a direction's last step when the packet ended there."""
    route_table: str | None = None
    """That the router asked here."""
    to: str | None = None
    """What it gave the packet to."""
    target: str | None = None
    """The appliance that an endpoint chose; None for who may not know it."""
    address: str | None = None
    zone: str | None = None
    """The appliance's."""
    chosen: Literal["flow", "maglev", "fail-open"] | None = None
    """Why that one: its flow was known, by its hash, or by its hash among targets none of which is healthy."""
    cookie: str | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One direction."""

    arrives: bool
    steps: tuple[Step, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What refuses the packet."""

    resource: str
    rule: str
    """`10.0.0.32/28 → local`, `entry 100`, `*`, `no inbound rule for tcp 80 from 192.0.2.1`."""


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """What would let it through."""

    resource: str
    field: str
    """The member of AWS's API: `Routes`, `IpPermissions`, `Entries`, `SourceDestCheck`, `Targets`."""
    page: Page
    command: str = ""
    """An AWS CLI command; empty where it takes a decision."""


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    direction: Direction
    step: int
    """Index into that direction's steps."""
    verdict: str
    sentence: str
    by: Rule | None
    """None where nothing that somebody configured is the cause."""
    fix: Fix | None


class Appliance(msgspec.Struct, frozen=True, kw_only=True):
    """The last one that a direction meets on its way; what the asker may not know is None."""

    target: str | None
    address: str | None
    zone: str | None
    endpoint: str
    cookie: str


class Appliances(msgspec.Struct, frozen=True, kw_only=True):
    forward: Appliance | None
    back: Appliance | None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /_gwlb/v1/reach`."""

    by: Literal["programs", "rules"]
    """`rules`: the way is not built (or the server carries no packets), so that only AWS's routing rules could be asked."""
    forward: Way
    back: Way | None
    """None when `forward` does not arrive: nobody answers what never came."""
    blocked: Blocked | None
    """The first place where it ends; None when both directions arrive."""
    appliances: Appliances
    symmetric: bool | None
    """Whether both directions meet the same flow at the same appliance. None where that cannot be said: no endpoint is on the way
    (`by_passes`), or a direction ends before its endpoint."""
    by_passes: bool
    """Whether a direction that arrives passed no appliance."""
    sentence: str
    """The outcome, in the language asked for."""
