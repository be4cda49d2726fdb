"""Bounded captures on devices in boxes: packet sockets with a filter in the kernel and the kernel's timestamps.

Sockets are opened inside the box by a function the caller passes; from then on they may be read from anywhere. What a socket
sees is what tcpdump sees: arriving frames before the programs of the device, leaving frames after them.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from opengwlb.model.topology import PortRef

from . import filters

_ETH_P_ALL = 3
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 8 << 20
_FRAME = 1 << 16
_TIMESPEC = struct.Struct("=qq")


class OpenSocket(Protocol):
    """`fabric.open_socket`: a socket that belongs to the box, wherever it is used. Raises OSError."""

    def __call__(self, box_id: str, family: int, kind: int, protocol: int) -> socket.socket: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    port: PortRef
    incoming: bool
    """False: sent by the box itself."""
    at_ns: int
    """The kernel's wall clock."""
    data: bytes
    """From the Ethernet header on, as much as the filter keeps."""
    length: int
    """On the wire (or as the super-packet that crossed it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A capture ends at whichever is reached first."""

    packets: int = 10_000
    bytes: int = 16 << 20
    seconds: float = 10.0


class Capture:
    """Open sockets on some ports. Frames are caught from construction on; `close` it."""

    def __init__(self, ports: Iterable[PortRef], *, open_socket: OpenSocket, code: bytes) -> None:
        """Ports whose box or device does not exist (yet) are in `missing`. `code` is a classic BPF program.

        Ports are watched in the order given.
        """
        self.missing: list[PortRef] = []
        self._selector = selectors.DefaultSelector()
        self._sockets: list[socket.socket] = []
        opened = [(port, sock) for port in ports if (sock := self._open(port, open_socket, code)) is not None]
        # All at once: entering a box takes a thousand times as long as binding.
        for port, sock in opened:
            self._bind(sock, port)

    def _open(self, port: PortRef, open_socket: OpenSocket, code: bytes) -> socket.socket | None:
        """With protocol 0 a socket catches nothing until it is bound: no frame gets past the filter."""
        try:
            sock = open_socket(port.box, socket.AF_PACKET, socket.SOCK_RAW, 0)
        except OSError:
            self.missing.append(port)
            return None
        self._sockets.append(sock)
        filters.attach(sock, code)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        return sock

    def _bind(self, sock: socket.socket, port: PortRef) -> None:
        try:
            sock.bind((port.device, _ETH_P_ALL))
        except OSError:
            self.missing.append(port)
        else:
            self._selector.register(sock, selectors.EVENT_READ, port)

    def frames(self, bounds: Bounds, *, idle: Callable[[], bool] = lambda: False) -> Iterator[Frame]:
        """Frames as they come, in no order between ports. Ends at a bound, or when nothing waits and `idle()` is true."""
        deadline = time.monotonic() + bounds.seconds
        packets = size = 0
        while (left_s := deadline - time.monotonic()) > 0:
            ready = self._selector.select(min(left_s, 0.1))
            if not ready and (idle() or not self._selector.get_map()):
                return
            for key, _ in ready:
                sock: socket.socket = key.fileobj  # type: ignore[assignment]  # only sockets are registered
                try:
                    frame = _receive(sock, key.data)
                except OSError:  # the device went away, and with it what could be seen there
                    self._selector.unregister(sock)
                    continue
                yield frame
                packets, size = packets + 1, size + len(frame.data)
                if packets >= bounds.packets or size >= bounds.bytes:
                    return

    @property
    def is_over(self) -> bool:
        """Whether no port is left that could be watched."""
        return not self._selector.get_map()

    def close(self) -> None:
        self._selector.close()
        for sock in self._sockets:
            sock.close()

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _receive(sock: socket.socket, port: PortRef) -> Frame:
    data, ancillary, _, address = sock.recvmsg(_FRAME, socket.CMSG_SPACE(_TIMESPEC.size), socket.MSG_TRUNC)
    at_ns = time.time_ns()
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            at_ns = seconds * 1_000_000_000 + nanoseconds
    return Frame(
        port=port,
        incoming=address[2] != socket.PACKET_OUTGOING,
        at_ns=at_ns,
        data=data,
        length=_wire_length(data),
    )


def _wire_length(data: bytes) -> int:
    """What the IP header says, when the filter kept only the start of the frame."""
    if data[12:14] == b"\x08\x00" and len(data) >= 18:
        return max(len(data), 14 + int.from_bytes(data[16:18], "big"))
    return len(data)
