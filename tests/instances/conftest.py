"""Instances for real: runc, a network namespace made by hand, everything removed whatever happens."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opengwlb.instances import InstanceSpec, RuncDriver
from opengwlb_appliance.geneve import PORT

ADDRESS = "192.0.2.2"
OUTSIDE = "192.0.2.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0 or not shutil.which("runc"):
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="needs root and runc"))


def run(*argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=check, timeout=30)


def until(condition: Callable[[], object], *, seconds: float = 10.0, what: str = "condition") -> object:
    """Poll until `condition` is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Lab:
    """A driver, a namespace for one instance, and a namespace outside that reaches it."""

    def __init__(self, *, name: str, data_dir: Path, run_dir: Path) -> None:
        self.name, self.data_dir, self.run_dir = name, data_dir, run_dir
        self.driver = self.second_driver()
        self.box, self.outside = f"{name}-box", f"{name}-out"
        self.spec = InstanceSpec(
            id="i-0123456789abcdef0",
            boot=1,
            namespace=f"/run/netns/{self.box}",
            image_kind="linux",
            hostname="ip-192-0-2-2",
            addresses=(ADDRESS,),
        )

    def second_driver(self) -> RuncDriver:
        """What a restarted daemon makes."""
        return RuncDriver(name=self.name, run_dir=self.run_dir, data_dir=self.data_dir)

    def make_network(self) -> None:
        run("ip", "netns", "add", self.box)
        run("ip", "netns", "add", self.outside)
        run("ip", "-n", self.box, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.outside)
        for namespace, address in ((self.box, ADDRESS), (self.outside, OUTSIDE)):
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "link", "set", "eth0", "mtu", "9001", "up")

    def remove_network(self) -> None:
        for namespace in (self.box, self.outside):
            run("ip", "netns", "delete", namespace, check=False)

    def start(self, **changes: object) -> InstanceSpec:
        spec = replace(self.spec, **changes)
        self.driver.start(spec)
        return spec

    def inside(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the instance."""
        return run(*self.driver.exec(self.spec.id, argv), check=check)

    def from_outside(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run("ip", "netns", "exec", self.outside, *argv, check=check)

    def console(self) -> str:
        return self.driver.console(self.spec.id).decode()

    def console_says(self, text: str, *, seconds: float = 10.0) -> str:
        until(
            lambda: text in self.console(),
            seconds=seconds,
            what=f"{text!r} on the console, which has:\n{self.console()}",
        )
        return self.console()


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    name = f"inst{os.getpid()}"
    run_dir = Path(f"/run/opengwlb-{name}")
    run_dir.mkdir()
    made = Lab(name=name, data_dir=tmp_path / "data", run_dir=run_dir)
    try:
        made.make_network()
        yield made
    finally:
        try:
            made.driver.destroy()
        finally:
            made.remove_network()
            shutil.rmtree(run_dir, ignore_errors=True)


def socket_in(namespace: str, *arguments: int) -> socket.socket:
    """A socket that lives in a network namespace: made by a thread that went there and ends."""
    made: list[socket.socket] = []

    def make() -> None:
        with open(f"/run/netns/{namespace}") as target:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(target.fileno(), 0x40000000) == 0, os.strerror(ctypes.get_errno())
        made.append(socket.socket(*arguments))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Node:
    """The load balancer's side of the tunnel: GENEVE out, whole IP packets back."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._senders: dict[int, socket.socket] = {}
        self._port = socket_in(lab.outside, socket.AF_INET, socket.SOCK_DGRAM)
        self._port.bind((OUTSIDE, PORT))  # or the kernel answers returns with port unreachable
        self._raw = socket_in(lab.outside, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self._raw.settimeout(3)

    def close(self) -> None:
        for each in (self._port, self._raw, *self._senders.values()):
            each.close()

    def send(self, data: bytes, *, source_port: int = 50001, target: str = ADDRESS) -> None:
        """`data` from the GENEVE header on."""
        if source_port not in self._senders:
            self._senders[source_port] = socket_in(self.lab.outside, socket.AF_INET, socket.SOCK_DGRAM)
            self._senders[source_port].bind((OUTSIDE, source_port))
        self._senders[source_port].sendto(data, (target, PORT))

    def returned(self, *, seconds: float = 3) -> bytes | None:
        """The next packet to UDP 6081 from its outer IP header on; None if there is none in time."""
        self._raw.settimeout(seconds)
        try:
            while True:
                packet = self._raw.recv(65535)
                if packet[22:24] == PORT.to_bytes(2, "big"):
                    return packet
        except TimeoutError:
            return None

    def health(self, *, port: int = 80) -> tuple[int, str]:
        """Status and body of the health page; (0, why) when nobody answers."""
        try:
            with socket_in(self.lab.outside, socket.AF_INET, socket.SOCK_STREAM) as connection:
                connection.settimeout(3)
                connection.connect((ADDRESS, port))
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = connection.makefile("rb").read().decode()
        except OSError as problem:
            return 0, str(problem)
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body


@pytest.fixture
def node(lab: Lab) -> Iterator[Node]:
    made = Node(lab)
    yield made
    made.close()
