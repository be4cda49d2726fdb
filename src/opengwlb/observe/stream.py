"""`/_gwlb/v1/stream`: server-sent events of what changes and of what flows, resumable without a gap by the store's revisions.

The last row of a revision carries the id, so a listener that lost its connection in the middle of one is given all of it again: it may
hear a change twice, but never misses one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from opengwlb.store.protocol import Compacted, Store
from opengwlb.wire.errors import AwsError
from opengwlb.wire.protocol import ABORT

from . import asked
from .events import Told
from .feed import Feed
from .read_api import PATH
from .sources import Authenticate
from .visibility import Viewer

LISTENERS = 256
PING_S = 15.0
"""After so long a silence a comment is sent; and so often it is asked whether the listener may still listen."""
SEND_S = 20.0
"""A listener that takes nothing for so long is dropped."""
RETRY_MS = 1000
StillThere = Callable[[Request, str], bool]
"""(request, account): whether who asked may still listen: the session was not ended, the key not deleted."""


class StreamAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`stream`: what came after a revision, then what comes; without one, what comes."""

    since: Annotated[int, msgspec.Meta(ge=0)] | None = None


def route(
    *,
    store: Store,
    feed: Feed,
    authenticate: Authenticate,
    still_there: StillThere,
    operator: str,
    ping_s: float = PING_S,
) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            account = authenticate(request, b"")
            query = {name: value for name, value in request.query_params.items() if name != "account"}
            if (last := request.headers.get("last-event-id")) is not None:
                query["since"] = last
            want = asked.read(b"", query, kind=StreamAsked)
            if feed.listeners >= LISTENERS:
                raise AwsError("Throttling", f"{LISTENERS} listeners are connected: end some of them.", status=429)
        except AwsError as error:
            return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)
        told = listen(
            store,
            feed,
            viewer=Viewer(account, account == operator),
            since=want.since,
            still_there=lambda: still_there(request, account),
            ping_s=ping_s,
        )
        return EventStream(told)

    return Route(f"{PATH}/stream", endpoint, methods=["GET"])


class EventStream(Response):
    """An answer without end, of pieces that are sent as they come; it ends with them, or with its reader."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-store"
        self.headers["x-accel-buffering"] = "no"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, gone):
                task.cancel()
            await asyncio.wait({pump, gone})
        if not pump.cancelled() and pump.exception() is not None:
            if not isinstance(pump.exception(), TimeoutError):
                raise pump.exception() or RuntimeError
            abort = scope.get("extensions", {}).get(ABORT)
            if abort is not None:
                abort["now"]()

    async def _pump(self, send: Send) -> None:
        async with contextlib.aclosing(self._pieces) as pieces:  # type: ignore[type-var]  # an async generator, which has `aclose`
            async for piece in pieces:
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def listen(
    store: Store,
    feed: Feed,
    *,
    viewer: Viewer,
    since: int | None,
    still_there: Callable[[], bool],
    ping_s: float = PING_S,
) -> AsyncIterator[bytes]:
    """The stream's bytes for one viewer, for ever: until the feed is closed, or the viewer may not listen any more."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    with feed.listening(lambda: _tell(loop, news)):
        at = store.snapshot().revision if since is None else since
        sent = feed.newest[0]
        yield f"retry: {RETRY_MS}\nid: {at}\n\n".encode()
        checked = loop.time()
        while not feed.closed:
            news.clear()
            piece, at = await run_in_threadpool(_changes, store, feed, viewer, at)
            number, second = feed.newest
            if number != sent and second is not None:
                piece += _event("traffic", second.of(viewer))
                piece += b"".join(_event("drop", one) for one in second.drops(viewer))
            sent = number
            if piece:
                yield piece
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ping_s):
                    await news.wait()
            if loop.time() - checked >= ping_s:
                checked = loop.time()
                if not still_there():
                    return
                yield b":\n\n"


def _tell(loop: asyncio.AbstractEventLoop, news: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed: nobody listens there any more
        loop.call_soon_threadsafe(news.set)


def _changes(store: Store, feed: Feed, viewer: Viewer, after: int) -> tuple[bytes, int]:
    """(events of what changed after a revision, the revision that they lead to)."""
    try:
        until, told = feed.since(after)
    except Compacted:
        return _reset(store)
    if any(one.accounts is None for one in told) and not viewer.operator:
        return _reset(store)  # something was deleted, and nobody knows any more whether it was theirs
    return changes_as_events(told, viewer=viewer, after=after, until=until), until


def _reset(store: Store) -> tuple[bytes, int]:
    revision = store.snapshot().revision
    return _event("reset", revision, number=revision), revision


def changes_as_events(told: Iterable[Told], *, viewer: Viewer, after: int, until: int) -> bytes:
    """The id comes with the last row of each revision; where the viewer sees nothing of the last revisions, an id alone moves it on."""
    mine = [one for one in told if viewer.sees(one.accounts or frozenset())]
    found, reached = [], after
    for place, one in enumerate(mine):
        is_last = place + 1 == len(mine) or mine[place + 1].revision != one.revision
        found.append(_event("change", one.row, number=one.revision if is_last else None))
        reached = one.revision
    if reached < until:
        found.append(f"id: {until}\n\n".encode())
    return b"".join(found)


def _event(name: str, data: Any, *, number: int | None = None) -> bytes:
    head = f"event: {name}\n" if number is None else f"event: {name}\nid: {number}\n"
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"
