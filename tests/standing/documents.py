"""Which documents are generated, and from what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from . import fidelity, operations
from .names import ROOT

DOCUMENTS: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs/en/operations.md": partial(operations.page, operations.ENGLISH),
    ROOT / "docs/ko/operations.md": partial(operations.page, operations.KOREAN),
    ROOT / "docs/en/fidelity.md": partial(fidelity.page, fidelity.ENGLISH),
    ROOT / "docs/ko/fidelity.md": partial(fidelity.page, fidelity.KOREAN),
}
