"""The packet loop: GENEVE in on UDP 6081, one verdict, the same bytes out again with the outer addresses swapped.

A Python appliance lives or dies by what it does per packet. So a verdict for a flow is remembered under the bytes that
name the flow (GENEVE header, addresses, ports), the payload is handed from `recvmsg` to `sendmsg` without a copy, and
headers are decoded only for packets that need a decision.
"""

from __future__ import annotations

import enum
import errno
import socket
import struct
import time
from collections.abc import Callable

from . import geneve
from .heartbeat import BEAT_S, Heartbeats
from .inner import Inner, InnerError

MAX_PACKET = 9216
"""Larger than any datagram a 9001-byte link delivers; what is cut off is counted as malformed."""
CACHED_FLOWS = 131072
_IP_PKTINFO = 8
_PKTINFO = struct.Struct("=I4s4s")
"""struct in_pktinfo: interface, address to send from, and one that only receiving fills in."""
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 16 << 20
_OUTER = struct.Struct("!BBHHHBBH4s4sHHHH")
_DO_NOT_FRAGMENT = 0x4000
_TTL = 64


class Verdict(enum.Enum):
    """What becomes of a packet. The `_FLOW` ones also answer for later packets of the flow in this direction, without
    asking again."""

    RETURN = enum.auto()
    RETURN_FLOW = enum.auto()
    DROP = enum.auto()
    DROP_FLOW = enum.auto()


class Packet:
    """One packet from the load balancer. `inspect` may call `rewrite`; everything else is to be read."""

    __slots__ = ("_inner", "_start", "data", "header", "rewritten")

    def __init__(self, data: bytes, header: geneve.Header) -> None:
        self.data = data
        """From the GENEVE base header on."""
        self.header = header
        self.rewritten: bytes | None = None
        self._start = header.length
        self._inner: Inner | None = None

    @property
    def inner(self) -> Inner:
        """The inner packet. Raises InnerError if it is not well-formed; the loop then drops the packet and counts it
        as malformed."""
        if self._inner is None:
            self._inner = Inner(self.data[self._start :])
        return self._inner

    def rewrite(self, inner: bytes) -> None:
        """Return `inner` in place of the packet's own. It must still belong to the flow, and its checksums must be
        right."""
        self.rewritten = self.data[: self._start] + inner


Inspect = Callable[[Packet], Verdict]
Sockets = tuple[socket.socket, socket.socket]
"""Receiving and sending."""


def flow_key(data: bytes) -> bytes | None:
    """The bytes that name the flow and direction of a packet; None for a form that is not remembered (options, later
    fragments)."""
    size = len(data)
    if size < 64 or data[0] != 8:
        return None
    if data[40] == 0x45:
        if data[46] & 0x1F or data[47] or (data[42] << 8 | data[43]) != size - 40:
            return None
        protocol = data[49]
        end = 64 if protocol == 6 or protocol == 17 else 60
        return data[:40] + data[49:50] + data[52:end]
    if data[40] >> 4 == 6 and size >= 84 and (data[46] == 6 or data[46] == 17):
        if (data[44] << 8 | data[45]) != size - 80:
            return None
        return data[:40] + data[46:47] + data[48:84]
    return None


class Decider:
    """Asks `inspect` and remembers what it said of whole flows. No sockets: bytes in, bytes to return (or None) out."""

    def __init__(self, inspect: Inspect) -> None:
        self._inspect = inspect
        self.flows: dict[bytes, bool] = {}
        """By flow key: whether its packets are returned."""
        self._headers: dict[bytes, geneve.Header] = {}
        self.malformed = 0

    def decide(self, data: bytes, key: bytes | None) -> bytes | None:
        """For a packet whose flow is not in `flows`: the bytes to return, or None to drop it."""
        try:
            packet = Packet(data, self._header(data))
            verdict = self._inspect(packet)
        except (geneve.GeneveError, InnerError):
            self.malformed += 1
            return None
        returned = verdict is Verdict.RETURN or verdict is Verdict.RETURN_FLOW
        if key is not None and (verdict is Verdict.RETURN_FLOW or verdict is Verdict.DROP_FLOW):
            if len(self.flows) >= CACHED_FLOWS:
                # Every flow is asked about again: rare, and simpler than ageing entries on the fast path.
                self.flows.clear()
            self.flows[key] = returned
        if not returned:
            return None
        return packet.rewritten or data

    def _header(self, data: bytes) -> geneve.Header:
        raw = data[: geneve.HEADER_LENGTH]
        header = self._headers.get(raw)
        if header is None or header.length > len(data):
            header = geneve.decode(data)
            if header.length == geneve.HEADER_LENGTH:
                if len(self._headers) >= CACHED_FLOWS:
                    self._headers.clear()
                self._headers[raw] = header
        return header


