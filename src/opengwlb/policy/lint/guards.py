"""Mistakes in what guards the targets: security groups and network ACLs that keep the load balancer out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from opengwlb.model.elb import LoadBalancer, TargetGroup
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkAcl, NetworkInterface, SecurityGroup
from opengwlb.policy import attributes, balancing, refusals
from opengwlb.policy.refusals import Asked
from opengwlb.policy.rules import PROTOCOLS

from .finding import Finding, Findings, Severity

GENEVE_PORT = 6081


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What has to come through to a target."""

    protocol: str
    port: int
    consequence: str

    def asked(self, node: NetworkInterface, *, egress: bool) -> Asked:
        """Of the target's groups and ACL."""
        return Asked(egress=egress, peer=node.private_ip, protocol=PROTOCOLS[self.protocol], port=self.port)


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
    acl = refusals.acl_of(snapshot, interface.subnet)
    for need in needs:
        closed = [node for node in nodes if held and not _lets(held, node, need, egress=False)]
        refused = [node for node in nodes if _refuses(acl, interface, node, need)]
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
        if refused and acl is not None:
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
    asked = need.asked(node, egress=egress)
    return any(refusals.rule_allows(rule, asked, peer_groups=node.groups) for group in held for rule in group.rules)


def _refuses(acl: NetworkAcl | None, interface: NetworkInterface, node: NetworkInterface, need: _Need) -> bool:
    """By the ingress entries of the target's subnet; inside one subnet none apply."""
    if acl is None or node.subnet == interface.subnet:
        return False
    entry = refusals.first_entry(acl, need.asked(node, egress=False))
    return entry is None or not entry.allow


def _free_number(acl: NetworkAcl) -> int:
    """Before every rule that is there."""
    taken = {entry.number for entry in acl.entries if not entry.egress}
    return next(number for number in range(1, 32767) if number not in taken)


def _ids(groups: Iterable[SecurityGroup]) -> str:
    return ", ".join(group.id for group in groups)


def _addresses(nodes: Iterable[NetworkInterface]) -> str:
    return ", ".join(node.private_ip for node in nodes)
