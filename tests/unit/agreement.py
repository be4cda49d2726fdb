"""What must hold of a store at any time, whatever was called: nothing dangles, and what packets will do is what describe calls say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from api_harness import Api

from opengwlb.model.account import ClientToken
from opengwlb.model.elb import Listener, LoadBalancer, Slot, Target, TargetGroup
from opengwlb.model.ids import device_name, endpoint_number
from opengwlb.model.plane import Plane
from opengwlb.model.privatelink import EndpointService, VpcEndpoint
from opengwlb.model.snapshot import KINDS, Snapshot
from opengwlb.model.topology import DELIVERY_TABLE, KernelRoute, Topology
from opengwlb.model.vpc import NetworkInterface, Route, RouteTable, Subnet, Vpc
from opengwlb.policy import slots

ID = re.compile(
    r"(?:vpc|subnet|igw|rtb|eni|sg|acl|dopt|vpce|vpce-svc|i|eipalloc)-0[0-9a-f]{16}|arn:aws:elasticloadbalancing:[^|]*"
)
ALLOWED = ("TargetGroup.vpc", "VpcEndpoint.service", "VpcEndpoint.load_balancer")
"""AWS deletes a VPC that target groups still name (observed by others): they can be used for nothing then, and deleted. A service goes when
its connections are rejected, and its load balancer after it: the consumer's endpoint stays until the consumer deletes it."""


def dangling(snapshot: Snapshot) -> list[str]:
    """Ids in stored objects of things that are not stored. A route may name a target that is gone: it is a blackhole then."""
    there = {one.id for kind in KINDS for one in snapshot.values(kind)}
    found = []
    for kind in KINDS:
        if kind in (ClientToken, Slot):  # what they name may be gone; `unnumbered` looks at slots
            continue
        for one in snapshot.values(kind):
            for place, name in _names(one, kind.__name__):
                if name not in there and place not in ALLOWED:
                    found.append(f"{place} of {one.id} names {name}")
    return found


def _names(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Route) and value.state == "blackhole":
        return
    if dataclasses.is_dataclass(value):
        for member in dataclasses.fields(value):
            if member.name not in ("description", "tags", "state_reason", "last_error", "service_name"):
                yield from _names(getattr(value, member.name), f"{place}.{member.name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _names(key, place)
            yield from _names(inner, place)
    elif isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from _names(inner, place)
    elif isinstance(value, str):
        yield from ((place, part) for part in value.split("|") if ID.fullmatch(part))


def unnumbered(snapshot: Snapshot) -> list[str]:
    """Nodes and targets whose slot is missing or left over, after control gave out numbers."""
    new, gone = slots.changes(snapshot)
    return [f"{one.id} is not numbered" for one in new] + [f"{one} is numbered and gone" for one in gone]


def route_disagreements(api: Api, snapshot: Snapshot, topology: Topology) -> list[str]:
    """DescribeRouteTables against the kernel's tables."""
    kernel: dict[tuple[str, int, str], KernelRoute] = {
        (one.box, one.table, one.destination): one for one in topology.routes if one.kind != "unreachable"
    }
    found = []
    for table in api.ec2("DescribeRouteTables")["RouteTables"]:
        stored = snapshot.get(RouteTable, table["RouteTableId"])
        assert stored is not None
        for route in table["Routes"]:
            destination = route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
            one = kernel.pop((table["VpcId"], stored.number, destination), None)
            said = (
                "blackhole"
                if route["State"] == "blackhole"
                else "throw"
                if route.get("GatewayId") == "local"
                else "unicast"
            )
            target = route.get("GatewayId") or route.get("NetworkInterfaceId")
            leads = one is not None and (one.kind != "unicast" or one.device == device_name(target))
            if one is None or one.kind != said or not leads:
                found.append(f"{table['RouteTableId']}: {destination} is {said} to {target}, in the kernel {one}")
    vpcs = {one.id for one in snapshot.values(Vpc) if one.account == api.account}
    left = [key for key in kernel if key[0] in vpcs and key[1] != DELIVERY_TABLE]
    return found + [f"the kernel has {key}, which no call describes" for key in left]


def port_disagreements(snapshot: Snapshot, topology: Topology, plane: Plane) -> list[str]:
    """Which table a packet's first look-up uses, against the associations; which endpoints carry, against their states."""
    found = []
    by_box = {(one.port.box, one.port.device): one for one in plane.enis.values()}
    for subnet in snapshot.values(Subnet):
        table = _table_of(snapshot, subnet)
        for one in (*snapshot.values(NetworkInterface), *snapshot.values(VpcEndpoint)):
            entry = by_box.get((subnet.vpc, device_name(one.id)))
            if one.subnet == subnet.id and entry is not None and entry.table != table.number:
                found.append(f"packets of {one.id} ask table {entry.table}, {subnet.id} has {table.number}")
    for endpoint in snapshot.values(VpcEndpoint):
        carries = endpoint_number(endpoint.id) in plane.endpoints
        if carries != (endpoint.state in ("pending", "available")):
            found.append(f"{endpoint.id} is {endpoint.state}, and {'carries' if carries else 'does not carry'} packets")
    return found


def _table_of(snapshot: Snapshot, subnet: Subnet) -> RouteTable:
    tables = [one for one in snapshot.values(RouteTable) if one.vpc == subnet.vpc]
    own = [one for one in tables if any(each.subnet == subnet.id for each in one.associations)]
    main = [one for one in tables if any(each.main for each in one.associations)]
    assert len(main) == 1 and len(own) <= 1, f"{subnet.id} has {len(own)} tables, its VPC {len(main)} main ones"
    return (own or main)[0]


def inconsistencies(snapshot: Snapshot) -> list[str]:
    """Rules between objects that AWS never breaks."""
    found = []
    taken: set[tuple[str, str]] = set()
    for interface in snapshot.values(NetworkInterface):
        key = interface.subnet, interface.private_ip
        if key in taken:
            found.append(f"{interface.private_ip} is given twice in {interface.subnet}")
        taken.add(key)
    used: dict[str, str] = {}
    for listener in snapshot.values(Listener):
        if used.setdefault(listener.target_group, listener.load_balancer) != listener.load_balancer:
            found.append(f"{listener.target_group} is used by two load balancers")
    for service in snapshot.values(EndpointService):
        if not all(snapshot.get(LoadBalancer, one) for one in service.load_balancers):
            found.append(f"{service.id} serves a load balancer that is gone")
    for target in snapshot.values(Target):
        if snapshot.get(TargetGroup, target.target_group) is None:
            found.append(f"{target.id} is registered with a group that is gone")
    return found
