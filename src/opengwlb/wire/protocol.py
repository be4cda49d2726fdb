"""uvicorn's reader of HTTP/1.1 on httptools, which remembers what has no end for as long as it comes: endless headers are cut off here."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_IN_VAIN = 1 << 16
"""Bytes that may come without a request's headers, a piece of its body or its end coming of it. AWS takes some 16 KiB of headers."""

ABORT = "opengwlb.abort"
"""Extension of the scope: its `now()` ends the connection although not all was taken that was written to it."""


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose headers, chunk extensions or trailers go on for more than `MOST_IN_VAIN` bytes."""

    _in_vain = 0

    def data_received(self, data: bytes) -> None:
        self._in_vain += len(data)
        super().data_received(data)
        if self._in_vain > MOST_IN_VAIN and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._in_vain = 0
        if isinstance(self.transport, asyncio.Transport):
            self.scope.setdefault("extensions", {})[ABORT] = {"now": self.transport.abort}
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._in_vain = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_vain = 0
        super().on_message_complete()
