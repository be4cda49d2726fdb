"""What each kind of built-in image runs after user data: the recipe behind the catalogue's AMI ids."""

from __future__ import annotations

from dataclasses import dataclass

from opengwlb.policy.inspector import parse_inspector_rules

from .driver import InstanceSpec

PYTHON = "/usr/bin/python3"
_MODULES = {
    "firewall": "builtin.firewall",
    "hairpin": "builtin.hairpin",
    "nftables": "builtin.nftables",
    "http-inspector": "builtin.http_inspector",
}
RECIPES = frozenset({"linux", "inspector", *_MODULES})
"""Kinds of images over the machine's own /usr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The process that init starts on every boot."""

    name: str
    argv: tuple[str, ...]


def service_of(spec: InstanceSpec) -> Service | None:
    """What `spec`'s image runs; None for a plain box. Raises ValueError for an unknown kind."""
    if spec.image_kind == "linux":
        return None
    if spec.image_kind == "inspector":
        return Service(name="inspector", argv=_inspector(spec.user_data))
    if spec.image_kind in _MODULES:
        return Service(name=spec.image_kind, argv=(PYTHON, "-m", _MODULES[spec.image_kind]))
    raise ValueError(f"no image of kind {spec.image_kind!r}")


def _inspector(user_data: bytes) -> tuple[str, ...]:
    """Its program is attached from outside, so in the box there is only the health page: 503 when the rules cannot be
    read."""
    page = (PYTHON, "-m", "opengwlb_appliance.health")
    try:
        parse_inspector_rules(user_data)
    except ValueError as problem:
        return (*page, "--failure", f"the inspector's rules cannot be used: {problem}")
    return page
