"""What the tests ask the machine itself, with the tools that people would use."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any


def run(*command: str, inside: str | None = None, check: bool = True) -> str:
    prefix = ("ip", "netns", "exec", inside) if inside else ()
    done = subprocess.run((*prefix, *command), capture_output=True, text=True, timeout=60)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def ip(namespace: str | None, *arguments: str) -> list[Any]:
    """`ip -json …` in a namespace, or in the host's."""
    prefix = ("-n", namespace) if namespace else ()
    return list(json.loads(run("ip", "-json", *prefix, *arguments) or "[]"))


def devices(namespace: str | None) -> dict[str, Any]:
    return {link["ifname"]: link for link in ip(namespace, "-details", "link", "show")}


def namespaces(prefix: str) -> set[str]:
    return {entry["name"] for entry in ip(None, "netns", "list") if entry["name"].startswith(prefix)}


def is_up(namespace: str, device: str) -> bool:
    return "UP" in devices(namespace)[device]["flags"]


def host_network() -> dict[str, Any]:
    """Everything about the host's own network that a lab must not change."""
    return {
        "links": sorted(devices(None)),
        "addresses": run("ip", "address"),
        "routes": run("ip", "route", "show", "table", "all"),
        "rules": run("ip", "rule"),
        "firewall": run("nft", "list", "ruleset"),
        "sysctls": run(
            "sysctl", "net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"
        ),
    }


def eventually(condition: Callable[[], bool], *, within_s: float = 5.0, every_s: float = 0.02) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(every_s)
