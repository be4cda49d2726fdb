"""Which route led a packet past the appliances. Pure."""

from __future__ import annotations

from ipaddress import ip_network

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import InternetGateway, NetworkInterface, RouteTable, Subnet
from opengwlb.policy import routing
from opengwlb.policy.lint import Language
from opengwlb.policy.tables import Tables

from .walk import Hop, Leg
from .walk_words import say


def reason(snapshot: Snapshot, leg: Leg, *, language: Language) -> str:
    """A sentence about a leg that met no endpoint; empty where the stored objects do not tell."""
    first, last = leg.hops[0], leg.hops[-1]
    gateway = snapshot.get(InternetGateway, first.resource)
    # What comes from the internet has its private destination behind the gateway; what goes there has its public one from the start.
    destination = (last if gateway is not None else first).flow.destination
    found = _table(snapshot, first)
    if found is None:
        return say("no-edge-table", language, gateway=gateway.id, destination=destination) if gateway else ""
    route = routing.best(found, ip_network(destination))
    if route is None:
        return ""
    return say("route-past", language, table=found.id, destination=route.destination, target=route.target)


def _table(snapshot: Snapshot, hop: Hop) -> RouteTable | None:
    """That decides for what comes from where the hop was seen."""
    tables = Tables(snapshot)
    if snapshot.get(InternetGateway, hop.resource) is not None:
        return tables.of_edge(hop.resource)
    sender = next(
        (
            one
            for one in snapshot.values(NetworkInterface)
            if one.attachment is not None
            and one.attachment.instance == hop.resource
            and hop.flow.source in (*one.private_ips, *one.ipv6_addresses)
        ),
        None,
    )
    subnet = snapshot.get(Subnet, sender.subnet) if sender is not None else None
    return tables.of_subnet(subnet) if subnet is not None else None
