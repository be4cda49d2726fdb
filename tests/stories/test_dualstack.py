"""AWS's getting-started with its IPv6 doubles: a dualstack load balancer, service, endpoint and VPCs, and both protocols through them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opengwlb.dataplane.syscalls import inside

from .cloud import answers, image
from .server import BIN, REGION, Server, until

CLIENT = "2001:db8:ffff::1"
UDP_SEGMENT = 103
TRANSFER = Path(__file__).with_name("transfer.py")
WEB = """#!/bin/sh
mkdir -p /srv/www && cd /srv/www && hostname > index.html
python3 -m http.server --bind :: 80 >/dev/null 2>&1 &
"""
"""Listens for both protocols."""
FORBIDDEN = 2323
RULES = f"""
rules:
  - {{name: no-telnet, action: deny, source: "2001:db8:ffff::/48", protocol: tcp, ports: "23, {FORBIDDEN}"}}
"""
"""Of both appliances: about IPv6 only."""


@dataclass
class Service:
    """A partner's load balancer with one appliance, and the service in front of it."""

    elb: Any
    arn: str
    target_group: str
    name: str
    appliance: str
    service_id: str


@dataclass
class Site:
    """The customer's VPC: an application, and an endpoint to each of the two services."""

    ec2: Any
    igw: str
    subnet: str
    subnet6: str
    address: str
    address6: str
    instance: str
    endpoints: dict[str, str]
    tables: dict[str, str]
    """`edge`, `app`, and `inspector` and `firewall` of the endpoints' subnets."""

    def send(self, table: str, destination: str, **target: str) -> None:
        """The route is made, or leads elsewhere from now on."""
        where = {"RouteTableId": self.tables[table], _member(destination): destination}
        if self.knows(table, destination):
            self.ec2.replace_route(**where, **target)
        else:
            assert self.ec2.create_route(**where, **target)["Return"] is True

    def forget(self, table: str, destination: str) -> None:
        """A route that an earlier way needed."""
        if self.knows(table, destination):
            self.ec2.delete_route(RouteTableId=self.tables[table], **{_member(destination): destination})

    def knows(self, table: str, destination: str) -> bool:
        known = self.ec2.describe_route_tables(RouteTableIds=[self.tables[table]])["RouteTables"][0]["Routes"]
        return any(route.get(_member(destination)) == destination for route in known)

    def inspected_by(self, *services: str) -> None:
        """What the application sends meets these endpoints in this order, and what comes to it in the reverse one."""
        chain = [self.endpoints[service] for service in services]
        for everything, own in (("0.0.0.0/0", self.subnet), ("::/0", self.subnet6)):
            self.send("app", everything, VpcEndpointId=chain[0])
            self.send("edge", own, VpcEndpointId=chain[-1])
            for service, onward in zip(services, [*chain[1:], None], strict=True):
                self.send(service, everything, **({"VpcEndpointId": onward} if onward else {"GatewayId": self.igw}))
            for service, back in zip(services[1:], chain, strict=False):
                self.send(service, own, VpcEndpointId=back)
            self.forget(services[0], own)


def _member(destination: str) -> str:
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def block_of(made: dict[str, Any]) -> str:
    (association,) = made["Ipv6CidrBlockAssociationSet"]
    assert association["Ipv6CidrBlockState"]["State"] == "associated"
    return str(association["Ipv6CidrBlock"])


def nth(block: str, number: int) -> str:
    """The /64 of this number in a /56 such as 2001:db8:0:100::/56."""
    return block.replace("00::/56", f"{number:02x}::/64")


