"""Which rules guard which network interface: stored objects -> a `Guard` each, and who is a member of groups."""

from __future__ import annotations

from collections.abc import Callable

from opengwlb.model.elb import Slot
from opengwlb.model.ids import hex_part
from opengwlb.model.plane import Guard, RuleSet
from opengwlb.model.snapshot import Index, Snapshot
from opengwlb.model.topology import Topology
from opengwlb.model.vpc import NetworkAcl, NetworkInterface, SecurityGroup, Vpc

from . import rules, slots
from .memo import Memo

_compiled: Memo[RuleSet | str] = Memo()
"""Rule sets, or why there is none, by the objects they are made of."""
_ACLS_OF_SUBNET = Index(NetworkAcl, lambda one: (each.subnet for each in one.associations))
_CLASSES_OF_GROUP = Index(Slot, lambda one: slots.class_groups(one))


def number(resource_id: str) -> int:
    """A VPC's in `Plane.members`: 64 bits of its id."""
    return int(hex_part(resource_id), 16) & (1 << 64) - 1


def owner(resource_id: str) -> int:
    """Whose tracked flows: 32 bits of an interface's id."""
    return number(resource_id) & 0xFFFFFFFF


def of_interface(snapshot: Snapshot, interface: NetworkInterface) -> Guard | None:
    """None when nothing could ever be refused."""
    groups = _groups(snapshot, interface.groups) if interface.groups else None
    return _guard(snapshot, interface.id, interface.vpc, interface.subnet, groups, interface)


def of_endpoint(snapshot: Snapshot, endpoint: str, *, vpc: str, subnet: str) -> Guard | None:
    """A Gateway Load Balancer endpoint has no groups, but is in a subnet."""
    return _guard(snapshot, endpoint, vpc, subnet, None, None)


def members(snapshot: Snapshot, topology: Topology) -> dict[tuple[int, str], int]:
    """(VPC's number, private address) -> the class of interfaces that have the same groups."""
    return {
        (number(one.vpc), address): class_.number
        for one in snapshot.values(NetworkInterface)
        if one.groups and (class_ := snapshot.get(Slot, slots.class_key(one.groups))) is not None
        for address in (*one.private_ips, *one.ipv6_addresses)
    }


def _guard(
    snapshot: Snapshot,
    resource: str,
    vpc_id: str,
    subnet: str,
    groups: RuleSet | str | None,
    interface: NetworkInterface | None,
) -> Guard | None:
    vpc = snapshot.get(Vpc, vpc_id)
    ipv6 = vpc is not None and bool(vpc.ipv6)
    acl, by_acl4, by_acl6 = _acl(snapshot, subnet, ipv6=ipv6)
    if groups is None and acl is None:
        return None
    refused = next((one for one in (groups, acl) if isinstance(one, str)), "")
    tracking = interface.tracking if interface else None
    idle = (
        {
            "tcp_idle_s": tracking.tcp_established_s,
            "udp_idle_s": tracking.udp_s,
            "udp_stream_idle_s": tracking.udp_stream_s,
        }
        if tracking
        else {}
    )
    return Guard(
        interface=resource,
        owner=owner(resource),
        vpc=number(vpc_id),
        groups=groups if isinstance(groups, RuleSet) else None,
        acl=acl if isinstance(acl, RuleSet) else None,
        refused=refused,
        guards4=bool(refused) or by_acl4 or _is_narrow(groups, family=4),
        guards6=bool(refused) or by_acl6 or (ipv6 and _is_narrow(groups, family=6)),
        guards_other=True,
        **{name: seconds for name, seconds in idle.items() if seconds is not None},
    )


def _groups(snapshot: Snapshot, ids: tuple[str, ...]) -> RuleSet | str:
    groups = tuple(group for each in sorted(ids) if (group := snapshot.get(SecurityGroup, each)) is not None)
    named = rules.named_groups(groups)
    classes = {one.number: one for group in named for one in snapshot.find(_CLASSES_OF_GROUP, group)}
    have = {number: frozenset(slots.class_groups(one)) & named for number, one in classes.items()}
    return _compiled.get(
        groups,
        tuple(sorted((number, tuple(sorted(some))) for number, some in have.items())),
        lambda: _or_why(lambda: rules.compile_groups(groups, have), what="security groups"),
    )


def _acl(snapshot: Snapshot, subnet: str, *, ipv6: bool) -> tuple[RuleSet | str | None, bool, bool]:
    """The ACL, and whether it may refuse IPv4 and IPv6."""
    for acl in snapshot.find(_ACLS_OF_SUBNET, subnet):
        by4, by6 = not rules.is_open(acl, family=4), ipv6 and not rules.is_open(acl, family=6)
        if by4 or by6:
            found = _compiled.get((acl,), (), lambda: _or_why(lambda: rules.compile_acl(acl), what="network ACL"))  # noqa: B023  (called here)
            return found, by4, by6
    return None, False, False


def _or_why(compiled: Callable[[], RuleSet], *, what: str) -> RuleSet | str:
    try:
        return compiled()
    except rules.TooManyRules as error:
        return f"its {what} name {error}: nothing passes until there are fewer"


def _is_narrow(groups: RuleSet | str | None, *, family: int) -> bool:
    """Whether TCP or UDP of the family has to be looked at: AWS does not track what everything is open to both ways."""
    if not isinstance(groups, RuleSet):
        return groups is not None
    wanted = 0b0011 if family == 4 else 0b1100
    return groups.egress.full & groups.ingress.full & wanted != wanted
