"""Which route table applies where."""

from __future__ import annotations

from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.vpc import RouteTable, Subnet


class Tables:
    """Of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def of_subnet(self, subnet: Subnet) -> RouteTable | None:
        """The route table associated with a subnet, or its VPC's main one."""
        return self._last(_OF_SUBNET, subnet.id) or self._last(_MAIN, subnet.vpc)

    def of_edge(self, gateway: str) -> RouteTable | None:
        """The route table with an edge association to this gateway."""
        return self._last(_OF_GATEWAY, gateway)

    def _last(self, index: Index[RouteTable], key: str) -> RouteTable | None:
        found = self._snapshot.find(index, key)
        return found[-1] if found else None


_OF_SUBNET = Index(RouteTable, lambda table: (one.subnet for one in table.associations if one.subnet and not one.main))
_OF_GATEWAY = Index(RouteTable, lambda table: (one.gateway for one in table.associations if one.gateway))
_MAIN = Index(RouteTable, lambda table: (table.vpc for one in table.associations if one.main))
