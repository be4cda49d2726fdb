"""Recent changes of the store as an event feed: which object changed, and its state; no more, as keys have secrets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from opengwlb.model.account import AccessKey, ClientToken
from opengwlb.model.elb import Slot, Target
from opengwlb.model.privatelink import VpcEndpoint
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One change as a row, and who may read it."""

    revision: int
    row: dict[str, Any]
    accounts: frozenset[str] | None
    """None: a deletion of what nobody remembers the owner of."""


def told(changes: Iterable[Change], owners: MutableMapping[str, frozenset[str]]) -> list[Told]:
    """Oldest first. `owners` says who could see what objects by id; it is brought up to date, for the changes that come after these."""
    found = []
    for change in changes:
        if change.kind in _SILENT:
            continue
        accounts = seen_by(change.object, change.id) or owners.get(change.id)
        if change.object is None:
            owners.pop(change.id, None)
        elif accounts is not None:
            owners[change.id] = accounts
        found.append(Told(revision=change.revision, row=_row(change), accounts=accounts))
    return found


def rows(told: Iterable[Told], *, viewer: Viewer, limit: int) -> list[dict[str, Any]]:
    """The newest `limit` of what the viewer may see, oldest first."""
    return [one.row for one in told if viewer.sees(one.accounts or frozenset())][-limit:]


def seen_by(one: Any, object_id: str) -> frozenset[str] | None:
    """Who may see an object; None when neither it nor its id says. A provider sees the endpoints on its load balancers."""
    if isinstance(one, VpcEndpoint):
        return frozenset({one.account, *_account_in(one.load_balancer)})
    account = getattr(one, "account", None)
    return frozenset({str(account)}) if account is not None else frozenset(_account_in(object_id)) or None


def _account_in(arn: str) -> tuple[str, ...]:
    return (arn.split(":")[4],) if arn.startswith("arn:aws:") else ()


def _row(change: Change) -> dict[str, Any]:
    return {
        "revision": change.revision,
        "at": change.at,
        "kind": change.kind.__name__,
        "id": change.id,
        "event": "deleted" if change.object is None else "written",
        "state": _state(change),
    } | _why(change)


def _why(change: Change) -> dict[str, str]:
    """What a target's health says besides its state."""
    if not isinstance(change.object, Target):
        return {}
    return {"reason": change.object.reason, "description": change.object.description}


def _state(change: Change) -> str | None:
    state = getattr(change.object, "state", None)
    return str(state) if state is not None else None
