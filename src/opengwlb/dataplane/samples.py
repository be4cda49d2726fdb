"""The beginnings of packets that were dropped, as the programs keep them: the last few for each port and verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .layout import drop_samples, port_verdict
from .maps import Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    ifindex: int
    verdict: int
    """A key of `DataPlane.verdicts`."""
    age_s: float
    length: int
    """Of the IP packet as it arrived, in bytes."""
    head: bytes
    """Its first bytes, from the Ethernet header on, as it was when it was dropped."""


def read(samples: Map, *, now_ns: int) -> Iterator[Sample]:
    """Every sample there is, oldest first for each port and verdict; `now_ns` is of the monotonic clock.

    One that is being written meanwhile is left out.
    """
    for key, value in samples.entries():
        of, row = port_verdict.from_buffer_copy(key), drop_samples.from_buffer_copy(value)
        for one in sorted(row.last, key=lambda one: one.begun):
            if one.begun and one.begun == one.done:
                yield Sample(
                    ifindex=of.ifindex,
                    verdict=of.verdict,
                    age_s=max(0.0, (now_ns - one.at_ns) / 1e9),
                    length=one.length,
                    head=bytes(one.head[: one.kept]),
                )
