"""`--data-plane none`: nothing below the API.

Objects reach their ready states; no packet is carried, and no target is probed (`assumed_health.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from opengwlb.instances.driver import InstanceError, InstanceSpec, RunningInstance
from opengwlb.model.plane import Plane
from opengwlb.model.topology import Link, PortRef, Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentApplied:
    ifindex: dict[PortRef, int]
    errors: dict[str, str] = field(default_factory=dict)
    made: frozenset[str] = frozenset()


class AbsentNetwork:
    """Every link of the topology counts as built."""

    def __init__(self) -> None:
        self._given = itertools.count(1)
        self._numbers: dict[PortRef, int] = {}

    def apply(self, topology: Topology, *, attach: Any, verify: bool = False) -> AbsentApplied:
        return self._numbered(topology.links)

    def change(self, part: Topology, *, boxes: Collection[str], links: Collection[str], attach: Any) -> AbsentApplied:
        return self._numbered({link: part.links[link] for link in links if link in part.links})

    def verify(
        self, part: Topology, *, boxes: Collection[str], links: Collection[str], attach: Any, interrupted: Any
    ) -> AbsentApplied:
        return self.change(part, boxes=boxes, links=links, attach=attach)

    def vanished(self) -> bool:
        return False

    def _numbered(self, links: Mapping[str, Link]) -> AbsentApplied:
        ports = [port.ref for link in links.values() for port in (link.a, link.b)]
        for ref in ports:
            if ref not in self._numbers:
                self._numbers[ref] = next(self._given)
        return AbsentApplied(ifindex={ref: self._numbers[ref] for ref in ports})

    def namespace(self, box: str) -> str:
        """No box has one."""
        return ""


class AbsentPrograms:
    def attach(self, port: Any, *, netns: str, ifindex: int) -> None:
        raise AssertionError("nothing to attach to without a network")

    def apply(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> dict[str, str]:
        return {}

    def change(
        self, before: Plane, after: Plane, *, whole: Plane, was: Mapping[PortRef, int], ifindex: Mapping[PortRef, int]
    ) -> dict[str, str]:
        return {}

    def verify(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> dict[str, str]:
        return {}

    def prune(self, live_ifindexes: Collection[int]) -> None:
        return


class AbsentInstances:
    """Instances that are only remembered: they count as running until they are stopped."""

    def __init__(self) -> None:
        self._boots: dict[str, int] = {}

    def start(self, spec: InstanceSpec) -> None:
        self._boots[spec.id] = spec.boot

    def stop(self, instance: str) -> bool:
        self._boots.pop(instance, None)
        return True

    def remove(self, instance: str) -> None:
        self._boots.pop(instance, None)

    def running(self) -> dict[str, RunningInstance]:
        return {one: RunningInstance(boot=boot, pid=0, alive=True) for one, boot in self._boots.items()}

    def console(self, instance: str) -> bytes:
        return b""

    def exec(self, instance: str, argv: tuple[str, ...], *, tty: bool = False) -> list[str]:
        raise InstanceError(f"nothing runs in {instance}: the server runs with --data-plane none")

    def destroy(self) -> None:
        self._boots.clear()
