"""The page that a load balancer's HTTP health check asks for: 200 while every packet loop is alive, else 503 and a
sentence.

It runs in a process of its own. `/usr/bin/python3 -m opengwlb_appliance.health` serves a page that is always 200, for
appliances whose packets never pass a process.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .heartbeat import FRESH_S, Heartbeats

Verdict = Callable[[], tuple[bool, dict[str, object]]]


def loops_alive(heartbeats: Heartbeats) -> tuple[bool, dict[str, object]]:
    """Whether every packet loop's heartbeat is fresh, and the page's body."""
    stale = [slot for slot, age in enumerate(heartbeats.ages_s()) if age is None or age > FRESH_S]
    body: dict[str, object] = {"status": "ok", "counters": heartbeats.counters()}
    if stale:
        body["status"] = f"packet loop {stale[0]} has not moved for {FRESH_S} s"
    return not stale, body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, verdict: Verdict) -> None:
        self.verdict = verdict
        self.address_family = socket.AF_INET
        super().__init__(("", port), _Page)


class _Page(BaseHTTPRequestHandler):
    timeout = 5

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        well, body = self.server.verdict()
        content = (json.dumps(body) + "\n").encode()
        self.send_response(200 if well else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """A probe every few seconds from every zone is no news."""


def serve(verdict: Verdict, *, port: int = 80) -> None:
    """Answer until the process ends. Any path is the health page. Raises OSError when the port is taken."""
    _Server(port, verdict).serve_forever()


def serve_failure(reason: str, *, port: int = 80) -> None:
    """Answer 503 with `reason` until the process ends: for an appliance that cannot start its packet loop."""
    serve(lambda: (False, {"status": reason}), port=port)


def in_background(
    heartbeats: Heartbeats,
    *,
    port: int,
    also: Callable[[], str] = lambda: "",
    unneeded: Iterable[socket.socket] = (),
) -> int:
    """Fork the responder; its pid. It ends when its parent does. `also` says what else is wrong, or nothing.

    `unneeded` are the loops' sockets: held open here, they would outlive a loop that died, and the load balancer's packets would
    fill them in place of being refused.
    """
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        name_process("gwlb-health")
        for each in unneeded:
            each.close()
        threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
        serve(lambda: _and(loops_alive(heartbeats), also()), port=port)
    except (OSError, KeyboardInterrupt) as problem:
        print(f"health page on port {port}: {problem}", file=sys.stderr, flush=True)
    finally:
        os._exit(1)


def _and(alive: tuple[bool, dict[str, object]], trouble: str) -> tuple[bool, dict[str, object]]:
    return (False, {**alive[1], "status": trouble}) if trouble and alive[0] else alive


def _end_with_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.25)
    os._exit(0)


def name_process(name: str) -> None:
    """What `ps` and `pkill` call this process; at most 15 characters."""
    with open("/proc/self/comm", "w", encoding="ascii") as comm:
        comm.write(name)


def main() -> None:
    parser = argparse.ArgumentParser(description="A health page that answers 200, or 503 with the reason given.")
    parser.add_argument("--port", type=int, default=80)
    parser.add_argument("--failure", default="")
    arguments = parser.parse_args()
    name_process("gwlb-health")
    if arguments.failure:
        serve_failure(arguments.failure, port=arguments.port)
    serve(lambda: (True, {"status": "ok"}), port=arguments.port)


if __name__ == "__main__":
    main()
