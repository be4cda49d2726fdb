"""The HTTP server of the services, over real sockets: what clients may throw at it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from opengwlb.services.http import HttpServer, Incoming, Outgoing


async def echo(incoming: Incoming) -> Outgoing:
    if incoming.target == "/fails":
        raise RuntimeError("secret detail")
    text = f"{incoming.method} {incoming.target} {incoming.header('x-a')} {len(incoming.body)}"
    return Outgoing(status=200, body=text.encode())


@pytest.fixture
def port() -> Iterator[int]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    server = HttpServer(echo, body_limit=100)
    asyncio.run_coroutine_threadsafe(server.start(listener), loop).result(5)
    yield listener.getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def talk(port: int, sent: bytes, *, shut: bool = True) -> bytes:
    """Everything that comes back until the server, or our own end, closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(sent)
        if shut:
            wire.shutdown(socket.SHUT_WR)
        got = b""
        while more := wire.recv(65536):
            got += more
        return got


def test_requests_on_one_connection_are_answered_in_turn(port: int) -> None:
    got = talk(
        port, b"GET /a HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert got.count(b"HTTP/1.1 200 OK") == 2 and b"GET /a 1 0" in got and got.endswith(b"POST /b None 3")


def test_an_http_1_0_client_is_answered_and_let_go(port: int) -> None:
    got = talk(port, b"GET /a HTTP/1.0\r\n\r\n", shut=False)
    assert got.endswith(b"GET /a None 0")


def test_chunks_and_expectations_are_understood(port: int) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(sent)
        assert wire.recv(100).startswith(b"HTTP/1.1 100")
        wire.sendall(b"3\r\nabc\r\n0\r\n\r\n")
        assert wire.recv(1000).endswith(b"POST / None 3")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no HTTP at all"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"400", id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000, b"431", id="a head without end"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + b"z" * 101, b"413", id="too large a body"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400", id="a wrong length"),
        pytest.param(b"GET /fails HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"500", id="a failing handler"),
    ],
)
def test_wrong_requests_are_refused_and_the_next_connection_works(port: int, sent: bytes, status: bytes) -> None:
    got = talk(port, sent, shut=False)
    assert got.startswith(b"HTTP/1.1 " + status) and b"secret" not in got
    assert talk(port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"GET /a None 0")


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(port: int) -> None:
    talk(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc")
    assert talk(port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"GET /a None 0")
