"""Mistakes in what guards the targets: security groups and network ACLs that keep the load balancer out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from opengwlb.model.elb import LoadBalancer, TargetGroup
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkAcl, NetworkInterface, SecurityGroup, SecurityGroupRule, Subnet
from opengwlb.policy import attributes, balancing

from .finding import Finding, Findings, Severity

GENEVE_PORT = 6081
_NUMBERS = {"tcp": "6", "udp": "17"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What has to come through to a target."""

    protocol: str
    port: int
    consequence: str


def findings(snapshot: Snapshot) -> Findings:
    for load_balancer in snapshot.values(LoadBalancer):
        listener = balancing.listener_of(snapshot, load_balancer.id)
        group = snapshot.get(TargetGroup, listener.target_group) if listener is not None else None
        if group is None:
            continue
        for placed in balancing.placed_targets(snapshot, group.id):
            if placed.target.deregistered is None and placed.interface is not None:
                yield from _target(snapshot, load_balancer, group, placed.interface, zone=placed.zone)


def _target(
    snapshot: Snapshot, load_balancer: LoadBalancer, group: TargetGroup, interface: NetworkInterface, *, zone: str
) -> Findings:
    cross_zone = attributes.cross_zone(load_balancer.attributes)
    nodes = [
        node
        for one in load_balancer.zones
        if balancing.serves(zone, node_zone=one.zone, cross_zone=cross_zone)
        and (node := snapshot.get(NetworkInterface, one.network_interface)) is not None
    ]
    port = GENEVE_PORT if group.health_check.port == "traffic-port" else int(group.health_check.port)
    needs = (
        _Need(protocol="udp", port=GENEVE_PORT, consequence="no-traffic"),
        _Need(protocol="tcp", port=port, consequence="no-health"),
    )
    held = [found for one in interface.groups if (found := snapshot.get(SecurityGroup, one)) is not None]
    accounts = frozenset({interface.account, load_balancer.account})
    for need in needs:
        closed = [node for node in nodes if held and not _lets(held, node, need, egress=False)]
        refused = [node for node in nodes if _refuses(snapshot, interface, node, need)]
        values = {
            "target": interface.id,
            "protocol": need.protocol.upper(),
            "port": str(need.port),
            "consequence": need.consequence,
        }
        if closed:
            yield Finding(
                code="group-closed",
                severity=Severity.ERROR,
                resource=held[0].id,
                field="IpPermissions",
                accounts=accounts,
                values=values | {"groups": _ids(held), "source": _addresses(closed)},
                fix=f"aws ec2 authorize-security-group-ingress --group-id {held[0].id} --protocol {need.protocol} --port {need.port} "
                f"--cidr {closed[0].private_ip}/32",
            )
        if refused:
            acl = _acl(snapshot, interface.subnet)
            assert acl is not None, "an ACL refused it"
            yield Finding(
                code="acl-closed",
                severity=Severity.ERROR,
                resource=acl.id,
                field="Entries",
                accounts=accounts,
                values=values | {"acl": acl.id, "subnet": interface.subnet, "source": _addresses(refused)},
                fix=f"aws ec2 create-network-acl-entry --network-acl-id {acl.id} --ingress --rule-number {_free_number(acl)} "
                f"--protocol {need.protocol} --port-range From={need.port},To={need.port} --cidr-block {refused[0].private_ip}/32 "
                "--rule-action allow",
            )
    returned = _Need(protocol="udp", port=GENEVE_PORT, consequence="no-traffic")
    kept = [node for node in nodes if held and not _lets(held, node, returned, egress=True)]
    if kept:
        yield Finding(
            code="group-closed-out",
            severity=Severity.ERROR,
            resource=held[0].id,
            field="IpPermissionsEgress",
            accounts=accounts,
            values={"target": interface.id, "groups": _ids(held), "source": _addresses(kept)},
            fix=f"aws ec2 authorize-security-group-egress --group-id {held[0].id} --ip-permissions "
            f"IpProtocol=udp,FromPort={GENEVE_PORT},ToPort={GENEVE_PORT},IpRanges=[{{CidrIp={kept[0].private_ip}/32}}]",
        )


def _lets(held: Iterable[SecurityGroup], node: NetworkInterface, need: _Need, *, egress: bool) -> bool:
    return any(rule.egress is egress and _matches(rule, node, need) for group in held for rule in group.rules)


def _matches(rule: SecurityGroupRule, node: NetworkInterface, need: _Need) -> bool:
    if rule.protocol not in ("-1", need.protocol, _NUMBERS[need.protocol]):
        return False
    if rule.protocol != "-1" and not rule.from_port <= need.port <= rule.to_port:
        return False
    if rule.cidr is not None:
        return ip_address(node.private_ip) in ip_network(rule.cidr)
    return rule.group in node.groups


def _refuses(snapshot: Snapshot, interface: NetworkInterface, node: NetworkInterface, need: _Need) -> bool:
    """By the ingress rules of the target's subnet; inside one subnet none apply."""
    acl = _acl(snapshot, interface.subnet)
    if acl is None or node.subnet == interface.subnet:
        return False
    for entry in sorted(acl.entries, key=lambda one: one.number):
        inside = ip_address(node.private_ip) in ip_network(entry.cidr)
        concerned = entry.protocol in ("-1", _NUMBERS[need.protocol])
        ported = entry.protocol == "-1" or entry.from_port <= need.port <= entry.to_port
        if not entry.egress and inside and concerned and ported:
            return not entry.allow
    return True


def _acl(snapshot: Snapshot, subnet: str) -> NetworkAcl | None:
    assert snapshot.get(Subnet, subnet) is not None, "an interface is in a subnet"
    for acl in snapshot.values(NetworkAcl):
        if any(one.subnet == subnet for one in acl.associations):
            return acl
    return None


def _free_number(acl: NetworkAcl) -> int:
    """Before every rule that is there."""
    taken = {entry.number for entry in acl.entries if not entry.egress}
    return next(number for number in range(1, 32767) if number not in taken)


def _ids(groups: Iterable[SecurityGroup]) -> str:
    return ", ".join(group.id for group in groups)


def _addresses(nodes: Iterable[NetworkInterface]) -> str:
    return ", ".join(node.private_ip for node in nodes)
