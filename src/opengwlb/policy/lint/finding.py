"""What the design checker says, as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    """Packets are lost, or pass uninspected."""
    WARNING = "warning"
    """Works today, and will not when something ordinary happens."""
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    code: str
    """What it is called in every language: a key of `words.SENTENCES`."""
    severity: Severity
    resource: str
    """The object whose field causes it."""
    field: str
    """The member of AWS's API that causes it: `Routes`, `GroupId`, `SubnetIds`."""
    accounts: frozenset[str]
    """Whose it is to see."""
    values: Mapping[str, str] = member(default_factory=dict)
    """What the sentence names."""
    fix: str = ""
    """An AWS CLI command that mends it; empty where that takes a decision."""


Findings = Iterator[Finding]
