"""The examples of managed fleets run, and leave nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .server import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"


NAMES = ("01-central-manager", "02-manager-per-vpc")


@pytest.fixture(scope="module")
def said() -> Iterator[dict[str, str]]:
    """What each example printed. They run beside each other: mostly they wait for probes."""
    running = {
        name: subprocess.Popen(
            [
                *(sys.executable, str(EXAMPLES / name / "run.py")),
                *("--name", f"fl{name[:2]}", "--listen", f"127.0.0.1:{free_port()}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in NAMES
    }
    try:
        printed = {name: process.communicate(timeout=140)[0] for name, process in running.items()}
        for name, process in running.items():
            assert process.returncode == 0, printed[name]
        yield printed
    finally:
        for process in running.values():
            process.kill()
            process.wait()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("example", NAMES)
def test_a_fleet_follows_its_manager_and_lives_without_it(said: dict[str, str], example: str) -> None:
    assert "503 waiting for a policy" in said[example]
    assert "the last policy" in said[example]
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"fl{example[:2]}-" not in left
