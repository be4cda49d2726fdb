"""The baseline's boxes: client - 7 routers - server, as many veth crossings as a packet makes through a load balancer.

client, VPC router, GWLB, provider router, appliance, provider router, GWLB, VPC router, server: eight crossings one way.
Each box in between is a plain FIB redirect at tc, or, for the second figure, the kernel's own ip_forward.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .boxes import attach, program, run

ROUTERS = 7
CLIENT, SERVER = "10.77.0.2", "10.77.99.2"


@contextlib.contextmanager
def chain(*, prefix: str, redirect: bool, directory: Path) -> Iterator[tuple[str, str]]:
    """(client, server) namespaces; `redirect` chooses the FIB redirect over ip_forward. Removed at the end."""
    boxes = [f"{prefix}-{number}" for number in range(ROUTERS + 2)]
    compiled = program("fib", directory) if redirect else None
    try:
        for box in boxes:
            run("ip", "netns", "add", box)
            run("ip", "-n", box, "link", "set", "lo", "up")
            run(
                "ip", "netns", "exec", box, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.disable_ipv6=1"
            )
        for number in range(len(boxes) - 1):
            _link(boxes, number)
        for number in range(len(boxes)):
            _routes(boxes, number)
        if compiled is not None:
            for number in range(1, len(boxes) - 1):
                for device in ("left", "right"):
                    attach(boxes[number], device, compiled, section="tc")
        yield boxes[0], boxes[-1]
    finally:
        for box in boxes:
            subprocess.run(["ip", "netns", "delete", box], capture_output=True)


def _mac(number: int, side: str) -> str:
    return f"0a:77:00:00:{number:02x}:{'01' if side == 'right' else '02'}"


def _link(boxes: list[str], number: int) -> None:
    """Box `number`'s right end to the next box's left end."""
    near, far = boxes[number], boxes[number + 1]
    run(
        "ip", "link", "add", "right", "netns", near, "address", _mac(number, "right"), "mtu", "9001",
        "type", "veth", "peer", "name", "left", "netns", far, "address", _mac(number + 1, "left"), "mtu", "9001",
    )  # fmt: skip
    left, right = (CLIENT, f"10.77.{number}.1") if number == 0 else (f"10.77.{number}.1", f"10.77.{number}.2")
    if number == len(boxes) - 2:
        right = SERVER
    run("ip", "-n", near, "address", "add", f"{left}/32", "dev", "right")
    run("ip", "-n", far, "address", "add", f"{right}/32", "dev", "left")
    for box, device in ((near, "right"), (far, "left")):
        run("ip", "-n", box, "link", "set", device, "up")
    run("ip", "-n", near, "neighbour", "replace", "169.254.7.1", "lladdr", _mac(number + 1, "left"), "dev", "right")
    run("ip", "-n", far, "neighbour", "replace", "169.254.7.2", "lladdr", _mac(number, "right"), "dev", "left")


def _routes(boxes: list[str], number: int) -> None:
    if number < len(boxes) - 1:
        run("ip", "-n", boxes[number], "route", "add", f"{SERVER}/32", "via", "169.254.7.1", "dev", "right", "onlink")
    if number > 0:
        run("ip", "-n", boxes[number], "route", "add", f"{CLIENT}/32", "via", "169.254.7.2", "dev", "left", "onlink")
