"""What each way in which a health check fails says, of real sockets on loopback."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from opengwlb.control.probes import OpenSocket, ProbeFrom, probe, tls_context
from opengwlb.model.elb import HealthCheck
from opengwlb.policy.health import Failure, ProbeResult

Talk = Callable[[socket.socket], None]
HERE = "127.0.0.1"


def _open(box: str, family: int, kind: int) -> socket.socket:
    return socket.socket(family, kind)


def probed(port: int, *, protocol: str, timeout_s: int = 3, open_socket: OpenSocket = _open) -> ProbeResult:
    check = HealthCheck(protocol=protocol, port=str(port), timeout_s=timeout_s)
    source = ProbeFrom(box="vpc-1", device="lo", address=HERE)
    return asyncio.run(probe(HERE, check=check, source=source, open_socket=open_socket, tls=tls_context()))


@contextmanager
def target(talk: Talk) -> Iterator[int]:
    """A port where one connection is taken and `talk`ed to, then closed."""
    with socket.create_server((HERE, 0)) as door:

        def serve() -> None:
            taken, _ = door.accept()
            with taken:
                talk(taken)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        thread.join(10)


def answering(said: bytes) -> Talk:
    def talk(taken: socket.socket) -> None:
        taken.recv(4096)
        taken.sendall(said)

    return talk


def resetting(taken: socket.socket) -> None:
    taken.recv(4096)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(taken: socket.socket) -> None:
    taken.recv(4096)
    taken.recv(4096)  # until the prober has had enough


@pytest.mark.parametrize(
    ("protocol", "talk", "failure", "said"),
    [
        ("HTTP", answering(b"HTTP/1.1 200 OK\r\n\r\n"), None, "200"),
        ("HTTP", answering(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), Failure.MISMATCH, "503"),
        ("HTTP", answering(b"220 mail.example\r\n"), Failure.FAILED, "no HTTP"),
        ("HTTP", answering(b"SSH-2.0-OpenSSH_9.2 x\r\n"), Failure.FAILED, "no HTTP"),
        ("HTTP", answering(b""), Failure.FAILED, "no HTTP"),
        ("HTTP", resetting, Failure.FAILED, "reset"),
        ("HTTPS", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Failure.FAILED, "no TLS"),
        ("TCP", lambda taken: None, None, "connected"),
    ],
)
def test_a_check_says_what_it_met(protocol: str, talk: Talk, failure: Failure | None, said: str) -> None:
    with target(talk) as port:
        found = probed(port, protocol=protocol)
    assert (found.failure, found.said) == (failure, said)


def test_a_target_that_answers_nothing_is_a_timeout() -> None:
    with target(silent) as port:
        found = probed(port, protocol="HTTP", timeout_s=1)
    assert (found.failure, found.said) == (Failure.TIMEOUT, "timeout")


@pytest.mark.parametrize("protocol", ["TCP", "HTTP", "HTTPS"])
def test_a_port_where_nobody_listens_refuses(protocol: str) -> None:
    with socket.create_server((HERE, 0)) as door:
        port = door.getsockname()[1]
    found = probed(port, protocol=protocol)
    assert (found.failure, found.said) == (Failure.FAILED, "refused")


class _NoWay(socket.socket):
    """Loopback has no router that would say so."""

    number = 0

    def connect(self, address: object, /) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EHOSTUNREACH, "unreachable"), (errno.ENETUNREACH, "unreachable"), (errno.EACCES, "permission denied")],
)
def test_what_the_network_answers_is_said_in_its_words(number: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_NoWay, "number", number)
    found = probed(80, protocol="TCP", open_socket=lambda box, family, kind: _NoWay(family, kind))
    assert (found.failure, found.said) == (Failure.FAILED, said)
