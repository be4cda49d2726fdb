"""A GWLB set-up of two accounts as people type it at a shell: `--query`, `--output text`, `wait`, files of JSON; and its removal.

Every version of the AWS CLI, and its wrappers, is given the same commands.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.stories.server import REGION

NAMED = "ResourceType={kind},Tags=[{{Key=Name,Value={name}}}]"


class Shell:
    """One account's terminal: `shell("ec2 describe-vpcs …")` gives what was printed; a failed command fails the test."""

    def __init__(self, program: str, *, environment: dict[str, str]) -> None:
        self._program = program
        self._environment = environment

    def __call__(self, command: str, *more: str) -> str:
        result = self.run(command, *more)
        assert result.returncode == 0, f"{command} {' '.join(more)}\n{result.stderr}"
        return result.stdout.strip()

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *command.split(), *more], env=self._environment, capture_output=True, text=True, timeout=120
        )

    def ids(self, command: str, query: str) -> list[str]:
        """What `--query` picks, as words."""
        printed = self(command, "--query", query, "--output", "text")
        return [] if printed == "None" else printed.split()

    def one(self, command: str, query: str) -> str:
        (word,) = self.ids(command, query)
        return word

    def code(self, command: str) -> str:
        """Error code of a command that must fail."""
        result = self.run(command)
        assert result.returncode not in (0, 252), f"{command}: {result.stdout}{result.stderr}"
        return result.stderr.split("(")[1].split(")")[0]


def tagged(kind: str, name: str) -> str:
    return f"--tag-specifications {NAMED.format(kind=kind, name=name)}"


def story(provider: Shell, consumer: Shell, *, scratch: Path) -> None:
    """Build, look, run again, remove; nothing is left."""
    service = build_provider(provider)
    account = consumer.one("sts get-caller-identity", "Account")
    provider(
        f"ec2 modify-vpc-endpoint-service-permissions --service-id {service['service']}"
        f" --add-allowed-principals arn:aws:iam::{account}:root"
    )
    made = build_consumer(consumer, service_name=service["service-name"], scratch=scratch)
    provider(
        f"ec2 accept-vpc-endpoint-connections --service-id {service['service']} --vpc-endpoint-ids {made['endpoint']}"
    )
    look(consumer, made)
    run_again(provider, consumer, service, made)
    remove(provider, consumer, service, made)


def build_provider(aws: Shell) -> dict[str, str]:
    made = {"vpc": aws.one(f"ec2 create-vpc --cidr-block 10.1.0.0/16 {tagged('vpc', 'security')}", "Vpc.VpcId")}
    aws(f"ec2 wait vpc-available --vpc-ids {made['vpc']}")
    made["subnet"] = aws.one(
        f"ec2 create-subnet --vpc-id {made['vpc']} --cidr-block 10.1.0.0/24 --availability-zone {REGION}a",
        "Subnet.SubnetId",
    )
    aws(f"ec2 wait subnet-available --subnet-ids {made['subnet']}")
    made["group"] = aws.one(
        f"ec2 create-security-group --group-name appliances --vpc-id {made['vpc']} --description GENEVE", "GroupId"
    )
    for protocol, port in (("udp", 6081), ("tcp", 80)):
        aws(
            f"ec2 authorize-security-group-ingress --group-id {made['group']}"
            f" --protocol {protocol} --port {port} --cidr 10.1.0.0/24"
        )
    image = aws.one("ec2 describe-images --filters Name=name,Values=opengwlb/inspector", "Images[].ImageId")
    made["appliance"] = aws.one(
        f"ec2 run-instances --image-id {image} --subnet-id {made['subnet']} --security-group-ids {made['group']}"
        f" --count 1 {tagged('instance', 'appliance')}",
        "Instances[].InstanceId",
    )
    aws(f"ec2 wait instance-running --instance-ids {made['appliance']}")
    balance(aws, made)
    made["service"], made["service-name"] = aws.ids(
        f"ec2 create-vpc-endpoint-service-configuration --acceptance-required"
        f" --gateway-load-balancer-arns {made['balancer']}",
        "ServiceConfiguration.[ServiceId,ServiceName]",
    )
    return made


def balance(aws: Shell, made: dict[str, str]) -> None:
    made["balancer"] = aws.one(
        f"elbv2 create-load-balancer --name judged --type gateway --subnets {made['subnet']}",
        "LoadBalancers[].LoadBalancerArn",
    )
    aws(f"elbv2 wait load-balancer-available --load-balancer-arns {made['balancer']}")
    made["targets"] = aws.one(
        f"elbv2 create-target-group --name judged --protocol GENEVE --port 6081 --vpc-id {made['vpc']}"
        " --health-check-interval-seconds 5 --health-check-timeout-seconds 2 --healthy-threshold-count 2",
        "TargetGroups[].TargetGroupArn",
    )
    aws(
        f"elbv2 modify-target-group-attributes --target-group-arn {made['targets']}"
        " --attributes Key=deregistration_delay.timeout_seconds,Value=1 Key=target_failover.on_unhealthy,Value=rebalance"
        " Key=target_failover.on_deregistration,Value=rebalance"
    )
    aws(f"elbv2 register-targets --target-group-arn {made['targets']} --targets Id={made['appliance']}")
    made["listener"] = aws.one(
        f"elbv2 create-listener --load-balancer-arn {made['balancer']}"
        f" --default-actions Type=forward,TargetGroupArn={made['targets']}",
        "Listeners[].ListenerArn",
    )


