"""The list of checks: what each is called, how much it counts, and why it matters.

A check is a function of a `Lab`. It returns a sentence on what came back, or raises what `judgement` names.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lab import Lab

Run = Callable[["Lab"], str]

THEMES = ("wire", "inner", "flows", "tcp", "hostile", "health", "life", "speed")
"""In the order in which they run: what may harm the appliance comes late. Each is a module in `checks/`."""


class Level(StrEnum):
    REQUIRED = "required"
    """Without it, traffic is lost behind AWS's load balancer or ours."""
    RECOMMENDED = "recommended"
    """What a transparent appliance does; a policy may have other ideas."""
    INFORMATIONAL = "informational"
    """A number, or a choice: counted in no score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    id: str
    theme: str
    level: Level
    title: str
    why: str
    traffic: str = ""
    """What of `profile.TRAFFIC` it sends: a profile that declares it as dropped is held to that."""
    transparent: bool = True
    """It needs inner packets back as they went: not asked of what rewrites them."""
    returns: bool = True
    """It needs packets back: not asked of what ends or keeps the flows by design."""
    run: Run


_checks: dict[str, Check] = {}


def check(
    level: Level, title: str, *, why: str, traffic: str = "", transparent: bool = True, returns: bool = True
) -> Callable[[Run], Run]:
    """Put a function on the list; its name and module say its id and theme."""

    def register(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        if name in _checks:
            raise ValueError(f"two checks are called {name}")
        _checks[name] = Check(
            id=name,
            theme=run.__module__.rpartition(".")[2],
            level=level,
            title=title,
            why=why,
            traffic=traffic,
            transparent=transparent,
            returns=returns,
            run=run,
        )
        return run

    return register


def all_checks() -> tuple[Check, ...]:
    """In the order in which they run."""
    for theme in THEMES:
        importlib.import_module(f"{__package__}.checks.{theme}")
    return tuple(sorted(_checks.values(), key=lambda one: THEMES.index(one.theme)))
