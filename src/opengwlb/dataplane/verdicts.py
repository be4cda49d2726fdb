"""What became of packets, read from bpf/shared/verdicts.h, the one place that says it: the build copies it next to the objects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .errors import DataPlaneError

_LINE = re.compile(r"\bV\(\s*(\d+)\s*,\s*(\w+)\s*,\s*(PASS|REPLY|STACK|DROP)\s*,((?:\s*\"(?:[^\"\\]|\\.)*\")+)\s*\)")
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"')
HEADER = "verdicts.h"


class VerdictKind(StrEnum):
    PASS = "pass"
    """Went on."""
    REPLY = "reply"
    """Was answered by the program itself."""
    STACK = "stack"
    """Was handed to the kernel on purpose."""
    DROP = "drop"
    """Ended here."""


@dataclass(frozen=True, slots=True)
class Verdict:
    number: int
    name: str
    kind: VerdictKind
    sentence: str
    """For people: what it means, and whether to worry."""


def parse_verdicts(text: str) -> dict[int, Verdict]:
    """The verdicts of a header's text, by number. `DataPlaneError` if a number or name is given out twice, or there is none."""
    found: dict[int, Verdict] = {}
    for number, name, kind, strings in _LINE.findall(text.replace("\\\n", "\n")):
        sentence = "".join(_PART.findall(strings))
        verdict = Verdict(int(number), name, VerdictKind(kind.lower()), sentence)
        if verdict.number in found or any(other.name == name for other in found.values()):
            raise DataPlaneError(f"{HEADER} gives out {number} or {name} twice")
        found[verdict.number] = verdict
    if not found:
        raise DataPlaneError(f"{HEADER} names no verdict")
    return found


def read_verdicts(objects: Path) -> dict[int, Verdict]:
    """The verdicts of the programs in a directory of objects."""
    try:
        return parse_verdicts((objects / HEADER).read_text())
    except OSError as error:
        raise DataPlaneError(f"there are no compiled programs in {objects}: make -C bpf") from error
