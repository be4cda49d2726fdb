"""Write the generated documents: `python -m tests.standing`. `python -m tests.standing draft` prints tables for new operations."""

from __future__ import annotations

import sys

from . import draft
from .documents import DOCUMENTS

if sys.argv[1:] == ["draft"]:
    print("\n".join(draft.tables()))
else:
    for path, page in DOCUMENTS.items():
        path.write_text(page(), encoding="utf-8")
        print(path)
