"""Puts the compiled eBPF programs and the console's pages into the wheel, so that nobody who installs it needs a compiler or Node.js."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledPrograms(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles what is not compiled yet and includes it as `opengwlb/programs/`. An editable install uses build/bpf as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        subprocess.run(["make", "--silent", "-C", str(root / "bpf")], check=True)
        compiled = root / "build" / "bpf"
        # One object for each source of today: a checkout keeps those of programs that are gone.
        wanted = sorted(compiled / f"{source.name.removesuffix('.c')}.o" for source in (root / "bpf").glob("*.bpf.c"))
        for path in (*wanted, compiled / "verdicts.h"):
            build_data["force_include"][str(path)] = f"opengwlb/programs/{path.name}"
        # Git ignores them, so the wheel would. `make web` (part of setup) builds them; an API alone works without.
        pages = root / "src" / "opengwlb" / "console" / "static"
        if (pages / "index.html").is_file():
            build_data["force_include"][str(pages)] = "opengwlb/console/static"
