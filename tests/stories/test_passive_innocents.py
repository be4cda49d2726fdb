"""Targets that are odd, but not dead, are left alone by passive detection, while one that hangs beside them is not. An hour of it:
`make soak`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from .innocents import RATE, Innocents, build, running
from .server import Server, until

RUN_S = 16.0
"""Three pauses of the one that pauses."""


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[Innocents]:
    made = build(server, seed=1)
    with running(made):
        yield made


def test_innocents_are_left_alone_and_a_hung_peer_is_not(lab: Innocents) -> None:
    before = lab.counted()
    time.sleep(RUN_S)  # running time is what is asked for
    after = lab.counted()
    assert lab.condemned() == []
    given = {role: after[role]["given"] - before[role]["given"] for role in after}
    share = {role: (after[role]["returned"] - before[role]["returned"]) / max(1, given[role]) for role in after}
    # Each was what it is here for; what is echoed comes twice.
    assert all(given[role] > RATE * RUN_S * 0.8 for role in given.keys() - {"quiet"}), given
    assert 0.05 < share["drops"] < 0.2
    assert share["silent"] == 0
    assert share["pauses"] > 0.9 and share["peer"] > 0.9 and share["syslog"] > 0.9
    assert given["quiet"] <= 2
    lab.hang("another")
    until(lab.condemned, what="the hung peer is found", seconds=10)
    assert [line.split(" at ")[0] for line in lab.condemned()] == ["another"]
