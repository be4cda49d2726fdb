"""The customer's VPC of the tutorial, made through the API, for tests that need one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from api_harness import Api

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.ids import new_id
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.vpc import Attachment, NetworkInterface

APP = "10.0.0.32/28"
ENDPOINT = "10.0.0.64/28"
LOAD_BALANCER = "arn:aws:elasticloadbalancing:ap-northeast-2:222222222222:loadbalancer/gwy/lb/0123456789abcdef"
"""Another account's, behind the endpoints that are made here."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The customer's VPC of the tutorial: application and endpoint subnet, gateway attached, one route table."""

    api: Api
    vpc: str
    app: str
    endpoint_subnet: str
    gateway: str
    table: str
    endpoint: str

    def route(self, destination: str, **target: Any) -> None:
        self.api.ec2("CreateRoute", RouteTableId=self.table, DestinationCidrBlock=destination, **target)

    def routes(self, table: str | None = None) -> dict[str, dict[str, Any]]:
        (shown,) = self.api.ec2("DescribeRouteTables", RouteTableIds=[table or self.table])["RouteTables"]
        return {route["DestinationCidrBlock"]: route for route in shown["Routes"]}

    def new_table(self) -> str:
        return self.api.ec2("CreateRouteTable", VpcId=self.vpc)["RouteTable"]["RouteTableId"]

    def interface(self) -> str:
        return self.api.ec2("CreateNetworkInterface", SubnetId=self.app)["NetworkInterface"]["NetworkInterfaceId"]

    def instance(self) -> Instance:
        """A running instance with one interface in the application's subnet."""
        interface_id = self.interface()
        interface = self.api.store.snapshot().get(NetworkInterface, interface_id)
        assert interface is not None
        instance = Instance(
            id=new_id("i"),
            account=self.api.account,
            region=self.api.region,
            vpc=self.vpc,
            subnet=self.app,
            zone=interface.zone,
            image="ami-0000000000000a001",
            instance_type="t3.micro",
            private_ip=interface.private_ip,
            network_interfaces=(interface.id,),
            reservation=new_id("r"),
            launch_index=0,
            launch_time=self.api.now,
            state=InstanceState.RUNNING,
        )
        attachment = Attachment(
            id=new_id("eni-attach"),
            instance=instance.id,
            device_index=0,
            delete_on_termination=True,
            attach_time=self.api.now,
        )
        self.api.put(instance, replace(interface, attachment=attachment))
        return instance

    def make_endpoint(self, subnet: str) -> str:
        endpoint = VpcEndpoint(
            id=new_id("vpce"),
            account=self.api.account,
            region=self.api.region,
            service=new_id("vpce-svc"),
            service_name="com.amazonaws.vpce.ap-northeast-2.vpce-svc-0",
            vpc=self.vpc,
            subnet=subnet,
            zone="ap-northeast-2a",
            network_interface=new_id("eni"),
            created=self.api.now,
            load_balancer=LOAD_BALANCER,
            state="available",
        )
        balancer = LoadBalancer(
            id=LOAD_BALANCER,
            account="222222222222",
            region=self.api.region,
            name="lb",
            vpc="",
            zones=(),
            created=self.api.now,
        )
        self.api.put(balancer, endpoint)
        return endpoint.id


def make_lab(api: Api) -> Lab:
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    app = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=APP)["Subnet"]["SubnetId"]
    endpoint_subnet = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=ENDPOINT)["Subnet"]["SubnetId"]
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    bare = Lab(api=api, vpc=vpc, app=app, endpoint_subnet=endpoint_subnet, gateway=gateway, table=table, endpoint="")
    return replace(bare, endpoint=bare.make_endpoint(endpoint_subnet))
