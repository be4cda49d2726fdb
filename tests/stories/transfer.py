"""Bulk TCP with a hash: run as a script in a box. `serve PORT [ADDRESS]` answers each connection; the client is
`push|pull HOST PORT BYTES [SOURCE]`.

The client prints one JSON line: bytes, seconds, whether both ends computed the same SHA-256, and retransmitted segments.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import sys
import threading
import time

CHUNK = bytes(range(256)) * 256
TCP_INFO_TOTAL_RETRANS = 100
"""Offset of tcpi_total_retrans in struct tcp_info (linux/tcp.h)."""


def chunks(size: int):
    sent = 0
    while sent < size:
        piece = CHUNK[: min(len(CHUNK), size - sent)]
        yield piece
        sent += len(piece)


def send(sock: socket.socket, size: int) -> bytes:
    digest = hashlib.sha256()
    for piece in chunks(size):
        digest.update(piece)
        sock.sendall(piece)
    return digest.digest()


def receive(sock: socket.socket, size: int) -> bytes:
    digest, left = hashlib.sha256(), size
    while left:
        piece = sock.recv(min(left, 1 << 20))
        if not piece:
            raise EOFError(f"{left} of {size} bytes did not come")
        digest.update(piece)
        left -= len(piece)
    return digest.digest()


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError("the connection ended early")
        data += piece
    return data


def answer(sock: socket.socket) -> None:
    with sock:
        mode, size = struct.unpack("!cQ", exactly(sock, 9))
        if mode == b">":
            sock.sendall(receive(sock, size))
        else:
            sock.sendall(send(sock, size))


def serve(port: int, address: str = "0.0.0.0") -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family, backlog=256) as listener:
        print("ready", flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=answer, args=(sock,), daemon=True).start()


def run(mode: str, host: str, port: int, size: int, source: str = "") -> dict[str, object]:
    with socket.create_connection((host, port), timeout=60, source_address=(source, 0) if source else None) as sock:
        start = time.monotonic()
        sock.sendall(struct.pack("!cQ", b">" if mode == "push" else b"<", size))
        mine = send(sock, size) if mode == "push" else receive(sock, size)
        theirs = exactly(sock, 32)
        seconds = time.monotonic() - start
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        (retransmits,) = struct.unpack_from("I", info, TCP_INFO_TOTAL_RETRANS)
    return {
        "bytes": size,
        "seconds": round(seconds, 3),
        "equal": mine == theirs,
        "retransmits": retransmits,
        "gbit_s": round(size * 8 / seconds / 1e9, 2),
    }


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), *sys.argv[3:])
    else:
        print(json.dumps(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])))
