"""BPF_PROG_TEST_RUN: one frame through one program; nothing is sent."""

from __future__ import annotations

import ctypes
import struct

from .syscalls import Command, bpf_in_place

_CONTEXT = 180
_IFINDEX = 40
_ROOM = 512


def run_once(program: int, frame: bytes, *, ifindex: int) -> bytes:
    """The frame as the tc program left it. The device must be in the calling thread's network namespace. `KernelError`."""
    context = bytearray(_CONTEXT)
    struct.pack_into("=I", context, _IFINDEX, ifindex)
    data = ctypes.create_string_buffer(frame, len(frame))
    out = ctypes.create_string_buffer(len(frame) + _ROOM)
    ctx = ctypes.create_string_buffer(bytes(context), _CONTEXT)
    where = (ctypes.addressof(one) for one in (data, out))
    sizes = (program, 0, len(frame), len(out))
    attributes = struct.pack("=4IQQ4IQQ", *sizes, *where, 1, 0, _CONTEXT, 0, ctypes.addressof(ctx), 0)
    attr = ctypes.create_string_buffer(attributes, 128)
    bpf_in_place(Command.PROG_TEST_RUN, attr, what="run a program")
    return out.raw[: struct.unpack_from("=I", attr, 12)[0]]
