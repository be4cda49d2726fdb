"""AWS's getting-started with the CLI, command by command, and packets at its end."""

from __future__ import annotations

import re

import pytest

from .cloud import answers
from .server import REGION, Server, until

WEB = "#!/bin/sh\nmkdir -p /srv && cd /srv && echo hello > index.html\npython3 -m http.server 80 >/dev/null 2>&1 &\n"


@pytest.fixture(scope="module")
def prerequisites(server: Server) -> dict[str, str]:
    """What the tutorial assumes: a provider VPC with an appliance, a consumer VPC with an application."""
    server.account("provider")
    server.account("consumer")

    def provider(*arguments: str):
        return server.cli(*arguments, account="provider")

    def consumer(*arguments: str):
        return server.cli(*arguments, account="consumer")

    made: dict[str, str] = {}
    made["provider-vpc"] = provider("ec2", "create-vpc", "--cidr-block", "10.1.0.0/16")["Vpc"]["VpcId"]
    provider("ec2", "wait", "vpc-available", "--vpc-ids", made["provider-vpc"])
    zone = f"{REGION}a"
    made["lb-subnet"] = provider(
        "ec2",
        "create-subnet",
        "--vpc-id",
        made["provider-vpc"],
        "--cidr-block",
        "10.1.0.0/24",
        "--availability-zone",
        zone,
    )["Subnet"]["SubnetId"]
    made["appliance-subnet"] = provider(
        "ec2",
        "create-subnet",
        "--vpc-id",
        made["provider-vpc"],
        "--cidr-block",
        "10.1.1.0/24",
        "--availability-zone",
        zone,
    )["Subnet"]["SubnetId"]
    provider("ec2", "wait", "subnet-available", "--subnet-ids", made["lb-subnet"], made["appliance-subnet"])
    image = provider("ec2", "describe-images", "--filters", "Name=name,Values=opengwlb/inspector")["Images"][0]
    group = provider(
        "ec2",
        "create-security-group",
        "--group-name",
        "appliance",
        "--description",
        "GENEVE and health",
        "--vpc-id",
        made["provider-vpc"],
    )["GroupId"]
    for protocol, port in (("udp", "6081"), ("tcp", "80")):
        provider(
            "ec2",
            "authorize-security-group-ingress",
            "--group-id",
            group,
            "--protocol",
            protocol,
            "--port",
            port,
            "--cidr",
            "10.1.0.0/24",
        )
    made["appliance"] = provider(
        "ec2",
        "run-instances",
        "--image-id",
        image["ImageId"],
        "--subnet-id",
        made["appliance-subnet"],
        "--security-group-ids",
        group,
        "--count",
        "1",
    )["Instances"][0]["InstanceId"]

    made["vpc"] = consumer("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")["Vpc"]["VpcId"]
    made["igw"] = consumer("ec2", "create-internet-gateway")["InternetGateway"]["InternetGatewayId"]
    consumer("ec2", "attach-internet-gateway", "--internet-gateway-id", made["igw"], "--vpc-id", made["vpc"])
    for name, cidr in (("app-subnet", "10.0.0.32/28"), ("gwlbe-subnet", "10.0.1.0/28")):
        made[name] = consumer(
            "ec2", "create-subnet", "--vpc-id", made["vpc"], "--cidr-block", cidr, "--availability-zone", zone
        )["Subnet"]["SubnetId"]
    for name in ("gateway-rtb", "application-rtb", "endpoint-rtb"):
        made[name] = consumer("ec2", "create-route-table", "--vpc-id", made["vpc"])["RouteTable"]["RouteTableId"]
    consumer(
        "ec2", "associate-route-table", "--route-table-id", made["application-rtb"], "--subnet-id", made["app-subnet"]
    )
    consumer(
        "ec2", "associate-route-table", "--route-table-id", made["endpoint-rtb"], "--subnet-id", made["gwlbe-subnet"]
    )
    default = consumer("ec2", "describe-security-groups", "--filters", f"Name=vpc-id,Values={made['vpc']}")
    consumer(
        *("ec2", "authorize-security-group-ingress", "--group-id", default["SecurityGroups"][0]["GroupId"]),
        *("--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0"),
    )
    made["application"] = consumer(
        "ec2",
        "run-instances",
        "--image-id",
        "ami-0000000000000a001",
        "--subnet-id",
        made["app-subnet"],
        "--associate-public-ip-address",
        "--user-data",
        WEB,
    )["Instances"][0]["InstanceId"]
    provider("ec2", "wait", "instance-running", "--instance-ids", made["appliance"])
    consumer("ec2", "wait", "instance-running", "--instance-ids", made["application"])
    return made


