"""The baseline's boxes: client - 7 routers - server, as many veth crossings as a packet makes through a load balancer.

client, VPC router, GWLB, provider router, appliance, provider router, GWLB, VPC router, server: eight crossings one way.
Each box in between is a plain FIB redirect at tc, or, for the second figure, the kernel's own ip_forward.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROUTERS = 7
CLIENT, SERVER = "10.77.0.2", "10.77.99.2"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _compiled(directory: Path) -> Path:
    source, target = Path(__file__).with_name("fib.bpf.c"), directory / "fib.bpf.o"
    compiler = next(name for name in ("clang-19", "clang-18", "clang-16", "clang-14", "clang") if _exists(name))
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    _run(
        compiler, "-O2", "-g", "-target", "bpf", "-mcpu=v3", f"-I/usr/include/{machine}-linux-gnu",
        "-c", str(source), "-o", str(target),
    )  # fmt: skip
    return target


def _exists(command: str) -> bool:
    return subprocess.run(["which", command], capture_output=True).returncode == 0


@contextlib.contextmanager
def chain(*, prefix: str, redirect: bool, directory: Path) -> Iterator[tuple[str, str]]:
    """(client, server) namespaces; `redirect` chooses the FIB redirect over ip_forward. Removed at the end."""
    boxes = [f"{prefix}-{number}" for number in range(ROUTERS + 2)]
    program = _compiled(directory) if redirect else None
    try:
        for box in boxes:
            _run("ip", "netns", "add", box)
            _run("ip", "-n", box, "link", "set", "lo", "up")
            _run(
                "ip", "netns", "exec", box, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.disable_ipv6=1"
            )
        for number in range(len(boxes) - 1):
            _link(boxes, number)
        for number in range(len(boxes)):
            _routes(boxes, number)
        if program is not None:
            for number in range(1, len(boxes) - 1):
                for device in ("left", "right"):
                    _run("tc", "-n", boxes[number], "qdisc", "add", "dev", device, "clsact")
                    _run(
                        "tc", "-n", boxes[number], "filter", "add", "dev", device, "ingress",
                        "bpf", "direct-action", "object-file", str(program), "section", "tc",
                    )  # fmt: skip
        yield boxes[0], boxes[-1]
    finally:
        for box in boxes:
            subprocess.run(["ip", "netns", "delete", box], capture_output=True)


def _mac(number: int, side: str) -> str:
    return f"0a:77:00:00:{number:02x}:{'01' if side == 'right' else '02'}"


def _link(boxes: list[str], number: int) -> None:
    """Box `number`'s right end to the next box's left end."""
    near, far = boxes[number], boxes[number + 1]
    _run(
        "ip", "link", "add", "right", "netns", near, "address", _mac(number, "right"), "mtu", "9001",
        "type", "veth", "peer", "name", "left", "netns", far, "address", _mac(number + 1, "left"), "mtu", "9001",
    )  # fmt: skip
    left, right = (CLIENT, f"10.77.{number}.1") if number == 0 else (f"10.77.{number}.1", f"10.77.{number}.2")
    if number == len(boxes) - 2:
        right = SERVER
    _run("ip", "-n", near, "address", "add", f"{left}/32", "dev", "right")
    _run("ip", "-n", far, "address", "add", f"{right}/32", "dev", "left")
    for box, device in ((near, "right"), (far, "left")):
        _run("ip", "-n", box, "link", "set", device, "up")
    _run("ip", "-n", near, "neighbour", "replace", "169.254.7.1", "lladdr", _mac(number + 1, "left"), "dev", "right")
    _run("ip", "-n", far, "neighbour", "replace", "169.254.7.2", "lladdr", _mac(number, "right"), "dev", "left")


def _routes(boxes: list[str], number: int) -> None:
    if number < len(boxes) - 1:
        _run("ip", "-n", boxes[number], "route", "add", f"{SERVER}/32", "via", "169.254.7.1", "dev", "right", "onlink")
    if number > 0:
        _run("ip", "-n", boxes[number], "route", "add", f"{CLIENT}/32", "via", "169.254.7.2", "dev", "left", "onlink")
