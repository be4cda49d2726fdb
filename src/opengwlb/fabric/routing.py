"""Routes, rules and neighbours of one box: what is missing is put in first, in place of what it replaces; then the
rest is taken out."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from opengwlb.model.topology import KernelRoute, KernelRule, Neighbour

from . import requests
from .box import LOOPBACK, LiveBox, route_key
from .netlink import Request

Report = Callable[[str | None, str], None]
"""`report(device, sentence)`: device None is about the box itself."""
_ALREADY_GONE = frozenset({errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class _Change:
    request: Request
    device: str | None
    what: str
    note: Callable[[], object]
    """Called when it is done."""


def apply_routing(
    box: LiveBox,
    *,
    routes: Iterable[KernelRoute],
    rules: Iterable[KernelRule],
    neighbours: Iterable[Neighbour],
    report: Report,
) -> None:
    """Failures go to `report`. What needs a device that is down waits for the next time: the link has its own error
    then."""
    wanted_neighbours = {(entry.device, entry.address): replace(entry, mac=entry.mac.lower()) for entry in neighbours}
    wanted_routes = {route_key(route): route for route in _canonical(routes, report=report)}
    wanted_rules = set(rules)
    additions = [
        *_add_neighbours(box, wanted_neighbours, report=report),
        *_add_routes(box, wanted_routes, report=report),
        *(
            _Change(requests.rule(rule, add=True), None, f"rule {rule.priority}", partial(box.rules.add, rule))
            for rule in wanted_rules - box.rules
        ),
    ]
    _carry_out(box, additions, forgive=frozenset(), report=report)
    removals = [
        *(
            _Change(requests.rule(rule, add=False), None, f"rule {rule.priority}", partial(box.rules.discard, rule))
            for rule in box.rules - wanted_rules
        ),
        *(
            _Change(requests.route(route, add=False), None, _describe(route), partial(box.routes.pop, key))
            for key, route in box.routes.items()
            if key not in wanted_routes
        ),
        *(
            _Change(
                requests.neighbour(entry, index=box.index(entry.device), add=False),
                entry.device,
                f"neighbour {entry.address}",
                partial(box.neighbours.pop, key),
            )
            for key, entry in box.neighbours.items()
            if key not in wanted_neighbours
        ),
    ]
    _carry_out(box, removals, forgive=_ALREADY_GONE, report=report)


def _add_neighbours(box: LiveBox, wanted: dict[tuple[str, str], Neighbour], *, report: Report) -> Iterator[_Change]:
    for key, entry in wanted.items():
        what = f"neighbour {entry.address}"
        if box.neighbours.get(key) != entry and _usable(box, entry.device, what=what, report=report):
            request = requests.neighbour(entry, index=box.index(entry.device), add=True)
            yield _Change(request, entry.device, what, partial(box.neighbours.__setitem__, key, entry))


def _add_routes(box: LiveBox, wanted: dict[tuple[int, str, int], KernelRoute], *, report: Report) -> Iterator[_Change]:
    for key, route in wanted.items():
        if box.routes.get(key) != route and _usable(box, route.device, what=_describe(route), report=report):
            index = None if route.device is None else box.index(route.device)
            request = requests.route(route, add=True, index=index)
            yield _Change(request, route.device, _describe(route), partial(box.routes.__setitem__, key, route))


def _usable(box: LiveBox, device: str | None, *, what: str, report: Report) -> bool:
    if device is None or device == LOOPBACK:
        return True
    if device not in box.devices:
        report(device, f"{what}: there is no device {device}")
        return False
    return box.devices[device].up


def _canonical(routes: Iterable[KernelRoute], *, report: Report) -> Iterator[KernelRoute]:
    for route in routes:
        try:
            yield replace(route, destination=requests.canonical_network(route.destination))
        except ValueError as error:
            report(route.device, f"{_describe(route)}: {error}")


def _describe(route: KernelRoute) -> str:
    return f"route to {route.destination} in table {route.table}"


def _carry_out(box: LiveBox, changes: list[_Change], *, forgive: frozenset[int], report: Report) -> None:
    outcomes = box.netlink.submit([change.request for change in changes])
    for change, error in zip(changes, outcomes, strict=True):
        if error is None or error.errno in forgive:
            change.note()
        else:
            report(change.device, f"{change.what}: {error.strerror}")
