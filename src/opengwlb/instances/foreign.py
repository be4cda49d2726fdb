"""Boxes with a root of their own: OCI images and root file systems that people bring.

The image's tree is shared by its instances and never written: what an instance changes is in the upper directory of an overlay on
the instance's disk. Where the file system cannot carry one, the tree is copied.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from opengwlb.model.images import Launch

from .builtin.user_data import scripts
from .bundle import PATH, Mount, image_mounts
from .content import ROOT
from .driver import InstanceError, InstanceSpec, resolver_file
from .rootfs import APPLICATIONS

USER_DATA = "/var/lib/cloud/instance/user-data.txt"
"""Where cloud-init keeps it, and where an appliance that runs without a shell reads it."""
USER_DATA_S = 120.0
"""How long an image's own program waits for the user data's scripts, which set the box up for it. They go on after that."""
_RAN = "user-data-ran"
_ALL_SCRIPTS = 'for script in "$@"; do echo "user data starts"; "$script"; echo "user data ended with $?"; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What `configuration` needs to know."""

    root: Path
    mounts: list[Mount]
    process: Launch
    overlay: str | None
    """Mount options of the root; None: `root` is a directory."""
    before: tuple[str, ...]
    """What is run in the box as root before its own program; empty: nothing."""


def prepare(spec: InstanceSpec, *, disk: Path, applications: Path, content: Path, overlays: bool) -> Box:
    """Make or refresh an instance's directory. `overlays`: whether the file system can carry an upper directory. Raises OSError,
    InstanceError."""
    lower = content / ROOT
    if not lower.is_dir():
        raise InstanceError(f"the content of the image is missing: {lower}")
    assert spec.launch is not None
    root = disk / "root"
    overlay = None
    if (disk / "upper").is_dir() or (overlays and not root.exists()):
        for name in ("upper", "work", "root"):
            (disk / name).mkdir(exist_ok=True, mode=0o755)
        shutil.copystat(lower, disk / "upper")
        overlay = f"lowerdir={lower},upperdir={disk / 'upper'},workdir={disk / 'work'}"
    elif not root.exists():
        _copy(lower, root)
    before = _before(spec, disk=disk, applications=applications)
    files = _files(spec, disk / "etc")
    user_data = disk / "etc" / "user-data.txt"
    user_data.unlink(missing_ok=True)
    user_data.touch(mode=0o600)
    user_data.write_bytes(spec.user_data)
    return Box(
        root=root,
        mounts=image_mounts(applications=applications, files={**files, USER_DATA: user_data}),
        process=_process(spec.launch),
        overlay=overlay,
        before=before,
    )


def _process(launch: Launch) -> Launch:
    """With what every process of a container finds in its environment."""
    names = {entry.partition("=")[0] for entry in launch.environment}
    home = "/root" if launch.uid == 0 else "/"
    missing = (f"PATH={PATH}", f"HOME={home}", "TERM=xterm")
    more = tuple(entry for entry in missing if entry.partition("=")[0] not in names)
    return Launch(
        arguments=launch.arguments,
        environment=(*launch.environment, *more),
        directory=launch.directory,
        uid=launch.uid,
        gid=launch.gid,
        groups=launch.groups,
        stop_signal=launch.stop_signal,
    )


def _copy(lower: Path, root: Path) -> None:
    half_made = root.with_name("root.new")
    shutil.rmtree(half_made, ignore_errors=True)
    done = subprocess.run(["cp", "-a", "--reflink=auto", str(lower), str(half_made)], capture_output=True, check=False)
    if done.returncode != 0:
        raise InstanceError(f"the image cannot be copied: {done.stderr.decode(errors='replace').strip()[-300:]}")
    half_made.rename(root)


def _files(spec: InstanceSpec, directory: Path) -> dict[str, Path]:
    """What says who the box is: by its place in the box. Written once, then the instance's own."""
    directory.mkdir(exist_ok=True, mode=0o755)
    names = "".join(f"{address} {spec.hostname}\n" for address in spec.addresses)
    texts = {
        "/etc/hostname": f"{spec.hostname}\n",
        "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{names}",
        "/etc/resolv.conf": resolver_file(spec),
    }
    files = {}
    for place, text in texts.items():
        path = files[place] = directory / Path(place).name
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            path.chmod(0o644)
    return files


def _before(spec: InstanceSpec, *, disk: Path, applications: Path) -> tuple[str, ...]:
    """The command for what the user data wants run on this boot."""
    found, _ = scripts(spec.user_data)
    ran = disk / _RAN
    due = [script for script in found if script.every_boot or not ran.exists()]
    ran.touch()
    if not due:
        return ()
    paths = []
    for number, script in enumerate(due, start=1):
        path = applications / f"part-{number:03d}"
        path.write_bytes(script.content)
        path.chmod(0o700)
        paths.append(f"{APPLICATIONS}/{path.name}")
    return ("/bin/sh", "-c", _ALL_SCRIPTS, "user-data", *paths)


# -- a start in two steps: the user data's scripts, then the image's own program -------------------------------------------


def remember_start(disk: Path, *, pid: int, ticks: int | None) -> None:
    """Note that the scripts run as process `pid` and the image's program waits for them."""
    (disk / "starting.json").write_text(json.dumps({"pid": pid, "ticks": ticks, "until": time.time() + USER_DATA_S}))


def still_waiting(disk: Path, *, ticks_of: object) -> bool | None:
    """Whether a started box still waits for its scripts; None when it does not wait for any. `ticks_of(pid)` says when a process
    started."""
    try:
        note = json.loads((disk / "starting.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    assert callable(ticks_of)
    return ticks_of(note["pid"]) == note["ticks"] and note["ticks"] is not None and time.time() < note["until"]


def forget_start(disk: Path) -> None:
    (disk / "starting.json").unlink(missing_ok=True)


# -- consoles that nobody in the box keeps short ------------------------------------------------------------------------------


def bound_console(console: Path, *, limit: int) -> None:
    """Cut a console to its last quarter when it is longer than `limit` bytes. The box appends to it, so it goes on at the new
    end."""
    try:
        with open(console, "r+b", buffering=0) as file:
            if os.fstat(file.fileno()).st_size <= limit:
                return
            file.seek(-(limit // 4), os.SEEK_END)
            kept = file.read(limit // 4)
            file.truncate(0)
        with open(console, "ab", buffering=0) as file:
            file.write(kept)
    except FileNotFoundError:
        return
