"""AWS's getting-started with its IPv6 doubles: a dualstack load balancer, service, endpoint and VPCs, and both protocols through them."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from opengwlb.dataplane import layout
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import inside, open_pin
from opengwlb.model.ids import device_name

from .cloud import answers, image, let_in
from .dualstack import CLIENT, FORBIDDEN, Service, Site, http6, nth, services_of, site_of
from .server import BIN, Server, until

UDP_SEGMENT = 103
T = TypeVar("T")
TRANSFER = Path(__file__).with_name("transfer.py")


@pytest.fixture(scope="module")
def services(server: Server) -> dict[str, Service]:
    return services_of(server)


@pytest.fixture(scope="module")
def site(server: Server, services: dict[str, Service]) -> Site:
    return site_of(server, services)


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


@contextlib.contextmanager
def serving(server: Server, site: Site, address: str) -> Iterator[None]:
    """The application takes and gives bulk on port 7000, over the family of `address`."""
    everything = "::" if ":" in address else "0.0.0.0"
    with server.spawn(site.instance, sys.executable, str(TRANSFER), "serve", "7000", everything) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield
        finally:
            process.terminate()


def transfers(server: Server, site: Site, mode: str, address: str, size: int, *, client: str = "") -> bool:
    """Whether so many bytes arrive with the hash that they left with."""
    with serving(server, site, address):
        where = (mode, address, "7000", str(size), *((client,) if client else ()))
        result = server.inside("internet", sys.executable, str(TRANSFER), *where, timeout=60)
    assert result.returncode == 0, result.stderr
    return bool(json.loads(result.stdout)["equal"])


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_arrives_whole(server: Server, site: Site, inspected: tuple[str, ...], mode: str) -> None:
    assert transfers(server, site, mode, site.address6, 100_000_000 if inspected == ("inspector",) else 8_000_000)


class Internet:
    """The link between the internet gateway and the internet, with an MTU of its own on each side."""

    def __init__(self, server: Server, site: Site) -> None:
        self.server, self.site = server, site
        self.sides = (("internet", device_name(site.igw)), (site.igw, "internet"))

    def mtu(self, client: int, gateway: int) -> None:
        """What was learned before is forgotten."""
        for (box, device), size in zip(self.sides, (client, gateway), strict=True):
            done = self.server.inside(box, "ip", "link", "set", device, "mtu", str(size))
            assert done.returncode == 0, done.stderr
        for box in ("internet", self.site.instance):
            for version in ("-4", "-6"):
                self.server.inside(box, "ip", version, "route", "flush", "cache")
            self.server.inside(box, "ip", "tcp_metrics", "flush")

    def mtus(self) -> tuple[int, ...]:
        told = (self.server.inside(box, "ip", "-j", "link", "show", device).stdout for box, device in self.sides)
        return tuple(json.loads(one)[0]["mtu"] for one in told)

    def undisturbed(self, client: int, gateway: int, attempt: Callable[[], T]) -> T:
        """The server looks every five seconds whether links are as they should be, and mends them: then once more."""
        for _ in range(5):
            self.mtu(client, gateway)
            result = attempt()
            if self.mtus() == (client, gateway):
                return result
        raise AssertionError("the MTU was set back again and again")

    def learned(self, box: str, source: str, destination: str) -> int:
        """A host's path MTU; 0: its link's."""
        told = self.server.inside(box, "ip", "route", "get", destination, "from", source).stdout
        found = re.search(r"\bmtu (\d+)", told)
        return int(found[1]) if found else 0


@pytest.fixture
def jumbo(server: Server, site: Site) -> Iterator[Internet]:
    """A link on which packets of 9001 bytes come from the internet, and the application's may leave."""
    link = Internet(server, site)
    site.inspected_by("inspector")
    until(lambda: http6(server, site), what="HTTP over IPv6 is answered", seconds=20)
    try:
        yield link
    finally:
        link.mtu(1500, 1500)


@contextlib.contextmanager
def switched(server: Server, service: Service, *, pmtud: bool, mss_clamping: bool) -> Iterator[None]:
    """Switches of a load balancer, from when they have taken effect until the block ends."""
    switch(server, service, pmtud=pmtud, mss_clamping=mss_clamping)
    try:
        yield
    finally:
        switch(server, service, pmtud=False, mss_clamping=True)


def switch(server: Server, service: Service, *, pmtud: bool, mss_clamping: bool) -> None:
    values = {"pmtud": pmtud, "mss_clamping": mss_clamping}
    service.elb.modify_load_balancer_attributes(
        LoadBalancerArn=service.arn,
        Attributes=[{"Key": f"opengwlb.{name}.enabled", "Value": str(on).lower()} for name, on in values.items()],
    )
    wanted = (layout.NODE_PMTUD if pmtud else 0) | (0 if mss_clamping else layout.NODE_NO_MSS_CLAMPING)
    nodes = Map(open_pin(f"/run/opengwlb/{server.name}/bpf/maps/nodes"), name="nodes")
    try:
        until(
            lambda: wanted in {layout.node_config.from_buffer_copy(value).flags for _, value in nodes.entries()},
            what="the switches have taken effect",
        )
    finally:
        nodes.close()


def counted(server: Server, verdict: str) -> int:
    """Packets that met it, at any port."""
    with urllib.request.urlopen(f"{server.endpoint}/metrics") as answer:
        text = answer.read().decode()
    return sum(
        int(float(one)) for one in re.findall(rf"^gwlb_{verdict}_packets_total{{.*}} (\S+)$", text, re.MULTILINE)
    )


