"""Running TCP transfers and when they stood still: run as a script in a box. `receive PORT` takes what comes, until its input ends;
`send HOST PORT TRANSFERS RATE SOURCE` sends so many messages a second on each, until its input ends.

Each prints `ready` and, at the end, one JSON line, by the transfers' source ports. The receiver: [since, milliseconds] of each time that
nothing came for longer than `NOTED_MS`, by when the kernel received it. The sender: [at, milliseconds, retransmissions] whenever the
retransmission timeout that its kernel reports of an unanswered transfer changed; `ss -ti` prints the same. Times are seconds since the
epoch.
"""

from __future__ import annotations

import contextlib
import json
import select
import selectors
import socket
import struct
import sys
import time

MESSAGE = bytes(200)
TICK_S = 0.002
LOOK_S = 0.02
NOTED_MS = 30.0
UNANSWERED_MS = 100
"""For longer than that nothing was acknowledged: on a path of a millisecond that is a stall."""
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("=qq")
_TCP_INFO = struct.Struct("=8B14I")
_RETRANSMITS, _RTO, _UNACKED, _LAST_ACK = 2, 8, 12, 20
Notes = dict[int, list[list[float]]]


def ended() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def receive(port: int) -> Notes:
    selector = selectors.DefaultSelector()
    last: dict[int, float] = {}
    notes: Notes = {}
    with socket.create_server(("0.0.0.0", port), backlog=1024) as listener:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    return finished(last, notes)
                if key.fileobj is listener:
                    sock, peer = listener.accept()
                    sock.setblocking(False)
                    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                    selector.register(sock, selectors.EVENT_READ, peer[1])
                elif not take(key.fileobj, key.data, last, notes):
                    selector.unregister(key.fileobj)


def take(sock: object, source: int, last: dict[int, float], notes: Notes) -> bool:
    """Whether there may be more."""
    assert isinstance(sock, socket.socket)
    data, ancillary, _, _ = sock.recvmsg(1 << 16, 64)
    if not data:
        return False
    now = time.time()  # of what came before the socket was asked for the kernel's own time
    if ancillary:
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        now = seconds + nanoseconds / 1e9
    note_gap(source, now, last, notes)
    return True


def note_gap(source: int, now: float, last: dict[int, float], notes: Notes) -> None:
    since = last.setdefault(source, now)
    if (now - since) * 1e3 > NOTED_MS:
        notes.setdefault(source, []).append([since, round((now - since) * 1e3, 1)])
    last[source] = now


def finished(last: dict[int, float], notes: Notes) -> Notes:
    """What stands still to the end did so at least until now."""
    for source in last:
        note_gap(source, time.time(), last, notes)
    return {source: notes.get(source, []) for source in last}


def send(host: str, port: int, transfers: int, rate: float, source: str) -> Notes:
    socks = [socket.create_connection((host, port), timeout=10, source_address=(source, 0)) for _ in range(transfers)]
    for sock in socks:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    notes: Notes = {sock.getsockname()[1]: [] for sock in socks}
    print("ready", flush=True)
    begun = looked = time.monotonic()
    sent = 0
    while not ended():
        now = time.monotonic()
        while sent < (now - begun) * rate * transfers:
            with contextlib.suppress(BlockingIOError):  # stalled for so long that its buffer is full
                socks[sent % transfers].send(MESSAGE)
            sent += 1
        if now - looked > LOOK_S:
            looked = now
            for sock in socks:
                note_timeout(sock, notes[sock.getsockname()[1]])
        time.sleep(TICK_S)
    return notes


def note_timeout(sock: socket.socket, notes: list[list[float]]) -> None:
    info = _TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
    said = [info[_RTO] / 1e3, info[_RETRANSMITS]]
    if info[_UNACKED] and info[_LAST_ACK] > UNANSWERED_MS and (not notes or notes[-1][1:] != said):
        notes.append([time.time(), *said])


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        print(json.dumps(receive(int(sys.argv[2]))))
    else:
        _, _, host, port, transfers, rate, source = sys.argv
        print(json.dumps(send(host, int(port), int(transfers), float(rate), source)))
