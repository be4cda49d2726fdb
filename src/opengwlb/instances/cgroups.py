"""Removing control groups, and asking them. The runtime makes an instance's group in every mounted hierarchy and removes the leaf;
the parents stay."""

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


def cpu_seconds(group: str) -> float | None:
    """Processor time of everything that ever ran in `group` (absolute); None when there is no such group.

    Version 1 counts in `cpuacct.usage`, in nanoseconds, version 2 in `cpu.stat`, in microseconds. Where both are mounted the runtime
    makes the group in both, but only version 1's counts its processes.
    """
    for hierarchy in _hierarchies():
        try:
            return int(Path(f"{hierarchy}{group}/cpuacct.usage").read_text()) / 1e9
        except OSError:
            continue  # another hierarchy
    for hierarchy in _hierarchies():
        try:
            words = Path(f"{hierarchy}{group}/cpu.stat").read_text().split()
        except OSError:
            continue
        if "usage_usec" in words:
            return int(words[words.index("usage_usec") + 1]) / 1e6
    return None


def _hierarchies() -> list[Path]:
    """Mount points of cgroup file systems, version 1 and 2."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if after.split(" ")[0] in ("cgroup", "cgroup2"):
            found.append(Path(before.split(" ")[4].replace("\\040", " ")))
    return found
