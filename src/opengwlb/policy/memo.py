"""Results remembered by the identity of the frozen objects they were made of: a pass over an unchanged part costs one look-up."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Keeps the `most` results that were asked for last, and up to as many more.

    Threads may share one: at worst something is made twice.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._now: dict[Hashable, tuple[tuple[Any, ...], T]] = {}
        self._before: dict[Hashable, tuple[tuple[Any, ...], T]] = {}

    def get(self, objects: tuple[Any, ...], more: Hashable, make: Callable[[], T]) -> T:
        """`make()` for these very objects, which must never change, and `more`, which is compared by value."""
        key = (tuple(map(id, objects)), more)
        found = self._now.get(key) or self._before.get(key)
        if found is None:
            found = (objects, make())  # holds the objects: an id is theirs as long as they live
        if len(self._now) >= self._most:
            self._before, self._now = self._now, {}
        self._now[key] = found
        return found[1]
