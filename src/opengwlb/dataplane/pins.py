"""The bpf file system of one instance: what keeps its maps and links alive while no process does."""

from __future__ import annotations

import os
from pathlib import Path

from .syscalls import mount_bpffs, unmount

_DIRECTORIES = ("links", "maps")


def make(path: Path) -> None:
    """Mounted, with its directories. Idempotent. Raises `KernelError`, OSError."""
    path.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(path):
        mount_bpffs(str(path))
    for name in _DIRECTORIES:
        (path / name).mkdir(exist_ok=True)


def remove(path: Path) -> None:
    """Every pin, the mount and its directory. Idempotent. Raises `KernelError`, OSError."""
    if not os.path.ismount(path):
        return
    # One by one: a mount that another namespace copied would keep them alive after the unmount.
    for name in _DIRECTORIES:
        if (path / name).is_dir():
            for pin in (path / name).iterdir():
                pin.unlink()
    unmount(str(path))
    path.rmdir()
