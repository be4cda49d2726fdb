"""`lint`: what the design checker says to one viewer."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import lint

from .visibility import Viewer


class LintFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One mistake, with its sentence in the language asked for; `values` and `code` for who has sentences of its own."""

    severity: Literal["error", "warning", "note"]
    code: str
    resource: str
    field: str
    """The member of AWS's API that causes it: `Routes`, `SubnetIds`, or an attribute's key."""
    sentence: str
    values: dict[str, str]
    fix: str
    """An AWS CLI command; empty where mending takes a decision."""


class LintAnswer(msgspec.Struct, kw_only=True, frozen=True):
    """The answer of `lint`, the worst first."""

    findings: tuple[LintFinding, ...]


def rows(snapshot: Snapshot, *, viewer: Viewer, language: lint.Language) -> list[dict[str, Any]]:
    """`LintAnswer.findings`, ready to be written."""
    return [
        msgspec.to_builtins(
            LintFinding(
                severity=one.severity.value,
                code=one.code,
                resource=one.resource,
                field=one.field,
                sentence=lint.sentence(one, language),
                values=dict(one.values),
                fix=one.fix,
            )
        )
        for one in lint.check(snapshot)
        if viewer.sees(one.accounts)
    ]
