"""The VPC's name server, question by question."""

from __future__ import annotations

import pytest
from api_harness import Api, refused
from dnslib import DNSRecord

from opengwlb.services.dns import Resolver


class Names:
    """Asks the name server of one VPC."""

    def __init__(self, api: Api, vpc: str) -> None:
        self.resolver = Resolver(store=api.store, vpc=vpc)

    def ask(self, name: str, kind: str = "A") -> tuple[str, list[str]]:
        """(response code, data of the answers)"""
        reply = self.resolver.answer(DNSRecord.question(name, kind).pack(), udp=True)
        assert reply is not None
        found = DNSRecord.parse(reply)
        codes = {0: "NOERROR", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
        return codes[found.header.rcode], [str(record.rdata) for record in found.rr]


@pytest.fixture
def vpc(api: Api) -> str:
    made = str(api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    api.ec2("ModifyVpcAttribute", VpcId=made, EnableDnsHostnames={"Value": True})
    return made


@pytest.fixture
def names(api: Api, vpc: str) -> Names:
    return Names(api, vpc)


def subnet(api: Api, vpc: str, cidr: str = "10.0.1.0/24", zone: str = "a") -> str:
    made = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"ap-northeast-2{zone}")
    return str(made["Subnet"]["SubnetId"])


def interface(api: Api, subnet_id: str) -> str:
    return str(api.ec2("CreateNetworkInterface", SubnetId=subnet_id)["NetworkInterface"]["NetworkInterfaceId"])


def test_addresses_have_names_in_both_directions(api: Api, vpc: str, names: Names):
    interface(api, subnet(api, vpc))
    name = "ip-10-0-1-4.ap-northeast-2.compute.internal"
    assert names.ask(name) == names.ask(name.upper()) == ("NOERROR", ["10.0.1.4"])
    assert names.ask("4.1.0.10.in-addr.arpa", "PTR") == ("NOERROR", [f"{name}."])
    assert names.ask(name, "AAAA") == names.ask("ap-northeast-2.compute.internal") == ("NOERROR", [])
    assert names.ask("ip-10-0-1-5.ap-northeast-2.compute.internal") == ("NXDOMAIN", [])
    assert names.ask("5.1.0.10.in-addr.arpa", "PTR") == names.ask("x.in-addr.arpa", "PTR") == ("NXDOMAIN", [])


def test_a_public_name_is_the_private_address_inside_and_the_public_one_outside(api: Api, vpc: str, names: Names):
    eni = interface(api, subnet(api, vpc))
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    given = api.ec2("AllocateAddress", Domain="vpc")
    api.ec2("AssociateAddress", AllocationId=given["AllocationId"], NetworkInterfaceId=eni)
    name = f"ec2-{given['PublicIp'].replace('.', '-')}.ap-northeast-2.compute.amazonaws.com"
    elsewhere = Names(api, api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    assert names.ask(name) == ("NOERROR", ["10.0.1.4"])
    assert elsewhere.ask(name) == ("NOERROR", [given["PublicIp"]])
    api.ec2("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": False})
    assert names.ask(name) == elsewhere.ask(name) == ("NXDOMAIN", [])


def test_nothing_is_asked_elsewhere(names: Names):
    for name in ("www.example.com", "ec2.ap-northeast-2.amazonaws.com", "com", "."):
        assert names.ask(name)[0] == "NXDOMAIN", name


def test_interface_endpoints_have_names_for_all_zones_for_each_and_privately(api: Api, vpc: str, names: Names):
    zones = {zone: subnet(api, vpc, f"10.0.{place}.0/24", zone) for place, zone in enumerate("ab")}
    made = api.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.ap-northeast-2.ec2",
        VpcId=vpc,
        SubnetIds=list(zones.values()),
    )["VpcEndpoint"]
    every, in_a, in_b, private = (entry["DnsName"] for entry in made["DnsEntries"])
    assert private == "ec2.ap-northeast-2.amazonaws.com" and every.endswith(".ec2.ap-northeast-2.vpce.amazonaws.com")
    assert names.ask(every) == names.ask(private) == ("NOERROR", ["10.0.0.4", "10.0.1.4"])
    assert (names.ask(in_a)[1], names.ask(in_b)[1]) == (["10.0.0.4"], ["10.0.1.4"])
    api.ec2("ModifyVpcEndpoint", VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    assert names.ask(private)[0] == "NXDOMAIN" and names.ask(every)[0] == "NOERROR"
    api.ec2("DeleteVpcEndpoints", VpcEndpointIds=[made["VpcEndpointId"]])
    assert names.ask(every)[0] == "NXDOMAIN"


def test_without_dns_support_every_question_is_refused(api: Api, vpc: str, names: Names):
    api.ec2("ModifyVpcAttribute", VpcId=vpc, EnableDnsSupport={"Value": False})
    assert names.ask("instance-data.ap-northeast-2.compute.internal") == ("REFUSED", [])


def test_what_is_no_question_gets_no_answer_and_long_answers_ask_for_tcp(api: Api, vpc: str, names: Names):
    assert names.resolver.answer(b"", udp=True) is None
    assert names.resolver.answer(b"\0" * 11, udp=True) is None
    query = DNSRecord.question("a.b")
    query.header.qr = 1
    assert names.resolver.answer(query.pack(), udp=True) is None
    query = DNSRecord.question("a.b")
    query.header.opcode = 5
    reply = names.resolver.answer(query.pack(), udp=True)
    assert reply is not None and DNSRecord.parse(reply).header.rcode == 4
    long = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}"
    assert names.ask(long) == ("NXDOMAIN", [])


def test_private_dns_needs_both_attributes_and_one_endpoint_only(api: Api, vpc: str):
    create = {"VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.ap-northeast-2.sts", "VpcId": vpc}
    api.ec2("CreateVpcEndpoint", **create)
    with refused("InvalidParameter", "conflicting DNS domain for sts.ap-northeast-2.amazonaws.com"):
        api.ec2("CreateVpcEndpoint", **create)
    api.ec2("CreateVpcEndpoint", **create, PrivateDnsEnabled=False)
    bare = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    with refused("InvalidParameter", "enableDnsHostnames"):
        api.ec2("CreateVpcEndpoint", **{**create, "VpcId": bare})
