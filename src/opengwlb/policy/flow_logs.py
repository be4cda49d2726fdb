"""Which interfaces a flow log covers, how long its records may span, and what becomes of it when its resource is gone.

Sources: EC2 API reference (CreateFlowLogs), VPC User Guide (Flow log basics, Flow log limitations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opengwlb.model.compute import Instance
from opengwlb.model.flow_logs import Action, FlowLog
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot, View
from opengwlb.model.topology import PortRef
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import NetworkInterface, Subnet, Vpc

from . import names

EVERY_MINUTE_S = 60
"""How long records of an instance's interfaces span, whatever the flow log says."""
_KINDS = {"VPC": Vpc, "Subnet": Subnet, "NetworkInterface": NetworkInterface}
_XEN = ("m1.", "t2.")
"""Instance types here that AWS does not build on Nitro: on them the flow log's own interval holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What records say of the interface that they are of."""

    id: str
    account: str
    region: str
    vpc: str
    subnet: str
    zone_id: str
    address: str
    """Its primary IPv4 address."""
    addresses6: tuple[str, ...] = ()
    instance: str = ""
    """`i-…`, of one that the account itself runs."""
    nitro: bool = False


def watched(view: View) -> frozenset[str]:
    """Ids of VPCs, subnets and interfaces that have a flow log."""
    return frozenset(log.resource for log in view.values(FlowLog))


def covers(watched_resources: frozenset[str], interface: NetworkInterface) -> bool:
    return not watched_resources.isdisjoint((interface.id, interface.subnet, interface.vpc))


def by_resource(view: View) -> dict[str, list[FlowLog]]:
    found: dict[str, list[FlowLog]] = {}
    for log in view.values(FlowLog):
        found.setdefault(log.resource, []).append(log)
    return found


def of(logs: Mapping[str, list[FlowLog]], interface: Interface) -> list[FlowLog]:
    """The flow logs that cover an interface. `logs` as `by_resource` says."""
    return [log for resource in (interface.id, interface.subnet, interface.vpc) for log in logs.get(resource, ())]


def interfaces(view: View) -> dict[str, Interface]:
    """Every interface that a flow log covers, by id."""
    covered = watched(view)
    if not covered:
        return {}
    return {one.id: _described(view, one) for one in view.values(NetworkInterface) if covers(covered, one)}


def _described(view: View, interface: NetworkInterface) -> Interface:
    subnet = view.get(Subnet, interface.subnet)
    attached = view.get(Instance, interface.attachment.instance) if interface.attachment else None
    return Interface(
        id=interface.id,
        account=interface.account,
        region=interface.region,
        vpc=interface.vpc,
        subnet=interface.subnet,
        zone_id=subnet.zone_id if subnet else "",
        address=interface.private_ip,
        addresses6=interface.ipv6_addresses,
        instance=attached.id if attached else "",
        nitro=attached is not None and not attached.instance_type.startswith(_XEN),
    )


def at_port(view: View, resource: str) -> list[NetworkInterface]:
    """The interfaces whose packets pass a VPC router's port for this `eni-…`, `vpce-…` or `uplink-…`: one, but behind an uplink."""
    endpoint = view.get(VpcEndpoint, resource)
    if view.get(Uplink, resource) is not None:
        return [one for one in view.values(NetworkInterface) if one.uplink == resource]
    found = view.get(NetworkInterface, endpoint.network_interface if endpoint else resource)
    return [found] if found is not None else []


def ports(
    snapshot: Snapshot, covered: Iterable[Interface], ifindex: Mapping[PortRef, int]
) -> dict[int, dict[str, str]]:
    """ifindex -> address -> interface, of the ports that these interfaces' packets pass. The address is empty where a port has but one.

    `ifindex` is of every port that is built.
    """
    endpoints = {one.network_interface: one.id for one in snapshot.values(VpcEndpoint)}
    found: dict[int, dict[str, str]] = {}
    for one in covered:
        stored = snapshot.get(NetworkInterface, one.id)
        behind = stored.uplink if stored else None
        number = ifindex.get(names.router_port(one.vpc, behind or endpoints.get(one.id, one.id)))
        if number is not None:
            found.setdefault(number, {})[one.address if behind else ""] = one.id
    return found


def interval_s(log: FlowLog, interface: Interface) -> int:
    """How long records of this interface span in this flow log, at most."""
    return EVERY_MINUTE_S if interface.nitro else log.interval_s


def takes(log: FlowLog, action: Action) -> bool:
    return log.traffic_type in ("ALL", action)


def has_resource(view: View, log: FlowLog) -> bool:
    """A flow log whose resource was deleted is not described any more, and is deleted (inferred: AWS's pages do not say)."""
    return view.get(_KINDS[log.resource_type], log.resource) is not None
