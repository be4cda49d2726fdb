"""A target that is made to misbehave on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    STALL = "stall"
    """Nothing comes from it any more, health checks included."""
    LIE_ON_HEALTH = "lie-on-health"
    """It returns nothing, and answers health checks as if it did."""
    LOSE = "lose"
    """Some returns are lost."""
    DUPLICATE = "duplicate"
    """Some packets are returned twice."""
    CORRUPT_TLV = "corrupt-tlv"
    """Some returns have a GENEVE option that cannot be read."""
    STALE_COOKIE = "stale-cookie"
    """Some returns carry the cookie of an earlier flow."""
    SLOW = "slow"
    """Returns come late, in their order."""
    REORDER = "reorder"
    """Some returns come late, the others pass them."""


WHOLE = frozenset({Kind.STALL, Kind.LIE_ON_HEALTH})
"""They take all."""
HOLDS = frozenset({Kind.SLOW, Kind.REORDER})
"""They have a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """At most one for each network interface; the last one stays until the interface goes, so that its counts can be read."""

    id: str
    """The target's `eni-…`."""
    account: str
    target: str
    """As registered."""
    kind: Kind
    seed: int
    share: float
    """Of the returns, 0 to 1; 1 for the kinds that take all."""
    delay_ms: int = 0
    """For which a packet is held back; 0 for the kinds that hold none."""
    started: float
    until: float
    """Seconds since the epoch."""
    state: str = "starting"
    """`starting`, `running`, `ended`. Status, written by control."""
    met: int = 0
    """Packets that were considered; 0 until it ended."""
    done: int = 0
    """Of those, to how many it was done."""