def open_sockets(*, port: int = geneve.PORT) -> Sockets:
    """(receiving, sending). Several loops may open the port at once: the kernel then spreads flows over them by outer
    source port.

    Needs CAP_NET_RAW. Raises OSError.
    """
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    receiving.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    # A blocking socket with a kernel timeout: settimeout() would cost a poll() for each packet.
    receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", 0, int(BEAT_S * 1e6)))
    try:
        receiving.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    receiving.bind(("", port))
    # IPPROTO_RAW: we write the IP header, the kernel fills in its length, id and checksum, and nothing is received
    # here.
    sending = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _RECEIVE_BUFFER)
    return receiving, sending


def outer_header(*, source: bytes, destination: str, source_port: int) -> bytearray:
    """The 28 bytes of IPv4 and UDP before a returned packet; the UDP length at 24 is still to be written."""
    return bytearray(
        _OUTER.pack(
            0x45, 0, 0, 0, _DO_NOT_FRAGMENT, _TTL, socket.IPPROTO_UDP, 0,
            source, socket.inet_aton(destination), source_port, geneve.PORT, 0, 0,
        )
    )  # fmt: skip


def from_address(source: bytes) -> list[tuple[int, int, bytes]]:
    """What makes the kernel route a packet as sent from `source`: it does not read that in the header that we write, and an
    appliance with several interfaces would answer by the wrong one. Measured, it costs nothing."""
    return [(socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, source, bytes(4)))]


def run(
    inspect: Inspect,
    *,
    heartbeats: Heartbeats,
    slot: int = 0,
    sockets: Sockets | None = None,
    keep_running: Callable[[], bool] = lambda: True,
    renewed: Callable[[], Inspect | None] = lambda: None,
) -> None:
    """Receive, decide and return until `keep_running` (asked every quarter of a second) says no. `renewed`, asked as often, gives another
    `inspect` to go on with, which is asked about every flow anew.

    What `inspect` raises, other than GeneveError and InnerError, ends the loop: a firewall that cannot decide must not
    forward.
    """
    receiving, sending = sockets or open_sockets()
    receive, send, clock = receiving.recvmsg, sending.sendmsg, time.monotonic
    decider = Decider(inspect)
    verdicts, decide = decider.flows, decider.decide
    set_length = struct.Struct("!H").pack_into
    outers: dict[tuple[tuple[str, int], bytes], tuple[bytearray, list[tuple[int, int, bytes]]]] = {}
    received = returned = dropped = send_errors = received_bytes = 0
    next_beat = 0.0
    while True:
        try:
            data, ancillary, flags, peer = receive(MAX_PACKET, 64)
        except BlockingIOError:
            data = b""
        now = clock()
        if now >= next_beat:
            if not keep_running():
                return
            if (other := renewed()) is not None:
                malformed = decider.malformed
                decider = Decider(other)
                decider.malformed = malformed
                verdicts, decide = decider.flows, decider.decide
            bad = decider.malformed
            heartbeats.beat(slot, (received, returned, dropped - bad, bad, send_errors, received_bytes))
            next_beat = now + BEAT_S
        if not data:
            continue
        received += 1
        received_bytes += len(data)
        if flags:
            decider.malformed += 1
            dropped += 1
            continue
        key = flow_key(data)
        verdict = verdicts.get(key) if key is not None else None
        answer: bytes | None
        if verdict is None:
            answer = decide(data, key)
        elif verdict:
            answer = data
        else:
            answer = None
        if answer is None:
            dropped += 1
            continue
        where = (peer, ancillary[0][2][8:12])
        known = outers.get(where)
        if known is None:
            if len(outers) >= CACHED_FLOWS:
                outers.clear()
            header = outer_header(source=where[1], destination=peer[0], source_port=peer[1])
            known = outers[where] = header, from_address(where[1])
        outer, origin = known
        set_length(outer, 24, len(answer) + 8)
        try:
            send((outer, answer), origin, 0, peer)
        except OSError as problem:
            if problem.errno not in (
                errno.ENOBUFS,
                errno.EMSGSIZE,
                errno.EPERM,
                errno.ENETUNREACH,
                errno.EHOSTUNREACH,
                errno.EAGAIN,
            ):
                raise
            send_errors += 1
        else:
            returned += 1
