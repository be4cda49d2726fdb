"""The tutorial does what it says: its blocks, pasted into one shell, end with an inspected packet; both languages have the same ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .server import BIN, Server

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    return re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "docs" / language / "tutorial.md").read_text(), re.MULTILINE | re.DOTALL
    )


@pytest.mark.timeout(240)
def test_the_tutorials_blocks_work_when_pasted_into_one_shell(server: Server) -> None:
    script = "\n".join(["set -e -o pipefail", *blocks("en")])
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=220,
        cwd=server.data_dir,
        env={"PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(server.data_dir), "GWLB_NAME": server.name},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello from the application" in done.stdout
    assert "One flow cookie both ways" in done.stdout
    assert "blocked" in done.stdout
    assert '"rule": "no-attack"' in done.stdout
    assert done.stdout.count("healthy") >= 2


def test_both_languages_have_the_same_commands() -> None:
    assert blocks("en") == blocks("ko")
    assert len(blocks("en")) > 8
