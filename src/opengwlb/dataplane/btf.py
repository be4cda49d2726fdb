"""The struct layouts inside a compiled object: ELF section .BTF, read without a library.

https://docs.kernel.org/bpf/btf.html: a header, then types, then strings.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LayoutError

_STRUCT = 4
_FIXED_EXTRA = {1: 4, 3: 12, 14: 4, 17: 4}
_PER_ITEM = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}


@dataclass(frozen=True)
class StructShape:
    """In bytes."""

    size: int
    offsets: dict[str, int] = field(default_factory=dict)


def structs(path: Path) -> dict[str, StructShape]:
    """Named structs of an object file. `LayoutError` if it has no BTF."""
    return parse(_section(path.read_bytes(), b".BTF", path))


def _section(elf: bytes, name: bytes, path: Path) -> bytes:
    if elf[:5] != b"\x7fELF\x02":
        raise LayoutError(f"{path} is not a 64-bit ELF file")
    (table,) = struct.unpack_from("=Q", elf, 0x28)
    size, count, names_index = struct.unpack_from("=HHH", elf, 0x3A)
    headers = [struct.unpack_from("=IIQQQQ", elf, table + i * size) for i in range(count)]
    names = headers[names_index][4]
    for header in headers:
        start = names + header[0]
        if elf[start : elf.index(b"\0", start)] == name:
            return elf[header[4] : header[4] + header[5]]
    raise LayoutError(f"{path} was compiled without -g: it has no BTF")


def parse(raw: bytes) -> dict[str, StructShape]:
    """Named structs of a BTF blob."""
    magic, _, _, header, types, types_length, strings, _ = struct.unpack_from("=HBBIIIII", raw)
    if magic != 0xEB9F:
        raise LayoutError("not BTF of this machine's byte order")

    def name_at(offset: int) -> str:
        start = header + strings + offset
        return raw[start : raw.index(b"\0", start)].decode()

    found: dict[str, StructShape] = {}
    at, end = header + types, header + types + types_length
    while at < end:
        name, info, size = struct.unpack_from("=III", raw, at)
        kind, count = info >> 24 & 0x1F, info & 0xFFFF
        at += 12
        if kind == _STRUCT:
            members = (struct.unpack_from("=III", raw, at + 12 * i) for i in range(count))
            found[name_at(name)] = StructShape(size, {name_at(m[0]): (m[2] & 0xFFFFFF) // 8 for m in members})
        at += _FIXED_EXTRA.get(kind, 0) + _PER_ITEM.get(kind, 0) * count
    return found
