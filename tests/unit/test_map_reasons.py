"""The map's own reasons: the console has a sentence with the same places for each, in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from opengwlb.observe.map_answer import ReasonCode
from opengwlb.observe.map_nodes import REASONS

TEXTS = Path(__file__).resolve().parents[2] / "web" / "src" / "i18n"


def _places(sentence: str) -> set[str]:
    return set(re.findall(r"\{+(\w+)\}+", sentence))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_console_says_each_reason_with_what_the_server_gives(language: str) -> None:
    said = json.loads((TEXTS / language / "map.json").read_text())["reason"]
    assert set(said) == set(REASONS) == set(get_args(ReasonCode))
    assert {code: _places(text) for code, text in said.items()} == {
        code: _places(text) for code, text in REASONS.items()
    }
