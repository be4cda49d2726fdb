"""The lab that is measured: two hosts of one VPC whose traffic passes an inspector, built through the API."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stories.cloud import Partner, healthy, image, let_in, partner
from tests.stories.server import REGION, Server, until
from tests.stories.test_foreign_appliances import hairpin_user_data

from .traffic import Ends

WAYS = (("client", "10.0.2.0/24"), ("server", "10.0.1.0/24"))
HAIRPIN = hairpin_user_data()


@dataclass(slots=True, kw_only=True)
class Lab:
    server: Server
    ends: Ends
    first_packet_s: float
    """From CreateLoadBalancer's request to the first inspected packet's answer, with hosts and appliance already running."""
    ec2: Any
    """The customer's."""
    vpc: str
    subnet: str
    """Of endpoints."""
    tables: dict[str, str]
    """Of the subnets of client and server."""
    endpoints: dict[str, str]
    """By what their traffic is inspected with."""
    appliances: dict[str, str]
    """Instances, by the same."""

    def boxes(self) -> frozenset[str]:
        """Paths of all namespaces of the lab."""
        return frozenset(map(str, Path("/run/netns").glob(f"{self.server.name}-*")))

    def use(self, appliance: str) -> None:
        """Traffic passes this appliance from now on: inspector, firewall or hairpin. It is launched at the first use."""
        if appliance not in self.endpoints:
            image, user_data = ("linux", HAIRPIN) if appliance == "hairpin" else (appliance, "")
            account = f"partner-{appliance}"
            self.server.account(account)
            made = partner(self.server, account=account, appliance=image, user_data=user_data)
            healthy(made, count=1)
            self.add(appliance, made)
            until(
                lambda: (
                    self.ec2.describe_vpc_endpoints(VpcEndpointIds=[self.endpoints[appliance]])["VpcEndpoints"][0][
                        "State"
                    ]
                    == "available"
                ),
                what="the endpoint is available",
            )
        for name, to in WAYS:
            self.ec2.replace_route(
                RouteTableId=self.tables[name], DestinationCidrBlock=to, VpcEndpointId=self.endpoints[appliance]
            )
        self.answers()

    def add(self, appliance: str, made: Partner) -> None:
        self.endpoints[appliance] = self.ec2.create_vpc_endpoint(
            VpcEndpointType="GatewayLoadBalancer",
            VpcId=self.vpc,
            ServiceName=made.service_name,
            SubnetIds=[self.subnet],
        )["VpcEndpoint"]["VpcEndpointId"]
        self.appliances[appliance] = made.appliances["a"][0]

    def answers(self) -> None:
        command = [
            "nsenter",
            f"--net=/run/netns/{self.ends.client}",
            "--",
            "ping",
            "-c",
            "1",
            "-W",
            "1",
            self.ends.address,
        ]
        until(
            lambda: subprocess.run(command, capture_output=True).returncode == 0, what="an inspected packet is answered"
        )


@contextlib.contextmanager
def lab(*, name: str, directory: Path) -> Iterator[Lab]:
    server = Server(name=name, data_dir=directory / "data")
    try:
        server.start()
        yield _build(server)
    finally:
        server.down()


def _build(server: Server) -> Lab:
    server.account("partner")
    server.account("customer")
    ec2 = server.client("ec2", "customer")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    let_in(ec2, vpc)
    subnets, tables, hosts = {}, {}, {}
    for name, number in (("client", 1), ("server", 2), ("endpoint", 3)):
        subnets[name] = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}a")[
            "Subnet"
        ]["SubnetId"]
        if name == "endpoint":
            continue
        tables[name] = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=tables[name], SubnetId=subnets[name])
        launched = ec2.run_instances(ImageId=image(ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=subnets[name])
        hosts[name] = launched["Instances"][0]
    every = [one["InstanceId"] for one in hosts.values()]
    ec2.get_waiter("instance_running").wait(InstanceIds=every, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    ends = Ends(
        client=server.namespace(hosts["client"]["InstanceId"]).rsplit("/", 1)[-1],
        server=server.namespace(hosts["server"]["InstanceId"]).rsplit("/", 1)[-1],
        address=hosts["server"]["PrivateIpAddress"],
    )
    built = Lab(
        server=server, ends=ends, first_packet_s=0, ec2=ec2, vpc=vpc, subnet=subnets["endpoint"], tables=tables,
        endpoints={}, appliances={},
    )  # fmt: skip
    start = time.monotonic()
    inspected = partner(server, appliance="inspector")
    built.add("inspector", inspected)
    for name, to in WAYS:
        ec2.create_route(RouteTableId=tables[name], DestinationCidrBlock=to, VpcEndpointId=built.endpoints["inspector"])
    built.answers()
    built.first_packet_s = time.monotonic() - start
    healthy(inspected, count=1)
    return built
