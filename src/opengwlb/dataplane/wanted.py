"""What is asked of the flow table, and what is found. Apart from `scan.py`, which loads numpy: the server answers before it needs that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which flows; None stands for all."""

    endpoints: frozenset[int] | None = None
    targets: frozenset[int] | None = None
    """Slots, as in `TargetEntry`."""
    verdict: str | None = None
    """By name, as `FlowVerdicts` has them."""
    protocol: int | None = None
    port: int | None = None
    """Of either end."""
    addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    """Each holds an end of the flow."""

    @property
    def asks_for_ends(self) -> bool:
        """Whether the flows' tuples decide too."""
        return self.protocol is not None or self.port is not None or bool(self.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A bounded part of what was found."""

    total: int
    indexes: Sequence[int]
    """Of slots, the latest first."""
