"""`gwlb down`: the server stops, then everything of that name leaves the kernel; with --data the objects too."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import TypedDict

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.fabric import Fabric
from opengwlb.instances import RuncDriver
from opengwlb.instances.driver import InstanceError

from . import lab
from .refusal import Refusal

STOP_WITHIN_S = 20.0


class Done(TypedDict):
    name: str
    done: list[str]


def down(name: str, *, with_data: bool) -> Done:
    """Sentences on what was taken away; none when there was nothing. Refuses without root when root made it."""
    data_dir = lab.data_dir_of(name)
    done = [*_stop_server(name)]
    run_dir = lab.run_dir(name)
    if os.geteuid() == 0 and (run_dir.exists() or data_dir.exists()):
        try:
            _empty_kernel(name, run_dir=run_dir, data_dir=data_dir)
        except (InstanceError, DataPlaneError, OSError) as error:
            raise Refusal(f"Not all of {name} could be taken away ({error}): run this once more.") from error
        done.append("Instances, programs and boxes are gone.")
    elif os.geteuid() != 0 and (Path("/run/opengwlb") / name).exists():
        raise Refusal(f"The lab {name} belongs to root: run this with sudo.")
    _remove(run_dir)
    if with_data and data_dir.exists():
        _remove(data_dir)
        done.append(f"{data_dir} is deleted.")
    elif data_dir.exists():
        done.append(
            f"Objects and credentials are kept in {data_dir}: `gwlb serve` brings them back, --data deletes them."
        )
    return {"name": name, "done": done}


def _stop_server(name: str) -> list[str]:
    record = lab.running(name)
    if record is None:
        return []
    os.kill(record.pid, signal.SIGTERM)
    give_up = time.monotonic() + STOP_WITHIN_S
    while record.alive:
        if time.monotonic() > give_up:
            os.kill(record.pid, signal.SIGKILL)
            give_up = time.monotonic() + STOP_WITHIN_S
        time.sleep(0.05)
    return [f"The server (pid {record.pid}) has stopped."]


def _empty_kernel(name: str, *, run_dir: Path, data_dir: Path) -> None:
    # Instances first: a process that still runs would hold its namespace. Boxes last: links and programs go with them.
    RuncDriver(name=name, run_dir=run_dir, data_dir=data_dir).destroy()
    DataPlane(run_dir=run_dir, objects=run_dir).destroy()
    Fabric(name=name, run_dir=run_dir).destroy()


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    parent = directory.parent
    if parent.name == "opengwlb" and parent.is_dir() and not any(parent.iterdir()):
        parent.rmdir()
