"""What the document presupposes: VPCs, subnets, an internet gateway, route tables, and an application that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.stories.cloud import image, let_in
from tests.stories.server import REGION, Server

ALLOWED_PORT = 80
FORBIDDEN_PORT = 23
APPLICATIONS = "10.0.0.32/28"
RULES = f"""\
default: allow
rules:
  - {{name: no-telnet, action: deny, protocol: tcp, ports: "{FORBIDDEN_PORT}"}}
"""
"""User data of the partner's firewall."""

_WEB = "#cloud-boothook\n#!/bin/sh\nmkdir -p /srv/www && cd /srv/www && echo welcome >index.html\n" + "".join(
    f"python3 -m http.server {port} >/dev/null 2>&1 &\n" for port in (ALLOWED_PORT, FORBIDDEN_PORT)
)


@dataclass(frozen=True, kw_only=True)
class Security:
    vpc: str
    subnet: str
    group: str
    """The VPC's default security group, which lets nothing in but its own members."""


@dataclass(frozen=True, kw_only=True)
class Consumer:
    vpc: str
    igw: str
    endpoint_subnet: str
    application: str
    public: str
    tables: dict[str, str]
    """`edge`, which nothing uses yet, `app` and `endpoint`, each associated with its subnet; none has a route but the local one."""


def security(server: Server, account: str) -> Security:
    ec2 = server.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=_named("vpc", "security"))["Vpc"]["VpcId"]
    subnet = _subnet(ec2, vpc, "10.9.0.0/24", "appliances")
    wanted = [{"Name": "vpc-id", "Values": [vpc]}]
    group = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"]
    return Security(vpc=vpc, subnet=subnet, group=group)


def consumer(server: Server, account: str) -> Consumer:
    ec2 = server.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_named("vpc", "shop"))["Vpc"]["VpcId"]
    let_in(ec2, vpc)
    igw = ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", "shop"))["InternetGateway"][
        "InternetGatewayId"
    ]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    subnets = {
        "app": _subnet(ec2, vpc, APPLICATIONS, "application"),
        "endpoint": _subnet(ec2, vpc, "10.0.1.0/28", "endpoint"),
    }
    tables = {}
    for name in ("edge", "app", "endpoint"):
        asked = _named("route-table", name)
        tables[name] = ec2.create_route_table(VpcId=vpc, TagSpecifications=asked)["RouteTable"]["RouteTableId"]
        if name in subnets:
            ec2.associate_route_table(RouteTableId=tables[name], SubnetId=subnets[name])
    (launched,) = ec2.run_instances(
        ImageId=image(ec2, "linux"),
        MinCount=1,
        MaxCount=1,
        UserData=_WEB,
        TagSpecifications=_named("instance", "web"),
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnets["app"], "AssociatePublicIpAddress": True}],
    )["Instances"]
    application = launched["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[application], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    running = ec2.describe_instances(InstanceIds=[application])["Reservations"][0]["Instances"][0]
    return Consumer(
        vpc=vpc,
        igw=igw,
        endpoint_subnet=subnets["endpoint"],
        application=application,
        public=running["PublicIpAddress"],
        tables=tables,
    )


def _named(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def _subnet(ec2: Any, vpc: str, cidr: str, name: str) -> str:
    asked = _named("subnet", name)
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}a", TagSpecifications=asked)
    return str(made["Subnet"]["SubnetId"])
