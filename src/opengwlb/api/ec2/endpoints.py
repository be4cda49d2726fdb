"""Endpoints, the consumer's side. Gateway Load Balancer endpoints are made here: the next hop of routes whose traffic is to be inspected.

Interface endpoints are in `interface_endpoints.py`; the calls on both kinds are here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from opengwlb.api.common import filters, ipv6, tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import dry_run, missing, refuse
from opengwlb.api.common.filters import Spec
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.common.interfaces import make_network_interface
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import find, named, owned, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.privatelink import EndpointService, InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, RouteTable, Subnet, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import interface_endpoints
from .privatelink import check_room, no_such_service, serving, unsuccessful, usable_services

_FOREIGN = (
    "PolicyDocument",
    "RouteTableIds",
    "SecurityGroupIds",
    "DnsOptions",
    "PrivateDnsEnabled",
    "SubnetConfigurations",
    "ServiceNetworkArn",
    "ResourceConfigurationArn",
)
_FIXED = (
    "ResetPolicy",
    "PolicyDocument",
    "AddRouteTableIds",
    "RemoveRouteTableIds",
    "AddSubnetIds",
    "RemoveSubnetIds",
    "AddSecurityGroupIds",
    "RemoveSecurityGroupIds",
    "DnsOptions",
    "PrivateDnsEnabled",
    "SubnetConfigurations",
)
_NOT_FOR_GATEWAY = "it is not available for endpoints of type GatewayLoadBalancer."
AnyEndpoint = VpcEndpoint | InterfaceEndpoint

_FILTERS: Spec[AnyEndpoint] = {
    "ip-address-type": lambda endpoint: (endpoint.ip_address_type if isinstance(endpoint, VpcEndpoint) else "ipv4",),
    "service-name": lambda endpoint: (endpoint.service_name,),
    "service-region": lambda endpoint: (endpoint.region,),
    "vpc-id": lambda endpoint: (endpoint.vpc,),
    "vpc-endpoint-id": lambda endpoint: (endpoint.id,),
    "vpc-endpoint-state": lambda endpoint: (endpoint.state,),
    "vpc-endpoint-type": lambda endpoint: (
        "GatewayLoadBalancer" if isinstance(endpoint, VpcEndpoint) else "Interface",
    ),
}


@action("ec2", "CreateVpcEndpoint")
def create_vpc_endpoint(ctx: Context, params: Parameters) -> Answer:
    """One subnet, whose zone the service must offer; the load balancer that serves that zone is fixed from then on."""
    kind = params.get("VpcEndpointType") or "Gateway"
    if kind == "Interface":
        return interface_endpoints.create(ctx, params)
    if kind != "GatewayLoadBalancer":
        raise AwsError(
            "UnsupportedOperation",
            f"Endpoints of type {kind} are not supported here; VpcEndpointType must be GatewayLoadBalancer or Interface.",
        )
    refuse(params, _FOREIGN, because=_NOT_FOR_GATEWAY)
    if params.get("ServiceRegion") not in (None, "", ctx.region):
        raise AwsError(
            "InvalidParameter", f"Services of the region '{params['ServiceRegion']}' are not available here."
        )
    kind_asked = params.get("IpAddressType") or "ipv4"
    service_name = params.get("ServiceName")
    if not service_name:
        raise missing("ServiceName")
    if service_name in interface_endpoints.service_names(ctx.region):
        raise interface_endpoints.wrong_type(kind, available="Interface")
    subnet_ids = params.get("SubnetIds") or []
    if len(subnet_ids) != 1:
        raise AwsError(
            "InvalidParameter", "Endpoints of type GatewayLoadBalancer must be created in exactly one subnet."
        )
    tagged = tags.from_specifications(params, "vpc-endpoint")

    def make(tx: Transaction) -> VpcEndpoint:
        vpc = require(ctx, tx, Vpc, params["VpcId"])
        service = next((each for each in usable_services(ctx, tx) if each.name == service_name), None)
        if service is None:
            raise no_such_service(service_name)
        subnet = require(ctx, tx, Subnet, subnet_ids[0])
        if subnet.vpc != vpc.id:
            raise AwsError("InvalidParameter", f"Subnet {subnet.id} does not belong to VPC {vpc.id}.")
        load_balancer = serving(tx, service, zone=subnet.zone)
        if load_balancer is None:
            raise AwsError(
                "InvalidParameter",
                f"The VPC endpoint service {service.name} does not support the availability zone of the subnet: "
                f"{subnet.id}.",
            )
        ip_address_type = _ip_address_type(kind_asked, service=service, subnet=subnet)
        check_room(ctx, tx, vpc.id)
        dry_run(params)
        endpoint_id = new_id("vpce")
        interface = make_network_interface(
            ctx,
            tx,
            subnet=subnet,
            interface_type="gateway_load_balancer_endpoint",
            requester_id="amazon-vpce",
            owner_object=endpoint_id,
            description=f"VPC Endpoint Interface {endpoint_id}",
            ipv6_addresses=ipv6.take(tx, subnet, count=1) if ip_address_type == "dualstack" else (),
            source_dest_check=False,
        )
        endpoint = VpcEndpoint(
            id=endpoint_id,
            account=ctx.account,
            region=ctx.region,
            service=service.id,
            service_name=service.name,
            vpc=vpc.id,
            subnet=subnet.id,
            zone=subnet.zone,
            network_interface=interface.id,
            ip_address_type=ip_address_type,
            created=ctx.now,
            load_balancer=load_balancer,
            state="pendingAcceptance" if service.acceptance_required else "pending",
            tags=tagged,
        )
        tx.put(endpoint)
        return endpoint

    def work(tx: Transaction) -> VpcEndpoint:
        (endpoint,) = idempotent(ctx, tx, "CreateVpcEndpoint", params, kind=VpcEndpoint, make=lambda: (make(tx),))
        return endpoint

    answer: Answer = {"VpcEndpoint": _describe(ctx.store.transact(work))}
    if params.get("ClientToken"):
        answer["ClientToken"] = params["ClientToken"]
    return answer


@action("ec2", "ModifyVpcEndpoint")
def modify_vpc_endpoint(ctx: Context, params: Parameters) -> Answer:
    """There is nothing to change about a GWLB endpoint but its IP address type."""

    def work(tx: Transaction) -> None:
        served = find(ctx, tx, InterfaceEndpoint, params["VpcEndpointId"])
        if served is not None:
            interface_endpoints.modify(ctx, tx, served, params)
            return
        endpoint = require(ctx, tx, VpcEndpoint, params["VpcEndpointId"])
        refuse(params, _FIXED, because=_NOT_FOR_GATEWAY)
        asked = params.get("IpAddressType") or endpoint.ip_address_type
        service, subnet = tx.get(EndpointService, endpoint.service), tx.get(Subnet, endpoint.subnet)
        interface = tx.get(NetworkInterface, endpoint.network_interface)
        if asked == endpoint.ip_address_type:
            dry_run(params)
            return
        if service is None or subnet is None or interface is None:
            raise no_such_service(endpoint.service_name)
        kind = _ip_address_type(asked, service=service, subnet=subnet)
        dry_run(params)
        addresses = ipv6.take(tx, subnet, count=1) if kind == "dualstack" else ()
        tx.put(replace(interface, ipv6_addresses=addresses))
        tx.put(replace(endpoint, ip_address_type=kind))

    ctx.store.transact(work)
    return {"Return": True}


@action("ec2", "DeleteVpcEndpoints")
def delete_vpc_endpoints(ctx: Context, params: Parameters) -> Answer:
    """Endpoints that routes still lead to stay, and are named in `Unsuccessful`. Control removes the others."""

    def work(tx: Transaction) -> list[dict[str, Any]]:
        dry_run(params)
        routed = {
            route.target
            for table in tx.values(RouteTable)
            for route in table.routes
            if route.target_type == "vpc-endpoint"
        }
        failed = []
        for endpoint_id in params["VpcEndpointIds"]:
            endpoint: AnyEndpoint | None = find(ctx, tx, VpcEndpoint, endpoint_id)
            endpoint = endpoint or find(ctx, tx, InterfaceEndpoint, endpoint_id)
            if endpoint is None:
                error = AwsError("InvalidVpcEndpoint.NotFound", f"The Vpc Endpoint Id '{endpoint_id}' does not exist")
                failed.append(unsuccessful(endpoint_id, error))
            elif endpoint_id in routed:
                error = AwsError("InvalidParameter", "Endpoint must be removed from route table before deletion")
                failed.append(unsuccessful(endpoint_id, error))
            else:
                tx.put(replace(endpoint, state="deleting"))
        return failed

    return {"Unsuccessful": ctx.store.transact(work)}


@action("ec2", "DescribeVpcEndpoints")
def describe_vpc_endpoints(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    found = filters.apply(_named(ctx, snapshot, params.get("VpcEndpointIds")), params.get("Filters"), _FILTERS)
    shown, more = slice_ec2(found, params, ids="VpcEndpointIds")
    described = [
        _describe(endpoint) if isinstance(endpoint, VpcEndpoint) else interface_endpoints.show(snapshot, endpoint)
        for endpoint in shown
    ]
    return {"VpcEndpoints": described, **more}


def _named(ctx: Context, view: View, ids: list[str] | None) -> list[AnyEndpoint]:
    """Of both kinds, as `resources.named` has those of one."""
    served = {endpoint.id: endpoint for endpoint in owned(ctx, view, InterfaceEndpoint)}
    if not ids:
        return [*owned(ctx, view, VpcEndpoint), *served.values()]
    others = [each for each in ids if each not in served]
    carried = named(ctx, view, VpcEndpoint, others) if others else []
    return [*carried, *(served[each] for each in dict.fromkeys(ids) if each in served)]


def _describe(endpoint: VpcEndpoint) -> dict[str, Any]:
    """As AWS answers for GatewayLoadBalancer: no policy, no groups, no DNS entries; an empty list of tables, which Ansible reads
    (inferred)."""
    answer: dict[str, Any] = {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": "GatewayLoadBalancer",
        "VpcId": endpoint.vpc,
        "ServiceName": endpoint.service_name,
        "State": endpoint.state,
        "RouteTableIds": [],
        "SubnetIds": [endpoint.subnet],
        "IpAddressType": endpoint.ip_address_type,
        "RequesterManaged": False,
        "NetworkInterfaceIds": [endpoint.network_interface],
        "CreationTimestamp": timestamp(endpoint.created),
        "Tags": tags.answer(endpoint.tags),
        "OwnerId": endpoint.account,
        "ServiceRegion": endpoint.region,
    }
    if endpoint.last_error:
        answer["LastError"] = {"Code": "InternalError", "Message": endpoint.last_error}
    return answer


def _ip_address_type(kind: str, *, service: EndpointService, subnet: Subnet) -> Literal["ipv4", "dualstack"]:
    """The type asked for, if service and subnet have what it needs. Errors: InvalidParameter."""
    if kind == "ipv4" and "ipv4" in service.supported_ip_address_types:
        return "ipv4"
    if kind == "ipv6" and "ipv6" in service.supported_ip_address_types:
        raise AwsError(
            "InvalidParameter", f"IP address type 'ipv6' needs an IPv6-only subnet; {subnet.id} has an IPv4 block."
        )
    if kind != "dualstack" or not {"ipv4", "ipv6"} <= set(service.supported_ip_address_types):
        raise AwsError("InvalidParameter", f"The service does not support the IP address type '{kind}'.")
    if subnet.ipv6 is None:
        raise AwsError(
            "InvalidParameter",
            f"IP address type 'dualstack' needs a subnet with an IPv6 CIDR block; {subnet.id} has none.",
        )
    return "dualstack"
