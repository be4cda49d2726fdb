"""A captured frame taken apart, as Wireshark's tree shows it: every header's fields with where their bytes stand."""

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
