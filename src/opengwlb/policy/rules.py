"""Security groups and network ACLs -> what `bpf/lib/rules.h` searches: intervals of services and of peers, and bit vectors.

Of groups each bit is one protocol and port range that some rule names, since the union of all rules counts; of an ACL each bit is one entry
in order, since the first match counts. So what a packet costs does not grow with the number of rules (docs/decisions/0015).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from opengwlb.model.plane import Rules, RuleSet, Table
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry, SecurityGroup, SecurityGroupRule

PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
ICMP = (1, 58)
WITH_PORTS = (6, 17)
MOST_BITS = 1024
"""Different services of one direction of an interface's groups, or entries of one direction of an ACL. AWS allows 1,000 rules."""
MOST_INTERVALS = 8192
ALL_SERVICES = (0, (1 << 25) - 1)
HIGHEST_PORT = 65535
_SHIFT = 17
_NO_PORTS = 1 << 16

Span = tuple[int, int]
"""First and last, inclusive."""


class TooManyRules(ValueError):
    """The programs have no room for so many; the argument says of what."""


def service_span(protocol: str, low: int, high: int) -> Span:
    """The services that a rule names: ports of TCP and UDP, type and code of ICMP (-1: any), all of other protocols."""
    if protocol == "-1":
        return ALL_SERVICES
    number = PROTOCOLS.get(protocol) or int(protocol)
    base = number << _SHIFT
    if number in WITH_PORTS and (low, high) != (0, HIGHEST_PORT):
        return base | low, base | high
    if number in ICMP and low >= 0:
        return base | low << 8 | max(high, 0), base | low << 8 | (high if high >= 0 else 255)
    return base, base | _NO_PORTS | HIGHEST_PORT


@lru_cache(maxsize=65536)
def address_span(cidr: str) -> tuple[int, Span]:
    """The family, 4 or 6, and the addresses of a CIDR block."""
    network = ipaddress.ip_network(cidr)
    return network.version, (int(network.network_address), int(network.broadcast_address))


def table(spans: Iterable[tuple[Span, int]], *, end: int) -> Table:
    """Spans with the number of a bit each, as the intervals between their edges; `end` is the first value behind all."""
    edges: dict[int, list[tuple[int, int]]] = {0: []}
    for (first, last), bit in spans:
        edges.setdefault(first, []).append((bit, 1))
        if last + 1 < end:
            edges.setdefault(last + 1, []).append((bit, -1))
    counts: dict[int, int] = {}
    bits = 0
    found: list[tuple[int, int]] = []
    for at in sorted(edges):
        for bit, change in edges[at]:
            counts[bit] = counts.get(bit, 0) + change
            bits = bits | 1 << bit if counts[bit] else bits & ~(1 << bit)
        if not found or found[-1][1] != bits:
            found.append((at, bits))
    if len(found) > MOST_INTERVALS:
        raise TooManyRules(f"{len(found)} different ranges, and {MOST_INTERVALS} is the most")
    return tuple(found)


def named_groups(groups: Iterable[SecurityGroup]) -> frozenset[str]:
    """Groups that rules of these name as peers."""
    return frozenset(rule.group for group in groups for rule in group.rules if rule.group is not None)


def compile_groups(groups: Sequence[SecurityGroup], members: Mapping[int, frozenset[str]]) -> RuleSet:
    """`members` are the classes, with the groups that who is in them has. TooManyRules when it does not fit."""
    rules = [rule for group in groups for rule in group.rules]
    return RuleSet(
        egress=_direction([rule for rule in rules if rule.egress], members),
        ingress=_direction([rule for rule in rules if not rule.egress], members),
    )


