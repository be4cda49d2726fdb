"""What random calls should have led to: a small model of AWS's rules, written down apart from the code that keeps them.

It knows ids, who belongs to whom, and what blocks what. Each `blocks_…` answers the error codes that AWS may give; an empty set means
that the call has to succeed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROVIDER, CONSUMER = "111111111111", "222222222222"
EVERYTHING = "0.0.0.0/0"


@dataclass(kw_only=True)
class Vpc:
    id: str
    account: str
    block: int
    """Second octet of 10.x.0.0/16."""
    main: str = ""
    gateway: str | None = None

    @property
    def cidr(self) -> str:
        return f"10.{self.block}.0.0/16"


@dataclass(kw_only=True)
class Subnet:
    id: str
    account: str
    vpc: str
    cidr: str
    zone: str


@dataclass(kw_only=True)
class Table:
    id: str
    account: str
    vpc: str
    routes: dict[str, str] = field(default_factory=dict)
    """Destination -> target's id; the local route is not among them."""
    associations: dict[str, str] = field(default_factory=dict)
    """Association -> subnet, gateway or (main) VPC."""


@dataclass(kw_only=True)
class Group:
    id: str
    account: str
    vpc: str
    refers: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Interface:
    id: str
    account: str
    subnet: str
    groups: set[str]


@dataclass(kw_only=True)
class Balancer:
    id: str
    account: str
    name: str
    subnet: str
    listener: str | None = None
    group: str | None = None
    """The listener's target group."""


@dataclass(kw_only=True)
class TargetGroup:
    id: str
    account: str
    vpc: str
    targets: dict[str, float | None] = field(default_factory=dict)
    """Address -> when it was deregistered."""


@dataclass(kw_only=True)
class Service:
    id: str
    account: str
    name: str
    balancer: str
    acceptance: bool
    allowed: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Endpoint:
    id: str
    account: str
    service: str
    subnet: str
    created: float
    state: str


class World:
    def __init__(self) -> None:
        self.vpcs: dict[str, Vpc] = {}
        self.subnets: dict[str, Subnet] = {}
        self.gateways: dict[str, str] = {}
        """Gateway -> account; where it is attached, its VPC says."""
        self.tables: dict[str, Table] = {}
        self.groups: dict[str, Group] = {}
        """Without the default ones."""
        self.interfaces: dict[str, Interface] = {}
        self.balancers: dict[str, Balancer] = {}
        self.target_groups: dict[str, TargetGroup] = {}
        self.services: dict[str, Service] = {}
        self.endpoints: dict[str, Endpoint] = {}

    def account_of(self, thing: str) -> str:
        if thing in self.gateways:
            return self.gateways[thing]
        return next(kind[thing].account for kind in self._kinds() if thing in kind)

    def _kinds(self) -> tuple[dict[str, Any], ...]:
        return (
            *(self.vpcs, self.subnets, self.tables, self.groups, self.interfaces),
            *(self.balancers, self.target_groups, self.services, self.endpoints),
        )

    def attached(self, gateway: str) -> Vpc | None:
        return next((vpc for vpc in self.vpcs.values() if vpc.gateway == gateway), None)

    def vpc_of(self, subnet: str) -> Vpc:
        return self.vpcs[self.subnets[subnet].vpc]

    def in_subnet(self, subnet: str) -> list[str]:
        return [
            one.id
            for kind in (self.interfaces, self.balancers, self.endpoints)
            for one in kind.values()
            if one.subnet == subnet
        ]

    def blocks_vpc_deletion(self, vpc: str) -> set[str]:
        table = self.vpcs[vpc].main
        used = (
            self.vpcs[vpc].gateway is not None
            or any(one.vpc == vpc for kind in (self.subnets, self.groups) for one in kind.values())
            or any(one.vpc == vpc and one.id != table for one in self.tables.values())
        )
        return {"DependencyViolation"} if used else set()

    def blocks_subnet(self, vpc: str, cidr: str) -> set[str]:
        taken = any(one.vpc == vpc and one.cidr == cidr for one in self.subnets.values())
        return {"InvalidSubnet.Conflict"} if taken else set()

    def blocks_attachment(self, gateway: str, vpc: str) -> set[str]:
        found = set()
        if self.attached(gateway) is not None:
            found.add("Resource.AlreadyAssociated")
        if self.vpcs[vpc].gateway is not None:
            found.add("InvalidParameterValue")
        return found

    def table_of(self, associated: str) -> Table | None:
        return next((one for one in self.tables.values() if associated in one.associations.values()), None)

    def is_edge(self, table: Table) -> bool:
        return any(one in self.gateways for one in table.associations.values())

    def blocks_edge(self, table: Table) -> set[str]:
        """Why a table cannot be a gateway's."""
        if self.vpcs[table.vpc].main == table.id:
            return {"InvalidParameterValue"}
        return {code for one, target in table.routes.items() for code in self._blocks_edge_route(table, one, target)}

    def _blocks_edge_route(self, table: Table, destination: str, target: str) -> set[str]:
        exact = destination in self.subnet_blocks(table.vpc) or destination == self.vpcs[table.vpc].cidr
        return set() if target in self.endpoints and exact else {"RouteNotSupported"}

    def subnet_blocks(self, vpc: str) -> set[str]:
        return {one.cidr for one in self.subnets.values() if one.vpc == vpc}

    def blocks_route(self, table: str, destination: str, target: str) -> set[str]:
        here = self.tables[table]
        found = set()
        if destination in here.routes:
            found.add("RouteAlreadyExists")
        vpc = self.attached(target) if target in self.gateways else self.vpc_of(self._subnet_of(target))
        if vpc is None or vpc.id != here.vpc:
            found.add("InvalidParameterValue")
        if target in self.endpoints and self.endpoints[target].state == "deleting":
            found |= {"InvalidVpcEndpointId.NotFound"}
        inside = destination != EVERYTHING and destination.split(".")[1] == str(self.vpcs[here.vpc].block)
        if inside and (target in self.gateways or destination not in self.subnet_blocks(here.vpc)):
            found.add("InvalidParameterValue")
        if self.is_edge(here):
            found |= self._blocks_edge_route(here, destination, target)
        return found

    def _subnet_of(self, target: str) -> str:
        return self.interfaces[target].subnet if target in self.interfaces else self.endpoints[target].subnet

    def blocks_group_deletion(self, group: str) -> set[str]:
        used = any(group in one.groups for one in self.interfaces.values())
        referred = any(group in one.refers for one in self.groups.values() if one.id != group)
        return {"DependencyViolation"} if used or referred else set()

    def blocks_listener(self, balancer: str, group: str) -> set[str]:
        found = set()
        here = self.balancers[balancer]
        if here.listener is not None and here.group == group:
            return set()  # the same settings again: the listener that is there
        if here.listener is not None:
            found.add("TooManyListeners")
        if any(one.group == group and one.id != balancer for one in self.balancers.values()):
            found.add("TargetGroupAssociationLimit")
        if self.target_groups[group].vpc != self.vpc_of(here.subnet).id:
            found |= {"InvalidConfigurationRequest", "ValidationError"}
        return found

    def blocks_endpoint(self, account: str, service: str, subnet: str) -> set[str]:
        one = self.services[service]
        if account != one.account and account not in one.allowed:
            return {"InvalidServiceName"}
        served = self.subnets[self.balancers[one.balancer].subnet].zone
        return set() if self.subnets[subnet].zone == served else {"InvalidParameter"}

    def routed(self, target: str) -> bool:
        return any(target in table.routes.values() for table in self.tables.values())
