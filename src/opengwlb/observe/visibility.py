"""Who sees what, and what a port is called in AWS's words.

Consumers see their own VPC and their endpoints, providers their load balancers with the endpoints on them, the operator everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opengwlb.model.compute import Instance
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.privatelink import InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import BoxKind, PortRef, Topology
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import InternetGateway, NetworkInterface, Vpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A port, named."""

    port: PortRef
    resource: str
    """The `eni-…`, `vpce-…` or `igw-…` whose link it is an end of."""
    accounts: frozenset[str]
    """Who may see what happens there."""


def where(snapshot: Snapshot, topology: Topology) -> dict[PortRef, Where]:
    """Every port of the topology."""
    load_balancers = {f"gwlb-{one.hex}": one.account for one in snapshot.values(LoadBalancer)}
    found = {}
    for link in topology.links.values():
        resource = link.id.split("/", 1)[0]
        for port in (link.a, link.b):
            accounts = {_owner(snapshot, resource), load_balancers.get(port.box)} - {None}
            found[port.ref] = Where(
                port=port.ref,
                resource=resource,
                accounts=frozenset(account for account in accounts if account is not None),
            )
    return found


def by_ifindex(places: Mapping[PortRef, Where], ifindex: Mapping[PortRef, int]) -> dict[int, Where]:
    """The same by the number that the kernel's programs count by."""
    return {number: places[port] for port, number in ifindex.items() if port in places}


def _owner(snapshot: Snapshot, resource: str) -> str | None:
    found = (
        snapshot.get(NetworkInterface, resource)
        or snapshot.get(VpcEndpoint, resource)
        or snapshot.get(InternetGateway, resource)
        or snapshot.get(Uplink, resource)
    )
    return found.account if found is not None else None


def box_accounts(snapshot: Snapshot, topology: Topology) -> dict[str, frozenset[str]]:
    """Whose a box is; the internet is nobody's."""
    load_balancers = {f"gwlb-{one.hex}": one.account for one in snapshot.values(LoadBalancer)}
    owners: dict[str, str | None] = {}
    for box in topology.boxes.values():
        kinds: tuple[type[Any], ...] = (Vpc, InternetGateway, Instance, InterfaceEndpoint)
        owned = next((found for kind in kinds if (found := snapshot.get(kind, box.id)) is not None), None)
        owners[box.id] = load_balancers.get(box.id) if box.kind is BoxKind.GWLB else getattr(owned, "account", None)
    return {box: frozenset({account} if account else ()) for box, account in owners.items()}


def endpoint_accounts(snapshot: Snapshot, endpoint: VpcEndpoint) -> frozenset[str]:
    """The consumer and the provider."""
    return frozenset({endpoint.account}) | provider(snapshot, endpoint)


def provider(snapshot: Snapshot, endpoint: VpcEndpoint) -> frozenset[str]:
    """Who may know the targets behind an endpoint; empty when its load balancer is gone."""
    load_balancer = snapshot.get(LoadBalancer, endpoint.load_balancer)
    return frozenset({load_balancer.account} if load_balancer else ())


@dataclass(frozen=True, slots=True)
class Viewer:
    """The account that asks."""

    account: str
    operator: bool

    def sees(self, accounts: frozenset[str]) -> bool:
        return self.operator or self.account in accounts
