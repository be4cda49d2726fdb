"""Addresses and network interfaces."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from api_harness import Api, refused
from api_lab import Lab

from opengwlb.api.common.interfaces import make_address, make_network_interface, remove_network_interface
from opengwlb.model.vpc import Address, NetworkInterface, Subnet


@pytest.fixture
def vpc(api: Api) -> str:
    made = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=made)
    return str(made)


@pytest.fixture
def subnet(api: Api, vpc: str) -> str:
    return str(api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"])


def make_interface(api: Api, subnet: str, **more: object) -> str:
    return api.ec2("CreateNetworkInterface", SubnetId=subnet, **more)["NetworkInterface"]["NetworkInterfaceId"]


def shown(api: Api, interface: str) -> dict[str, object]:
    return api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]


def test_no_two_accounts_get_the_same_public_address(api: Api):
    mine = {api.ec2("AllocateAddress")["PublicIp"] for _ in range(3)}
    theirs = {api.of("222222222222").ec2("AllocateAddress")["PublicIp"] for _ in range(3)}
    assert len(mine | theirs) == 6
    assert all(ip_address(each) in ip_network("198.18.0.0/15") for each in mine | theirs)


def test_an_associated_address_is_seen_on_both_sides(api: Api, subnet: str):
    interface = make_interface(api, subnet)
    allocated = api.ec2("AllocateAddress")
    made = api.ec2("AssociateAddress", AllocationId=allocated["AllocationId"], NetworkInterfaceId=interface)
    (address,) = api.ec2("DescribeAddresses", AllocationIds=[allocated["AllocationId"]])["Addresses"]
    assert address["AssociationId"] == made["AssociationId"]
    assert address["PrivateIpAddress"] == "10.0.1.4"
    assert shown(api, interface)["Association"]["PublicIp"] == allocated["PublicIp"]
    for name, value in (("association.public-ip", allocated["PublicIp"]), ("addresses.primary", "true")):
        found = api.ec2("DescribeNetworkInterfaces", Filters=[{"Name": name, "Values": [value]}])
        assert [each["NetworkInterfaceId"] for each in found["NetworkInterfaces"]] == [interface]


def test_an_address_in_use_is_neither_released_nor_detached_from_its_network(api: Api, vpc: str, subnet: str):
    interface = make_interface(api, subnet)
    allocation = api.ec2("AllocateAddress")["AllocationId"]
    association = api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=interface)["AssociationId"]
    with refused("InvalidIPAddress.InUse"):
        api.ec2("ReleaseAddress", AllocationId=allocation)
    (gateway,) = api.ec2("DescribeInternetGateways", Filters=[{"Name": "attachment.vpc-id", "Values": [vpc]}])[
        "InternetGateways"
    ]
    with refused("DependencyViolation", "mapped public address"):
        api.ec2("DetachInternetGateway", InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    api.ec2("DisassociateAddress", AssociationId=association)
    api.ec2("ReleaseAddress", AllocationId=allocation)
    with refused("InvalidAllocationID.NotFound"):
        api.ec2("DescribeAddresses", AllocationIds=[allocation])


def test_an_address_moves_unless_that_was_forbidden(api: Api, subnet: str):
    one, other = make_interface(api, subnet), make_interface(api, subnet)
    allocation = api.ec2("AllocateAddress")["AllocationId"]
    api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=one)
    with refused("Resource.AlreadyAssociated"):
        api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=other, AllowReassociation=False)
    api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=other)
    assert "Association" not in shown(api, one)
    assert "Association" in shown(api, other)


def test_a_network_without_a_gateway_takes_no_address(api: Api):
    lonely = api.ec2("CreateVpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = api.ec2("CreateSubnet", VpcId=lonely, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    allocation = api.ec2("AllocateAddress")["AllocationId"]
    with refused("Gateway.NotAttached", lonely):
        api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=make_interface(api, subnet))


def test_an_automatic_address_belongs_to_the_service(api: Api, subnet: str):
    interface = make_interface(api, subnet)
    api.store.transact(lambda tx: make_address(api.context(), tx, network_interface=interface, automatic=True))
    assert api.ec2("DescribeAddresses")["Addresses"] == []
    association = shown(api, interface)["Association"]
    assert (association["IpOwnerId"], "AllocationId" in association) == ("amazon", False)
    elastic = api.ec2("AllocateAddress")
    api.ec2("AssociateAddress", AllocationId=elastic["AllocationId"], NetworkInterfaceId=interface)
    assert shown(api, interface)["Association"]["PublicIp"] == elastic["PublicIp"]
    assert [each.automatic for each in api.store.snapshot().values(Address)] == [False]


def test_a_removed_interface_frees_its_elastic_address(api: Api, subnet: str):
    interface = make_interface(api, subnet)
    allocation = api.ec2("AllocateAddress")["AllocationId"]
    api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=interface)

    def remove(tx) -> None:
        remove_network_interface(tx, tx.get(NetworkInterface, interface))

    api.store.transact(remove)
    (address,) = api.ec2("DescribeAddresses")["Addresses"]
    assert "AssociationId" not in address


def test_an_unknown_public_address_is_named(api: Api):
    with refused("InvalidAddress.NotFound", "198.19.0.1"):
        api.ec2("DescribeAddresses", PublicIps=["198.19.0.1"])


def test_a_node_of_a_load_balancer_is_in_use_and_not_the_callers_to_change(api: Api, subnet: str):
    def make(tx) -> NetworkInterface:
        return make_network_interface(
            api.context(),
            tx,
            subnet=tx.get(Subnet, subnet),
            interface_type="gateway_load_balancer",
            requester_id="amazon-elb",
            description="ELB gwy/lb/0123456789abcdef",
        )

    node = api.store.transact(make)
    (found,) = api.ec2(
        "DescribeNetworkInterfaces", Filters=[{"Name": "interface-type", "Values": ["gateway_load_balancer"]}]
    )["NetworkInterfaces"]
    assert (found["NetworkInterfaceId"], found["Status"], found["RequesterManaged"]) == (node.id, "in-use", True)
    assert found["Attachment"]["InstanceOwnerId"] == "amazon-aws"
    with refused("AuthFailure"):
        api.ec2("DeleteNetworkInterface", NetworkInterfaceId=node.id)
    with refused("AuthFailure"):
        api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=node.id, SourceDestCheck={"Value": False})


def test_interface_attributes_are_changed_one_at_a_time(api: Api, vpc: str, subnet: str):
    interface = make_interface(api, subnet)
    group = api.ec2("CreateSecurityGroup", GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
    api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Groups=[group])
    api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, Description={"Value": "outside"})
    now = shown(api, interface)
    assert (now["SourceDestCheck"], now["Description"]) == (False, "outside")
    assert now["Groups"] == [{"GroupId": group, "GroupName": "web"}]
    one = api.ec2("DescribeNetworkInterfaceAttribute", NetworkInterfaceId=interface, Attribute="sourceDestCheck")
    assert one["SourceDestCheck"] == {"Value": False}
    with refused("InvalidParameterCombination"):
        api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface)
    with refused("DependencyViolation", group):
        api.ec2("DeleteSecurityGroup", GroupId=group)


def test_an_interface_takes_groups_of_its_own_vpc_only(api: Api, subnet: str):
    other = api.ec2("CreateVpc", CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = api.ec2("CreateSecurityGroup", GroupName="web", Description="web", VpcId=other)["GroupId"]
    with refused("InvalidParameterValue", "different networks"):
        make_interface(api, subnet, Groups=[group])
    with refused("InvalidGroup.NotFound"):
        make_interface(api, subnet, Groups=["sg-0123456789abcdef0"])


def test_an_address_of_a_full_pool_is_not_made_up(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("opengwlb.policy.addressing.PUBLIC_POOL", ip_network("198.18.0.0/30"))
    api.ec2("AllocateAddress")
    api.ec2("AllocateAddress")
    with refused("AddressLimitExceeded"):
        api.ec2("AllocateAddress")


def test_equal_private_addresses_in_two_vpcs_are_two_interfaces(api: Api, subnet: str):
    twin = api.of("222222222222")
    vpc = twin.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    theirs = twin.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    mine = make_interface(api, subnet)
    other = make_interface(twin, theirs)
    same = [{"Name": "private-ip-address", "Values": ["10.0.1.4"]}]
    found = api.ec2("DescribeNetworkInterfaces", Filters=same)["NetworkInterfaces"]
    assert [each["NetworkInterfaceId"] for each in found] == [mine]
    found = twin.ec2("DescribeNetworkInterfaces", Filters=same)["NetworkInterfaces"]
    assert [each["NetworkInterfaceId"] for each in found] == [other]


def test_the_check_of_the_first_interface_is_the_instances_too(lab: Lab):
    instance = lab.instance()
    (interface,) = instance.network_interfaces
    lab.api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
    stored = lab.api.store.snapshot().get(type(instance), instance.id)
    assert stored == replace(instance, source_dest_check=False)
    with refused("InvalidParameterValue", "in use"):
        lab.api.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface)


def test_an_address_does_not_go_on_a_load_balancers_node(lab: Lab):
    def make(tx) -> NetworkInterface:
        subnet = tx.get(Subnet, lab.app)
        return make_network_interface(lab.api.context(), tx, subnet=subnet, requester_id="amazon-elb")

    node = lab.api.store.transact(make)
    allocation = lab.api.ec2("AllocateAddress")["AllocationId"]
    with refused("OperationNotPermitted"):
        lab.api.ec2("AssociateAddress", AllocationId=allocation, NetworkInterfaceId=node.id)