def build_consumer(aws: Shell, *, service_name: str, scratch: Path) -> dict[str, str]:
    made = {"vpc": aws.one(f"ec2 create-vpc --cidr-block 10.0.0.0/16 {tagged('vpc', 'shop')}", "Vpc.VpcId")}
    made["igw"] = aws.one("ec2 create-internet-gateway", "InternetGateway.InternetGatewayId")
    aws(f"ec2 attach-internet-gateway --internet-gateway-id {made['igw']} --vpc-id {made['vpc']}")
    for name, cidr in (("application", "10.0.0.0/24"), ("endpoints", "10.0.1.0/24")):
        made[name] = aws.one(
            f"ec2 create-subnet --vpc-id {made['vpc']} --cidr-block {cidr} --availability-zone {REGION}a"
            f" {tagged('subnet', name)}",
            "Subnet.SubnetId",
        )
    made["endpoint"] = aws.one(
        f"ec2 create-vpc-endpoint --vpc-endpoint-type GatewayLoadBalancer --service-name {service_name}"
        f" --vpc-id {made['vpc']} --subnet-ids {made['endpoints']}",
        "VpcEndpoint.VpcEndpointId",
    )
    for name, target in (
        ("edge", f"--gateway-id {made['igw']}"),
        ("inspected", f"--subnet-id {made['application']}"),
        ("passed", f"--subnet-id {made['endpoints']}"),
    ):
        made[name] = aws.one(f"ec2 create-route-table --vpc-id {made['vpc']}", "RouteTable.RouteTableId")
        made[f"{name}-association"] = aws.one(
            f"ec2 associate-route-table --route-table-id {made[name]} {target}", "AssociationId"
        )
    for name, route in (
        ("edge", f"--destination-cidr-block 10.0.0.0/24 --vpc-endpoint-id {made['endpoint']}"),
        ("inspected", f"--destination-cidr-block 0.0.0.0/0 --vpc-endpoint-id {made['endpoint']}"),
        ("passed", f"--destination-cidr-block 0.0.0.0/0 --gateway-id {made['igw']}"),
    ):
        aws(f"ec2 create-route --route-table-id {made[name]} {route}")
    filter_application(aws, made, scratch=scratch)
    return made


def filter_application(aws: Shell, made: dict[str, str], *, scratch: Path) -> None:
    """A security group's rule from a file of JSON, and a network ACL for the subnet."""
    made["group"] = aws.one(
        f"ec2 create-security-group --group-name shop --vpc-id {made['vpc']} --description web", "GroupId"
    )
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    file = scratch / f"{made['group']}.json"
    file.write_text(json.dumps({"GroupId": made["group"], "IpPermissions": [rule]}))
    aws(f"ec2 authorize-security-group-ingress --cli-input-json file://{file}")
    made["acl"] = aws.one(f"ec2 create-network-acl --vpc-id {made['vpc']}", "NetworkAcl.NetworkAclId")
    for direction in ("--ingress", "--egress"):
        aws(
            f"ec2 create-network-acl-entry --network-acl-id {made['acl']} {direction} --rule-number 100"
            " --protocol -1 --rule-action allow --cidr-block 0.0.0.0/0"
        )
    held = aws.one(
        f"ec2 describe-network-acls --filters Name=association.subnet-id,Values={made['application']}",
        f"NetworkAcls[].Associations[?SubnetId==`{made['application']}`].NetworkAclAssociationId[]",
    )
    made["default-acl"] = aws.one(
        f"ec2 describe-network-acls --filters Name=vpc-id,Values={made['vpc']} Name=default,Values=true",
        "NetworkAcls[].NetworkAclId",
    )
    made["acl-association"] = aws.one(
        f"ec2 replace-network-acl-association --association-id {held} --network-acl-id {made['acl']}",
        "NewAssociationId",
    )


