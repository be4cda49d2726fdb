"""Network ACLs as AWS users set them: calls go in by boto3, and every packet obeys, those of a running transfer too."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, answers, customer, healthy, partner, reachable
from .server import Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
CLIENT, CLIENTS = "192.0.2.1", "192.0.2.0/24"
BULK_PORT = 7000
BYTES = 96 << 20
EPHEMERAL = (1024, 65535)


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, appliance="firewall")
    made = customer(server, service=inspected.service_name)
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    yield inspected, made


@pytest.fixture
def acl(lab: tuple[Partner, Customer]) -> Iterator[str]:
    """An ACL without entries; whatever it was associated with has the VPC's own again afterwards."""
    _, made = lab
    own = made.ec2.create_network_acl(VpcId=made.vpc)["NetworkAcl"]["NetworkAclId"]
    try:
        yield own
    finally:
        (default,) = made.ec2.describe_network_acls(
            Filters=[{"Name": "vpc-id", "Values": [made.vpc]}, {"Name": "default", "Values": ["true"]}]
        )["NetworkAcls"]
        (mine,) = made.ec2.describe_network_acls(NetworkAclIds=[own])["NetworkAcls"]
        for one in mine["Associations"]:
            made.ec2.replace_network_acl_association(
                AssociationId=one["NetworkAclAssociationId"], NetworkAclId=default["NetworkAclId"]
            )
        made.ec2.delete_network_acl(NetworkAclId=own)


def application_subnet(made: Customer) -> str:
    (found,) = made.ec2.describe_instances(InstanceIds=[made.applications["a"]])["Reservations"]
    return str(found["Instances"][0]["SubnetId"])


def associate(made: Customer, acl: str, subnet: str) -> None:
    """Instead of the one that the subnet has."""
    (found,) = made.ec2.describe_network_acls(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])[
        "NetworkAcls"
    ]
    (association,) = [one["NetworkAclAssociationId"] for one in found["Associations"] if one["SubnetId"] == subnet]
    made.ec2.replace_network_acl_association(AssociationId=association, NetworkAclId=acl)


def tcp(number: int, ports: tuple[int, int], *, egress: bool, allow: bool = True) -> dict[str, Any]:
    """An entry for clients on the internet, as CreateNetworkAclEntry and ReplaceNetworkAclEntry take it."""
    return {
        "RuleNumber": number,
        "Protocol": "6",
        "PortRange": {"From": ports[0], "To": ports[1]},
        "CidrBlock": CLIENTS,
        "Egress": egress,
        "RuleAction": "allow" if allow else "deny",
    }


def dropped(server: Server, verdict: str) -> int:
    """Packets that met this verdict, anywhere."""
    rows = json.loads(server.gwlb("drops", "--json").stdout)["drops"]
    return sum(int(row["packets"]) for row in rows if row["verdict"] == verdict)


def closed(server: Server, address: str) -> None:
    """Wait until nobody is answered."""
    until(lambda: not answers(server, address, seconds=0.3), what="no answer comes")


def test_a_subnet_with_an_acl_of_its_own_opens_entry_by_entry_and_answers_need_ephemeral_ports(
    server: Server, lab: tuple[Partner, Customer], acl: str
) -> None:
    _, made = lab
    address = made.public["a"]
    associate(made, acl, application_subnet(made))
    closed(server, address)
    assert dropped(server, "network_acl_ingress") > 0
    assert dropped(server, "network_acl_egress") == 0
    made.ec2.create_network_acl_entry(NetworkAclId=acl, **tcp(100, (80, 80), egress=False))

    def answers_are_dropped() -> bool:
        assert not answers(server, address, seconds=0.3)
        return dropped(server, "network_acl_egress") > 0

    until(answers_are_dropped, what="answers are dropped where they leave")
    made.ec2.create_network_acl_entry(NetworkAclId=acl, **tcp(100, EPHEMERAL, egress=True))
    until(lambda: answers(server, address, seconds=0.5), what="answers to ephemeral ports leave")
    made.ec2.replace_network_acl_entry(NetworkAclId=acl, **tcp(100, (80, 80), egress=True))
    closed(server, address)


def test_the_acl_of_the_endpoints_subnet_is_met_by_what_is_inspected(
    server: Server, lab: tuple[Partner, Customer], acl: str
) -> None:
    _, made = lab
    address = made.public["a"]
    (endpoint,) = made.ec2.describe_vpc_endpoints(VpcEndpointIds=[made.endpoints["a"]])["VpcEndpoints"]
    associate(made, acl, endpoint["SubnetIds"][0])
    closed(server, address)
    for egress in (False, True):
        made.ec2.create_network_acl_entry(NetworkAclId=acl, **tcp(100, (1, 65535), egress=egress))
        # Requests that leave the endpoint for the application, and answers that come to it.
        inside = {**tcp(110, (1, 65535), egress=egress), "CidrBlock": "10.0.0.0/16"}
        made.ec2.create_network_acl_entry(NetworkAclId=acl, **inside)
    until(lambda: answers(server, address, seconds=0.5), what="both ways are open")


def received(server: Server, address: str) -> int:
    """Bytes that the running transfer's client has."""
    said = server.inside("internet", "ss", "-tinH", "dst", f"{address}:{BULK_PORT}").stdout
    return max((int(one) for one in re.findall(r"bytes_received:(\d+)", said)), default=0)


def test_a_denying_entry_stops_a_running_transfer_at_once_and_its_removal_lets_it_go_on(
    server: Server, lab: tuple[Partner, Customer], acl: str
) -> None:
    _, made = lab
    address = made.public["a"]
    for egress in (False, True):
        made.ec2.create_network_acl_entry(NetworkAclId=acl, **tcp(100, (1, 65535), egress=egress))
    associate(made, acl, application_subnet(made))
    served = server.spawn(made.applications["a"], sys.executable, TRANSFER, "serve", str(BULK_PORT))
    try:
        assert served.stdout is not None and served.stdout.readline() == "ready\n"
        client = (sys.executable, TRANSFER, "pull", address, str(BULK_PORT), str(BYTES), CLIENT)
        running = server.spawn("internet", *client)
        until(lambda: received(server, address) > 1 << 20, what="a transfer runs", every=0.01)
        denial = tcp(50, EPHEMERAL, egress=True, allow=False)
        made.ec2.create_network_acl_entry(NetworkAclId=acl, **denial)
        stopped_at = stalled(server, address)
        assert 0 < stopped_at < BYTES, "the transfer was too short to tell"
        assert running.poll() is None
        assert dropped(server, "network_acl_egress") > 0
        made.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=50, Egress=True)
        said, complaint = running.communicate(timeout=60)
        assert running.returncode == 0, complaint
        assert json.loads(said)["equal"], "other bytes came than were sent"
    finally:
        served.terminate()
        served.wait()


def stalled(server: Server, address: str) -> int:
    """Wait until nothing more comes to the client; how many bytes it has."""
    last = [-1]

    def same() -> bool:
        now = received(server, address)
        still, last[0] = now == last[0], now
        return still

    until(same, what="the transfer stands still", seconds=3, every=0.3)
    return last[0]
