"""The VPC's name server, over UDP and TCP. dnslib has the format, `policy/resolver.py` the names."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable
from typing import cast

from dnslib import EDNS0, PTR, QTYPE, RCODE, RR, SOA, A, DNSHeader, DNSRecord
from dnslib.dns import DNSError

from opengwlb.model.vpc import Vpc
from opengwlb.policy.resolver import TTL_S, Names, names_of, reversed_address
from opengwlb.store.protocol import Store

log = logging.getLogger(__name__)

UDP_BYTES = 512
"""An answer larger than this over UDP, without EDNS, says that TCP has to be asked."""
EDNS_BYTES = 1232
IDLE_S = 10.0
MOST_CONNECTIONS = 64
_SERVER = "ns.opengwlb.internal"


class Resolver:
    """Answers for one VPC; its names are read again when the store has changed."""

    def __init__(self, *, store: Store, vpc: str) -> None:
        self._store = store
        self._vpc = vpc
        self._known: tuple[int, Names | None] = (-1, None)

    def answer(self, query: bytes, *, udp: bool) -> bytes | None:
        """None for what is no question at all."""
        try:
            asked = DNSRecord.parse(query)
        except (DNSError, ValueError, IndexError, struct.error):
            return None
        if asked.header.qr:
            return None
        reply = DNSRecord(DNSHeader(id=asked.header.id, qr=1, aa=0, ra=1, rd=asked.header.rd), q=asked.q)
        room = UDP_BYTES
        for record in asked.ar:
            if record.rtype == QTYPE.OPT:
                room = max(UDP_BYTES, min(int(record.rclass), EDNS_BYTES))
                reply.add_ar(EDNS0(udp_len=EDNS_BYTES))
        if asked.header.opcode != 0 or len(asked.questions) != 1:
            reply.header.rcode = RCODE.NOTIMP if asked.header.opcode else RCODE.FORMERR
            return bytes(reply.pack())
        names = self._names()
        if names is None:
            reply.header.rcode = RCODE.REFUSED
        else:
            _fill(reply, names, str(asked.q.qname).rstrip(".").lower(), QTYPE[asked.q.qtype])
        packed = bytes(reply.pack())
        if udp and len(packed) > room:
            short = DNSRecord(DNSHeader(id=asked.header.id, qr=1, ra=1, tc=1, rd=asked.header.rd), q=asked.q)
            return bytes(short.pack())
        return packed

    def _names(self) -> Names | None:
        snapshot = self._store.snapshot()
        revision, names = self._known
        if revision != snapshot.revision:
            vpc = snapshot.get(Vpc, self._vpc)
            names = names_of(snapshot, vpc) if vpc is not None and vpc.enable_dns_support else None
            self._known = (snapshot.revision, names)
        return names


def _fill(reply: DNSRecord, names: Names, name: str, kind: str) -> None:
    """Records, or the reason why there are none: another type (NOERROR) or no such name (NXDOMAIN)."""
    qname = reply.q.qname
    address = reversed_address(name)
    if address is not None:
        if address not in names.names:
            _nothing(reply, exists=False)
        elif kind in ("PTR", "ANY"):
            reply.add_answer(RR(qname, QTYPE.PTR, rdata=PTR(f"{names.names[address]}."), ttl=TTL_S))
        else:
            _nothing(reply, exists=True)
    elif kind in ("A", "ANY") and name in names.addresses:
        for each in names.addresses[name]:
            reply.add_answer(RR(qname, QTYPE.A, rdata=A(each), ttl=TTL_S))
    else:
        _nothing(reply, exists=names.exists(name))


def _nothing(reply: DNSRecord, *, exists: bool) -> None:
    if not exists:
        reply.header.rcode = RCODE.NXDOMAIN
    times = (1, 7200, 900, 1209600, TTL_S)
    reply.add_auth(RR(".", QTYPE.SOA, rdata=SOA(f"{_SERVER}.", f"hostmaster.{_SERVER}.", times), ttl=TTL_S))


class DnsServer:
    """Both of a resolver's listeners at one address."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        """Takes both sockets over. Raises OSError."""
        loop = asyncio.get_running_loop()
        answer: Callable[[bytes], bytes | None] = lambda query: self._resolver.answer(query, udp=True)  # noqa: E731
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer), sock=udp)
        self._tcp = await asyncio.start_server(self._connection, sock=tcp)

    def close(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for writer in self._open:
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            while True:
                async with asyncio.timeout(IDLE_S):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    query = await reader.readexactly(length)
                answer = self._resolver.answer(query, udp=False)
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (OSError, TimeoutError, EOFError):
            pass  # the client went away or was silent too long
        finally:
            self._open.discard(writer)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data)
        if reply is not None and self._transport is not None:
            with contextlib.suppress(OSError):  # the asker is gone
                self._transport.sendto(reply, addr)
