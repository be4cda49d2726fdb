"""How much of the CPU time of a chain is the load balancer's: run time of its programs, by the kernel's own accounting.

The whole is the CPU time of every process in the chain's boxes, of the load's, and of the kernel's softirq threads; what a process
does in softirq is charged to it. It leaves out what other processes of the machine do, so it makes the share larger, not smaller.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct
from collections.abc import Iterator
from pathlib import Path

from opengwlb.dataplane.syscalls import Command, bpf, link_info, open_pin

STATS = Path("/proc/sys/kernel/bpf_stats_enabled")
BALANCER = frozenset({"endpoint", "target"})
ROUTER = frozenset({"eni"})
_INFO_SIZE, _RUN_TIME = 208, 192


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """The kernel times every program meanwhile: 40 to 60 ns for each run, which is counted too."""
    before = STATS.read_text()
    STATS.write_text("1")
    try:
        yield
    finally:
        STATS.write_text(before)


def run_time_s(links: Path, programs: frozenset[str]) -> float:
    """Seconds that these programs ran, since they were loaded; `links` is a data plane's directory of pinned links."""
    numbers = set()
    for path in links.iterdir():
        if path.name.split("-", 1)[1] in programs:
            fd = open_pin(str(path))
            try:
                numbers.add(link_info(fd).program)
            finally:
                os.close(fd)
    return sum(_run_time_ns(number) for number in numbers) / 1e9


def _run_time_ns(number: int) -> int:
    info = ctypes.create_string_buffer(_INFO_SIZE)
    fd = bpf(Command.PROG_GET_FD_BY_ID, struct.pack("=I", number), what=f"open program {number}")
    try:
        attributes = struct.pack("=IIQ", fd, _INFO_SIZE, ctypes.addressof(info))
        bpf(Command.OBJ_GET_INFO_BY_FD, attributes, what="ask about a program")
    finally:
        os.close(fd)
    return int(struct.unpack_from("=Q", info, _RUN_TIME)[0])


def cpu_time_s(boxes: frozenset[str]) -> float:
    """CPU seconds so far of processes in these namespaces (paths), of this process' ended children, and of softirq threads."""
    inodes = {os.stat(box).st_ino for box in boxes}
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = sum(_ticks(path, inodes) for path in Path("/proc").glob("[0-9]*"))
    return children.ru_utime + children.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def processes(box: str) -> list[int]:
    """Of a namespace, by its path."""
    inode, found = os.stat(box).st_ino, []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if os.stat(path / "ns/net").st_ino == inode:
                found.append(int(path.name))
    return found


def _ticks(process: Path, inodes: set[int]) -> int:
    with contextlib.suppress(OSError):  # it ended meanwhile
        name, fields = (process / "stat").read_text().rsplit(")", 1)
        if "(ksoftirqd/" in name or os.stat(process / "ns/net").st_ino in inodes:
            words = fields.split()
            return int(words[11]) + int(words[12])
    return 0
