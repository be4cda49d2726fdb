"""Finding the caller's objects: every EC2 id has a prefix, a kind and an error code of its own.

An object of another account or region does not exist for the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from opengwlb.api.context import Context
from opengwlb.model import compute, flow_logs, images, privatelink, vpc
from opengwlb.model.snapshot import View
from opengwlb.wire.errors import AwsError


class Owned(Protocol):
    """An object of one account in one region."""

    @property
    def id(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...


T = TypeVar("T", bound=Owned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    prefix: str
    code: str
    """`InvalidVpcID`: `.NotFound` and `.Malformed` are appended."""
    noun: str
    """As the sentence says it: `The vpc ID 'vpc-1' does not exist`."""
    tag_type: str
    """The resource type of tag specifications: `vpc`."""


NAMINGS: dict[type[Any], Naming] = {
    vpc.Vpc: Naming(prefix="vpc-", code="InvalidVpcID", noun="vpc ID", tag_type="vpc"),
    vpc.Subnet: Naming(prefix="subnet-", code="InvalidSubnetID", noun="subnet ID", tag_type="subnet"),
    vpc.InternetGateway: Naming(
        prefix="igw-", code="InvalidInternetGatewayID", noun="internetGateway ID", tag_type="internet-gateway"
    ),
    vpc.RouteTable: Naming(prefix="rtb-", code="InvalidRouteTableID", noun="routeTable ID", tag_type="route-table"),
    vpc.NetworkInterface: Naming(
        prefix="eni-", code="InvalidNetworkInterfaceID", noun="networkInterface ID", tag_type="network-interface"
    ),
    vpc.Address: Naming(prefix="eipalloc-", code="InvalidAllocationID", noun="allocation ID", tag_type="elastic-ip"),
    vpc.NetworkAcl: Naming(prefix="acl-", code="InvalidNetworkAclID", noun="networkAcl ID", tag_type="network-acl"),
    vpc.DhcpOptions: Naming(prefix="dopt-", code="InvalidDhcpOptionID", noun="dhcpOption ID", tag_type="dhcp-options"),
    compute.KeyPair: Naming(prefix="key-", code="InvalidKeyPair", noun="key pair", tag_type="key-pair"),
    vpc.SecurityGroup: Naming(prefix="sg-", code="InvalidGroup", noun="security group", tag_type="security-group"),
    images.Image: Naming(prefix="ami-", code="InvalidAMIID", noun="image id", tag_type="image"),
    compute.Instance: Naming(prefix="i-", code="InvalidInstanceID", noun="instance ID", tag_type="instance"),
    privatelink.VpcEndpoint: Naming(
        prefix="vpce-", code="InvalidVpcEndpointId", noun="Vpc Endpoint Id", tag_type="vpc-endpoint"
    ),
    # After the other kind of this prefix, which `kind_of` answers for it.
    privatelink.InterfaceEndpoint: Naming(
        prefix="vpce-", code="InvalidVpcEndpointId", noun="Vpc Endpoint Id", tag_type="vpc-endpoint"
    ),
    privatelink.EndpointService: Naming(
        prefix="vpce-svc-",
        code="InvalidVpcEndpointServiceId",
        noun="VpcEndpointService Id",
        tag_type="vpc-endpoint-service",
    ),
    flow_logs.FlowLog: Naming(prefix="fl-", code="InvalidFlowLogId", noun="flowLog ID", tag_type="vpc-flow-log"),
}
"""EC2's own kinds; the ELBv2 kinds are named by ARNs."""
_OF_MALFORMED: dict[type[Any], str] = {vpc.SecurityGroup: "InvalidGroupId", vpc.DhcpOptions: "InvalidDhcpOptionsId"}
"""Where AWS spells it otherwise than for `.NotFound`."""


def kind_of(resource_id: str) -> type[Any] | None:
    """The kind an id's prefix names; the longest prefix wins (`vpce-svc-` before `vpce-`)."""
    kinds = [kind for kind, naming in NAMINGS.items() if resource_id.startswith(naming.prefix)]
    return max(kinds, key=lambda kind: len(NAMINGS[kind].prefix), default=None)


def not_found(kind: type[Any], *resource_ids: str) -> AwsError:
    naming = NAMINGS[kind]
    plural = "s" if len(resource_ids) > 1 else ""
    does = "do" if plural else "does"
    return AwsError(
        f"{naming.code}.NotFound", f"The {naming.noun}{plural} '{', '.join(resource_ids)}' {does} not exist"
    )


def malformed(kind: type[Any], resource_id: str) -> AwsError:
    naming = NAMINGS[kind]
    code = _OF_MALFORMED.get(kind, naming.code)
    return AwsError(f"{code}.Malformed", f'Invalid id: "{resource_id}" (expecting "{naming.prefix}...")')


def find(ctx: Context, view: View, kind: type[T], resource_id: str | None) -> T | None:
    """The caller's object, or None."""
    found = view.get(kind, resource_id)
    if found is None or found.account != ctx.account or found.region != ctx.region:
        return None
    return found


def require(ctx: Context, view: View, kind: type[T], resource_id: str) -> T:
    """The caller's object. Errors: `<code>.Malformed` for another prefix, `<code>.NotFound` otherwise."""
    if kind_of(resource_id) is not kind:
        raise malformed(kind, resource_id)
    found = find(ctx, view, kind, resource_id)
    if found is None:
        raise not_found(kind, resource_id)
    return found


def owned(ctx: Context, view: View, kind: type[T]) -> list[T]:
    """Every object of this kind that the caller has in this region, in order of creation."""
    return [found for found in view.values(kind) if found.account == ctx.account and found.region == ctx.region]


def named(ctx: Context, view: View, kind: type[T], resource_ids: Sequence[str] | None) -> list[T]:
    """What a describe call starts from: the objects with these ids, or all when none is given.

    Errors: as `require`; all ids that are missing are named in one sentence.
    """
    if not resource_ids:
        return owned(ctx, view, kind)
    for resource_id in resource_ids:
        if kind_of(resource_id) is not kind:
            raise malformed(kind, resource_id)
    found = {each: find(ctx, view, kind, each) for each in dict.fromkeys(resource_ids)}
    lost = [resource_id for resource_id, each in found.items() if each is None]
    if lost:
        raise not_found(kind, *lost)
    return [each for each in found.values() if each is not None]


def in_vpc(view: View, kind: type[Any], vpc_id: str) -> Iterable[Any]:
    """Objects with a `vpc` member that names this VPC."""
    return (each for each in view.values(kind) if each.vpc == vpc_id)
