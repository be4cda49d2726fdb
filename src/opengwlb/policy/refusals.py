"""Which group or ACL lets a packet pass, or refuses it, told from the stored rules one by one.

For people who ask why. Packets are judged by `rules.py`'s compiled form; a property test holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry, NetworkInterface, SecurityGroup, SecurityGroupRule

from .rules import ICMP, PROTOCOLS, WITH_PORTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A packet as one direction's rules see it."""

    egress: bool
    peer: str
    """Whom it is for, or from."""
    protocol: int
    port: int = 0
    """Destination port of TCP and UDP."""
    icmp_type: int = 0
    icmp_code: int = 0

    def __str__(self) -> str:
        names = {number: name for name, number in PROTOCOLS.items()}
        what = names.get(self.protocol, f"protocol {self.protocol}")
        if self.protocol in WITH_PORTS:
            what += f" port {self.port}"
        elif self.protocol in ICMP:
            what += f" type {self.icmp_type} code {self.icmp_code}"
        return f"{what} {'to' if self.egress else 'from'} {self.peer}"


def rule_allows(rule: SecurityGroupRule, asked: Asked, *, peer_groups: Collection[str] = ()) -> bool:
    """Whether one rule of a group allows it; `peer_groups` are those that the peer has."""
    if rule.egress is not asked.egress or not _is_protocol(rule.protocol, asked.protocol):
        return False
    if rule.protocol != "-1":
        if asked.protocol in WITH_PORTS and not rule.from_port <= asked.port <= rule.to_port:
            return False
        if asked.protocol in ICMP and not _is_icmp(rule.from_port, rule.to_port, asked):
            return False
    if rule.cidr is None:
        return rule.group in peer_groups
    return ip_address(asked.peer) in ip_network(rule.cidr)


def first_entry(acl: NetworkAcl, asked: Asked) -> NetworkAclEntry | None:
    """The entry that decides; None for what none matches, which is denied."""
    return next(
        (
            one
            for one in sorted(acl.entries, key=lambda one: one.number)
            if one.egress is asked.egress and _entry_matches(one, asked)
        ),
        None,
    )


def _entry_matches(entry: NetworkAclEntry, asked: Asked) -> bool:
    if not _is_protocol(entry.protocol, asked.protocol) or ip_address(asked.peer) not in ip_network(entry.cidr):
        return False
    if entry.protocol == "-1":
        return True
    if asked.protocol in WITH_PORTS:
        return entry.from_port <= asked.port <= entry.to_port
    return asked.protocol not in ICMP or _is_icmp(entry.icmp_type, entry.icmp_code, asked)


def _is_protocol(wanted: str, protocol: int) -> bool:
    return wanted == "-1" or (PROTOCOLS.get(wanted) or int(wanted)) == protocol


def _is_icmp(kind: int, code: int, asked: Asked) -> bool:
    return kind == -1 or (kind == asked.icmp_type and code in (-1, asked.icmp_code))


def by_groups(interface: NetworkInterface, asked: Asked) -> str:
    """Whose groups refuse it, in a sentence."""
    named = ", ".join(interface.groups)
    return f"None of {named} of {interface.id} allows {asked}."


def groups_allow(snapshot: Snapshot, interface: NetworkInterface, asked: Asked) -> bool:
    """Whether a new flow may begin with it."""
    groups = (snapshot.get(SecurityGroup, one) for one in interface.groups)
    have = peer_groups(snapshot.values(NetworkInterface), vpc=interface.vpc, address=asked.peer)
    rules = [rule for group in groups if group is not None for rule in group.rules]
    return not interface.groups or any(rule_allows(rule, asked, peer_groups=have) for rule in rules)


def peer_groups(interfaces: Iterable[NetworkInterface], *, vpc: str, address: str) -> frozenset[str]:
    """The groups of who has this private address."""
    return frozenset(
        group
        for one in interfaces
        if one.vpc == vpc and address in (*one.private_ips, *one.ipv6_addresses)
        for group in one.groups
    )


def acl_of(snapshot: Snapshot, subnet: str) -> NetworkAcl | None:
    """The ACL of a subnet; None where nothing is filtered."""
    return next(
        (one for one in snapshot.values(NetworkAcl) if any(each.subnet == subnet for each in one.associations)), None
    )


def by_acl(acl: NetworkAcl, asked: Asked) -> str:
    """Which entry refuses it, in a sentence."""
    entry = first_entry(acl, asked)
    which = f"entry {entry.number}" if entry else "the last entry, *,"
    return f"In {acl.id} {which} denies {asked}."
