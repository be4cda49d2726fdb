"""What was seen of each interface, gathered until its interval ends, and then the lines that its flow logs write of it. Pure.

Intervals are whole minutes of the wall clock. A record belongs to the interval in which it was read from the data plane, so one that a
server did not read while it was stopped comes, whole, in the first interval after.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from opengwlb.model.flow_logs import FlowCount, FlowKey, FlowLog

from . import flow_logs
from .flow_log_lines import Line, Status, writer
from .flow_logs import Interface

INTERVALS_S = (60, 600)
MOST_ROWS = 65536
"""Of one interface in one interval; what does not fit is skipped, and a line says so."""
MOST_ROWS_OF_ACCOUNT = 262144
"""Of all its interfaces together, so that nobody's traffic takes the server's memory."""


@dataclass(slots=True, kw_only=True)
class Window:
    """An interface's interval that has not ended."""

    interface: Interface
    began: float
    rows: dict[FlowKey, FlowCount] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one flow log has to say of one interface."""

    log: FlowLog
    interface: Interface
    lines: tuple[tuple[int, str], ...]
    """(seconds since the epoch of its start, text)."""


def _added(one: FlowCount, more: FlowCount) -> FlowCount:
    return FlowCount(
        packets=one.packets + more.packets,
        bytes=one.bytes + more.bytes,
        first_s=min(one.first_s, more.first_s),
        last_s=max(one.last_s, more.last_s),
        tcp_flags=one.tcp_flags | more.tcp_flags,
        path=more.path or one.path,
    )


Windows = dict[tuple[int, str], Window]
"""(interval in seconds, interface) -> what is gathered."""


class Books:
    """The open windows. Not for several threads."""

    def __init__(self, windows: Windows | None = None) -> None:
        self.windows: Windows = windows or {}
        self._of_account = Tally[str]()
        """How many rows each has."""
        for window in self.windows.values():
            self._of_account[window.interface.account] += len(window.rows)
        self._next = dict.fromkeys(INTERVALS_S, 0.0)
        """When each interval ends."""

    def watch(self, covered: Iterable[Interface], logs: Mapping[str, list[FlowLog]], *, now: float) -> None:
        """Opens a window for every interface that a flow log covers, and remembers what the interface is now.

        Interfaces that are gone keep their windows until these end: what they saw is still to be told.
        """
        for one in covered:
            for interval in {flow_logs.interval_s(log, one) for log in flow_logs.of(logs, one)}:
                window = self.windows.get((interval, one.id))
                if window is None:
                    self.windows[interval, one.id] = Window(interface=one, began=now)
                else:
                    window.interface = one
        for interval, end in self._next.items():
            self._next[interval] = end or _end(interval, now)

    def add(self, interface: str, key: FlowKey, count: FlowCount) -> None:
        for interval in INTERVALS_S:
            window = self.windows.get((interval, interface))
            if window is None:
                continue
            there = window.rows.get(key)
            if there is not None:
                window.rows[key] = _added(there, count)
            elif len(window.rows) < MOST_ROWS and self._of_account[window.interface.account] < MOST_ROWS_OF_ACCOUNT:
                window.rows[key] = count
                self._of_account[window.interface.account] += 1
            else:
                window.skipped = True

    def skip(self, interface: str) -> None:
        """Something that the interface saw was not recorded."""
        for interval in INTERVALS_S:
            if (interval, interface) in self.windows:
                self.windows[interval, interface].skipped = True

    def due(self, now: float) -> bool:
        """Whether an interval has ended."""
        return any(end and now >= end for end in self._next.values())

    def wait_s(self, now: float) -> float:
        return max(0.0, min(end or _end(interval, now) for interval, end in self._next.items()) - now)

    def ended(self, now: float) -> list[tuple[int, str]]:
        """Keys of the windows whose interval has ended."""
        over = {interval for interval, end in self._next.items() if end and now >= end}
        return [key for key in self.windows if key[0] in over]

    def deliveries(
        self, keys: Iterable[tuple[int, str]], logs: Mapping[str, list[FlowLog]], *, now: float
    ) -> Iterator[Delivery]:
        """What the flow logs say of these windows, as if they ended now. Changes nothing."""
        for interval, interface in keys:
            window = self.windows[interval, interface]
            for log in flow_logs.of(logs, window.interface):
                if flow_logs.interval_s(log, window.interface) == interval:
                    yield Delivery(log=log, interface=window.interface, lines=tuple(_lines(window, log, now=now)))

    def close(self, keys: Iterable[tuple[int, str]], *, now: float) -> None:
        """These windows were delivered, and begin anew with the next `watch`."""
        for key in keys:
            window = self.windows.pop(key)
            self._of_account[window.interface.account] -= len(window.rows)
        for interval, end in self._next.items():
            if end and now >= end:
                self._next[interval] = _end(interval, now)


def _end(interval: int, now: float) -> float:
    return (now // interval + 1) * interval


def _lines(window: Window, log: FlowLog, *, now: float) -> Iterator[tuple[int, str]]:
    write = writer(log.log_format)
    began = int(max(window.began, log.created))
    for key, count in window.rows.items():
        if flow_logs.takes(log, key.action) and count.last_s >= log.created:
            start = int(max(count.first_s, log.created))
            line = Line(interface=window.interface, key=key, count=count, start=start, end=int(count.last_s))
            yield start, write(line)
    if window.skipped:
        yield began, _without_data(window, write, "SKIPDATA", began=began, now=now)
    elif not window.rows:
        yield began, _without_data(window, write, "NODATA", began=began, now=now)


def _without_data(window: Window, write: Callable[[Line], str], status: Status, *, began: int, now: float) -> str:
    return write(Line(interface=window.interface, status=status, start=began, end=max(began, int(now))))
