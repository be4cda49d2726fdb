"""Starts the server for the demo when none of its name runs, and sees that no earlier demo is in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from .. import credentials, lab, serving
from ..lab import ServerRecord
from ..refusal import Refusal
from .waits import Waits


def way_down(name: str) -> str:
    """The command that takes a lab away: `make down` knows only the default one."""
    return "make down" if name == lab.DEFAULT_NAME else f"gwlb down --data --name {name}"


def ensure(name: str, *, listen: str, accounts: Sequence[str], waits: Waits) -> ServerRecord:
    """The running server. Refuses when an earlier demo's accounts are still there."""
    record = lab.running(name)
    old = credentials.profiles(lab.data_dir_of(name)).keys() & set(accounts)
    if old:
        where = f"runs (pid {record.pid}, {record.endpoint})" if record else f"is kept in {lab.data_dir_of(name)}"
        bring_back = "" if record else "`gwlb serve` brings it back, "
        raise Refusal(f"An earlier demo's lab {where}: {bring_back}`{way_down(name)}` takes it away. Then try again.")
    if record is None:
        _start(name, listen=listen)
    log = log_file(name)

    def look() -> tuple[bool, str]:
        found = lab.running(name)
        return (True, found.endpoint) if found and _answers(found.endpoint) else (False, f"starting; its log is {log}")

    waits.until("the server to answer", look, timeout_s=60)
    return lab.require_running(name)


def log_file(name: str) -> Path:
    return lab.run_dir(name) / "server.log"


def _start(name: str, *, listen: str) -> None:
    asked = serving.options(
        listen=listen, data_dir=None, data_plane="kernel", auth="sigv4", test_hooks=False, name=name
    )
    serving.require_startable(asked)
    log = log_file(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.Popen(
            [Path(sys.executable).parent / "gwlb", "serve", "--listen", listen, "--name", name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env={key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
        )


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_gwlb/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError):
        return False
