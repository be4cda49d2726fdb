"""May this caller do this? Asked of every call by a role's session; an account's root may do everything in its account.

Which resources a call is about is read from its parameters: every id and ARN that they name, and `TYPE/*` for what it makes. Calls
that only look (Describe…, List…) are about `*`, as nearly all of AWS's are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from opengwlb.api.common.resources import NAMINGS, kind_of
from opengwlb.model.iam import ManagedPolicy, Role
from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.model.snapshot import Snapshot, View
from opengwlb.policy import iam
from opengwlb.wire.errors import AccessDenied

from .iam.aws_policies import AWS_POLICIES

VENDORS = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
"""What actions of a service are prefixed with, where it is not botocore's name."""
FREE = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken"), ("sts", "AssumeRole")}
"""Need no permission of their own; AssumeRole asks both sides itself."""
_LOOKS = re.compile(r"(Describe|List|Search|GetConsole)\w+")
_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}")
_MADE = {
    "AllocateAddress": ("elastic-ip",),
    "CreateFlowLogs": ("vpc-flow-log",),
    "CreateInternetGateway": ("internet-gateway",),
    "CreateNetworkInterface": ("network-interface",),
    "CreateRouteTable": ("route-table",),
    "CreateSecurityGroup": ("security-group",),
    "CreateSubnet": ("subnet",),
    "CreateVpc": ("vpc",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateVpcEndpointServiceConfiguration": ("vpc-endpoint-service",),
    "RunInstances": ("instance", "network-interface"),
}
"""EC2's calls that make something -> its types."""
_MADE_ELB = {
    "CreateLoadBalancer": ("loadbalancer/gwy", "Name"),
    "CreateTargetGroup": ("targetgroup", "Name"),
}
_BY_NAME = {
    "RoleName": ("iam", "role"),
    "PolicyName": ("iam", "policy"),
    "InstanceProfileName": ("iam", "instance-profile"),
}


class Origin(Protocol):
    """Where a call came from."""

    @property
    def address(self) -> str: ...
    @property
    def secure(self) -> bool: ...
    @property
    def vpc(self) -> str: ...
    @property
    def endpoint(self) -> str: ...


class Asking(Protocol):
    """The part of a call that decides."""

    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def policies(self) -> tuple[str, ...]: ...
    @property
    def origin(self) -> Origin: ...


class Authorisation:
    """The questions about one call, at one moment."""

    def __init__(self, snapshot: Snapshot, call: Asking, *, now: float) -> None:
        self._snapshot = snapshot
        self._call = call
        self._context = context_of(call, now=now)
        self._identity = None if not call.role else tuple(statements_of(snapshot, call.role))
        self._session = tuple(session_statements(snapshot, call.policies)) if call.policies else None
        self._endpoint: tuple[iam.Statement, ...] | None = None
        endpoint = snapshot.get(InterfaceEndpoint, call.origin.endpoint)
        if endpoint is not None and endpoint.policy:
            self._endpoint = iam.parse(endpoint.policy, principals=True)

    def operation(self) -> None:
        """The call itself, on everything that it is about. Raises AccessDenied."""
        call = self._call
        if self._identity is None and self._endpoint is None:
            return  # only a role's session has policies of its own
        action = f"{VENDORS.get(call.service, call.service)}:{call.operation}"
        for resource in resources_of(call, self._snapshot):
            if (call.service, call.operation) not in FREE:
                self._ask(self._identity, action, resource, "identity-based")
            if (call.service, call.operation) != ("sts", "GetCallerIdentity"):
                self._ask(self._session, action, resource, "session")
            self._ask(self._endpoint, action, resource, "VPC endpoint")
        for tagged in call.params.get("TagSpecifications") or () if call.service == "ec2" else ():
            # Tags that come with what is made need the permission to tag such things.
            if tagged.get("Tags") and call.operation != "CreateTags":
                kind = tagged.get("ResourceType") or "*"
                self.one("ec2:CreateTags", f"arn:aws:ec2:{call.region}:{call.account}:{kind}/*")

    def one(self, action: str, resource: str) -> None:
        """One more thing that the call implies (`iam:PassRole`). Raises AccessDenied."""
        self._ask(self._identity, action, resource, "identity-based")
        self._ask(self._session, action, resource, "session")

    def _ask(self, statements: tuple[iam.Statement, ...] | None, action: str, resource: str, kind: str) -> None:
        if statements is None:
            return
        call = self._call
        asked = iam.Asked(
            action=action,
            resource=resource,
            context={**self._context, **_about(self._snapshot, resource)},
            principal=principal_of(call),
        )
        decision = iam.evaluate(statements, asked)
        if decision == "allowed":
            return
        raise denied(call.arn or f"arn:aws:iam::{call.account}:root", action, resource, decision=decision, kind=kind)


def denied(caller: str, action: str, resource: str, *, decision: iam.Decision, kind: str) -> AccessDenied:
    """In the words of AWS's access denied messages."""
    on = "" if resource == "*" else f" on resource: {resource}"
    why = (
        f"with an explicit deny in {'an' if kind[0] in 'aeiou' else 'a'} {kind} policy"
        if decision == "denied"
        else f"because no {kind} policy allows the {action} action"
    )
    return AccessDenied(f"User: {caller} is not authorized to perform: {action}{on} {why}")


def principal_of(call: Asking) -> iam.Principal:
    arns = (call.role, call.arn) if call.role else (f"arn:aws:iam::{call.account}:root",)
    return iam.Principal(account=call.account, arns=arns)


def statements_of(snapshot: View, role_arn: str) -> Iterator[iam.Statement]:
    """Everything that a role's own and attached policies say, as they are now; nothing once the role is gone."""
    role = snapshot.get(Role, role_arn)
    if role is None:
        return
    for document in role.inline.values():
        yield from iam.parse(document)
    for arn in role.attached:
        managed = AWS_POLICIES.get(arn) or snapshot.get(ManagedPolicy, arn)
        if managed is not None:
            yield from iam.parse(managed.document)


def session_statements(snapshot: Snapshot, policies: Iterable[str]) -> Iterator[iam.Statement]:
    """What a session's own policies say; a managed one that is gone says nothing."""
    for each in policies:
        if not each.startswith("arn:"):
            yield from iam.parse(each)
        elif managed := AWS_POLICIES.get(each) or snapshot.get(ManagedPolicy, each):
            yield from iam.parse(managed.document)


def context_of(call: Asking, *, now: float) -> dict[str, tuple[str, ...]]:
    """The condition keys of a call. One that came by an endpoint has a source in its VPC instead of one on the internet."""
    origin = call.origin
    found = {
        "aws:CurrentTime": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "aws:EpochTime": str(int(now)),
        "aws:PrincipalAccount": call.account,
        "aws:PrincipalArn": call.role or f"arn:aws:iam::{call.account}:root",
        "aws:PrincipalType": "AssumedRole" if call.role else "Account",
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true" if origin.secure else "false",
        "aws:userid": call.user_id or call.account,
        "ec2:Region": call.region,
        ("aws:VpcSourceIp" if origin.endpoint else "aws:SourceIp"): origin.address,
        "aws:SourceVpc": origin.vpc,
        "aws:SourceVpce": origin.endpoint,
        "ec2:InstanceType": call.params.get("InstanceType"),
        "cloudwatch:namespace": call.params.get("Namespace"),
    }
    context = {key.lower(): (value,) for key, value in found.items() if isinstance(value, str) and value}
    tags = dict(_request_tags(call.params))
    context |= {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    return context | ({"aws:tagkeys": tuple(tags)} if tags else {})


def _request_tags(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lists = [params.get("Tags") or ()]
    lists += [each.get("Tags") or () for each in params.get("TagSpecifications") or ()]
    for each in lists:
        for tag in each:
            if isinstance(tag, Mapping) and tag.get("Key"):
                yield tag["Key"], tag.get("Value") or ""


def _about(snapshot: Snapshot, resource: str) -> dict[str, tuple[str, ...]]:
    """The condition keys that a resource brings: its tags and its VPC."""
    found: Any = None
    if resource.startswith("arn:aws:ec2:"):
        resource_id = resource.rsplit("/", 1)[-1]
        kind = kind_of(resource_id)
        found = snapshot.get(kind, resource_id) if kind is not None else None
    context: dict[str, tuple[str, ...]] = {}
    for key, value in (getattr(found, "tags", None) or {}).items():
        context[f"aws:resourcetag/{key.lower()}"] = context[f"ec2:resourcetag/{key.lower()}"] = (value,)
    vpc = getattr(found, "vpc", None)
    if vpc:
        _, _, _, region, account, _ = resource.split(":", 5)
        context["ec2:vpc"] = (f"arn:aws:ec2:{region}:{account}:vpc/{vpc}",)
    return context


def resources_of(call: Asking, snapshot: Snapshot) -> list[str]:
    """The ARNs that a call is about, each once; `*` when it is about none."""
    if call.service == "ssm":
        found = list(_parameters(call))
    elif call.service in ("cloudwatch", "resourcegroupstaggingapi") or (
        call.service in ("ec2", "elbv2") and _LOOKS.fullmatch(call.operation)
    ):
        found = []
    elif call.service == "ec2":
        found = list(_named(call, call.params))
        found += [f"arn:aws:ec2:{call.region}:{call.account}:{kind}/*" for kind in _MADE.get(call.operation, ())]
    else:
        found = list(_named(call, call.params)) + list(_by_name(call, snapshot))
        if call.service == "elbv2" and call.operation in _MADE_ELB:
            kind, name = _MADE_ELB[call.operation]
            found = [f"arn:aws:elasticloadbalancing:{call.region}:{call.account}:{kind}/{call.params.get(name, '')}/*"]
    return list(dict.fromkeys(found)) or ["*"]


def _named(call: Asking, value: Any) -> Iterator[str]:
    """Every ARN, and every id of a kind that has one, anywhere in the parameters."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key not in ("Filters", "UserData", "ClientToken"):
                yield from _named(call, each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named(call, each)
    elif isinstance(value, str):
        if value.startswith("arn:aws:") and value.count(":") >= 5:
            yield value
        elif (match := _ID.fullmatch(value)) is not None and call.service == "ec2":
            kind = kind_of(value)
            if kind is not None:
                yield f"arn:aws:ec2:{call.region}:{call.account}:{NAMINGS[kind].tag_type}/{value}"
            elif match[1] == "ami":
                yield f"arn:aws:ec2:{call.region}::image/{value}"


def _by_name(call: Asking, snapshot: Snapshot) -> Iterator[str]:
    """IAM's objects are called by their names; their ARNs have paths too."""
    if call.service != "iam":
        return
    stored: dict[str, Iterable[Any]] = {"role": snapshot.values(Role)}
    for member, (vendor, kind) in _BY_NAME.items():
        name = call.params.get(member)
        if not name or (member == "PolicyName" and "RoleName" in call.params):
            continue
        known = next((one.id for one in stored.get(kind, ()) if (one.account, one.name) == (call.account, name)), None)
        path = str(call.params.get("Path") or "/").strip("/")
        yield known or f"arn:aws:{vendor}::{call.account}:{kind}/{path + '/' if path else ''}{name}"


def _parameters(call: Asking) -> Iterator[str]:
    names = [call.params.get("Name"), call.params.get("Path"), *(call.params.get("Names") or ())]
    for name in names:
        if name:
            yield parameter_arn(name.split(":")[0], account=call.account, region=call.region)


def parameter_arn(name: str, *, account: str, region: str) -> str:
    """Public parameters belong to no account."""
    owner = "" if name.startswith("/aws/service/") else account
    return f"arn:aws:ssm:{region}:{owner}:parameter/{name.lstrip('/')}"
