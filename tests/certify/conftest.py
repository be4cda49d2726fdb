"""Two namespaces with one link: an appliance as an ordinary process in the one, the nodes in the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from opengwlb.certify.appliance import Place
from opengwlb.certify.lab import Lab, Sizes
from opengwlb.certify.profile import Profile
from opengwlb.cli.certify_target import Target
from opengwlb.fabric.namespaces import NETNS

ROOT = Path(__file__).resolve().parents[2]
ADDRESS, NODES = "192.0.2.20", ("192.0.2.11", "192.0.2.12")
SIZES = Sizes(
    bulk_bytes=2 << 20,
    fuzz_packets=256,
    many_flows=128,
    exhausting_flows=1024,
    connections=4,
    rate_s=0.05,
    top_rate=2000,
    wait_s=0.3,
    quiet_s=0.3,
    truth_s=4,
)
"""Enough for every planted fault to show."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if Path(__file__).parent in item.path.parents and "pure" not in item.path.name:
                item.add_marker(pytest.mark.skip(reason="needs root"))


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=30)


class Wire:
    """The namespaces and their link."""

    def __init__(self, name: str) -> None:
        self.app, self.node = f"{name}-app", f"{name}-node"

    def make(self) -> None:
        for namespace in (self.app, self.node):
            run("ip", "netns", "add", namespace)
        run("ip", "-n", self.app, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.node)
        for namespace, addresses in ((self.app, (ADDRESS,)), (self.node, NODES)):
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "link", "set", "eth0", "mtu", "9001", "up")
            for address in addresses:
                run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")

    def remove(self) -> None:
        for namespace in (self.app, self.node):
            subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)

    @contextmanager
    def hairpin(self, *fault: str) -> Iterator[subprocess.Popen[bytes]]:
        """The appliance of `hairpin.py`, with a fault or without."""
        process = subprocess.Popen(
            [
                "nsenter",
                f"--net={NETNS / self.app}",
                "--",
                sys.executable,
                "-m",
                "tests.certify.hairpin",
                ADDRESS,
                *fault,
            ],
            cwd=ROOT,
        )
        try:
            yield process
        finally:
            self.end_all()
            process.wait()

    def processes(self) -> list[int]:
        found = subprocess.run(["ip", "netns", "pids", self.app], capture_output=True, text=True, check=True)
        return [int(pid) for pid in found.stdout.split()]

    def end_all(self) -> None:
        """Every process of the appliance, also what a restart started."""
        deadline = time.monotonic() + 10
        while pids := self.processes():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert time.monotonic() < deadline, "the appliance's processes do not end"
            time.sleep(0.01)

    def lab(self, *, name: str = "hairpin", restart: tuple[str, ...] = (), **profile: object) -> Lab:
        """Nodes that try what runs at ADDRESS; healthy when this returns."""
        declared = Profile(namespace=str(NETNS / self.app), restart=restart, start_s=10, **profile)
        target = Target(name=name, address=ADDRESS, namespace=NETNS / self.app, restart_command=restart)
        place = Place(
            nodes=NODES,
            namespaces=(NETNS / self.node,) * 2,
            watch=NETNS / self.app,
            device="eth0",
            at_appliance=True,
        )
        made = Lab(appliance=target, place=place, profile=declared, sizes=SIZES)
        made.until_health(True, seconds=10)
        return made


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    made = Wire(f"cert{os.getpid()}")
    try:
        made.make()
        yield made
    finally:
        made.remove()
