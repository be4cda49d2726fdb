"""A customer's side: a web server whose traffic enters and leaves through a Gateway Load Balancer endpoint.

The four route tables are those of the document: edge, application, endpoint, and the main one as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import plan
from .clouds import Cloud, tags
from .partner import Service, wait_running
from .waits import Waits

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """A web server as the internet sees it, and the endpoint before it."""

    customer: str
    site: plan.Site
    instance: str
    endpoint: str
    private_ip: str
    public_ip: str

    @property
    def title(self) -> str:
        return f"{self.customer}/{self.site.name}"


def build(cloud: Cloud, customer: plan.Customer, *, services: Mapping[str, Service], waits: Waits) -> list[Web]:
    """The customer's web servers, running, with their endpoints available."""
    vpc = cloud.vpc(customer.name, cidr=customer.vpc)
    gateway = cloud.ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", customer.name))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    cloud.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc)
    group = cloud.security_group("web", vpc=vpc, rules=[("-1", -1, -1, [ANYWHERE])])
    edge = cloud.route_table("edge", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=edge, GatewayId=gateway_id)
    instances, endpoints = {}, {}
    for site in customer.sites:
        application = cloud.subnet(site.name, vpc=vpc, cidr=site.application_subnet, letter=site.letter)
        before = cloud.subnet(f"{site.name}-endpoint", vpc=vpc, cidr=site.endpoint_subnet, letter=site.letter)
        endpoint = _endpoint(cloud, site, vpc=vpc, subnet=before, service=services[site.inspected_by])
        _routes(cloud, site, vpc=vpc, application=application, before=before, endpoint=endpoint, gateway=gateway_id)
        cloud.ec2.create_route(RouteTableId=edge, DestinationCidrBlock=site.application_subnet, VpcEndpointId=endpoint)
        instances[site.name] = cloud.instance(
            site.name,
            image="opengwlb/linux",
            subnet=application,
            group=group,
            user_data=plan.application_user_data(f"{customer.name}/{site.name}"),
            public=True,
        )
        endpoints[site.name] = endpoint
    _wait_available(cloud, ids=list(endpoints.values()), what=f"{customer.name}'s endpoints", waits=waits)
    wait_running(cloud, ids=list(instances.values()), what=f"{customer.name}'s web servers", waits=waits)
    described = cloud.instance_states(list(instances.values()))
    return [
        Web(
            customer=customer.name,
            site=site,
            instance=instances[site.name],
            endpoint=endpoints[site.name],
            private_ip=described[instances[site.name]]["PrivateIpAddress"],
            public_ip=described[instances[site.name]]["PublicIpAddress"],
        )
        for site in customer.sites
    ]


def _endpoint(cloud: Cloud, site: plan.Site, *, vpc: str, subnet: str, service: Service) -> str:
    made = cloud.ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=service.service_name,
        VpcId=vpc,
        SubnetIds=[subnet],
        TagSpecifications=tags("vpc-endpoint", site.name),
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def _routes(
    cloud: Cloud, site: plan.Site, *, vpc: str, application: str, before: str, endpoint: str, gateway: str
) -> None:
    """Out of the application through the endpoint; out of the endpoint to the internet."""
    application_table = cloud.route_table(f"{site.name}-application", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=application_table, SubnetId=application)
    cloud.ec2.create_route(RouteTableId=application_table, DestinationCidrBlock=ANYWHERE, VpcEndpointId=endpoint)
    endpoint_table = cloud.route_table(f"{site.name}-endpoint", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=endpoint_table, SubnetId=before)
    cloud.ec2.create_route(RouteTableId=endpoint_table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)


def _wait_available(cloud: Cloud, *, ids: list[str], what: str, waits: Waits) -> None:
    def look() -> tuple[bool, str]:
        answer = cloud.ec2.describe_vpc_endpoints(VpcEndpointIds=ids)
        states = [each["State"] for each in answer["VpcEndpoints"]]
        return all(state == "available" for state in states), ", ".join(states)

    waits.until(f"{what} to be available", look)
