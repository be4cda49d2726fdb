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
    """Of the returns, 0 to 1; `stall` and `lie-on-health` take all."""
    started: float
    until: float
    """Seconds since the epoch."""
    state: str = "starting"
    """`starting`, `running`, `ended`. Status, written by control."""
    met: int = 0
    """Packets that were considered; 0 until it ended."""
    done: int = 0
    """Of those, to how many it was done."""
