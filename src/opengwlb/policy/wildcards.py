"""`*` and `?` as regular expressions that cannot explode: each run takes the first place where what follows it fits, and never another.

That is enough, since a later place would leave less for the rest; without it a pattern of twenty stars keeps the interpreter for hours.
"""

from __future__ import annotations

import re


def expression(pattern: str, *, escape: str) -> str:
    """`*` is any run, `?` one character, and the character behind `escape` stands for itself. To be matched in full, with DOTALL."""
    pieces: list[str] = [""]
    literal = False
    for character in pattern:
        if literal or character not in ("*", "?", escape):
            pieces[-1] += re.escape(character)
            literal = False
        elif character == escape:
            literal = True
        elif character == "?":
            pieces[-1] += "."
        else:
            pieces.append("")
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    # Atomic groups (Python 3.11): what one has matched is not tried otherwise.
    return first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + f".*{last}"
