"""Network ACLs: made, described, deleted, and given to subnets. Their entries are beside this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from opengwlb.api.common import network_acls, quotas, resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dry_run, invalid_value
from opengwlb.api.common.filters import flag
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

LAST_RULE = 32767
"""AWS's `*` entry: what no rule allowed is denied. IPv6's is the next."""
PORTS = ("6", "17")
"""TCP and UDP: the protocols whose entries have a port range."""
ICMP = ("1", "58")
_NAMES = {"6": "tcp", "17": "udp", "1": "icmp"}
"""What the filter `entry.protocol` takes beside the numbers."""


def _of_associations(member: str) -> Callable[[NetworkAcl], Iterable[str]]:
    return lambda acl: [each[member] for each in _associations(acl)]


def _of_entries(member: str, part: str = "") -> Callable[[NetworkAcl], Iterable[str]]:
    def values(acl: NetworkAcl) -> Iterable[str]:
        # Which families the last entries are shown for does not matter to filters that look for a value.
        found = [entry[member] for entry in _entries(acl, ipv6=_speaks_ipv6(acl)) if member in entry]
        return [str(each[part] if part else each).lower() for each in found]

    return values


def _protocols(acl: NetworkAcl) -> Iterable[str]:
    for number in _of_entries("Protocol")(acl):
        yield number
        if number in _NAMES:
            yield _NAMES[number]


SPEC: Mapping[str, Callable[[NetworkAcl], Iterable[str]]] = {
    "association.association-id": _of_associations("NetworkAclAssociationId"),
    "association.network-acl-id": _of_associations("NetworkAclId"),
    "association.subnet-id": _of_associations("SubnetId"),
    "default": lambda acl: flag(acl.is_default),
    "entry.cidr": _of_entries("CidrBlock"),
    "entry.egress": _of_entries("Egress"),
    "entry.icmp.code": _of_entries("IcmpTypeCode", "Code"),
    "entry.icmp.type": _of_entries("IcmpTypeCode", "Type"),
    "entry.ipv6-cidr": _of_entries("Ipv6CidrBlock"),
    "entry.port-range.from": _of_entries("PortRange", "From"),
    "entry.port-range.to": _of_entries("PortRange", "To"),
    "entry.protocol": _protocols,
    "entry.rule-action": _of_entries("RuleAction"),
    "entry.rule-number": _of_entries("RuleNumber"),
    "network-acl-id": lambda acl: (acl.id,),
    "owner-id": lambda acl: (acl.account,),
    "vpc-id": lambda acl: (acl.vpc,),
}


def answer(view: View, acl: NetworkAcl) -> Answer:
    vpc = view.get(Vpc, acl.vpc)
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc,
        "OwnerId": acl.account,
        "IsDefault": acl.is_default,
        "Associations": _associations(acl),
        "Entries": _entries(acl, ipv6=bool(vpc is not None and vpc.ipv6)),
        "Tags": tags.answer(acl.tags),
    }


def _associations(acl: NetworkAcl) -> list[Answer]:
    return [
        {"NetworkAclAssociationId": each.id, "NetworkAclId": acl.id, "SubnetId": each.subnet}
        for each in acl.associations
    ]


def _speaks_ipv6(acl: NetworkAcl) -> bool:
    return any(":" in entry.cidr for entry in acl.entries)


def _entries(acl: NetworkAcl, *, ipv6: bool) -> list[Answer]:
    """By direction (outbound first) and number, with AWS's last entries, which deny what is left of each family."""
    last = ("CidrBlock", "0.0.0.0/0"), *((("Ipv6CidrBlock", "::/0"),) if ipv6 else ())
    shown: list[Answer] = []
    for egress in (True, False):
        mine = sorted((each for each in acl.entries if each.egress is egress), key=lambda each: each.number)
        shown += [_entry(each) for each in mine]
        shown += [
            {member: cidr, "Egress": egress, "Protocol": "-1", "RuleAction": "deny", "RuleNumber": LAST_RULE + step}
            for step, (member, cidr) in enumerate(last)
        ]
    return shown


def _entry(entry: NetworkAclEntry) -> Answer:
    shown: Answer = {
        "Ipv6CidrBlock" if ":" in entry.cidr else "CidrBlock": entry.cidr,
        "Egress": entry.egress,
        "Protocol": entry.protocol,
        "RuleAction": "allow" if entry.allow else "deny",
        "RuleNumber": entry.number,
    }
    if entry.protocol in PORTS:
        shown["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.protocol in ICMP:
        shown["IcmpTypeCode"] = {"Type": entry.icmp_type, "Code": entry.icmp_code}
    return shown


@action("ec2", "CreateNetworkAcl")
def create_network_acl(ctx: Context, params: Parameters) -> Answer:
    """It denies everything until it has entries, and no subnet has it yet."""
    given = tags.from_specifications(params, "network-acl")

    def work(tx: Transaction) -> Answer:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])

        def make() -> tuple[NetworkAcl]:
            count = len(list(resources.in_vpc(tx, NetworkAcl, vpc.id))) + 1
            quotas.check(ctx, tx, "network-acls-per-vpc", count=count)
            acl = NetworkAcl(id=new_id("acl"), account=ctx.account, region=ctx.region, vpc=vpc.id, tags=given)
            tx.put(acl)
            return (acl,)

        (acl,) = idempotent(ctx, tx, "CreateNetworkAcl", params, kind=NetworkAcl, make=make)
        dry_run(params)
        return answer(tx, acl)

    shown: dict[str, Any] = {"NetworkAcl": ctx.store.transact(work)}
    return shown | ({"ClientToken": params["ClientToken"]} if params.get("ClientToken") else {})


@action("ec2", "DescribeNetworkAcls")
def describe_network_acls(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    found, more = describe(ctx, snapshot, params, kind=NetworkAcl, ids="NetworkAclIds", spec=SPEC)
    return {"NetworkAcls": [answer(snapshot, acl) for acl in found], **more}


@action("ec2", "DeleteNetworkAcl")
def delete_network_acl(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        acl = resources.require(ctx, tx, NetworkAcl, params["NetworkAclId"])
        if acl.is_default:
            raise invalid_value(f"cannot delete default network ACL {acl.id}")
        if acl.associations:
            raise AwsError("DependencyViolation", f"The network ACL '{acl.id}' has dependencies and cannot be deleted.")
        dry_run(params)
        tx.delete(NetworkAcl, acl.id)

    ctx.store.transact(work)
    return {}


@action("ec2", "ReplaceNetworkAclAssociation")
def replace_network_acl_association(ctx: Context, params: Parameters) -> Answer:
    """A subnet is never without one, so this is how it changes."""
    association_id = params["AssociationId"]

    def work(tx: Transaction) -> str:
        new = resources.require(ctx, tx, NetworkAcl, params["NetworkAclId"])
        for old in resources.owned(ctx, tx, NetworkAcl):
            for each in old.associations:
                if each.id == association_id:
                    if old.vpc != new.vpc:
                        raise invalid_value(
                            f"Network ACL {new.id} and subnet {each.subnet} belong to different networks"
                        )
                    dry_run(params)
                    tx.put(replace(old, associations=tuple(one for one in old.associations if one is not each)))
                    return network_acls.associate(tx, new.id, each.subnet)
        raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")

    return {"NewAssociationId": ctx.store.transact(work)}
