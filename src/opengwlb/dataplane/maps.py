"""A pinned map as bytes: read whole, write by element or in one batch."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from .errors import KernelError
from .syscalls import Command, bpf, bpf_in_place, map_info

_CHUNK = 4096
_PERCPU = (5, 6)
"""BPF_MAP_TYPE_PERCPU_HASH, …_ARRAY."""
_EXIST = 2


@lru_cache(maxsize=4)
def _numbers(count: int) -> ctypes.Array[ctypes.c_uint32]:
    """The keys of an array."""
    return (ctypes.c_uint32 * count)(*range(count))


def possible_cpus() -> int:
    """How many CPUs a per-CPU value has room for."""
    with open("/sys/devices/system/cpu/possible") as file:
        return int(file.read().strip().replace(",", "-").rsplit("-", 1)[-1]) + 1


class Map:
    """One map, by file descriptor, which it owns."""

    def __init__(self, fd: int, *, name: str) -> None:
        self.fd = fd
        self.name = name
        info = map_info(fd)
        self.kind, self.id = info.kind, info.id
        self.key_size, self.max_entries = info.key_size, info.max_entries
        self.value_size = info.value_size
        if self.kind in _PERCPU:
            self.value_size = (info.value_size + 7) // 8 * 8 * possible_cpus()

    def close(self) -> None:
        os.close(self.fd)

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self.value_size)
        try:
            self._element(Command.MAP_LOOKUP_ELEM, key, value, "look up in")
        except KernelError as error:
            if error.number == errno.ENOENT:
                return None
            raise
        return value.raw

    def put(self, key: bytes, value: bytes, *, only_known: bool = False) -> None:
        """`only_known`: ENOENT when the key is not there."""
        held = ctypes.create_string_buffer(value, len(value))
        self._element(Command.MAP_UPDATE_ELEM, key, held, "write to", flags=_EXIST if only_known else 0)

    def delete(self, key: bytes) -> None:
        """Idempotent."""
        try:
            self._element(Command.MAP_DELETE_ELEM, key, None, "delete from")
        except KernelError as error:
            if error.number != errno.ENOENT:
                raise

    def delete_all(self, keys: Sequence[bytes]) -> None:
        """By batches. Keys that are not there are passed over."""
        left = list(keys)
        while left:
            batch = left[:_CHUNK]
            held = ctypes.create_string_buffer(b"".join(batch), self.key_size * len(batch))
            attributes = struct.pack("=QQQQIIQQ", 0, 0, ctypes.addressof(held), 0, len(batch), self.fd, 0, 0)
            attr = (ctypes.c_char * 128).from_buffer_copy(attributes.ljust(128, b"\0"))
            missing = 0
            try:
                bpf_in_place(Command.MAP_DELETE_BATCH, attr, what=f"delete from map {self.name}")
            except KernelError as error:
                if error.number != errno.ENOENT:
                    raise
                missing = 1
            left = left[struct.unpack_from("=I", attr.raw, 32)[0] + missing :]

    def _element(
        self, command: Command, key: bytes, value: ctypes.Array[ctypes.c_char] | None, what: str, *, flags: int = 0
    ) -> None:
        held = ctypes.create_string_buffer(key, len(key))
        attributes = struct.pack(
            "=IIQQQ", self.fd, 0, ctypes.addressof(held), ctypes.addressof(value) if value is not None else 0, flags
        )
        bpf(command, attributes, what=f"{what} map {self.name}")

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value, by batches; not a snapshot."""
        cursor = ctypes.create_string_buffer(max(self.key_size, 8))
        count = min(_CHUNK, self.max_entries)
        keys = ctypes.create_string_buffer(self.key_size * count)
        values = ctypes.create_string_buffer(self.value_size * count)
        first, more = True, True
        while more:
            at = ctypes.addressof(cursor)
            attr = struct.pack(
                "=QQQQIIQQ",
                *(0 if first else at, at, ctypes.addressof(keys), ctypes.addressof(values), count, self.fd, 0, 0),
            )
            got, more = self._batch(Command.MAP_LOOKUP_BATCH, attr)
            first = False
            raw_keys, raw_values = keys.raw, values.raw
            for i in range(got):
                yield (
                    raw_keys[i * self.key_size : (i + 1) * self.key_size],
                    raw_values[i * self.value_size : (i + 1) * self.value_size],
                )

    def head(self, count: int) -> bytes:
        """The first `count` values of an array, one after the other, in one call."""
        cursor = ctypes.create_string_buffer(8)
        keys = ctypes.create_string_buffer(self.key_size * count)
        values = ctypes.create_string_buffer(self.value_size * count)
        where = (ctypes.addressof(one) for one in (cursor, keys, values))
        self._batch(Command.MAP_LOOKUP_BATCH, struct.pack("=QQQQIIQQ", 0, *where, count, self.fd, 0, 0))
        return values.raw

    def _batch(self, command: Command, attributes: bytes) -> tuple[int, bool]:
        attr = (ctypes.c_char * 128).from_buffer_copy(attributes.ljust(128, b"\0"))
        more = True
        try:
            bpf_in_place(command, attr, what=f"read map {self.name}")
        except KernelError as error:
            if error.number != errno.ENOENT:
                raise
            more = False
        return struct.unpack_from("=I", attr.raw, 32)[0], more

    def filled(self) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of each place of an array that is not all zeros."""
        # Used places come first, by and large: what is behind the last one need not be looked at one by one.
        size = self.value_size
        held = self.head(self.max_entries).rstrip(b"\0")
        held += bytes(-len(held) % size)
        nothing = bytes(size)
        for number in range(len(held) // size):
            value = held[number * size : (number + 1) * size]
            if value != nothing:
                yield struct.pack("=I", number), value

    def put_array(self, values: bytes) -> None:
        """All values of an array map, in one call."""
        count = len(values) // self.value_size
        keys = _numbers(count)
        held = ctypes.create_string_buffer(values, len(values))
        attributes = struct.pack(
            "=QQQQIIQQ", 0, 0, ctypes.addressof(keys), ctypes.addressof(held), count, self.fd, 0, 0
        )
        bpf(Command.MAP_UPDATE_BATCH, attributes, what=f"fill map {self.name}")
