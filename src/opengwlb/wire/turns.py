"""Whose request is answered next: accounts take turns, however many requests each has waiting.

A request costs the interpreter for milliseconds, and there is one interpreter. First come, first served would give ten clients of one
account ten shares of it. Everything here happens in one event loop, so there are no locks.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 2
"""Requests that are worked on. More would not be answered sooner: one computes while the other waits for the disk."""
WAITING = 256
"""Of one account. A client that has so many open gets no answer in time anyway."""


class TooMany(Exception):
    """An account has as many requests waiting as it may."""


class Turns:
    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._at_once = at_once
        self._most = waiting
        self._running = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """By account; the first one is next."""

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Waits until it is this account's turn. Raises TooMany."""
        if self._running < self._at_once:
            self._running += 1
        else:
            await self._wait(account)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, account: str) -> None:
        """Until somebody passes their place on."""
        queue = self._waiting.setdefault(account, deque())
        if len(queue) >= self._most:
            raise TooMany
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                # It was given the place while it was called off.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            account, queue = next(iter(self._waiting.items()))
            place = queue.popleft()
            # Whoever was just served comes last.
            del self._waiting[account]
            if queue:
                self._waiting[account] = queue
            if not place.done():
                place.set_result(None)
                return
        self._running -= 1
