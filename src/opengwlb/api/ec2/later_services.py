"""What is not here: services that others of AWS's services have beside a Gateway Load Balancer, and those that AWS itself has retired.

Clients describe them whatever they do (Ansible and Terraform look for NAT gateways before they delete a VPC), so that describing them
answers what is true: there are none. What would make, change or join one is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.errors import dry_run
from opengwlb.api.context import Action, Answer, Context, Parameters, action
from opengwlb.wire.errors import AwsError
from opengwlb.wire.models import service


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absent:
    """One `Describe…` operation that finds nothing."""

    operation: str
    member: str
    """Of the answer."""
    ids: str = ""
    """The member that names objects."""
    code: str = ""
    """AWS's error for one that is not there."""
    noun: str = ""


_NOTHING = (
    _Absent(
        operation="DescribeNatGateways",
        member="NatGateways",
        ids="NatGatewayIds",
        code="NatGatewayNotFound",
        noun="Nat Gateway",
    ),
    _Absent(
        operation="DescribeVpcPeeringConnections",
        member="VpcPeeringConnections",
        ids="VpcPeeringConnectionIds",
        code="InvalidVpcPeeringConnectionID.NotFound",
        noun="vpcPeeringConnection ID",
    ),
    _Absent(
        operation="DescribeTransitGateways",
        member="TransitGateways",
        ids="TransitGatewayIds",
        code="InvalidTransitGatewayID.NotFound",
        noun="Transit Gateway",
    ),
    *(
        _Absent(
            operation=f"Describe{member}",
            member=member,
            ids="TransitGatewayAttachmentIds",
            code="InvalidTransitGatewayAttachmentID.NotFound",
            noun="Transit Gateway Attachment",
        )
        for member in (
            "TransitGatewayAttachments",
            "TransitGatewayVpcAttachments",
            "TransitGatewayPeeringAttachments",
            "TransitGatewayNetworkFunctionAttachments",
            "TransitGatewayConnects",
        )
    ),
    _Absent(
        operation="DescribeTransitGatewayRouteTables",
        member="TransitGatewayRouteTables",
        ids="TransitGatewayRouteTableIds",
        code="InvalidRouteTableID.NotFound",
        noun="Transit Gateway Route Table",
    ),
    _Absent(
        operation="DescribeVpnGateways",
        member="VpnGateways",
        ids="VpnGatewayIds",
        code="InvalidVpnGatewayID.NotFound",
        noun="vpnGateway ID",
    ),
    _Absent(
        operation="DescribeVpnConnections",
        member="VpnConnections",
        ids="VpnConnectionIds",
        code="InvalidVpnConnectionID.NotFound",
        noun="vpnConnection ID",
    ),
    _Absent(
        operation="DescribeCustomerGateways",
        member="CustomerGateways",
        ids="CustomerGatewayIds",
        code="InvalidCustomerGatewayID.NotFound",
        noun="customerGateway ID",
    ),
    _Absent(
        operation="DescribeEgressOnlyInternetGateways",
        member="EgressOnlyInternetGateways",
        ids="EgressOnlyInternetGatewayIds",
        code="InvalidGatewayID.NotFound",
        noun="egressOnlyInternetGateway ID",
    ),
    _Absent(
        operation="DescribePrefixLists",
        member="PrefixLists",
        ids="PrefixListIds",
        code="InvalidPrefixListID.NotFound",
        noun="prefix list ID",
    ),
    _Absent(
        operation="DescribeManagedPrefixLists",
        member="PrefixLists",
        ids="PrefixListIds",
        code="InvalidPrefixListID.NotFound",
        noun="prefix list ID",
    ),
    _Absent(
        operation="DescribeCarrierGateways",
        member="CarrierGateways",
        ids="CarrierGatewayIds",
        code="InvalidCarrierGatewayID.NotFound",
        noun="carrierGateway ID",
    ),
    _Absent(
        operation="DescribeVolumes",
        member="Volumes",
        ids="VolumeIds",
        code="InvalidVolume.NotFound",
        noun="volume",
    ),
    _Absent(
        operation="DescribeSnapshots",
        member="Snapshots",
        ids="SnapshotIds",
        code="InvalidSnapshot.NotFound",
        noun="snapshot",
    ),
    _Absent(
        operation="DescribePlacementGroups",
        member="PlacementGroups",
        ids="GroupNames",
        code="InvalidPlacementGroup.Unknown",
        noun="Placement Group",
    ),
)

