"""Requests from the internet to the scenario's web servers for a while, allowed and forbidden ones, so that there is something to see."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from opengwlb.observe.demo_answers import DemoAddress, DemoTraffic

from .. import boxes
from . import plan
from .internet import BOX, PYTHON, get, post

ALLOWED_PER_S = 8
"""Requests to each web server; of each kind that is forbidden there is one."""
STOP_WITHIN_S = 5.0


class Visitors:
    """One program in the internet's box at a time. `name` is the lab's."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None
        self._ends = 0.0
        self._counts: dict[str, int] | None = None

    def send(self, addresses: Sequence[DemoAddress], *, seconds: float) -> None:
        """Begin, unless requests are being sent already. Refuses where the box cannot be entered."""
        with self._lock:
            if self._running is not None and self._running.poll() is None:
                return
            asked = {"do": "visits", "seconds": seconds, "sources": plan.CLIENTS, "each": visits(addresses)}
            argv = boxes.in_network_of(self._name, box=BOX, command=[PYTHON, str(plan.ENDPOINTS), json.dumps(asked)])
            self._counts = {"answered": 0, "blocked": 0, "unexpected": 0}
            self._ends = time.monotonic() + seconds
            self._running = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            threading.Thread(target=self._count, args=(self._running,), name="demo-visitors", daemon=True).start()

    def _count(self, running: subprocess.Popen[str]) -> None:
        assert running.stdout is not None
        for line in running.stdout:
            self._counts = json.loads(line)
        running.wait()

    def state(self) -> DemoTraffic | None:
        counts, running = self._counts, self._running
        if counts is None or running is None:
            return None
        left = max(0.0, self._ends - time.monotonic()) if running.poll() is None else 0.0
        return DemoTraffic(seconds_left=round(left, 1), **counts)

    def stop(self) -> None:
        """What still runs ends."""
        with self._lock:
            if self._running is not None and self._running.poll() is None:
                self._running.kill()
                self._running.wait(STOP_WITHIN_S)


def visits(addresses: Sequence[DemoAddress]) -> list[dict[str, Any]]:
    """A second's worth, as `endpoints.visits` takes them."""
    page = {"port": plan.WEB_PORT, "pieces": [get("/")], "allowed": True}
    silent = {"allowed": False, "timeout_s": plan.BLOCKED_TIMEOUT_S}
    forbidden: list[dict[str, Any]] = [
        {"port": plan.FORBIDDEN_PORT, "pieces": [get("/")], **silent},
        {"port": plan.WEB_PORT, "pieces": [post(plan.FORBIDDEN_TEXT)], **silent},
    ]
    return [
        {"host": one.public_address, **visit}
        for one in addresses
        for visit in (*[page] * ALLOWED_PER_S, *(forbidden if one.ruled else ()))
    ]
