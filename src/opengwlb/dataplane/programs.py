"""Where the compiled programs are: in the package when it was installed from a wheel, else where a checkout's `make -C bpf` puts them."""

from __future__ import annotations

from pathlib import Path

from . import btf, layout
from .errors import DataPlaneError, LayoutError

PACKAGED = Path(__file__).resolve().parents[1] / "programs"
COMPILED = Path(__file__).resolve().parents[3] / "build" / "bpf"


def directory() -> Path:
    """Of `*.bpf.o`, with `verdicts.h` beside them."""
    return PACKAGED if PACKAGED.is_dir() else COMPILED


def verified(found_in: Path) -> list[Path]:
    """The objects there. Raises `LayoutError` when one of them and `layout` differ about a struct, `DataPlaneError` when there is none."""
    paths = sorted(found_in.glob("*.bpf.o"))
    if not paths:
        raise DataPlaneError(f"there are no compiled programs in {found_in}: make -C bpf")
    seen: set[str] = set()
    for path in paths:
        seen |= layout.verify(btf.structs(path), where=path.name)
    missing = {mirror.__name__ for mirror in layout.MIRRORS} - seen
    if missing:
        raise LayoutError(f"no program in {found_in} uses {', '.join(sorted(missing))}")
    return paths
