"""Finding a pattern in one direction of a TCP stream, segment by segment, also where it is split.

Segments arrive late, twice, overlapping and out of order, and each has to be let through or not when it comes. Kept
are the last few bytes of the stream and what came ahead of a gap. The segment that would complete a pattern at the
receiver is the one to drop.
"""

from __future__ import annotations

from .rules import Rule

ROOM_BYTES = 64 << 20
"""Kept beyond gaps in all streams of a process. A segment that finds no room is dropped, which TCP takes for loss."""
_HALF = 1 << 31
_MASK = (1 << 32) - 1


class NoRoom(Exception):
    """The segment is too far ahead to be kept; drop it, the sender will send it again."""


class Room:
    """How much the streams of a process keep in all."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self.free = size


class Stream:
    """One direction of a flow. Call `close` when it is forgotten."""

    __slots__ = ("_ahead", "_begin", "_next", "_reach", "_room", "_rules", "_tail")

    def __init__(self, rules: tuple[Rule, ...], *, room: Room) -> None:
        """`rules` have patterns."""
        self._rules = rules
        self._room = room
        self._reach = max(rule.pattern.reach for rule in rules if rule.pattern)
        self._next: int | None = None
        """Sequence number that continues the stream; None before anything was seen."""
        self._begin: int | None = None
        """The first sequence number; None when joined in the middle."""
        self._tail = b""
        """The bytes before it, at most `_reach`."""
        self._ahead: dict[int, bytes] = {}
        """Segments beyond a gap, by sequence number."""

    def opened(self, sequence: int) -> bool:
        """A SYN: the stream begins after `sequence`. False, and nothing changes, if it has begun elsewhere: such a SYN
        is to be dropped, for it would move our place in the stream but not the receiver's."""
        begin = (sequence + 1) & _MASK
        if self._next is None:
            self._next = self._begin = begin
        return self._begin == begin

    def close(self) -> None:
        """Give back the room."""
        self._room.free += sum(map(len, self._ahead.values()))
        self._ahead.clear()
        self._next = self._begin = None
        self._tail = b""

    def segment(self, sequence: int, data: bytes) -> Rule | None:
        """The rule whose pattern is complete with this segment, or None. Raises NoRoom."""
        if self._next is None:
            self._next = sequence  # joined in the middle
        distance = ((sequence - self._next + _HALF) & _MASK) - _HALF
        if distance > 0:
            return self._keep(sequence, data)
        if distance < 0:
            return self._again(distance, data)
        return self._continue(data)

    def _continue(self, data: bytes) -> Rule | None:
        """The segment that follows what was seen, and what lies ready behind it."""
        assert self._next is not None
        end = (self._next + len(data)) & _MASK
        while (sequence := self._following(end)) is not None:
            late = self._ahead.pop(sequence)
            self._room.free += len(late)
            overlap = (end - sequence) & _MASK
            if overlap:
                # Two copies of the same place: the receiver may take either.
                found = self._search(self._tail + data[: max(0, len(data) - overlap)] + late)
                if found is not None:
                    return found
            fresh = late[overlap:]
            data += fresh
            end = (end + len(fresh)) & _MASK
        text = self._tail + data
        found = self._search(text)
        if found is None:
            self._next = end
            self._tail = text[-self._reach :] if self._reach else b""
        return found

    def _following(self, end: int) -> int | None:
        """The kept segment that begins at or before `end`, if any."""
        for sequence in self._ahead:
            if ((sequence - end + _HALF) & _MASK) - _HALF <= 0:
                return sequence
        return None

    def _keep(self, sequence: int, data: bytes) -> Rule | None:
        """A segment beyond a gap: look at it alone, remember it for when the gap is filled."""
        found = self._search(data)
        if found is not None:
            return found
        known = self._ahead.get(sequence, b"")
        more = len(data) - len(known)
        if more > 0:
            if more > self._room.free:
                raise NoRoom
            self._ahead[sequence] = data
            self._room.free -= more
        return None

    def _again(self, distance: int, data: bytes) -> Rule | None:
        """A segment that begins before what is next: a retransmission, perhaps with new bytes at its end.

        It need not say the same as the first time, and nobody knows which copy the receiver takes. So it is searched
        in its own place of what is remembered, and what is new continues the stream with the bytes of this copy before
        it.
        """
        start = len(self._tail) + distance
        before = self._tail[:start] if start > 0 else b""
        old, new = data[:-distance], data[-distance:]
        after = self._tail[start + len(data) :] if start + len(data) >= 0 else b""
        found = self._search(before + data + after)
        if found is not None or not new:
            return found
        visible = old[-len(self._tail) :] if self._tail else b""
        self._tail = (before + visible)[-self._reach :] if self._reach else b""
        return self._continue(new)

    def _search(self, text: bytes) -> Rule | None:
        for rule in self._rules:
            if rule.pattern is not None and rule.pattern.is_in(text):
                return rule
        return None
