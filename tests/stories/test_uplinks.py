"""NICs of this machine joined to subnets: machines outside are targets and clients, and the host is afterwards as it was before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import REGION, Server, forget_machine, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
PROXY = str(Path(__file__).with_name("geneve_proxy.py"))
BULK = 48 << 20


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


@dataclass
class Outside:
    """A machine outside: a namespace that only a NIC of this host leads to."""

    nic: str
    namespace: str

    @classmethod
    def make(cls, label: str, *, mtu: int = 9001) -> Outside:
        nic = f"qfu{label}{os.getpid() % 10000}"
        made = cls(nic=nic, namespace=f"{nic}-out")
        run("ip", "netns", "add", made.namespace)
        run("ip", "link", "add", nic, "mtu", str(mtu), "type", "veth", "peer", "name", "eth0", "netns", made.namespace)
        run("sysctl", "-qw", f"net.ipv6.conf.{nic}.disable_ipv6=1")
        run("ip", "link", "set", nic, "mtu", str(mtu), "up")
        for device in ("lo", "eth0"):
            run("ip", "-n", made.namespace, "link", "set", device, "up")
        run("ip", "-n", made.namespace, "link", "set", "eth0", "mtu", str(mtu))
        return made

    def remove(self) -> None:
        run("ip", "link", "delete", self.nic, check=False)
        run("ip", "netns", "delete", self.namespace, check=False)

    def address(self, address: str, *, router: str) -> None:
        run("ip", "-n", self.namespace, "address", "add", f"{address}/24", "dev", "eth0")
        run("ip", "-n", self.namespace, "route", "add", "default", "via", router)

    def inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{self.namespace}", "--", *command]

    def transfer(self, host: str, *, mode: str = "pull", port: int = 7000, size: int = BULK) -> dict[str, Any]:
        done = subprocess.run(
            self.inside(sys.executable, TRANSFER, mode, host, str(port), str(size)),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def pings(self, address: str) -> bool:
        return subprocess.run(self.inside("ping", "-c1", "-W1", address), capture_output=True).returncode == 0

    def as_it_is(self) -> dict[str, Any]:
        """Everything that the host has configured of the NIC."""
        (link,) = json.loads(run("ip", "-d", "-json", "link", "show", self.nic))
        settings = {
            str(path): path.read_text()
            for family in ("ipv4", "ipv6")
            for path in sorted(Path(f"/proc/sys/net/{family}/conf/{self.nic}").iterdir())
            if os.access(path, os.R_OK) and path.name != "stable_secret"
        }
        return {
            "link": link,
            "addresses": json.loads(run("ip", "-json", "address", "show", self.nic))[0]["addr_info"],
            "routes": run("ip", "route", "show", "table", "all", "dev", self.nic),
            "features": run("ethtool", "-k", self.nic),
            "tc": run("tc", "filter", "show", "dev", self.nic, "ingress"),
            "settings": settings,
        }


def host_as_it_is() -> dict[str, str]:
    """Of the host beside its NICs."""
    return {
        "rules": run("ip", "rule"),
        "routes": run("ip", "route"),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }


@pytest.fixture(scope="module")
def box() -> Iterator[Outside]:
    """The appliance that stands outside."""
    made = Outside.make("a")
    try:
        made.address("10.9.0.50", router="10.9.0.1")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def people() -> Iterator[Outside]:
    """Clients outside."""
    made = Outside.make("c")
    try:
        made.address("10.0.40.20", router="10.0.40.1")
        yield made
    finally:
        made.remove()


@dataclass
class Lab:
    provider: Partner
    consumer: Customer
    clients: str
    """The subnet that real clients enter by."""


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    server.account("partner")
    server.account("customer1")
    provider = partner(server)
    consumer = customer(server, service=provider.service_name)
    ec2 = consumer.ec2
    subnet = ec2.create_subnet(VpcId=consumer.vpc, CidrBlock="10.0.40.0/24", AvailabilityZone=f"{REGION}a")["Subnet"][
        "SubnetId"
    ]
    table = ec2.create_route_table(VpcId=consumer.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    # Both ways between clients and application pass the appliance: routes more specific than local.
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.0.32/28", VpcEndpointId=consumer.endpoints["a"])
    ec2.create_route(
        RouteTableId=consumer.tables["app-a"],
        DestinationCidrBlock="10.0.40.0/24",
        VpcEndpointId=consumer.endpoints["a"],
    )
    healthy(provider, count=1)
    reachable(server, consumer.public["a"])
    return Lab(provider=provider, consumer=consumer, clients=subnet)


def add(server: Server, nic: str, *, vpc: str, subnet: str, address: str, check: bool = True) -> Any:
    asked = ("--vpc", vpc, "--subnet", subnet, "--address", address)
    done = server.gwlb("uplink", "add", nic, *asked, "--json", check=check)
    return json.loads(done.stdout) if check else done


def listed(server: Server) -> dict[str, dict[str, Any]]:
    found = json.loads(server.gwlb("uplink", "list", "--json").stdout)["uplinks"]
    return {one["device"]: one for one in found}


@contextmanager
def application(server: Server, lab: Lab) -> Iterator[str]:
    """A bulk server on the customer's application; its private address."""
    instance = lab.consumer.applications["a"]
    described = lab.consumer.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    serving = server.spawn(instance, sys.executable, TRANSFER, "serve", "7000")
    try:
        assert serving.stdout is not None and serving.stdout.readline() == "ready\n"
        yield str(described["PrivateIpAddress"])
    finally:
        serving.kill()
        serving.wait()


