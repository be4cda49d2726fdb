"""Every operation of every service, called by botocore with random arguments: an answer or AWS's error, never a mistake of ours.

Half of the ids are of things that are there, so that calls get past "not found"; times, numbers and texts are of any kind.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import Shape
from service_lab import REGION, ServiceLab
from shapes import Values

from opengwlb.api import dispatch
from opengwlb.wire.models import SERVICES, service

SEEDS = range(2)
WITHIN_BOUNDS = ("elbv2", "sts", "iam", "cloudwatch", "resourcegroupstaggingapi")
"""Services whose values keep bounds and patterns with every other seed; `shapes` has no texts for all patterns of the rest."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ServiceLab]:
    made = ServiceLab(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def there(lab: ServiceLab) -> dict[str, list[str]]:
    """Ids and ARNs of a small set-up, by what a member of a request is called."""
    ec2, elb = lab.client("ec2"), lab.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    balancer = elb.create_load_balancer(Name=f"b-{vpc[-8:]}", Type="gateway", Subnets=[subnet])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    targets = elb.create_target_group(Name=f"t-{vpc[-8:]}", Protocol="GENEVE", Port=6081, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    listener = elb.create_listener(
        LoadBalancerArn=balancer, DefaultActions=[{"Type": "forward", "TargetGroupArn": targets}]
    )["Listeners"][0]["ListenerArn"]
    served = ec2.create_vpc_endpoint_service_configuration(GatewayLoadBalancerArns=[balancer])["ServiceConfiguration"]
    ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer", ServiceName=served["ServiceName"], VpcId=vpc, SubnetIds=[subnet]
    )
    address = ec2.allocate_address(Domain="vpc")
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
    return {
        "VpcId": [vpc],
        "SubnetId": [subnet],
        "Subnets": [subnet],
        "GatewayId": [gateway],
        "InternetGatewayId": [gateway],
        "RouteTableId": [table],
        "GroupId": [group],
        "Groups": [group],
        "SecurityGroupId": [group],
        "NetworkInterfaceId": [interface],
        "LoadBalancerArn": [balancer],
        "GatewayLoadBalancerArn": [balancer],
        "TargetGroupArn": [targets],
        "ListenerArn": [listener],
        "ServiceId": [served["ServiceId"]],
        "ServiceName": [served["ServiceName"]],
        "AllocationId": [address["AllocationId"]],
        "NetworkAclId": [acl],
        "ImageId": [image],
        "InstanceId": [instance],
        "Resources": [vpc, subnet, group, instance, interface],
        "ResourceArns": [balancer, targets, listener],
        "CidrBlock": ["10.0.1.0/24", "10.0.0.0/16", "0.0.0.0/0", "::/0"],
        "DestinationCidrBlock": ["0.0.0.0/0", "10.0.0.0/24", "10.9.0.0/16"],
    }


def with_ids(value: Any, shape: Shape, there: dict[str, list[str]], pick: random.Random, name: str = "") -> Any:
    """The value with half of what is called like something that is there replaced by its id."""
    match shape.type_name:
        case "structure":
            return {key: with_ids(inner, shape.members[key], there, pick, key) for key, inner in value.items()}
        case "list":
            return [with_ids(inner, shape.member, there, pick, name) for inner in value]
        case "string":
            known = there.get(name) or there.get(name.removesuffix("s"))
            return pick.choice(known) if known and pick.random() < 0.5 else value
    return value


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", SERVICES)
def test_no_call_of_a_client_finds_a_mistake_of_ours(
    lab: ServiceLab, there: dict[str, list[str]], name: str, seed: int
):
    """A server error is ours; so is an answer that botocore cannot read."""
    client = boto3.client(
        name,
        endpoint_url=lab.url,
        region_name=REGION,
        aws_access_key_id=lab.key.id,
        aws_secret_access_key=lab.key.secret,
        config=Config(retries={"max_attempts": 0}, parameter_validation=False),
    )
    pick = random.Random(seed)
    values = Values(seed, strict=seed % 2 == 0 and name in WITHIN_BOUNDS, empty_lists=name != "ec2")
    spoken = service(name)
    implemented = {operation for of, operation in dispatch.implemented() if of == name}
    wrong = []
    for operation in spoken.model.operation_names:
        if operation not in implemented and seed:
            continue  # once is enough for a refusal
        shape = spoken.model.operation_model(operation).input_shape
        asked = {} if shape is None else with_ids(values.structure(shape), shape, there, pick)
        try:
            client._make_api_call(operation, asked)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code = error.response["Error"]["Code"]
            if status >= 500 or not code or code.isdigit():
                wrong.append(f"{operation} {status} {code}: {asked}")
    assert not wrong, "\n".join(wrong)
