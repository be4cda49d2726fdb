"""The `firewall` image: reads its rules, then runs the packet loops and the health page.

Rules are the instance's user data. If that is a script, they are what the script left in /etc/firewall.yaml. Either may name a manager in
their place, which then gives the rules and changes them:

    manager: {url: "http://10.9.1.10:8080", key: SECRET, via: eth1}
    workers: 1
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from opengwlb_appliance import Managed, serve, serve_failure, serve_managed

from .engine import Firewall
from .rules import parse_manager, parse_policy
from .user_data import is_script

USER_DATA = Path("/opt/opengwlb/user-data")
RULES_FILE = Path("/etc/firewall.yaml")
LOG_FILE = Path("/var/log/firewall.log")
LOG_LIMIT = 4 << 20
LINES_PER_SECOND = 200
"""A scan must not turn into a flood of log lines; what is left out is counted in the next line."""


class Log:
    """JSON lines, to a file and to stdout, which is the console."""

    def __init__(self, path: Path = LOG_FILE) -> None:
        self._path = path
        self._second = 0
        self._lines = 0
        self._left_out = 0

    def __call__(self, entry: dict[str, Any]) -> None:
        now = time.time()
        if int(now) != self._second:
            self._second, self._lines = int(now), 0
        self._lines += 1
        if self._lines > LINES_PER_SECOND:
            self._left_out += 1
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        line = json.dumps({"time": stamp, **entry, **({"left_out": self._left_out} if self._left_out else {})})
        self._left_out = 0
        print(line, flush=True)
        # Several loops append to one file: opened anew for each line, so that whoever turned it over is followed.
        if self._path.exists() and self._path.stat().st_size > LOG_LIMIT:
            self._path.replace(f"{self._path}.1")
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def read_rules() -> bytes:
    text = USER_DATA.read_bytes()
    if is_script(text):
        text = RULES_FILE.read_bytes() if RULES_FILE.exists() else b""
    return text


class Renewing:
    """One firewall of a packet loop through all its policies: what it knows of flows stays."""

    def __init__(self) -> None:
        self._firewall: Firewall | None = None

    def __call__(self, text: str) -> Firewall:
        policy = parse_policy(text.encode())
        if self._firewall is None:
            self._firewall = Firewall(policy, log=Log())
        else:
            self._firewall.adopt(policy)
        return self._firewall


def main() -> None:
    try:
        managed = parse_manager(read_rules())
        if managed is not None:
            print(f"firewall: the policy comes from {managed.url}, pid {os.getpid()}", flush=True)
            following = Managed(Renewing(), url=managed.url, key=managed.key, via=managed.via)
            serve_managed(following, workers=managed.workers)
            return
        policy = parse_policy(read_rules())
    except ValueError as problem:
        print(f"firewall: the rules cannot be used: {problem}", flush=True)
        serve_failure(f"the rules cannot be used: {problem}")
        return
    rules = len(policy.header_rules) + len(policy.payload_rules)
    default = "allow" if policy.default_allow else "deny"
    print(f"firewall: {rules} rules, default {default}, {policy.workers} packet loops, pid {os.getpid()}", flush=True)
    serve(Firewall(policy, log=Log()), workers=policy.workers)


if __name__ == "__main__":
    main()
