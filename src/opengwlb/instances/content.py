"""Where the contents of images are: `images/NAME/` below the data directory, one directory for each different content.

A content comes into being in `images/incoming/` and is renamed when it is whole, so what is half there is always in `incoming`, and
that is emptied when the server starts.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

ROOT = "rootfs"
"""The directory of a root file system in its content."""
DISK = "disk.img"
"""The file of a virtual machine's disk in its content."""


class ContentStore:
    """Thread-safe. `directory` is made when first needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._incoming = directory / "incoming"
        self._lock = threading.RLock()
        self._live: set[Path] = set()

    def path(self, name: str) -> Path:
        return self.directory / name

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A new empty directory, which is gone afterwards unless it was adopted."""
        place = self._incoming / secrets.token_hex(8)
        with self._lock:
            place.mkdir(parents=True, mode=0o700)
            self.directory.chmod(0o700)
            self._live.add(place)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            with self._lock:
                self._live.discard(place)

    @contextlib.contextmanager
    def adopting(self, staged: Path, name: str) -> Iterator[None]:
        """`staged` (inside a staging directory) is whole and becomes the content `name`. In the block the caller says so in the
        store; until it ends nothing is swept. Raises OSError."""
        # On disk before anybody knows of it: after a power cut a known content is a whole one.
        subprocess.run(["sync", "-f", str(staged)], check=True)
        with self._lock:
            if not self.path(name).exists():
                staged.rename(self.path(name))
                _sync(self.directory)
            yield

    def sweep(self, wanted: Callable[[], Collection[str]]) -> list[str]:
        """Delete what neither `wanted()` nor a running import has; the names of the contents that went."""
        gone = []
        with self._lock:
            if not self.directory.is_dir():
                return []
            keep = {*wanted(), self._incoming.name}
            for found in self.directory.iterdir():
                if found.name not in keep:
                    gone.append(found.name)
                    self._incoming.mkdir(exist_ok=True)
                    found.rename(self._incoming / f"{found.name}.{secrets.token_hex(4)}.old")
            leftovers = set(self._incoming.iterdir()) - self._live if self._incoming.is_dir() else set()
        for leftover in leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        return gone


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
