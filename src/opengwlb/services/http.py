"""HTTP/1.1 on sockets that somebody else opened, in whichever network namespace: h11 has the protocol, asyncio the connections.

uvicorn serves the server's own address; here each listener is of another box, and answers may need a TTL of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import h11

log = logging.getLogger(__name__)

HEAD_BYTES = 16384
IDLE_S = 60.0
"""A connection without a request is closed after this; so is one whose request takes as long."""
MOST_CONNECTIONS = 512
DEFAULT_TTL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    method: str
    target: str
    """Path and query as sent."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes
    peer: str
    """Address."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    ttl: int = DEFAULT_TTL
    """Of the IP packets that carry it."""


Handler = Callable[[Incoming], Awaitable[Outgoing]]


class HttpServer:
    """One listener. `close` ends its connections too."""

    def __init__(self, handler: Handler, *, body_limit: int) -> None:
        self._handler = handler
        self._body_limit = body_limit
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, listener: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Takes the socket over. Raises OSError."""
        self._server = await asyncio.start_server(
            self._connection, sock=listener, ssl=tls, ssl_handshake_timeout=10 if tls else None
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            await self._requests(reader, writer)
        except (OSError, TimeoutError, EOFError):
            pass  # the client went away, or took too long: nothing is owed to it
        finally:
            self._open.discard(writer)
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    incoming = await self._read(protocol, reader, writer)
                if incoming is None:
                    return
                outgoing = await self._handled(incoming)
            except h11.RemoteProtocolError as error:
                if protocol.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
                    return
                outgoing = Outgoing(status=error.error_status_hint)
            await self._write(protocol, writer, outgoing)
            if protocol.our_state is not h11.DONE or protocol.their_state is not h11.DONE:
                return
            protocol.start_next_cycle()

    async def _handled(self, incoming: Incoming) -> Outgoing:
        try:
            return await self._handler(incoming)
        except Exception:
            log.exception("%s %s failed", incoming.method, incoming.target)
            return Outgoing(status=500)

    async def _read(
        self, protocol: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Incoming | None:
        """None when the client closed instead of asking. Raises RemoteProtocolError (400, 413, 431)."""
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                if protocol.they_are_waiting_for_100_continue:
                    writer.write(protocol.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                protocol.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._body_limit:
                    raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                return Incoming(
                    method=request.method.decode("latin-1"),
                    target=request.target.decode("latin-1"),
                    headers=tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers),
                    body=bytes(body),
                    peer=str(writer.get_extra_info("peername")[0]),
                )
            else:
                return None

    @staticmethod
    async def _write(protocol: h11.Connection, writer: asyncio.StreamWriter, outgoing: Outgoing) -> None:
        wire: socket.socket = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the connection is gone: the write below says so
            wire.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, outgoing.ttl)
        given = {name.lower() for name, _ in outgoing.headers}
        headers = list(outgoing.headers)
        if "content-length" not in given:
            headers.append(("content-length", str(len(outgoing.body))))
        if protocol.their_state is not h11.DONE:
            headers.append(("connection", "close"))
        reason = HTTPStatus(outgoing.status).phrase
        response = h11.Response(status_code=outgoing.status, headers=headers, reason=reason)
        parts = [protocol.send(response)]
        if protocol.their_state is h11.ERROR or outgoing.body:
            parts.append(protocol.send(h11.Data(data=outgoing.body)))
        parts.append(protocol.send(h11.EndOfMessage()))
        writer.write(b"".join(part for part in parts if part))
        await writer.drain()
