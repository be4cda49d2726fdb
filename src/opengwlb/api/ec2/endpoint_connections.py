"""Connections of endpoints to a service, as its provider sees and answers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.api.common import filters, tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import dry_run, missing, refuse
from opengwlb.api.common.filters import Spec
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import not_found, owned, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import hex_part
from opengwlb.model.privatelink import EndpointService, EndpointState, VpcEndpoint
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .privatelink import unsuccessful

_FILTERS: Spec[VpcEndpoint] = {
    "ip-address-type": lambda endpoint: (endpoint.ip_address_type,),
    "service-id": lambda endpoint: (endpoint.service,),
    "transit-gateway-attachment-id": lambda endpoint: (),
    "vpc-endpoint-owner": lambda endpoint: (endpoint.account,),
    "vpc-endpoint-region": lambda endpoint: (endpoint.region,),
    "vpc-endpoint-state": lambda endpoint: (endpoint.state,),
    "vpc-endpoint-id": lambda endpoint: (endpoint.id,),
}


@action("ec2", "AcceptVpcEndpointConnections")
def accept_vpc_endpoint_connections(ctx: Context, params: Parameters) -> Answer:
    return _answer_requests(ctx, params, take=("pendingAcceptance", "rejected"), to="pending")


@action("ec2", "RejectVpcEndpointConnections")
def reject_vpc_endpoint_connections(ctx: Context, params: Parameters) -> Answer:
    """Also of connections that were accepted: the endpoint stays, its traffic stops."""
    return _answer_requests(ctx, params, take=("pendingAcceptance", "pending", "available"), to="rejected")


@action("ec2", "DescribeVpcEndpointConnections")
def describe_vpc_endpoint_connections(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    services = {service.id for service in owned(ctx, snapshot, EndpointService)}
    endpoints = [endpoint for endpoint in snapshot.values(VpcEndpoint) if endpoint.service in services]
    shown, more = slice_ec2(filters.apply(endpoints, params.get("Filters"), _FILTERS), params)
    return {"VpcEndpointConnections": [_describe(endpoint) for endpoint in shown], **more}


def _answer_requests(ctx: Context, params: Parameters, *, take: tuple[EndpointState, ...], to: EndpointState) -> Answer:
    refuse(params, ("TransitGatewayAttachmentIds",), because="transit gateways are not available.")
    if not params.get("VpcEndpointIds"):
        raise missing("VpcEndpointIds")

    def work(tx: Transaction) -> list[dict[str, Any]]:
        service = require(ctx, tx, EndpointService, params["ServiceId"])
        dry_run(params)
        failed = []
        for endpoint_id in dict.fromkeys(params["VpcEndpointIds"]):
            endpoint = tx.get(VpcEndpoint, endpoint_id)
            if endpoint is None or endpoint.service != service.id:
                failed.append(unsuccessful(endpoint_id, not_found(VpcEndpoint, endpoint_id)))
            elif endpoint.state not in take:
                error = AwsError("InvalidState", f"The endpoint '{endpoint_id}' is in the state '{endpoint.state}'")
                failed.append(unsuccessful(endpoint_id, error))
            else:
                tx.put(replace(endpoint, state=to))
        return failed

    return {"Unsuccessful": ctx.store.transact(work)}


def _describe(endpoint: VpcEndpoint) -> dict[str, Any]:
    """Tags are those of the connection, which the provider would set; the endpoint's own are its owner's."""
    return {
        "ServiceId": endpoint.service,
        "VpcEndpointId": endpoint.id,
        "VpcEndpointOwner": endpoint.account,
        "VpcEndpointState": endpoint.state,
        "CreationTimestamp": timestamp(endpoint.created),
        "GatewayLoadBalancerArns": [endpoint.load_balancer],
        "IpAddressType": endpoint.ip_address_type,
        "VpcEndpointConnectionId": f"vpce-con-{hex_part(endpoint.id)}",
        "VpcEndpointRegion": endpoint.region,
        "Tags": tags.answer({}),
    }
