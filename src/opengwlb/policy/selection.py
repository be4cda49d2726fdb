"""Which target a new flow gets: the table of Maglev (Eisenbud et al., NSDI 2016, section 3.4), pure.

Each backend has a permutation of the table's places that depends on its key alone; in turn each takes its next free place. Every backend
gets an almost equal share, and one that comes or goes moves few places besides its own.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence

SIZE = 16381
"""Places in a table: a prime, about 100 for each of the most targets a zone has in AWS."""


def maglev(backends: Sequence[tuple[int, str | bytes]], *, size: int = SIZE) -> array[int]:
    """A table of `size` (a prime) backend numbers, as unsigned 32-bit; `backends` are (number, stable key). Empty without backends.

    The order of `backends` does not matter.
    """
    if not backends:
        return array("I")
    ordered = sorted((_bytes(key), number) for number, key in backends)
    steps = [_offset_and_skip(key, size) for key, _ in ordered]
    numbers = [number for _, number in ordered]
    table = array("I", bytes(4 * size))
    taken = bytearray(size)
    at = [offset for offset, _ in steps]
    skips = [skip for _, skip in steps]
    left = size
    while True:
        for i, number in enumerate(numbers):
            place = at[i]
            while taken[place]:
                place = (place + skips[i]) % size
            taken[place] = 1
            table[place] = number
            at[i] = (place + skips[i]) % size
            left -= 1
            if not left:
                return table


def _bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def _offset_and_skip(key: bytes, size: int) -> tuple[int, int]:
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return int.from_bytes(digest[:8], "big") % size, int.from_bytes(digest[8:], "big") % (size - 1) + 1
