"""Random values for any shape of a botocore model, seeded: what a client could send and a server could answer."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.model import Shape

TEXT = [
    "",
    "a",
    "10.0.0.0/16",
    "vpc-0abc",
    "<&>\"'",
    "한국어 €",
    " spaces ",
    "line\nbreak\ttab\rreturn",
    "a=b&c=d+e%20",
    "💡",
    "]]>",
]
PATTERN_TEXT = [
    "a", "ab", "x" * 20, "x" * 64, "123456789012", "arn:aws:iam::123456789012:role/some-role", "AKIA0123456789ABCDEF",
    "/path/", "name@example.com", "value", "https://example.com/x", "1-2", "vpc-0abc", "key", "200-399", "12345",
    "http", "-", "0", "HTTPS", "200", "ipv4pool-coip-0abc", "text/plain",
    "arn:aws:s3:::bucket", "AAAAAAAAAAAAAAAAAAAA", "ipam-pool-0123456789abcdef0", "v1", "Name", "o-a123456789/r-a123/", "p-abcdefgh12",
    "OrganizationsPolicy", "default", "arn:aws:cloudwatch:us-east-1:123456789012:dataset/default",
    "arn:aws:kms:us-east-1:123456789012:key/12ab-34cd", "p99.9",
]  # fmt: skip
SIMPLE_TIME = datetime(2026, 11, 23, tzinfo=UTC)


SCALARS = ("string", "integer", "long", "boolean", "float", "double", "timestamp", "blob")
BUDGET = 300
"""Members of one value, about: EC2's outputs branch into millions otherwise."""


def matches(pattern: str, text: str) -> bool:
    """Java's patterns that Python cannot read match anything, as in `constraints.py`."""
    try:
        return re.fullmatch(pattern, text, re.ASCII) is not None
    except re.error:
        return True


class Values:
    """`strict`: values also satisfy lengths, ranges, enums and patterns, as the query services demand.

    `empty_lists`: False for ec2's requests, which cannot carry one.
    """

    def __init__(self, seed: int, *, strict: bool, empty_lists: bool = True) -> None:
        self._random = random.Random(seed)
        self._strict = strict
        self._fewest = 0 if empty_lists else 1
        self._left = BUDGET

    def structure(self, shape: Shape | None) -> dict[str, Any]:
        """A value for an operation's input or output."""
        self._left = BUDGET
        return {} if shape is None else self._structure(shape, 0)

    def _value(self, shape: Shape, depth: int) -> Any:
        pick = self._random
        self._left -= 1
        match shape.type_name:
            case "structure":
                return self._structure(shape, depth)
            case "list":
                return [value for value in self._several(shape, shape.member, depth) if value not in ({}, [])]
            case "map":
                # Never empty: a form cannot carry that, and a map may be required.
                values = self._several(shape, shape.value, depth) or [self._value(shape.value, depth + 1)]
                return {self._value(shape.key, depth + 1): value for value in values}
            case "string" | "character":
                return self._string(shape)
            case "integer" | "long":
                bits = 31 if shape.type_name == "integer" else 63
                low, high = self._range(shape, low=-(2**bits), high=2**bits - 1)
                return pick.choice([low, high, pick.randint(low, high)])
            case "float" | "double":
                low = shape.metadata.get("min", -2)
                return pick.choice([each for each in (0.0, -1.5, 0.1, 1e-9, 12345678.25) if each >= low])
            case "boolean":
                return pick.random() < 0.5
            case "timestamp":
                return SIMPLE_TIME + timedelta(milliseconds=pick.randrange(10**12))
            case "blob":
                return pick.randbytes(pick.randrange(20))
        raise AssertionError(shape)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        """Never empty when it has members: an empty structure cannot be told from none in a form."""
        members = list(shape.members.items())
        chance = 0.9 if depth == 0 else 0.5
        wanted = {name for name, _ in members if self._left > 0 and depth < 12 and self._random.random() < chance}
        wanted |= set(shape.required_members)
        if not wanted and members:
            wanted = {next((name for name, member in members if member.type_name in SCALARS), members[0][0])}
        made = {name: self._value(member, depth + 1) for name, member in members if name in wanted}
        # botocore sends nothing for an empty map either.
        return {name: value for name, value in made.items() if value != {}}

    def _several(self, shape: Shape, member: Shape, depth: int) -> list[Any]:
        low, high = self._range(shape, low=self._fewest, high=3)
        low = max(low, self._fewest)
        count = self._random.randint(low, max(low, min(high, 3 if self._left > 0 else 0)))
        return [self._value(member, depth + 1) for _ in range(count)]

    def _string(self, shape: Shape) -> str:
        if shape.metadata.get("enum"):
            return self._random.choice(shape.metadata["enum"])
        if not self._strict:
            return self._random.choice(TEXT)
        low, high = self._range(shape, low=0, high=10**9)
        pattern = shape.metadata.get("pattern")
        fitting = [
            padded
            for text in (PATTERN_TEXT if pattern else TEXT)
            for padded in (text, text * -(-low // max(len(text), 1)))
            if low <= len(padded) <= high and (not pattern or matches(pattern, padded))
        ]
        assert fitting, f"{shape.name}: add a text to PATTERN_TEXT that matches {pattern}, {low} to {high} long"
        return self._random.choice(fitting)

    def _range(self, shape: Shape, *, low: int, high: int) -> tuple[int, int]:
        if not self._strict:
            return low, high
        low = shape.metadata.get("min", low)
        return low, max(low, shape.metadata.get("max", high))