_REFUSED = {
    "there are no NAT gateways": ("CreateNatGateway", "DeleteNatGateway"),
    "there is no VPC peering": (
        "CreateVpcPeeringConnection",
        "AcceptVpcPeeringConnection",
        "RejectVpcPeeringConnection",
        "DeleteVpcPeeringConnection",
        "ModifyVpcPeeringConnectionOptions",
    ),
    "there are no transit gateways": (
        "CreateTransitGateway",
        "DeleteTransitGateway",
        "CreateTransitGatewayVpcAttachment",
        "DeleteTransitGatewayVpcAttachment",
        "CreateTransitGatewayRouteTable",
        "CreateTransitGatewayRoute",
        "AssociateTransitGatewayRouteTable",
        "EnableTransitGatewayRouteTablePropagation",
        "CreateTransitGatewayPeeringAttachment",
        "CreateTransitGatewayNetworkFunctionAttachment",
        "CreateTransitGatewayConnect",
    ),
    "there are no virtual private gateways": (
        "CreateVpnGateway",
        "DeleteVpnGateway",
        "AttachVpnGateway",
        "DetachVpnGateway",
        "EnableVgwRoutePropagation",
        "DisableVgwRoutePropagation",
    ),
    "there is no VPN": (
        "CreateVpnConnection",
        "DeleteVpnConnection",
        "CreateVpnConnectionRoute",
        "CreateCustomerGateway",
        "DeleteCustomerGateway",
        "CreateClientVpnEndpoint",
    ),
    "there are no egress-only internet gateways": (
        "CreateEgressOnlyInternetGateway",
        "DeleteEgressOnlyInternetGateway",
    ),
    "there are no prefix lists": (
        "CreateManagedPrefixList",
        "ModifyManagedPrefixList",
        "DeleteManagedPrefixList",
        "GetManagedPrefixListEntries",
        "GetManagedPrefixListAssociations",
    ),
    "there are no carrier gateways": ("CreateCarrierGateway", "DeleteCarrierGateway"),
    "instances have no volumes": ("CreateVolume", "AttachVolume", "CreateSnapshot"),
    "instances cannot be placed on hosts": ("CreatePlacementGroup", "AllocateHosts"),
    "images come from files: the operator imports them with `gwlb image import`": (
        "CreateImage",
        "CopyImage",
        "RegisterImage",
        "ImportImage",
    ),
    "instances have no screen": ("GetConsoleScreenshot",),
    "public names follow from addresses and cannot be changed": (
        "ModifyAddressAttribute",
        "ResetAddressAttribute",
    ),
}
"""Why -> the operations that are refused for it."""

_RETIRED = (
    "AttachClassicLinkVpc",
    "DescribeClassicLinkInstances",
    "DescribeMovingAddresses",
    "DescribeVpcClassicLink",
    "DescribeVpcClassicLinkDnsSupport",
    "DetachClassicLinkVpc",
    "DisableVpcClassicLink",
    "DisableVpcClassicLinkDnsSupport",
    "EnableVpcClassicLink",
    "EnableVpcClassicLinkDnsSupport",
    "MoveAddressToVpc",
    "RestoreAddressToClassic",
)
"""EC2-Classic's: refused in every region since 2023."""


def _none(_: Any) -> Iterable[str]:
    return ()


@cache
def _known_filters(operation: str) -> frozenset[str]:
    """The filter names in AWS's description of an operation: there is no object here that would say what it has."""
    shape = service("ec2").model.operation_model(operation).input_shape
    members = shape.members if shape is not None else {}
    described = "".join(members[name].documentation for name in ("Filters", "Filter") if name in members)
    return frozenset(re.findall(r"<code>([^<]+)</code>(?: - |: )", described))


def _finds_nothing(absent: _Absent) -> Action:
    def describe(ctx: Context, params: Parameters) -> Answer:
        dry_run(params)
        spec = dict.fromkeys(_known_filters(absent.operation), _none)
        filters.apply([], params.get("Filters") or params.get("Filter"), spec)
        for named in params.get(absent.ids) or ():
            raise AwsError(absent.code, f"The {absent.noun} '{named}' does not exist")
        return {absent.member: []}

    return describe


def _refuses(operation: str, because: str) -> Action:
    def refuse(ctx: Context, params: Parameters) -> Answer:
        raise AwsError("UnsupportedOperation", f"{operation} is not supported: {because}.")

    return refuse


def _retired(ctx: Context, params: Parameters) -> Answer:
    raise AwsError("UnsupportedOperation", "The functionality you requested is not available in this region.")


REFUSED = frozenset(operation for operations in _REFUSED.values() for operation in operations) | frozenset(_RETIRED)
"""EC2's operations that answer with an error always."""

for _absent in _NOTHING:
    action("ec2", _absent.operation)(_finds_nothing(_absent))
for _because, _operations in _REFUSED.items():
    for _operation in _operations:
        action("ec2", _operation)(_refuses(_operation, _because))
for _operation in _RETIRED:
    action("ec2", _operation)(_retired)
