"""Routes as AWS has them, followed by packets: loops, blackholes, re-targeted local routes, endpoints in series."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from .cloud import Customer, Partner, answers, customer, healthy, partner, reachable
from .server import REGION, Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))


@pytest.fixture(scope="module")
def inspected(server: Server) -> Partner:
    server.account("partner")
    made = partner(server)
    healthy(made, count=1)
    return made


def consumer(server: Server, inspected: Partner, account: str) -> Customer:
    server.account(account)
    made = customer(server, service=inspected.service_name, account=account)
    reachable(server, made.public["a"])
    return made


def drops(server: Server) -> dict[str, int]:
    """verdict -> packets, over all ports."""
    found: dict[str, int] = {}
    for one in json.loads(server.gwlb("drops", "--json").stdout)["drops"]:
        found[one["verdict"]] = found.get(one["verdict"], 0) + one["packets"]
    return found


def test_an_endpoint_in_the_applications_own_subnet_loops_dies_by_ttl_and_is_warned_of(server, inspected):
    """The document puts the endpoint into the application's subnet; with a default route to it, replies would go round."""
    server.account("looper")
    ec2 = server.client("ec2", "looper")
    made = customer(server, service=inspected.service_name, account="looper")
    subnet = ec2.describe_instances(InstanceIds=[made.applications["a"]])["Reservations"][0]["Instances"][0]["SubnetId"]
    inside = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=inspected.service_name,
        VpcId=made.vpc,
        SubnetIds=[subnet],
    )["VpcEndpoint"]["VpcEndpointId"]
    until(
        lambda: ec2.describe_vpc_endpoints(VpcEndpointIds=[inside])["VpcEndpoints"][0]["State"] == "available",
        what="the endpoint is available",
    )
    _both_ways(made, inside)
    before = drops(server).get("ttl_exceeded", 0)
    until(lambda: _tried(server, made) and drops(server).get("ttl_exceeded", 0) > before, what="the loop ends by TTL")
    warnings = json.loads(server.gwlb("status", "--json").stdout)["warnings"]
    assert [one for one in warnings if inside in one and made.tables["app-a"] in one], warnings
    _both_ways(made, made.endpoints["a"])
    reachable(server, made.public["a"])
    assert not [one for one in json.loads(server.gwlb("status", "--json").stdout)["warnings"] if inside in one]


def _both_ways(made: Customer, endpoint: str) -> None:
    """Lead the application's traffic, in and out, through this endpoint."""
    for table, destination in (("edge", "10.0.0.32/28"), ("app-a", "0.0.0.0/0")):
        made.ec2.replace_route(
            RouteTableId=made.tables[table], DestinationCidrBlock=destination, VpcEndpointId=endpoint
        )


def _tried(server: Server, made: Customer) -> bool:
    answers(server, made.public["a"], seconds=0.5)
    return True


