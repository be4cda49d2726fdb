"""The same programs once more, over copies of their maps: a crafted packet meets what a real one would, and nothing that is real changes.

BPF_PROG_TEST_RUN sends nothing. What the programs write, flows and counters, they write into the copies, which are gone with the `DryRun`.
The copies hold what the kernel's maps hold now, so the answer is about now. The flow table's copy costs as much memory as the table, for
as long as the question takes.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .counting import passed_rows
from .entries import place
from .errors import DataPlaneError
from .layout import FLOW_WAYS, flow_slot, port_verdict
from .libbpf import BpfObject
from .maps import Map
from .syscalls import Command, bpf_in_place, map_by_id, map_info, program_info
from .testrun import run_once

PROGRAMS = ("endpoint", "eni", "igw", "target")
"""Objects that packets of a VPC meet; appliances are somebody else's."""
_HASH, _ARRAY, _LRU_HASH, _ARRAY_OF_MAPS = 1, 2, 9, 12
_MMAPABLE = 1 << 10
_NOT_COPIED = {
    "flow_tuples": 1,
    "counters": 0,
    "passed": 0,
    "samples": 0,
    "flow_log_records": 64,
    "flow_log_ports": 64,
}
"""What is only written; and with how many entries it is made, if not with as many."""
_MEMORY_SHARE = 2
"""The copy may take this part of the memory that is available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a program did with a frame."""

    verdicts: tuple[int, ...]
    """Of the ports' counters; one, if the program keeps its contract."""
    frame: bytes
    """As the program left it."""


class DryRun:
    """Not for several threads at once. `close` it."""

    def __init__(self, *, objects: Path, maps: Mapping[str, Map], pins: Path) -> None:
        """`maps` are the real ones, `pins` is a directory on a bpf file system that this may make and remove."""
        _require_memory(maps["flows"])
        self._objects: list[BpfObject] = []
        self._maps: dict[str, Map] = {}
        self._tables: list[mmap.mmap] = []
        sizes = {name: _NOT_COPIED.get(name) or one.max_entries for name, one in maps.items()}
        shutil.rmtree(pins, ignore_errors=True)
        pins.mkdir()
        try:
            for name in PROGRAMS:
                self._objects.append(BpfObject(objects / f"{name}.bpf.o", maps=pins, max_entries=sizes))
            for loaded in self._objects:
                for name, fd in loaded.maps.items():
                    if name not in self._maps:
                        self._maps[name] = Map(os.dup(fd), name=name)
            for name, copy in self._maps.items():
                if name not in _NOT_COPIED:
                    _copy(maps[name], copy)
            for one in (maps["flows"], self._maps["flows"]):
                self._tables.append(mmap.mmap(one.fd, _length(one), prot=mmap.PROT_READ))
        except BaseException:
            self.close()
            raise
        finally:
            shutil.rmtree(pins, ignore_errors=True)

    def close(self) -> None:
        for table in self._tables:
            table.close()
        for one in self._maps.values():
            one.close()
        for loaded in self._objects:
            loaded.close()
        self._tables, self._maps, self._objects = [], {}, []

    def __enter__(self) -> DryRun:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def run(self, program: str, frame: bytes, *, ifindex: int) -> Ran:
        """As if the frame met the program at this device, which must be in the calling thread's network namespace.

        What an earlier run wrote, a flow for instance, this one finds.
        """
        counters, passed = self._maps["counters"], self._maps["passed"]
        for key in {key for key, _ in counters.entries()}:
            counters.delete(key)
        passed.put(place(ifindex), bytes(passed.value_size))
        left = run_once(self._program(program), frame, ifindex=ifindex)
        verdicts = [port_verdict.from_buffer_copy(key).verdict for key, _ in counters.entries()]
        verdicts += {row.verdict for row in passed_rows(passed.get(place(ifindex)) or b"", ifindex)}
        return Ran(verdicts=tuple(verdicts), frame=left)

    def is_known(self, cookie: int) -> bool:
        """Whether the real flow table holds the flow that the copy holds under this cookie."""
        index = cookie & (
            self._maps["flows"].max_entries * FLOW_WAYS - 1
        )  # its low bits; a table's size is a power of two
        at = index * ctypes.sizeof(flow_slot)
        real, copy = (flow_slot.from_buffer_copy(table, at) for table in self._tables)
        return bool((real.tag, real.fingerprint, real.generation) == (copy.tag, copy.fingerprint, copy.generation))

    def tags(self) -> dict[str, bytes]:
        """The kernel's digest of each program's instructions: equal to the attached one's, as they are the same."""
        return {name: program_info(fd).tag for one in self._objects for name, fd in one.programs.items()}

    def _program(self, name: str) -> int:
        for one in self._objects:
            if name in one.programs:
                return one.programs[name]
        raise DataPlaneError(f"there is no compiled program {name}")


def _require_memory(flows: Map) -> None:
    with open("/proc/meminfo") as file:
        available = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))
    if _length(flows) > available // _MEMORY_SHARE:
        mib = _length(flows) >> 20
        raise DataPlaneError(f"a dry run copies the flow table, and {mib} MiB are more than half of the free memory")


def _length(array: Map) -> int:
    return (array.max_entries * array.value_size + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE


def _copy(real: Map, copy: Map) -> None:
    """Kinds that are not named here hold only what programs write for themselves."""
    if map_info(real.fd).flags & _MMAPABLE:
        with (
            mmap.mmap(real.fd, _length(real), prot=mmap.PROT_READ) as source,
            mmap.mmap(copy.fd, _length(copy)) as destination,
            memoryview(source) as content,
        ):
            destination[:] = content
    elif real.kind in (_HASH, _LRU_HASH):
        for key, value in list(real.entries()):
            copy.put(key, value)
    elif real.kind == _ARRAY:
        values = real.head(real.max_entries)
        if any(values):
            copy.put_array(values)
    elif real.kind == _ARRAY_OF_MAPS:
        _copy_outer(real, copy)


def _copy_outer(real: Map, copy: Map) -> None:
    """The inner maps themselves: programs only read them. In one batch, as each update waits for a grace period."""
    inner = {key: map_by_id(struct.unpack("=I", value)[0]) for key, value in _present(real)}
    try:
        if inner:
            keys = ctypes.create_string_buffer(b"".join(inner), 4 * len(inner))
            fds = (ctypes.c_uint32 * len(inner))(*inner.values())
            attributes = struct.pack(
                "=QQQQIIQQ", 0, 0, ctypes.addressof(keys), ctypes.addressof(fds), len(inner), copy.fd, 0, 0
            )
            attr = ctypes.create_string_buffer(attributes, 128)
            bpf_in_place(Command.MAP_UPDATE_BATCH, attr, what=f"fill map {copy.name}")
    finally:
        for fd in inner.values():
            os.close(fd)


def _present(outer: Map) -> Iterator[tuple[bytes, bytes]]:
    for number in range(outer.max_entries):
        key = struct.pack("=I", number)
        value = outer.get(key)
        if value is not None:
            yield key, value
