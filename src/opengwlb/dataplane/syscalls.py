"""bpf(2), mount(2) and setns(2) through ctypes: what libbpf 1.1 lacks (tcx links) or makes slow (batches).

Every function raises `KernelError`. File descriptors are plain ints that the caller closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from .errors import KernelError

_libc = ctypes.CDLL(None, use_errno=True)
_SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(platform.machine(), 280)
_ATTR_SIZE = 128
_CLONE_NEWNET = 0x40000000
_MNT_DETACH = 2


class Command(IntEnum):
    """`enum bpf_cmd`."""

    MAP_CREATE = 0
    MAP_LOOKUP_ELEM = 1
    MAP_UPDATE_ELEM = 2
    MAP_DELETE_ELEM = 3
    OBJ_PIN = 6
    OBJ_GET = 7
    PROG_TEST_RUN = 10
    PROG_GET_FD_BY_ID = 13
    MAP_GET_FD_BY_ID = 14
    OBJ_GET_INFO_BY_FD = 15
    MAP_LOOKUP_BATCH = 24
    MAP_UPDATE_BATCH = 26
    MAP_DELETE_BATCH = 27
    LINK_CREATE = 28
    LINK_UPDATE = 29
    LINK_DETACH = 34


class AttachType(IntEnum):
    """`enum bpf_attach_type`, of which this project uses tcx."""

    TCX_INGRESS = 46
    TCX_EGRESS = 47


def bpf(command: Command, attributes: bytes, *, what: str) -> int:
    """The raw call; `attributes` is the beginning of `union bpf_attr`."""
    attr = ctypes.create_string_buffer(attributes, _ATTR_SIZE)
    return bpf_in_place(command, attr, what=what)


def bpf_in_place(command: Command, attr: ctypes.Array[ctypes.c_char], *, what: str) -> int:
    """The same for commands that answer in the attributes."""
    result: int = _libc.syscall(_SYS_BPF, int(command), attr, _ATTR_SIZE)
    if result < 0:
        raise KernelError(what, number=ctypes.get_errno())
    return result


def pin(fd: int, *, path: str) -> None:
    name = ctypes.create_string_buffer(path.encode())
    bpf(Command.OBJ_PIN, struct.pack("=QII", ctypes.addressof(name), fd, 0), what=f"pin {path}")


def open_pin(path: str) -> int:
    name = ctypes.create_string_buffer(path.encode())
    return bpf(Command.OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0), what=f"open {path}")


def map_by_id(number: int) -> int:
    return bpf(Command.MAP_GET_FD_BY_ID, struct.pack("=I", number), what=f"open map {number}")


def create_array(*, value_size: int, entries: int, name: str) -> int:
    """A BPF_MAP_TYPE_ARRAY; `name` has at most 15 characters."""
    attributes = struct.pack("=7I16s", 2, 4, value_size, entries, 0, 0, 0, name.encode())
    return bpf(Command.MAP_CREATE, attributes, what=f"create map {name}")


def _info(fd: int, length: int) -> bytes:
    info = ctypes.create_string_buffer(length)
    bpf(Command.OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", fd, length, ctypes.addressof(info)), what="ask about an object")
    return info.raw


class MapInfo(NamedTuple):
    kind: int
    id: int
    key_size: int
    value_size: int
    max_entries: int
    flags: int


def map_info(fd: int) -> MapInfo:
    return MapInfo(*struct.unpack_from("=6I", _info(fd, 80)))


class ProgramInfo(NamedTuple):
    id: int
    tag: bytes
    """The kernel's digest of the instructions: equal tags, equal programs."""


def program_info(fd: int) -> ProgramInfo:
    raw = _info(fd, 40)
    return ProgramInfo(id=struct.unpack_from("=I", raw, 4)[0], tag=raw[8:16])


def program_tag(number: int) -> bytes:
    """The tag of a loaded program, by its id."""
    fd = bpf(Command.PROG_GET_FD_BY_ID, struct.pack("=I", number), what=f"open program {number}")
    try:
        return program_info(fd).tag
    finally:
        os.close(fd)


class LinkInfo(NamedTuple):
    program: int
    """Id of the program behind the link."""
    ifindex: int
    """0 once the device is gone."""
    attach_type: int


def link_info(fd: int) -> LinkInfo:
    raw = _info(fd, 64)
    ifindex, attach_type = struct.unpack_from("=II", raw, 16)
    return LinkInfo(struct.unpack_from("=I", raw, 8)[0], ifindex, attach_type)


_BEFORE = 1 << 3


def create_link(program: int, *, ifindex: int, attach_type: AttachType, first: bool = False) -> int:
    """Attaches a program to a device of the *current* network namespace; `first`: before all that are there."""
    attributes = struct.pack("=4I", program, ifindex, attach_type, _BEFORE if first else 0)
    return bpf(Command.LINK_CREATE, attributes, what=f"attach to ifindex {ifindex}")


def update_link(link: int, *, program: int) -> None:
    """Replaces the program behind a link; no packet is lost or passes unseen."""
    bpf(Command.LINK_UPDATE, struct.pack("=4I", link, program, 0, 0), what="replace a program")


def detach_link(link: int) -> None:
    """At once; without it a link goes some time after its last descriptor and pin."""
    bpf(Command.LINK_DETACH, struct.pack("=I", link), what="detach a program")


@contextlib.contextmanager
def inside(netns: str) -> Iterator[None]:
    """This thread stands in another network namespace; `netns` is a path such as /run/netns/NAME."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(netns, os.O_RDONLY)
        try:
            _setns(there, netns)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(home, "home")
    finally:
        os.close(home)


def _setns(fd: int, name: str) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise KernelError(f"enter network namespace {name}", number=ctypes.get_errno())


def mount_bpffs(path: str) -> None:
    if _libc.mount(b"bpf", path.encode(), b"bpf", 0, b"mode=0700") != 0:
        raise KernelError(f"mount bpffs on {path}", number=ctypes.get_errno())


def unmount(path: str) -> None:
    """Lazily: a pin that someone still holds open goes with its last user."""
    if _libc.umount2(path.encode(), _MNT_DETACH) != 0:
        raise KernelError(f"unmount {path}", number=ctypes.get_errno())
