"""Which devices of a box have no carrier: as the kernel tells it, within milliseconds."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_RTMGRP_LINK = 1
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_IFF_LOWER_UP = 0x10000
"""The device is up and has a carrier: the other end of a veth pair is up too."""
_READ_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 20
OpenSocket = Callable[..., socket.socket]
"""(box, family, kind) -> a socket in the box; `Fabric.open_socket`."""


class Carrier:
    """One subscription per box that is asked about. Not for several threads at once."""

    def __init__(self, open_socket: OpenSocket) -> None:
        self._open_socket = open_socket
        self._sockets: dict[str, socket.socket] = {}
        self._up: dict[str, dict[int, bool]] = {}

    def lost(self, box: str, ifindex: int) -> bool:
        """Whether the device is there and has no carrier. Raises OSError when there is no such box."""
        self._listen(box)
        return not self._up[box].get(ifindex, True)

    def renew(self) -> None:
        """Ask for everything again: a box that was made anew has another namespace."""
        self.close()

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._sockets, self._up = {}, {}

    def _listen(self, box: str) -> None:
        if box not in self._sockets:
            self._subscribe(box)
        sock, up = self._sockets[box], self._up[box]
        try:
            while data := sock.recv(_READ_BYTES):
                _read(data, up)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            # More changed than the buffer holds: what was missed is asked for.
            sock.close()
            self._subscribe(box)

    def _subscribe(self, box: str) -> None:
        sock = self._open_socket(box, socket.AF_NETLINK, socket.SOCK_RAW)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.bind((0, _RTMGRP_LINK))
        sock.setblocking(False)
        body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        sock.send(_HEADER.pack(_HEADER.size + len(body), RTM_GETLINK, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body)
        self._sockets[box], self._up[box] = sock, {}


def _read(data: bytes, up: dict[int, bool]) -> None:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if kind in (RTM_NEWLINK, RTM_DELLINK):
            _, _, ifindex, flags, _ = _LINK.unpack_from(data, at + _HEADER.size)
            up[ifindex] = kind == RTM_NEWLINK and bool(flags & _IFF_LOWER_UP)
        at += max((length + 3) & ~3, _HEADER.size)
