"""Long TCP flows beside a stream of short ones: run as a script in a box. One thread and one epoll at each end.

`serve PORT` answers. `load HOST PORT LONG RATE` opens LONG connections that each ask once a second, then begins RATE connections a
second that connect, ask, are answered and closed. It reads commands: `say` prints what has happened so far as a JSON line, `part` closes
the long connections and prints, `end` waits for what has begun, prints and leaves.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

WORD = 16
GIVE_UP_S = 10.0
"""A connection that was not answered in this time has failed."""
OPENING = 500
"""Long connections begun a second, at first."""


def serve(port: int) -> None:
    listener = socket.create_server(("0.0.0.0", port), backlog=4096)
    listener.setblocking(False)
    poll, there = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                for sock in accepted(listener):
                    there[sock.fileno()] = sock
                    poll.register(sock, select.EPOLLIN)
            elif not answered(there[fd]):
                poll.unregister(fd)
                there.pop(fd).close()


def accepted(listener: socket.socket):
    while True:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        yield sock


def answered(sock: socket.socket) -> bool:
    """Whether the connection goes on. Short ones end here, so that the waiting state does not use up the client's ports."""
    try:
        word = sock.recv(WORD)
        if word:
            sock.send(word)
    except OSError:
        return False
    return word[:1] == b"L"


@dataclass(slots=True)
class Flow:
    sock: socket.socket
    kind: bytes
    """L or S."""
    began: float
    asked: int = 0
    got: int = 0
    waiting_since: float | None = None


@dataclass(slots=True)
class Load:
    address: tuple[str, int]
    long: int
    rate: int
    poll: select.epoll = field(default_factory=select.epoll)
    flows: dict[int, Flow] = field(default_factory=dict)
    begun: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    """From SYN to the answer, of the short ones."""
    stopped_s: float = 0.0
    """The longest that a long connection waited for an answer."""
    turn: list[int] = field(default_factory=list)
    """Long flows in the order in which they ask."""
    started: float = 0.0

    def begin(self, kind: bytes) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        number = sock.connect_ex(self.address)
        self.begun[kind.decode()] += 1
        if number not in (0, errno.EINPROGRESS):
            self.fail(kind, errno.errorcode[number])
            sock.close()
            return
        self.flows[sock.fileno()] = Flow(sock, kind, time.monotonic())
        self.poll.register(sock, select.EPOLLOUT)

    def fail(self, kind: bytes, why: str) -> None:
        self.failed[f"{kind.decode()} {why}"] += 1

    def drop(self, fd: int) -> Flow:
        self.poll.unregister(fd)
        flow = self.flows.pop(fd)
        flow.sock.close()
        return flow

    def ask(self, flow: Flow, now: float) -> None:
        flow.asked += 1
        if flow.waiting_since is None:
            flow.waiting_since = now
        flow.sock.send(flow.kind + f"{flow.asked:0{WORD - 1}}".encode())

    def happened(self, fd: int, what: int) -> None:
        flow, now = self.flows[fd], time.monotonic()
        try:
            if what & select.EPOLLOUT:
                number = flow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number:
                    raise OSError(number, "")
                self.poll.modify(fd, select.EPOLLIN)
                self.ask(flow, now)
                if flow.kind == b"L":
                    self.turn.append(fd)
                return
            data = flow.sock.recv(4096)
        except OSError as error:
            self.drop(fd)
            self.fail(flow.kind, errno.errorcode.get(error.errno or 0, str(error)))
            return
        if data:
            flow.got += len(data)
            if flow.got == flow.asked * WORD:
                if flow.kind == b"L" and flow.waiting_since is not None:
                    self.stopped_s = max(self.stopped_s, now - flow.waiting_since)
                flow.waiting_since = None
            return
        self.drop(fd)
        if flow.kind == b"S" and flow.got == WORD:
            self.done["S"] += 1
            self.slowest_s = max(self.slowest_s, now - flow.began)
        else:
            self.fail(flow.kind, "ended early")

    def overdue(self, now: float) -> None:
        for fd, flow in list(self.flows.items()):
            if now - (flow.began if flow.kind == b"S" else flow.waiting_since or now) > GIVE_UP_S:
                self.drop(fd)
                self.fail(flow.kind, "not answered")

    def wait(self, seconds: float) -> bool:
        """Whether a command has come."""
        command = False
        for fd, what in self.poll.poll(seconds):
            if fd == sys.stdin.fileno():
                command = True
            elif fd in self.flows:
                self.happened(fd, what)
        return command

    def part(self) -> None:
        """Close the long connections, each when it has its answer."""
        left = GIVE_UP_S + time.monotonic()
        self.turn = []
        while fds := [fd for fd, flow in self.flows.items() if flow.kind == b"L"]:
            for fd in fds:
                if self.flows[fd].waiting_since is None:
                    self.drop(fd)
                    self.done["L"] += 1
            if time.monotonic() > left:
                for fd in fds:
                    if fd in self.flows:
                        self.drop(fd)
                        self.fail(b"L", "not answered")
            self.wait(0.001)

    def waiting(self) -> int:
        """Long connections that have waited for an answer for a second."""
        now = time.monotonic()
        return sum(now - (flow.waiting_since or now) > 1 for flow in self.flows.values() if flow.kind == b"L")

    def say(self) -> None:
        took = time.monotonic() - self.started if self.started else 0.0
        print(
            json.dumps(
                {
                    "long": sum(flow.kind == b"L" for flow in self.flows.values()),
                    "waiting": self.waiting(),
                    "begun": self.begun["S"],
                    "done": self.done["S"],
                    "parted": self.done["L"],
                    "failed": dict(self.failed),
                    "rate": round(self.begun["S"] / took, 1) if took else 0,
                    "slowest_s": round(self.slowest_s, 3),
                    "stopped_s": round(self.stopped_s, 3),
                    "cpu_s": round(time.process_time(), 2),
                }
            ),
            flush=True,
        )

    def run(self) -> None:
        start = time.monotonic()
        while len(self.turn) < self.long and time.monotonic() < start + 2 * self.long / OPENING + GIVE_UP_S:
            if self.begun["L"] < min(self.long, (time.monotonic() - start) * OPENING):
                self.begin(b"L")
            self.wait(0.001)
        self.poll.register(sys.stdin, select.EPOLLIN)
        self.started = time.monotonic()
        asked, looked = 0, self.started
        self.say()
        while True:
            now = time.monotonic()
            while self.begun["S"] < (now - self.started) * self.rate:
                self.begin(b"S")
            while self.turn and asked < (now - self.started) * self.long:
                fd = self.turn[asked % len(self.turn)]
                if fd in self.flows:
                    self.ask(self.flows[fd], now)
                asked += 1
            if now - looked > 1:
                looked = now
                self.overdue(now)
            if self.wait(0.001):
                word = sys.stdin.readline().strip()
                if word == "part":
                    self.part()
                if word == "end":
                    break
                self.say()
        while any(flow.kind == b"S" for flow in self.flows.values()):
            self.wait(0.01)
            self.overdue(time.monotonic())
        self.say()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        Load((sys.argv[2], int(sys.argv[3])), int(sys.argv[4]), int(sys.argv[5])).run()
