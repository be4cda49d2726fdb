"""A network in the making: what one object after the other adds to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.topology import Box, HostNic, KernelRoute, KernelRule, Link, Neighbour, Topology
from opengwlb.model.vpc import Vpc

from . import balancing


@dataclass(slots=True)
class Builder:
    """What the objects looked at so far make of the network, and what is asked about others meanwhile."""

    snapshot: Snapshot
    boxes: dict[str, Box] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    """What routes may lead to."""
    made: dict[str, Link] = field(default_factory=dict)
    routes: set[KernelRoute] = field(default_factory=set)
    rules: set[KernelRule] = field(default_factory=set)
    neighbours: set[Neighbour] = field(default_factory=set)
    nics: set[HostNic] = field(default_factory=set)
    ipv6: Collection[str] = ()
    """Ids of the VPCs that have IPv6; in the boxes of the others the kernel speaks none."""
    carriers: balancing.Carriers = field(init=False)

    def __post_init__(self) -> None:
        self.ipv6 = _WithIpv6(self.snapshot)
        self.carriers = balancing.Carriers(self.snapshot)

    def topology(self) -> Topology:
        return Topology(
            boxes=self.boxes,
            links=self.made,
            routes=frozenset(self.routes),
            rules=frozenset(self.rules),
            neighbours=frozenset(self.neighbours),
            nics=frozenset(self.nics),
        )


class _WithIpv6(Collection[str]):
    """The VPCs that have IPv6, asked one by one: what is made of one VPC does not rest on the others."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def __contains__(self, vpc: object) -> bool:
        found = self._snapshot.get(Vpc, vpc) if isinstance(vpc, str) else None
        return found is not None and bool(found.ipv6)

    def __iter__(self) -> Iterator[str]:
        return (vpc.id for vpc in self._snapshot.find(_VPCS_WITH_IPV6, True))

    def __len__(self) -> int:
        return len(self._snapshot.find(_VPCS_WITH_IPV6, True))


_VPCS_WITH_IPV6 = Index(Vpc, lambda vpc: (True,) if vpc.ipv6 else ())
