"""Targets come and go while traffic runs: what is lost, what moves, and how many changes a second that takes.

Two in-kernel appliances carry all flows. A thousand further addresses are registered and deregistered beside them, as a reconciler
does it: a whole `Plane` at a time, as often as the data plane takes one.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from tests.packets.harness import CLIENT, SERVER, Lab

from opengwlb.model.plane import Plane, TargetEntry

from .figures import Figure, Say

SECONDS, RATE = 6, 20_000
CHANGES_S = 1000
PASSING = 1000
"""Targets that come and go; half of them are there at any time."""
STEP = 100
"""Targets that change in one plane."""


def rows(*, prefix: str, load: Path, say: Say) -> list[Figure]:
    lab = Lab(prefix, max_flows=65536)
    try:
        lab.build(appliances=2)
        say("a thousand target changes a second")
        return _measured(lab, load)
    finally:
        lab.close()


def _measured(lab: Lab, load: Path) -> list[Figure]:
    words = [str(load), "steady", lab.client.box, lab.server.box, SERVER, str(SECONDS), str(RATE)]
    sender = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        before = _settled_flows(lab, sender)
        changes, took = _change(lab, until=time.monotonic() + SECONDS - 2)
        after = _flows(lab)
        answer = json.loads(sender.communicate(timeout=SECONDS + 20)[0])
    finally:
        sender.kill()
        sender.wait()
    moved = sum(after.get(flow) != where for flow, where in before.items())
    lost = answer["sent"] - answer["received"]
    rate = changes / took
    return [
        Figure(
            figure=f"target changes a second, {STEP} in each new state, {answer['rate']:,.0f} packets/s running",
            value=round(rate, 1), unit="1/s", goal=CHANGES_S, met=rate >= CHANGES_S,
            limit=None if rate >= CHANGES_S else "each new state waits for an RCU grace period and a Maglev table in Python",
        ),
        Figure(
            figure=f"packets lost meanwhile, of {answer['sent']:,}", value=lost, unit="packets", goal=0, met=lost == 0,
        ),
        Figure(
            figure=f"flows of other targets that moved, of {len(before)}", value=moved, unit="flows", goal=0, met=moved == 0,
        ),
    ]  # fmt: skip


def _flows(lab: Lab) -> dict[tuple[str, int], tuple[int, int]]:
    """Running flows of the load: target and cookie by source."""
    return {
        (one.source, one.source_port): (one.target, one.cookie) for one in lab.dataplane.flows() if one.source == CLIENT
    }


def _settled_flows(lab: Lab, sender: subprocess.Popen[str]) -> dict[tuple[str, int], tuple[int, int]]:
    deadline = time.monotonic() + 5
    while len(found := _flows(lab)) < 64:
        assert sender.poll() is None and time.monotonic() < deadline, "the load did not begin"
        time.sleep(0.05)
    return found


def _change(lab: Lab, *, until: float) -> tuple[int, float]:
    """(targets registered or deregistered, seconds)"""
    here = set(range(PASSING // 2))
    changes, turn, start = 0, 0, time.monotonic()
    while time.monotonic() < until:
        here ^= {(turn * STEP + number) % PASSING for number in range(STEP)}
        assert lab.dataplane.apply(_with(lab, here), lab.indexes) == {}
        changes, turn = changes + STEP, turn + 1
    return changes, time.monotonic() - start


def _with(lab: Lab, here: set[int]) -> Plane:
    plane = lab.plane()
    passing = {
        100 + number: TargetEntry(
            slot=100 + number, generation=1, address=f"10.9.{64 + number // 250}.{number % 250 + 1}"
        )
        for number in here
    }
    node = replace(plane.nodes[0], targets=tuple(sorted((*plane.nodes[0].targets, *passing))))
    return replace(plane, targets=plane.targets | passing, nodes={0: node})
