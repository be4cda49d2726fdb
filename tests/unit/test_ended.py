"""An instance whose first process ended is known at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from opengwlb.instances.driver import RunningInstance
from opengwlb.instances.ended import Ended


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield started
    started.kill()
    started.wait()


def soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5.0
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.002)
    return holds()


def test_who_ends_is_told_until_nobody_asks_for_it_any_more(process: subprocess.Popen[bytes]) -> None:
    running = {"i-1": RunningInstance(boot=1, pid=process.pid, alive=True)}
    ended = Ended(lambda: running)
    ended.watch({"i-1", "i-not-running"})
    assert ended.ended() == frozenset()
    process.kill()
    assert soon(lambda: ended.ended() == {"i-1"})
    running["i-1"] = RunningInstance(boot=1, pid=0, alive=False)
    ended.watch({"i-1"})
    assert ended.ended() == {"i-1"}
    ended.watch(())
    assert ended.ended() == frozenset()
    ended.close()


def test_an_instance_that_was_started_again_is_watched_by_its_new_process(process: subprocess.Popen[bytes]) -> None:
    running = {"i-1": RunningInstance(boot=1, pid=os.getpid(), alive=True)}
    ended = Ended(lambda: running)
    ended.watch({"i-1"})
    running["i-1"] = RunningInstance(boot=2, pid=process.pid, alive=True)
    ended.watch({"i-1"})
    process.kill()
    assert soon(lambda: ended.ended() == {"i-1"})
    ended.watch(())
    assert ended.ended() == frozenset()
