"""verdicts.h as Python reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from opengwlb.dataplane import DataPlaneError, VerdictKind, parse_verdicts

HEADER = Path(__file__).parents[2] / "bpf" / "shared" / "verdicts.h"


def test_the_projects_header_is_read_whole() -> None:
    text = HEADER.read_text()
    verdicts = parse_verdicts(text)
    assert len(verdicts) == text.count("\tV(")
    assert verdicts[40].name == "encapsulated"
    assert verdicts[40].kind is VerdictKind.PASS
    assert all(one.sentence.endswith(".") and "\\" not in one.sentence for one in verdicts.values())


def test_sentences_may_be_split_over_lines() -> None:
    (verdict,) = parse_verdicts('V(7, name, DROP, \\\n "One, (two) " \\\n "three.")').values()
    assert verdict.sentence == "One, (two) three."


@pytest.mark.parametrize(
    "text", ["", 'V(1, a, DROP, "x")\nV(1, b, DROP, "y")', 'V(1, a, DROP, "x")\nV(2, a, DROP, "y")']
)
def test_a_header_without_verdicts_or_with_one_twice_is_refused(text: str) -> None:
    with pytest.raises(DataPlaneError):
        parse_verdicts(text)
