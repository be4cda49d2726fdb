"""Settings of interfaces and of what guards them, given by boto3 and seen in packets: groups, ACLs, source checks, tracking, addresses.

The walk over settings (tests/standing) names these tests; every test but the last, which ends a host, leaves the lab as it found it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import EVERYTHING, WEB, allowed, image
from .server import REGION, Server, until

HOLDER = str(Path(__file__).with_name("held_flows.py"))
SILENT_S = 33
"""Longer than what is tracked without a time of its own is remembered, which is 30 s, and shorter than 60 s."""
CONNECT = """import socket, sys
one = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
one.settimeout(0.5)
sys.exit(one.connect_ex((sys.argv[1], int(sys.argv[2]))) not in (0, 111))
"""
PINGS: list[dict[str, Any]] = [
    {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    {"IpProtocol": "icmpv6", "FromPort": -1, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    allowed("tcp", 80, "0.0.0.0/0"),
]
TRACKED = {"UdpTimeout": 60}


class Lab:
    """Hosts in two zones: alice and bob send and let nothing in; what carol lets in, her group `door`, is for the tests to say."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.account = server.account("settings")
        self.ec2 = ec2 = server.client("ec2", "settings")
        made = ec2.create_vpc(CidrBlock="10.6.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        self.vpc = made["VpcId"]
        self.block = made["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=self.vpc)
        (main,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"]
        self.table = main["RouteTableId"]
        ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
        self.near, self.far = self.subnet("10.6.0.0/24", 0, "a"), self.subnet("10.6.1.0/24", 1, "b")
        self.closed, self.outer, self.door, self.pinged = map(self.group, ("closed", "outer", "door", "pinged"))
        ec2.authorize_security_group_ingress(GroupId=self.pinged, IpPermissions=PINGS)
        self.alice6 = self.ipv6(0, 0xA)
        self.alice = self.run(
            InstanceType="c5.xlarge",
            SubnetId=self.near,
            PrivateIpAddress="10.6.0.10",
            Ipv6Addresses=[{"Ipv6Address": self.alice6}],
            SecurityGroupIds=[self.closed],
        )
        self.bob = self.run(
            InstanceType="t3.micro",
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.near,
                    "PrivateIpAddress": "10.6.0.20",
                    "Groups": [self.outer],
                    "ConnectionTrackingSpecification": TRACKED,
                }
            ],
        )
        self.carol6 = self.ipv6(1, 0xC)
        self.carol = self.run(
            InstanceType="t3.micro",
            SubnetId=self.far,
            PrivateIpAddress="10.6.1.30",
            Ipv6Addresses=[{"Ipv6Address": self.carol6}],
            SecurityGroupIds=[self.door],
        )
        # Two more interfaces of alice: one made with a time of its own, and one that is told it later.
        self.made = self.interface(
            1, self.near, ConnectionTrackingSpecification=TRACKED, Ipv6Addresses=[{"Ipv6Address": self.ipv6(0, 0xB)}]
        )
        self.told = self.interface(2, self.near)
        ec2.modify_network_interface_attribute(
            NetworkInterfaceId=self.told["NetworkInterfaceId"], ConnectionTrackingSpecification=TRACKED
        )
        ec2.modify_subnet_attribute(SubnetId=self.near, AssignIpv6AddressOnCreation={"Value": True})
        self.born = self.interface(3, self.near)
        ec2.modify_subnet_attribute(SubnetId=self.near, AssignIpv6AddressOnCreation={"Value": False})

    def subnet(self, cidr: str, number: int, zone: str) -> str:
        made = self.ec2.create_subnet(
            VpcId=self.vpc,
            CidrBlock=cidr,
            Ipv6CidrBlock=self.block.replace("00::/56", f"{number:02x}::/64"),
            AvailabilityZone=REGION + zone,
        )
        return str(made["Subnet"]["SubnetId"])

    def ipv6(self, subnet: int, host: int) -> str:
        return str(self.block.replace("00::/56", f"{subnet:02x}::{host:x}"))

    def group(self, name: str) -> str:
        return str(self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"])

    def run(self, **asked: Any) -> str:
        launched = self.ec2.run_instances(ImageId=image(self.ec2, "linux"), MinCount=1, MaxCount=1, **asked)
        instance = str(launched["Instances"][0]["InstanceId"])
        self.wait("instance_running", instance)
        return instance

    def wait(self, state: str, *instances: str) -> None:
        self.ec2.get_waiter(state).wait(InstanceIds=list(instances), WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def interface(self, index: int, subnet: str, **asked: Any) -> dict[str, Any]:
        """A new one of alice's with two addresses, that lets pings in."""
        made = self.ec2.create_network_interface(
            SubnetId=subnet, Groups=[self.pinged], SecondaryPrivateIpAddressCount=1, **asked
        )["NetworkInterface"]
        self.ec2.attach_network_interface(
            NetworkInterfaceId=made["NetworkInterfaceId"], InstanceId=self.alice, DeviceIndex=index
        )
        for one in made["PrivateIpAddresses"]:
            address = one["PrivateIpAddress"]
            until(lambda a=address: a in self.server.inside(self.alice, "ip", "address").stdout, what="alice has it")
        return dict(made)

    def first(self, instance: str) -> dict[str, Any]:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return dict(found["NetworkInterfaces"][0])

    def tcp(self, box: str, address: str, port: int) -> bool:
        """Whether somebody accepts or refuses; what is dropped is neither."""
        return self.server.inside(box, sys.executable, "-c", CONNECT, address, str(port)).returncode == 0

    def ping(self, box: str, address: str, *, source: str = "") -> bool:
        by = ("-I", source) if source else ()
        return self.server.inside(box, "ping", "-c1", "-W1", *by, address).returncode == 0

    def opens(self, box: str, address: str, port: int) -> None:
        until(lambda: self.tcp(box, address, port), what=f"{address}:{port} is open", seconds=10)

    def shuts(self, box: str, address: str, port: int) -> None:
        until(lambda: not self.tcp(box, address, port), what=f"{address}:{port} is shut", seconds=10)


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    return Lab(server)


CAROL = "10.6.1.30"
BOB = "10.6.0.20"


@pytest.fixture(scope="module")
def held(lab: Lab) -> Iterator[tuple[float, dict[str, subprocess.Popen[str]]]]:
    """When alice and bob sent the first datagrams of flows to carol, and the processes that tell of answers."""
    started = {
        box: lab.server.spawn(box, sys.executable, HOLDER, CAROL, *addresses)
        for box, addresses in (
            (lab.alice, ("10.6.0.10", lab.made["PrivateIpAddress"], lab.told["PrivateIpAddress"])),
            (lab.bob, (BOB,)),
        )
    }
    try:
        for one in started.values():
            assert one.stdout is not None and one.stdout.readline() == "sent\n"
        yield time.monotonic(), started
    finally:
        for one in started.values():
            one.kill()
            one.wait()


@pytest.mark.usefixtures("held")
def test_rules_in_the_old_form_let_in_and_out_until_they_are_revoked(lab: Lab) -> None:
    lab.shuts(lab.alice, CAROL, 80)
    old = {"GroupId": lab.door, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIp": "10.6.0.0/24"}
    lab.ec2.authorize_security_group_ingress(**old)
    lab.opens(lab.alice, CAROL, 81)
    assert not lab.tcp(lab.alice, CAROL, 82)
    lab.ec2.revoke_security_group_ingress(**old)
    lab.shuts(lab.alice, CAROL, 81)
    source = {"GroupId": lab.door, "SourceSecurityGroupName": "closed", "SourceSecurityGroupOwnerId": lab.account}
    lab.ec2.authorize_security_group_ingress(**source)
    lab.opens(lab.alice, CAROL, 7)
    assert not lab.tcp(lab.bob, CAROL, 7)
    lab.ec2.revoke_security_group_ingress(**source)
    lab.shuts(lab.alice, CAROL, 7)


def test_permissions_name_blocks_of_both_families_and_groups_each_way(lab: Lab) -> None:
    from_bob = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": lab.outer}]}
    six = {"IpProtocol": "tcp", "FromPort": 6, "ToPort": 6, "Ipv6Ranges": [{"CidrIpv6": f"{lab.alice6}/128"}]}
    given = lab.ec2.authorize_security_group_ingress(GroupId=lab.door, IpPermissions=[from_bob, six])
    ids = [rule["SecurityGroupRuleId"] for rule in given["SecurityGroupRules"]]
    lab.opens(lab.bob, CAROL, 7)
    lab.opens(lab.alice, lab.carol6, 6)
    assert not lab.tcp(lab.alice, lab.carol6, 7) and not lab.tcp(lab.alice, CAROL, 6)
    # What bob may send.
    lab.ec2.revoke_security_group_egress(
        GroupId=lab.outer, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    lab.shuts(lab.bob, CAROL, 7)
    out = {"IpProtocol": "tcp", "FromPort": 7, "ToPort": 7, "UserIdGroupPairs": [{"GroupId": lab.door}]}
    (allowed_out,) = lab.ec2.authorize_security_group_egress(GroupId=lab.outer, IpPermissions=[out])[
        "SecurityGroupRules"
    ]
    lab.opens(lab.bob, CAROL, 7)
    assert not lab.tcp(lab.bob, CAROL, 8)
    lab.ec2.revoke_security_group_egress(GroupId=lab.outer, SecurityGroupRuleIds=[allowed_out["SecurityGroupRuleId"]])
    lab.shuts(lab.bob, CAROL, 7)
    lab.ec2.authorize_security_group_egress(
        GroupId=lab.outer, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    lab.opens(lab.bob, CAROL, 7)
    lab.ec2.revoke_security_group_ingress(GroupId=lab.door, SecurityGroupRuleIds=ids)
    lab.shuts(lab.bob, CAROL, 7)
    lab.shuts(lab.alice, lab.carol6, 6)


def test_a_rule_that_is_modified_lets_in_what_it_says_now(lab: Lab) -> None:
    given = lab.ec2.authorize_security_group_ingress(
        GroupId=lab.door, IpPermissions=[allowed("tcp", 80, "10.6.0.0/24")]
    )
    rule = given["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    lab.opens(lab.alice, CAROL, 80)
    for other in (
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.6.0.10/32"},
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "ReferencedGroupId": lab.closed},
    ):
        lab.ec2.modify_security_group_rules(
            GroupId=lab.door, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": other}]
        )
        lab.shuts(lab.alice, CAROL, 80)
        lab.opens(lab.alice, CAROL, 443)
        assert not lab.tcp(lab.bob, CAROL, 443)
    six = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv6": "::/0"}
    lab.ec2.modify_security_group_rules(
        GroupId=lab.door, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": six}]
    )
    lab.shuts(lab.alice, CAROL, 443)
    lab.opens(lab.alice, lab.carol6, 443)
    lab.ec2.revoke_security_group_ingress(GroupId=lab.door, SecurityGroupRuleIds=[rule])
    lab.shuts(lab.alice, lab.carol6, 443)


def test_an_acl_of_ones_own_lets_through_what_its_entries_say_as_long_as_the_subnet_has_it(lab: Lab) -> None:
    ec2 = lab.ec2
    ec2.authorize_security_group_ingress(GroupId=lab.door, IpPermissions=[EVERYTHING])
    lab.opens(lab.alice, CAROL, 80)
    acl = ec2.create_network_acl(VpcId=lab.vpc)["NetworkAcl"]["NetworkAclId"]

    def entry(number: int, protocol: str, **more: Any) -> dict[str, Any]:
        wanted = {"RuleAction": "allow", "Egress": False, "CidrBlock": "10.6.0.0/24", **more}
        if "Ipv6CidrBlock" in more:
            del wanted["CidrBlock"]
        return {"NetworkAclId": acl, "RuleNumber": number, "Protocol": protocol, **wanted}

    ec2.create_network_acl_entry(**entry(100, "6", PortRange={"From": 80, "To": 80}))
    ec2.create_network_acl_entry(**entry(110, "1", IcmpTypeCode={"Type": 8, "Code": -1}))
    ec2.create_network_acl_entry(**entry(120, "58", Ipv6CidrBlock="::/0", IcmpTypeCode={"Type": 128, "Code": -1}))
    ec2.create_network_acl_entry(**entry(100, "-1", Egress=True, CidrBlock="0.0.0.0/0"))
    ec2.create_network_acl_entry(**entry(110, "-1", Egress=True, Ipv6CidrBlock="::/0"))
    of_subnet = [{"Name": "association.subnet-id", "Values": [lab.far]}]
    (default,) = ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
    (mine,) = [one for one in default["Associations"] if one["SubnetId"] == lab.far]
    moved = ec2.replace_network_acl_association(AssociationId=mine["NetworkAclAssociationId"], NetworkAclId=acl)
    try:
        lab.shuts(lab.alice, CAROL, 81)
        assert lab.tcp(lab.alice, CAROL, 80)
        assert lab.ping(lab.alice, CAROL) and lab.ping(lab.alice, lab.carol6, source=lab.alice6)
        # The same numbers, saying something else.
        ec2.replace_network_acl_entry(**entry(100, "6", PortRange={"From": 81, "To": 81}, CidrBlock="10.6.0.10/32"))
        ec2.replace_network_acl_entry(**entry(110, "1", IcmpTypeCode={"Type": 13, "Code": -1}))
        ec2.replace_network_acl_entry(**entry(120, "-1", RuleAction="deny", Ipv6CidrBlock="::/0"))
        lab.opens(lab.alice, CAROL, 81)
        assert not lab.tcp(lab.alice, CAROL, 80) and not lab.tcp(lab.bob, CAROL, 81)
        assert not lab.ping(lab.alice, CAROL) and not lab.ping(lab.alice, lab.carol6)
        # Answers need an entry of their own.
        ec2.replace_network_acl_entry(**entry(100, "6", Egress=True, PortRange={"From": 1, "To": 2}))
        lab.shuts(lab.alice, CAROL, 81)
        ec2.replace_network_acl_entry(**entry(100, "-1", Egress=True, CidrBlock="0.0.0.0/0"))
        lab.opens(lab.alice, CAROL, 81)
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=True)
        lab.shuts(lab.alice, CAROL, 81)
        ec2.create_network_acl_entry(**entry(100, "-1", Egress=True, CidrBlock="0.0.0.0/0"))
        lab.opens(lab.alice, CAROL, 81)
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=False)
        lab.shuts(lab.alice, CAROL, 81)
    finally:
        ec2.replace_network_acl_association(
            AssociationId=moved["NewAssociationId"], NetworkAclId=default["NetworkAclId"]
        )
        lab.opens(lab.alice, CAROL, 80)
        ec2.delete_network_acl(NetworkAclId=acl)
        ec2.revoke_security_group_ingress(GroupId=lab.door, IpPermissions=[EVERYTHING])


def test_an_interfaces_addresses_answer_as_its_groups_allow(lab: Lab) -> None:
    """Addresses that were counted, named, or given by the subnet; groups from its making, and other ones later."""
    made, born = lab.made, lab.born
    addresses = [one["PrivateIpAddress"] for each in (made, born) for one in each["PrivateIpAddresses"]]
    assert len(addresses) == 4
    six = [each["Ipv6Addresses"][0]["Ipv6Address"] for each in (made, born)]
    assert six[0] == lab.ipv6(0, 0xB)
    for address in (*addresses, *six):
        until(lambda a=address: lab.ping(lab.carol, a), what=f"{address} answers", seconds=10)
    assert not lab.ping(lab.carol, "10.6.0.10")
    interface = made["NetworkInterfaceId"]
    lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[lab.closed])
    until(lambda: not lab.ping(lab.carol, addresses[0]), what="the other group lets nothing in", seconds=10)
    lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[lab.pinged])
    until(lambda: lab.ping(lab.carol, addresses[0]), what="the first group again", seconds=10)


def test_only_an_interface_whose_source_and_destination_are_not_checked_carries_others_traffic(lab: Lab) -> None:
    ec2, behind = lab.ec2, "10.99.0.1"
    interface = lab.first(lab.bob)["NetworkInterfaceId"]
    ec2.modify_instance_attribute(InstanceId=lab.bob, Groups=[lab.pinged])
    lab.server.inside(lab.bob, "ip", "address", "add", f"{behind}/32", "dev", "lo")
    ec2.create_route(RouteTableId=lab.table, DestinationCidrBlock="10.99.0.0/16", InstanceId=lab.bob)
    until(lambda: lab.ping(lab.carol, BOB), what="bob's new group lets pings in", seconds=10)
    assert not lab.ping(lab.carol, behind)
    whole = {"InstanceId": lab.bob}
    one = {"NetworkInterfaceId": interface}
    for switched_off, back in (
        (
            lambda: ec2.modify_instance_attribute(**whole, SourceDestCheck={"Value": False}),
            lambda: ec2.reset_instance_attribute(**whole, Attribute="sourceDestCheck"),
        ),
        (
            lambda: ec2.modify_instance_attribute(**whole, Attribute="sourceDestCheck", Value="false"),
            lambda: ec2.modify_instance_attribute(**whole, Attribute="sourceDestCheck", Value="true"),
        ),
        (
            lambda: ec2.modify_network_interface_attribute(**one, SourceDestCheck={"Value": False}),
            lambda: ec2.reset_network_interface_attribute(**one, SourceDestCheck="true"),
        ),
    ):
        switched_off()
        until(lambda: lab.ping(lab.carol, behind), what="what is behind bob answers", seconds=10)
        back()
        until(lambda: not lab.ping(lab.carol, behind), what="it is checked again", seconds=10)
    ec2.delete_route(RouteTableId=lab.table, DestinationCidrBlock="10.99.0.0/16")
    ec2.modify_instance_attribute(InstanceId=lab.bob, Groups=[lab.outer])


def test_an_interface_gets_a_public_address_once_told_to(lab: Lab) -> None:
    interface = lab.first(lab.carol)["NetworkInterfaceId"]
    assert "Association" not in lab.first(lab.carol)
    lab.ec2.authorize_security_group_ingress(GroupId=lab.door, IpPermissions=[EVERYTHING])
    lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, AssociatePublicIpAddress=True)
    address = lab.first(lab.carol)["Association"]["PublicIp"]
    until(lambda: lab.ping("internet", address), what="it answers from the internet", seconds=10)
    lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, AssociatePublicIpAddress=False)
    until(lambda: not lab.ping("internet", address), what="nobody has it any more", seconds=10)
    lab.ec2.revoke_security_group_ingress(GroupId=lab.door, IpPermissions=[EVERYTHING])


