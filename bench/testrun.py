"""BPF_PROG_TEST_RUN, repeated: nanoseconds per packet of a program that undoes what it does to its packet (bpf/bench/harness.h)."""

from __future__ import annotations

import ctypes
import struct

from opengwlb.dataplane.syscalls import Command, bpf_in_place

_SKB_CONTEXT = 192
_SKB_IFINDEX = 40
_ROOM = 512


def nanoseconds(program: int, frame: bytes, *, times: int, ifindex: int | None) -> int:
    """The kernel's mean over `times` packets, a whole number. `ifindex` is the device of a tc program's packet, which must be in the
    thread's network namespace; XDP programs have none. `KernelError`."""
    data = ctypes.create_string_buffer(frame, len(frame))
    out = ctypes.create_string_buffer(len(frame) + _ROOM)
    context, size = None, 0
    if ifindex is not None:
        raw = bytearray(_SKB_CONTEXT)
        struct.pack_into("=I", raw, _SKB_IFINDEX, ifindex)
        context, size = ctypes.create_string_buffer(bytes(raw), len(raw)), len(raw)
    attributes = struct.pack(
        "=4IQQ4IQQ",
        program, 0, len(frame), len(out), ctypes.addressof(data), ctypes.addressof(out), times, 0, size, 0,
        ctypes.addressof(context) if context is not None else 0, 0,
    )  # fmt: skip
    attr = ctypes.create_string_buffer(attributes, 128)
    bpf_in_place(Command.PROG_TEST_RUN, attr, what="run a program")
    returned, duration = struct.unpack_from("=I", attr, 4)[0], struct.unpack_from("=I", attr, 36)[0]
    assert returned != 0xFFFFFFFF, "the harness itself failed"
    return int(duration)
