"""Settings that no other story needs, each seen in packets: an HTTP client on the internet, an application behind an appliance.

The walk over settings (tests/standing) names these tests; every test leaves the lab as it found it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cloud import WEB, Customer, Partner, answers, customer, healthy, image, partner, reachable
from .server import Server, until


@dataclass(frozen=True, kw_only=True)
class Lab:
    server: Server
    partner: Partner
    customer: Customer

    @property
    def ec2(self) -> Any:
        return self.customer.ec2

    @property
    def application(self) -> str:
        return self.customer.applications["a"]

    @property
    def subnet(self) -> str:
        """The application's."""
        return str(self.interface["SubnetId"])

    @property
    def interface(self) -> dict[str, Any]:
        (found,) = self.ec2.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": [self.application]}]
        )["NetworkInterfaces"]
        return dict(found)

    @property
    def public(self) -> str:
        """The application's address on the internet, as it is now."""
        return str(self.interface["Association"]["PublicIp"])

    def association(self, table: str) -> str:
        (shown,) = self.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
        return str(shown["Associations"][0]["RouteTableAssociationId"])

    def silent(self, address: str) -> None:
        """Wait until nobody answers there."""
        until(lambda: not answers(self.server, address, seconds=0.5), what=f"{address} is silent", seconds=20)


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[Lab]:
    server.account("partner")
    server.account("customer1")
    provider = partner(server)
    made = Lab(server=server, partner=provider, customer=customer(server, service=provider.service_name))
    healthy(provider, count=1)
    reachable(server, made.public)
    yield made


def test_an_elastic_address_leads_to_the_instance_it_is_associated_with(lab: Lab):
    ec2 = lab.ec2
    elastic = ec2.allocate_address(Domain="vpc")
    associated = ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=lab.application)
    reachable(lab.server, elastic["PublicIp"])
    ec2.disassociate_address(AssociationId=associated["AssociationId"])
    lab.silent(elastic["PublicIp"])
    interface = lab.interface
    again = {"NetworkInterfaceId": interface["NetworkInterfaceId"], "PrivateIpAddress": interface["PrivateIpAddress"]}
    ec2.associate_address(AllocationId=elastic["AllocationId"], **again)
    reachable(lab.server, elastic["PublicIp"])
    ec2.disassociate_address(PublicIp=elastic["PublicIp"])
    lab.silent(elastic["PublicIp"])
    ec2.release_address(AllocationId=elastic["AllocationId"])
    recovered = ec2.allocate_address(Domain="vpc", Address=elastic["PublicIp"])
    assert recovered["PublicIp"] == elastic["PublicIp"]
    ec2.associate_address(AllocationId=recovered["AllocationId"], InstanceId=lab.application)
    reachable(lab.server, elastic["PublicIp"])


def test_an_elastic_address_moves_with_its_association(lab: Lab):
    ec2 = lab.ec2
    (launched,) = ec2.run_instances(
        ImageId=image(ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=lab.subnet, UserData=WEB
    )["Instances"]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[launched["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=launched["InstanceId"])
    reachable(lab.server, elastic["PublicIp"])
    before = page(lab, elastic["PublicIp"])
    ec2.associate_address(AllocationId=elastic["AllocationId"], InstanceId=lab.application, AllowReassociation=True)
    until(lambda: page(lab, elastic["PublicIp"]) not in ("", before), what="another instance answers")
    ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])


def page(lab: Lab, address: str) -> str:
    """What is served there: the name of who serves it."""
    said = lab.server.inside("internet", "curl", "-s", "-m", "1", "--interface", "192.0.2.1", f"http://{address}/")
    return str(said.stdout)


def test_a_subnet_gives_public_addresses_once_told_to(lab: Lab):
    ec2 = lab.ec2
    ec2.modify_subnet_attribute(SubnetId=lab.subnet, MapPublicIpOnLaunch={"Value": True})
    (launched,) = ec2.run_instances(
        ImageId=image(ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=lab.subnet, UserData=WEB
    )["Instances"]
    try:
        (described,) = ec2.describe_instances(InstanceIds=[launched["InstanceId"]])["Reservations"]
        reachable(lab.server, described["Instances"][0]["PublicIpAddress"], seconds=40)
    finally:
        ec2.modify_subnet_attribute(SubnetId=lab.subnet, MapPublicIpOnLaunch={"Value": False})
        ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])


