"""The scenario, built by the server itself when it is asked to: in a thread, as an ordinary client of its own address.

What stands is read from the store, so a restart forgets nothing but how a building that failed had failed.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from opengwlb.model.snapshot import Snapshot
from opengwlb.observe.demo_answers import DemoAnswer, DemoStep
from opengwlb.wire.errors import AwsError

from .. import lab
from ..refusal import Refusal
from . import plan, standing
from .visitors import Visitors

if TYPE_CHECKING:
    from .waits import Waits

Build = Callable[["Waits", Callable[[str], None]], object]
"""(waits, begin) as `building.build` takes them."""
StepState = Literal["waiting", "running", "done", "failed"]
REMOVE = f"`gwlb account delete --force NAME` takes each account away ({', '.join(reversed(plan.accounts()))}); then ask again."


class _Building:
    """One attempt: written by its thread, read by anyone."""

    def __init__(self) -> None:
        self.step: str | None = None
        self.detail = ""
        self.error: str | None = None
        self.over = threading.Event()

    def begin(self, step: str) -> None:
        self.step, self.detail = step, ""

    def told(self, detail: str) -> None:
        self.detail = detail


class Background:
    """`build` is `building.build` for the server of this name unless another is given."""

    def __init__(self, *, name: str, snapshot: Callable[[], Snapshot], build: Build | None = None) -> None:
        self._snapshot = snapshot
        self._build = build or partial(_build, name)
        self._lock = threading.Lock()
        self._building: _Building | None = None
        self._visitors = Visitors(name)
        self._name = name

    def start(self) -> DemoAnswer:
        """Begin to build, unless it stands or is being built. Raises AwsError when what is there is in the way."""
        with self._lock:
            snapshot, building = self._snapshot(), self._building
            if building is not None and not building.over.is_set():
                return self.state()
            if not standing.missing(snapshot):
                self._building = None  # what failed at last has come all the same
                return self.state()
            if taken := standing.taken(snapshot):
                raise AwsError(
                    "ResourceInUse",
                    f"There are accounts of these names already, and they are not the whole demo: {', '.join(taken)}. {REMOVE}",
                    status=409,
                )
            self._building = _Building()
            threading.Thread(target=self._run, args=(self._building,), name="demo", daemon=True).start()
        return self.state()

    def _run(self, building: _Building) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        from .. import lint
        from .waits import Waits

        silent = Console(file=io.StringIO(), quiet=True)
        waits = Waits(silent, mistakes=partial(lint.errors, self._name), told=building.told)
        building.error = "It ended unexpectedly: the server's log says why."
        try:
            self._build(waits, building.begin)
            building.error = None
        except (Refusal, ClientError, BotoCoreError, OSError) as error:
            building.error = str(error)
        finally:
            building.over.set()

    def send(self, seconds: float) -> DemoAnswer:
        """Requests to what stands. Raises AwsError when nothing does, or when the internet's box cannot be entered."""
        found = standing.addresses(self._snapshot())
        if not found:
            raise AwsError("ResourceNotFound", "There is no web server of the demo yet: build it first.", status=404)
        try:
            self._visitors.send(found, seconds=seconds)
        except Refusal as refusal:
            raise AwsError("ResourceNotReady", str(refusal), status=409) from refusal
        return self.state()

    def state(self) -> DemoAnswer:
        snapshot, building = self._snapshot(), self._building
        found = standing.addresses(snapshot)
        missing = standing.missing(snapshot)
        error = None
        state: Literal["none", "building", "ready", "failed"]
        if building is not None and not building.over.is_set():
            state = "building"
        elif building is not None and building.error is not None:
            state, error = "failed", f"{building.error} {REMOVE}"
        elif not missing:
            state = "ready"
        elif standing.begun(snapshot):
            state, error = "failed", f"Not there, or not yet: {', '.join(missing)}. If nobody is building it: {REMOVE}"
        else:
            state = "none"
        return DemoAnswer(
            state=state,
            steps=_steps(state, building),
            error=error,
            addresses=found,
            traffic=self._visitors.state(),
        )

    def stop(self) -> None:
        """No more requests are sent. A building ends with its server."""
        self._visitors.stop()


def _steps(state: str, building: _Building | None) -> list[DemoStep]:
    at = building.step if building is not None and state in ("building", "failed") else None
    now: StepState = "failed" if state == "failed" else "running"
    later: StepState = "done" if state == "ready" or at is not None else "waiting"
    steps = []
    for name, title in plan.titles().items():
        here = name == at
        steps.append(
            DemoStep(
                id=name,
                title=title,
                state=now if here else later,
                detail=building.detail if here and building is not None else "",
            )
        )
        if here:
            later = "waiting"
    return steps


def _build(name: str, waits: Waits, begin: Callable[[str], None]) -> None:
    from .building import build

    build(lab.require_running(name), waits=waits, begin=begin)
