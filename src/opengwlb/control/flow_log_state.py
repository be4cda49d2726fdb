"""What flow logs have gathered and not delivered yet, kept over the end of the server."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from opengwlb.model.flow_logs import FlowCount, FlowKey
from opengwlb.policy.flow_log_windows import Window, Windows
from opengwlb.policy.flow_logs import Interface

from .flow_log_files import Intent

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class State:
    round: int = 0
    """Records of the data plane up to this round are in the windows, or were delivered."""
    lost: dict[int, int] = field(default_factory=dict)
    """ifindex -> packets without a record, as far as they were told."""
    windows: Windows = field(default_factory=dict)
    intent: Intent = field(default_factory=Intent)
    """Of the delivery that was being made; what it delivers is in the windows still."""


class _Kept(msgspec.Struct, array_like=True):
    interval: int
    interface: Interface
    began: float
    skipped: bool
    rows: list[tuple[FlowKey, FlowCount]]


class _File(msgspec.Struct):
    round: int
    lost: dict[int, int]
    windows: list[_Kept]
    intent: Intent


class StateFile:
    """One file, replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> State:
        """Empty when there is none. One of another version is put aside, and said so in the log."""
        try:
            kept = msgspec.msgpack.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return State()
        except msgspec.MsgspecError as error:
            aside = self._path.with_suffix(".unread")
            self._path.rename(aside)
            log.warning("what flow logs had gathered cannot be read (%s); it is in %s now", error, aside)
            return State()
        windows = {
            (one.interval, one.interface.id): Window(
                interface=one.interface, began=one.began, rows=dict(one.rows), skipped=one.skipped
            )
            for one in kept.windows
        }
        return State(round=kept.round, lost=kept.lost, windows=windows, intent=kept.intent)

    def save(self, state: State) -> None:
        """Durable when this returns."""
        kept = [
            _Kept(interval, one.interface, one.began, one.skipped, list(one.rows.items()))
            for (interval, _), one in state.windows.items()
        ]
        body = msgspec.msgpack.encode(_File(round=state.round, lost=state.lost, windows=kept, intent=state.intent))
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)
