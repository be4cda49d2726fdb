"""No account touches or sees what another has: every operation of every service, with an id of a stranger's object in each member.

The cases follow from botocore's shapes: for each operation, and each of its members that names an object, the call is made with the
caller's own objects but for this one member, which names the stranger's; and once with all of its own. An operation that needs the id
of something that isolation_world.py does not have fails the test.
What AWS shares by permission (endpoint services, images, roles) is not permitted here; that it is seen once it is permitted is tested with
its own actions. Each case runs in memory on the same two accounts, that have one of everything and the same addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec
import pytest
from api_harness import Api, service_model
from botocore.model import Shape
from isolation_world import POLICY, TRUST, World, make_world

import opengwlb.api.dispatch  # noqa: F401  (importing registers the actions)
from opengwlb.api.account_removal import of_account
from opengwlb.api.context import ACTIONS
from opengwlb.api.standing import guard
from opengwlb.model.snapshot import KINDS, Snapshot
from opengwlb.store.overlay import Overlay, merged
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

R = TypeVar("R")
REFUSED = (
    "NotFound",
    "NoSuch",
    "AuthFailure",
    "AccessDenied",
    "does not exist",
    "not found",
    "InvalidServiceName",
    "InvalidTarget",
    "InvalidInstanceID",
    "UnauthorizedOperation",
    "OperationNotPermitted",
)
"""What errors about objects that do not exist for the caller have in their codes or sentences."""
PLURALS = {"ResourceARNList": "ResourceARN"}
ABSENT = {
    "AccessKeyId": "GetAccessKeyInfo tells everybody the account of a key, as on AWS, and nothing else",
    "ConnectionNotificationId": "there are no notifications",
    "PrefixListId": "the prefix lists here are nobody's",
    "SourceImageId": "images are not copied",
}
"""Members that name nothing which an account could have for itself -> why."""
VALUES: dict[tuple[str, str], Any] = {
    ("", "PolicyDocument"): POLICY,
    ("", "AssumeRolePolicyDocument"): TRUST,
    ("UpdateAssumeRolePolicy", "PolicyDocument"): TRUST,
    ("", "Type"): "forward",
    ("CreateFlowLogs", "ResourceType"): "VPC",
    ("", "RoleSessionName"): "me",
    ("", "DeviceIndex"): 3,
    ("", "Domain"): "vpc",
    ("", "Name"): "new",
    ("", "PolicyName"): "new",
    ("", "GroupName"): "new",
    ("", "VersionId"): "v1",
}
"""(operation, member) -> what a member says that names no object; without the operation, of every one."""
TCP = {"RuleNumber": 7, "Protocol": "6", "RuleAction": "allow", "Egress": False, "PortRange": {"From": 1, "To": 1}}
ALSO: dict[str, Callable[[World], dict[str, Any]]] = {
    "AssignIpv6Addresses": lambda mine: {"Ipv6AddressCount": 1},
    "AssignPrivateIpAddresses": lambda mine: {"SecondaryPrivateIpAddressCount": 1},
    "AssociateRouteTable": lambda mine: {"SubnetId": mine.id("SubnetId")},
    "AssociateSubnetCidrBlock": lambda mine: {"Ipv6CidrBlock": "2001:db8::/64"},
    "AssociateVpcCidrBlock": lambda mine: {"AmazonProvidedIpv6CidrBlock": True},
    "CreateFlowLogs": lambda mine: {
        "TrafficType": "REJECT",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::flows",
    },
    "CreateListener": lambda mine: {"DefaultActions": forward(mine)},
    "CreateLoadBalancer": lambda mine: {"Type": "gateway", "Subnets": [mine.id("SubnetId")]},
    "CreateNetworkAclEntry": lambda mine: {**TCP, "CidrBlock": "10.0.0.0/8"},
    "CreateRoute": lambda mine: {"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": mine.id("GatewayId")},
    "CreateSubnet": lambda mine: {"CidrBlock": "10.0.99.0/24"},
    "CreateTags": lambda mine: {"Tags": [{"Key": "a", "Value": "b"}]},
    "CreateTargetGroup": lambda mine: {"Protocol": "GENEVE", "Port": 6081, "VpcId": mine.id("VpcId")},
    "CreateVpc": lambda mine: {"CidrBlock": "10.99.0.0/16"},
    "CreateVpcEndpoint": lambda mine: {
        "VpcEndpointType": "GatewayLoadBalancer",
        "ServiceName": mine.id("ServiceName"),
        "SubnetIds": [mine.id("SubnetId")],
    },
    "DeleteRoute": lambda mine: {"DestinationCidrBlock": "10.0.0.0/16"},
    "ModifyImageAttribute": lambda mine: {"LaunchPermission": {"Add": [{"Group": "all"}]}},
    "ModifyInstanceAttribute": lambda mine: {"SourceDestCheck": {"Value": False}},
    "ModifyNetworkInterfaceAttribute": lambda mine: {"Description": {"Value": "x"}},
    "ModifySubnetAttribute": lambda mine: {"MapPublicIpOnLaunch": {"Value": True}},
    "ModifyVpcAttribute": lambda mine: {"EnableDnsSupport": {"Value": False}},
    "ReplaceNetworkAclEntry": lambda mine: {**TCP, "RuleNumber": 100, "CidrBlock": "10.0.0.0/8"},
    "ReplaceRoute": lambda mine: {"DestinationCidrBlock": "172.16.0.0/12", "GatewayId": mine.id("GatewayId")},
    "ResetNetworkInterfaceAttribute": lambda mine: {"SourceDestCheck": "true"},
    "RunInstances": lambda mine: {"ImageId": mine.id("ImageId"), "SubnetId": mine.id("SubnetId")},
    "UnassignIpv6Addresses": lambda mine: {"Ipv6Addresses": ["2001:db8::1"]},
    "UnassignPrivateIpAddresses": lambda mine: {"PrivateIpAddresses": ["10.0.0.250"]},
}
"""What an operation needs beside its required members, or in their place."""
WITH: dict[tuple[str, str], Callable[[World], dict[str, Any]]] = {
    ("AssociateAddress", "InstanceId"): lambda mine: {"AllocationId": mine.id("AllocationId")},
    ("AssociateAddress", "NetworkInterfaceId"): lambda mine: {
        "AllocationId": mine.id("AllocationId"),
        "AllowReassociation": True,
    },
    ("CreateVpcEndpoint", "ServiceName"): lambda mine: {
        "VpcEndpointType": "GatewayLoadBalancer",
        "SubnetIds": [mine.id("SubnetId")],
    },
    ("CreateVpcEndpoint", "SubnetIds"): lambda mine: {
        "VpcEndpointType": "GatewayLoadBalancer",
        "ServiceName": mine.id("ServiceName"),
    },
    ("ModifyInstanceAttribute", "Groups"): lambda mine: {},  # one attribute a call
    ("ModifyNetworkInterfaceAttribute", "Groups"): lambda mine: {},
    ("RevokeSecurityGroupIngress", "SecurityGroupRuleIds"): lambda mine: {"GroupId": mine.id("GroupId")},
    ("RunInstances", "SubnetId"): lambda mine: {"ImageId": mine.id("ImageId")},
    ("RunInstances", "NetworkInterfaces"): lambda mine: {"ImageId": mine.id("ImageId")},
    ("RunInstances", "Placement"): lambda mine: {"ImageId": mine.id("ImageId")},
    ("RunInstances", "SecurityGroupIds"): lambda mine: {
        "ImageId": mine.id("ImageId"),
        "SubnetId": mine.id("SubnetId"),
    },
    **{
        (f"UpdateSecurityGroupRuleDescriptions{way}", "SecurityGroupRuleDescriptions"): lambda mine: {
            "GroupId": mine.id("GroupId")
        }
        for way in ("Ingress", "Egress")
    },
    ("UpdateSecurityGroupRuleDescriptionsIngress", "GroupId"): lambda mine: described(mine, "Ingress"),
    ("UpdateSecurityGroupRuleDescriptionsEgress", "GroupId"): lambda mine: described(mine, "Egress"),
}
"""(operation, member that names the stranger's object) -> what it needs, where that is not what ALSO says."""
NOBODY_CAN = ("UnsupportedOperation", "is not supported", "are not supported", "nothing would act on it")
"""In errors of what nobody can do here, before anybody looks at an object."""
ONE_ANSWER = {
    ("CreateRule", "Actions"): "gateway listeners take no rules, whatever they would forward to",
    ("GetResourcePolicy", "ResourceArn"): "no resource has a policy",
    ("ModifyRule", "Actions"): "a default rule does not change, whatever it would forward to",
    ("SetSecurityGroups", "SecurityGroups"): "gateway load balancers take no groups, whatever they are",
    ("RunInstances", "SecurityGroups"): "names of groups, which each VPC has of its own",
    ("ModifyImageAttribute", "LaunchPermission"): "its Group is the word `all`, not a security group",
    ("ModifyNetworkInterfaceAttribute", "Attachment"): "only said of the interface's own attachment",
    **{
        (f"{what}{way}", "IpPermissions"): "peers of rules are only compared with those of the caller's own group"
        for what in ("RevokeSecurityGroup", "UpdateSecurityGroupRuleDescriptions", "AuthorizeSecurityGroup")
        for way in ("Ingress", "Egress")
    },
}
"""(operation, member) -> why an object of the caller's own is answered like the stranger's."""


def described(mine: World, way: str) -> dict[str, Any]:
    rule = mine.named(f"UpdateSecurityGroupRuleDescriptions{way}", "SecurityGroupRuleId")
    return {"SecurityGroupRuleDescriptions": [{"SecurityGroupRuleId": rule, "Description": "x"}]}


def forward(mine: World) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": mine.id("TargetGroupArn")}]


class Memory:
    """A store in memory, from a snapshot on: enough for actions."""

    def __init__(self, start: Snapshot) -> None:
        self._now = start

    def snapshot(self) -> Snapshot:
        return self._now

    def transact(self, work: Callable[[Any], R]) -> R:
        overlay = Overlay(self._now)
        try:
            result = work(overlay)
        finally:
            changed = overlay.finish()
        after = {kind: merged(dict(self._now.all(kind)), changed.get(kind, {})) for kind in KINDS}
        self._now = Snapshot(self._now.revision + bool(changed), after)
        return result


@dataclass(frozen=True)
class Place:
    """A member, below the operation's input, that names an object."""

    path: tuple[str, ...]
    member: str


def singular(member: str) -> str:
    return PLURALS.get(member) or (member.removesuffix("s") if member.endswith("s") else member)


def places(shape: Shape, world: World, operation: str, path: tuple[str, ...] = ()) -> Iterator[Place]:
    """Every member that names an object of `world`, however deep."""
    if len(path) > 6:
        return
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from places(member, world, operation, (*path, name))
    elif shape.type_name == "list":
        yield from places(shape.member, world, operation, path)
    elif shape.type_name == "string" and path:
        for known in (path[-1], singular(path[-1])):
            if world.named(operation, known) is not None:
                yield Place(path, known)
                return


class Caller:
    """Makes the parameters of calls: the caller's own objects but, at one place, the stranger's."""

    def __init__(self, mine: World, theirs: World) -> None:
        self._mine = mine
        self._theirs = theirs

    def params(self, operation: str, shape: Shape, place: Place | None, *, foreign: bool) -> dict[str, Any]:
        built: dict[str, Any] = self._value(operation, shape, (), place, foreign=foreign)
        optional = place is not None and place.path[0] not in shape.required_members
        first = place.path[0] if place is not None else ""
        special = WITH.get((operation, first))
        for name, value in (special or ALSO.get(operation, lambda mine: {}))(self._mine).items():
            names_object = any(each in text(value) for each in self._mine.ids.values())
            if name != first and (special is not None or not (optional and names_object)):
                built[name] = value
        return built

    def _value(self, operation: str, shape: Shape, path: tuple[str, ...], place: Place | None, *, foreign: bool) -> Any:
        def below(inner: Shape, name: str) -> Any:
            return self._value(operation, inner, (*path, name), place, foreign=foreign)

        if shape.type_name == "structure":
            leading = place.path[len(path)] if place and place.path[: len(path)] == path else None
            wanted = {*shape.required_members, *((leading,) if leading else ())}
            wanted |= {name for at, name in VALUES if at == operation and name in shape.members}
            return {name: below(shape.members[name], name) for name in shape.members if name in wanted}
        if shape.type_name == "list":
            return [self._value(operation, shape.member, path, place, foreign=foreign)]
        if shape.type_name == "map":
            return {}
        if shape.type_name == "string" and place is not None and path == place.path:
            return (self._theirs if foreign else self._mine).named(operation, place.member)
        name = path[-1]
        if (operation, name) in VALUES:
            return VALUES[operation, name]
        for known in (name, singular(name)):
            own = self._mine.named(operation, known)
            if shape.type_name == "string" and own is not None:
                return own
        return self._plain(shape, name)

    def _plain(self, shape: Shape, name: str) -> Any:
        if ("", name) in VALUES and shape.type_name in ("string", "integer"):
            return VALUES["", name]
        if shape.type_name in ("integer", "long", "float", "double"):
            return int(shape.metadata.get("min", 1)) or 1
        if shape.type_name == "boolean":
            return True
        if shape.type_name == "timestamp":
            return "2027-01-15T08:00:00Z"
        if shape.type_name == "blob":
            return b""
        return shape.metadata["enum"][0] if shape.metadata.get("enum") else "new"


def outcome(api: Api, service: str, operation: str, params: dict[str, Any]) -> tuple[str, Any]:
    """("ok", answer) or (code, message)."""
    try:
        guard.check(service, operation, params)
        return "ok", ACTIONS[service, operation](api.context(), params)
    except AwsError as error:
        return error.code, error.message


@dataclass(frozen=True)
class Two:
    mine: World
    theirs: World
    start: Snapshot
    secret: frozenset[str]
    """Ids of the stranger's objects, that the caller's own do not mention."""

    def alone(self, world: World) -> Api:
        return replace(world.api, store=Memory(self.start))  # type: ignore[arg-type]  # enough of a store for actions


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    store = SqliteStore(tmp_path_factory.mktemp("isolation") / "store.sqlite", clock=lambda: 1_800_000_000.0)
    api = Api(store=store)
    mine, theirs = make_world(api, number=1), make_world(api.of("222222222222"), number=2)
    start = store.snapshot()
    # Names are each account's own: both may have the same.
    ids = {obj.id for _, obj in of_account(start, "222222222222")} | set(theirs.ids.values())
    yield Two(mine, theirs, start, frozenset(each for each in ids if not each.lstrip("/").startswith("mine")))
    store.close()


def text(value: Any) -> str:
    return json.dumps(value, default=str)


def state(snapshot: Snapshot, account: str) -> dict[str, Any]:
    return {obj.id: obj for _, obj in of_account(snapshot, account)}


OPERATIONS = sorted(ACTIONS)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS, ids=lambda each: str(each))
def test_an_operation_neither_shows_nor_changes_another_accounts_objects(
    two: Two, service: str, operation: str
) -> None:
    shape = service_model(service).operation_model(operation).input_shape
    caller = Caller(two.mine, two.theirs)
    found = list(places(shape, two.theirs, operation)) if shape is not None else []
    if shape is not None and not found:
        unnamed = {singular(name) for name in shape.required_members if re.search("(Id|Arn|ARN)(s|List)?$", name)}
        code, _ = outcome(two.alone(two.mine), service, operation, caller.params(operation, shape, None, foreign=False))
        assert code == "UnsupportedOperation" or unnamed <= ABSENT.keys(), (
            f"{operation}: no object is known for {unnamed}"
        )
    theirs_before = state(two.start, two.theirs.api.account)
    for place in [None, *found]:
        params = caller.params(operation, shape, place, foreign=True) if shape is not None else {}
        api = two.alone(two.mine)
        code, said = outcome(api, service, operation, params)
        case = f"{operation} {text(params)} -> {code} {text(said)}"
        after = api.store.snapshot()
        assert state(after, two.theirs.api.account) == theirs_before, f"{case}: changed the stranger's objects"
        sent = text(params)
        shown = {each for each in two.secret if each in text(said) and each not in sent}
        assert not shown, f"{case}: shows {shown}"
        mine_before, mine_after = state(two.start, two.mine.api.account), state(after, two.mine.api.account)
        changed = [obj for key, obj in mine_after.items() if mine_before.get(key) != obj]
        kept = {each for each in two.secret if each in msgspec.json.encode(changed, enc_hook=str).decode()}
        assert not kept, f"{case}: the caller's objects mention {kept}"


def test_what_is_refused_is_refused_because_it_is_the_strangers(two: Two) -> None:
    """The same call on an object of the caller's own ends otherwise, so that each case asks what it means to ask."""
    caller, blunt = Caller(two.mine, two.theirs), []
    for service, operation in OPERATIONS:
        shape = service_model(service).operation_model(operation).input_shape
        for place in places(shape, two.theirs, operation) if shape is not None else ():
            if (operation, place.path[0]) in ONE_ANSWER:
                continue
            foreign = outcome(
                two.alone(two.mine), service, operation, caller.params(operation, shape, place, foreign=True)
            )
            own = outcome(
                two.alone(two.mine), service, operation, caller.params(operation, shape, place, foreign=False)
            )
            refused = any(word in foreign[0] + text(foreign[1]) for word in REFUSED) or foreign[0] == "ok"
            if own[0] == foreign[0] and any(word in text(own) for word in NOBODY_CAN):
                continue
            if own[0] == foreign[0] != "ok" or not refused:
                blunt.append(f"{operation}.{'.'.join(place.path)}: own {own[0]} {own[1]} - foreign {foreign}")
    assert blunt == [], "\n".join(blunt)