def test_clients_beyond_a_nic_enter_through_the_appliance_also_without_a_server_and_after_a_reboot(
    server: Server, lab: Lab, people: Outside
) -> None:
    before, host = people.as_it_is(), host_as_it_is()
    made = add(server, people.nic, vpc=lab.consumer.vpc, subnet=lab.clients, address="10.0.40.20")
    (interface,) = made["addresses"]
    described = lab.consumer.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface["network_interface"]])
    assert described["NetworkInterfaces"][0]["Status"] == "in-use"
    assert described["NetworkInterfaces"][0]["PrivateIpAddress"] == "10.0.40.20"
    with application(server, lab) as address:
        until(lambda: people.pings(address), what="the application answers a client outside")
        for mode in ("push", "pull"):
            assert people.transfer(address, mode=mode)["equal"]
        flows = [one for one in server.flows() if one["source"] == "10.0.40.20" and one["destination_port"] == 7000]
        assert {one["endpoint"] for one in flows} == {lab.consumer.endpoints["a"]}

        asked = ("10.0.40.20", address, "tcp", "40000:80", "--from", interface["network_interface"], "--json")
        steps = json.loads(server.gwlb("why", *asked).stdout)["steps"]
        assert [one["decision"] for one in steps][:2] == ["eni_forwarded", "encapsulated"]
        back = (address, "10.0.40.20", "tcp", "50000:80", "--endpoint", lab.consumer.endpoints["a"], "--json")
        steps = json.loads(server.gwlb("why", *back).stdout)["steps"]
        assert steps[-1]["sentence"] == f"Leaves by {made['id']}."

        server.kill()
        assert people.transfer(address)["equal"], "without a server"
        server.start()
        assert people.transfer(address)["equal"], "with a new server"
    assert people.as_it_is() == before, "the host's NIC was changed"

    server.kill()
    forget_machine(server)
    assert host_as_it_is() == host
    assert people.as_it_is() == before
    assert not people.pings("10.0.40.1"), "something of the uplink outlived gwlb down"
    server.start()
    instance = lab.consumer.applications["a"]
    until(lambda: server.inside(instance, "true").returncode == 0, what="the application's box stands again")
    healthy(lab.provider, count=1)
    with application(server, lab) as address:
        until(lambda: people.pings(address), what="it answers after a reboot of the machine", seconds=40)
        assert people.transfer(address)["equal"]

    server.gwlb("uplink", "rm", people.nic)
    assert listed(server) == {}
    until(lambda: not people.pings("10.0.40.1"), what="the VPC's router is not there any more")
    assert people.as_it_is() == before
    assert host_as_it_is() == host


