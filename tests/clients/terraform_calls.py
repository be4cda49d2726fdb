"""The calls of Terraform's AWS provider in its order, as far as they are known from its source: each resource is created, waited for, read
back attribute by attribute, and deleted with polling until it is not found.

tests/clients/test_terraform_order.py plays examples/terraform with it: the provider itself is not run, this is what is known of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.stories.server import until


def code_of(call: Callable[[], Any]) -> str:
    """Error code of a call, or an empty string when it succeeds."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def gone(look: Callable[[], Any], code: str) -> None:
    """Poll as the provider does after a delete: until the read answers this very code."""
    until(lambda: code_of(look) == code, what=f"{code} after a delete", seconds=30, every=0.2)


def only(**wanted: str) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-").replace("--", "."), "Values": [value]} for name, value in wanted.items()]


@dataclass
class Vpcs:
    """aws_vpc, aws_subnet, aws_internet_gateway, aws_route_table and its association, aws_security_group."""

    ec2: Any

    def vpc(self, cidr: str, name: str) -> str:
        ec2 = self.ec2
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
        vpc = ec2.create_vpc(
            CidrBlock=cidr, InstanceTenancy="default", AmazonProvidedIpv6CidrBlock=False, TagSpecifications=tags
        )["Vpc"]["VpcId"]
        until(lambda: ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["State"] == "available", what="a VPC")
        self.read_vpc(vpc)
        return str(vpc)

    def read_vpc(self, vpc: str) -> None:
        """Three attributes, then the defaults that the VPC came with: one of each, or the provider gives up."""
        ec2 = self.ec2
        (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
        assert found["InstanceTenancy"] == "default" and found["DhcpOptionsId"]
        assert found["CidrBlockAssociationSet"][0]["CidrBlockState"]["State"] == "associated"
        for attribute, expected in (
            ("enableDnsHostnames", False),
            ("enableDnsSupport", True),
            ("enableNetworkAddressUsageMetrics", False),
        ):
            answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
            assert answer[attribute[0].upper() + attribute[1:]] == {"Value": expected}
        (acl,) = ec2.describe_network_acls(Filters=only(default="true", vpc_id=vpc))["NetworkAcls"]
        assert acl["IsDefault"] is True
        (table,) = ec2.describe_route_tables(Filters=only(association__main="true", vpc_id=vpc))["RouteTables"]
        assert table["Associations"][0]["Main"] is True
        (group,) = ec2.describe_security_groups(Filters=only(group_name="default", vpc_id=vpc))["SecurityGroups"]
        assert group["GroupName"] == "default"

    def delete_vpc(self, vpc: str) -> None:
        self.ec2.delete_vpc(VpcId=vpc)
        gone(lambda: self.ec2.describe_vpcs(VpcIds=[vpc]), "InvalidVpcID.NotFound")

    def subnet(self, vpc: str, cidr: str, zone: str, *, public: bool = False) -> str:
        ec2 = self.ec2
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        until(lambda: self._subnet(subnet)["State"] == "available", what="a subnet")
        if public:
            ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
            until(lambda: self._subnet(subnet)["MapPublicIpOnLaunch"], what="the attribute reads as it was written")
        read = self._subnet(subnet)
        assert {"SubnetArn", "OwnerId", "AvailabilityZoneId", "EnableDns64", "Ipv6Native"} <= set(read)
        assert read["PrivateDnsNameOptionsOnLaunch"]["HostnameType"] == "ip-name"
        return str(subnet)

    def _subnet(self, subnet: str) -> dict[str, Any]:
        return dict(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0])

    def delete_subnet(self, subnet: str) -> None:
        """First it looks for interfaces that a Lambda function left."""
        filters = only(subnet_id=subnet, description="AWS Lambda VPC ENI*")
        assert self.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []
        self.ec2.delete_subnet(SubnetId=subnet)
        gone(lambda: self.ec2.describe_subnets(SubnetIds=[subnet]), "InvalidSubnetID.NotFound")

    def internet_gateway(self, vpc: str) -> str:
        ec2 = self.ec2
        igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)

        def attached() -> bool:
            (found,) = ec2.describe_internet_gateways(InternetGatewayIds=[igw])["InternetGateways"]
            return [(one["VpcId"], one["State"]) for one in found["Attachments"]] == [(vpc, "available")]

        until(attached, what="an attachment")
        return str(igw)

    def delete_internet_gateway(self, igw: str, vpc: str) -> None:
        self.ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
        (left,) = self.ec2.describe_internet_gateways(InternetGatewayIds=[igw])["InternetGateways"]
        assert left["Attachments"] == []
        self.ec2.delete_internet_gateway(InternetGatewayId=igw)
        gone(lambda: self.ec2.describe_internet_gateways(InternetGatewayIds=[igw]), "InvalidInternetGatewayID.NotFound")

    def route_table(self, vpc: str, destination: str, **target: str) -> str:
        """With one route in line; it waits until the route reads `active`."""
        ec2 = self.ec2
        table = ec2.create_route_table(VpcId=vpc, ClientToken=f"terraform-{destination}-{vpc}-{sorted(target)}")[
            "RouteTable"
        ]["RouteTableId"]
        ec2.describe_route_tables(RouteTableIds=[table])
        ec2.create_route(RouteTableId=table, DestinationCidrBlock=destination, **target)

        def active() -> bool:
            (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
            return any(
                one["State"] == "active" for one in found["Routes"] if one.get("DestinationCidrBlock") == destination
            )

        until(active, what="an active route")
        return str(table)

    def association(self, table: str, **target: str) -> str:
        ec2 = self.ec2
        made = ec2.associate_route_table(RouteTableId=table, **target)["AssociationId"]

        def associated() -> bool:
            filters = only(association__route_table_association_id=made)
            (found,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
            (one,) = (one for one in found["Associations"] if one["RouteTableAssociationId"] == made)
            return bool(one["AssociationState"]["State"] == "associated")

        until(associated, what="an association")
        return str(made)

    def delete_association(self, association: str) -> None:
        self.ec2.disassociate_route_table(AssociationId=association)
        filters = only(association__route_table_association_id=association)
        until(lambda: self.ec2.describe_route_tables(Filters=filters)["RouteTables"] == [], what="no association")

    def delete_route_table(self, table: str) -> None:
        self.ec2.delete_route_table(RouteTableId=table)
        gone(lambda: self.ec2.describe_route_tables(RouteTableIds=[table]), "InvalidRouteTableID.NotFound")

    def security_group(self, vpc: str, name: str, ingress: list[dict[str, Any]]) -> str:
        """The rule that AWS gives every group is taken away first: Terraform has no rules that nobody wrote."""
        ec2 = self.ec2
        group = ec2.create_security_group(GroupName=name, Description="Managed by Terraform", VpcId=vpc)["GroupId"]
        ec2.describe_security_groups(GroupIds=[group])
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        assert code_of(
            lambda: ec2.revoke_security_group_egress(
                GroupId=group, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
            )
        ) in ("", "InvalidPermission.NotFound")
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=ingress)
        (read,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert len(read["IpPermissions"]) == len(ingress) and read["IpPermissionsEgress"] == []
        return str(group)

    def delete_security_group(self, group: str) -> None:
        assert self.ec2.describe_network_interfaces(Filters=only(group_id=group, description="AWS Lambda VPC ENI*")) | {
            "ResponseMetadata": None
        } == {"NetworkInterfaces": [], "ResponseMetadata": None}
        self.ec2.delete_security_group(GroupId=group)
        gone(lambda: self.ec2.describe_security_groups(GroupIds=[group]), "InvalidGroup.NotFound")


@dataclass
class Balancing:
    """aws_lb, aws_lb_target_group and its attachment, aws_lb_listener, aws_vpc_endpoint_service, aws_instance."""

    ec2: Any
    elb: Any

    def load_balancer(self, name: str, subnet: str) -> str:
        """A name that is taken is found by asking for it first."""
        elb = self.elb
        assert code_of(lambda: elb.describe_load_balancers(Names=[name])) == "LoadBalancerNotFound"
        arn = elb.create_load_balancer(Name=name, Type="gateway", Subnets=[subnet])["LoadBalancers"][0][
            "LoadBalancerArn"
        ]

        def active() -> bool:
            (found,) = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
            return bool(found["State"]["Code"] == "active")

        until(active, what="an active load balancer")
        attributes = {"deletion_protection.enabled": "false", "load_balancing.cross_zone.enabled": "false"}
        elb.modify_load_balancer_attributes(
            LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in attributes.items()]
        )
        read = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        assert attributes.items() <= {one["Key"]: one["Value"] for one in read}.items()
        assert elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == []
        return str(arn)

    def delete_load_balancer(self, arn: str) -> None:
        """Then it polls the interfaces that the load balancer had, by their description."""
        self.elb.delete_load_balancer(LoadBalancerArn=arn)
        gone(lambda: self.elb.describe_load_balancers(LoadBalancerArns=[arn]), "LoadBalancerNotFound")
        description = f"ELB {arn.split('loadbalancer/')[1]}"
        until(
            lambda: (
                not self.ec2.describe_network_interfaces(Filters=only(description=description))["NetworkInterfaces"]
            ),
            what="no interfaces of the load balancer",
        )

    def target_group(self, name: str, vpc: str) -> str:
        elb = self.elb
        assert code_of(lambda: elb.describe_target_groups(Names=[name])) == "TargetGroupNotFound"
        arn = elb.create_target_group(
            Name=name,
            Protocol="GENEVE",
            Port=6081,
            VpcId=vpc,
            TargetType="instance",
            HealthCheckEnabled=True,
            HealthCheckProtocol="TCP",
            HealthCheckPort="80",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.describe_target_groups(TargetGroupArns=[arn])
        wanted = {
            "deregistration_delay.timeout_seconds": "1",
            "target_failover.on_deregistration": "rebalance",
            "target_failover.on_unhealthy": "rebalance",
        }
        elb.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
        )
        read = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
        assert wanted.items() <= {one["Key"]: one["Value"] for one in read}.items()
        elb.describe_tags(ResourceArns=[arn])
        return str(arn)

    def delete_target_group(self, arn: str) -> None:
        self.elb.delete_target_group(TargetGroupArn=arn)
        gone(lambda: self.elb.describe_target_groups(TargetGroupArns=[arn]), "TargetGroupNotFound")

    def attachment(self, group: str, instance: str) -> None:
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
        (read,) = self.elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": instance}])[
            "TargetHealthDescriptions"
        ]
        assert read["TargetHealth"].get("Reason") not in ("Target.NotRegistered", "Target.DeregistrationInProgress")

    def delete_attachment(self, group: str, instance: str) -> None:
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])

    def listener(self, balancer: str, group: str) -> str:
        elb = self.elb
        arn = elb.create_listener(
            LoadBalancerArn=balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
        )["Listeners"][0]["ListenerArn"]
        (read,) = elb.describe_listeners(ListenerArns=[arn])["Listeners"]
        assert read["DefaultActions"][0]["TargetGroupArn"] == group
        elb.describe_listener_attributes(ListenerArn=arn)
        elb.describe_tags(ResourceArns=[arn])
        return str(arn)

    def delete_listener(self, arn: str) -> None:
        self.elb.delete_listener(ListenerArn=arn)
        gone(lambda: self.elb.describe_listeners(ListenerArns=[arn]), "ListenerNotFound")

    def service(self, balancer: str, principal: str) -> tuple[str, str]:
        ec2 = self.ec2
        made = ec2.create_vpc_endpoint_service_configuration(
            GatewayLoadBalancerArns=[balancer], AcceptanceRequired=False, ClientToken="terraform-service"
        )["ServiceConfiguration"]
        service = made["ServiceId"]

        def read() -> dict[str, Any]:
            return dict(
                ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service])["ServiceConfigurations"][0]
            )

        until(lambda: read()["ServiceState"] == "Available", what="a service")
        ec2.modify_vpc_endpoint_service_permissions(ServiceId=service, AddAllowedPrincipals=[principal])
        (allowed,) = ec2.describe_vpc_endpoint_service_permissions(ServiceId=service)["AllowedPrincipals"]
        assert allowed["Principal"] == principal
        assert read()["GatewayLoadBalancerArns"] == [balancer]
        return str(service), str(made["ServiceName"])

    def delete_service(self, service: str) -> None:
        assert self.ec2.delete_vpc_endpoint_service_configurations(ServiceIds=[service])["Unsuccessful"] == []
        gone(
            lambda: self.ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[service]),
            "InvalidVpcEndpointServiceId.NotFound",
        )

    def instance(self, image_name: str, subnet: str, group: str) -> str:
        """An image by its name; on read everything that a plan compares, asked attribute by attribute."""
        ec2 = self.ec2
        images = ec2.describe_images(Owners=["amazon"], Filters=only(name=image_name))["Images"]
        instance = ec2.run_instances(
            ImageId=images[0]["ImageId"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=[group],
            DisableApiTermination=False,
            EbsOptimized=False,
            Monitoring={"Enabled": False},
            ClientToken=f"terraform-{subnet}",
        )["Instances"][0]["InstanceId"]

        def read() -> dict[str, Any]:
            return dict(ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0])

        until(lambda: read()["State"]["Name"] == "running", what="an instance", seconds=60)
        assert read()["Monitoring"]["State"] == "disabled"
        ec2.describe_instance_types(InstanceTypes=["t3.micro"])
        for attribute in (
            "disableApiStop",
            "disableApiTermination",
            "instanceInitiatedShutdownBehavior",
            "userData",
        ):
            ec2.describe_instance_attribute(InstanceId=instance, Attribute=attribute)
        credits = code_of(lambda: ec2.describe_instance_credit_specifications(InstanceIds=[instance]))
        assert credits in ("", "UnsupportedOperation")  # it takes the second for "no such thing in this region"
        return str(instance)

    def delete_instance(self, instance: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance])

        def terminated() -> bool:
            found = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
            return bool(found[0]["Instances"][0]["State"]["Name"] == "terminated")

        until(terminated, what="a terminated instance", seconds=60)


