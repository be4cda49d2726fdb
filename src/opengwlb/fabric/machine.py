"""What several `gwlb` instances on one machine must agree on: ranges of ifindexes, and who made the mount at
/run/netns.

Kept in files under /run, so that a reboot forgets it together with the kernel's objects: `<run dir of a
name>/ifindexes` holds the first number of that name's range, and the directory above, which all names share, is
locked while anyone reads or changes this.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import namespaces

RANGE_SIZE = 1_000_000
"""ifindexes per name. The first range begins at 1,000,000, far above what the kernel itself gives out."""
_LAST_RANGE = 2_000
_RANGE = "ifindexes"
_MOUNT = "netns-mount"


def claim(run_dir: Path) -> range:
    """The ifindexes of this name, the same at every call until `release`. Makes sure of the mount at /run/netns.
    Raises OSError."""
    shared = run_dir.parent
    with _locked(shared):
        if namespaces.make_mount_point():
            (shared / _MOUNT).touch()
        run_dir.mkdir(mode=0o755, exist_ok=True)
        mine = run_dir / _RANGE
        if not mine.exists():
            taken = {int(path.read_text()) for path in shared.glob(f"*/{_RANGE}")}
            free = (n * RANGE_SIZE for n in range(1, _LAST_RANGE) if n * RANGE_SIZE not in taken)
            scratch = mine.with_suffix(".new")
            scratch.write_text(f"{next(free)}\n")
            scratch.replace(mine)
        first = int(mine.read_text())
        return range(first, first + RANGE_SIZE)


def release(run_dir: Path) -> None:
    """Idempotent. Called once nothing of this name is left; the last name to go takes the mount at /run/netns with
    it."""
    shared = run_dir.parent
    if not shared.exists():
        return
    with _locked(shared):
        (run_dir / _RANGE).unlink(missing_ok=True)
        with suppress(OSError):  # others may keep files there
            run_dir.rmdir()
        if any(shared.glob(f"*/{_RANGE}")):
            return
        if (shared / _MOUNT).exists() and namespaces.unmake_mount_point():
            (shared / _MOUNT).unlink()
        with suppress(OSError):
            shared.rmdir()


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    while True:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held it may have removed the directory: then this lock holds off nobody.
            if not directory.exists() or os.stat(directory).st_ino != os.fstat(lock).st_ino:
                continue
            yield
            return
        finally:
            os.close(lock)
