"""The console's own texts, so that tests find what people see, in either language."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parents[2] / "web"
LANGUAGES = ("en", "ko")


@cache
def _namespace(language: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((WEB / "src" / "i18n" / language / f"{name}.json").read_text())
    return found


def text(language: str, key: str, /, **values: object) -> str:
    """What stands at `namespace:dotted.key`, with its {{values}} filled in."""
    namespace, _, path = key.partition(":")
    found: Any = _namespace(language, namespace)
    for part in path.split("."):
        found = found[part]
    told = str(found)
    for name, value in values.items():
        told = told.replace("{{" + name + "}}", str(value))
    return told