@pytest.fixture(scope="module")
def services(server: Server) -> dict[str, Service]:
    server.account("partner")
    ec2, elb = server.client("ec2", "partner"), server.client("elbv2", "partner")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    subnet = ec2.create_subnet(
        VpcId=vpc["VpcId"],
        CidrBlock="10.9.0.0/24",
        Ipv6CidrBlock=nth(block_of(vpc), 1),
        AvailabilityZone=f"{REGION}a",
    )["Subnet"]["SubnetId"]
    made = {}
    for kind in ("inspector", "firewall"):
        balancer = elb.create_load_balancer(Name=kind, Type="gateway", Subnets=[subnet], IpAddressType="dualstack")
        balancer = balancer["LoadBalancers"][0]
        assert balancer["IpAddressType"] == "dualstack"
        group = elb.create_target_group(
            Name=kind,
            Protocol="GENEVE",
            Port=6081,
            VpcId=vpc["VpcId"],
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        (launched,) = ec2.run_instances(
            ImageId=image(ec2, kind), MinCount=1, MaxCount=1, SubnetId=subnet, UserData=RULES
        )["Instances"]
        ec2.get_waiter("instance_running").wait(
            InstanceIds=[launched["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": launched["InstanceId"]}])
        arn = balancer["LoadBalancerArn"]
        elb.create_listener(LoadBalancerArn=arn, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        service = ec2.create_vpc_endpoint_service_configuration(
            GatewayLoadBalancerArns=[arn], AcceptanceRequired=False, SupportedIpAddressTypes=["ipv4", "ipv6"]
        )["ServiceConfiguration"]
        ec2.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=["*"])
        made[kind] = Service(
            elb=elb,
            arn=arn,
            target_group=group,
            name=service["ServiceName"],
            appliance=launched["InstanceId"],
            service_id=service["ServiceId"],
        )
    return made


@pytest.fixture(scope="module")
def site(server: Server, services: dict[str, Service]) -> Site:
    server.account("customer")
    ec2 = server.client("ec2", "customer")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block, vpc_id = block_of(vpc), vpc["VpcId"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc_id)
    subnets, tables, endpoints = {}, {}, {}
    for number, name in enumerate(("app", "inspector", "firewall"), start=2):
        subnets[name] = ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=f"10.0.{number}.0/28",
            Ipv6CidrBlock=nth(block, number),
            AvailabilityZone=f"{REGION}a",
        )["Subnet"]["SubnetId"]
    for name in ("edge", *subnets):
        tables[name] = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
        where = {"SubnetId": subnets[name]} if name in subnets else {"GatewayId": igw}
        ec2.associate_route_table(RouteTableId=tables[name], **where)
    for kind, service in services.items():
        endpoints[kind] = ec2.create_vpc_endpoint(
            VpcEndpointType="GatewayLoadBalancer",
            ServiceName=service.name,
            VpcId=vpc_id,
            SubnetIds=[subnets[kind]],
            IpAddressType="dualstack",
        )["VpcEndpoint"]["VpcEndpointId"]
    (launched,) = ec2.run_instances(
        ImageId=image(ec2, "linux"),
        MinCount=1,
        MaxCount=1,
        UserData=WEB,
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "SubnetId": subnets["app"],
                "AssociatePublicIpAddress": True,
                "Ipv6AddressCount": 1,
            }
        ],
    )["Instances"]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[launched["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    described = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"][0]["Instances"][0]
    until(
        lambda: all(one["State"] == "available" for one in ec2.describe_vpc_endpoints()["VpcEndpoints"]),
        what="endpoints are available",
    )
    made = Site(
        ec2=ec2,
        igw=igw,
        subnet="10.0.2.0/28",
        subnet6=nth(block, 2),
        address=described["PublicIpAddress"],
        address6=described["Ipv6Address"],
        instance=launched["InstanceId"],
        endpoints=endpoints,
        tables=tables,
    )
    for service in services.values():
        until(
            lambda service=service: (
                service.elb.describe_target_health(TargetGroupArn=service.target_group)["TargetHealthDescriptions"][0][
                    "TargetHealth"
                ]["State"]
                == "healthy"
            ),
            what="the appliance is healthy",
            seconds=40,
        )
    return made


WAYS = [("inspector",), ("firewall",), ("inspector", "firewall")]


@pytest.fixture(params=WAYS, ids="+".join)
def inspected(request: pytest.FixtureRequest, server: Server, site: Site) -> tuple[str, ...]:
    """The application behind one endpoint, the other, or both in series."""
    way: tuple[str, ...] = request.param
    site.inspected_by(*way)
    # Each way has clients of its own, so that flows of an earlier one are not taken for its.
    host = 10 + WAYS.index(way)

    def leads_that_way() -> bool:
        for client, application in ((f"2001:db8:ffff::{host}", site.address6), (f"192.0.2.{host}", site.address)):
            server.inside("internet", "ping", "-c", "1", "-W", "1", "-I", client, application)
        flows = server.flows()
        return all(
            any(
                flow["endpoint"] == site.endpoints[kind] and client in (flow["source"], flow["destination"])
                for flow in flows
            )
            for kind in way
            for client in (f"2001:db8:ffff::{host}", f"192.0.2.{host}")
        )

    until(leads_that_way, what="both protocols meet every endpoint of the way", seconds=20)
    return way


def http6(server: Server, site: Site) -> bool:
    options = ("-s", "-o", "/dev/null", "-m", "2", "--interface", CLIENT, "-w", "%{http_code}")
    return server.inside("internet", "curl", *options, f"http://[{site.address6}]/").stdout == "200"


def test_the_tutorials_ipv6_doubles_are_taken_by_the_cli_as_aws_documents_them(server: Server, site: Site) -> None:
    vpce = ("--vpc-endpoint-id", site.endpoints["inspector"])
    for table, destination, target in (
        ("edge", site.subnet6, vpce),
        ("app", "::/0", vpce),
        ("inspector", "::/0", ("--gateway-id", site.igw)),
    ):
        where = ("--route-table-id", site.tables[table], "--destination-ipv6-cidr-block", destination)
        assert server.cli("ec2", "create-route", *where, *target, account="customer")["Return"] is True
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)


