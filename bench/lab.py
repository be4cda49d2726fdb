"""The lab that is measured: two hosts of one VPC whose traffic passes an inspector, built through the API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.stories.cloud import healthy, image, partner
from tests.stories.server import REGION, Server, until

from .traffic import Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    server: Server
    ends: Ends
    first_packet_s: float
    """From CreateLoadBalancer's request to the first inspected packet's answer, with hosts and appliance already running."""


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
    start = time.monotonic()
    inspected = partner(server, appliance="inspector")
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=vpc,
        ServiceName=inspected.service_name,
        SubnetIds=[subnets["endpoint"]],
    )["VpcEndpoint"]["VpcEndpointId"]
    for name, to in (("client", "10.0.2.0/24"), ("server", "10.0.1.0/24")):
        ec2.create_route(RouteTableId=tables[name], DestinationCidrBlock=to, VpcEndpointId=endpoint)
    client = hosts["client"]["InstanceId"]
    until(
        lambda: server.inside(client, "ping", "-c", "1", "-W", "1", ends.address).returncode == 0,
        what="the first inspected packet is answered",
    )
    first_packet_s = time.monotonic() - start
    healthy(inspected, count=1)
    return Lab(server=server, ends=ends, first_packet_s=first_packet_s)
