"""BPF_PROG_TEST_RUN: a program on a crafted frame, without a device that could have carried it."""

from __future__ import annotations

import ctypes
import struct

from opengwlb.dataplane.syscalls import Command, bpf_in_place

SHOT, REDIRECT = 2, 7
_CONTEXT = 180
_IFINDEX, _GSO_SEGS, _GSO_SIZE = 40, 164, 176


class Run:
    """One frame for one program, prepared, so that calling it is little more than the system call."""

    def __init__(self, program: int, frame: bytes, *, ifindex: int, gso_segs: int = 0, gso_size: int = 0) -> None:
        """The device of this ifindex must be in the network namespace of the thread that calls."""
        context = bytearray(_CONTEXT)
        for offset, value in ((_IFINDEX, ifindex), (_GSO_SEGS, gso_segs), (_GSO_SIZE, gso_size)):
            struct.pack_into("=I", context, offset, value)
        room = len(frame) + 512
        self._held = [
            ctypes.create_string_buffer(frame, len(frame)),
            ctypes.create_string_buffer(room),
            ctypes.create_string_buffer(bytes(context), _CONTEXT),
        ]
        data, out, ctx = (ctypes.addressof(one) for one in self._held)
        sizes = (program, 0, len(frame), room)
        self._attributes = struct.pack("=4IQQ4IQQ", *sizes, data, out, 1, 0, _CONTEXT, 0, ctx, 0)
        self._attr = ctypes.create_string_buffer(self._attributes, 128)

    def __call__(self) -> int:
        """What the program returned. Can be called once."""
        bpf_in_place(Command.PROG_TEST_RUN, self._attr, what="run a program")
        return int(struct.unpack_from("=I", self._attr, 4)[0])
