"""Whose first process ended: as the kernel tells it, at once."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Collection, Mapping

from .driver import RunningInstance

Running = Callable[[], Mapping[str, RunningInstance]]


class Ended:
    """Holds a pidfd per instance. Not for several threads at once."""

    def __init__(self, running: Running) -> None:
        """`running`: `InstanceDriver.running`."""
        self._running = running
        self._held: dict[str, tuple[int, int]] = {}
        """Instance -> (pid, pidfd)."""
        self._poll = select.poll()

    def watch(self, instances: Collection[str]) -> None:
        """These, and no others: those of them that run now. Costs a file per instance; ask it when something may have changed."""
        running = self._running()
        alive = {one: running[one].pid for one in instances if one in running and running[one].alive}
        for instance, (pid, _) in list(self._held.items()):
            # One that ended is kept: nobody may have asked since.
            if instance not in instances or alive.get(instance, pid) != pid:
                self._forget(instance)
        for instance, pid in alive.items():
            if instance not in self._held:
                self._hold(instance, pid)

    def ended(self) -> frozenset[str]:
        """Of those that are watched: the ones whose first process ended."""
        if not self._held:
            return frozenset()
        ready = {fd for fd, _ in self._poll.poll(0)}
        return frozenset(instance for instance, (_, fd) in self._held.items() if fd in ready)

    def close(self) -> None:
        for instance in list(self._held):
            self._forget(instance)

    def _hold(self, instance: str, pid: int) -> None:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return  # ended since it was asked about; whoever keeps instances sees it
        self._held[instance] = (pid, fd)
        self._poll.register(fd, select.POLLIN)

    def _forget(self, instance: str) -> None:
        _, fd = self._held.pop(instance)
        self._poll.unregister(fd)
        os.close(fd)
