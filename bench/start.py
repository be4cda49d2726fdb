"""From `gwlb serve` to its first answer, as a process of its own each time."""

from __future__ import annotations

import compileall
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.stories.server import BIN, Server

import opengwlb

from .figures import Figure, Say, below

ROUNDS, GOAL_S = 5, 1.5


def rows(*, name: str, directory: Path, say: Say) -> list[Figure]:
    # As pip leaves an installed package: a checkout under PYTHONDONTWRITEBYTECODE compiles itself at every start.
    compileall.compile_dir(str(Path(opengwlb.__file__).parent), quiet=1)
    found = []
    for data_plane in ("none", "kernel"):
        say(f"starting, --data-plane {data_plane}")
        server = Server(name=name, data_dir=directory / data_plane, options=("--data-plane", data_plane))
        try:
            # The first one makes data directory, keys and maps; those after it find them, and no box.
            times = [_started(server) for _ in range(ROUNDS + 1)]
        finally:
            server.down()
        found += [
            below(
                f"start: gwlb serve --data-plane {data_plane} to its first answer", value=statistics.median(times[1:]),
                unit="s", goal=GOAL_S, spread=(min(times[1:]), max(times[1:])), limit="imports",
            ),
            Figure(figure=f"start: the very first one, --data-plane {data_plane}", value=round(times[0], 3), unit="s"),
        ]  # fmt: skip
    return found


def _started(server: Server) -> float:
    start = time.monotonic()
    words = ["serve", "--name", server.name, "--listen", f"127.0.0.1:{server.port}", "--data-dir", str(server.data_dir)]
    process = subprocess.Popen(
        [str(BIN / "gwlb"), *words, *server.options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"{server.endpoint}/", data=b"Action=DescribeVpcs&Version=2016-11-15", timeout=5)
            except urllib.error.HTTPError as answer:
                # Not signed: AWS's error, in the form that the service's model says.
                assert b"<Code>" in answer.read()
                break
            except OSError as error:
                assert process.poll() is None and time.monotonic() - start < 60, error
                time.sleep(0.005)
        return time.monotonic() - start
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    import os
    import tempfile

    from .figures import show

    with tempfile.TemporaryDirectory() as made_in:
        show(rows(name=f"b1t{os.getpid() % 10000}", directory=Path(made_in), say=print))
