"""The parity kit against the server with packets below it: states take their time, and still two recordings are equal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .server import BIN, Server


def test_two_recordings_with_packets_below_are_equal_in_answers_and_states(server: Server, tmp_path: Path):
    server.account("parity")
    outs = [tmp_path / "a.json", tmp_path / "b.json"]
    environment = os.environ | server.environment("parity")
    for out in outs:
        made = subprocess.run(
            [str(BIN / "gwlb"), "parity", "record", "--out", str(out)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert made.returncode == 0, made.stderr
    compared = subprocess.run([str(BIN / "gwlb"), "parity", "diff", *map(str, outs)], capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout
    (health,) = [step for step in json.loads(outs[0].read_text())["steps"] if step["step"] == "target's health"]
    assert [each["state"] for each in health["states"]] == ["initial", "unhealthy"]
    assert health["seconds"] > 2
