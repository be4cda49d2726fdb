"""What is asked of the flow table, and what is found. Apart from `scan.py`, which loads numpy: the server answers before it needs that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which flows; None stands for all."""

    endpoints: frozenset[int] | None = None
    targets: frozenset[int] | None = None
    """Slots, as in `TargetEntry`."""
    verdict: str | None = None
    """By name, as `FlowVerdicts` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A bounded part of what was found."""

    total: int
    indexes: Sequence[int]
    """Of slots, the latest first."""
