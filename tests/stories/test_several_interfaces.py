"""Instances with several interfaces: answers leave by the one that they came by, and interfaces come and go while traffic runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, customer, healthy, image, partner, reachable
from .server import BIN, REGION, Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
BULK = 64 << 20
KEPT = """#!/bin/sh
echo kept > /root/note
"""


class Lab:
    """A VPC with a data and a management subnet, an appliance with a leg in each, and a host in the data subnet."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.ec2 = server.client("ec2")
        vpc = self.ec2.create_vpc(CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
        self.data, self.management, self.third = (
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.5.{index}.0/24", AvailabilityZone=f"{REGION}a")["Subnet"][
                "SubnetId"
            ]
            for index in range(3)
        )
        self.appliance = self.run(
            InstanceType="c5.xlarge",
            UserData=KEPT,
            NetworkInterfaces=[
                {"DeviceIndex": 0, "SubnetId": self.data, "PrivateIpAddress": "10.5.0.10"},
                {"DeviceIndex": 1, "SubnetId": self.management, "PrivateIpAddress": "10.5.1.10"},
            ],
        )
        self.host = self.run(SubnetId=self.data, PrivateIpAddress="10.5.0.20")

    def run(self, **asked: Any) -> str:
        made = self.ec2.run_instances(ImageId=image(self.ec2, "linux"), MinCount=1, MaxCount=1, **asked)
        instance = str(made["Instances"][0]["InstanceId"])
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[instance], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        return instance

    @contextmanager
    def serving(self, *addresses: str) -> Iterator[None]:
        """The appliance answers bulk transfers on these addresses, each on its own."""
        servers = [
            self.server.spawn(self.appliance, sys.executable, TRANSFER, "serve", "7000", address)
            for address in addresses
        ]
        try:
            for one in servers:
                assert one.stdout is not None and one.stdout.readline() == "ready\n"
            yield
        finally:
            for one in servers:
                one.kill()
                one.wait()

    def bulk(self, address: str, *, mode: str = "pull") -> dict[str, Any]:
        done = self.server.inside(self.host, sys.executable, TRANSFER, mode, address, "7000", str(BULK), timeout=60)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def answers(self, address: str) -> bool:
        return self.server.inside(self.host, "ping", "-c1", "-W1", address).returncode == 0

    def devices(self) -> set[str]:
        links = json.loads(self.server.inside(self.appliance, "ip", "-json", "link").stdout)
        return {one["ifname"] for one in links} - {"lo"}

    def interface(self, interface: str) -> dict[str, Any]:
        return dict(self.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0])

    def state(self, instance: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    def execute(self, *command: str) -> str:
        """In the appliance's container; what it printed, empty when it cannot be entered just now."""
        argv = [str(BIN / "gwlb"), "exec", "--name", self.server.name, self.appliance, "--", *command]
        return subprocess.run(argv, capture_output=True, text=True).stdout

    def restart(self, *, how: str) -> None:
        if how == "reboot":
            started = self.first_process()
            self.ec2.reboot_instances(InstanceIds=[self.appliance])
            until(lambda: self.first_process() not in ("", started), what="another first process")
            return
        self.ec2.stop_instances(InstanceIds=[self.appliance])
        until(lambda: self.state(self.appliance) == "stopped", what="the appliance is stopped")
        self.ec2.start_instances(InstanceIds=[self.appliance])
        until(lambda: self.state(self.appliance) == "running", what="the appliance runs again")

    def first_process(self) -> str:
        """When it started, in ticks since the machine did."""
        return self.execute("cut", "-d ", "-f22", "/proc/1/stat").strip()


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    return Lab(server)


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_to_each_interface_is_answered_by_that_interface(lab: Lab, mode: str) -> None:
    # The host shares a subnet with eth0: answers of eth1 that left there would be dropped by the source check.
    with lab.serving("10.5.0.10", "10.5.1.10"):
        for address in ("10.5.0.10", "10.5.1.10"):
            assert lab.bulk(address, mode=mode)["equal"], address


def test_an_interface_is_attached_and_detached_while_the_instance_runs(lab: Lab) -> None:
    made = lab.ec2.create_network_interface(SubnetId=lab.third, PrivateIpAddress="10.5.2.10")["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    attachment = lab.ec2.attach_network_interface(
        InstanceId=lab.appliance, NetworkInterfaceId=interface, DeviceIndex=3
    )["AttachmentId"]
    until(lambda: lab.interface(interface)["Attachment"]["Status"] == "attached", what="attached")
    assert lab.devices() == {"eth0", "eth1", "eth3"}
    with lab.serving("10.5.2.10", "10.5.0.10"):
        assert lab.bulk("10.5.2.10")["equal"]
        lab.ec2.detach_network_interface(AttachmentId=attachment)
        until(lambda: lab.devices() == {"eth0", "eth1"}, what="eth3 is gone")
        assert lab.bulk("10.5.0.10")["equal"]
    assert lab.interface(interface)["Status"] == "available"
    assert not lab.answers("10.5.2.10")
    lab.ec2.delete_network_interface(NetworkInterfaceId=interface)


@pytest.mark.parametrize("how", ["stop and start", "reboot"])
def test_disk_and_interfaces_outlive_a_restart(lab: Lab, how: str) -> None:
    lab.execute("sh", "-c", f"echo '{how}' >> /root/note")
    lab.restart(how=how)
    # Written by user data at the first boot only, and by this test since.
    note = until(lambda: lab.execute("cat", "/root/note").splitlines(), what="the disk can be read")
    assert note[0] == "kept" and note[-1] == how and note.count("kept") == 1
    assert lab.devices() == {"eth0", "eth1"}
    until(lambda: lab.answers("10.5.1.10"), what="the second interface answers")


@pytest.fixture(scope="module")
def inspected(server: Server) -> tuple[Partner, Customer, str]:
    """Firewalls with a leg for management; one is registered by its second interface's address."""
    server.account("partner")
    server.account("customer1")
    made = partner(server, appliance="firewall")
    subnet = made.ec2.create_subnet(VpcId=made.vpc, CidrBlock="10.9.7.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]
    interface = made.ec2.create_network_interface(SubnetId=subnet["SubnetId"], PrivateIpAddress="10.9.7.7")[
        "NetworkInterface"
    ]["NetworkInterfaceId"]
    made.ec2.attach_network_interface(InstanceId=made.appliances["a"][0], NetworkInterfaceId=interface, DeviceIndex=1)
    bought = customer(server, service=made.service_name)
    healthy(made, count=1)
    reachable(server, bought.public["a"])
    return made, bought, interface


def test_an_instance_target_is_reached_by_its_first_interface_and_an_address_target_by_any(
    server: Server, inspected: tuple[Partner, Customer, str]
) -> None:
    made, bought, _ = inspected
    assert {one["target"] for one in server.flows()} == {made.appliances["a"][0]}
    group = made.elb.create_target_group(
        Name="by-address",
        Protocol="GENEVE",
        Port=6081,
        VpcId=made.vpc,
        TargetType="ip",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    made.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.9.7.7"}])
    made.elb.modify_listener(ListenerArn=made.listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])

    def healthy_by_address() -> bool:
        found = made.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in found] == ["healthy"]

    until(healthy_by_address, what="the address is a healthy target")
    with_bulk = server.spawn(bought.applications["a"], sys.executable, TRANSFER, "serve", "7000")
    try:
        assert with_bulk.stdout is not None and with_bulk.stdout.readline() == "ready\n"
        done = server.inside(
            "internet", sys.executable, TRANSFER, "pull", bought.public["a"], "7000", str(BULK), timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["equal"]
    finally:
        with_bulk.kill()
        with_bulk.wait()
    carried = [one for one in server.flows() if 7000 in (one["source_port"], one["destination_port"])]
    assert {one["target"] for one in carried} == {"10.9.7.7"}
