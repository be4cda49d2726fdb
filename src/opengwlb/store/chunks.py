"""Data points as bytes: those of an hour (or whatever a resolution stores together) are one small msgpack array.

A minute with one value takes 3 to 11 bytes, one with a distribution 3 to 11 for each different value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from opengwlb.model.metrics import Point
from opengwlb.policy.points import merged

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[list[Any]])
_WHOLE = 2.0**53
"""Whole numbers below it are the same as an integer, which takes fewer bytes."""


def decode(body: bytes) -> dict[int, Point]:
    """Data points by their place in the chunk. Raises msgspec.MsgspecError when the bytes are not a chunk."""
    return {row[0]: _point(row) for row in _DECODER.decode(body)}


def changed(body: bytes, places: Mapping[int, Sequence[Point]], *, merge: bool) -> bytes:
    """The chunk with more data points: added to those that are there, or in their place. The others are not even looked at.

    `body` is empty for a new chunk. Raises msgspec.MsgspecError.
    """
    rows = {row[0]: row for row in _DECODER.decode(body)} if body else {}
    for place, more in places.items():
        there = [_point(rows[place])] if merge and place in rows else []
        rows[place] = [place, *_fields(merged([*there, *more]))]
    return _ENCODER.encode([rows[place] for place in sorted(rows)])


def _fields(point: Point) -> list[Any]:
    if point.minimum == point.maximum:
        return [_small(point.minimum)] if point.count == 1 else [_small(point.minimum), _small(point.count)]
    found = [_small(each) for each in (point.count, point.sum, point.minimum, point.maximum)]
    if point.spread is not None:
        found.append([_small(each) for pair in point.spread.items() for each in pair])  # type: ignore[arg-type]  # the one nested list
    return found


def _point(row: list[Any]) -> Point:
    match row[1:]:
        case [value]:
            return Point(1.0, float(value), float(value), float(value))
        case [value, count]:
            return Point(float(count), float(value) * float(count), float(value), float(value))
        case [count, total, low, high, *rest]:
            spread = None
            if rest:
                (flat,) = rest
                spread = {float(value): float(times) for value, times in zip(flat[::2], flat[1::2], strict=True)}
            return Point(float(count), float(total), float(low), float(high), spread)
    raise msgspec.ValidationError(f"{row!r} is no data point")


def _small(number: float) -> float | int:
    # -0.0 is whole too, and 0 is not the same to a reader of raw bytes, but to arithmetic it is.
    return int(number) if -_WHOLE < number < _WHOLE and number == int(number) else number
