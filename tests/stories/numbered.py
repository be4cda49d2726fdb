"""Numbered UDP, run as a script in a box: `receive PORT` until SIGTERM; `send HOST PORT RATE SECONDS SOURCE` at RATE packets a second.

Each prints one JSON line: the sender how many it sent, the receiver which numbers are missing or came twice.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import sys
import time

SIZE = 64
TICK_S = 0.001
FIRST, LAST = 0, 1
NUMBER = struct.Struct("!Q")


def receive(port: int) -> dict[str, object]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(
        socket.SOL_SOCKET, 33, 64 << 20
    )  # SO_RCVBUFFORCE: a busy machine must not look like a lossy network
    sock.bind(("", port))
    sock.settimeout(0.2)
    seen = bytearray()
    doubled = 0
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print("ready", flush=True)
    buffer = bytearray(2048)
    while True:
        try:
            sock.recv_into(buffer)
        except TimeoutError:
            if stopping:
                break
            continue
        (number,) = NUMBER.unpack_from(buffer)
        if number >= len(seen):
            seen.extend(bytes(number + 65536 - len(seen)))
        doubled += seen[number]
        seen[number] = 1
    received = seen.count(1)
    last = seen.rfind(1)
    missing = [number for number in range(last + 1) if not seen[number]]
    return {
        "received": received,
        "doubled": doubled,
        "last": last,
        "missing": len(missing),
        "first_missing": missing[:5],
    }


def send(host: str, port: int, rate: int, seconds: float, source: str) -> dict[str, object]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    sock.connect((host, port))
    filler = bytes(SIZE - NUMBER.size)
    start = time.monotonic()
    sent = 0
    while (elapsed := time.monotonic() - start) < seconds:
        while sent < elapsed * rate:
            sock.send(NUMBER.pack(sent) + filler)
            sent += 1
        time.sleep(TICK_S)
    return {"sent": sent, "seconds": round(time.monotonic() - start, 2)}


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        print(json.dumps(receive(int(sys.argv[2]))))
    else:
        print(json.dumps(send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), sys.argv[6])))
