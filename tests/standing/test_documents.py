"""The generated documents are what the code and the ledger say, and the ledger names tests that there are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from . import names
from .documents import DOCUMENTS
from .fidelity import ENGLISH, KINDS, KOREAN, behaviours


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(names.ROOT)))
def test_a_generated_document_is_current(path: Path):
    assert path.read_text(encoding="utf-8") == DOCUMENTS[path](), "run: python -m tests.standing"


def test_every_behaviour_has_a_standing_a_source_and_tests_that_there_are():
    rows = behaviours()
    assert 150 <= len(rows) <= 300
    for row in rows:
        assert row.standing in KINDS, row.id
        assert row.source and row.en and row.ko, row.id
        lost = [test for test in row.tests if not names.files_of(test)]
        assert not lost, f"{row.id} names tests that there are not: {lost}"
    assert set(ENGLISH.areas) == set(KOREAN.areas) >= {row.area for row in rows}


def test_no_behaviour_is_told_twice():
    told = Counter(row.en for row in behaviours())
    assert [text for text, times in told.items() if times > 1] == []
