"""Live flows as rows: the kernel's numbers turned back into AWS's ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def visible(snapshot: Snapshot, flows: Iterable[Flow], *, viewer: Viewer) -> Iterator[Flow]:
    """Consumers see flows of their endpoints, providers those of their load balancers."""
    for flow in flows:
        endpoint = snapshot.get(VpcEndpoint, endpoint_id(flow.endpoint))
        accounts = visibility.endpoint_accounts(snapshot, endpoint) if endpoint else frozenset()
        if viewer.sees(accounts):
            yield flow


def row(flow: Flow, *, targets: dict[int, tuple[str, str]]) -> dict[str, Any]:
    target, address = targets.get(flow.target, (None, None))
    return {
        "endpoint": endpoint_id(flow.endpoint),
        "protocol": _PROTOCOLS.get(flow.protocol, str(flow.protocol)),
        "source": flow.source,
        "source_port": flow.source_port,
        "destination": flow.destination,
        "destination_port": flow.destination_port,
        "target": target,
        "target_address": address,
        "cookie": f"0x{flow.cookie:08x}",
        "packets": flow.packets,
        "bytes": flow.bytes,
        "last_seen_s": round(flow.last_seen_s, 1),
    }


def rows(
    snapshot: Snapshot, flows: Iterable[Flow], *, viewer: Viewer, limit: int, endpoint: str | None = None
) -> list[dict[str, Any]]:
    """The most recently seen first; of one endpoint if it is named."""
    targets = targets_by_slot(snapshot)
    wanted = (flow for flow in flows if endpoint in (None, endpoint_id(flow.endpoint)))
    recent = sorted(visible(snapshot, wanted, viewer=viewer), key=lambda flow: flow.last_seen_s)
    return [row(flow, targets=targets) for flow in recent[:limit]]
