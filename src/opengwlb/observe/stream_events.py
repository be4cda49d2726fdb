"""What the stream sends, as types from which the console's own are made.

- `change`: a `StoreChange`, whose revision is the event's id.
- `traffic`: a `Traffic`, without an id, each second.
- `drop`: a `DropsBegan`, without an id.
- `reset`: the current revision, a bare number, which is the event's id too: changes are missing, so list anew.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class StoreChange(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A row of `events`."""

    revision: int
    at: float
    """Seconds since the epoch."""
    kind: str
    """The class of the stored object, such as `RouteTable`."""
    id: str
    event: Literal["written", "deleted"]
    state: str | None
    reason: str | None = None
    """Of a target: AWS's code, empty when there is nothing to say."""
    description: str | None = None


class PortTraffic(msgspec.Struct, kw_only=True, frozen=True):
    """What came in by one port of the network, as packets and bytes a second."""

    where: str
    """`eni-…`, `vpce-…` or `igw-…`: the resource whose link the port is an end of."""
    box: str
    """Which end: the box the port is in."""
    packets: float
    bytes: float
    verdicts: dict[str, float]
    """Packets a second by verdict; only those that happened."""


class FlowsMoved(msgspec.Struct, kw_only=True, frozen=True):
    """Live flows that a load balancer's node gave to another target, as theirs became unhealthy or was deregistered."""

    load_balancer: str
    """ARN."""
    zone: str
    flows: int


class Traffic(msgspec.Struct, kw_only=True, frozen=True):
    """One second of traffic."""

    at: float
    """Seconds since the epoch, at its end."""
    over_s: float
    ports: tuple[PortTraffic, ...]
    """Only those that carried something."""
    moved: tuple[FlowsMoved, ...] = ()
    """Only nodes that moved some."""


class DropsBegan(msgspec.Struct, kw_only=True, frozen=True):
    """Packets began to be dropped for a reason that took none of this port for a minute."""

    at: float
    where: str
    box: str
    verdict: str
    meaning: str
    """The verdict's sentence."""
    packets: float
    """A second."""
