"""Live flows as rows: the kernel's numbers turned back into AWS's ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opengwlb.dataplane.flows import Flow
from opengwlb.model.elb import Slot
from opengwlb.model.ids import endpoint_id
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot

from . import visibility
from .visibility import Viewer

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}


def targets_by_slot(snapshot: Snapshot) -> dict[int, tuple[str, str]]:
    """Slot -> (target as registered, address)."""
    found = {}
    for slot in snapshot.values(Slot):
        kind, *rest = slot.id.split("|")
        if kind == "target":
            _, target, address = rest
            found[slot.number] = (target, address)
    return found


def rows(
    snapshot: Snapshot, flows: Iterable[Flow], *, viewer: Viewer, limit: int, endpoint: str | None = None
) -> list[dict[str, Any]]:
    """The most recently seen first; of one endpoint if it is named.

    Consumers see flows of their endpoints, providers those of their load balancers, and only they the targets.
    """
    targets = targets_by_slot(snapshot)
    found = []
    for flow in sorted(flows, key=lambda flow: flow.last_seen_s):
        name = endpoint_id(flow.endpoint)
        of = snapshot.get(VpcEndpoint, name)
        if endpoint not in (None, name) or not viewer.sees(
            visibility.endpoint_accounts(snapshot, of) if of else frozenset()
        ):
            continue
        may_know = viewer.sees(visibility.provider(snapshot, of) if of else frozenset())
        found.append(_row(flow, target=targets.get(flow.target) if may_know else None))
        if len(found) == limit:
            break
    return found


def _row(flow: Flow, *, target: tuple[str, str] | None) -> dict[str, Any]:
    registered, address = target or (None, None)
    return {
        "endpoint": endpoint_id(flow.endpoint),
        "protocol": _PROTOCOLS.get(flow.protocol, str(flow.protocol)),
        "source": flow.source,
        "source_port": flow.source_port,
        "destination": flow.destination,
        "destination_port": flow.destination_port,
        "target": registered,
        "target_address": address,
        "cookie": f"0x{flow.cookie:08x}",
        "packets": flow.packets,
        "bytes": flow.bytes,
        "last_seen_s": round(flow.last_seen_s, 1),
    }