def test_a_subnet_follows_the_route_table_it_is_associated_with(lab: Lab):
    ec2, table = lab.ec2, lab.customer.tables["app-a"]
    public = lab.public
    empty = ec2.create_route_table(VpcId=lab.customer.vpc)["RouteTable"]["RouteTableId"]
    moved = ec2.replace_route_table_association(AssociationId=lab.association(table), RouteTableId=empty)
    lab.silent(public)
    moved = ec2.replace_route_table_association(AssociationId=moved["NewAssociationId"], RouteTableId=table)
    reachable(lab.server, public)
    ec2.disassociate_route_table(AssociationId=moved["NewAssociationId"])
    lab.silent(public)
    ec2.associate_route_table(RouteTableId=table, SubnetId=lab.subnet)
    reachable(lab.server, public)


def test_without_its_listener_a_load_balancer_serves_nobody(lab: Lab):
    elb = lab.partner.elb
    elb.delete_listener(ListenerArn=lab.partner.listener)
    lab.silent(lab.public)
    forward = [{"Type": "forward", "TargetGroupArn": lab.partner.target_group}]
    made = elb.create_listener(LoadBalancerArn=lab.partner.load_balancer, DefaultActions=forward)
    lab.partner.listener = made["Listeners"][0]["ListenerArn"]
    healthy(lab.partner, count=1)
    reachable(lab.server, lab.public)


def test_a_connection_carries_packets_once_accepted_and_none_once_rejected(lab: Lab):
    ec2, provider, service = lab.ec2, lab.partner.ec2, lab.partner.service_id
    old, public = lab.customer.endpoints["a"], lab.public
    provider.modify_vpc_endpoint_service_configuration(ServiceId=service, AcceptanceRequired=True)
    (shown,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[old])["VpcEndpoints"]
    assert shown["State"] == "available", "what was accepted stays"
    provider.reject_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[old])
    lab.silent(public)
    new = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=lab.partner.service_name,
        VpcId=lab.customer.vpc,
        SubnetIds=shown["SubnetIds"],
    )["VpcEndpoint"]["VpcEndpointId"]
    lead(lab, new)
    assert not answers(lab.server, public, seconds=0.5)
    provider.accept_vpc_endpoint_connections(ServiceId=service, VpcEndpointIds=[new])
    reachable(lab.server, public)
    lab.customer.endpoints["a"] = new


def test_a_service_leads_to_the_load_balancers_that_it_has_now(lab: Lab):
    """The second one has its subnet by a mapping, and the first target by a group of its own."""
    provider, elb, public = lab.partner.ec2, lab.partner.elb, lab.public
    service = provider.create_vpc_endpoint_service_configuration(
        GatewayLoadBalancerArns=[lab.partner.load_balancer], AcceptanceRequired=False
    )["ServiceConfiguration"]
    provider.modify_vpc_endpoint_service_permissions(ServiceId=service["ServiceId"], AddAllowedPrincipals=["*"])
    mapping = [{"SubnetId": lab.partner.subnets["a"]}]
    made = elb.create_load_balancer(Name="second", Type="gateway", SubnetMappings=mapping)["LoadBalancers"][0]
    second = made["LoadBalancerArn"]
    group = elb.create_target_group(
        Name="second", Protocol="GENEVE", Port=6081, VpcId=lab.partner.vpc, HealthCheckIntervalSeconds=5
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": one} for one in lab.partner.appliances["a"]])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elb.create_listener(LoadBalancerArn=second, DefaultActions=forward)["Listeners"][0]["ListenerArn"]
    provider.modify_vpc_endpoint_service_configuration(
        ServiceId=service["ServiceId"],
        AddGatewayLoadBalancerArns=[second],
        RemoveGatewayLoadBalancerArns=[lab.partner.load_balancer],
    )
    old = lab.customer.endpoints["a"]
    (shown,) = lab.ec2.describe_vpc_endpoints(VpcEndpointIds=[old])["VpcEndpoints"]
    new = lab.ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=service["ServiceName"],
        VpcId=lab.customer.vpc,
        SubnetIds=shown["SubnetIds"],
    )["VpcEndpoint"]["VpcEndpointId"]
    lead(lab, new)
    reachable(lab.server, public, seconds=40)
    elb.delete_listener(ListenerArn=listener)
    lab.silent(public)
    lead(lab, old)
    reachable(lab.server, public)


