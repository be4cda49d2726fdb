"""Recent changes of the store as an event feed: which object changed, and its state; no more, as keys have secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

from opengwlb.model.account import AccessKey, ClientToken
from opengwlb.model.elb import Slot, Target
from opengwlb.store.protocol import Change, Compacted, Store

from .visibility import Viewer

_SILENT = (AccessKey, ClientToken, Slot)
"""Not events for anyone: secrets, bookkeeping."""
LATELY = 10_000
"""Changes that are looked through when nobody says since when."""


def lately(store: Store) -> list[Change]:
    """The latest changes, as many as are kept, up to `LATELY`; oldest first."""
    newest = store.snapshot().revision
    for count in (LATELY, LATELY // 10, LATELY // 100, 1):
        with contextlib.suppress(Compacted):
            return store.changes(max(0, newest - count))
    return []


def rows(changes: Iterable[Change], *, viewer: Viewer, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` of what the viewer may see, oldest first."""
    found = []
    owners: dict[str, str | None] = {}
    for change in changes:
        if change.kind in _SILENT:
            continue
        owner = owners.setdefault(change.id, _owner(change))
        if viewer.sees(frozenset({owner} if owner else ())):
            found.append(
                {
                    "revision": change.revision,
                    "at": change.at,
                    "kind": change.kind.__name__,
                    "id": change.id,
                    "event": "deleted" if change.object is None else "written",
                    "state": _state(change),
                }
                | _why(change)
            )
    return found[-limit:]


def _owner(change: Change) -> str | None:
    account = getattr(change.object, "account", None)
    if account is None and change.id.startswith("arn:aws:"):
        return change.id.split(":")[4]
    return str(account) if account is not None else None


def _why(change: Change) -> dict[str, str]:
    """What a target's health says besides its state."""
    if not isinstance(change.object, Target):
        return {}
    return {"reason": change.object.reason, "description": change.object.description}


def _state(change: Change) -> str | None:
    state = getattr(change.object, "state", None)
    return str(state) if state is not None else None