def look(aws: Shell, made: dict[str, str]) -> None:
    """Pages, tables and text say the same."""
    assert aws.one(f"ec2 describe-vpc-endpoints --vpc-endpoint-ids {made['endpoint']}", "VpcEndpoints[].State") == (
        "available"
    )
    every = f"ec2 describe-subnets --filters Name=vpc-id,Values={made['vpc']}"
    assert set(aws.ids(f"{every} --page-size 5", "Subnets[].SubnetId")) == {made["application"], made["endpoints"]}
    first = json.loads(aws(f"{every} --max-items 1 --output json"))
    rest = json.loads(aws(f"{every} --starting-token {first['NextToken']} --output json"))
    assert [len(first["Subnets"]), len(rest["Subnets"])] == [1, 1]
    assert first["Subnets"][0]["SubnetId"] != rest["Subnets"][0]["SubnetId"]
    routes = aws.ids(
        f"ec2 describe-route-tables --filters Name=association.gateway-id,Values={made['igw']}",
        f"RouteTables[].Routes[?GatewayId==`{made['endpoint']}`].[DestinationCidrBlock,State][]",
    )
    assert routes == ["10.0.0.0/24", "active"]
    assert made["vpc"] in aws(f"ec2 describe-vpcs --vpc-ids {made['vpc']} --output table")
    assert aws.ids(f"ec2 describe-tags --filters Name=resource-id,Values={made['vpc']}", "Tags[].Value") == ["shop"]


def run_again(provider: Shell, consumer: Shell, service: dict[str, str], made: dict[str, str]) -> None:
    """A script that is run again finds what is there, or is told by AWS's code that it is."""
    once = dict(service)
    balance(provider, service)
    assert service == once
    provider(
        f"elbv2 wait target-in-service --target-group-arn {service['targets']} --targets Id={service['appliance']}"
    )
    assert (
        consumer.code(
            f"ec2 create-route --route-table-id {made['edge']} --destination-cidr-block 10.0.0.0/24"
            f" --gateway-id {made['igw']}"
        )
        == "RouteAlreadyExists"
    )
    assert (
        consumer.code(f"ec2 create-security-group --group-name shop --vpc-id {made['vpc']} --description web")
        == "InvalidGroup.Duplicate"
    )
    assert consumer.code(f"ec2 delete-vpc --vpc-id {made['vpc']} --dry-run") == "DryRunOperation"
    assert consumer.code(f"ec2 delete-vpc --vpc-id {made['vpc']}") == "DependencyViolation"


def remove(provider: Shell, consumer: Shell, service: dict[str, str], made: dict[str, str]) -> None:
    consumer(
        f"ec2 replace-network-acl-association --association-id {made['acl-association']}"
        f" --network-acl-id {made['default-acl']}"
    )
    for command in (
        f"ec2 delete-network-acl --network-acl-id {made['acl']}",
        *(
            line
            for name in ("edge", "inspected", "passed")
            for line in (
                f"ec2 disassociate-route-table --association-id {made[f'{name}-association']}",
                f"ec2 delete-route-table --route-table-id {made[name]}",
            )
        ),
        f"ec2 delete-vpc-endpoints --vpc-endpoint-ids {made['endpoint']}",
        f"ec2 detach-internet-gateway --internet-gateway-id {made['igw']} --vpc-id {made['vpc']}",
        f"ec2 delete-internet-gateway --internet-gateway-id {made['igw']}",
        f"ec2 delete-security-group --group-id {made['group']}",
        f"ec2 delete-subnet --subnet-id {made['application']}",
        f"ec2 delete-subnet --subnet-id {made['endpoints']}",
        f"ec2 delete-vpc --vpc-id {made['vpc']}",
    ):
        consumer(command)
    for command in (
        f"ec2 delete-vpc-endpoint-service-configurations --service-ids {service['service']}",
        f"elbv2 delete-listener --listener-arn {service['listener']}",
        f"elbv2 delete-load-balancer --load-balancer-arn {service['balancer']}",
        f"elbv2 wait load-balancers-deleted --load-balancer-arns {service['balancer']}",
        f"elbv2 deregister-targets --target-group-arn {service['targets']} --targets Id={service['appliance']}",
        f"elbv2 wait target-deregistered --target-group-arn {service['targets']} --targets Id={service['appliance']}",
        f"elbv2 delete-target-group --target-group-arn {service['targets']}",
        f"ec2 terminate-instances --instance-ids {service['appliance']}",
        f"ec2 wait instance-terminated --instance-ids {service['appliance']}",
        f"ec2 delete-security-group --group-id {service['group']}",
        f"ec2 delete-subnet --subnet-id {service['subnet']}",
        f"ec2 delete-vpc --vpc-id {service['vpc']}",
    ):
        provider(command)
    for aws in (provider, consumer):
        assert aws.ids("ec2 describe-vpcs --filters Name=is-default,Values=false", "Vpcs[].VpcId") == []
        assert (
            aws.ids(
                "ec2 describe-vpc-endpoints --filters Name=vpc-endpoint-state,Values=available,pending",
                "VpcEndpoints[].VpcEndpointId",
            )
            == []
        )
    assert provider.ids("elbv2 describe-load-balancers", "LoadBalancers[].LoadBalancerName") == []
