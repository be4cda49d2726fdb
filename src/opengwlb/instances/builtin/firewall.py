"""The `firewall` image: reads its rules, then runs the packet loops and the health page.

Rules are the instance's user data. If that is a script, they are what the script left in /etc/firewall.yaml.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from opengwlb_appliance import serve, serve_failure

from .engine import Firewall
from .rules import Policy, parse_policy
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


def read_policy() -> Policy:
    """Raises ValueError with a sentence when the rules cannot be used."""
    text = USER_DATA.read_bytes()
    if is_script(text):
        text = RULES_FILE.read_bytes() if RULES_FILE.exists() else b""
    return parse_policy(text)


def main() -> None:
    try:
        policy = read_policy()
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
