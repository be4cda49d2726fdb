"""Calls with one member set, made from botocore's model, in a small world that has one of everything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape

from opengwlb.api import dispatch
from opengwlb.store.metrics import MetricStore
from opengwlb.store.protocol import Store
from opengwlb.wire.errors import AwsError
from opengwlb.wire.gateway import Call
from opengwlb.wire.models import service as service_of

ACCOUNT, REGION = "111111111111", "ap-northeast-2"
NOW = 1_800_000_000.0
Path = tuple[str, ...]
MINIMUM: Mapping[str, Mapping[str, Any]] = {
    "AttachNetworkInterface": {"DeviceIndex": 1},
    "AuthorizeSecurityGroupIngress": {"GroupId": None},
    "CreateFlowLogs": {
        "ResourceType": "VPC",
        "ResourceIds": None,
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::walk",
    },
    "CreateLoadBalancer": {"Type": "gateway", "Subnets": None},
    "CreateRoute": {"DestinationCidrBlock": None},
    "CreateSubnet": {"CidrBlock": None},
    "CreateTargetGroup": {"Protocol": "GENEVE", "Port": 6081, "VpcId": None},
    "CreateVpc": {"CidrBlock": None},
    "CreateVpcEndpoint": {"VpcEndpointType": None, "ServiceName": None, "SubnetIds": None},
    "CreateVpcEndpointServiceConfiguration": {"GatewayLoadBalancerArns": None},
    "ReleaseAddress": {"AllocationId": None},
    "ReplaceRoute": {"DestinationCidrBlock": None},
    "RevokeSecurityGroupIngress": {"GroupId": None},
    "RunInstances": {"ImageId": None},
}
"""Members that an operation needs although the model does not say so, and what for; None: what the world has by that name."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A caller; `known` has the values of members that name things which are there."""

    store: Store
    metrics: MetricStore | None = None
    known: dict[str, Any] = field(default_factory=dict)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        handle = dispatch.make_handler(self.store, lambda: NOW, metrics=self.metrics)
        return handle(
            Call(
                service=service,
                operation=operation,
                params=params,
                account=ACCOUNT,
                region=REGION,
                access_key="AKIAIOSFODNN7EXAMPLE",
                request_id="0" * 32,
            )
        )

    def refusal(self, service: str, operation: str, path: str = "", *, but: Collection[Any] = ()) -> AwsError | None:
        """What a call that is right but for this member is answered; None when it is taken. `but` are values to keep away from."""
        shape = service_of(service).model.operation_model(operation).input_shape
        params = self.least(service, operation)
        if path:
            _graft(params, self._only(shape, tuple(path.split(".")), but=but))
        try:
            self.call(service, operation, **params)
        except AwsError as error:
            return error
        return None

    def least(self, service: str, operation: str) -> dict[str, Any]:
        """The members without which the operation says that something is missing."""
        shape = service_of(service).model.operation_model(operation).input_shape
        if shape is None:
            return {}
        extra = {
            name: self._sample(shape.members[name], name) if value is None else value
            for name, value in MINIMUM.get(operation, {}).items()
        }
        return self.required(shape) | extra

    def sample(self, service: str, operation: str, path: str, *, but: Collection[Any] = ()) -> Any:
        """What `refusal` sets the member to."""
        shape = service_of(service).model.operation_model(operation).input_shape
        value: Any = self._only(shape, tuple(path.split(".")), but=but)
        for name in path.split("."):
            value = (value[0] if isinstance(value, list) else value)[name]
        return value

    def required(self, shape: Shape) -> dict[str, Any]:
        """A structure's members without which the wire refuses it."""
        return {name: self._sample(shape.members[name], name) for name in shape.required_members}

    def _only(self, shape: Shape, path: Path, *, but: Collection[Any]) -> dict[str, Any]:
        """A structure with the member at `path`, and what its structures demand beside it."""
        name, rest = path[0], path[1:]
        member = shape.members[name]
        inner = member.member if member.type_name == "list" else member
        if rest and inner.type_name == "structure":
            value: Any = {**self.required(inner), **self._only(inner, rest, but=but)}
            value = [value] if member.type_name == "list" else value
        else:
            value = self._sample(member, name, but=but)
        return {name: value}

    def _sample(self, shape: Shape, name: str, *, but: Collection[Any] = ()) -> Any:
        """A value that asks for something, and the model takes."""
        if name in self.known and isinstance(self.known[name], list) == (shape.type_name == "list"):
            return self.known[name]
        match shape.type_name:
            case "structure":
                first = dict(list(shape.members.items())[:1])
                return {each: self._sample(one, each) for each, one in first.items()} | self.required(shape)
            case "list":
                return [self._sample(shape.member, name.removesuffix("s"))]
            case "map":
                return {"key": self._sample(shape.value, name)}
            case "boolean":
                return True
            case "integer" | "long":
                return max(int(shape.metadata.get("min", 1)), 1)
            case "float" | "double":
                return 1.0
            case "timestamp":
                return datetime.fromtimestamp(NOW, UTC)
            case "blob":
                return b"x"
        values = [value for value in shape.metadata.get("enum", ()) if value not in but]
        return values[0] if values else "x" * shape.metadata.get("min", 1)


