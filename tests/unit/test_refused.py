"""Which group or ACL entry is named for a packet that the programs refused."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import (
    NetworkAcl,
    NetworkAclAssociation,
    NetworkAclEntry,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
)
from opengwlb.observe import refused
from opengwlb.policy import refusals
from opengwlb.policy.refusals import Asked

OWNER: dict[str, Any] = {"account": "1", "region": "r"}
VPC = "vpc-0aa"


def interface(name: str, address: str, *groups: str, **more: Any) -> NetworkInterface:
    return NetworkInterface(
        id=name, **OWNER, vpc=VPC, subnet=f"subnet-{name}", zone="a", mac="", groups=groups, private_ip=address, **more
    )


WEB = interface(
    "eni-web", "10.0.1.10", "sg-web", "sg-more", further_ips=("10.0.1.11",), ipv6_addresses=("2001:db8::10",)
)
DB = interface("eni-db", "10.0.2.20", "sg-db")
ACL = NetworkAcl(
    id="acl-1",
    **OWNER,
    vpc=VPC,
    entries=(
        NetworkAclEntry(
            number=90, egress=False, allow=False, protocol="6", cidr="10.0.2.0/24", from_port=22, to_port=23
        ),
        NetworkAclEntry(
            number=100, egress=False, allow=True, protocol="6", cidr="0.0.0.0/0", from_port=0, to_port=1023
        ),
    ),
    associations=(NetworkAclAssociation(id="aclassoc-1", subnet="subnet-eni-web"),),
)


def view(*more: Any) -> Snapshot:
    return Snapshot(1, {}).supposing(WEB, DB, ACL, *more)


def reason(verdict: str, packet: Packet, *, entered_by: str = "eni-db", of: Snapshot | None = None) -> str:
    return refused.reason(of or view(), verdict, bytes(Ether() / packet), vpc=VPC, entered_by=entered_by)


@pytest.mark.parametrize("address", ["10.0.1.10", "10.0.1.11"])
def test_the_destinations_groups_are_named_by_each_of_its_addresses(address: str) -> None:
    packet = IP(src="10.0.2.20", dst=address) / TCP(sport=40000, dport=443)
    said = reason("security_group_ingress", packet)
    assert said == "None of sg-web, sg-more of eni-web allows tcp port 443 from 10.0.2.20."


def test_the_senders_groups_are_those_of_the_port_it_entered_by_whatever_address_it_says() -> None:
    packet = IP(src="10.0.9.9", dst="10.0.1.10") / UDP(sport=1, dport=53)
    assert reason("security_group_egress", packet) == "None of sg-db of eni-db allows udp port 53 to 10.0.1.10."


def test_icmp_is_named_with_type_and_code_and_ipv6_by_its_addresses() -> None:
    ping = IP(src="10.0.2.20", dst="10.0.1.10") / ICMP(type=13, code=0)
    assert "icmp type 13 code 0 from 10.0.2.20" in reason("security_group_ingress", ping)
    six = IPv6(src="2001:db8::9", dst="2001:db8::10") / TCP(dport=80)
    assert "tcp port 80 from 2001:db8::9" in reason("security_group_ingress", six)


@pytest.mark.parametrize(("port", "named"), [(23, "entry 90"), (22, "entry 90"), (8080, "the last entry, *,")])
def test_an_acls_entry_is_named_by_its_number_and_what_none_matches_by_its_star(port: int, named: str) -> None:
    packet = IP(src="10.0.2.20", dst="10.0.1.10") / TCP(dport=port)
    assert reason("network_acl_ingress", packet) == f"In acl-1 {named} denies tcp port {port} from 10.0.2.20."


def test_what_leaves_an_endpoint_is_denied_by_the_acl_of_the_endpoints_subnet() -> None:
    endpoint = VpcEndpoint(
        id="vpce-1", **OWNER, service="vpce-svc-1", service_name="", vpc=VPC, subnet="subnet-eni-web", zone="a",
        network_interface="eni-3", created=0, load_balancer="lb",
    )  # fmt: skip
    packet = IP(src="192.0.2.1", dst="10.0.2.20") / TCP(dport=80)
    said = reason("network_acl_egress", packet, entered_by="vpce-1", of=view(endpoint))
    assert said == "In acl-1 the last entry, *, denies tcp port 80 to 10.0.2.20."


@pytest.mark.parametrize("frame", [IP(src="10.0.2.20", dst="10.0.7.7") / TCP(), ARP(), IPv6(src="::1", dst="::2")])
def test_nothing_is_said_of_what_the_stored_objects_do_not_tell(frame: Packet) -> None:
    assert reason("security_group_ingress", frame) == ""
    assert reason("network_acl_ingress", frame) == ""


@pytest.mark.parametrize("address", ["10.0.1.10", "10.0.1.11", "2001:db8::10"])
def test_every_address_of_a_member_is_let_in_by_a_rule_for_its_group(address: str) -> None:
    rules = tuple(SecurityGroupRule(id="r", egress=False, protocol="-1", group=one) for one in ("sg-web",))
    group = SecurityGroup(id="sg-db", **OWNER, vpc=VPC, name="db", description="", rules=rules)
    asked = Asked(egress=False, peer=address, protocol=6, port=80)
    assert refusals.groups_allow(view(group), DB, asked)
    stranger = Asked(egress=False, peer="10.0.1.12", protocol=6, port=80)
    assert not refusals.groups_allow(view(group), DB, stranger)
