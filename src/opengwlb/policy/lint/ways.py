"""Mistakes in routing: loops, gateways whose table was forgotten, directions that part, routes that end nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import InternetGateway, Route, RouteTable, Subnet
from opengwlb.policy import routing
from opengwlb.policy.tables import Tables

from .finding import Finding, Findings, Severity

EVERYTHING = "0.0.0.0/0"


def findings(snapshot: Snapshot) -> Findings:
    tables = Tables(snapshot)
    yield from _loops(snapshot)
    yield from _blackholes(snapshot)
    for gateway in snapshot.values(InternetGateway):
        if gateway.vpc is not None:
            for subnet in snapshot.values(Subnet):
                if subnet.vpc == gateway.vpc:
                    yield from _edge(snapshot, tables, gateway, subnet)
    for endpoint in snapshot.values(VpcEndpoint):
        yield from _dead_end(snapshot, tables, endpoint)


def best(table: RouteTable | None, destination: str) -> Route | None:
    """The route that the whole of `destination` takes, if there is a table."""
    return routing.best(table, ip_network(destination)) if table is not None else None


def endpoint_of(snapshot: Snapshot, route: Route | None) -> VpcEndpoint | None:
    return snapshot.get(VpcEndpoint, route.target) if route is not None else None


def _loops(snapshot: Snapshot) -> Findings:
    for loop in routing.loops(snapshot):
        table = snapshot.get(RouteTable, loop.route_table)
        if table is not None:
            yield Finding(
                code="endpoint-loop",
                severity=Severity.ERROR,
                resource=table.id,
                field="Routes",
                accounts=frozenset({table.account}),
                values={"destination": loop.destination, "endpoint": loop.endpoint},
            )


def _blackholes(snapshot: Snapshot) -> Findings:
    for table in snapshot.values(RouteTable):
        for route in table.routes:
            if route.state == "blackhole":
                member = "--destination-ipv6-cidr-block" if ":" in route.destination else "--destination-cidr-block"
                yield Finding(
                    code="blackhole-route",
                    severity=Severity.ERROR,
                    resource=table.id,
                    field="Routes",
                    accounts=frozenset({table.account}),
                    values={"destination": route.destination, "target": route.target},
                    fix=f"aws ec2 delete-route --route-table-id {table.id} {member} {route.destination}",
                )


def _edge(snapshot: Snapshot, tables: Tables, gateway: InternetGateway, subnet: Subnet) -> Findings:
    """Whether the two directions between a gateway and a subnet agree."""
    outward = endpoint_of(snapshot, best(tables.of_subnet(subnet), EVERYTHING))
    edge = tables.of_edge(gateway.id)
    inward = endpoint_of(snapshot, best(edge, subnet.cidr))
    values = {"subnet": subnet.id, "cidr": subnet.cidr, "gateway": gateway.id}
    accounts = frozenset({gateway.account})
    if outward is not None and inward is None and _leads_to(tables, snapshot, outward, gateway):
        table = edge.id if edge is not None else f"$(aws ec2 create-route-table --vpc-id {gateway.vpc} ...)"
        associate = "" if edge is not None else f" && aws ec2 associate-route-table --gateway-id {gateway.id} ..."
        yield Finding(
            code="edge-route-missing",
            severity=Severity.ERROR,
            resource=edge.id if edge is not None else gateway.id,
            field="Routes" if edge is not None else "Associations",
            accounts=accounts,
            values=values | {"endpoint": outward.id},
            fix=f"aws ec2 create-route --route-table-id {table} --destination-cidr-block {subnet.cidr} "
            f"--vpc-endpoint-id {outward.id}{associate}",
        )
    elif inward is not None and outward is None:
        table_of_subnet = tables.of_subnet(subnet)
        route = best(table_of_subnet, EVERYTHING)
        verb = "create" if route is None else "replace"
        yield Finding(
            code="return-route-missing",
            severity=Severity.ERROR,
            resource=table_of_subnet.id if table_of_subnet is not None else subnet.id,
            field="Routes",
            accounts=accounts,
            values=values | {"endpoint": inward.id},
            fix=f"aws ec2 {verb}-route --route-table-id {table_of_subnet.id if table_of_subnet else ''} "
            f"--destination-cidr-block {EVERYTHING} --vpc-endpoint-id {inward.id}",
        )
    elif inward is not None and outward is not None and inward.id != outward.id:
        yield Finding(
            code="directions-differ",
            severity=Severity.ERROR,
            resource=edge.id if edge is not None else gateway.id,
            field="Routes",
            accounts=accounts,
            values=values | {"inbound": inward.id, "outbound": outward.id},
            fix=f"aws ec2 replace-route --route-table-id {edge.id if edge else ''} --destination-cidr-block {subnet.cidr} "
            f"--vpc-endpoint-id {outward.id}",
        )


def _leads_to(tables: Tables, snapshot: Snapshot, endpoint: VpcEndpoint, gateway: InternetGateway) -> bool:
    """Whether what leaves an endpoint inspected goes out by this gateway."""
    subnet = snapshot.get(Subnet, endpoint.subnet)
    route = best(tables.of_subnet(subnet), EVERYTHING) if subnet is not None else None
    return route is not None and route.target == gateway.id


def _dead_end(snapshot: Snapshot, tables: Tables, endpoint: VpcEndpoint) -> Findings:
    """Routes into an endpoint whose subnet has none onward."""
    subnet = snapshot.get(Subnet, endpoint.subnet)
    onward = tables.of_subnet(subnet) if subnet is not None else None
    if subnet is None or onward is None:
        return
    ways: Mapping[str, str] = {
        gateway.vpc: gateway.id for gateway in snapshot.values(InternetGateway) if gateway.vpc is not None
    }
    into = {
        route.destination
        for table in snapshot.values(RouteTable)
        for route in table.routes
        if route.target == endpoint.id and ":" not in route.destination
    }
    for destination in sorted(into):
        if best(onward, destination) is None:
            gateway = ways.get(endpoint.vpc)
            yield Finding(
                code="dead-end",
                severity=Severity.ERROR,
                resource=onward.id,
                field="Routes",
                accounts=frozenset({endpoint.account}),
                values={"endpoint": endpoint.id, "destination": destination},
                fix=f"aws ec2 create-route --route-table-id {onward.id} --destination-cidr-block {destination} --gateway-id {gateway}"
                if gateway
                else "",
            )
