"""Two recordings compared: step by step, member by member. Pure.

How long a call took is shown and never a difference. States that lasted less than a second can be missed by either run, so only longer
ones and the last one are compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BRIEF_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the scenario in both recordings."""

    name: str
    equal: int
    different: tuple[tuple[str, Any, Any], ...] = ()
    """(path, value in A, value in B)"""
    only_a: tuple[tuple[str, Any], ...] = ()
    only_b: tuple[tuple[str, Any], ...] = ()
    seconds_a: float | None = None
    seconds_b: float | None = None

    @property
    def same(self) -> bool:
        return not (self.different or self.only_a or self.only_b)

    @property
    def ratio(self) -> float | None:
        """Time in B for each second in A."""
        if not self.seconds_a or self.seconds_b is None:
            return None
        return round(self.seconds_b / self.seconds_a, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    steps: tuple[Step, ...] = field(default=())

    @property
    def same(self) -> bool:
        return all(step.same for step in self.steps)


def compare(a: Mapping[str, Any], b: Mapping[str, Any]) -> Comparison:
    """Of two recordings as `gwlb parity record` writes them."""
    left, right = _steps(a), _steps(b)
    names = list(dict.fromkeys((*left, *right)))
    return Comparison(steps=tuple(_step(name, left.get(name), right.get(name)) for name in names))


def _steps(recording: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By name; a name that comes again is numbered."""
    found: dict[str, Mapping[str, Any]] = {}
    for step in recording["steps"]:
        name, number = step["step"], 2
        while name in found:
            name, number = f"{step['step']} ({number})", number + 1
        found[name] = step
    if "geneve" in recording:
        found["GENEVE headers"] = {"answer": recording["geneve"]}
    return found


def _step(name: str, a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> Step:
    left, right = dict(_facts(a)), dict(_facts(b))
    both = [path for path in left if path in right]
    return Step(
        name=name,
        equal=sum(left[path] == right[path] for path in both),
        different=tuple((path, left[path], right[path]) for path in both if left[path] != right[path]),
        only_a=tuple((path, value) for path, value in left.items() if path not in right),
        only_b=tuple((path, value) for path, value in right.items() if path not in left),
        seconds_a=None if a is None else a.get("seconds"),
        seconds_b=None if b is None else b.get("seconds"),
    )


def _facts(step: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    if step is None:
        return
    if "states" in step:
        yield "states", _lasting(step)
        yield "reached", step["reached"]
        return
    outcome = "error" if "error" in step else "answer"
    yield "outcome", outcome
    yield from _flat(step.get(outcome, {}), outcome)


def _lasting(step: Mapping[str, Any]) -> list[Any]:
    states = step["states"]
    ends = [each["at_s"] for each in states[1:]]
    kept = [each["state"] for each, end in zip(states, ends, strict=False) if end - each["at_s"] >= BRIEF_S]
    return [*kept, states[-1]["state"]]


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path. Lists of structures have no order of their own: they are sorted by what is in them."""
    if isinstance(value, Mapping):
        for name, each in sorted(value.items()):
            yield from _flat(each, f"{path}.{name}")
        if not value:
            yield path, {}
    elif isinstance(value, list):
        ordered = sorted(value, key=lambda each: json.dumps(each, sort_keys=True))
        for place, each in enumerate(ordered):
            yield from _flat(each, f"{path}[{place}]")
        if not value:
            yield path, []
    else:
        yield path, value
