"""A transaction in memory: what was put and deleted, laid over the snapshot it started from.

Nothing touches a disk until the work is done, so a rollback is forgetting the overlay. Every store can use it: it knows
the snapshot only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from opengwlb.model.snapshot import KINDS, Snapshot, Stored

T = TypeVar("T", bound=Stored)

Objects = dict[type[Any], dict[str, Any]]
"""kind -> id -> object."""


class Overlay:
    """The `Transaction` of `protocol.py`."""

    def __init__(self, base: Snapshot) -> None:
        self._base = base
        self._touched: Objects = {}
        self._open = True

    @property
    def revision(self) -> int:
        """The revision this transaction started from."""
        return self._base.revision

    def get(self, kind: type[T], object_id: str | None) -> T | None:
        self._check_open()
        touched = self._touched.get(kind, {})
        if object_id in touched:
            found: T | None = touched[object_id]
            return found
        return self._base.get(kind, object_id)

    def values(self, kind: type[T]) -> Iterable[T]:
        """A list of its own, so that the caller may put and delete while walking it."""
        self._check_open()
        touched = self._touched.get(kind)
        if not touched:
            return list(self._base.values(kind))
        return list(merged({obj.id: obj for obj in self._base.values(kind)}, touched).values())

    def put(self, obj: Stored) -> None:
        self._check_open()
        kind = type(obj)
        if kind not in KINDS:
            raise TypeError(f"{kind.__name__} is not a kind the store keeps (model/snapshot.py KINDS)")
        self._touched.setdefault(kind, {})[obj.id] = obj

    def delete(self, kind: type[Any], object_id: str) -> None:
        self._check_open()
        self._touched.setdefault(kind, {})[object_id] = None

    def finish(self) -> Objects:
        """End the transaction: kind -> id -> new object, None where deleted; only what differs from the base."""
        self._open = False
        net = {
            kind: {object_id: obj for object_id, obj in touched.items() if obj != self._base.get(kind, object_id)}
            for kind, touched in self._touched.items()
        }
        return {kind: changed for kind, changed in net.items() if changed}

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("this transaction is over")


def merged(objects: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """`objects` with `changed` applied, as a new dict: replaced ones keep their place, new ones go to the end."""
    result = dict(objects)
    for object_id, obj in changed.items():
        if obj is None:
            result.pop(object_id, None)
        else:
            result[object_id] = obj
    return result
