"""How large a flow table is when nobody says it, and how many new flows a second a table of a size sustains.

Imports the standard library alone: the doctor prints this before anything is installed. The times are those of bpf/lib/flow.h and of
AWS's defaults; a test compares them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

SMALLEST, LARGEST = 1 << 16, 1 << 23
"""Flows. More than the largest a cookie cannot name."""
FLOW_SET = 8
"""Slots of one set: no table is smaller."""
BYTES_PER_FLOW = 128
"""A slot of 64 bytes and the tuple that people see."""
MEMORY_SHARE = 256
"""One part in so many of the machine's memory."""
USABLE = 2
"""One slot in so many: up to half full, fewer than 3 newcomers in 1,000 find both of their sets without a place."""
COOKIE_BITS = 32
COOKIE_REST_S = 30
CLOSED_S = 5
"""How long a TCP connection that ended keeps its slot while there are free ones."""
SILENT_TCP_S = 60
"""After so long without a packet a TCP flow yields to a newcomer (`--tcp-yields-after-s`)."""
OTHER_IDLE_S = 120
"""How long anything but TCP lives after its last packet."""
NEW_FLOWS_PER_S = 250_000
"""That one CPU opens at most (`--new-flows-per-s`)."""


def memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def default_flows(memory: int) -> int:
    """For `memory` bytes: what a 256th of them holds, as the nearest power of two, within the bounds.

    The nearest, because a machine reports a little less than what it was sold with.
    """
    holds = memory // MEMORY_SHARE // BYTES_PER_FLOW
    below = 1 << max(holds.bit_length() - 1, 0)
    nearest = below if holds - below < 2 * below - holds else 2 * below
    return min(max(nearest, SMALLEST), LARGEST)


@dataclass(frozen=True)
class Sustained:
    """New flows a second for as long as one likes, with fewer than 3 in 1,000 refused."""

    ending: int
    """TCP connections that are closed, not counting the time for which they are open."""
    silent: int
    """TCP that falls silent without being closed."""
    other: int
    """Everything else, such as UDP with an answer."""


def sustained(
    flows: int, *, cpus: int, new_flows_per_s: int = NEW_FLOWS_PER_S, silent_s: int = SILENT_TCP_S
) -> Sustained:
    """Of each kind alone: slots / 2 / the seconds for which a flow of that kind holds its slot.

    Never more than the CPUs may open, nor than there are cookies: 2^32 in 30 s, because none is used again sooner. That is
    143 million a second whatever the table's size, for a slot's index and its generation share the 32 bits.
    """
    most = (1 << COOKIE_BITS) // COOKIE_REST_S
    if new_flows_per_s:
        most = min(most, new_flows_per_s * cpus)
    ending, silent, other = (min(flows // USABLE // held_s, most) for held_s in (CLOSED_S, silent_s, OTHER_IDLE_S))
    return Sustained(ending, silent, other)


def said(flows: int, *, cpus: int) -> str:
    """One line for people."""
    can = sustained(flows, cpus=cpus)
    return (
        f"{flows:,} flows by default ({flows * BYTES_PER_FLOW >> 20} MiB); sustains a second {can.ending:,} new TCP connections "
        f"that end, or {can.silent:,} that fall silent, or {can.other:,} new flows of UDP"
    )