def test_a_stopped_instances_interface_is_a_blackhole_until_it_starts_again(server, inspected):
    made = consumer(server, inspected, "blackhole")
    ec2 = made.ec2
    subnet = ec2.create_subnet(VpcId=made.vpc, CidrBlock="10.0.200.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]
    middle = ec2.run_instances(ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1, SubnetId=subnet["SubnetId"])[
        "Instances"
    ][0]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[middle["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    eni = middle["NetworkInterfaces"][0]["NetworkInterfaceId"]
    table = made.tables["gwlbe-a"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", NetworkInterfaceId=eni)
    ec2.stop_instances(InstanceIds=[middle["InstanceId"]])

    def state() -> str:
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return next(one["State"] for one in routes if one["DestinationCidrBlock"] == "192.0.2.0/24")

    until(lambda: state() == "blackhole", what="the route is a blackhole")
    before = drops(server).get("route_blackhole", 0)
    until(
        lambda: _tried(server, made) and drops(server).get("route_blackhole", 0) > before,
        what="packets meet the blackhole",
    )
    ec2.start_instances(InstanceIds=[middle["InstanceId"]])
    until(lambda: state() == "active", what="the route is active again")
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24")
    reachable(server, made.public["a"])


def test_the_local_route_can_be_retargeted_to_an_endpoint_and_reset(server, inspected):
    made = consumer(server, inspected, "retarget")
    table = made.tables["edge"]
    ec2 = made.ec2
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.0.0.32/28")
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16", VpcEndpointId=made.endpoints["a"])
    reachable(server, made.public["a"])
    assert [one for one in server.flows() if one["endpoint"] == made.endpoints["a"]]
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16", LocalTarget=True)
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert [one["GatewayId"] for one in routes] == ["local"]


@pytest.fixture(scope="module")
def series(server: Server, inspected: Partner) -> Customer:
    """Firewall, then IDS: a second partner's endpoint between the first and the internet gateway."""
    server.account("ids")
    second = partner(server, account="ids")
    healthy(second, count=1)
    made = consumer(server, inspected, "series")
    ec2, zone = made.ec2, f"{REGION}a"
    subnet = ec2.create_subnet(VpcId=made.vpc, CidrBlock="10.0.250.0/28", AvailabilityZone=zone)["Subnet"]["SubnetId"]
    outer = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer", ServiceName=second.service_name, VpcId=made.vpc, SubnetIds=[subnet]
    )["VpcEndpoint"]["VpcEndpointId"]
    table = ec2.create_route_table(VpcId=made.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    until(
        lambda: ec2.describe_vpc_endpoints(VpcEndpointIds=[outer])["VpcEndpoints"][0]["State"] == "available",
        what="the outer endpoint is available",
    )
    # in: IGW -> outer -> inner -> application; out: application -> inner -> outer -> IGW
    inner = made.endpoints["a"]
    app = "10.0.0.32/28"
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=made.igw)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock=app, VpcEndpointId=inner)
    ec2.replace_route(RouteTableId=made.tables["gwlbe-a"], DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=outer)
    ec2.replace_route(RouteTableId=made.tables["edge"], DestinationCidrBlock=app, VpcEndpointId=outer)
    made.endpoints["outer"] = outer
    reachable(server, made.public["a"])
    return made


def test_both_endpoints_in_series_see_the_flow(server, series):
    both = {series.endpoints["a"], series.endpoints["outer"]}

    def seen_by_both() -> bool:
        return answers(server, series.public["a"]) and both <= {one["endpoint"] for one in server.flows()}

    until(seen_by_both, what="the new routes lead a connection through both endpoints")


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_tcp_arrives_whole_through_two_endpoints_in_series(server, series, mode):
    serving = server.spawn(series.applications["a"], sys.executable, TRANSFER, "serve", "5001")
    try:
        assert serving.stdout.readline() == "ready\n"
        result = server.inside("internet", sys.executable, TRANSFER, mode, series.public["a"], "5001", str(128 << 20))
        report = json.loads(result.stdout or "{}")
        assert report.get("equal") is True, result.stderr
        assert report["gbit_s"] > 0.2, f"whole, but crawling: {report}"
    finally:
        serving.kill()
        serving.wait()


def test_udp_super_packets_arrive_whole_through_two_endpoints_in_series(server, series):
    """QUIC-like: one sendmsg with UDP_SEGMENT carries twenty datagrams."""
    receiver = server.spawn(
        series.applications["a"],
        sys.executable,
        "-c",
        "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.setsockopt(1,33,1<<24)\ns.bind(('',4433))\n"
        "s.settimeout(3)\nprint('ready',flush=True)\nn=0\n"
        "try:\n while n<2000:\n  assert len(s.recv(65535))==1200\n  n+=1\nexcept TimeoutError: pass\nprint(n,flush=True)\n",
    )
    try:
        assert receiver.stdout.readline() == "ready\n"
        sent = server.inside(
            "internet",
            sys.executable,
            "-c",
            "import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.setsockopt(17,103,1200)\n"
            f"s.connect(('{series.public['a']}',4433))\n"
            "for _ in range(100):\n s.send(bytes(24000))\n time.sleep(0.005)\n",
        )
        assert sent.returncode == 0, sent.stderr
        assert receiver.stdout.readline().strip() == "2000", receiver.stderr.read()
    finally:
        receiver.kill()
        receiver.wait()
