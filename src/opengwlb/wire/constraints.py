"""The model's lengths, ranges, patterns and enums, checked in the words of AWS's query services."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.model import Shape

Check = Callable[[Any], str | None]
"""value -> the constraint it breaks, in AWS's words, or None."""


MOST_PROBLEMS = 50
"""A request is not read further after so many: a small one could have a million, and the answer names each."""


class Enough(Exception):
    """There are `MOST_PROBLEMS`."""


class Problems(list[str]):
    """Sentences about members that break the model's constraints. Raises Enough instead of growing without end."""

    def append(self, sentence: str) -> None:
        super().append(sentence)
        if len(self) >= MOST_PROBLEMS:
            raise Enough

    def sentence(self) -> str:
        """All of them, as AWS's services put it."""
        counted = "1 validation error" if len(self) == 1 else f"{len(self)} validation errors"
        return f"{counted} detected: {'; '.join(self)}"


def null_problem(path: str) -> str:
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def compile_constraint(shape: Shape) -> Callable[[Any, str, list[str]], None] | None:
    """A function that notes every constraint of `shape` a value breaks; None when the model has none."""
    checks = _checks(shape)
    if not checks:
        return None

    def check_all(value: Any, path: str, problems: list[str]) -> None:
        for check in checks:
            broken = check(value)
            if broken is not None:
                shown = "" if isinstance(value, (list, dict)) else f"'{value}' "
                problems.append(f"Value {shown}at '{path}' failed to satisfy constraint: {broken}")

    return check_all


def _checks(shape: Shape) -> list[Check]:
    metadata = shape.metadata
    checks: list[Check] = []
    measure, noun = (len, "length") if shape.type_name in ("string", "list", "map", "blob") else (_itself, "value")
    if "min" in metadata:
        low = metadata["min"]
        text = f"Member must have {noun} greater than or equal to {low}"
        checks.append(lambda value: text if measure(value) < low else None)
    if "max" in metadata:
        high = metadata["max"]
        too_much = f"Member must have {noun} less than or equal to {high}"
        checks.append(lambda value: too_much if measure(value) > high else None)
    if metadata.get("enum"):
        allowed = frozenset(metadata["enum"])
        not_one = f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"
        checks.append(lambda value: None if value in allowed else not_one)
    pattern = _pattern(metadata.get("pattern"))
    if pattern is not None:
        unlike = f"Member must satisfy regular expression pattern: {metadata['pattern']}"
        checks.append(lambda value: None if pattern.fullmatch(value) else unlike)
    return checks


def _itself(value: Any) -> Any:
    return value


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """The model's patterns are Java's; one that Python cannot read is left to the action."""
    try:
        return None if text is None else re.compile(text, re.ASCII)
    except re.error:
        return None
