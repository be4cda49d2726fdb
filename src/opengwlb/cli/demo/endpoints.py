"""Both ends of the demo's traffic, as a program that runs in boxes: standard library alone, one file.

`endpoints.py serve NAME BULK_PORT FORBIDDEN_TEXT HTTP_PORT…` is the application on a web server (user data carries it).
`endpoints.py JSON` is a client on the internet: one JSON object in, one JSON value out.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import random
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from io import BufferedIOBase
from typing import Any

BLOCK = 1 << 20
TIMEOUT_S = 5.0
TOTAL_RETRANSMITS = 100
"""Offset in struct tcp_info."""


def stream(size: int) -> Iterator[bytes]:
    """The same pseudo-random bytes for the same size, block by block; each block differs from the others."""
    base = random.Random(size).randbytes(BLOCK)
    for number in range(-(-size // BLOCK)):
        yield (struct.pack(">Q", number) + base[8:])[: size - number * BLOCK]


def send(connection: socket.socket, size: int) -> dict[str, Any]:
    digest = hashlib.sha256()
    for block in stream(size):
        digest.update(block)
        connection.sendall(block)
    return {"sha256": digest.hexdigest(), "bytes": size}


def receive(source: BufferedIOBase, size: int) -> dict[str, Any]:
    digest, left = hashlib.sha256(), size
    while left and (block := source.read(min(left, BLOCK))):
        digest.update(block)
        left -= len(block)
    return {"sha256": digest.hexdigest(), "bytes": size - left}


def retransmits(connection: socket.socket) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANSMITS + 4)
    return int(struct.unpack_from("I", info, TOTAL_RETRANSMITS)[0])


class Bulk(socketserver.StreamRequestHandler):
    """`download SIZE` or `upload SIZE` in one line; answers one line of JSON at the end."""

    def handle(self) -> None:
        direction, size = self.rfile.readline().split()
        if direction == b"download":
            answer = send(self.connection, int(size))
            self.rfile.readline()  # the client has all of it: nothing is in flight any more, so the count is final
        else:
            answer = receive(self.rfile, int(size))
        answer["retransmits"] = retransmits(self.connection)
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = forbidden = ""

    def do_GET(self) -> None:
        """`/reveal` answers with the forbidden text; anything else says who is here and who asks."""
        greeting = f"{self.name} greets {self.client_address[0]}"
        self.answer(self.forbidden if self.path == "/reveal" else greeting)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(f"{self.name} has read it")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the caller says what happened."""

    def answer(self, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


def serve(name: str, bulk_port: str, forbidden: str, *http_ports: str) -> None:
    Web.name, Web.forbidden = name, forbidden
    for port in http_ports:
        threading.Thread(target=Threads(("", int(port)), Web).serve_forever).start()
    Threads(("", int(bulk_port)), Bulk).serve_forever()


def exchange(
    *, source: str, host: str, port: int, pieces: list[str], pause_s: float = 0.05, timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """Send the pieces, each in a segment of its own, and read to the end. Without `error` it came to its end."""
    answer: dict[str, Any] = {"source": source, "source_port": 0, "reply": "", "error": ""}
    with socket.socket() as connection:
        try:
            connection.bind((source, 0))
            answer["source_port"] = connection.getsockname()[1]  # known also when nobody answers
            connection.settimeout(timeout_s)
            connection.connect((host, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(pause_s)  # so that the kernel does not join them
                connection.sendall(piece.encode())
            while block := connection.recv(65536):
                answer["reply"] += block.decode(errors="replace")
        except OSError as error:
            answer["error"] = str(error) or type(error).__name__
    return answer


def exchanges(*, sources: list[str], **each: Any) -> list[dict[str, Any]]:
    """The same exchange from many addresses, sixteen at a time."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda source: exchange(source=source, **each), sources))


def bulk(*, source: str, host: str, port: int, direction: str, size: int) -> dict[str, Any]:
    """Move `size` bytes; both ends' hashes, seconds, and retransmits of the sending end."""
    with (
        socket.create_connection((host, port), timeout=60, source_address=(source, 0)) as connection,
        connection.makefile("rb") as reading,
    ):
        source_port = connection.getsockname()[1]
        began = time.monotonic()
        connection.sendall(f"{direction} {size}\n".encode())
        if direction == "download":
            here = receive(reading, size)
            seconds = time.monotonic() - began
            connection.sendall(b"done\n")
            there = json.loads(reading.readline())
            resent = there["retransmits"]
        else:
            here = send(connection, size)
            there = json.loads(reading.readline())
            seconds = time.monotonic() - began
            resent = retransmits(connection)
    return {
        "source_port": source_port,
        "seconds": seconds,
        "retransmits": resent,
        "sha256": [here["sha256"], there["sha256"]],
        "bytes": [here["bytes"], there["bytes"]],
    }


def visits(*, seconds: float, sources: list[str], each: list[dict[str, Any]]) -> dict[str, int]:
    """Every one of `each` once a second, evenly spread and from changing addresses; prints the counts so far a line a second.

    One of `each` is an `exchange` without its source, and `allowed`: whether it should be answered.
    """
    counts = {"answered": 0, "blocked": 0, "unexpected": 0}
    running: set[Future[str]] = set()
    number, ends = 0, time.monotonic() + seconds
    with ThreadPoolExecutor(48) as pool:
        while running or time.monotonic() < ends:
            for one in each if time.monotonic() < ends else ():
                number += 1
                running.add(pool.submit(visit, source=sources[number % len(sources)], **one))
                time.sleep(1 / len(each))
            done, running = wait(running, timeout=0 if time.monotonic() < ends else 0.2)
            for ended in done:
                counts[ended.result()] += 1
            print(json.dumps(counts), flush=True)
    return counts


def visit(*, allowed: bool, **asked: Any) -> str:
    """`answered` or `blocked` as it should be, else `unexpected`."""
    answer = exchange(**asked)
    came = answer["reply"].startswith("HTTP/1.1 200") and not answer["error"]
    return ("answered" if allowed else "blocked") if came is allowed else "unexpected"


CLIENTS: dict[str, Callable[..., Any]] = {
    "exchange": exchange,
    "exchanges": exchanges,
    "bulk": bulk,
    "visits": visits,
}

if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        asked = json.loads(sys.argv[1])
        print(json.dumps(CLIENTS[asked.pop("do")](**asked)))
