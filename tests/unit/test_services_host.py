"""Which listeners the stored objects ask for, and what becomes of those that cannot be opened."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from api_harness import Api

from opengwlb.model.snapshot import Snapshot
from opengwlb.services.host import Listener, Services, wanted_listeners


@pytest.fixture
def vpc(api: Api) -> str:
    """With an instance and an interface endpoint."""
    made = str(api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    subnet = api.ec2("CreateSubnet", VpcId=made, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    api.ec2("RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1, SubnetId=subnet)
    api.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.ap-northeast-2.ec2",
        VpcId=made,
        SubnetIds=[subnet],
        PrivateDnsEnabled=False,
    )
    api.ec2("CreateVpc", CidrBlock="10.7.0.0/16")
    return made


def everything(snapshot: Snapshot) -> set[str]:
    """As if all were built."""
    from opengwlb.policy.network import topology

    wanted = topology(snapshot)
    return {*wanted.boxes, *wanted.links}


def wanted(api: Api, *, made: dict[str, int] | None = None) -> set[Listener]:
    snapshot = api.store.snapshot()
    return wanted_listeners(snapshot, built=everything(snapshot), made=made or {})


def test_vpcs_with_instances_have_metadata_and_names_and_endpoints_the_api(api: Api, vpc: str) -> None:
    found = wanted(api)
    assert {(one.kind, one.address) for one in found if one.box == vpc} == {
        ("metadata", "169.254.169.254"), ("dns", "169.254.169.253"), ("dns", "10.0.0.2"),
    }  # fmt: skip
    endpoint = [one for one in found if one.box != vpc]
    assert {(one.kind, one.address) for one in endpoint} == {("http", "10.0.1.5"), ("https", "10.0.1.5")}
    assert all(one.device.startswith("eni-") for one in endpoint)
    assert any(name.endswith(".vpce.amazonaws.com") for one in endpoint for name in one.names)


def test_nothing_listens_before_it_is_built_nor_after_it_is_deleted(api: Api, vpc: str) -> None:
    assert wanted_listeners(api.store.snapshot(), built=(), made={}) == set()
    (endpoint,) = api.ec2("DescribeVpcEndpoints")["VpcEndpoints"]
    api.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint["VpcEndpointId"]])
    api.ec2("ModifyVpcAttribute", VpcId=vpc, EnableDnsSupport={"Value": False})
    assert [one.kind for one in wanted(api)] == ["metadata"]


def test_a_box_that_was_made_anew_gets_listeners_of_its_own(api: Api, vpc: str) -> None:
    assert not wanted(api, made={vpc: 1}) & {one for one in wanted(api, made={vpc: 2}) if one.box == vpc}


class Boxes:
    """Sockets of this machine in place of a box's, bound to the loopback; some cannot be had."""

    def __init__(self) -> None:
        self.refuse = True
        self.opened = 0

    def open(self, box: str, family: int, kind: int) -> Any:
        if self.refuse:
            raise OSError("no such box")
        self.opened += 1
        return Loopback(family, kind)


class Loopback(socket.socket):
    def bind(self, address: Any) -> None:
        super().bind(("127.0.0.1", 0))

    def setsockopt(self, *arguments: Any) -> None:
        if arguments[1] != socket.SO_BINDTODEVICE:
            super().setsockopt(*arguments)


def test_what_cannot_be_opened_is_said_tried_again_and_holds_no_instance_back(api: Api, vpc: str) -> None:
    boxes = Boxes()
    services = Services(
        store=api.store,
        gateway=None,  # type: ignore[arg-type]  # nobody calls
        open_socket=boxes.open,
        built=lambda: everything(api.store.snapshot()),
        made=dict,
        clock=lambda: api.now,
    )
    try:
        built = frozenset(everything(api.store.snapshot()))
        (instance,) = (one for one in built if one.startswith("i-"))
        assert instance not in services.startable(built)
        assert services.reconcile() == 1.0
        assert "no such box" in services.errors[vpc] and instance in services.startable(built)
        boxes.refuse = False
        assert services.reconcile() == 5.0
        assert services.errors == {} and boxes.opened == 7
        assert services.reconcile() == 5.0 and boxes.opened == 7
    finally:
        services.stop()
