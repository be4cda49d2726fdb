"""A manager for a fleet of appliances: one policy, pushed to all that follow it (`managed.py`). It is never in the way of a packet.

    /usr/bin/python3 -m opengwlb_appliance.manager --port 8080 --directory /var/lib/manager --key SECRET
    /usr/bin/python3 -m opengwlb_appliance.manager --url http://10.9.1.10:8080 --key SECRET --set rules.yaml

What a policy says is none of its business: it is text that the appliances understand. Three calls, all signed (`signing.py`):

    GET /v1/policy?after=VERSION&name=NAME&error=TEXT    {"version": N, "policy": "…"} once there is another version than that, else 204
    PUT /v1/policy                                       the body is the new policy; {"version": N}
    GET /v1/appliances                                   {"version": N, "appliances": [{"name", "version", "error", "seen_s", "took_s"}]}

Another manager that answers these is as good. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
import urllib.error
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import managed, signing

WAIT_S = 20.0
"""How long a question for a newer policy is held open."""
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class _Follower:
    version: int
    """That it has."""
    error: str
    """What it could not do with a newer one."""
    seen: float
    """When it asked last."""
    took_s: float | None
    """From the moment that this version was put until the appliance had it in force; None where that was not watched."""


class Fleet:
    """The policy, durable, and who follows it. Every method may be called by any thread."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError, ValueError when what is in `directory` cannot be read."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = directory / "policy.json"
        self._changed = threading.Condition()
        self._appliances: dict[str, _Follower] = {}
        self._put_at = 0.0
        self.version, self.policy = 0, ""
        if self._file.exists():
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            self.version, self.policy = int(kept["version"]), str(kept["policy"])

    def put(self, policy: str, *, at_ms: int) -> int | None:
        """The new version: when it was sent, so that no two policies of a fleet share one, whichever manager gave them. On disk before
        anybody hears of it. None for one that was sent before the policy that there is: somebody repeats it."""
        with self._changed:
            version = at_ms
            if version <= self.version:
                return None
            managed.write_durably(self._file, json.dumps({"version": version, "policy": policy}))
            self.version, self.policy, self._put_at = version, policy, time.monotonic()
            self._changed.notify_all()
            return version

    def wait(self, *, after: int, name: str, error: str, seconds: float) -> tuple[int, str] | None:
        """The policy as soon as it is another than `after`; None when it was not in time."""
        with self._changed:
            if name:
                self._heard(name, after=after, error=error)
            if not self._changed.wait_for(lambda: self.version not in (0, after), timeout=seconds):
                return None
            return self.version, self.policy

    def _heard(self, name: str, *, after: int, error: str) -> None:
        now = time.monotonic()
        before = self._appliances.get(name)
        took_s = before.took_s if before is not None and before.version == after else None
        if took_s is None and after == self.version and self._put_at:
            took_s = now - self._put_at
        self._appliances[name] = _Follower(version=after, error=error, seen=now, took_s=took_s)

    def appliances(self) -> dict[str, Any]:
        now = time.monotonic()
        with self._changed:
            return {
                "version": self.version,
                "appliances": [
                    {
                        "name": name,
                        "version": one.version,
                        "error": one.error,
                        "seen_s": round(now - one.seen, 1),
                        "took_s": one.took_s if one.took_s is None else round(one.took_s, 3),
                    }
                    for name, one in sorted(self._appliances.items())
                ],
            }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], *, fleet: Fleet, key: bytes) -> None:
        self.fleet, self.key = fleet, key
        super().__init__(address, _Call)


class _Call(BaseHTTPRequestHandler):
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_PUT(self) -> None:
        self._answer(self._write)

    def _answer(self, call: Any) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        sent, stamp = self.headers.get(signing.SIGNATURE_HEADER, ""), self.headers.get(signing.TIME_HEADER, "")
        right = signing.of_request(self.server.key, method=self.command, target=self.path, time=stamp, body=body)
        if not signing.equal(sent, right) or not _fresh(stamp):
            self.send_error(403, "The signature is wrong or old")
            return
        status, answer = call(body)
        said = json.dumps(answer).encode() if answer is not None else b""
        self.send_response(status)
        signature = signing.of_answer(self.server.key, request=sent, status=status, body=said)
        self.send_header(signing.SIGNATURE_HEADER, signature)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def _read(self, _body: bytes) -> tuple[int, Any]:
        asked = urlsplit(self.path)
        if asked.path == "/v1/appliances":
            return 200, self.server.fleet.appliances()
        if asked.path != "/v1/policy":
            return 404, None
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        found = self.server.fleet.wait(
            after=int(query.get("after", 0)), name=query.get("name", ""), error=query.get("error", ""), seconds=WAIT_S
        )
        return (200, {"version": found[0], "policy": found[1]}) if found is not None else (204, None)

    def _write(self, body: bytes) -> tuple[int, Any]:
        if self.path != "/v1/policy":
            return 404, None
        version = self.server.fleet.put(body.decode(), at_ms=int(float(self.headers[signing.TIME_HEADER]) * 1000))
        return (200, {"version": version}) if version is not None else (409, None)

    def log_message(self, format: str, *args: object) -> None:
        """Every appliance asks three times a minute."""


def _fresh(stamp: str) -> bool:
    try:
        return abs(time.time() - float(stamp)) <= signing.FRESH_S
    except ValueError:
        return False


def serve(*, directory: Path, key: bytes, port: int) -> None:
    """Answer until the process ends. Raises OSError when the port is taken."""
    _Server(("", port), fleet=Fleet(directory), key=key).serve_forever()


def main() -> int:
    parser = argparse.ArgumentParser(description="A manager for a fleet of appliances.")
    parser.add_argument("--key", default=os.environ.get("MANAGER_KEY", ""), help="the fleet's secret, or $MANAGER_KEY")
    parser.add_argument("--port", type=int, default=8080, help="where to listen")
    parser.add_argument("--directory", type=Path, default=Path("/var/lib/manager"), help="where the policy is kept")
    parser.add_argument("--url", help="speak to the manager there instead of being one")
    parser.add_argument("--set", type=Path, metavar="FILE", help="with --url: give it this policy (- is stdin)")
    asked = parser.parse_args()
    if not asked.key:
        parser.error("--key or $MANAGER_KEY is needed: whoever has it gives the fleet its policy")
    key = asked.key.encode()
    if asked.url is None:
        serve(directory=asked.directory, key=key, port=asked.port)
        return 0
    try:
        if asked.set is not None:
            policy = sys.stdin.buffer.read() if str(asked.set) == "-" else asked.set.read_bytes()
            _, answer = managed.call(asked.url, "/v1/policy", key=key, method="PUT", body=policy)
        else:
            _, answer = managed.call(asked.url, "/v1/appliances", key=key)
    except (OSError, ValueError, urllib.error.HTTPError) as problem:
        print(f"the manager at {asked.url}: {problem}", file=sys.stderr)
        return 1
    print(answer.decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