@dataclass
class Endpoints:
    """aws_vpc_endpoint."""

    ec2: Any

    def endpoint(self, vpc: str, service_name: str, subnet: str) -> str:
        """`PrivateDnsEnabled=false` and a token are always sent; on read it asks for a prefix list and for the interfaces."""
        ec2 = self.ec2
        endpoint = ec2.create_vpc_endpoint(
            VpcEndpointType="GatewayLoadBalancer",
            VpcId=vpc,
            ServiceName=service_name,
            SubnetIds=[subnet],
            PrivateDnsEnabled=False,
            ClientToken="terraform-endpoint",
        )["VpcEndpoint"]["VpcEndpointId"]
        until(lambda: self._read(endpoint)["State"] == "available", what="an endpoint")
        read = self._read(endpoint)
        assert read["SubnetIds"] == [subnet] and read["VpcEndpointType"] == "GatewayLoadBalancer"
        assert ec2.describe_prefix_lists(Filters=only(prefix_list_name=service_name))["PrefixLists"] == []
        interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=read["NetworkInterfaceIds"])
        assert [one["SubnetId"] for one in interfaces["NetworkInterfaces"]] == [subnet]
        return str(endpoint)

    def _read(self, endpoint: str) -> dict[str, Any]:
        return dict(self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0])

    def delete_endpoint(self, endpoint: str) -> None:
        assert self.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []

        def is_gone() -> bool:
            try:
                return bool(self._read(endpoint)["State"] == "deleted")
            except ClientError as error:
                return bool(error.response["Error"]["Code"] == "InvalidVpcEndpointId.NotFound")

        until(is_gone, what="no endpoint", seconds=60)
