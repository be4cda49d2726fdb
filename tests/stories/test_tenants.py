"""Two customers with the same addresses behind one partner's appliances: each reaches its own, all traffic kinds pass."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from .cloud import WEB, Customer, Partner, customer, healthy, partner, reachable
from .server import Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
UDP_SIZE = 1200


@pytest.fixture(scope="module")
def lab(server: Server) -> tuple[Partner, Customer, Customer]:
    for name in ("partner", "customer1", "customer2"):
        server.account(name)
    inspected = partner(server, zones=("a", "b"), per_zone=1)
    made = []
    for name in ("customer1", "customer2"):
        user_data = WEB.replace("hostname", f"echo {name}")
        zones = ("a", "b") if name == "customer1" else ("b",)
        made.append(customer(server, service=inspected.service_name, account=name, zones=zones, user_data=user_data))
    healthy(inspected, count=2)
    for one in made:
        for address in one.public.values():
            reachable(server, address)
    return inspected, made[0], made[1]


def get(server: Server, address: str) -> str:
    return server.inside("internet", "curl", "-s", "-m", "3", f"http://{address}/").stdout.strip()


def test_the_same_private_address_leads_to_each_customers_own_server(server, lab):
    _, first, second = lab
    assert get(server, first.public["a"]) == "customer1"
    assert get(server, first.public["b"]) == "customer1"
    assert get(server, second.public["b"]) == "customer2"


def test_each_customer_sees_only_its_own_resources(server, lab):
    _, first, second = lab
    mine = {one["VpcId"] for one in first.ec2.describe_vpcs()["Vpcs"]}
    assert first.vpc in mine and second.vpc not in mine
    with pytest.raises(first.ec2.exceptions.ClientError, match=r"InvalidVpcEndpointId\.NotFound"):
        first.ec2.describe_vpc_endpoints(VpcEndpointIds=[second.endpoints["b"]])


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_tcp_arrives_whole_through_the_appliance(server, lab, mode):
    _, first, _ = lab
    serving = server.spawn(first.applications["a"], sys.executable, TRANSFER, "serve", "5001")
    try:
        assert serving.stdout.readline() == "ready\n"
        size = 256 << 20
        result = server.inside("internet", sys.executable, TRANSFER, mode, first.public["a"], "5001", str(size))
        report = json.loads(result.stdout or "{}")
        assert report.get("equal") is True, result.stderr
    finally:
        serving.kill()
        serving.wait()


def test_ping_and_udp_pass_both_ways(server, lab):
    _, first, second = lab
    for address in (first.public["a"], second.public["b"]):
        assert server.inside("internet", "ping", "-c", "3", "-i", "0.2", "-W", "2", address).returncode == 0
    echo = server.spawn(
        first.applications["a"],
        sys.executable,
        "-c",
        "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('',5353))\nprint('ready',flush=True)\n"
        "while True:\n d,a=s.recvfrom(65535)\n s.sendto(d,a)\n",
    )
    try:
        assert echo.stdout.readline() == "ready\n"
        asked = server.inside(
            "internet",
            sys.executable,
            "-c",
            "import socket,sys,hashlib,os\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.settimeout(3)\n"
            f"d=b'x'*{UDP_SIZE}\ns.sendto(d,('{first.public['a']}',5353))\nprint(hashlib.sha256(s.recv(65535)).hexdigest())",
        )
        assert asked.stdout.strip() == hashlib.sha256(b"x" * UDP_SIZE).hexdigest(), asked.stderr
    finally:
        echo.kill()
        echo.wait()


def test_no_frame_for_a_lab_address_leaves_by_the_hosts_own_interfaces(server, lab):
    """The host has no route to any lab address, and none of its links belongs to the lab."""
    import subprocess

    _, first, _ = lab
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout)
    assert not [one["ifname"] for one in links if one["ifname"].startswith(("eni-", "vpce-", "igw-", "vpc-"))]
    watch = subprocess.Popen(
        ["tcpdump", "-n", "-i", "any", "-c", "1", "net 198.18.0.0/15 or net 192.0.2.0/24 or udp port 6081"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: "listening" in watch.stderr.readline(), what="tcpdump listens")
        for _ in range(5):
            assert get(server, first.public["a"]) == "customer1"
        assert watch.poll() is None, "a lab packet was seen in the host's own network"
    finally:
        watch.kill()
        watch.wait()


def test_a_rejected_connection_carries_nothing_until_it_is_accepted_again(server, lab):
    inspected, first, second = lab
    connection = {"ServiceId": inspected.service_id, "VpcEndpointIds": [second.endpoints["b"]]}
    assert inspected.ec2.reject_vpc_endpoint_connections(**connection)["Unsuccessful"] == []
    until(lambda: get(server, second.public["b"]) == "", what="a rejected endpoint carries nothing")
    assert get(server, first.public["a"]) == "customer1", "others go on"
    (shown,) = second.ec2.describe_vpc_endpoints(VpcEndpointIds=[second.endpoints["b"]])["VpcEndpoints"]
    assert shown["State"] == "rejected"
    assert inspected.ec2.accept_vpc_endpoint_connections(**connection)["Unsuccessful"] == []
    until(lambda: get(server, second.public["b"]) == "customer2", what="an accepted endpoint carries again")


def test_a_third_customer_without_permission_cannot_attach(server, lab):
    inspected, _, _ = lab
    inspected.ec2.modify_vpc_endpoint_service_permissions(ServiceId=inspected.service_id, RemoveAllowedPrincipals=["*"])
    server.account("stranger")
    ec2 = server.client("ec2", "stranger")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="ap-northeast-2a")["Subnet"]
    with pytest.raises(ec2.exceptions.ClientError, match="InvalidServiceName"):
        ec2.create_vpc_endpoint(
            VpcEndpointType="GatewayLoadBalancer",
            VpcId=vpc,
            ServiceName=inspected.service_name,
            SubnetIds=[subnet["SubnetId"]],
        )
    # What is connected stays connected: permissions are for new endpoints.
    assert get(server, lab[1].public["a"]) == "customer1"


def test_an_account_deleted_by_force_takes_its_boxes_along_and_nothing_of_others(server, lab):
    inspected, first, second = lab
    boxes = [Path(server.namespace(box)) for box in (second.vpc, second.applications["b"])]
    assert all(box.exists() for box in boxes)
    refused = server.gwlb("account", "delete", "customer2", check=False)
    assert refused.returncode != 0 and second.vpc in refused.stderr
    assert "customer2 is gone, and" in server.gwlb("account", "delete", "customer2", "--force").stdout
    until(lambda: not any(box.exists() for box in boxes), what="the boxes of the account are gone")
    left = inspected.ec2.describe_vpc_endpoint_connections()["VpcEndpointConnections"]
    assert second.endpoints["b"] not in [one["VpcEndpointId"] for one in left]
    with pytest.raises(second.ec2.exceptions.ClientError, match="AuthFailure"):
        second.ec2.describe_vpcs()
    assert get(server, first.public["a"]) == "customer1"
    assert get(server, second.public["b"]) == ""
