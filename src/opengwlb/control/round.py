"""A round over everything that stands, some at a time: a change that comes meanwhile waits for one slice at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from opengwlb.model.plane import Plane
from opengwlb.policy.standing import Standing

LINKS = 8
"""That one slice looks at, but for a box that has more."""
ENTRIES = 100
"""Of the plane, in one slice."""


class Round:
    def __init__(self) -> None:
        self._boxes: list[str] = []
        self._entries: list[tuple[str, Any]] = []
        """Field of the plane, and the key there."""

    @property
    def over(self) -> bool:
        return not self._boxes and not self._entries

    def begin(self, boxes: Iterable[str], plane: Plane) -> None:
        self.end()
        self.again(boxes, plane)

    def end(self) -> None:
        """All was just built: nothing is left to be looked at."""
        self._boxes, self._entries = [], []

    def again(self, boxes: Iterable[str], part: Plane) -> None:
        """They were not looked at after all."""
        self._boxes += boxes
        self._entries += [
            (field.name, key)
            for field in fields(part)
            if isinstance(held := getattr(part, field.name), dict)
            for key in held
        ]

    def next(self, standing: Standing) -> tuple[frozenset[str], Plane]:
        """Boxes and entries to look at now; what went since the round began is left out."""
        boxes: set[str] = set()
        links = 0
        while self._boxes and links < LINKS:
            box = self._boxes.pop()
            if box in standing.boxes:
                boxes.add(box)
                links += len(standing.links_of([box]))
        plane = standing.plane()
        found: dict[str, dict[Any, Any]] = {}
        for name, key in self._entries[-ENTRIES:]:
            held = getattr(plane, name)
            if key in held:
                found.setdefault(name, {})[key] = held[key]
        del self._entries[-ENTRIES:]
        fields_found: dict[str, Any] = dict(found)
        return frozenset(boxes), Plane(**fields_found)