def test_an_interface_endpoint_is_reached_in_its_subnets_by_whom_its_groups_allow(lab: Lab) -> None:
    ec2 = lab.ec2
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.sts",
        VpcId=lab.vpc,
        SubnetIds=[lab.near],
        SecurityGroupIds=[lab.closed],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]["VpcEndpointId"]

    def shown() -> dict[str, Any]:
        return dict(ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0])

    def addresses() -> list[str]:
        found = ec2.describe_network_interfaces(NetworkInterfaceIds=shown()["NetworkInterfaceIds"])
        return [one["PrivateIpAddress"] for one in found["NetworkInterfaces"]]

    until(lambda: shown()["State"] == "available", what="the endpoint is available")
    (first,) = addresses()
    assert not lab.tcp(lab.bob, first, 80)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSecurityGroupIds=[lab.pinged])
    lab.opens(lab.bob, first, 80)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddSubnetIds=[lab.far])
    (second,) = set(addresses()) - {first}
    lab.opens(lab.bob, second, 80)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSubnetIds=[lab.near])
    lab.shuts(lab.bob, first, 80)
    assert lab.tcp(lab.bob, second, 80)
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveSecurityGroupIds=[lab.pinged])
    lab.shuts(lab.bob, second, 80)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])


def test_default_subnets_that_are_made_again_give_their_instances_what_default_subnets_give(lab: Lab) -> None:
    """In an account of its own, whose default VPC is made again too."""
    lab.server.account("defaults")
    ec2 = lab.server.client("ec2", "defaults")
    is_default = [{"Name": "is-default", "Values": ["true"]}]
    (old,) = ec2.describe_vpcs(Filters=is_default)["Vpcs"]
    within = [{"Name": "vpc-id", "Values": [old["VpcId"]]}]
    for subnet in ec2.describe_subnets(Filters=within)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    attached = [{"Name": "attachment.vpc-id", "Values": [old["VpcId"]]}]
    for gateway in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=old["VpcId"])
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=old["VpcId"])
    vpc = ec2.create_default_vpc()["Vpc"]["VpcId"]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    made = [
        ec2.create_default_subnet(AvailabilityZone=f"{REGION}a"),
        ec2.create_default_subnet(AvailabilityZoneId="apne2-az2"),
    ]
    ec2.create_security_group(GroupName="pinged", Description="pings")
    ec2.authorize_security_group_ingress(GroupName="pinged", IpPermissions=PINGS)
    hosts = [
        ec2.run_instances(
            ImageId=image(ec2, "linux"),
            MinCount=1,
            MaxCount=1,
            SecurityGroups=[group],
            Placement={"AvailabilityZone": each["Subnet"]["AvailabilityZone"]},
        )["Instances"][0]["InstanceId"]
        for each, group in zip(made, ("pinged", "default"), strict=True)
    ]
    ec2.get_waiter("instance_running").wait(InstanceIds=hosts, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    found = ec2.describe_instances(InstanceIds=hosts)["Reservations"]
    shown = {one["InstanceId"]: one for each in found for one in each["Instances"]}
    public = [shown[host]["PublicIpAddress"] for host in hosts]
    until(lambda: lab.ping("internet", public[0]), what="the first answers", seconds=10)
    assert not lab.ping("internet", public[1]), "the default group lets in its own members only"
    ec2.modify_instance_attribute(InstanceId=hosts[1], Groups=shown_groups(shown[hosts[0]]))
    until(lambda: lab.ping("internet", public[1]), what="the second answers", seconds=10)


def shown_groups(instance: dict[str, Any]) -> list[str]:
    return [str(group["GroupId"]) for group in instance["SecurityGroups"]]


def test_a_silent_flow_is_remembered_for_as_long_as_its_interface_was_told(
    lab: Lab, held: tuple[float, dict[str, subprocess.Popen[str]]]
) -> None:
    """Told at the launch, at the interface's making, and later; alice's first interface was told nothing."""
    began, processes = held
    time.sleep(max(0.0, began + SILENT_S - time.monotonic()))
    told = [BOB, lab.made["PrivateIpAddress"], lab.told["PrivateIpAddress"]]
    answer = (
        "import socket, sys\none = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\none.bind(('', 9000))\n"
        "for each in sys.argv[1:]: one.sendto(b'answer', (each, 5000))\n"
    )
    lab.server.inside(lab.carol, sys.executable, "-c", answer, "10.6.0.10", *told)
    came = [lines(processes[lab.bob], 1), lines(processes[lab.alice], 2)]
    assert sorted(came[0] + came[1]) == sorted(told)
    processes[lab.alice].terminate()
    left = processes[lab.alice].stdout
    assert left is not None and left.read() == ""


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_a_stopped_instance_takes_another_size_and_script_and_its_interface_can_outlive_it(lab: Lab) -> None:
    ec2, bob = lab.ec2, {"InstanceId": lab.bob}
    first = lab.first(lab.bob)
    ec2.modify_instance_attribute(**bob, Groups=[lab.pinged])
    ec2.stop_instances(InstanceIds=[lab.bob], Force=True)
    lab.wait("instance_stopped", lab.bob)
    ec2.modify_instance_attribute(**bob, InstanceType={"Value": "c5.xlarge"})
    ec2.modify_instance_attribute(**bob, UserData={"Value": WEB.encode()})
    ec2.start_instances(InstanceIds=[lab.bob])
    lab.wait("instance_running", lab.bob)
    served = ("curl", "-s", "-o", "/dev/null", "-m", "1", f"http://{BOB}/")
    until(
        lambda: lab.server.inside(lab.carol, *served).returncode == 0, what="the new script serves a page", seconds=20
    )
    for index in (1, 2):  # one more than the first size has room for
        more = ec2.create_network_interface(SubnetId=lab.near, Groups=[lab.pinged])["NetworkInterface"]
        ec2.attach_network_interface(NetworkInterfaceId=more["NetworkInterfaceId"], DeviceIndex=index, **bob)
        until(
            lambda a=more: lab.ping(lab.carol, a["PrivateIpAddress"]), what="the further interface answers", seconds=10
        )
    kept = {"AttachmentId": first["Attachment"]["AttachmentId"], "DeleteOnTermination": False}
    ec2.modify_network_interface_attribute(NetworkInterfaceId=first["NetworkInterfaceId"], Attachment=kept)
    ec2.terminate_instances(InstanceIds=[lab.bob])
    lab.wait("instance_terminated", lab.bob)
    dave = lab.run(NetworkInterfaces=[{"DeviceIndex": 0, "NetworkInterfaceId": first["NetworkInterfaceId"]}])
    until(lambda: lab.ping(lab.carol, BOB), what=f"{dave} answers with what bob's interface was", seconds=10)
