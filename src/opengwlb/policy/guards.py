"""Which rules guard which network interface: stored objects -> a `Guard` each, and who is a member of groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opengwlb.model.ids import hex_part
from opengwlb.model.plane import Guard, RuleSet
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkAcl, NetworkInterface, SecurityGroup, Vpc

from . import rules
from .memo import Memo

_compiled: Memo[RuleSet | str] = Memo()
"""Rule sets, or why there is none, by the objects they are made of."""


def number(resource_id: str) -> int:
    """A VPC's in `Plane.members`: 64 bits of its id."""
    return int(hex_part(resource_id), 16) & (1 << 64) - 1


def owner(resource_id: str) -> int:
    """Whose tracked flows: 32 bits of an interface's id."""
    return number(resource_id) & 0xFFFFFFFF


class Guards:
    """Of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        _compiled.turn()
        self._snapshot = snapshot
        interfaces = [one for one in snapshot.values(NetworkInterface) if one.groups]
        self._classes = rules.classes(one.groups for one in interfaces)
        self._have = {number: frozenset(groups) for groups, number in self._classes.items()}
        self._acls = {
            association.subnet: acl for acl in snapshot.values(NetworkAcl) for association in acl.associations
        }
        self._by_groups: dict[tuple[str, ...], RuleSet | str] = {}
        self.members: Mapping[tuple[int, str], int] = {
            (number(one.vpc), address): self._classes[one.groups]
            for one in interfaces
            for address in (one.private_ip, *one.ipv6_addresses)
        }

    def of_interface(self, interface: NetworkInterface) -> Guard | None:
        """None when nothing could ever be refused."""
        groups = self._groups(interface.groups) if interface.groups else None
        return self._guard(interface.id, interface.vpc, interface.subnet, groups, interface)

    def of_endpoint(self, endpoint: str, *, vpc: str, subnet: str) -> Guard | None:
        """A Gateway Load Balancer endpoint has no groups, but is in a subnet."""
        return self._guard(endpoint, vpc, subnet, None, None)

    def _guard(
        self,
        resource: str,
        vpc_id: str,
        subnet: str,
        groups: RuleSet | str | None,
        interface: NetworkInterface | None,
    ) -> Guard | None:
        vpc = self._snapshot.get(Vpc, vpc_id)
        ipv6 = vpc is not None and bool(vpc.ipv6)
        acl, by_acl4, by_acl6 = self._acl(subnet, ipv6=ipv6)
        if groups is None and acl is None:
            return None
        refused = next((one for one in (groups, acl) if isinstance(one, str)), "")
        tracking = interface.connection_tracking if interface else None
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
            **idle,
        )

    def _groups(self, ids: tuple[str, ...]) -> RuleSet | str:
        found = self._by_groups.get(ids)
        if found is None:
            groups = tuple(
                group for each in sorted(ids) if (group := self._snapshot.get(SecurityGroup, each)) is not None
            )
            named = rules.named_groups(groups)
            members = {number: have & named for number, have in self._have.items() if have & named}
            found = self._by_groups[ids] = _compiled.get(
                groups,
                tuple(sorted((number, tuple(sorted(have))) for number, have in members.items())),
                lambda: _or_why(lambda: rules.compile_groups(groups, members), what="security groups"),
            )
        return found

    def _acl(self, subnet: str, *, ipv6: bool) -> tuple[RuleSet | str | None, bool, bool]:
        """The ACL, and whether it may refuse IPv4 and IPv6."""
        acl = self._acls.get(subnet)
        if acl is None:
            return None, False, False
        by4, by6 = not rules.is_open(acl, family=4), ipv6 and not rules.is_open(acl, family=6)
        if not by4 and not by6:
            return None, False, False
        found = _compiled.get((acl,), (), lambda: _or_why(lambda: rules.compile_acl(acl), what="network ACL"))
        return found, by4, by6


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
