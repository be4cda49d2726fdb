"""Network namespaces as `ip netns` knows them: made, entered and removed by their file under /run/netns.

A thread enters a namespace and then ends, because a thread that has left its first namespace is of no use to anyone
else.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from opengwlb.model.ids import device_name
from opengwlb.model.topology import HOST

NETNS = Path("/run/netns")
HOST_PATH = Path("/proc/self/ns/net")
"""The server's own namespace: that of its first thread, whichever thread asks."""

_CLONE_NEWNET = 0x40000000
_MS_BIND, _MS_REC, _MS_SHARED = 0x1000, 0x4000, 0x100000
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)
_BOX_NAME = r"(?:internet|[a-z]+-[0-9a-f]{1,10})"
T = TypeVar("T")


def box_name(box_id: str) -> str:
    """`vpc-0aa…` -> `vpc-` + last 10 digits; `internet` -> `internet`. Raises ValueError for what is no box id."""
    name = device_name(box_id) if "-" in box_id else box_id
    if not re.fullmatch(_BOX_NAME, name):
        raise ValueError(f"{box_id!r} is no id of a box")
    return name


def belonging_to(name: str) -> dict[str, int | None]:
    """Namespace -> inode number, of those that `--name` owns. None is a file without a namespace behind it: a crash
    left it.

    The pattern is strict so that `gwlb` does not take the boxes of `gwlb-demo` for its own.
    """
    pattern = re.compile(rf"{re.escape(name)}-{_BOX_NAME}")
    try:
        entries = [entry for entry in os.listdir(NETNS) if pattern.fullmatch(entry)]
    except FileNotFoundError:
        return {}
    return {entry: inode(NETNS / entry) for entry in entries}


def path_of(entry: str) -> Path:
    """Of a namespace by its name; `host` is the server's own."""
    return HOST_PATH if entry == HOST else NETNS / entry


def inode(path: Path) -> int | None:
    """Of the namespace mounted at `path`; None when there is none."""
    try:
        found, parent = path.stat(), path.parent.stat()
    except FileNotFoundError:
        return None
    return found.st_ino if found.st_dev != parent.st_dev else None


def make(path: Path, *, prepare: Callable[[], None]) -> None:
    """A new, empty namespace at `path`, which appears there once `prepare` has run inside it. Raises OSError and
    what `prepare` raises."""
    path.touch(exist_ok=True)

    def unshare_and_pin() -> None:
        _check(_libc.unshare(_CLONE_NEWNET), "unshare")
        prepare()
        _mount(f"/proc/self/task/{threading.get_native_id()}/ns/net", path, _MS_BIND)

    try:
        _in_thread(unshare_and_pin)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def remove(path: Path) -> None:
    """Idempotent. The namespace itself lives on as long as a process or a socket is in it. Raises OSError."""
    if _libc.umount2(os.fsencode(path), _MNT_DETACH) and ctypes.get_errno() not in (errno.EINVAL, errno.ENOENT):
        raise OSError(ctypes.get_errno(), f"umount: {os.strerror(ctypes.get_errno())}", str(path))
    path.unlink(missing_ok=True)


def run_in(path: Path, function: Callable[[], T]) -> T:
    """What `function` answers when called in the namespace at `path`, in a thread of its own. Raises what it raises,
    and OSError."""

    def enter_and_run() -> T:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(descriptor, _CLONE_NEWNET), "setns")
        finally:
            os.close(descriptor)
        return function()

    return _in_thread(enter_and_run)


def make_mount_point() -> bool:
    """Make /run/netns a shared mount, as `ip netns add` does, so that namespaces made later are seen in other mount
    namespaces too.

    True if it was not one before.
    """
    NETNS.mkdir(mode=0o755, exist_ok=True)
    # Not os.path.ismount: a directory bound to itself looks the same to it as one that is not.
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    if any(line.split(" ", 5)[4] == str(NETNS) for line in mounts):
        return False
    _mount(str(NETNS), NETNS, _MS_BIND | _MS_REC)
    _mount("none", NETNS, _MS_SHARED | _MS_REC)
    return True


def unmake_mount_point() -> bool:
    """Undo `make_mount_point`, unless someone's namespaces are still there: then False."""
    if os.listdir(NETNS) or _libc.umount2(os.fsencode(NETNS), 0):
        return False
    with suppress(OSError):
        NETNS.rmdir()
    return True


def _mount(source: str, target: Path, flags: int) -> None:
    _check(_libc.mount(source.encode(), os.fsencode(target), b"none", ctypes.c_ulong(flags), None), "mount")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _in_thread(function: Callable[[], T]) -> T:
    answers: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(function())
        except BaseException as failure:  # noqa: BLE001 - handed to the caller, who is in another thread
            failures.append(failure)

    thread = threading.Thread(target=run, name="netns", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0]
