"""`lint`: what the design checker says to one viewer."""

from __future__ import annotations

from typing import Any

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import lint

from .visibility import Viewer


def rows(snapshot: Snapshot, *, viewer: Viewer, language: lint.Language) -> list[dict[str, Any]]:
    """Each finding with its sentence in the language asked for; `values` and `code` for who has sentences of its own."""
    return [
        {
            "severity": str(one.severity),
            "code": one.code,
            "resource": one.resource,
            "field": one.field,
            "sentence": lint.sentence(one, language),
            "values": dict(one.values),
            "fix": one.fix,
        }
        for one in lint.check(snapshot)
        if viewer.sees(one.accounts)
    ]
