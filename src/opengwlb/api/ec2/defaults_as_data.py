"""What clients look for beside the objects that carry packets: default network ACLs, DHCP options, prefix lists.

They are shown as AWS shows them in a VPC where nobody changed them. They follow from the VPC and are not stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opengwlb.api.common import defaults, filters, pages, resources, tags
from opengwlb.api.common.errors import dry_run
from opengwlb.api.common.filters import flag
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Subnet, Vpc
from opengwlb.wire.errors import AwsError

LAST_RULE = 32767
"""AWS's `*` entry: what no rule allowed is denied. IPv6's is the next, and so is its rule that allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _NetworkAcl:
    """The default one of a VPC: every subnet is associated with it, everything is allowed."""

    id: str
    account: str
    vpc: str
    subnets: Sequence[str]
    ipv6: bool

    def associations(self) -> list[Answer]:
        return [
            {"NetworkAclAssociationId": _association(subnet), "NetworkAclId": self.id, "SubnetId": subnet}
            for subnet in self.subnets
        ]


def _association(subnet: str) -> str:
    return f"aclassoc-0{hashlib.sha256(subnet.encode()).hexdigest()[:16]}"


def _entries(acl: _NetworkAcl) -> list[Answer]:
    families = (("CidrBlock", "0.0.0.0/0"), *((("Ipv6CidrBlock", "::/0"),) if acl.ipv6 else ()))
    return [
        {member: everything, "Egress": egress, "Protocol": "-1", "RuleAction": verdict, "RuleNumber": number + step}
        for egress in (True, False)
        for number, verdict in ((100, "allow"), (LAST_RULE, "deny"))
        for step, (member, everything) in enumerate(families)
    ]


def _none(_: _NetworkAcl) -> Iterable[str]:
    return ()


def _of_associations(member: str) -> Callable[[_NetworkAcl], Iterable[str]]:
    return lambda acl: [each[member] for each in acl.associations()]


def _of_entries(member: str) -> Callable[[_NetworkAcl], Iterable[str]]:
    return lambda acl: [str(entry[member]).lower() for entry in _entries(acl) if member in entry]


ACL_SPEC: Mapping[str, Callable[[_NetworkAcl], Iterable[str]]] = {
    "association.association-id": _of_associations("NetworkAclAssociationId"),
    "association.network-acl-id": _of_associations("NetworkAclId"),
    "association.subnet-id": _of_associations("SubnetId"),
    "default": lambda _: flag(True),
    "entry.cidr": _of_entries("CidrBlock"),
    "entry.egress": _of_entries("Egress"),
    "entry.icmp.code": _none,
    "entry.icmp.type": _none,
    "entry.ipv6-cidr": _of_entries("Ipv6CidrBlock"),
    "entry.port-range.from": _none,
    "entry.port-range.to": _none,
    "entry.protocol": _of_entries("Protocol"),
    "entry.rule-action": _of_entries("RuleAction"),
    "entry.rule-number": _of_entries("RuleNumber"),
    "network-acl-id": lambda acl: (acl.id,),
    "owner-id": lambda acl: (acl.account,),
    "vpc-id": lambda acl: (acl.vpc,),
}


@action("ec2", "DescribeNetworkAcls")
def describe_network_acls(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    acls = [
        _NetworkAcl(
            id=vpc.default_network_acl,
            account=vpc.account,
            vpc=vpc.id,
            subnets=[subnet.id for subnet in resources.in_vpc(snapshot, Subnet, vpc.id)],
            ipv6=bool(vpc.ipv6),
        )
        for vpc in resources.owned(ctx, snapshot, Vpc)
    ]
    acls = _by_id(acls, params.get("NetworkAclIds"), code="InvalidNetworkAclID.NotFound", noun="networkAcl ID")
    page, more = pages.slice_ec2(filters.apply(acls, params.get("Filters"), ACL_SPEC), params, ids="NetworkAclIds")
    return {
        "NetworkAcls": [
            {
                "NetworkAclId": acl.id,
                "VpcId": acl.vpc,
                "OwnerId": acl.account,
                "IsDefault": True,
                "Associations": acl.associations(),
                "Entries": _entries(acl),
                "Tags": [],
            }
            for acl in page
        ],
        **more,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _DhcpOptions:
    id: str
    account: str
    configuration: Mapping[str, str]


DHCP_SPEC: Mapping[str, Callable[[_DhcpOptions], Iterable[str]]] = {
    "dhcp-options-id": lambda options: (options.id,),
    "key": lambda options: options.configuration.keys(),
    "value": lambda options: options.configuration.values(),
    "owner-id": lambda options: (options.account,),
}


@action("ec2", "DescribeDhcpOptions")
def describe_dhcp_options(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    domain = "ec2.internal" if ctx.region == "us-east-1" else f"{ctx.region}.compute.internal"
    only = _DhcpOptions(
        id=defaults.dhcp_options_id(account=ctx.account, region=ctx.region),
        account=ctx.account,
        configuration={"domain-name": domain, "domain-name-servers": "AmazonProvidedDNS"},
    )
    found = _by_id([only], params.get("DhcpOptionsIds"), code="InvalidDhcpOptionID.NotFound", noun="dhcpOption ID")
    page, more = pages.slice_ec2(filters.apply(found, params.get("Filters"), DHCP_SPEC), params, ids="DhcpOptionsIds")
    return {
        "DhcpOptions": [
            {
                "DhcpOptionsId": options.id,
                "OwnerId": options.account,
                "DhcpConfigurations": [
                    {"Key": key, "Values": [{"Value": value}]} for key, value in options.configuration.items()
                ],
                "Tags": tags.answer({}),
            }
            for options in page
        ],
        **more,
    }


@action("ec2", "DescribePrefixLists")
def describe_prefix_lists(ctx: Context, params: Parameters) -> Answer:
    """None exist: they belong to gateway endpoints. Clients ask by service name and take an empty answer."""
    dry_run(params)
    nothing: list[Any] = _by_id(
        [], params.get("PrefixListIds"), code="InvalidPrefixListID.NotFound", noun="prefix list ID"
    )
    known: Mapping[str, Callable[[Any], Iterable[str]]] = {"prefix-list-id": _none, "prefix-list-name": _none}
    return {"PrefixLists": filters.apply(nothing, params.get("Filters"), known)}


def _by_id(items: list[Any], ids: Sequence[str] | None, *, code: str, noun: str) -> list[Any]:
    if not ids:
        return items
    known = {item.id: item for item in items}
    for each in ids:
        if each not in known:
            raise AwsError(code, f"The {noun} '{each}' does not exist")
    return [known[each] for each in dict.fromkeys(ids)]
