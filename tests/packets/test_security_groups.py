"""Security groups at the VPC router's ports: what passes, what is remembered of it, and what becomes of it when rules change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest
from scapy.packet import Packet, Raw

from opengwlb.model.plane import Guard, Plane
from opengwlb.model.vpc import SecurityGroup, SecurityGroupRule
from opengwlb.policy import rules

from .harness import run
from .vpc import DELIVERY, FAMILIES, IPV4, IPV6, Family, Vpc, built

families = pytest.mark.parametrize("family", FAMILIES, ids=str)
VPC = 77
OWNERS = {"alice": 1, "bob": 2}
Rule = dict[str, Any]
EVERYWHERE = ({"cidr": "0.0.0.0/0"}, {"cidr": "::/0"})
ALL_OUT: tuple[Rule, ...] = tuple({"egress": True, "protocol": "-1", **to} for to in EVERYWHERE)


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    yield from built(tmp_path_factory.mktemp("groups"), first_ifindex=0x52000)


def group(*wanted: Rule, name: str = "sg-1") -> SecurityGroup:
    made = tuple(SecurityGroupRule(**{"id": f"sgr-{i}", "egress": False, **one}) for i, one in enumerate(wanted))
    return SecurityGroup(id=name, account="1", region="r", vpc="vpc-1", name=name, description="", rules=made)


def tcp(port: int, *, to: int | None = None, **peer: Any) -> Rule:
    return {"protocol": "tcp", "from_port": port, "to_port": to or port, **peer}


def guards(vpc: Vpc, *, members: dict[str, tuple[str, ...]] | None = None, **groups: tuple[Rule, ...]) -> None:
    """Tells the program the rules of ports; `members` are addresses and the groups that they have."""
    numbers = {of: number for number, of in enumerate(sorted(set((members or {}).values())), 1)}
    have = {number: frozenset(of) for of, number in numbers.items()}
    entries = []
    for entry in vpc.entries:
        wanted = groups.get(entry.port.device)
        guard = None
        if wanted is not None:
            compiled = rules.compile_groups([group(*wanted)], have)
            open4 = compiled.egress.full & compiled.ingress.full & 3 == 3
            guard = Guard(
                interface=entry.port.device,
                owner=OWNERS[entry.port.device],
                vpc=VPC,
                groups=compiled,
                guards4=not open4,
                guards6=True,
                guards_other=True,
            )
        entries.append(replace(entry, guard=guard))
    known = {(VPC, address): numbers[of] for address, of in (members or {}).items()}
    plane = Plane(enis={entry.port: entry for entry in entries}, members=known)
    vpc.programs.apply(plane, vpc.inner.values())


def sent(vpc: Vpc, family: Family, source: str, to: str, layer: Packet, *, port: str | None = None) -> str:
    """The one verdict that a packet meets at the port it enters by."""
    frame = vpc.frame(family, port or source, source=source, to=to) / layer
    (verdict,) = vpc.verdict_at(port or source, frame)
    return verdict


_ports = iter(range(20000, 60000, 3))


@pytest.fixture
def port() -> int:
    """Of a client that nobody was before."""
    return next(_ports)


@families
def test_what_no_rule_allows_is_refused_on_the_side_whose_groups_lack_it(vpc: Vpc, family: Family, port: int) -> None:
    guards(vpc, alice=(*ALL_OUT,), bob=(*ALL_OUT,))
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "security_group_ingress"
    guards(vpc, alice=(), bob=())
    assert sent(vpc, family, "alice", "bob", TCP(sport=port + 1, dport=80, flags="S")) == "security_group_egress"


@families
def test_an_allowed_flow_has_its_answers_allowed_without_a_rule_for_them(vpc: Vpc, family: Family, port: int) -> None:
    guards(vpc, alice=tuple({"egress": True, **tcp(80, **to)} for to in EVERYWHERE))
    answer = TCP(sport=80, dport=port, flags="SA")
    assert sent(vpc, family, "bob", "alice", answer) == "security_group_ingress"
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", answer) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", TCP(sport=80, dport=port + 1, flags="SA")) == "security_group_ingress"


@families
def test_a_removed_rule_leaves_its_tracked_flow_and_refuses_new_ones(vpc: Vpc, family: Family, port: int) -> None:
    allowed = tuple(tcp(80, cidr=f"{family.alice}/{32 if family is IPV4 else 128}") for _ in range(1))
    guards(vpc, bob=(*ALL_OUT, *allowed))
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", TCP(sport=80, dport=port, flags="SA")) == "eni_forwarded"
    guards(vpc, bob=ALL_OUT)
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="A")) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", TCP(sport=80, dport=port, flags="A")) == "eni_forwarded"
    assert sent(vpc, family, "alice", "bob", TCP(sport=port + 1, dport=80, flags="S")) == "security_group_ingress"


@families
def test_an_untracked_flow_ends_with_its_rule_even_when_its_server_goes_on_talking(
    vpc: Vpc, family: Family, port: int
) -> None:
    guards(vpc, bob=(*ALL_OUT, *(tcp(80, **to) for to in EVERYWHERE)))
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", TCP(sport=80, dport=port, flags="SA")) == "eni_forwarded"
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="A")) == "eni_forwarded"
    guards(vpc, bob=ALL_OUT)
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="A")) == "security_group_ingress"
    assert sent(vpc, family, "bob", "alice", TCP(sport=80, dport=port, flags="A")) == "eni_forwarded"
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="A")) == "security_group_ingress"


def test_udp_and_its_answer_pass_by_a_narrow_rule(vpc: Vpc, port: int) -> None:
    guards(vpc, bob=({"protocol": "udp", "from_port": 53, "to_port": 53, "cidr": "10.0.1.0/24"},))
    assert sent(vpc, IPV4, "alice", "bob", UDP(sport=port, dport=54)) == "security_group_ingress"
    assert sent(vpc, IPV4, "alice", "bob", UDP(sport=port, dport=53)) == "eni_forwarded"
    assert sent(vpc, IPV4, "bob", "alice", UDP(sport=53, dport=port)) == "eni_forwarded"
    assert sent(vpc, IPV4, "bob", "alice", UDP(sport=53, dport=port + 1)) == "security_group_egress"


@families
def test_a_ping_is_tracked_by_its_identifier(vpc: Vpc, family: Family, port: int) -> None:
    ask, answer = (ICMPv6EchoRequest, ICMPv6EchoReply) if family is IPV6 else (ICMP, ICMP)
    more = ({}, {}) if family is IPV6 else ({"type": 8}, {"type": 0})
    guards(vpc, alice=ALL_OUT)
    assert sent(vpc, family, "bob", "alice", answer(id=port, **more[1])) == "security_group_ingress"
    assert sent(vpc, family, "alice", "bob", ask(id=port, **more[0])) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", answer(id=port, **more[1])) == "eni_forwarded"
    assert sent(vpc, family, "bob", "alice", answer(id=port + 1, **more[1])) == "security_group_ingress"


@pytest.mark.parametrize(("kind", "code", "allowed"), [(8, 0, True), (13, 0, False), (3, 4, True), (3, 1, False)])
def test_icmp_rules_name_type_and_code(vpc: Vpc, kind: int, code: int, allowed: bool) -> None:
    wanted = (
        {"protocol": "icmp", "from_port": 8, "to_port": -1, "cidr": "10.0.0.0/16"},
        {"protocol": "icmp", "from_port": 3, "to_port": 4, "cidr": "10.0.0.0/16"},
    )
    guards(vpc, bob=wanted)
    verdict = sent(vpc, IPV4, "alice", "bob", ICMP(type=kind, code=code) / Raw(bytes(28)))
    assert verdict == ("eni_forwarded" if allowed else "security_group_ingress")


def test_an_icmp_error_comes_to_who_sent_what_it_is_about_and_to_nobody_else(vpc: Vpc, port: int) -> None:
    guards(vpc, alice=ALL_OUT)
    about = IP(src=IPV4.alice, dst=IPV4.bob) / UDP(sport=port, dport=9)
    error = ICMP(type=3, code=4) / Raw(bytes(about))
    assert sent(vpc, IPV4, "bob", "alice", error) == "security_group_ingress"
    assert sent(vpc, IPV4, "alice", "bob", UDP(sport=port, dport=9)) == "eni_forwarded"
    assert sent(vpc, IPV4, "bob", "alice", error) == "eni_forwarded"
    assert sent(vpc, IPV4, "client", "alice", error, port="vpce") == "eni_forwarded"
    other = ICMP(type=3, code=4) / Raw(bytes(IP(src=IPV4.bob, dst=IPV4.alice) / UDP(sport=9, dport=port)))
    assert sent(vpc, IPV4, "bob", "alice", other) == "security_group_ingress"


def test_an_icmpv6_error_is_let_in_as_what_it_is_about(vpc: Vpc, port: int) -> None:
    guards(vpc, alice=ALL_OUT)
    about = vpc.frame(IPV6, "alice")[1] / TCP(sport=port, dport=9, flags="S")
    error = ICMPv6DestUnreach(code=4) / Raw(bytes(about))
    assert sent(vpc, IPV6, "bob", "alice", error) == "security_group_ingress"
    assert sent(vpc, IPV6, "alice", "bob", TCP(sport=port, dport=9, flags="S")) == "eni_forwarded"
    assert sent(vpc, IPV6, "bob", "alice", error) == "eni_forwarded"


@families
def test_a_rule_for_a_group_means_its_members_and_they_come_and_go_at_once(vpc: Vpc, family: Family, port: int) -> None:
    wanted = tcp(80, group="sg-web")
    guards(vpc, bob=(wanted,), members={family.alice: ("sg-db", "sg-web")})
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "eni_forwarded"
    guards(vpc, bob=(wanted,), members={family.alice: ("sg-db",)})
    assert sent(vpc, family, "alice", "bob", TCP(sport=port + 1, dport=80, flags="S")) == "security_group_ingress"
    assert sent(vpc, family, "alice", "bob", TCP(sport=port, dport=80, flags="A")) == "eni_forwarded"
    guards(vpc, bob=(wanted,), members={family.alice: ("sg-web",)})
    assert sent(vpc, family, "alice", "bob", TCP(sport=port + 2, dport=80, flags="S")) == "eni_forwarded"


def test_a_secondary_address_is_the_interfaces_own_and_a_members(vpc: Vpc, port: int) -> None:
    before, second = vpc.entries, IPV4.stranger
    wanted, members = tcp(80, group="sg-web"), {IPV4.alice: ("sg-web",), second: ("sg-web",)}
    opening = TCP(sport=port, dport=80, flags="S")
    guards(vpc, bob=(wanted,), members=members)
    assert sent(vpc, IPV4, "stranger", "bob", opening, port="alice") == "source_check"
    run("ip", "route", "add", second, "dev", "alice", "table", str(DELIVERY), box=vpc.router)
    try:
        vpc.entries = [
            replace(one, addresses=(*one.addresses, second)) if one.port.device == "alice" else one for one in before
        ]
        guards(vpc, alice=(*ALL_OUT,), bob=(wanted,), members=members)
        assert sent(vpc, IPV4, "stranger", "bob", opening, port="alice") == "eni_forwarded"
        assert sent(vpc, IPV4, "bob", "stranger", TCP(sport=80, dport=port, flags="SA")) == "eni_forwarded"
        assert sent(vpc, IPV4, "bob", "stranger", TCP(sport=80, dport=port + 1, flags="SA")) != "eni_forwarded"
        guards(vpc, bob=(wanted,), members={IPV4.alice: ("sg-web",)})
        refused = sent(vpc, IPV4, "stranger", "bob", TCP(sport=port + 2, dport=80, flags="S"), port="alice")
        assert refused == "security_group_ingress"
    finally:
        vpc.entries = before
        run("ip", "route", "delete", second, "dev", "alice", "table", str(DELIVERY), box=vpc.router)


def test_three_hundred_rules_are_all_kept(vpc: Vpc, port: int) -> None:
    wanted = tuple(tcp(1000 + 2 * i, cidr=f"10.0.1.{i % 30}/32" if i != 250 else "10.0.1.10/32") for i in range(300))
    guards(vpc, bob=wanted)
    assert sent(vpc, IPV4, "alice", "bob", TCP(sport=port, dport=1500, flags="S")) == "eni_forwarded"
    for denied in (1501, 1502, 998, 65535):
        assert sent(vpc, IPV4, "alice", "bob", TCP(sport=port, dport=denied, flags="S")) == "security_group_ingress"


def test_more_rules_than_fit_close_the_port(vpc: Vpc) -> None:
    entries = [
        replace(
            entry, guard=Guard(interface="eni-1", owner=2, vpc=VPC, refused="too many", guards4=True, guards_other=True)
        )
        if entry.port.device == "bob"
        else entry
        for entry in vpc.entries
    ]
    plane = Plane(enis={entry.port: entry for entry in entries})
    with pytest.raises(AssertionError):  # the errors are not empty
        vpc.programs.apply(plane, vpc.inner.values())
    assert sent(vpc, IPV4, "alice", "bob", TCP(dport=80, flags="S")) == "rules_missing"


def test_later_fragments_follow_their_first_and_pass_alone_only_where_all_ports_do(vpc: Vpc, port: int) -> None:
    guards(vpc, bob=({"protocol": "udp", "from_port": 53, "to_port": 53, "cidr": "10.0.1.0/24"},))
    pieces = fragment(IP(src=IPV4.alice, dst=IPV4.bob, id=port) / UDP(sport=port, dport=53) / Raw(bytes(2000)), 1000)
    ether = vpc.frame(IPV4, "alice").copy()
    ether.remove_payload()
    assert vpc.verdict_at("alice", ether / pieces[1]) == {"security_group_ingress": 1}
    assert vpc.verdict_at("alice", ether / pieces[0]) == {"eni_forwarded": 1}
    assert vpc.verdict_at("alice", ether / pieces[1]) == {"eni_forwarded": 1}
    guards(vpc, bob=({"protocol": "udp", "from_port": 0, "to_port": 65535, "cidr": "10.0.1.0/24"},))
    alone = fragment(IP(src=IPV4.alice, dst=IPV4.bob, id=port + 1) / UDP() / Raw(bytes(2000)), 1000)[1]
    assert vpc.verdict_at("alice", ether / alone) == {"eni_forwarded": 1}


def test_the_reuse_of_a_closed_flows_ports_needs_a_rule_again(vpc: Vpc, port: int) -> None:
    guards(vpc, bob=(tcp(80, cidr="10.0.1.0/24"),))
    assert sent(vpc, IPV4, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "eni_forwarded"
    assert sent(vpc, IPV4, "bob", "alice", TCP(sport=80, dport=port, flags="RA")) == "eni_forwarded"
    guards(vpc, bob=())
    assert sent(vpc, IPV4, "alice", "bob", TCP(sport=port, dport=80, flags="S")) == "security_group_ingress"


def test_a_flood_to_one_interface_takes_no_flow_of_another(vpc: Vpc, port: int) -> None:
    """The table of this lab has room for 4,096 flows."""
    guards(
        vpc, alice=ALL_OUT, bob=({"protocol": "udp", "from_port": 0, "to_port": 65535, "cidr": IPV4.client + "/32"},)
    )
    mine = [UDP(sport=port, dport=7000 + number) for number in range(40)]
    for layer in mine:
        assert sent(vpc, IPV4, "alice", "client", layer, port="alice") == "eni_forwarded"
    frame = vpc.frame(IPV4, "vpce", source="client", to="bob")
    flood = [bytes(frame / UDP(sport=number % 5000 + 1, dport=number // 5000 + 1)) for number in range(12_000)]
    before = vpc.programs.counters()
    vpc.outer["vpce"].send(*flood)
    assert vpc.settled(before, rows=len(flood))["vpce", "eni_forwarded"] == len(flood)
    for layer in mine:
        answer = UDP(sport=layer.dport, dport=layer.sport)
        assert sent(vpc, IPV4, "client", "alice", answer, port="vpce") == "eni_forwarded"
