"""Requests whose head, chunk or trailer never ends, on a real socket: they are cut off, and cost no memory."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from opengwlb.wire.protocol import MOST_IN_VAIN, BoundedHttp

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BEGINNINGS = {
    "many headers": (HEAD, b"x-more: of it\r\n"),
    "one header": (HEAD + b"x-long: ", b"a" * 64),
    "a path": (b"GET /", b"a" * 64),
    "a chunk's extension": (CHUNKED + b"1;", b"a" * 64),
    "trailers": (CHUNKED + b"0\r\n", b"x-more: of it\r\n"),
}


async def _answers(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(_answers, http=BoundedHttp, lifespan="off", log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("what", BEGINNINGS)
def test_what_never_ends_is_cut_off(port: int, what: str) -> None:
    beginning, more = BEGINNINGS[what]
    piece = more * 1024
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client, pytest.raises(ConnectionError):
        client.sendall(beginning)
        # Far more than what the kernel's buffers hold: a server that reads on takes all of it.
        for _ in range(1024 * MOST_IN_VAIN // len(piece)):
            client.sendall(piece)


def test_a_body_larger_than_the_bound_passes_and_the_connection_stays(port: int) -> None:
    body = b"b" * (4 * MOST_IN_VAIN)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        for _ in range(3):
            client.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while not answer.endswith(b"\r\n0\r\n\r\n"):
                answer += client.recv(65536)
            assert str(len(body)).encode() in answer
