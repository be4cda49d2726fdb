"""Rule files: what they mean, and the sentence that names a mistake."""

from __future__ import annotations

import ipaddress

import pytest

from opengwlb.instances.builtin.rules import Flow, Policy, parse_policy
from opengwlb.model.plane import InspectorRule
from opengwlb.policy.inspector import parse_inspector_rules


def flow(source: str, destination: str, protocol: int = 6, ports: tuple[int, int] = (40000, 80)) -> Flow:
    return Flow(
        source=ipaddress.ip_address(source).packed,
        destination=ipaddress.ip_address(destination).packed,
        protocol=protocol,
        source_port=ports[0],
        destination_port=ports[1],
    )


def test_the_first_header_rule_that_matches_decides() -> None:
    policy = parse_policy(b"""
default: deny
rules:
  - {name: not-this-host, action: deny, source: 198.51.100.9/32}
  - {name: web, action: allow, source: 198.51.100.0/24, destination: 10.0.0.0/16, protocol: tcp, ports: "80, 8000-8080"}
  - {name: ping, action: allow, protocol: icmp}
  - {name: v6, action: allow, source: "2001:db8::/32"}
""")
    assert policy.denied_by(flow("198.51.100.7", "10.0.0.37")) is None
    assert policy.denied_by(flow("198.51.100.7", "10.0.0.37", ports=(1, 8080))) is None
    assert policy.denied_by(flow("198.51.100.7", "10.0.0.37", ports=(1, 8081))) == "default"
    assert policy.denied_by(flow("198.51.100.9", "10.0.0.37")) == "not-this-host"
    assert policy.denied_by(flow("198.51.100.7", "10.1.0.37")) == "default"
    assert policy.denied_by(flow("203.0.113.1", "10.0.0.37", 1, (0, 0))) is None
    assert policy.denied_by(flow("2001:db8::1", "2001:db9::1")) is None
    assert policy.denied_by(flow("2001:db9::1", "2001:db8::1")) == "default"


def test_a_payload_rule_applies_to_both_orientations_of_its_flow() -> None:
    policy = parse_policy(b"rules: [{name: secret, action: deny, protocol: tcp, ports: 80, payload: TOP-SECRET}]")
    assert [r.name for r in policy.payload_rules_of(flow("198.51.100.7", "10.0.0.37"))] == ["secret"]
    assert [r.name for r in policy.payload_rules_of(flow("10.0.0.37", "198.51.100.7", ports=(80, 40000)))] == ["secret"]
    assert policy.payload_rules_of(flow("198.51.100.7", "10.0.0.37", ports=(1, 5001))) == ()
    assert policy.denied_by(flow("198.51.100.7", "10.0.0.37")) is None


@pytest.mark.parametrize("text", [b"", b"\n", b"# nothing\n", b"rules: []"])
def test_no_rules_allow_everything(text: bytes) -> None:
    assert parse_policy(text) == Policy()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"rules: [", "not YAML"),
        (b"- a", "must be a mapping"),
        (b"ruels: []", "unknown key 'ruels'"),
        (b"default: maybe", "`default` must be allow or deny"),
        (b"rules: {a: b}", "`rules` must be a list"),
        (b"workers: 0", "`workers` must be a number"),
        (b"rules: [7]", "rule 1 must be a mapping"),
        (b"rules: [{name: x, action: drop}]", r"rule 1 \(x\): `action`"),
        (b"rules: [{name: x, action: deny, source: 10.0.0.0/33}]", "not a CIDR block"),
        (b"rules: [{name: x, action: deny, source: 10.0.0.1/8}]", "not a CIDR block"),
        (b"rules: [{name: x, action: deny, protocol: quic}]", "`protocol` 'quic'"),
        (b"rules: [{name: x, action: deny, protocol: 256}]", "`protocol` 256"),
        (b"rules: [{name: x, action: deny, protocol: tcp, ports: 80-70}]", "`ports` '80-70'"),
        (b"rules: [{name: x, action: deny, ports: 80}]", "`ports` needs protocol tcp or udp"),
        (b"rules: [{name: x, action: allow, payload: abc}]", "can only deny"),
        (b"rules: [{name: x, action: deny, payload: {regex: '('}}]", "not a regular expression"),
        (b"rules: [{name: x, action: deny, payload: {regex: 'a*'}}]", "matches the empty text"),
        (b"rules: [{name: x, action: deny, payload: {hex: 'xx'}}]", "not hexadecimal"),
        (b"rules: [{name: x, action: deny, payload: ''}]", "`payload` must be"),
        (b"rules: [{name: x, action: deny, port: 80}]", "unknown key 'port'"),
        (b"rules: [{name: x, action: deny, source: '::/0', destination: 10.0.0.0/8}]", "not of one family"),
    ],
)
def test_a_mistake_in_the_rules_is_named(text: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_policy(text)


def test_inspector_rules_are_tuples_for_the_kernel() -> None:
    rules = parse_inspector_rules(b"""
default: deny
rules:
  - {name: web, action: allow, destination: 10.0.0.0/16, protocol: tcp, ports: 80-443}
  - {name: v6, action: deny, source: "2001:db8:ffff::/48", protocol: udp, ports: "53, 8000-8080"}
  - {name: pings, action: deny, protocol: icmpv6}
""")
    assert rules == (
        InspectorRule(action="allow", destination="10.0.0.0/16", protocol=6, from_port=80, to_port=443),
        InspectorRule(action="deny", source="2001:db8:ffff::/48", protocol=17, from_port=53, to_port=53),
        InspectorRule(action="deny", source="2001:db8:ffff::/48", protocol=17, from_port=8000, to_port=8080),
        InspectorRule(action="deny", protocol=58),
        InspectorRule(action="deny"),
    )


@pytest.mark.parametrize("user_data", [b"", b"#!/bin/sh\necho\n", b"rules: []", b"# nothing"])
def test_an_inspector_without_rules_returns_everything(user_data: bytes) -> None:
    assert parse_inspector_rules(user_data) == ()


@pytest.mark.parametrize(
    ("user_data", "sentence"),
    [
        (b"rules: [", "not YAML"),
        (b"text", "must be a mapping"),
        (b"rules: [{name: x, action: deny, payload: abc}]", r"rule 1 \(x\): the inspector does not look at payloads"),
        (b"rules: [{action: deny, source: '2001:db8::1/32'}]", "not a CIDR block"),
        (b"rules: [{action: deny, source: '::/0', destination: 10.0.0.0/8}]", "not of one family: no packet matches"),
        (b"rules: [{action: deny, protocol: tcp, ports: '80, x'}]", "`ports` '80, x'"),
        (b"rules: [" + b"{action: deny}, " * 33 + b"]", "33 rules"),
        (b"\xff\xfe\x00", "not YAML"),
    ],
)
def test_a_mistake_in_the_inspectors_rules_is_named(user_data: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_inspector_rules(user_data)
