"""The rooms below, as control needs them: so that `--data-plane none` can stand in their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from opengwlb.model.plane import Plane
from opengwlb.model.topology import PortRef, Topology


class Applied(Protocol):
    @property
    def ifindex(self) -> Mapping[PortRef, int]: ...
    @property
    def errors(self) -> Mapping[str, str]: ...
    @property
    def made(self) -> Collection[str]:
        """Ids of the boxes that were made, or made anew, in this pass."""


class Network(Protocol):
    """What builds boxes, links and routes (`fabric.Fabric`)."""

    def apply(self, topology: Topology, *, attach: Callable[..., None], verify: bool = False) -> Applied:
        """With `verify` the kernel is read again, so that what somebody changed by hand is mended."""

    def change(
        self,
        part: Topology,
        *,
        boxes: Collection[str],
        links: Collection[str],
        attach: Callable[..., None],
    ) -> Applied | None:
        """`apply` for these boxes and links alone; None when only `apply` can tell what is to be done."""

    def verify(
        self,
        part: Topology,
        *,
        boxes: Collection[str],
        links: Collection[str],
        attach: Callable[..., None],
        interrupted: Callable[[], bool],
    ) -> Applied | None:
        """`change` of what should differ in nothing, against what the kernel says. None, also, when it was `interrupted` before all
        of it was looked at: what stands is as it was."""

    def vanished(self) -> bool:
        """Whether a box is gone that `apply` or `change` left there."""


class Programs(Protocol):
    """What attaches programs and fills their maps (`dataplane.DataPlane`)."""

    def attach(self, port: Any, *, netns: str, ifindex: int) -> None: ...
    def apply(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> Mapping[str, str]: ...
    def change(
        self, before: Plane, after: Plane, *, whole: Plane, was: Mapping[PortRef, int], ifindex: Mapping[PortRef, int]
    ) -> Mapping[str, str]:
        """`apply` when only these entries differ from what was applied last."""

    def verify(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> Mapping[str, str]:
        """Mends what of these entries, a part of what was applied, is no longer there."""

    def prune(self, live_ifindexes: Collection[int]) -> None: ...
