"""Uplinks as objects: which NICs may be one, what is behind it, and the network and programs that follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.api import uplinks as calls
from opengwlb.control.uplinks import UplinkReconciler
from opengwlb.model.plane import EniRole
from opengwlb.model.topology import DELIVERY_TABLE, HOST, PortRef
from opengwlb.model.uplinks import Nic, Uplink
from opengwlb.policy import network, status, uplinks
from opengwlb.policy.plane import plane

NIC = Nic(device="eth1", ifindex=7, mac="02:00:00:00:00:07", mtu=9001, up=True, ethernet=True)


@pytest.fixture
def subnet(api: Api) -> dict[str, Any]:
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made: dict[str, Any] = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]
    return made


def add(api: Api, where: dict[str, Any], *addresses: str, nic: Nic | None = NIC, **changes: Any) -> dict[str, Any]:
    asked = calls.Asked(
        device="eth1", vpc=where["VpcId"], subnet=where["SubnetId"], addresses=addresses or ("10.0.1.50",)
    )
    return calls.add(api.store, replace(asked, **changes), nic=nic, now=api.now)


@pytest.mark.parametrize(
    ("nic", "words"),
    [
        (replace(NIC, loopback=True), "loopback"),
        (replace(NIC, ifindex=1_000_005), "OpenGWLB itself"),
        (replace(NIC, ethernet=False), "Ethernet"),
        (replace(NIC, master=True), "bridge or bond"),
        (replace(NIC, default_route=True), "default route"),
        (replace(NIC, up=False), "ip link set eth1 up"),
        (replace(NIC, addresses=("192.0.2.1/24",)), "--force"),
    ],
)
def test_a_nic_that_would_not_do_or_that_the_host_needs_is_refused_in_a_sentence(nic: Nic, words: str) -> None:
    assert words in (uplinks.refusal(nic, force=False) or "")


def test_force_takes_a_nic_with_addresses_but_never_the_one_with_the_default_route() -> None:
    assert uplinks.refusal(replace(NIC, addresses=("192.0.2.1/24",)), force=True) is None
    assert uplinks.refusal(replace(NIC, default_route=True), force=True) is not None


def test_ranges_are_spelled_out_and_bounded() -> None:
    assert uplinks.addresses(("10.0.1.64/30", "10.0.1.66", "10.0.1.9")) == (
        *(f"10.0.1.{host}" for host in range(64, 68)),
        "10.0.1.9",
    )
    for text, words in (("10.0.0.0/16", "at most 256"), ("10.0.1.65/30", "10.0.1.65/30"), ("fd00::1", "IPv4")):
        with pytest.raises(ValueError, match=words):
            uplinks.addresses((text,))


def test_a_small_mtu_is_said_in_advance() -> None:
    assert uplinks.warnings(9001) == []
    assert "1432" in uplinks.warnings(1500)[0] and "1568" in uplinks.warnings(1500)[0]
    assert "2932" in uplinks.warnings(3000)[0]


def test_each_address_behind_it_is_an_interface_in_use_that_nobody_else_gets(api: Api, subnet: dict[str, Any]) -> None:
    made = add(api, subnet, "10.0.1.50", "10.0.1.60/31")
    assert [one["address"] for one in made["addresses"]] == ["10.0.1.50", "10.0.1.60", "10.0.1.61"]
    first = made["addresses"][0]["network_interface"]
    (shown,) = api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=[first])["NetworkInterfaces"]
    assert (shown["Status"], shown["PrivateIpAddress"]) == ("in-use", "10.0.1.50")
    assert "InstanceId" not in shown["Attachment"]
    with refused("InvalidParameterValue", "in use"):
        api.ec2("DeleteNetworkInterface", NetworkInterfaceId=first)
    with refused("InvalidIPAddress.InUse"):
        api.ec2("CreateNetworkInterface", SubnetId=subnet["SubnetId"], PrivateIpAddress="10.0.1.60")
    with refused("DependencyViolation"):
        api.ec2("DeleteSubnet", SubnetId=subnet["SubnetId"])
    again = add(api, subnet, "10.0.1.60", "10.0.1.70")
    assert again["id"] == made["id"] and len(again["addresses"]) == 4


def test_what_cannot_be_an_uplink_changes_nothing(api: Api, subnet: dict[str, Any]) -> None:
    for changes, code in (
        ({"nic": None}, "InvalidParameterValue"),
        ({"nic": replace(NIC, default_route=True)}, "InvalidParameterValue"),
        ({"vpc": "vpc-00000000000000000"}, "InvalidVpcID.NotFound"),
        ({"subnet": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
        ({"addresses": ()}, "MissingParameter"),
        ({"addresses": ("10.0.9.9",)}, "InvalidParameterValue"),
        ({"addresses": ("10.0.1.50", "10.0.1.1")}, "InvalidParameterValue"),
    ):
        with refused(code):
            add(api, subnet, **changes)
    assert calls.listed(api.store.snapshot()) == []
    assert api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"] == []


def test_a_nic_is_the_uplink_of_one_subnet(api: Api, subnet: dict[str, Any]) -> None:
    add(api, subnet)
    other = api.ec2("CreateSubnet", VpcId=subnet["VpcId"], CidrBlock="10.0.2.0/24")["Subnet"]
    with refused("Resource.AlreadyAssociated", "gwlb uplink rm"):
        add(api, other, "10.0.2.50")


def test_removing_takes_the_interfaces_or_one_address_along(api: Api, subnet: dict[str, Any]) -> None:
    made = add(api, subnet, "10.0.1.50", "10.0.1.51")
    left = calls.remove(api.store, "eth1", addresses=("10.0.1.50",))
    assert [one["address"] for one in left["addresses"]] == ["10.0.1.51"] and not left["removed"]
    with refused("InvalidParameterValue", "Not behind"):
        calls.remove(api.store, "eth1", addresses=("10.0.1.50",))
    assert calls.remove(api.store, made["id"])["removed"]
    assert api.ec2("DescribeNetworkInterfaces")["NetworkInterfaces"] == []
    with refused("InvalidUplinkID.NotFound"):
        calls.remove(api.store, "eth1")


def test_the_router_has_the_nics_mac_and_mtu_and_finds_each_address_there(api: Api, subnet: dict[str, Any]) -> None:
    made = add(api, subnet, nic=replace(NIC, mtu=1500))
    interface = made["addresses"][0]["network_interface"]
    table = api.ec2("CreateRouteTable", VpcId=subnet["VpcId"])["RouteTable"]["RouteTableId"]
    api.ec2("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, SourceDestCheck={"Value": False})
    api.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock="192.168.0.0/16", NetworkInterfaceId=interface)
    snapshot = api.store.snapshot()
    wanted = network.topology(snapshot)
    link = wanted.links[made["id"]]
    assert (link.a.mac, link.a.mtu, link.b.box) == (NIC.mac, 1500, HOST)
    ours = {(one.table, one.destination, one.via) for one in wanted.routes if one.device == link.a.device}
    assert (DELIVERY_TABLE, "10.0.1.50/32", None) in ours
    assert any(route[1:] == ("192.168.0.0/16", "10.0.1.50") for route in ours)
    entry = plane(snapshot, wanted).enis[link.a.ref]
    assert (entry.role, entry.addresses, entry.source_dest_check) == (EniRole.UPLINK, ("10.0.1.50",), False)
    (crossing,) = plane(snapshot, wanted).uplinks
    assert (crossing.nic, crossing.inner) == (PortRef(HOST, "eth1"), link.b.ref)


def test_a_nic_that_is_gone_blackholes_its_routes_until_it_is_back(api: Api, subnet: dict[str, Any]) -> None:
    made = add(api, subnet)
    interface = made["addresses"][0]["network_interface"]
    table = api.ec2("CreateRouteTable", VpcId=subnet["VpcId"])["RouteTable"]["RouteTableId"]
    api.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock="192.168.0.0/16", NetworkInterfaceId=interface)
    there: list[Nic] = []
    keeper = UplinkReconciler(store=api.store, nics=lambda: there, errors=dict)

    def states() -> tuple[str, str]:
        keeper.reconcile()
        api.put(*status.after_build(api.store.snapshot(), built=(), errors={}).put)
        (uplink,) = api.store.snapshot().values(Uplink)
        (found,) = api.ec2("DescribeRouteTables", RouteTableIds=[table])["RouteTables"]
        route = next(one for one in found["Routes"] if one["DestinationCidrBlock"] == "192.168.0.0/16")
        return uplink.state, route["State"]

    assert states() == ("missing", "blackhole")
    there.append(replace(NIC, mac="02:00:00:00:00:99", up=False))
    assert states() == ("down", "blackhole")
    there[:] = [replace(NIC, mac="02:00:00:00:00:99")]
    assert states() == ("up", "active")
    (uplink,) = api.store.snapshot().values(Uplink)
    assert uplink.mac == "02:00:00:00:00:99"
