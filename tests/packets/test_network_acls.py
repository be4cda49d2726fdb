"""Network ACLs at the edges of subnets: stateless, in order, at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from scapy.layers.inet import ICMP, TCP, UDP

from opengwlb.model.plane import Guard, Plane
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry
from opengwlb.policy import rules

from .test_security_groups import sent
from .vpc import IPV4, IPV6, Vpc, built


@pytest.fixture(scope="module")
def vpc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vpc]:
    yield from built(tmp_path_factory.mktemp("acls"), first_ifindex=0x53000)


def entry(
    number: int, *, egress: bool = False, allow: bool = True, cidr: str = "0.0.0.0/0", **more: object
) -> NetworkAclEntry:
    wanted = {"protocol": "-1", **more}
    return NetworkAclEntry(number=number, egress=egress, allow=allow, cidr=cidr, **wanted)  # type: ignore[arg-type]


def acl(*entries: NetworkAclEntry) -> NetworkAcl:
    return NetworkAcl(id="acl-1", account="1", region="r", vpc="vpc-1", entries=entries)


def guards(vpc: Vpc, **acls: NetworkAcl) -> None:
    entries = []
    for one in vpc.entries:
        wanted = acls.get(one.port.device)
        guard = (
            Guard(
                interface=one.port.device,
                owner=len(one.port.device),
                vpc=1,
                acl=rules.compile_acl(wanted),
                guards4=True,
                guards6=True,
                guards_other=True,
            )
            if wanted
            else None
        )
        entries.append(replace(one, guard=guard))
    vpc.programs.apply(Plane(enis={one.port: one for one in entries}), vpc.inner.values())


BOTH_WAYS = (entry(100), entry(100, egress=True))


def test_what_no_entry_matches_is_denied_on_the_side_that_it_crosses(vpc: Vpc) -> None:
    guards(vpc, alice=acl(entry(100)))
    assert sent(vpc, IPV4, "alice", "bob", TCP(dport=80, flags="S")) == "network_acl_egress"
    guards(vpc, bob=acl(entry(100, egress=True)))
    assert sent(vpc, IPV4, "alice", "bob", TCP(dport=80, flags="S")) == "network_acl_ingress"
    guards(vpc, bob=acl(entry(100)))
    assert sent(vpc, IPV6, "alice", "bob", TCP(dport=80, flags="S")) == "network_acl_ingress"
    guards(vpc, bob=acl(entry(100), entry(101, cidr="::/0")))
    assert sent(vpc, IPV6, "alice", "bob", TCP(dport=80, flags="S")) == "eni_forwarded"


def test_answers_need_an_entry_of_their_own(vpc: Vpc) -> None:
    guards(vpc, bob=acl(entry(100, protocol="6", from_port=80, to_port=80)))
    assert sent(vpc, IPV4, "alice", "bob", TCP(sport=999, dport=80, flags="S")) == "eni_forwarded"
    assert sent(vpc, IPV4, "bob", "alice", TCP(sport=80, dport=999, flags="SA")) == "network_acl_egress"


def test_the_lowest_number_that_matches_decides(vpc: Vpc) -> None:
    deny, allow = entry(90, allow=False, cidr="10.0.1.10/32"), entry(100)
    guards(vpc, bob=acl(allow, deny))
    assert sent(vpc, IPV4, "alice", "bob", UDP(dport=5)) == "network_acl_ingress"
    guards(vpc, bob=acl(allow, replace(deny, number=110)))
    assert sent(vpc, IPV4, "alice", "bob", UDP(dport=5)) == "eni_forwarded"
    guards(vpc, bob=acl(allow, replace(deny, protocol="17", from_port=6, to_port=9)))
    assert sent(vpc, IPV4, "alice", "bob", UDP(dport=5)) == "eni_forwarded"
    assert sent(vpc, IPV4, "alice", "bob", UDP(dport=9)) == "network_acl_ingress"


def test_icmp_entries_name_type_and_code(vpc: Vpc) -> None:
    guards(vpc, bob=acl(entry(1, protocol="1", icmp_type=8)))
    assert sent(vpc, IPV4, "alice", "bob", ICMP(type=8)) == "eni_forwarded"
    assert sent(vpc, IPV4, "alice", "bob", ICMP(type=13)) == "network_acl_ingress"


def test_what_was_allowed_of_icmp_lets_no_other_type_or_code_of_the_same_identifier_pass(vpc: Vpc) -> None:
    guards(vpc, bob=acl(entry(1, protocol="1", icmp_type=8, icmp_code=0), entry(2, protocol="1", icmp_type=13)))
    for kind, code, verdict in (
        (8, 0, "eni_forwarded"),
        (0, 0, "network_acl_ingress"),
        (8, 1, "network_acl_ingress"),
        (8, 0, "eni_forwarded"),
        (13, 0, "eni_forwarded"),
        (14, 0, "network_acl_ingress"),
    ):
        assert sent(vpc, IPV4, "alice", "bob", ICMP(type=kind, code=code, id=77)) == verdict, (kind, code)


def test_a_change_hits_a_running_flow_with_its_next_packet(vpc: Vpc) -> None:
    guards(vpc, bob=acl(*BOTH_WAYS, entry(50, protocol="17", from_port=1, to_port=2)))
    for _ in range(3):
        assert sent(vpc, IPV4, "alice", "bob", TCP(sport=77, dport=80, flags="A")) == "eni_forwarded"
    guards(vpc, bob=acl(*BOTH_WAYS, entry(50, allow=False, protocol="6", from_port=80, to_port=80)))
    assert sent(vpc, IPV4, "alice", "bob", TCP(sport=77, dport=80, flags="A")) == "network_acl_ingress"
    assert sent(vpc, IPV4, "bob", "alice", TCP(sport=80, dport=77, flags="A")) == "eni_forwarded"


def test_inside_a_subnet_only_a_load_balancers_endpoint_is_met_by_the_acl(vpc: Vpc) -> None:
    """The endpoint `vpce` is in alice's subnet."""
    denied = acl(entry(100, allow=False))
    guards(vpc, alice=denied)
    verdict = sent(vpc, IPV4, "client", "alice", TCP(dport=80, flags="S"), port="vpce")
    assert verdict == "network_acl_ingress"
    # As if alice and bob were neighbours.
    apart = vpc.entries
    vpc.entries = [replace(one, subnet="10.0.0.0/16") if one.port.device in ("alice", "bob") else one for one in apart]
    try:
        guards(vpc, alice=denied, bob=denied)
        assert sent(vpc, IPV4, "alice", "bob", TCP(dport=80, flags="S")) == "eni_forwarded"
    finally:
        vpc.entries = apart
