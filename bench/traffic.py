"""The load between two namespaces: iperf3 for bulk, a UDP ping-pong for round trips, bench/load.c for everything timed or counted."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .boxes import inside, run

PING_PONGS = 20_000
TRIES = 3
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
    devices: tuple[str, str] = ("eth0", "eth0")

    def both(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """(namespace, device) of client and server."""
        return (self.client, self.devices[0]), (self.server, self.devices[1])


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


def set_mtu(ends: Ends, mtu: int) -> None:
    for box, device in ends.both():
        run(*inside(box, "ip", "link", "set", device, "mtu", str(mtu)))


def _has_mtu(ends: Ends, mtu: int) -> bool:
    said = (json.loads(run("ip", "-n", box, "-j", "link", "show", "dev", device)) for box, device in ends.both())
    return all(one[0]["mtu"] == mtu for one in said)


def bulk(ends: Ends, *, mtu: int, seconds: int = 3, cpu: int | None = None) -> float:
    """Gbit/s of one TCP stream, as the receiver saw it; with `cpu` both its ends stay there.

    The lab's reconciler gives a device back its own MTU whenever it passes, so a run in which it did is run again.
    """
    for _ in range(TRIES):
        set_mtu(ends, mtu)
        rate = _iperf(ends, seconds=seconds, cpu=cpu)
        if _has_mtu(ends, mtu):
            return rate
    raise AssertionError(f"the MTU does not stay {mtu}")


def _iperf(ends: Ends, *, seconds: int, cpu: int | None) -> float:
    where = [] if cpu is None else ["taskset", "-c", str(cpu)]
    server = inside(ends.server, *where, "iperf3", "-s", "-1", "-p", "5201", "--forceflush")
    with _serving(server, ready="Server listening"):
        asked = inside(ends.client, *where, "iperf3", "-c", ends.address, "-p", "5201", "-t", str(seconds), "-J")
        answer = json.loads(run(*asked))
    return float(answer["end"]["sum_received"]["bits_per_second"]) / 1e9


def round_trips(ends: Ends) -> list[float]:
    """Sorted round-trip times in µs."""
    with _serving(inside(ends.server, sys.executable, "-c", ECHO), ready="ready"):
        asked = inside(ends.client, sys.executable, "-c", ASK, ends.address, str(PING_PONGS))
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [one / 1000 for one in json.loads(answer)]


def measured(load: Path, kind: str, ends: Ends, *, seconds: float, rate: int | None = None) -> dict[str, Any]:
    """What bench/load.c says of one run of a kind."""
    words = [
        str(load),
        kind,
        ends.client,
        ends.server,
        ends.address,
        str(seconds),
        *([] if rate is None else [str(rate)]),
    ]
    answer: dict[str, Any] = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return answer


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def settle() -> None:
    """Let the previous stream's buffers drain, so that it is not measured with the next."""
    time.sleep(0.3)
