"""What the data plane itself says about a target."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCounters:
    """Since the target has its slot (`struct target_counter` in bpf/shared/layout.h). Packets; super-packets count as their segments."""

    given: int = 0
    returned: int = 0
    awaited: int = 0
    """Of the given ones: those of flows of which the target has returned something before."""
    flows: int = 0
    """That it was given: opened, or moved to it."""
    answered: int = 0
    """Of those: of which it has returned something."""
    turns: int = 0
    """How often an awaited packet was of another flow than the one before: one flow alone proves nothing."""
    refused: int = 0
    """ICMP errors of its host: nobody there takes GENEVE."""
    last_given_ns: int = 0
    last_returned_ns: int = 0
    last_refused_ns: int = 0
    """CLOCK_MONOTONIC_COARSE; 0: never."""


class Sign(StrEnum):
    """Why a target was condemned without a health check."""

    SILENT = "silent"
    """It takes packets and returns none, while its peers return theirs."""
    REFUSED = "refused"
    """Its host answers that nobody takes GENEVE, and it returns nothing."""
    LINK_DOWN = "link-down"
    """The link of its network interface is down."""
    ENDED = "ended"
    """The instance's first process ended."""
