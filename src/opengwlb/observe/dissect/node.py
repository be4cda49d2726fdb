"""What a dissection is made of."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A header, or a field of one."""

    name: str
    value: str
    """As people write it; empty for a header that only holds others."""
    offset: int
    """Of its first byte in the frame."""
    length: int
    """In bytes. Fields that share a byte have that whole byte."""
    children: tuple[Node, ...] = ()


class Bytes:
    """A frame that fields are read from, each by its place."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def number(self, at: int, length: int) -> int:
        return int.from_bytes(self.data[at : at + length], "big")

    def has(self, at: int, length: int) -> bool:
        return at + length <= len(self.data)

    def field(self, name: str, at: int, length: int, value: str | int | None = None, *children: Node) -> Node:
        """`value` is the number that stands there when it is not given."""
        shown = self.number(at, length) if value is None else value
        return Node(name=name, value=str(shown), offset=at, length=length, children=children)

    def hex(self, name: str, at: int, length: int) -> Node:
        return self.field(name, at, length, f"0x{self.data[at : at + length].hex()}")

    def rest(self, name: str, at: int, end: int) -> Node | None:
        """What stands up to `end`, as far as it is there; None for nothing."""
        length = min(end, len(self.data)) - at
        return self.field(name, at, length, f"{length} bytes") if length > 0 else None

    def cut(self, name: str, at: int) -> Node:
        """A header of which the frame has not enough."""
        return Node(name=name, value="cut short", offset=min(at, len(self.data)), length=max(0, len(self.data) - at))
