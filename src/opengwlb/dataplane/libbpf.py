"""Compiled objects into the kernel, by libbpf.so.1 through ctypes: ELF, relocations, BTF. Everything after loading is raw bpf(2).

Maps are pinned under one directory by their names, so that all objects share them and the next process finds them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import VERIFIER_LOG_END, DataPlaneError, VerifierError
from .syscalls import map_info, open_pin

_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_WARNING = 0
_libc = ctypes.CDLL(None)


class _Library:
    """libbpf with its signatures, and what it printed."""

    def __init__(self) -> None:
        try:
            self._so = ctypes.CDLL("libbpf.so.1", use_errno=True)
        except OSError as error:
            raise DataPlaneError("libbpf.so.1 is not installed (Debian: libbpf1)") from error
        self.said: list[str] = []
        self._callback = _PRINT(self._heard)
        self._so.libbpf_set_print.restype = ctypes.c_void_p
        self._so.libbpf_set_print(self._callback)

    def _heard(self, level: int, form: bytes, arguments: int) -> int:
        if level == _WARNING:
            text = ctypes.create_string_buffer(1 << 20)
            _libc.vsnprintf(text, len(text), ctypes.c_char_p(form), ctypes.c_void_p(arguments))
            self.said.append(text.value.decode(errors="replace"))
        return 0

    def function(self, name: str, *arguments: Any, result: Any = ctypes.c_void_p) -> Callable[..., Any]:
        found = getattr(self._so, name)
        found.argtypes, found.restype = arguments, result
        return found  # type: ignore[no-any-return]  # ctypes has no better type for a foreign function


class BpfObject:
    """One loaded .bpf.o. Its descriptors live until `close`; pinned maps and links live on."""

    def __init__(self, path: Path, *, maps: Path, max_entries: Mapping[str, int]) -> None:
        """`max_entries` replaces the sizes of maps that do not exist yet; an existing map keeps its size."""
        self.path = path
        self._lib = lib = _Library()
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        self._next_map = lib.function("bpf_object__next_map", pointer, pointer)
        self._next_program = lib.function("bpf_object__next_program", pointer, pointer)
        self._map_name = lib.function("bpf_map__name", pointer, result=text)
        self._map_fd = lib.function("bpf_map__fd", pointer, result=ctypes.c_int)
        self._program_name = lib.function("bpf_program__name", pointer, result=text)
        self._program_fd = lib.function("bpf_program__fd", pointer, result=ctypes.c_int)
        self._close = lib.function("bpf_object__close", pointer, result=None)
        self._object = lib.function("bpf_object__open_file", text, pointer)(str(path).encode(), None)
        if not self._object:
            raise DataPlaneError(f"cannot read {path}: {' '.join(lib.said).strip() or os.strerror(ctypes.get_errno())}")
        try:
            self._load(maps, max_entries)
            self.maps = {name: self._map_fd(found) for name, found in self._maps().items()}
            self.programs = self._programs()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._object:
            self._close(self._object)
            self._object = None

    def _load(self, maps: Path, max_entries: Mapping[str, int]) -> None:
        set_pin = self._lib.function("bpf_map__set_pin_path", ctypes.c_void_p, ctypes.c_char_p, result=ctypes.c_int)
        resize = self._lib.function("bpf_map__set_max_entries", ctypes.c_void_p, ctypes.c_uint32, result=ctypes.c_int)
        for name, found in self._maps().items():
            pin = maps / name
            if name in max_entries and resize(found, _size(pin, max_entries[name])):
                raise DataPlaneError(f"map {name} cannot have {max_entries[name]} entries")
            if set_pin(found, str(pin).encode()):
                raise DataPlaneError(f"map {name} cannot be pinned at {pin}")
        if self._lib.function("bpf_object__load", ctypes.c_void_p, result=ctypes.c_int)(self._object):
            log = "".join(self._lib.said)
            if VERIFIER_LOG_END in log:
                raise VerifierError(f"the kernel refused {self.path.name}", log=log)
            raise DataPlaneError(f"cannot load {self.path.name}: {' '.join(log.split())}")

    def _maps(self) -> dict[str, int]:
        """Of the source, without those that the compiler makes for constants (their names hold a dot)."""
        found: dict[str, int] = {}
        current = self._next_map(self._object, None)
        while current:
            name = self._map_name(current).decode()
            if "." not in name:
                found[name] = current
            current = self._next_map(self._object, current)
        return found

    def _programs(self) -> dict[str, int]:
        found: dict[str, int] = {}
        current = self._next_program(self._object, None)
        while current:
            found[self._program_name(current).decode()] = self._program_fd(current)
            current = self._next_program(self._object, current)
        return found


def _size(pin: Path, wanted: int) -> int:
    if not pin.exists():
        return wanted
    fd = open_pin(str(pin))
    try:
        return map_info(fd).max_entries
    finally:
        os.close(fd)
