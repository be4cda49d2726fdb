"""The load: iperf3 for bulk, a UDP ping-pong for latency; both between two namespaces."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

PING_PONGS = 20_000
ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5202)); print("ready", flush=True)
while True:
    data, peer = s.recvfrom(2048); s.sendto(data, peer)
"""
ASK = """
import json, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect((sys.argv[1], 5202))
times = []
for number in range(int(sys.argv[2]) + 500):
    start = time.perf_counter_ns(); s.send(b"x" * 64); s.recv(2048)
    if number >= 500: times.append(time.perf_counter_ns() - start)
print(json.dumps(sorted(times)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where traffic starts and ends: namespace names, and the server's address."""

    client: str
    server: str
    address: str


def _inside(box: str, *command: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{box}", "--", *command]


@contextlib.contextmanager
def _serving(command: list[str], *, ready: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        while ready not in (line := process.stdout.readline()):
            assert line, f"{command} ended"
        yield
    finally:
        process.kill()
        process.wait()


def set_mtu(ends: Ends, mtu: int, *, devices: tuple[str, str]) -> None:
    for box, device in zip((ends.client, ends.server), devices, strict=True):
        subprocess.run(_inside(box, "ip", "link", "set", device, "mtu", str(mtu)), check=True)


def bulk(ends: Ends, *, seconds: int = 3) -> float:
    """Gbit/s of one TCP stream, as the receiver saw it."""
    server = _inside(ends.server, "iperf3", "-s", "-1", "-p", "5201", "--forceflush")
    with _serving(server, ready="Server listening"):
        asked = _inside(ends.client, "iperf3", "-c", ends.address, "-p", "5201", "-t", str(seconds), "-J")
        answer = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    return float(answer["end"]["sum_received"]["bits_per_second"]) / 1e9


def round_trips(ends: Ends) -> list[float]:
    """Sorted round-trip times in µs."""
    with _serving(_inside(ends.server, sys.executable, "-c", ECHO), ready="ready"):
        asked = _inside(ends.client, sys.executable, "-c", ASK, ends.address, str(PING_PONGS))
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [one / 1000 for one in json.loads(answer)]


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def settle() -> None:
    """Let the previous stream's buffers drain, so that it is not measured with the next."""
    time.sleep(0.3)
