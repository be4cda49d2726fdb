"""Wildcards match as they always did, but in time that grows with their length."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from opengwlb.policy.wildcards import expression


def matches(pattern: str, value: str) -> bool:
    return re.fullmatch(expression(pattern, escape="\\"), value, re.DOTALL) is not None


def slowly(pattern: str, value: str) -> bool:
    """As the words say it: every way is tried."""
    if not pattern:
        return not value
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(slowly(rest, value[cut:]) for cut in range(len(value) + 1))
    if head == "\\":
        head, rest = rest[:1], rest[1:]
        if not head:
            return not value
        return value[:1] == head and slowly(rest, value[1:])
    return bool(value) and (head == "?" or head == value[0]) and slowly(rest, value[1:])


@given(pattern=st.text("ab*?\\\n", max_size=8), value=st.text("ab*?\\\n", max_size=8))
def test_what_matches_is_what_matches_when_every_way_is_tried(pattern: str, value: str):
    assert matches(pattern, value) == slowly(pattern, value)


def test_a_pattern_of_a_hundred_stars_is_answered_at_once():
    start = time.monotonic()
    assert not matches("*a" * 100 + "*b", "a" * 250)
    assert matches("*a" * 100, "a" * 250)
    assert time.monotonic() - start < 1
