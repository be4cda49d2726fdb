"""What refuses a packet, and what would let it through: the object, the member of AWS's API, the page, the command. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from opengwlb.model.elb import LoadBalancer
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import InternetGateway, NetworkAcl, NetworkInterface, RouteTable
from opengwlb.policy import balancing, lint, refusals, routing
from opengwlb.policy.refusals import Asked
from opengwlb.policy.rules import ICMP, WITH_PORTS

from . import visibility
from .frames import FlowTuple
from .reach_answer import Fix, Rule
from .refused import Refused
from .visibility import Viewer

Cause = tuple[Rule | None, Fix | None]
_NOTHING: Cause = (None, None)
_WAYS = {
    "tcp_no_flow": ("edge-route-missing", "return-route-missing", "directions-differ"),
    "tcp_reset_unknown": ("edge-route-missing", "return-route-missing", "directions-differ"),
    "ttl_exceeded": ("endpoint-loop",),
}
"""Verdict -> the design checker's findings that explain it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A packet that went no further."""

    at: str
    verdict: str
    flow: FlowTuple
    """Of the packet as it came there."""
    route_table: str | None = None
    refused: Refused | None = None


def cause(snapshot: Snapshot, ended: Ended, *, viewer: Viewer) -> Cause:
    """Nothing where nobody's configuration is the cause, or where it is another account's."""
    if ended.refused is not None:
        return _rules(ended.refused)
    if ended.verdict in _WAYS:
        return _finding(snapshot, ended, viewer=viewer)
    match ended.verdict:
        case "no_route" | "route_blackhole" | "dest_check":
            return _route(snapshot, ended)
        case "source_check":
            return _check_off(ended.at) if ended.at.startswith("eni-") else _NOTHING
        case "igw_no_public_address":
            return _no_public_address(snapshot, ended)
        case "no_targets":
            return _no_targets(snapshot, ended.at, viewer=viewer)
        case "endpoint_not_configured":
            return _not_accepted(snapshot, ended.at)
        case "endpoint_ipv6_not_enabled":
            rule = Rule(resource=ended.at, rule="ipv4")
            command = f"aws ec2 modify-vpc-endpoint --vpc-endpoint-id {ended.at} --ip-address-type dualstack"
            return rule, Fix(resource=ended.at, field="IpAddressType", page="endpoint", command=command)
        case _:
            return _NOTHING


def _rules(refused: Refused) -> Cause:
    asked = refused.asked
    if refused.acl is not None:
        entry = refusals.first_entry(refused.acl, asked)
        said = f"entry {entry.number}" if entry else "*"
        command = _acl_command(refused.acl, asked, before=entry.number if entry else None)
        fix = Fix(resource=refused.acl.id, field="Entries", page="network-acl", command=command)
        return Rule(resource=refused.acl.id, rule=said), fix
    if refused.interface is None or not refused.interface.groups:
        return _NOTHING
    group, way = refused.interface.groups[0], "egress" if asked.egress else "ingress"
    rule = Rule(resource=group, rule=f"no {'outbound' if asked.egress else 'inbound'} rule for {asked}")
    low, high = _ports(asked)
    block = (
        f"Ipv6Ranges=[{{CidrIpv6={asked.peer}/128}}]" if ":" in asked.peer else f"IpRanges=[{{CidrIp={asked.peer}/32}}]"
    )
    permission = f"IpProtocol={_protocol(asked)},FromPort={low},ToPort={high},{block}"
    return rule, Fix(
        resource=group,
        field="IpPermissionsEgress" if asked.egress else "IpPermissions",
        page="security-group",
        command=f"aws ec2 authorize-security-group-{way} --group-id {group} --ip-permissions '{permission}'",
    )


def _ports(asked: Asked) -> tuple[int, int]:
    """ICMP's type and any code stand where ports do."""
    return (asked.icmp_type, -1) if asked.protocol in ICMP else (asked.port, asked.port)


def _protocol(asked: Asked) -> str:
    return {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}.get(asked.protocol, str(asked.protocol))


def _acl_command(acl: NetworkAcl, asked: Asked, *, before: int | None) -> str:
    """An entry in front of the one that denies; empty where there is no number left."""
    taken = {one.number for one in acl.entries if one.egress is asked.egress}
    number = before - 1 if before is not None else max(taken, default=0) + 100
    if number < 1 or number in taken:
        return ""
    peer = f"--ipv6-cidr-block {asked.peer}/128" if ":" in asked.peer else f"--cidr-block {asked.peer}/32"
    what = f" --port-range From={asked.port},To={asked.port}" if asked.protocol in WITH_PORTS else ""
    if asked.protocol in ICMP:
        what = f" --icmp-type-code Type={asked.icmp_type},Code=-1"
    return (
        f"aws ec2 create-network-acl-entry --network-acl-id {acl.id} --rule-number {number} --protocol {asked.protocol}"
        f"{what} {peer} --rule-action allow {'--egress' if asked.egress else '--ingress'}"
    )


