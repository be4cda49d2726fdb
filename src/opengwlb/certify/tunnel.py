"""Real TCP through the appliance: client and server in network namespaces of their own, joined by a load balancer in Python.

Each end has a TUN device; what leaves it goes into the tunnel under its flow's header, and what comes back goes out of the
other end. The namespaces have no names: they end with the process, whatever happens to it.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import selectors
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from opengwlb.fabric.namespaces import run_in
from opengwlb_appliance.geneve import GeneveError, decode

from . import packets
from .conversation import Flow, random_flow
from .judgement import Failed
from .lab import Lab

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_PATIENCE_S = 20.0
_PATTERN = bytes(range(256)) * 256
T = TypeVar("T")


class End:
    """A namespace with one TUN device that is its only way out."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._namespace = self.tun = -1
        failures: list[Exception] = []

        def make() -> None:
            try:
                self._make()
            except (OSError, subprocess.CalledProcessError) as problem:
                failures.append(problem)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if failures:
            raise OSError(f"no namespace with a TUN device could be made: {failures[0]}")

    def _make(self) -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.ioctl(self.tun, _TUNSETIFF, struct.pack("16sH22x", b"tun0", _IFF_TUN | _IFF_NO_PI))
        version, bits, quick = ("-6", 128, "nodad") if ":" in self.address else ("-4", 32, "")
        script = f"""link set lo up
            link set tun0 mtu {packets.INNER_MTU} txqueuelen 5000 up
            address add {self.address}/{bits} dev tun0 {quick}
            route add default dev tun0
        """
        subprocess.run(["ip", version, "-batch", "-"], input=script, text=True, check=True, capture_output=True)
        self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def run(self, function: Callable[[], T]) -> T:
        return run_in(Path(f"/proc/self/fd/{self._namespace}"), function)

    def close(self) -> None:
        for descriptor in (self.tun, self._namespace):
            if descriptor >= 0:
                os.close(descriptor)


@dataclass(slots=True, kw_only=True)
class Pair:
    """A client and a server behind one endpoint."""

    pattern: Flow
    """Endpoint and addresses; cookies and outer ports are made for each connection."""
    client: End
    server: End
    flows: dict[bytes, Flow] = field(default_factory=dict)


class Balancer(threading.Thread):
    """Carries packets between the ends and the tunnel until it is closed."""

    def __init__(self, lab: Lab, pairs: list[Pair]) -> None:
        super().__init__(name="balancer", daemon=True)
        self._lab, self._pairs = lab, pairs
        self._by_endpoint = {pair.pattern.endpoint: pair for pair in pairs}
        self._ending = threading.Event()
        self.strange = 0
        """Returned packets that could not be read, or were of no endpoint that we have."""
        self.failure: Exception | None = None

    def run(self) -> None:
        tunnel = self._lab.tunnels[0]
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(tunnel, selectors.EVENT_READ, None)
                for pair in self._pairs:
                    selector.register(pair.client.tun, selectors.EVENT_READ, (pair, pair.client.tun))
                    selector.register(pair.server.tun, selectors.EVENT_READ, (pair, pair.server.tun))
                while not self._ending.is_set():
                    for key, _ in selector.select(0.1):
                        if key.data is None:
                            self._from_tunnel(tunnel)
                        else:
                            self._from_end(*key.data)
        except Exception as problem:  # noqa: BLE001 - told to the check, which would otherwise only see silence
            self.failure = problem

    def close(self) -> None:
        self._ending.set()
        self.join()

    def _from_end(self, pair: Pair, tun: int) -> None:
        for _ in range(64):
            try:
                inner = os.read(tun, 65536)
            except BlockingIOError:
                return
            flow = self._flow(pair, inner)
            if flow is not None:
                source = self._lab.place.nodes[0]
                data = flow.header + inner
                self._lab.send_raw(packets.outer(source, self._lab.appliance.address, flow.source_port, data))

    def _flow(self, pair: Pair, inner: bytes) -> Flow | None:
        """None for what is no TCP: a kernel's own neighbour solicitations and the like."""
        if inner[0] >> 4 == 4:
            protocol, at, ends = inner[9], (inner[0] & 15) * 4, (inner[12:16], inner[16:20])
        else:
            protocol, at, ends = inner[6], 40, (inner[8:24], inner[24:40])
        if protocol != packets.TCP:
            return None
        one, other = (ends[0] + inner[at : at + 2], ends[1] + inner[at + 2 : at + 4])
        key = min(one, other) + max(one, other)
        flow = pair.flows.get(key)
        if flow is None:
            made = random_flow(self._lab.dice, endpoint=pair.pattern.endpoint, version=pair.pattern.version)
            flow = pair.flows[key] = replace(pair.pattern, cookie=made.cookie, source_port=made.source_port)
        return flow

    def _from_tunnel(self, tunnel: socket.socket) -> None:
        for _ in range(64):
            try:
                data = tunnel.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            try:
                header = decode(data)
            except GeneveError:
                self.strange += 1
                continue
            pair = self._by_endpoint.get(header.endpoint)
            if pair is None:
                self.strange += 1
                continue
            inner = data[header.length :]
            destination = inner[16:20] if inner[:1] < b"\x60" else inner[24:40]
            end = pair.client if destination == packets.packed(pair.client.address) else pair.server
            try:
                os.write(end.tun, inner)
            except OSError:
                self.strange += 1  # what the kernel does not take for IP


