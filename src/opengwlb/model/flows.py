"""What is known of live flows, as far as decisions need it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlowKind:
    """What decides the fate of a flow, apart from its tuple."""

    endpoint: int
    """The endpoint's number, as in the TLV."""
    target: int
    """The target's slot."""
    protocol: int
    """IP protocol number."""
    place: int | None = None
    """In a Maglev table: where the flow looks for its target whenever it has to choose one."""
