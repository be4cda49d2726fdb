"""AWS's tutorial architecture, built through the API with boto3: a partner with appliances, customers with applications."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from .server import REGION, Server, until

WEB = """#cloud-boothook
#!/bin/sh
mkdir -p /srv/www && cd /srv/www && hostname > index.html
python3 -m http.server 80 >/dev/null 2>&1 &
"""


EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}


def allowed(protocol: str, port: int, *cidrs: str) -> dict[str, Any]:
    """Inbound: one port, from these blocks of IPv4."""
    return {
        "IpProtocol": protocol,
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": cidr} for cidr in cidrs],
    }


def let_in(ec2: Any, vpc: str, *permissions: dict[str, Any]) -> str:
    """What the default security group of a VPC lets in beside its own members: everything, if nothing is said. Its id."""
    wanted = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = str(ec2.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=list(permissions or (EVERYTHING,)))
    return group


def image(ec2: Any, name: str) -> str:
    """AMI id of a built-in image by name; any other image is named by its id."""
    if name.startswith("ami-"):
        return name
    found = ec2.describe_images(Filters=[{"Name": "name", "Values": [f"opengwlb/{name}"]}])["Images"]
    return str(found[0]["ImageId"])


@dataclass
class Partner:
    account: str
    ec2: Any
    elb: Any
    vpc: str
    subnets: dict[str, str]
    load_balancer: str
    target_group: str
    listener: str
    service_id: str
    service_name: str
    appliances: dict[str, list[str]] = field(default_factory=dict)
    """zone -> instance ids."""


@dataclass
class Customer:
    account: str
    ec2: Any
    vpc: str
    igw: str
    applications: dict[str, str]
    """zone -> instance id."""
    public: dict[str, str]
    endpoints: dict[str, str]
    tables: dict[str, str]
    """`edge`, and `app-<zone>`, `gwlbe-<zone>`."""


def partner(
    server: Server,
    *,
    account: str = "partner",
    zones: tuple[str, ...] = ("a",),
    per_zone: int = 1,
    appliance: str = "inspector",
    user_data: str = "",
    cidr: str = "10.9.0.0/16",
    interval_s: int = 5,
    lets_in: tuple[dict[str, Any], ...] = (),
) -> Partner:
    """A security VPC with a load balancer, running appliances, a listener and a service open to everyone.

    The appliances' group lets in what a load balancer needs, GENEVE and health checks of its own VPC, or what `lets_in` says.
    """
    ec2, elb = server.client("ec2", account), server.client("elbv2", account)
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    let_in(ec2, vpc, *(lets_in or (allowed("udp", 6081, cidr), allowed("tcp", 80, cidr))))
    prefix = cidr.split(".0.0/")[0]
    subnets = {
        zone: ec2.create_subnet(VpcId=vpc, CidrBlock=f"{prefix}.{index}.0/24", AvailabilityZone=REGION + zone)[
            "Subnet"
        ]["SubnetId"]
        for index, zone in enumerate(zones)
    }
    balancer = elb.create_load_balancer(Name="gwlb", Type="gateway", Subnets=list(subnets.values()))["LoadBalancers"][0]
    group = elb.create_target_group(
        Name="appliances",
        Protocol="GENEVE",
        Port=6081,
        VpcId=vpc,
        HealthCheckIntervalSeconds=interval_s,
        HealthCheckTimeoutSeconds=2,
        HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    appliances: dict[str, list[str]] = {}
    for zone, subnet in subnets.items():
        launched = ec2.run_instances(
            ImageId=image(ec2, appliance), MinCount=per_zone, MaxCount=per_zone, SubnetId=subnet, UserData=user_data
        )["Instances"]
        appliances[zone] = [one["InstanceId"] for one in launched]
    every = [one for ids in appliances.values() for one in ids]
    ec2.get_waiter("instance_running").wait(InstanceIds=every, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one} for one in every])
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
    )["Listeners"][0]["ListenerArn"]
    service = ec2.create_vpc_endpoint_service_configuration(
        GatewayLoadBalancerArns=[balancer["LoadBalancerArn"]], AcceptanceRequired=False
    )["ServiceConfiguration"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=["*"])
    elb.get_waiter("load_balancer_available").wait(
        LoadBalancerArns=[balancer["LoadBalancerArn"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return Partner(
        account=account,
        ec2=ec2,
        elb=elb,
        vpc=vpc,
        subnets=subnets,
        load_balancer=balancer["LoadBalancerArn"],
        target_group=group,
        listener=listener,
        service_id=service["ServiceId"],
        service_name=service["ServiceName"],
        appliances=appliances,
    )


def customer(
    server: Server,
    *,
    service: str,
    account: str = "customer1",
    zones: tuple[str, ...] = ("a",),
    user_data: str = WEB,
    lets_in: tuple[dict[str, Any], ...] = (),
) -> Customer:
    """10.0.0.0/16 with an application (10.0.<16n>.32/28 …) and an endpoint in each zone, and the four tables of facts 6.2."""
    ec2 = server.client("ec2", account)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    let_in(ec2, vpc, *lets_in)
    igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    tables = {"edge": ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]}
    ec2.associate_route_table(RouteTableId=tables["edge"], GatewayId=igw)
    made = Customer(account=account, ec2=ec2, vpc=vpc, igw=igw, applications={}, public={}, endpoints={}, tables=tables)
    for index, zone in enumerate(zones):
        _zone(made, zone=zone, index=index, service=service, user_data=user_data)
    every = list(made.applications.values())
    ec2.get_waiter("instance_running").wait(InstanceIds=every, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    for instance in ec2.describe_instances(InstanceIds=every)["Reservations"]:
        one = instance["Instances"][0]
        made.public[one["Placement"]["AvailabilityZone"][-1]] = one["PublicIpAddress"]
    until(
        lambda: all(
            one["State"] == "available"
            for one in ec2.describe_vpc_endpoints(VpcEndpointIds=list(made.endpoints.values()))["VpcEndpoints"]
        ),
        what="endpoints are available",
    )
    return made


def _zone(made: Customer, *, zone: str, index: int, service: str, user_data: str) -> None:
    ec2, vpc, where = made.ec2, made.vpc, REGION + zone
    application = f"10.0.{16 * index}.32/28"
    app_subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=application, AvailabilityZone=where)["Subnet"]["SubnetId"]
    end_subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{16 * index + 1}.0/28", AvailabilityZone=where)[
        "Subnet"
    ]["SubnetId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer", ServiceName=service, VpcId=vpc, SubnetIds=[end_subnet]
    )["VpcEndpoint"]["VpcEndpointId"]
    made.endpoints[zone] = endpoint
    for name, subnet in ((f"app-{zone}", app_subnet), (f"gwlbe-{zone}", end_subnet)):
        made.tables[name] = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=made.tables[name], SubnetId=subnet)
    ec2.create_route(RouteTableId=made.tables["edge"], DestinationCidrBlock=application, VpcEndpointId=endpoint)
    ec2.create_route(RouteTableId=made.tables[f"app-{zone}"], DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=endpoint)
    ec2.create_route(RouteTableId=made.tables[f"gwlbe-{zone}"], DestinationCidrBlock="0.0.0.0/0", GatewayId=made.igw)
    (instance,) = ec2.run_instances(
        ImageId=image(ec2, "linux"),
        MinCount=1,
        MaxCount=1,
        UserData=user_data,
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": app_subnet, "AssociatePublicIpAddress": True}],
    )["Instances"]
    made.applications[zone] = instance["InstanceId"]


def healthy(one: Partner, *, count: int, seconds: float = 40.0) -> list[dict[str, Any]]:
    """Wait until exactly `count` targets are healthy; all descriptions."""

    def look() -> Any:
        found = one.elb.describe_target_health(TargetGroupArn=one.target_group)["TargetHealthDescriptions"]
        return found if sum(t["TargetHealth"]["State"] == "healthy" for t in found) == count else None

    return list(until(look, what=f"{count} healthy targets", seconds=seconds, every=0.2))


def answers(server: Server, address: str, *, port: int = 80, source: str = "192.0.2.1", seconds: float = 2.0) -> bool:
    """Whether an HTTP GET from the internet box is answered."""
    result = server.inside(
        "internet",
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-m",
        str(seconds),
        "--interface",
        source,
        "-w",
        "%{http_code}",
        f"http://{address}:{port}/",
    )
    return result.stdout == "200"


def reachable(server: Server, address: str, *, seconds: float = 20.0) -> float:
    """Wait until HTTP through the appliances works; how long it took."""
    start = time.monotonic()
    until(lambda: answers(server, address), what=f"http://{address}/ answers", seconds=seconds)
    return time.monotonic() - start