def _direction(rules: Sequence[SecurityGroupRule], members: Mapping[int, frozenset[str]]) -> Rules:
    bits: dict[Span, int] = {}
    peers: dict[int, set[tuple[Span, int]]] = {4: set(), 6: set()}
    named: dict[str, int] = {}
    everywhere, full = {4: 0, 6: 0}, 0
    for rule in rules:
        span = service_span(rule.protocol, rule.from_port, rule.to_port)
        bit = bits.setdefault(span, len(bits))
        if rule.cidr is None:
            named[rule.group or ""] = named.get(rule.group or "", 0) | 1 << bit
            continue
        family, addresses = address_span(rule.cidr)
        peers[family].add((addresses, bit))
        if rule.cidr.endswith("/0"):
            everywhere[family] |= 1 << bit
            full |= _full(span) << (0 if family == 4 else 2)
    if len(bits) > MOST_BITS:
        raise TooManyRules(f"{len(bits)} different protocols and port ranges, and {MOST_BITS} is the most")
    return Rules(
        services=table(bits.items(), end=ALL_SERVICES[1] + 1),
        ipv4=table(peers[4], end=1 << 32),
        ipv6=table(peers[6], end=1 << 128),
        classes=_classes(named, members),
        everywhere4=everywhere[4],
        everywhere6=everywhere[6],
        full=full,
    )


def _full(span: Span) -> int:
    covered = (span[0] <= number << _SHIFT and span[1] >= number << _SHIFT | _NO_PORTS for number in WITH_PORTS)
    return sum(1 << place for place, whole in enumerate(covered) if whole)


def _classes(named: Mapping[str, int], members: Mapping[int, frozenset[str]]) -> Table:
    found: dict[int, int] = {0: 0}
    for number in sorted(members):
        bits = 0
        for group in members[number] & named.keys():
            bits |= named[group]
        if bits:
            found[number] = bits
            found.setdefault(number + 1, 0)  # who is in another class is in none of these
    if len(found) > MOST_INTERVALS:
        raise TooManyRules(f"members with {len(found) // 2} different combinations of groups")
    return tuple(sorted(found.items()))


def compile_acl(acl: NetworkAcl) -> RuleSet:
    """TooManyRules when it does not fit."""
    return RuleSet(
        egress=_entries(sorted((one for one in acl.entries if one.egress), key=lambda one: one.number)),
        ingress=_entries(sorted((one for one in acl.entries if not one.egress), key=lambda one: one.number)),
    )


def entry_span(entry: NetworkAclEntry) -> Span:
    """The services that an entry names."""
    number = -1 if entry.protocol == "-1" else int(entry.protocol)
    if number in ICMP:
        return service_span(entry.protocol, entry.icmp_type, entry.icmp_code)
    return service_span(entry.protocol, entry.from_port, entry.to_port)


def _entries(entries: Sequence[NetworkAclEntry]) -> Rules:
    if len(entries) > MOST_BITS:
        raise TooManyRules(f"{len(entries)} entries, and {MOST_BITS} is the most")
    peers: dict[int, list[tuple[Span, int]]] = {4: [], 6: []}
    for bit, entry in enumerate(entries):
        family, addresses = address_span(entry.cidr)
        peers[family].append((addresses, bit))
    return Rules(
        services=table(((entry_span(entry), bit) for bit, entry in enumerate(entries)), end=ALL_SERVICES[1] + 1),
        ipv4=table(peers[4], end=1 << 32),
        ipv6=table(peers[6], end=1 << 128),
        allow=sum(1 << bit for bit, entry in enumerate(entries) if entry.allow),
    )


def is_open(acl: NetworkAcl, *, family: int) -> bool:
    """Whether it lets everything of a family pass both ways, as a default ACL does."""
    return all(_lets_all_pass(acl, egress, family) for egress in (True, False))


def _lets_all_pass(acl: NetworkAcl, egress: bool, family: int) -> bool:
    for entry in sorted(acl.entries, key=lambda one: one.number):
        if entry.egress is not egress or address_span(entry.cidr)[0] != family:
            continue
        if not entry.allow:
            return False
        if entry.protocol == "-1" and entry.cidr.endswith("/0"):
            return True
    return False
