"""Where a lab of a name lives on this machine, and whether its server runs.

The server announces itself in `<run directory>/server.json`; a reader checks that the process is still that one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from .refusal import Refusal

DEFAULT_NAME = "gwlb"
DEFAULT_LISTEN = "127.0.0.1:4566"
DEFAULT_REGION = "ap-northeast-2"


def run_dir(name: str) -> Path:
    """Gone after a reboot, as everything in the kernel is."""
    if os.geteuid() == 0:
        return Path("/run/opengwlb") / name
    return Path(os.environ.get("XDG_RUNTIME_DIR") or Path.home() / ".local/state") / "opengwlb" / name


def default_data_dir(name: str) -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/opengwlb") / name
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "opengwlb" / name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """What a running server says of itself."""

    name: str
    pid: int
    started: int
    """The process's start time in clock ticks since boot: with the pid, unique until the next boot."""
    endpoint: str
    data_dir: str
    data_plane: str

    @property
    def alive(self) -> bool:
        return process_start(self.pid) == self.started


def process_start(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot; None when there is none of that pid."""
    try:
        # The second field is the command in parentheses and may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def announce(*, name: str, endpoint: str, data_dir: Path, data_plane: str) -> ServerRecord:
    """Write server.json for the calling process."""
    pid = os.getpid()
    record = ServerRecord(
        name=name,
        pid=pid,
        started=process_start(pid) or 0,
        endpoint=endpoint,
        data_dir=str(data_dir.absolute()),
        data_plane=data_plane,
    )
    directory = run_dir(name)
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / "server.json.new"
    temporary.write_text(json.dumps(asdict(record), indent=2) + "\n")
    temporary.rename(directory / "server.json")
    return record


def withdraw(name: str) -> None:
    """Remove server.json when a server ends in order."""
    with suppress(FileNotFoundError):
        (run_dir(name) / "server.json").unlink()


def last_record(name: str) -> ServerRecord | None:
    """What the last server of this name said, running or not."""
    try:
        return ServerRecord(**json.loads((run_dir(name) / "server.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def running(name: str) -> ServerRecord | None:
    record = last_record(name)
    return record if record and record.alive else None


def require_running(name: str) -> ServerRecord:
    """The server of this name. Refuses with what to do when there is none."""
    if record := running(name):
        return record
    if os.geteuid() != 0 and (Path("/run/opengwlb") / name / "server.json").exists():
        raise Refusal(f"The lab {name} belongs to root: run this with sudo.")
    raise Refusal(
        f"No server named {name} is running: start one with `gwlb serve{_name_option(name)}`, or run `gwlb demo`."
    )


def require_free(name: str) -> None:
    """Refuses when a server of this name runs already."""
    if record := running(name):
        raise Refusal(
            f"A server named {name} runs already (pid {record.pid}, {record.endpoint}): use that one, "
            f"stop it with `gwlb down{_name_option(name)}`, or choose another --name."
        )


def _name_option(name: str) -> str:
    return "" if name == DEFAULT_NAME else f" --name {name}"


def data_dir_of(name: str) -> Path:
    """The data directory of the last server of this name, else the default one."""
    record = last_record(name)
    return Path(record.data_dir) if record else default_data_dir(name)
