"""Removing control groups. The runtime makes an instance's group in every mounted hierarchy and removes the leaf; the
parents stay."""

from __future__ import annotations

from pathlib import Path


def remove_group(group: str, *, deep: bool = True) -> None:
    """Remove `group` (absolute, below each hierarchy), if `deep` with what is empty below it. A group in use stays; a
    missing one is fine.

    Not `deep` for a parent whose other children may just be in the making, and therefore empty.
    """
    for hierarchy in _hierarchies():
        top = Path(f"{hierarchy}{group}")
        if not top.is_dir():
            continue
        found = top.rglob("*") if deep else ()
        below = sorted((path for path in found if path.is_dir()), key=lambda path: -len(path.parts))
        for directory in (*below, top):
            try:
                directory.rmdir()
            except OSError:
                # In use, or has just gone with the last of its processes.
                continue


def _hierarchies() -> list[Path]:
    """Mount points of cgroup file systems, version 1 and 2."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if after.split(" ")[0] in ("cgroup", "cgroup2"):
            found.append(Path(before.split(" ")[4].replace("\\040", " ")))
    return found
