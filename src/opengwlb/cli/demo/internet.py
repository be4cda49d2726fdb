"""The internet's box: clients that run in it, and a web server for what comes out of the applications."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import boxes
from ..refusal import Refusal
from . import plan

BOX = "internet"
PYTHON = sys.executable
NOWHERE_PORT = "0"
"""Any free port: the internet's server needs no bulk transfer."""


class Internet:
    """`name` is the lab's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, command: Sequence[str], *, within_s: float = 120) -> str:
        """Standard output of a program in the internet's box. Refuses when it fails."""
        argv = boxes.in_network_of(self.name, box=BOX, command=command)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=within_s)
        if done.returncode:
            raise Refusal(f"{' '.join(command[:3])} … failed on the internet: {done.stderr.strip()[-300:]}")
        return done.stdout

    def ask(self, do: str, *, within_s: float = 120, **asked: Any) -> Any:
        """One of `endpoints.CLIENTS`, run there."""
        argument = json.dumps({"do": do, **asked})
        return json.loads(self.run([PYTHON, str(plan.ENDPOINTS), argument], within_s=within_s))

    def request(self, host: str, *, source: str, port: int = plan.WEB_PORT, **more: Any) -> dict[str, Any]:
        """A plain GET, or the `pieces` given: see `endpoints.exchange`."""
        asked = {"pieces": [get("/")], **more}
        answer: dict[str, Any] = self.ask("exchange", source=source, host=host, port=port, **asked)
        return answer

    def ping(self, host: str, *, source: str, count: int = 3) -> str:
        """ping's own summary line."""
        argv = boxes.in_network_of(
            self.name,
            box=BOX,
            command=["ping", "-n", "-c", str(count), "-i", "0.2", "-W", "2", "-I", source, host],
        )
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        return next((line for line in done.stdout.splitlines() if "packet loss" in line), done.stderr.strip())

    @contextmanager
    def server(self, *, address: str) -> Iterator[str]:
        """A web server on the internet for as long as the block runs; its URL."""
        command = [PYTHON, str(plan.ENDPOINTS), "serve", "the internet", NOWHERE_PORT, "", str(plan.INTERNET_PORT)]
        running = subprocess.Popen(boxes.in_network_of(self.name, box=BOX, command=command))
        try:
            self._wait_for_server(address)
            yield f"http://{address}:{plan.INTERNET_PORT}/"
        finally:
            running.kill()
            running.wait()

    def _wait_for_server(self, address: str) -> None:
        give_up = time.monotonic() + 10
        while not self.request(address, source=address, port=plan.INTERNET_PORT)["reply"]:
            if time.monotonic() > give_up:
                raise Refusal("The web server on the internet does not start.")
            time.sleep(0.1)


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n"


def post(text: str) -> str:
    return f"POST / HTTP/1.1\r\nHost: demo\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"
