"""What PrivateLink offers beside endpoints and services that no packet, and nothing else here, would obey: answered as it is, or refused
by name. There is no topic that a notification could go to, no bill that somebody could pay, and no public domain to verify."""

from __future__ import annotations

from typing import NoReturn

from opengwlb.api.common.errors import dry_run
from opengwlb.api.common.resources import find, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.privatelink import EndpointService, InterfaceEndpoint, VpcEndpoint
from opengwlb.wire.errors import AwsError

from .privatelink import unsuccessful


@action("ec2", "CreateVpcEndpointConnectionNotification")
def create_vpc_endpoint_connection_notification(ctx: Context, params: Parameters) -> Answer:
    if bool(params.get("ServiceId")) == bool(params.get("VpcEndpointId")):
        raise AwsError("InvalidParameter", "Exactly one of ServiceId and VpcEndpointId must be given.")
    snapshot = ctx.store.snapshot()
    if params.get("ServiceId"):
        require(ctx, snapshot, EndpointService, params["ServiceId"])
    elif find(ctx, snapshot, InterfaceEndpoint, params["VpcEndpointId"]) is None:
        require(ctx, snapshot, VpcEndpoint, params["VpcEndpointId"])
    _refuse("Connection notifications are not supported: there is no Amazon SNS that a topic could be in.")


@action("ec2", "ModifyVpcEndpointConnectionNotification")
def modify_vpc_endpoint_connection_notification(ctx: Context, params: Parameters) -> Answer:
    raise _no_notification(params["ConnectionNotificationId"])


@action("ec2", "DescribeVpcEndpointConnectionNotifications")
def describe_vpc_endpoint_connection_notifications(ctx: Context, params: Parameters) -> Answer:
    if params.get("ConnectionNotificationId"):
        raise _no_notification(params["ConnectionNotificationId"])
    dry_run(params)
    return {"ConnectionNotificationSet": []}


@action("ec2", "DeleteVpcEndpointConnectionNotifications")
def delete_vpc_endpoint_connection_notifications(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    return {
        "Unsuccessful": [unsuccessful(each, _no_notification(each)) for each in params["ConnectionNotificationIds"]]
    }


@action("ec2", "DescribeVpcEndpointAssociations")
def describe_vpc_endpoint_associations(ctx: Context, params: Parameters) -> Answer:
    """Of endpoints to VPC Lattice's resources, of which there are none."""
    for endpoint_id in params.get("VpcEndpointIds") or ():
        if find(ctx, ctx.store.snapshot(), InterfaceEndpoint, endpoint_id) is None:
            require(ctx, ctx.store.snapshot(), VpcEndpoint, endpoint_id)
    dry_run(params)
    return {"VpcEndpointAssociations": []}


@action("ec2", "ModifyVpcEndpointServicePayerResponsibility")
def modify_vpc_endpoint_service_payer_responsibility(ctx: Context, params: Parameters) -> Answer:
    require(ctx, ctx.store.snapshot(), EndpointService, params["ServiceId"])
    _refuse("PayerResponsibility is not supported: nobody is billed for endpoints here.")


@action("ec2", "StartVpcEndpointServicePrivateDnsVerification")
def start_vpc_endpoint_service_private_dns_verification(ctx: Context, params: Parameters) -> Answer:
    require(ctx, ctx.store.snapshot(), EndpointService, params["ServiceId"])
    _refuse("Services of Gateway Load Balancers have no private DNS name to verify.")


def _refuse(why: str) -> NoReturn:
    raise AwsError("UnsupportedOperation", why)


def _no_notification(notification: str) -> AwsError:
    """The code is inferred from EC2's naming of the others."""
    return AwsError(
        "InvalidConnectionNotification.NotFound", f"The connection notification '{notification}' does not exist"
    )
