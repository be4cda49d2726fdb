"""UDP flows, each at a pace of its own: run as a script in a box. `serve ECHO SINK` answers on one port and only listens on the other.

`send HOST ECHO SINK FLOWS SOURCE` opens so many flows to each port with a packet, and prints their source ports as a JSON line; then it
reads one, source port to packets a second, and keeps those paces until its input ends. It prints how many packets it sent.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import sys
import threading
import time

PAYLOAD = bytes(64)
TICK_S = 0.002


def serve(echo: int, sink: int) -> None:
    answering, listening = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    answering.bind(("0.0.0.0", echo))
    listening.bind(("0.0.0.0", sink))

    def drain() -> None:
        while True:
            listening.recv(2048)

    threading.Thread(target=drain, daemon=True).start()
    print("ready", flush=True)
    while True:
        answering.sendto(*answering.recvfrom(2048))


def send(host: str, ports: tuple[int, int], flows: int, source: str) -> int:
    socks = {}
    for port in ports:
        for _ in range(flows):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((source, 0))
            sock.connect((host, port))
            sock.setblocking(False)
            sock.send(PAYLOAD)
            socks[sock.getsockname()[1]] = (sock, port)
    print(json.dumps({port: to for port, (_, to) in socks.items()}), flush=True)
    paces = [(socks[int(port)][0], rate) for port, rate in json.loads(sys.stdin.readline()).items()]
    begun = time.monotonic()
    sent = [0] * len(paces)
    while not select.select([sys.stdin], [], [], 0)[0]:
        elapsed = time.monotonic() - begun
        for number, (sock, rate) in enumerate(paces):
            while sent[number] < elapsed * rate:
                with contextlib.suppress(OSError):  # a full queue: the pace is what counts
                    sock.send(PAYLOAD)
                sent[number] += 1
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock.recv(2048)
        time.sleep(TICK_S)
    return sum(sent)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]))
    else:
        _, _, host, echo, sink, flows, source = sys.argv
        print(json.dumps(send(host, (int(echo), int(sink)), int(flows), source)))
