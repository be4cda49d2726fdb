"""Interfaces with several private addresses, VPCs with several blocks: what packets make of them while all runs."""

from __future__ import annotations

from typing import Any

import pytest

from .cloud import image
from .server import REGION, Server, until


class Lab:
    """A VPC with a gateway to the internet, and two instances in one subnet."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ec2 = server.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
        self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        main = self.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"][0]
        self.table = main["RouteTableId"]
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        groups = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])
        self.group = groups["SecurityGroups"][0]["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpProtocol="-1", CidrIp="0.0.0.0/0")
        self.subnet = self.make_subnet("10.5.0.0/24")
        self.one = self.run(
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.subnet,
                    "PrivateIpAddresses": [
                        {"PrivateIpAddress": "10.5.0.10", "Primary": True},
                        {"PrivateIpAddress": "10.5.0.11", "Primary": False},
                    ],
                }
            ]
        )
        self.two = self.run(SubnetId=self.subnet, PrivateIpAddress="10.5.0.20")

    def make_subnet(self, cidr: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}a")
        return str(made["Subnet"]["SubnetId"])

    def run(self, **asked: Any) -> str:
        made = self.ec2.run_instances(ImageId=image(self.ec2, "linux"), MinCount=1, MaxCount=1, **asked)
        instance = str(made["Instances"][0]["InstanceId"])
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return instance

    def interface(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["NetworkInterfaces"][0]["NetworkInterfaceId"])

    def reaches(self, box: str, address: str, *, source: str = "") -> bool:
        by = ("-I", source) if source else ()
        return self.server.inside(box, "ping", "-c1", "-W1", *by, address).returncode == 0


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    return Lab(server)


def test_further_addresses_are_reached_and_may_send_as_long_as_they_are_the_interfaces(lab: Lab) -> None:
    interface = lab.interface(lab.one)
    assert lab.reaches(lab.two, "10.5.0.11")
    assert lab.reaches(lab.one, "10.5.0.20", source="10.5.0.11")
    assert not lab.reaches(lab.two, "10.5.0.12")
    lab.ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.5.0.12"])
    until(lambda: lab.reaches(lab.two, "10.5.0.12"), what="the new address is reached")
    lab.ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.5.0.12"])
    until(lambda: not lab.reaches(lab.two, "10.5.0.12"), what="the address is gone")
    # An address that only the instance thinks to have is caught by the source check.
    lab.server.inside(lab.one, "ip", "address", "add", "10.5.0.13/24", "dev", "eth0")
    try:
        assert not lab.reaches(lab.one, "10.5.0.20", source="10.5.0.13")
    finally:
        lab.server.inside(lab.one, "ip", "address", "del", "10.5.0.13/24", "dev", "eth0")
    assert lab.reaches(lab.two, "10.5.0.10")


def test_each_private_address_has_a_public_one_of_its_own(lab: Lab) -> None:
    interface = lab.interface(lab.one)
    made = [lab.ec2.allocate_address(Domain="vpc") for _ in range(2)]
    for address, private in zip(made, ("10.5.0.10", "10.5.0.11"), strict=True):
        lab.ec2.associate_address(
            AllocationId=address["AllocationId"], NetworkInterfaceId=interface, PrivateIpAddress=private
        )
    for address in made:
        until(lambda a=address: lab.reaches("internet", a["PublicIp"]), what="it answers from the internet")
    lab.ec2.unassign_private_ip_addresses(NetworkInterfaceId=interface, PrivateIpAddresses=["10.5.0.11"])
    until(lambda: not lab.reaches("internet", made[1]["PublicIp"]), what="nobody has it any more")
    assert lab.reaches("internet", made[0]["PublicIp"])
    (free,) = lab.ec2.describe_addresses(AllocationIds=[made[1]["AllocationId"]])["Addresses"]
    assert "AssociationId" not in free


def test_a_counted_address_is_reached_and_follows_its_reassignment(lab: Lab) -> None:
    one, two = lab.interface(lab.one), lab.interface(lab.two)
    (given,) = lab.ec2.assign_private_ip_addresses(NetworkInterfaceId=one, SecondaryPrivateIpAddressCount=1)[
        "AssignedPrivateIpAddresses"
    ]
    address = given["PrivateIpAddress"]
    until(lambda: lab.reaches(lab.two, address), what="the address that was chosen is reached")
    lab.ec2.assign_private_ip_addresses(NetworkInterfaceId=two, PrivateIpAddresses=[address], AllowReassignment=True)
    until(lambda: address in lab.server.inside(lab.two, "ip", "address").stdout, what="the other instance has it")
    assert address not in lab.server.inside(lab.one, "ip", "address").stdout
    until(lambda: lab.reaches(lab.one, address), what="it is reached where it is now")


def test_a_further_block_of_a_vpc_is_routed_until_it_goes(lab: Lab) -> None:
    made = lab.ec2.associate_vpc_cidr_block(VpcId=lab.vpc, CidrBlock="10.77.0.0/16")["CidrBlockAssociation"]
    subnet = lab.make_subnet("10.77.1.0/24")
    three = lab.run(SubnetId=subnet, PrivateIpAddress="10.77.1.10")
    assert lab.reaches(lab.two, "10.77.1.10")
    assert lab.reaches(three, "10.5.0.20")
    lab.ec2.terminate_instances(InstanceIds=[three])
    lab.ec2.get_waiter("instance_terminated").wait(InstanceIds=[three], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    lab.ec2.delete_subnet(SubnetId=subnet)
    lab.ec2.disassociate_vpc_cidr_block(AssociationId=made["AssociationId"])
    (table,) = lab.ec2.describe_route_tables(RouteTableIds=[lab.table])["RouteTables"]
    assert "10.77.0.0/16" not in {route["DestinationCidrBlock"] for route in table["Routes"]}
    routed = ("ip", "route", "show", "table", "1000")
    until(lambda: "10.77.0.0/16" not in lab.server.inside(lab.vpc, *routed).stdout, what="no local route leads there")