def test_http_passes_over_both_protocols(server: Server, site: Site, inspected: tuple[str, ...]) -> None:
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=10)
    until(lambda: answers(server, site.address), what="HTTP over IPv4 is answered", seconds=10)


def test_a_ping_passes(server: Server, site: Site, inspected: tuple[str, ...]) -> None:
    result = server.inside("internet", "ping", "-6", "-c", "3", "-i", "0.2", "-W", "2", "-I", CLIENT, site.address6)
    assert "3 received" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_arrives_whole(server: Server, site: Site, inspected: tuple[str, ...], mode: str) -> None:
    size = 100_000_000 if inspected == ("inspector",) else 8_000_000
    with server.spawn(site.instance, sys.executable, str(TRANSFER), "serve", "7000", "::") as serving:
        try:
            assert serving.stdout is not None and serving.stdout.readline() == "ready\n"
            where = (mode, site.address6, "7000", str(size))
            result = server.inside("internet", sys.executable, str(TRANSFER), *where, timeout=60)
            assert result.returncode == 0, result.stderr
            assert json.loads(result.stdout)["equal"]
        finally:
            serving.terminate()


def test_udp_segmentation_offload_arrives_as_its_datagrams(
    server: Server, site: Site, inspected: tuple[str, ...]
) -> None:
    with inside(server.namespace(site.instance)):
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with inside(server.namespace("internet")):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((site.address6, 7001))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.settimeout(5)
        sender.bind((CLIENT, 0))
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1200)
        for burst in range(4):
            sender.sendto(b"".join(bytes([burst, i]) * 600 for i in range(40)), (site.address6, 7001))
        got = {receiver.recv(2000)[:2] for _ in range(160)}
    assert len(got) == 160


def connects(server: Server, address: str, port: int, *, source: str) -> str:
    """`connected`, `refused` by the application, or `silence`."""
    with inside(server.namespace("internet")):
        client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    with client:
        client.bind((source, 0))
        client.settimeout(1)
        try:
            client.connect((address, port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silence"
    return "connected"


def test_rules_about_ipv6_deny_ipv6_and_leave_ipv4_alone(
    server: Server, site: Site, inspected: tuple[str, ...]
) -> None:
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=10)
    assert connects(server, site.address6, FORBIDDEN, source=CLIENT) == "silence"
    assert connects(server, site.address6, FORBIDDEN + 1, source=CLIENT) == "refused"
    assert connects(server, site.address, FORBIDDEN, source="192.0.2.1") == "refused"


def test_why_asks_the_programs_about_ipv6(server: Server, site: Site) -> None:
    way = ("inspector", "firewall")
    site.inspected_by(*way)
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)

    def why(*asked: str, arrives: bool = True) -> list[str]:
        done = server.gwlb("why", *asked, "--json", check=False)
        assert done.returncode == (0 if arrives else 1), done.stdout + done.stderr
        answer = json.loads(done.stdout)
        assert answer["by"] == "programs"
        return [step["decision"] for step in answer["steps"]]

    one_pass = ["encapsulated", "eni_forwarded", "returned", "eni_forwarded", "decapsulated", "eni_forwarded"]
    inward = ["igw_in", "eni_forwarded", *one_pass * len(way), "delivered"]
    assert why("2001:0DB8:ffff:0:0:0:0:1", site.address6, "tcp", "40000:80", "--from", site.igw) == inward
    assert why(CLIENT, site.address6, "icmpv6", "--from", site.igw, "--length", "1400") == inward
    instance = site.ec2.describe_instances(InstanceIds=[site.instance])["Reservations"][0]["Instances"][0]
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    outward = ["eni_forwarded", *one_pass * len(way), "igw_out"]
    assert why(site.address6, CLIENT, "udp", "53", "--from", interface) == outward
    stranger = site.subnet6.replace("::/64", "::99")
    assert why(stranger, CLIENT, "udp", "53", "--from", interface, arrives=False) == ["source_check"]
    assert why(CLIENT, stranger, "udp", "53", "--from", site.igw, arrives=False) == ["igw_unknown_address"]
    refused = server.gwlb("why", CLIENT, site.address6, "icmp", "--from", site.igw, check=False)
    assert refused.returncode != 0 and "icmpv6" in refused.stderr


