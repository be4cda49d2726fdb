"""What becomes of a live flow's packets, as far as its entry and the maps beside it tell: nothing is written for this while packets pass.

`follow()` in bpf/endpoint.bpf.c decides by the same fields; tests send the packet after asking.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .layout import (
    FLOW_ANSWERED,
    FLOW_TCP,
    NODE_FAIL_OPEN,
    TARGET_RESET_DEREGISTERED,
    TARGET_RESET_UNHEALTHY,
    endpoint_config,
    node_config,
    target_config,
)
from .maps import Map

ASKED = FLOW_ANSWERED | FLOW_TCP
"""Of a flow's state, what its verdict depends on."""
RETURNED = "decapsulated"
"""Its target has returned something of it."""
GIVEN = "encapsulated"
"""Its packets go to its target, which has returned none so far."""


def passed(state: int) -> str:
    """How far the packets of a flow came, by its state alone."""
    return RETURNED if state & FLOW_ANSWERED else GIVEN


@dataclass(slots=True)
class FlowVerdicts:
    """The maps as they were when they were read."""

    targets: Mapping[int, target_config]
    nodes: Mapping[int, node_config]
    node_of: Mapping[int, int]
    """Endpoint -> node."""
    _known: dict[tuple[int, int, int, int], str] = field(default_factory=dict)

    @classmethod
    def read(cls, *, targets: Map, nodes: Map, endpoints: Iterable[endpoint_config]) -> FlowVerdicts:
        return cls(
            targets={_number(key): target_config.from_buffer_copy(value) for key, value in targets.filled()},
            nodes={_number(key): node_config.from_buffer_copy(value) for key, value in nodes.filled()},
            node_of={one.endpoint: one.node for one in endpoints},
        )

    def of(self, state: int, endpoint: int, target: int, generation: int) -> str:
        """The verdict that the flow's next packet meets if it does not go to a target, else how far its packets came.

        A few kinds of flows make up a table of millions, so each kind is decided once.
        """
        kind = (state & ASKED, endpoint, target, generation)
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = self._decide(*kind)
        return found

    def _decide(self, state: int, endpoint: int, target: int, generation: int) -> str:
        node = self.nodes.get(self.node_of.get(endpoint, -1))
        at = self.targets.get(target)
        if at is None or at.generation != generation:
            return passed(state) if node is not None and node.targets else "no_targets"
        if not state & FLOW_TCP or (node is not None and node.flags & NODE_FAIL_OPEN):
            return passed(state)
        if at.flags & TARGET_RESET_DEREGISTERED:
            return "tcp_reset_deregistered"
        return "tcp_reset_unhealthy" if at.flags & TARGET_RESET_UNHEALTHY else passed(state)


def _number(key: bytes) -> int:
    return int(struct.unpack("=I", key)[0])