def test_an_appliance_beyond_a_nic_is_a_target_by_its_address(server: Server, lab: Lab, box: Outside) -> None:
    add(server, box.nic, vpc=lab.provider.vpc, subnet=lab.provider.subnets["a"], address="10.9.0.50")
    proxy = subprocess.Popen(box.inside(sys.executable, PROXY), stdout=subprocess.DEVNULL)
    try:
        group = lab.provider.elb.create_target_group(
            Name="outside",
            Protocol="GENEVE",
            Port=6081,
            VpcId=lab.provider.vpc,
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        lab.provider.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "10.9.0.50"}])
        lab.provider.elb.modify_listener(
            ListenerArn=lab.provider.listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
        )

        def is_healthy() -> bool:
            found = lab.provider.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
            return [one["TargetHealth"]["State"] for one in found] == ["healthy"]

        until(is_healthy, what="the machine outside is a healthy target")
        earlier = {one["cookie"] for one in server.flows()}
        with application(server, lab):
            for mode in ("push", "pull"):
                done = server.inside(
                    "internet",
                    *(sys.executable, TRANSFER, mode, lab.consumer.public["a"], "7000", str(BULK)),
                    timeout=60,
                )
                assert done.returncode == 0, done.stderr
                assert json.loads(done.stdout)["equal"]
        flows = [one for one in server.flows() if one["destination_port"] == 7000 and one["cookie"] not in earlier]
        assert {one["target"] for one in flows} == {"10.9.0.50"}
    finally:
        proxy.kill()
        proxy.wait()


@pytest.mark.parametrize(
    ("nic", "words"),
    [("lo", "loopback"), ("eth0", "default route"), ("qfu-none", "no device qfu-none"), ("spare", "--force")],
)
def test_a_nic_that_the_host_needs_is_refused(server: Server, lab: Lab, nic: str, words: str) -> None:
    if nic == "eth0":
        nic = next(one["dev"] for one in json.loads(run("ip", "-json", "route", "show", "default")))
    spare = Outside.make("s") if nic == "spare" else None
    try:
        if spare is not None:
            nic = spare.nic
            run("ip", "address", "add", "192.0.2.129/30", "dev", nic)
        refused = add(server, nic, vpc=lab.consumer.vpc, subnet=lab.clients, address="10.0.40.99", check=False)
        assert refused.returncode == 1 and words in refused.stderr
    finally:
        if spare is not None:
            spare.remove()
    interfaces = lab.consumer.ec2.describe_network_interfaces(
        Filters=[{"Name": "addresses.private-ip-address", "Values": ["10.0.40.99"]}]
    )["NetworkInterfaces"]
    assert interfaces == [], "a refused uplink left an interface"


def test_a_nic_that_goes_and_comes_back_is_joined_again(server: Server, lab: Lab) -> None:
    gone = Outside.make("g")
    try:
        gone.address("10.0.40.30", router="10.0.40.1")
        add(server, gone.nic, vpc=lab.consumer.vpc, subnet=lab.clients, address="10.0.40.30")
        until(lambda: gone.pings("10.0.40.1"), what="the router answers")
        gone.remove()
        until(lambda: listed(server)[gone.nic]["state"] == "missing", what="seen as missing")
        gone = Outside.make("g")
        gone.address("10.0.40.30", router="10.0.40.1")
        until(lambda: gone.pings("10.0.40.1"), what="joined again", seconds=15)
        until(lambda: listed(server)[gone.nic]["state"] == "up", what="seen as up")
        server.gwlb("uplink", "rm", gone.nic)
    finally:
        gone.remove()