def test_a_walk_follows_a_connection_over_ipv6(server: Server, site: Site, services: dict[str, Service]) -> None:
    site.inspected_by("inspector")
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)
    asked = ("--server", site.address6, "--endpoint", site.endpoints["inspector"], "--name", server.name)
    with subprocess.Popen(
        [str(BIN / "gwlb"), "walk", *asked, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as walking:
        until(lambda: walking.poll() is not None or not http6(server, site), what="a walk", seconds=25)
        told, problem = walking.communicate()
    assert walking.returncode == 0, told + problem
    walk = json.loads(told)
    assert walk["ok"] and walk["connection"][:2] == [CLIENT, site.address6]
    assert walk["appliance"] == services["inspector"].appliance
    request, reply = ([hop["title"] for hop in leg["hops"]] for leg in walk["legs"])
    assert request[:2] == ["from the internet", "enters the VPC"] and reply[-1] == "to the internet"


def test_the_outer_packet_stays_ipv4(server: Server, site: Site, services: dict[str, Service]) -> None:
    site.inspected_by("inspector")
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)
    with inside(server.namespace(services["inspector"].appliance)):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    with raw:
        raw.bind(("eth0", 3))
        raw.settimeout(5)
        assert http6(server, site)
        while (frame := raw.recv(70000))[36:38] != b"\x17\xc1":
            pass
    assert frame[12:14] == b"\x08\x00"
    assert (frame[44:46], frame[82] >> 4) == (b"\x86\xdd", 6)


def test_a_load_balancer_set_to_ipv4_carries_no_more_ipv6_and_goes_on_with_ipv4(
    server: Server, site: Site, services: dict[str, Service]
) -> None:
    site.inspected_by("inspector")
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)
    balancer = services["inspector"]
    balancer.elb.set_ip_address_type(LoadBalancerArn=balancer.arn, IpAddressType="ipv4")
    try:
        until(lambda: not http6(server, site), what="HTTP over IPv6 is not answered", seconds=10)
        assert answers(server, site.address)
    finally:
        balancer.elb.set_ip_address_type(LoadBalancerArn=balancer.arn, IpAddressType="dualstack")
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered again", seconds=10)


def test_an_instance_reaches_the_internet_and_its_own_address(server: Server, site: Site) -> None:
    site.inspected_by("inspector")
    for address in (CLIENT, site.address6):
        result = server.inside(site.instance, "ping", "-6", "-c", "1", "-W", "5", address)
        assert "1 received" in result.stdout, result.stdout + result.stderr


def test_addresses_come_and_go_while_an_instance_runs(server: Server, site: Site) -> None:
    site.inspected_by("inspector")
    instance = site.ec2.describe_instances(InstanceIds=[site.instance])["Reservations"][0]["Instances"][0]
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    (added,) = site.ec2.assign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6AddressCount=1)["AssignedIpv6Addresses"]

    def pings() -> bool:
        return server.inside("internet", "ping", "-6", "-c", "1", "-W", "1", "-I", CLIENT, added).returncode == 0

    until(pings, what="the new address answers", seconds=10)
    site.ec2.unassign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6Addresses=[added])
    until(lambda: not pings(), what="the address is gone", seconds=10)
    assert http6(server, site)


def test_a_vpc_gets_ipv6_while_it_runs_and_loses_it_again(server: Server) -> None:
    server.account("late")
    ec2 = server.client("ec2", "late")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    interfaces = [{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}]
    (launched,) = ec2.run_instances(ImageId=image(ec2, "linux"), MinCount=1, MaxCount=1, NetworkInterfaces=interfaces)[
        "Instances"
    ]
    where = {"InstanceIds": [launched["InstanceId"]]}
    ec2.get_waiter("instance_running").wait(**where, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    instance = ec2.describe_instances(**where)["Reservations"][0]["Instances"][0]
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def pings(address: str) -> bool:
        return server.inside("internet", "ping", "-c", "1", "-W", "1", address).returncode == 0

    assert pings(instance["PublicIpAddress"])
    whole = ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    part = ec2.associate_subnet_cidr_block(SubnetId=subnet, Ipv6CidrBlock=nth(whole["Ipv6CidrBlock"], 1))
    ec2.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=igw)
    (address,) = ec2.assign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6AddressCount=1)["AssignedIpv6Addresses"]
    until(lambda: pings(address), what="the VPC speaks IPv6", seconds=10)
    ec2.unassign_ipv6_addresses(NetworkInterfaceId=interface, Ipv6Addresses=[address])
    ec2.delete_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0")
    ec2.disassociate_subnet_cidr_block(AssociationId=part["Ipv6CidrBlockAssociation"]["AssociationId"])
    ec2.disassociate_vpc_cidr_block(AssociationId=whole["AssociationId"])
    until(
        lambda: server.inside(vpc, "ip", "-6", "-o", "route", "show", "table", "900").stdout == "",
        what="nothing of IPv6 is left in the VPC's box",
        seconds=10,
    )
    assert pings(instance["PublicIpAddress"])