def lead(lab: Lab, endpoint: str) -> None:
    """Take the application's traffic, both ways, through this endpoint."""
    for table, destination in (("edge", "10.0.0.32/28"), ("app-a", "0.0.0.0/0")):
        lab.ec2.replace_route(
            RouteTableId=lab.customer.tables[table], DestinationCidrBlock=destination, VpcEndpointId=endpoint
        )


def test_a_gateway_that_is_detached_and_deleted_takes_its_box_with_it(lab: Lab):
    ec2 = lab.ec2
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    box = Path(lab.server.namespace(gateway))
    until(box.exists, what="the gateway's box is there")
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    until(lambda: not box.exists(), what="the gateway's box is gone")
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)


def test_a_zone_that_is_added_serves_and_cross_zone_lets_other_zones_use_it(lab: Lab):
    provider, public = lab.partner, lab.public
    (first,) = provider.appliances["a"]
    subnet = provider.ec2.create_subnet(VpcId=provider.vpc, CidrBlock="10.9.1.0/24", AvailabilityZoneId="apne2-az2")
    second_subnet = subnet["Subnet"]["SubnetId"]
    (launched,) = provider.ec2.run_instances(
        ImageId=image(provider.ec2, "inspector"), MinCount=1, MaxCount=1, SubnetId=second_subnet
    )["Instances"]
    second = launched["InstanceId"]
    provider.ec2.get_waiter("instance_running").wait(InstanceIds=[second], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    provider.elb.register_targets(TargetGroupArn=provider.target_group, Targets=[{"Id": second}])
    until(lambda: state(lab, second) == "unused", what="its zone is not the load balancer's")
    provider.elb.set_subnets(LoadBalancerArn=provider.load_balancer, Subnets=[provider.subnets["a"], second_subnet])
    until(lambda: state(lab, second) == "healthy", what="the new zone's node probes its target", seconds=40)
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]
    provider.elb.modify_target_group_attributes(TargetGroupArn=provider.target_group, Attributes=attributes)
    provider.elb.deregister_targets(TargetGroupArn=provider.target_group, Targets=[{"Id": first}])
    lab.silent(public)
    cross_zone(lab, "true")
    reachable(lab.server, public)
    cross_zone(lab, "false")
    lab.silent(public)
    provider.elb.register_targets(TargetGroupArn=provider.target_group, Targets=[{"Id": first}])
    reachable(lab.server, public, seconds=40)


def test_a_health_check_follows_the_protocol_and_the_matcher_that_it_is_changed_to(lab: Lab):
    elb, group = lab.partner.elb, lab.partner.target_group
    (target,) = lab.partner.appliances["a"]
    fast = {"TargetGroupArn": group, "HealthCheckProtocol": "HTTP", "HealthCheckIntervalSeconds": 5}
    elb.modify_target_group(**fast, Matcher={"HttpCode": "299"})
    until(lambda: state(lab, target) == "unhealthy", what="no page has the status 299", seconds=40)
    elb.modify_target_group(**fast, Matcher={"HttpCode": "200-399"})
    until(lambda: state(lab, target) == "healthy", what="the matcher fits again", seconds=40)


def state(lab: Lab, target: str) -> str:
    answer = lab.partner.elb.describe_target_health(TargetGroupArn=lab.partner.target_group, Targets=[{"Id": target}])
    return str(answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"])


def cross_zone(lab: Lab, value: str) -> None:
    lab.partner.elb.modify_load_balancer_attributes(
        LoadBalancerArn=lab.partner.load_balancer,
        Attributes=[{"Key": "load_balancing.cross_zone.enabled", "Value": value}],
    )