def test_the_getting_started_tutorial_moves_packets_and_can_be_undone(server: Server, prerequisites: dict[str, str]):
    have = prerequisites
    consumer_id = server.cli("sts", "get-caller-identity", account="consumer")["Account"]

    def provider(*arguments: str):
        return server.cli(*arguments, account="provider")

    def consumer(*arguments: str):
        return server.cli(*arguments, account="consumer")

    # 1-5: load balancer, target group, targets, listener
    balancer = provider(
        "elbv2",
        "create-load-balancer",
        "--name",
        "my-load-balancer",
        "--type",
        "gateway",
        "--subnets",
        have["lb-subnet"],
    )["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/gwy/my-load-balancer/[0-9a-f]{16}", arn
    )
    assert balancer["State"]["Code"] == "provisioning" and balancer["Type"] == "gateway"
    assert "DNSName" not in balancer and "Scheme" not in balancer and "SecurityGroups" not in balancer
    group = provider(
        "elbv2",
        "create-target-group",
        "--name",
        "my-targets",
        "--protocol",
        "GENEVE",
        "--port",
        "6081",
        "--vpc-id",
        have["provider-vpc"],
    )["TargetGroups"][0]
    assert (group["HealthCheckProtocol"], group["HealthCheckPort"]) == ("TCP", "80")
    group_arn = group["TargetGroupArn"]
    assert (
        provider("elbv2", "register-targets", "--target-group-arn", group_arn, "--targets", f"Id={have['appliance']}")
        is None
    )
    listener = provider(
        "elbv2",
        "create-listener",
        "--load-balancer-arn",
        arn,
        "--default-actions",
        f"Type=forward,TargetGroupArn={group_arn}",
    )["Listeners"][0]
    assert re.search(r":listener/gwy/my-load-balancer/[0-9a-f]{16}/[0-9a-f]{16}$", listener["ListenerArn"])
    assert "Port" not in listener and "Protocol" not in listener
    provider("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", arn)
    provider("elbv2", "wait", "target-in-service", "--target-group-arn", group_arn)

    # 6-8: endpoint service, permission, endpoint
    service = provider(
        "ec2",
        "create-vpc-endpoint-service-configuration",
        "--gateway-load-balancer-arns",
        arn,
        "--no-acceptance-required",
    )["ServiceConfiguration"]
    assert service["ServiceType"] == [{"ServiceType": "GatewayLoadBalancer"}]
    hidden = server.cli(
        "ec2",
        "create-vpc-endpoint",
        "--vpc-endpoint-type",
        "GatewayLoadBalancer",
        "--service-name",
        service["ServiceName"],
        "--vpc-id",
        have["vpc"],
        "--subnet-ids",
        have["gwlbe-subnet"],
        account="consumer",
        check=False,
    )
    assert "InvalidServiceName" in hidden.stderr
    permitted = provider(
        "ec2",
        "modify-vpc-endpoint-service-permissions",
        "--service-id",
        service["ServiceId"],
        "--add-allowed-principals",
        f"arn:aws:iam::{consumer_id}:root",
    )
    assert permitted["ReturnValue"] is True
    endpoint = consumer(
        "ec2",
        "create-vpc-endpoint",
        "--vpc-endpoint-type",
        "GatewayLoadBalancer",
        "--service-name",
        service["ServiceName"],
        "--vpc-id",
        have["vpc"],
        "--subnet-ids",
        have["gwlbe-subnet"],
    )["VpcEndpoint"]
    assert endpoint["State"] == "pending"
    vpce = endpoint["VpcEndpointId"]
    until(
        lambda: (
            consumer("ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", vpce)["VpcEndpoints"][0]["State"]
            == "available"
        ),
        what="the endpoint is available",
    )

    # 9-13: routes and the edge association
    for table, destination, target in (
        ("gateway-rtb", "10.0.0.32/28", ("--vpc-endpoint-id", vpce)),
        ("application-rtb", "0.0.0.0/0", ("--vpc-endpoint-id", vpce)),
        ("endpoint-rtb", "0.0.0.0/0", ("--gateway-id", have["igw"])),
    ):
        made = consumer(
            "ec2", "create-route", "--route-table-id", have[table], "--destination-cidr-block", destination, *target
        )
        assert made["Return"] is True
    edge = consumer(
        "ec2", "associate-route-table", "--route-table-id", have["gateway-rtb"], "--gateway-id", have["igw"]
    )
    assert edge["AssociationState"]["State"] == "associated"

    # Packets
    instance = consumer("ec2", "describe-instances", "--instance-ids", have["application"])["Reservations"][0][
        "Instances"
    ][0]
    public = instance["PublicIpAddress"]
    until(lambda: answers(server, public), what="the application answers through the appliance", seconds=20)
    flows = [one for one in server.flows() if one["endpoint"] == vpce]
    assert flows, "the load balancer knows no flow of this endpoint"

    # Deletion: routes first, then endpoint, service, load balancer, target group
    stuck = consumer("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", vpce)
    assert [one["ResourceId"] for one in stuck["Unsuccessful"]] == [vpce]
    for table, destination in (
        ("gateway-rtb", "10.0.0.32/28"),
        ("application-rtb", "0.0.0.0/0"),
        ("endpoint-rtb", "0.0.0.0/0"),
    ):
        consumer("ec2", "delete-route", "--route-table-id", have[table], "--destination-cidr-block", destination)
    assert consumer("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", vpce) == {"Unsuccessful": []}
    until(
        lambda: (
            "InvalidVpcEndpointId.NotFound"
            in server.cli(
                "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", vpce, account="consumer", check=False
            ).stderr
        ),
        what="the endpoint is gone",
    )
    assert provider("ec2", "delete-vpc-endpoint-service-configurations", "--service-ids", service["ServiceId"]) == {
        "Unsuccessful": []
    }
    provider("elbv2", "delete-load-balancer", "--load-balancer-arn", arn)
    provider("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", arn)
    provider("elbv2", "delete-target-group", "--target-group-arn", group_arn)
    assert not answers(server, public, seconds=0.5)
