"""A dual-stack network: two load balancers of a partner, and a customer's application behind an endpoint to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .cloud import allowed, image, let_in
from .server import REGION, Server, until

CLIENT = "2001:db8:ffff::1"
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


def services_of(server: Server) -> dict[str, Service]:
    server.account("partner")
    ec2, elb = server.client("ec2", "partner"), server.client("elbv2", "partner")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    let_in(ec2, vpc["VpcId"], allowed("udp", 6081, "10.9.0.0/16"), allowed("tcp", 80, "10.9.0.0/16"))
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
        # One service has both protocols from its making, the other is told the second later.
        types = ["ipv4", "ipv6"] if kind == "inspector" else ["ipv4"]
        service = ec2.create_vpc_endpoint_service_configuration(
            GatewayLoadBalancerArns=[arn], AcceptanceRequired=False, SupportedIpAddressTypes=types
        )["ServiceConfiguration"]
        if kind == "firewall":
            ec2.modify_vpc_endpoint_service_configuration(
                ServiceId=service["ServiceId"], AddSupportedIpAddressTypes=["ipv6"]
            )
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


def site_of(server: Server, services: dict[str, Service]) -> Site:
    server.account("customer")
    ec2 = server.client("ec2", "customer")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    let_in(ec2, vpc["VpcId"])
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


def http6(server: Server, site: Site) -> bool:
    options = ("-s", "-o", "/dev/null", "-m", "2", "--interface", CLIENT, "-w", "%{http_code}")
    return server.inside("internet", "curl", *options, f"http://[{site.address6}]/").stdout == "200"