@contextmanager
def pairs(lab: Lab, count: int = 1, *, version: int = 4) -> Iterator[list[Pair]]:
    """Clients and servers behind `count` endpoints, all with the same addresses."""
    first = random_flow(lab.dice, endpoint=lab.endpoints[0], version=version, port=lab.profile.port)
    made: list[Pair] = []
    ends: list[End] = []
    balancer: Balancer | None = None
    try:
        for at in range(count):
            ends += [End(first.client), End(first.server)]
            pattern = replace(first, endpoint=lab.endpoints[at])
            made.append(Pair(pattern=pattern, client=ends[-2], server=ends[-1]))
        # What earlier checks left in the socket is no business of these flows.
        _empty(lab.tunnels[0])
        balancer = Balancer(lab, made)
        balancer.start()
        yield made
    finally:
        if balancer is not None:
            balancer.close()
        for end in ends:
            end.close()
        if balancer is not None and balancer.failure is not None:
            raise balancer.failure


def _empty(tunnel: socket.socket) -> None:
    while True:
        try:
            tunnel.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return


def transfer(lab: Lab, pair: Pair, *, size: int, push: bool, connections: int = 1) -> float:
    """Move `size` bytes over each of `connections`; seconds for all. Raises Failed when one does not arrive whole."""
    family = socket.AF_INET6 if pair.pattern.version == 6 else socket.AF_INET
    port = lab.profile.port
    listener = pair.server.run(lambda: socket.create_server(("", port), family=family, backlog=256))
    listener.settimeout(_PATIENCE_S)
    began = time.monotonic()
    problems: list[str] = []
    threads: list[threading.Thread] = []

    def noting(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except (OSError, EOFError) as problem:
                problems.append(str(problem) or type(problem).__name__)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        threads.append(thread)
        return thread

    def serve() -> None:
        for _ in range(connections):
            sock, _peer = listener.accept()
            noting(lambda sock=sock: _half(sock, size, sends=not push))  # type: ignore[misc]

    def call() -> None:
        sock = pair.client.run(lambda: socket.create_connection((pair.server.address, port), timeout=_PATIENCE_S))
        _half(sock, size, sends=push)

    try:
        noting(serve)
        for _ in range(connections):
            noting(call)
        deadline = began + 2 * _PATIENCE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for thread in threads:  # those that `serve` added meanwhile
            thread.join(max(0.0, deadline - time.monotonic()))
        if problems or any(thread.is_alive() for thread in threads):
            raise Failed(f"TCP did not get through: {problems[0] if problems else 'no end within 40 s'}")
    finally:
        listener.close()
    return time.monotonic() - began


def _half(sock: socket.socket, size: int, *, sends: bool) -> None:
    """One end's part: data one way, its SHA-256 the other way, compared by who sent. Raises OSError and EOFError."""
    with sock:
        sock.settimeout(_PATIENCE_S)
        digest = hashlib.sha256()
        if sends:
            for start in range(0, size, len(_PATTERN)):
                piece = _PATTERN[: min(len(_PATTERN), size - start)]
                digest.update(piece)
                sock.sendall(piece)
            if _exactly(sock, 32) != digest.digest():
                raise EOFError("the bytes that arrived are not those that were sent")
        else:
            left = size
            while left:
                piece = sock.recv(min(left, 1 << 20))
                if not piece:
                    raise EOFError(f"the connection ended {left} bytes early")
                digest.update(piece)
                left -= len(piece)
            sock.sendall(digest.digest())


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError("the connection ended before the answer")
        data += piece
    return data