def _graft(onto: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for name, value in extra.items():
        if isinstance(value, Mapping) and isinstance(onto.get(name), dict):
            _graft(onto[name], value)
        else:
            onto[name] = value


def world(store: Store, *, metrics: MetricStore | None = None) -> World:
    """A VPC with a subnet, a gateway, a table and an interface; a load balancer with its group; what IAM calls need."""
    made = World(store=store, metrics=metrics)

    def ec2(operation: str, **params: Any) -> dict[str, Any]:
        return made.call("ec2", operation, **params)

    vpc = ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    interface = ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    group = ec2("CreateSecurityGroup", GroupName="walk", Description="walk", VpcId=vpc)["GroupId"]
    (image, *_) = ec2("DescribeImages")["Images"]
    launched = ec2("RunInstances", ImageId=image["ImageId"], SubnetId=subnet, MinCount=1, MaxCount=1)
    (balancer,) = made.call("elbv2", "CreateLoadBalancer", Name="walk", Type="gateway", Subnets=[subnet])[
        "LoadBalancers"
    ]
    (targets,) = made.call("elbv2", "CreateTargetGroup", Name="walk", Protocol="GENEVE", Port=6081, VpcId=vpc)[
        "TargetGroups"
    ]
    (listener,) = made.call(
        "elbv2",
        "CreateListener",
        LoadBalancerArn=balancer["LoadBalancerArn"],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets["TargetGroupArn"]}],
    )["Listeners"]
    offered = ec2("CreateVpcEndpointServiceConfiguration", GatewayLoadBalancerArns=[balancer["LoadBalancerArn"]])
    endpoint = ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=vpc,
        SubnetIds=[subnet],
        ServiceName=offered["ServiceConfiguration"]["ServiceName"],
    )
    made.known.update(
        VpcEndpointId=endpoint["VpcEndpoint"]["VpcEndpointId"],
        AllocationId=ec2("AllocateAddress")["AllocationId"],
        SubnetIds=[subnet],
        ResourceIds=[vpc],
        VpcId=vpc,
        SubnetId=subnet,
        InternetGatewayId=gateway,
        RouteTableId=table,
        NetworkInterfaceId=interface,
        GroupId=group,
        ImageId=image["ImageId"],
        InstanceId=launched["Instances"][0]["InstanceId"],
        InstanceIds=[launched["Instances"][0]["InstanceId"]],
        CidrBlock="10.0.1.0/24",
        LoadBalancerArn=balancer["LoadBalancerArn"],
        TargetGroupArn=targets["TargetGroupArn"],
        ListenerArn=listener["ListenerArn"],
        ServiceId=offered["ServiceConfiguration"]["ServiceId"],
        ServiceName=offered["ServiceConfiguration"]["ServiceName"],
        VpcEndpointType="GatewayLoadBalancer",
        GatewayLoadBalancerArns=[balancer["LoadBalancerArn"]],
        Subnets=[subnet],
        DestinationCidrBlock="0.0.0.0/0",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets["TargetGroupArn"]}],
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/walk",
        RoleSessionName="walk",
    )
    return made
