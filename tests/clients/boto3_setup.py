"""A whole GWLB set-up of two accounts as people write it with boto3: waiters, tags on create, client tokens; and its removal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.stories.server import REGION

QUICK = {"Delay": 1, "MaxAttempts": 20}


def tagged(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, {"Key": "environment", "Value": "judged"}]}]


@dataclass
class Provider:
    """The security VPC with its load balancer and endpoint service; `build` may be called again."""

    ec2: Any
    elb: Any
    made: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        ec2, made = self.ec2, self.made
        made["vpc"] = ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=tagged("vpc", "security"))["Vpc"][
            "VpcId"
        ]
        ec2.get_waiter("vpc_available").wait(VpcIds=[made["vpc"]], WaiterConfig=QUICK)
        for index, zone in enumerate("ab"):
            made[f"subnet-{zone}"] = ec2.create_subnet(
                VpcId=made["vpc"],
                CidrBlock=f"10.1.{index}.0/24",
                AvailabilityZone=REGION + zone,
                TagSpecifications=tagged("subnet", f"appliances-{zone}"),
            )["Subnet"]["SubnetId"]
        ec2.get_waiter("subnet_available").wait(SubnetIds=self.subnets, WaiterConfig=QUICK)
        made["group"] = ec2.create_security_group(
            GroupName="appliances",
            Description="GENEVE and health checks",
            VpcId=made["vpc"],
            TagSpecifications=tagged("security-group", "appliances"),
        )["GroupId"]
        ec2.get_waiter("security_group_exists").wait(GroupIds=[made["group"]], WaiterConfig=QUICK)
        ec2.authorize_security_group_ingress(
            GroupId=made["group"],
            IpPermissions=[
                {
                    "IpProtocol": protocol,
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{"CidrIp": "10.1.0.0/16", "Description": "from the load balancer"}],
                }
                for protocol, port in (("udp", 6081), ("tcp", 80))
            ],
        )
        image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["opengwlb/inspector"]}])["Images"][0]
        made["appliance"] = ec2.run_instances(
            ImageId=image["ImageId"],
            MinCount=1,
            MaxCount=1,
            SubnetId=made["subnet-a"],
            SecurityGroupIds=[made["group"]],
            TagSpecifications=tagged("instance", "appliance"),
        )["Instances"][0]["InstanceId"]
        ec2.get_waiter("instance_running").wait(InstanceIds=[made["appliance"]], WaiterConfig=QUICK)
        self.balance()
        self.serve()

    @property
    def subnets(self) -> list[str]:
        return [self.made["subnet-a"], self.made["subnet-b"]]

    def balance(self) -> None:
        """Load balancer, target group, target and listener: creating what is there already answers what is there."""
        elb, made = self.elb, self.made
        made["balancer"] = elb.create_load_balancer(
            Name="judged", Type="gateway", Subnets=self.subnets, Tags=[{"Key": "environment", "Value": "judged"}]
        )["LoadBalancers"][0]["LoadBalancerArn"]
        elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made["balancer"]], WaiterConfig=QUICK)
        made["targets"] = elb.create_target_group(
            Name="judged",
            Protocol="GENEVE",
            Port=6081,
            VpcId=made["vpc"],
            TargetType="instance",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.modify_target_group_attributes(
            TargetGroupArn=made["targets"],
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
        )
        elb.register_targets(TargetGroupArn=made["targets"], Targets=[{"Id": made["appliance"]}])
        made["listener"] = elb.create_listener(
            LoadBalancerArn=made["balancer"],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made["targets"]}],
        )["Listeners"][0]["ListenerArn"]
        elb.get_waiter("target_in_service").wait(
            TargetGroupArn=made["targets"], Targets=[{"Id": made["appliance"]}], WaiterConfig=QUICK
        )

    def serve(self) -> None:
        made = self.made
        service = self.ec2.create_vpc_endpoint_service_configuration(
            GatewayLoadBalancerArns=[made["balancer"]],
            AcceptanceRequired=True,
            ClientToken="judged-service",
            TagSpecifications=tagged("vpc-endpoint-service", "inspection"),
        )["ServiceConfiguration"]
        made["service"], made["service-name"] = service["ServiceId"], service["ServiceName"]

    def remove(self) -> None:
        ec2, elb, made = self.ec2, self.elb, self.made
        assert not ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[made["service"]])["Unsuccessful"]
        elb.delete_listener(ListenerArn=made["listener"])
        elb.delete_load_balancer(LoadBalancerArn=made["balancer"])
        elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[made["balancer"]], WaiterConfig=QUICK)
        elb.deregister_targets(TargetGroupArn=made["targets"], Targets=[{"Id": made["appliance"]}])
        elb.get_waiter("target_deregistered").wait(
            TargetGroupArn=made["targets"], Targets=[{"Id": made["appliance"]}], WaiterConfig=QUICK
        )
        elb.delete_target_group(TargetGroupArn=made["targets"])
        ec2.terminate_instances(InstanceIds=[made["appliance"]])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[made["appliance"]], WaiterConfig=QUICK)
        ec2.delete_security_group(GroupId=made["group"])
        for subnet in self.subnets:
            ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=made["vpc"])


@dataclass
class Consumer:
    """The application's VPC: internet gateway with an edge table, endpoint, three route tables, a network ACL."""

    ec2: Any
    service_name: str
    made: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        ec2, made = self.ec2, self.made
        made["vpc"] = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", "shop"))["Vpc"]["VpcId"]
        made["igw"] = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway", "shop"))[
            "InternetGateway"
        ]["InternetGatewayId"]
        ec2.get_waiter("internet_gateway_exists").wait(InternetGatewayIds=[made["igw"]], WaiterConfig=QUICK)
        ec2.attach_internet_gateway(InternetGatewayId=made["igw"], VpcId=made["vpc"])
        for name, cidr in (("application", "10.0.0.0/24"), ("endpoints", "10.0.1.0/24")):
            made[name] = ec2.create_subnet(
                VpcId=made["vpc"],
                CidrBlock=cidr,
                AvailabilityZone=f"{REGION}a",
                TagSpecifications=tagged("subnet", name),
            )["Subnet"]["SubnetId"]
        self.connect()
        self.route()
        self.filter()

    def connect(self) -> None:
        """Made with the same token again it is the same endpoint."""
        self.made["endpoint"] = self.ec2.create_vpc_endpoint(
            VpcEndpointType="GatewayLoadBalancer",
            ServiceName=self.service_name,
            VpcId=self.made["vpc"],
            SubnetIds=[self.made["endpoints"]],
            ClientToken="judged-endpoint",
            TagSpecifications=tagged("vpc-endpoint", "inspection"),
        )["VpcEndpoint"]["VpcEndpointId"]

    def route(self) -> None:
        ec2, made = self.ec2, self.made
        for name, target in (
            ("edge", {"GatewayId": made["igw"]}),
            ("inspected", {"SubnetId": made["application"]}),
            ("passed", {"SubnetId": made["endpoints"]}),
        ):
            made[name] = ec2.create_route_table(VpcId=made["vpc"], TagSpecifications=tagged("route-table", name))[
                "RouteTable"
            ]["RouteTableId"]
            made[f"{name}-association"] = ec2.associate_route_table(RouteTableId=made[name], **target)["AssociationId"]
        to_endpoint = {"VpcEndpointId": made["endpoint"]}
        ec2.create_route(RouteTableId=made["edge"], DestinationCidrBlock="10.0.0.0/24", **to_endpoint)
        ec2.create_route(RouteTableId=made["inspected"], DestinationCidrBlock="0.0.0.0/0", **to_endpoint)
        ec2.create_route(RouteTableId=made["passed"], DestinationCidrBlock="0.0.0.0/0", GatewayId=made["igw"])

    def filter(self) -> None:
        ec2, made = self.ec2, self.made
        made["acl"] = ec2.create_network_acl(VpcId=made["vpc"], TagSpecifications=tagged("network-acl", "application"))[
            "NetworkAcl"
        ]["NetworkAclId"]
        for egress in (False, True):
            ec2.create_network_acl_entry(
                NetworkAclId=made["acl"],
                RuleNumber=100,
                Protocol="6",
                RuleAction="allow",
                Egress=egress,
                CidrBlock="0.0.0.0/0",
                PortRange={"From": 1024 if egress else 80, "To": 65535 if egress else 80},
            )
        (acl,) = ec2.describe_network_acls(
            Filters=[{"Name": "association.subnet-id", "Values": [made["application"]]}]
        )["NetworkAcls"]
        (held,) = (one for one in acl["Associations"] if one["SubnetId"] == made["application"])
        made["default-acl"] = acl["NetworkAclId"]
        made["acl-association"] = ec2.replace_network_acl_association(
            AssociationId=held["NetworkAclAssociationId"], NetworkAclId=made["acl"]
        )["NewAssociationId"]

    def remove(self) -> None:
        ec2, made = self.ec2, self.made
        ec2.replace_network_acl_association(AssociationId=made["acl-association"], NetworkAclId=made["default-acl"])
        ec2.delete_network_acl(NetworkAclId=made["acl"])
        for name in ("edge", "inspected", "passed"):
            ec2.disassociate_route_table(AssociationId=made[f"{name}-association"])
            ec2.delete_route_table(RouteTableId=made[name])
        assert not ec2.delete_vpc_endpoints(VpcEndpointIds=[made["endpoint"]])["Unsuccessful"]
        ec2.detach_internet_gateway(InternetGatewayId=made["igw"], VpcId=made["vpc"])
        ec2.delete_internet_gateway(InternetGatewayId=made["igw"])
        for name in ("application", "endpoints"):
            ec2.delete_subnet(SubnetId=made[name])
        ec2.delete_vpc(VpcId=made["vpc"])