def both_families(site: Site) -> tuple[tuple[str, str], ...]:
    return (("192.0.2.1", site.address), (CLIENT, site.address6))


def test_a_jumbo_sender_behind_the_internet_gateway_learns_8500_bytes_and_bulk_arrives(
    server: Server, site: Site, services: dict[str, Service], jumbo: Internet
) -> None:
    """The answer passes the gateway, which translates the packet that it quotes; super-packets included, both ways."""
    with switched(server, services["inspector"], pmtud=True, mss_clamping=False):
        for client, address in both_families(site):
            for mode in ("push", "pull"):
                before = counted(server, "too_big_answered")
                transfer = partial(transfers, server, site, mode, address, 8_000_000, client=client)
                assert jumbo.undisturbed(9001, 9001, transfer)
                assert 1 <= counted(server, "too_big_answered") - before < 1000
                assert mode == "pull" or jumbo.learned("internet", client, address) == 8500


def test_a_small_link_behind_the_internet_gateway_is_learned_through_the_load_balancer(
    server: Server, site: Site, jumbo: Internet
) -> None:
    """The gateway's own kernel answers; its ICMP is translated and goes by the flow's appliance to the application."""
    instance = site.ec2.describe_instances(InstanceIds=[site.instance])["Reservations"][0]["Instances"][0]
    own = (instance["PrivateIpAddress"], site.address6)
    for source, (client, address) in zip(own, both_families(site), strict=True):
        transfer = partial(transfers, server, site, "pull", address, 4_000_000, client=client)
        assert jumbo.undisturbed(9001, 1500, transfer)
        assert jumbo.learned(site.instance, source, client) == 1500


def test_clamped_bulk_of_super_packets_never_meets_the_limit(server: Server, site: Site, jumbo: Internet) -> None:
    limits = ("inner_too_big", "return_too_big", "too_big_answered")
    before = [counted(server, verdict) for verdict in limits]
    for client, address in both_families(site):
        for mode in ("push", "pull"):
            transfer = partial(transfers, server, site, mode, address, 8_000_000, client=client)
            assert jumbo.undisturbed(9001, 9001, transfer)
    assert [counted(server, verdict) for verdict in limits] == before


def test_a_transfer_that_stalls_at_the_limit_goes_on_once_answers_are_switched_on(
    server: Server, site: Site, services: dict[str, Service], jumbo: Internet
) -> None:
    """As AWS does, 8501 bytes are dropped in silence; the switch takes effect in the running connection."""

    def attempt() -> bool:
        switch(server, services["inspector"], pmtud=False, mss_clamping=False)
        before = counted(server, "inner_too_big")
        where = ("push", site.address, "7000", "4000000")
        with server.spawn("internet", sys.executable, str(TRANSFER), *where) as client:
            until(lambda: counted(server, "inner_too_big") >= before + 3, what="it stalls", seconds=10)
            stalled = client.poll() is None
            switch(server, services["inspector"], pmtud=True, mss_clamping=False)
            told, problem = client.communicate(timeout=30)
        assert client.returncode == 0, problem
        return stalled and json.loads(told)["equal"]

    try:
        with serving(server, site, site.address):
            assert jumbo.undisturbed(9001, 9001, attempt)
    finally:
        switch(server, services["inspector"], pmtud=False, mss_clamping=True)


@pytest.mark.parametrize("way", ["inward", "outward"])
def test_udp_segmentation_offload_arrives_as_its_datagrams(
    server: Server, site: Site, inspected: tuple[str, ...], way: str
) -> None:
    """As QUIC sends. Outward, datagrams of 1400 bytes fit the internet's 1500."""
    ends = {"internet": CLIENT, site.instance: site.address6}
    (from_box, source), (to_box, target) = ends.items() if way == "inward" else reversed(ends.items())
    size = 1200 if way == "inward" else 1400
    with inside(server.namespace(to_box)):
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with inside(server.namespace(from_box)):
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((target, 7001))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.settimeout(5)
        sender.bind((source, 0))
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        sent = [[bytes([burst, i]) * (size // 2) for i in range(40)] for burst in range(4)]
        for burst in sent:
            sender.sendto(b"".join(burst), (target, 7001))
        got = sorted(receiver.recv(2000) for burst in sent for _ in burst)
    assert got == sorted(one for burst in sent for one in burst)


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
    # Into a file: a walk with its bytes is more than a pipe holds that nobody reads.
    with tempfile.TemporaryFile("w+") as told:
        with subprocess.Popen([str(BIN / "gwlb"), "walk", *asked, "--json"], stdout=told, stderr=told) as walking:
            until(lambda: walking.poll() is not None or not http6(server, site), what="a walk", seconds=25)
        told.seek(0)
        said = told.read()
    assert walking.returncode == 0, said
    walk = json.loads(said)
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
    (shown,) = balancer.elb.describe_load_balancers(LoadBalancerArns=[balancer.arn])["LoadBalancers"]
    mappings = [{"SubnetId": zone["SubnetId"]} for zone in shown["AvailabilityZones"]]
    for kind, answered in (("ipv4", False), ("dualstack", True)):
        balancer.elb.set_subnets(LoadBalancerArn=balancer.arn, SubnetMappings=mappings, IpAddressType=kind)
        until(lambda a=answered: http6(server, site) is a, what=f"IPv6 is answered: {answered}", seconds=10)
        assert answers(server, site.address)


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
    let_in(ec2, vpc)
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
