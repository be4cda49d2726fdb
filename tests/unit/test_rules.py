"""Compiled rules against the rules read one by one."""

from __future__ import annotations

import struct
from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opengwlb.dataplane.rules import encode
from opengwlb.model.plane import Rules, RuleSet, Table
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry, SecurityGroup, SecurityGroupRule
from opengwlb.policy import rules
from opengwlb.policy.refusals import Asked, first_entry, rule_allows

CIDRS = ("0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.9/32", "::/0", "2001:db8::/32", "2001:db8:1::7/128")
PEERS = ("10.0.1.9", "10.0.1.10", "10.1.0.0", "11.0.0.0", "255.255.255.255", "2001:db8:1::7", "2001:db9::", "::1")
PORTS = (0, 1, 79, 80, 81, 443, 65534, 65535)
GROUPS = ("sg-1", "sg-2", "sg-3")


@st.composite
def group_rules(draw: st.DrawFn) -> SecurityGroupRule:
    protocol = draw(st.sampled_from(("-1", "tcp", "udp", "icmp", "icmpv6", "47", "6")))
    low = high = -1
    if protocol in ("tcp", "udp", "6"):
        low, high = sorted((draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))))
    elif protocol in ("icmp", "icmpv6"):
        low = draw(st.sampled_from((-1, 0, 3, 8, 255)))
        high = -1 if low == -1 else draw(st.sampled_from((-1, 0, 4, 255)))
    by_group = draw(st.booleans())
    return SecurityGroupRule(
        id="sgr",
        egress=draw(st.booleans()),
        protocol=protocol,
        from_port=low,
        to_port=high,
        cidr=None if by_group else draw(st.sampled_from(CIDRS)),
        group=draw(st.sampled_from(GROUPS)) if by_group else None,
    )


@st.composite
def entries(draw: st.DrawFn) -> tuple[NetworkAclEntry, ...]:
    made = []
    for number in draw(st.lists(st.integers(1, 32766), unique=True, max_size=12)):
        protocol = draw(st.sampled_from(("-1", "6", "17", "1", "58", "47")))
        low, high = sorted((draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))))
        kind = draw(st.sampled_from((-1, 0, 8)))
        made.append(
            NetworkAclEntry(
                number=number,
                egress=draw(st.booleans()),
                allow=draw(st.booleans()),
                protocol=protocol,
                cidr=draw(st.sampled_from(CIDRS)),
                from_port=low,
                to_port=high,
                icmp_type=kind,
                icmp_code=-1 if kind == -1 else draw(st.sampled_from((-1, 0, 4))),
            )
        )
    return tuple(made)


asked = st.builds(
    Asked,
    egress=st.booleans(),
    peer=st.sampled_from(PEERS),
    protocol=st.sampled_from((6, 17, 1, 58, 47, 0, 255)),
    port=st.sampled_from(PORTS),
    icmp_type=st.sampled_from((0, 3, 8, 255)),
    icmp_code=st.sampled_from((0, 1, 4, 255)),
)


def service(packet: Asked) -> int:
    base = packet.protocol << 17
    if packet.protocol in (6, 17):
        return base | packet.port
    return base | packet.icmp_type << 8 | packet.icmp_code if packet.protocol in (1, 58) else base


def bits(table: Table, key: int) -> int:
    return table[bisect_right(table, (key, 1 << 2048)) - 1][1]


def peer_bits(compiled: Rules, packet: Asked) -> int:
    family, (address, _) = rules.address_span(packet.peer)
    return bits(compiled.ipv4 if family == 4 else compiled.ipv6, address)


def of(compiled: RuleSet, packet: Asked) -> Rules:
    return compiled.egress if packet.egress else compiled.ingress


@settings(max_examples=400, deadline=None)
@given(st.lists(group_rules(), max_size=14), st.sets(st.sampled_from(GROUPS)), asked)
def test_compiled_groups_allow_what_some_rule_allows(
    wanted: list[SecurityGroupRule], have: set[str], packet: Asked
) -> None:
    group = SecurityGroup(id="sg", account="1", region="r", vpc="vpc", name="n", description="", rules=tuple(wanted))
    members = {7: frozenset(have), 9: frozenset({"sg-1"})}
    compiled = of(rules.compile_groups([group], members), packet)
    peers = peer_bits(compiled, packet) | (bits(compiled.classes, 7) if have else 0)
    by_rules = any(rule_allows(rule, packet, peer_groups=have) for rule in wanted)
    assert bool(bits(compiled.services, service(packet)) & peers) == by_rules
    assert bits(compiled.classes, 8) == 0, "nobody's class is in no group"


@settings(max_examples=400, deadline=None)
@given(entries(), asked)
def test_a_compiled_acl_decides_by_the_entry_that_matches_first(
    wanted: tuple[NetworkAclEntry, ...], packet: Asked
) -> None:
    acl = NetworkAcl(id="acl", account="1", region="r", vpc="vpc", entries=wanted)
    compiled = of(rules.compile_acl(acl), packet)
    both = bits(compiled.services, service(packet)) & peer_bits(compiled, packet)
    entry = first_entry(acl, packet)
    assert bool(both & -both & compiled.allow) == bool(entry and entry.allow)


@settings(max_examples=100, deadline=None)
@given(entries(), asked)
def test_an_acl_that_is_open_denies_nothing(wanted: tuple[NetworkAclEntry, ...], packet: Asked) -> None:
    acl = NetworkAcl(id="acl", account="1", region="r", vpc="vpc", entries=wanted)
    family = rules.address_span(packet.peer)[0]
    if rules.is_open(acl, family=family):
        entry = first_entry(acl, packet)
        assert entry is not None and entry.allow


def test_equal_rules_are_equal_words_wherever_they_are() -> None:
    rule = SecurityGroupRule(id="a", egress=False, protocol="tcp", from_port=80, to_port=80, cidr="10.0.0.0/8")
    groups = [
        SecurityGroup(id=one, account="1", region="r", vpc="v", name=one, description=one, rules=(rule,))
        for one in ("sg-1", "sg-2")
    ]
    one, other = (encode(rules.compile_groups([group], {})) for group in groups)
    assert one == other
    assert len(one) % 8 == 0
    assert struct.unpack_from("=II", one, 0)[0] == 1, "egress has one interval of services, in which nothing holds"


def test_more_than_fits_is_refused_by_name() -> None:
    wanted = tuple(
        SecurityGroupRule(id="a", egress=False, protocol="tcp", from_port=port, to_port=port, cidr="10.0.0.0/8")
        for port in range(rules.MOST_BITS + 1)
    )
    group = SecurityGroup(id="sg", account="1", region="r", vpc="v", name="n", description="", rules=wanted)
    with pytest.raises(rules.TooManyRules, match="1025 different protocols and port ranges"):
        rules.compile_groups([group], {})
