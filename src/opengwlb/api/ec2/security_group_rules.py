"""IpPermissions <-> rules: one rule has one protocol, one port range and one peer, as `sgr-` ids do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from typing import Any

from opengwlb.api.common import resources, tags
from opengwlb.api.common.errors import invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import SecurityGroup, SecurityGroupRule, Tags
from opengwlb.wire.errors import AwsError

NAMES = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
"""Numbers that EC2 shows by name."""
HIGHEST_PORT = 65535
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


def from_call(
    ctx: Context, view: View, params: Parameters, *, group: SecurityGroup, egress: bool, given: Tags
) -> list[SecurityGroupRule]:
    """The rules an Authorize or Revoke call describes, by IpPermissions or by the older flat members."""
    permissions = params.get("IpPermissions") or [_flat(ctx, view, params, group=group)]
    return [
        rule
        for permission in permissions
        for rule in _rules(ctx, view, permission, group=group, egress=egress, given=given)
    ]


def _flat(ctx: Context, view: View, params: Parameters, *, group: SecurityGroup) -> Mapping[str, Any]:
    if not params.get("IpProtocol") and not params.get("SourceSecurityGroupName"):
        raise missing("ipPermissions")
    permission: dict[str, Any] = {"IpProtocol": params.get("IpProtocol", "-1")}
    permission |= {name: params[name] for name in ("FromPort", "ToPort") if name in params}
    if params.get("CidrIp"):
        permission["IpRanges"] = [{"CidrIp": params["CidrIp"]}]
    if params.get("SourceSecurityGroupName"):
        permission["UserIdGroupPairs"] = [
            {
                "GroupName": params["SourceSecurityGroupName"],
                "UserId": params.get("SourceSecurityGroupOwnerId", ctx.account),
            }
        ]
    return permission


def _rules(
    ctx: Context, view: View, permission: Mapping[str, Any], *, group: SecurityGroup, egress: bool, given: Tags
) -> Iterable[SecurityGroupRule]:
    protocol = _protocol(permission.get("IpProtocol"))
    from_port, to_port = _ports(protocol, permission)
    refuse(permission, ("PrefixListIds",), because="there are no prefix lists.")
    peers: list[dict[str, Any]] = [
        *(
            {"cidr": _cidr(each["CidrIp"]), "description": description(each)}
            for each in permission.get("IpRanges") or ()
        ),
        *(
            {"cidr": _cidr(each["CidrIpv6"]), "description": description(each)}
            for each in permission.get("Ipv6Ranges") or ()
        ),
        *(_group_peer(ctx, view, each, group=group) for each in permission.get("UserIdGroupPairs") or ()),
    ]
    if not peers:
        raise missing("ipPermissions: a source group or a CIDR")
    for peer in peers:
        yield SecurityGroupRule(
            id=new_id("sgr"), egress=egress, protocol=protocol, from_port=from_port, to_port=to_port, tags=given, **peer
        )


def _protocol(text: str | None) -> str:
    if text is None:
        raise invalid_value(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        )
    protocol = NAMES.get(text.lower(), text.lower())
    if protocol in (*NAMES.values(), "-1") or (protocol.isdigit() and int(protocol) <= 255):
        return protocol
    raise invalid_value(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def _ports(protocol: str, permission: Mapping[str, Any]) -> tuple[int, int]:
    """Port range of TCP and UDP, type and code of ICMP, -1 and -1 where there is neither."""
    low, high = permission.get("FromPort"), permission.get("ToPort")
    if protocol in ("icmp", "icmpv6"):
        low, high = (-1 if low is None else low), (-1 if high is None else high)
        if not (-1 <= low <= 255 and -1 <= high <= 255):
            raise invalid_value(f"Invalid value '{low}' for ICMP type, or '{high}' for its code.")
        return low, high
    if protocol not in ("tcp", "udp"):
        return -1, -1
    if low is None or high is None:
        raise invalid_value("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
    if low == high == -1:
        return 0, HIGHEST_PORT
    if not (0 <= low <= HIGHEST_PORT and 0 <= high <= HIGHEST_PORT):
        raise invalid_value(f"Invalid value '{low}-{high}' for portRange. Ports are between 0 and {HIGHEST_PORT}.")
    if low > high:
        raise invalid_value(f"Invalid TCP/UDP port range ({low}-{high})")
    return low, high


def _cidr(text: str) -> str:
    try:
        if "/" not in text:
            raise ValueError(text)
        return str(ip_network(text, strict=False))
    except ValueError as cause:
        raise invalid_value(f"CIDR block {text} is malformed") from cause


def _group_peer(ctx: Context, view: View, pair: Mapping[str, Any], *, group: SecurityGroup) -> dict[str, Any]:
    if pair.get("GroupId"):
        peer = resources.require(ctx, view, SecurityGroup, pair["GroupId"])
    else:
        peer = by_name(view, pair.get("GroupName", ""), vpc=group.vpc)
    if peer.vpc != group.vpc:
        raise invalid_value("You have specified two resources that belong to different networks.")
    return {"group": peer.id, "group_account": peer.account, "description": description(pair)}


def by_name(view: View, name: str, *, vpc: str) -> SecurityGroup:
    for each in resources.in_vpc(view, SecurityGroup, vpc):
        if each.name == name:
            assert isinstance(each, SecurityGroup)
            return each
    raise resources.not_found(SecurityGroup, name)


def description(peer: Mapping[str, Any]) -> str:
    """Errors: InvalidParameterValue for characters that AWS does not take, or too many."""
    text: str = peer.get("Description") or ""
    if not _DESCRIPTION.fullmatch(text):
        raise invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: "
            "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )
    return text


def find(rules: Iterable[SecurityGroupRule], wanted: SecurityGroupRule) -> SecurityGroupRule:
    """The stored rule that allows the same. Errors: InvalidPermission.NotFound."""
    found = next((rule for rule in rules if same(rule, wanted)), None)
    if found is None:
        raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    return found


def same(one: SecurityGroupRule, other: SecurityGroupRule) -> bool:
    """Whether they allow the same traffic; ids, descriptions and tags aside."""
    return _traffic(one) == _traffic(other)


def _traffic(rule: SecurityGroupRule) -> tuple[object, ...]:
    return rule.egress, rule.protocol, rule.from_port, rule.to_port, rule.cidr, rule.group


def sentence(rule: SecurityGroupRule) -> str:
    """As EC2 names a rule in its errors."""
    protocol = "ALL" if rule.protocol == "-1" else rule.protocol.upper()
    ports = f"from port: {rule.from_port}, to port: {rule.to_port}, " if rule.protocol in ("tcp", "udp") else ""
    return f"peer: {rule.cidr or rule.group}, {protocol}, {ports}ALLOW"


def answer(group: SecurityGroup, rule: SecurityGroupRule) -> Answer:
    """The SecurityGroupRule shape."""
    shown: Answer = {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{group.region}:{group.account}:security-group-rule/{rule.id}",
        "GroupId": group.id,
        "GroupOwnerId": group.account,
        "IsEgress": rule.egress,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "Tags": tags.answer(rule.tags),
    }
    if rule.cidr:
        shown["CidrIpv6" if ":" in rule.cidr else "CidrIpv4"] = rule.cidr
    if rule.group:
        shown["ReferencedGroupInfo"] = {"GroupId": rule.group, "UserId": rule.group_account}
    if rule.description:
        shown["Description"] = rule.description
    return shown


def permissions(rules: Iterable[SecurityGroupRule]) -> list[Answer]:
    """The IpPermission shape: rules of equal protocol and ports together."""
    together: dict[tuple[str, int, int], Answer] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port)
        if key not in together:
            together[key] = {
                "IpProtocol": rule.protocol,
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
            if rule.protocol in ("tcp", "udp", "icmp", "icmpv6"):
                together[key] |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
        described = {"Description": rule.description} if rule.description else {}
        if rule.group:
            pair = {"GroupId": rule.group, "UserId": rule.group_account, **described}
            together[key]["UserIdGroupPairs"].append(pair)
        elif rule.cidr and ":" in rule.cidr:
            together[key]["Ipv6Ranges"].append({"CidrIpv6": rule.cidr, **described})
        else:
            together[key]["IpRanges"].append({"CidrIp": rule.cidr, **described})
    return list(together.values())
