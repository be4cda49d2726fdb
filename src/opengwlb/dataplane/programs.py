"""Where the compiled programs are: in the package when it was installed from a wheel, else where a checkout's `make -C bpf` puts them."""

from __future__ import annotations

from pathlib import Path

PACKAGED = Path(__file__).resolve().parents[1] / "programs"
COMPILED = Path(__file__).resolve().parents[3] / "build" / "bpf"


def directory() -> Path:
    """Of `*.bpf.o`, with `verdicts.h` beside them."""
    return PACKAGED if PACKAGED.is_dir() else COMPILED
