"""Reading a request from the server without trusting its size."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from .errors import AwsError
from .sigv4 import HttpRequest

LIMIT = 1 << 20
"""Bytes of a body, also after decompression. The largest honest one is RunInstances with 16 KB of user data."""


def too_large(limit: int) -> AwsError:
    return AwsError("RequestEntityTooLarge", f"The request body is larger than {limit} bytes.", status=413)


def without_body(request: Request) -> HttpRequest:
    """Everything but the body, which is left unread."""
    return HttpRequest(
        method=request.method,
        path=request.scope.get("raw_path", request.scope["path"].encode()).decode("latin-1"),
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw),
        body=b"",
    )


async def read_body(request: Request, *, limit: int = LIMIT) -> bytes:
    """The body as sent. Raises RequestEntityTooLarge (413) as soon as more than `limit` bytes are announced or come."""
    announced = request.headers.get("content-length", "0")
    if not (announced.isascii() and announced.isdigit()) or int(announced[:20]) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
    return b"".join(parts)


def decompressed(request: HttpRequest, *, limit: int = LIMIT) -> bytes:
    """The body without its Content-Encoding; a signature covers the compressed bytes. Raises AwsError."""
    encoding = (request.header("content-encoding") or "identity").strip().lower()
    if encoding in ("identity", "", "aws-chunked"):
        return request.body
    if encoding != "gzip":
        raise AwsError("UnsupportedMediaType", f"The content encoding {encoding} is not supported.", status=415)
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        body = unpack.decompress(request.body, limit + 1)
    except zlib.error as error:
        raise AwsError("MalformedQueryString", f"The body is not valid gzip: {error}") from error
    if len(body) > limit:
        raise too_large(limit)
    if not unpack.eof:
        raise AwsError("MalformedQueryString", "The body is not valid gzip: it ends too early")
    return body
