"""Frames that are too long for a test run go over real devices: in by a packet socket at the far end of a port, out at another.

The kernel runs no program on crafted data of more than a page (before 6.19). What comes this way besides lies in fragments of memory, of
which programs can read no more than the Ethernet header until they ask for the rest.
"""

from __future__ import annotations

import errno
import socket
import time
from typing import TYPE_CHECKING

from opengwlb.dataplane import VerdictKind
from opengwlb.model.topology import Port, Program

if TYPE_CHECKING:
    from .world import World

LONGEST = 9001 + 14
WITHIN_S = 2.0
PASS, SHOT, REDIRECT = 0, 2, 7
CODES = {VerdictKind.PASS: REDIRECT, VerdictKind.REPLY: REDIRECT, VerdictKind.STACK: PASS, VerdictKind.DROP: SHOT}
"""What programs return, by the kind of their verdict."""
PROGRAMS = {"endpoint": (Program.ENDPOINT, "door"), "target": (Program.TARGET, "node")}
"""By program: how it is called, and the devices that it is attached to."""
_ALL = 3


class Wire:
    """Attaches the programs; the thread has to stand in the world's namespace."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes = {number: CODES[verdict.kind] for number, verdict in world.dataplane.verdicts.items()}
        self._ifindex = {name.device: port.ifindex for name, port in world.ports.items()}
        self._senders: dict[str, socket.socket] = {}
        for name, facts in world.ports.items():
            for program, device in PROGRAMS.values():
                if name.device.startswith(device):
                    port = Port(
                        box=name.box, device=name.device, mac=facts.mac.hex(":"), mtu=facts.mtu, program=program
                    )
                    world.dataplane.attach(port, netns=f"/run/netns/{world.name}", ifindex=facts.ifindex)
                    self._senders[name.device] = _socket(f"{name.device}-far")
        self._ears = _socket(None)

    def __call__(self, port: str, frame: bytes) -> tuple[int, bytes] | None:
        """What became of it and the bytes that left; None for a frame that the device does not take."""
        ifindex = self._ifindex[port]
        before = self._counted(ifindex)
        self._drain()
        try:
            self._senders[port].send(frame)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return None
            raise
        until = time.monotonic() + WITHIN_S
        while (verdict := self._changed(ifindex, before)) is None:
            if time.monotonic() > until:
                return SHOT, b""
        if self._codes[verdict] != REDIRECT:
            return self._codes[verdict], frame
        out = self._arrived(until)
        return (SHOT, b"") if out is None else (REDIRECT, out)

    def close(self) -> None:
        for one in (self._ears, *self._senders.values()):
            one.close()

    def _counted(self, ifindex: int) -> dict[int, tuple[int, int]]:
        return {verdict: self._world.counted(ifindex, verdict) for verdict in self._codes}

    def _changed(self, ifindex: int, before: dict[int, tuple[int, int]]) -> int | None:
        return next((one for one in before if self._world.counted(ifindex, one) != before[one]), None)

    def _drain(self) -> None:
        try:
            while True:
                self._ears.recv(1)
        except BlockingIOError:
            return

    def _arrived(self, until: float) -> bytes | None:
        """What came to the far end of any port."""
        while time.monotonic() < until:
            try:
                frame, (device, _, kind, *_) = self._ears.recvfrom(1 << 16)
            except BlockingIOError:
                continue
            if device.endswith("-far") and kind != socket.PACKET_OUTGOING:
                return frame
        return None


def _socket(device: str | None) -> socket.socket:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL if device is None else 0))
    raw.setblocking(device is not None)
    if device is not None:
        raw.bind((device, 0))
    return raw