def _finding(snapshot: Snapshot, ended: Ended, *, viewer: Viewer) -> Cause:
    for one in lint.check(snapshot):
        if one.code in _WAYS[ended.verdict] and viewer.sees(one.accounts) and _is_about(snapshot, one, ended):
            rule = Rule(resource=one.resource, rule=_missing(one))
            return rule, Fix(resource=one.resource, field=one.field, page="route-table", command=one.fix)
    return _NOTHING


def _is_about(snapshot: Snapshot, finding: lint.Finding, ended: Ended) -> bool:
    endpoint = snapshot.get(VpcEndpoint, ended.at)
    named = set(finding.values.values())
    if endpoint is not None:
        return endpoint.id in named
    table = snapshot.get(RouteTable, finding.resource)
    through = snapshot.get(VpcEndpoint, finding.values.get("endpoint", ""))
    return table is not None and through is not None and ended.at in (through.vpc, through.id, table.id)


def _missing(finding: lint.Finding) -> str:
    values = finding.values
    if finding.code == "endpoint-loop":
        return f"{values['destination']} → {values['endpoint']}"
    if finding.code == "directions-differ":
        return f"{values['cidr']} → {values['inbound']}"
    wanted = values["cidr"] if finding.code == "edge-route-missing" else "0.0.0.0/0"
    return f"no route {wanted} → {values['endpoint']}"


def _route(snapshot: Snapshot, ended: Ended) -> Cause:
    named = ended.route_table or (ended.at if ended.at.startswith("rtb-") else "")
    table = snapshot.get(RouteTable, named)
    if table is None:
        return _NOTHING
    destination = ip_network(ended.flow.destination)
    member = "--destination-ipv6-cidr-block" if ended.flow.family == 6 else "--destination-cidr-block"
    route = routing.best(table, destination)
    if route is None:
        everything = "::/0" if ended.flow.family == 6 else "0.0.0.0/0"
        gateway = next((one.id for one in snapshot.values(InternetGateway) if one.vpc == table.vpc), None)
        command = f"aws ec2 create-route --route-table-id {table.id} {member} {everything} --gateway-id {gateway}"
        fix = Fix(resource=table.id, field="Routes", page="route-table", command=command if gateway else "")
        return Rule(resource=table.id, rule=f"no route for {ended.flow.destination}"), fix
    rule = Rule(resource=table.id, rule=f"{route.destination} → {route.target}")
    if ended.verdict == "dest_check":
        return rule, _check_off(route.target)[1] if route.target.startswith("eni-") else None
    command = f"aws ec2 delete-route --route-table-id {table.id} {member} {route.destination}"
    return rule, Fix(resource=table.id, field="Routes", page="route-table", command=command)


def _check_off(interface: str) -> Cause:
    command = f"aws ec2 modify-network-interface-attribute --network-interface-id {interface} --no-source-dest-check"
    fix = Fix(resource=interface, field="SourceDestCheck", page="network-interface", command=command)
    return Rule(resource=interface, rule="source/dest check"), fix


def _no_public_address(snapshot: Snapshot, ended: Ended) -> Cause:
    gateway = snapshot.get(InternetGateway, ended.at)
    for one in snapshot.values(NetworkInterface):
        if gateway is not None and one.vpc == gateway.vpc and ended.flow.source in one.private_ips:
            made = "$(aws ec2 allocate-address --query AllocationId --output text)"
            command = f"aws ec2 associate-address --network-interface-id {one.id} --allocation-id {made}"
            fix = Fix(resource=one.id, field="PublicIp", page="network-interface", command=command)
            return Rule(resource=one.id, rule=f"{ended.flow.source}: no public address"), fix
    return _NOTHING


def _no_targets(snapshot: Snapshot, at: str, *, viewer: Viewer) -> Cause:
    endpoint = snapshot.get(VpcEndpoint, at)
    if endpoint is None or not viewer.sees(visibility.provider(snapshot, endpoint)):
        return _NOTHING
    balancer = snapshot.get(LoadBalancer, endpoint.load_balancer)
    listener = balancing.listener_of(snapshot, endpoint.load_balancer)
    if balancer is None:
        return _NOTHING
    if listener is None:
        command = f"aws elbv2 create-listener --load-balancer-arn {balancer.id} --default-actions Type=forward,TargetGroupArn=ARN"
        fix = Fix(resource=balancer.id, field="Listeners", page="load-balancer", command=command)
        return Rule(resource=balancer.id, rule="no listener"), fix
    command = f"aws elbv2 register-targets --target-group-arn {listener.target_group} --targets Id=TARGET"
    fix = Fix(resource=listener.target_group, field="Targets", page="target-group", command=command)
    return Rule(resource=listener.target_group, rule=f"no target in {endpoint.zone}"), fix


def _not_accepted(snapshot: Snapshot, at: str) -> Cause:
    endpoint = snapshot.get(VpcEndpoint, at)
    if endpoint is None:
        return _NOTHING
    command = ""
    if endpoint.state == "pendingAcceptance":
        command = f"aws ec2 accept-vpc-endpoint-connections --service-id {endpoint.service} --vpc-endpoint-ids {at}"
    fix = Fix(resource=at, field="State", page="endpoint", command=command)
    return Rule(resource=at, rule=endpoint.state), fix
