"""A route netlink socket of one box: many requests in one system call, one outcome for each.

pyroute2 knows the messages; the transport is our own because a box's socket is used from whichever thread applies
(pyroute2's sockets belong to one thread and one event loop each) and because a VPC is hundreds of small requests,
which go out here a hundred at a time.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink.rtnl.marshal import MarshalRtnl

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400
_NLM_F_DUMP_INTR = 0x10

_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NLMSGERR_ATTR_MSG = 1
_BATCH = 100
"""Requests per send: their acknowledgements must fit the receive buffer, as the kernel handles all of them within
the send."""
_MESSAGES = MarshalRtnl.msg_map


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the kernel, not yet sent: `RTM_*`, flags beyond REQUEST and ACK, and a pyroute2 message."""

    type: int
    flags: int
    message: Any


class Netlink:
    """Wraps a NETLINK_ROUTE socket that was made inside the box's namespace. Not for two threads at once."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sequence = itertools.count(1)
        sock.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        sock.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        sock.settimeout(10)

    def close(self) -> None:
        self._socket.close()

    def submit(self, requests: Sequence[Request]) -> list[OSError | None]:
        """Carry the requests out in order, whatever becomes of the earlier ones. The outcomes, in the same order."""
        outcomes: list[OSError | None] = []
        for start in range(0, len(requests), _BATCH):
            outcomes += self._submit_batch(requests[start : start + _BATCH])
        return outcomes

    def execute(self, request: Request) -> None:
        """One request. Raises OSError with the kernel's own words where it gives any."""
        if error := self.submit([request])[0]:
            raise error

    def dump(self, kind: int, message: Any, *, between: Callable[[], None] = lambda: None) -> list[Any]:
        """Everything of one kind (`RTM_GET*`), decoded. Read again when it changed under the kernel's hands.

        `between` is called before each is decoded, and may raise: decoding takes some hundred times as long as the kernel needs.
        """
        items: list[Any] = []
        for reply in self._dumped(kind, message):
            between()
            item = _MESSAGES[reply.type](bytearray(reply.data))
            item.decode()
            items.append(item)
        return items

    def _dumped(self, kind: int, message: Any) -> list[_Reply]:
        """All of it is received, or the next dump would find this one in its way."""
        while True:
            sequence = next(self._sequence)
            self._socket.send(encode(Request(kind, NLM_F_DUMP, message), sequence=sequence, acknowledge=False))
            found: list[_Reply] = []
            interrupted = False
            for reply in self._replies(sequence):
                interrupted |= bool(reply.flags & _NLM_F_DUMP_INTR)
                if reply.type == _NLMSG_DONE:
                    break
                if reply.type == _NLMSG_ERROR:
                    raise reply.error() or OSError("netlink acknowledged a dump without an answer")
                found.append(reply)
            if not interrupted:
                return found

    def _submit_batch(self, requests: Sequence[Request]) -> list[OSError | None]:
        outcomes: dict[int, OSError | None] = {}
        data = b""
        sequences = list(itertools.islice(self._sequence, len(requests)))
        for sequence, request in zip(sequences, requests, strict=True):
            try:
                data += encode(request, sequence=sequence, acknowledge=True)
            except (OSError, ValueError, struct.error) as error:  # such as 300.1.1.1: the others are sent all the same
                outcomes[sequence] = OSError(errno.EINVAL, f"{os.strerror(errno.EINVAL)} ({error})")
        if data:
            self._socket.send(data)
        replies = self._replies(sequences[0])
        while len(outcomes) < len(requests):
            reply = next(replies)
            if reply.type == _NLMSG_ERROR:
                outcomes[reply.sequence] = reply.error()
        return [outcomes[sequence] for sequence in sequences]

    def _replies(self, first: int) -> Iterator[_Reply]:
        """Replies from sequence number `first` on; leftovers of an exchange that timed out are skipped."""
        while True:
            data = self._socket.recv(1 << 18)
            offset = 0
            while offset + 16 <= len(data):
                length, kind, flags, sequence = struct.unpack_from("=IHHI", data, offset)
                if sequence >= first:
                    yield _Reply(kind, flags, sequence, data[offset : offset + length])
                offset += (length + 3) & ~3


@dataclass(frozen=True, slots=True)
class _Reply:
    type: int
    flags: int
    sequence: int
    data: bytes

    def error(self) -> OSError | None:
        """Of an NLMSG_ERROR: None is success."""
        code = -int(struct.unpack_from("=i", self.data, 16)[0])
        if not code:
            return None
        return OSError(code, f"{os.strerror(code)} ({text})" if (text := self._text()) else os.strerror(code))

    def _text(self) -> str:
        offset = 16 + 4 + 16  # header, error code, the header of the request (NETLINK_CAP_ACK leaves the rest out)
        while offset + 4 <= len(self.data):
            length, kind = struct.unpack_from("=HH", self.data, offset)
            if kind & 0x3FFF == _NLMSGERR_ATTR_MSG:
                return self.data[offset + 4 : offset + length].rstrip(b"\0").decode(errors="replace")
            offset += max((length + 3) & ~3, 4)
        return ""


def encode(request: Request, *, sequence: int, acknowledge: bool) -> bytes:
    message = request.message
    message.reset()
    message["header"]["type"] = request.type
    message["header"]["flags"] = NLM_F_REQUEST | request.flags | (NLM_F_ACK if acknowledge else 0)
    message["header"]["sequence_number"] = sequence
    message["header"]["pid"] = 0
    message.encode()
    data = bytes(message.data)
    return data + b"\0" * (-len(data) % 4)
