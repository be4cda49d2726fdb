"""Long flows: run as a script in a box. `serve PORT` echoes TCP and UDP; `hold HOST PORT TCP UDP` opens so many flows of each.

The holder prints one JSON line when all have been answered once, and one for each line it reads: the source ports of the flows that
were answered again, by protocol.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time

ANSWER_WITHIN_S = 2.0


def echo(sock: socket.socket) -> None:
    with sock:
        while data := sock.recv(100):
            sock.sendall(data)


def serve(port: int) -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("0.0.0.0", port))

    def answer() -> None:
        while True:
            datagrams.sendto(*datagrams.recvfrom(100))

    threading.Thread(target=answer, daemon=True).start()
    with socket.create_server(("0.0.0.0", port), backlog=256) as listener:
        print("ready", flush=True)
        while True:
            threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def hold(host: str, port: int, tcp: int, udp: int) -> None:
    flows = [(socket.create_connection((host, port), timeout=10), "tcp") for _ in range(tcp)]
    for _ in range(udp):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((host, port))
        flows.append((sock, "udp"))
    number = 0
    while True:
        number += 1
        print(json.dumps(poke(flows, f"{number:08}".encode())), flush=True)
        if not sys.stdin.readline():
            return


def poke(flows: list[tuple[socket.socket, str]], word: bytes) -> dict[str, list[int]]:
    """Sends `word` on every flow, and waits for it."""
    waiting = {}
    for sock, protocol in flows:
        sock.setblocking(False)
        waiting[sock] = protocol
        try:
            sock.send(word)
        except OSError:
            del waiting[sock]
    answered: dict[str, list[int]] = {"tcp": [], "udp": []}
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while waiting and (left := deadline - time.monotonic()) > 0:
        for sock in select.select(list(waiting), [], [], left)[0]:
            try:
                got = sock.recv(100)
            except OSError:
                got = b""
            if not got:
                del waiting[sock]
            elif got.endswith(word):  # what was sent before and not answered may come with it
                answered[waiting.pop(sock)].append(sock.getsockname()[1])
    return answered


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        hold(sys.argv[2], *(int(word) for word in sys.argv[3:]))
