"""The design checker: the classic mistakes around a Gateway Load Balancer, found in what is stored, each with the field that causes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from opengwlb.model.snapshot import Snapshot

from . import guards, spread, ways
from .finding import Finding, Severity
from .words import SENTENCES, Language, sentence

__all__ = ["SENTENCES", "Finding", "Language", "Severity", "check", "sentence"]

_ORDER = list(Severity)


def check(snapshot: Snapshot) -> list[Finding]:
    """Every finding, the worst first; pure, so that a design can be checked before it is built (`Snapshot.supposing`)."""
    found = chain(ways.findings(snapshot), spread.findings(snapshot), guards.findings(snapshot))
    return sorted(_merged(found), key=lambda one: _ORDER.index(one.severity))


def _merged(found: Iterable[Finding]) -> Iterable[Finding]:
    """One finding for all targets that the same command mends."""
    merged: dict[tuple[str, str, str], Finding] = {}
    for one in found:
        key = (one.code, one.resource, one.fix)
        if (first := merged.get(key)) is not None and "target" in one.values:
            one = replace(first, values={**first.values, "target": f"{first.values['target']}, {one.values['target']}"})
        merged[key] = one
    return merged.values()
