"""What each node of a load balancer did, out of the maps `node_counters`, `counters` and `passed`."""

from __future__ import annotations

import ctypes
import struct
from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import layout
from .counting import Counter
from .maps import Map
from .verdicts import Verdict

_PROCESSED = ("encapsulated", "decapsulated", "decapsulated_changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCounters:
    """What one zone's node of a load balancer did since it was made; AWS/GatewayELB's counters are made of these.

    `processed_…` may fall when one of the node's endpoints is deleted: its part is no longer counted.
    """

    new_flows: int
    rejected_flows: int
    """That found no target, no room in the flow table, or more new flows in that second than one CPU may open."""
    rejected_tcp_flows: int
    adopted_flows: int
    """Of the new ones: TCP that began elsewhere."""
    moved_flows: int
    """Given to another target, because theirs became unhealthy or was deregistered (`rebalance`)."""
    resets: int
    """TCP packets answered with a reset, for whatever reason; by reason in the verdicts `tcp_reset_…`."""
    processed_packets: int
    """To targets and back from them; as IP packets inside the tunnel, super-packets by their segments."""
    processed_bytes: int


def read(
    found: Map, counters: Iterable[Counter], *, node_of: Mapping[int, int], verdicts: Mapping[int, Verdict]
) -> dict[int, NodeCounters]:
    """By node slot: totals since the node was made, summed over CPUs. `node_of`: ifindex of a node's or an endpoint's port -> slot."""
    names = {number: verdict.name for number, verdict in verdicts.items()}
    packets: Tally[int] = Tally()
    size: Tally[int] = Tally()
    resets: Tally[int] = Tally()
    for one in counters:
        if one.ifindex not in node_of:
            continue
        slot, name = node_of[one.ifindex], names[one.verdict]
        if name in _PROCESSED:
            packets[slot] += one.packets
            size[slot] += one.bytes
        elif name.startswith("tcp_reset_"):
            resets[slot] += one.packets
    return {
        slot: NodeCounters(
            **_flows(found.get(struct.pack("=I", slot)) or b""),
            resets=resets[slot],
            processed_packets=packets[slot],
            processed_bytes=size[slot],
        )
        for slot in sorted(set(node_of.values()))
    }


def _flows(value: bytes) -> dict[str, int]:
    rows = (layout.node_counter * (len(value) // ctypes.sizeof(layout.node_counter))).from_buffer_copy(value)
    return {name: sum(getattr(row, name) for row in rows) for name, *_ in layout.node_counter._fields_}
