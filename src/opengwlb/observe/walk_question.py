"""Which connection a walk is asked to follow, as values of the stored objects. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import Vpc
from opengwlb.wire.errors import AwsError

from . import asked, places, visibility
from .visibility import Viewer
from .walk import Question


def question(snapshot: Snapshot, want: asked.WalkAsked, *, viewer: Viewer) -> Question:
    """Only the caller's own endpoints (or those on the caller's load balancers) and VPCs count. Raises AwsError."""
    mine = {
        endpoint.id: endpoint
        for endpoint in snapshot.values(VpcEndpoint)
        if viewer.sees(visibility.endpoint_accounts(snapshot, endpoint))
    }
    if want.endpoint is not None and want.endpoint not in mine:
        raise AwsError("InvalidVpcEndpointId.NotFound", f"The endpoint {want.endpoint} does not exist.", status=404)
    endpoints = {want.endpoint: mine[want.endpoint]} if want.endpoint else mine
    vpcs = {endpoint.vpc for endpoint in endpoints.values()}
    if want.server is not None or want.client is not None:
        # Tenants may share addresses: if one of these is at home in some of the VPCs, only those are meant.
        at_home = _homes(snapshot, want, vpcs=vpcs)
        if at_home:
            endpoints = {name: one for name, one in endpoints.items() if one.vpc in at_home}
            vpcs = at_home
        elif want.endpoint is None:
            # Nothing inspects a VPC without endpoints, and that is worth seeing.
            own = {one.id for one in snapshot.values(Vpc) if viewer.sees(frozenset({one.account}))}
            if elsewhere := _homes(snapshot, want, vpcs=own):
                endpoints, vpcs = {}, elsewhere
    if not vpcs:
        raise AwsError("ValidationError", "Name an endpoint, or a server behind one of your endpoints.")
    return Question(
        endpoints=tuple(endpoints),
        vpcs=frozenset(vpcs),
        clients=_both_addresses(snapshot, want.client, vpcs=vpcs).addresses,
        servers=_both_addresses(snapshot, want.server, vpcs=vpcs).addresses,
        port=want.port,
        client_port=want.client_port,
        protocol=want.protocol,
        established=want.live or want.client_port is not None,
        language=want.language,
    )


def _homes(snapshot: Snapshot, want: asked.WalkAsked, *, vpcs: Collection[str]) -> set[str]:
    """Of these VPCs, those where an interface has one of the addresses asked for."""
    found = (_both_addresses(snapshot, one, vpcs=vpcs) for one in (want.client, want.server))
    return {vpc for addresses in found for vpc in addresses.vpcs}


@dataclass(frozen=True, slots=True)
class _Addresses:
    addresses: frozenset[str]
    vpcs: frozenset[str]


def _both_addresses(snapshot: Snapshot, address: str | None, *, vpcs: Collection[str]) -> _Addresses:
    """Private and public, whichever was given; an IPv6 address has no other."""
    if address is None:
        return _Addresses(frozenset(), frozenset())
    found = [one for one in places.hosts(snapshot, address) if one.interface.vpc in vpcs]
    named = {address}
    if ":" not in address:
        named |= {one.private for one in found} | {one.public for one in found if one.public}
    return _Addresses(frozenset(named), frozenset(one.interface.vpc for one in found))
