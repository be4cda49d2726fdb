"""Endpoint services, the provider's side: configurations, and what consumers see of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from opengwlb.api.common import filters, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dry_run, refuse
from opengwlb.api.common.filters import Spec
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import find, not_found, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.ids import new_id
from opengwlb.model.privatelink import EndpointService
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import interface_endpoints
from .privatelink import ALIVE, connections, no_such_service, offered_zones, unsuccessful, usable_services

_NETWORK = ("NetworkLoadBalancerArns", "AddNetworkLoadBalancerArns", "RemoveNetworkLoadBalancerArns")
_SUPPORTED_NOT = ("PrivateDnsName", "RemovePrivateDnsName")
_CONFIGURATION_FILTERS: Spec[EndpointService] = {
    "service-name": lambda service: (service.name,),
    "service-id": lambda service: (service.id,),
    "service-state": lambda service: (service.state,),
    "supported-ip-address-types": lambda service: service.supported_ip_address_types,
}


@dataclass(frozen=True, slots=True)
class _Offered:
    """A service as consumers see it, a provider's or AWS's own."""

    details: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.details["ServiceName"])

    @property
    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.details["Tags"]}


_SERVICE_FILTERS: Spec[_Offered] = {
    "owner": lambda one: (one.details["Owner"],),
    "service-name": lambda one: (one.id,),
    "service-region": lambda one: (one.details["ServiceRegion"],),
    "service-type": lambda one: (one.details["ServiceType"][0]["ServiceType"],),
    "supported-ip-address-types": lambda one: one.details["SupportedIpAddressTypes"],
}


@action("ec2", "CreateVpcEndpointServiceConfiguration")
def create_vpc_endpoint_service_configuration(ctx: Context, params: Parameters) -> Answer:
    """Acceptance is required unless the caller says otherwise."""
    load_balancers = _gateway_arns(params)
    refuse(params, _SUPPORTED_NOT, because="private DNS names are not available for Gateway Load Balancers.")
    _check_regions(ctx, params.get("SupportedRegions"))
    supported = _ip_address_types(params.get("SupportedIpAddressTypes")) or ("ipv4",)
    tagged = tags.from_specifications(params, "vpc-endpoint-service")

    def work(tx: Transaction) -> dict[str, Any]:
        def make() -> tuple[EndpointService]:
            for arn in load_balancers:
                _require_gateway(ctx, tx, arn)
            _check_dualstack(tx, supported, load_balancers)
            dry_run(params)
            service = EndpointService(
                id=new_id("vpce-svc"),
                account=ctx.account,
                region=ctx.region,
                load_balancers=load_balancers,
                acceptance_required=params.get("AcceptanceRequired", True),
                supported_ip_address_types=supported,
                tags=tagged,
            )
            tx.put(service)
            return (service,)

        (service,) = idempotent(
            ctx, tx, "CreateVpcEndpointServiceConfiguration", params, kind=EndpointService, make=make
        )
        return _describe_configuration(tx, service)

    answer: Answer = {"ServiceConfiguration": ctx.store.transact(work)}
    if params.get("ClientToken"):
        answer["ClientToken"] = params["ClientToken"]
    return answer


@action("ec2", "ModifyVpcEndpointServiceConfiguration")
def modify_vpc_endpoint_service_configuration(ctx: Context, params: Parameters) -> Answer:
    refuse(params, _NETWORK, because="endpoint services here serve Gateway Load Balancers.")
    refuse(params, _SUPPORTED_NOT, because="private DNS names are not available for Gateway Load Balancers.")
    _check_regions(ctx, params.get("AddSupportedRegions"))
    refuse(params, ("RemoveSupportedRegions",), because="a service is available in its own region only.")
    more_types = _ip_address_types(params.get("AddSupportedIpAddressTypes"))
    fewer_types = _ip_address_types(params.get("RemoveSupportedIpAddressTypes"))

    def work(tx: Transaction) -> None:
        service = require(ctx, tx, EndpointService, params["ServiceId"])
        added, removed = (
            params.get("AddGatewayLoadBalancerArns") or [],
            params.get("RemoveGatewayLoadBalancerArns") or [],
        )
        for arn in added:
            _require_gateway(ctx, tx, arn)
        for arn in removed:
            _check_removable(tx, service, arn)
        kept = [arn for arn in dict.fromkeys((*service.load_balancers, *added)) if arn not in removed]
        if not kept:
            raise AwsError("InvalidParameter", "At least one load balancer must remain in the endpoint service.")
        types = tuple(
            kind
            for kind in dict.fromkeys((*service.supported_ip_address_types, *more_types))
            if kind not in fewer_types
        )
        if not types:
            raise AwsError("InvalidParameter", "At least one IP address type must remain supported.")
        _check_dualstack(tx, types, kept)
        _check_types_unused(tx, service, types)
        dry_run(params)
        acceptance = params.get("AcceptanceRequired")
        tx.put(
            replace(
                service,
                load_balancers=tuple(kept),
                supported_ip_address_types=types,
                acceptance_required=service.acceptance_required if acceptance is None else acceptance,
            )
        )

    ctx.store.transact(work)
    return {"Return": True}


@action("ec2", "DeleteVpcEndpointServiceConfigurations")
def delete_vpc_endpoint_service_configurations(ctx: Context, params: Parameters) -> Answer:
    """A service with connections that were not rejected stays, and is named in `Unsuccessful`."""

    def work(tx: Transaction) -> list[dict[str, Any]]:
        failed = []
        dry_run(params)
        for service_id in params["ServiceIds"]:
            service = find(ctx, tx, EndpointService, service_id)
            if service is None:
                failed.append(unsuccessful(service_id, not_found(EndpointService, service_id)))
            elif any(endpoint.state in ALIVE for endpoint in connections(tx, service.id)):
                error = AwsError(
                    "ExistingVpcEndpointConnections", "Service has existing active VPC Endpoint connections!"
                )
                failed.append(unsuccessful(service_id, error))
            else:
                tx.delete(EndpointService, service.id)
        return failed

    return {"Unsuccessful": ctx.store.transact(work)}


@action("ec2", "DescribeVpcEndpointServiceConfigurations")
def describe_vpc_endpoint_service_configurations(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    shown, more = describe(ctx, snapshot, params, kind=EndpointService, ids="ServiceIds", spec=_CONFIGURATION_FILTERS)
    return {"ServiceConfigurations": [_describe_configuration(snapshot, service) for service in shown], **more}


@action("ec2", "DescribeVpcEndpointServices")
def describe_vpc_endpoint_services(ctx: Context, params: Parameters) -> Answer:
    """What the caller may connect to; a service that does not permit the caller does not exist for it."""
    dry_run(params)
    _check_regions(ctx, params.get("ServiceRegions"))
    snapshot = ctx.store.snapshot()
    details = [
        interface_endpoints.describe_service(ctx, name) for name in interface_endpoints.service_names(ctx.region)
    ]
    details += [_describe_service(ctx, snapshot, service) for service in usable_services(ctx, snapshot)]
    by_name = {each["ServiceName"]: each for each in details}
    if names := params.get("ServiceNames"):
        for name in names:
            if name not in by_name:
                raise no_such_service(name)
        details = [by_name[name] for name in dict.fromkeys(names)]
    offered = [_Offered(each) for each in details]
    shown, more = slice_ec2(filters.apply(offered, params.get("Filters"), _SERVICE_FILTERS), params)
    return {
        "ServiceNames": [one.id for one in shown],
        "ServiceDetails": [one.details for one in shown],
        **more,
    }


def _describe_configuration(view: View, service: EndpointService) -> dict[str, Any]:
    return {
        **_common(view, service),
        "ServiceState": service.state,
        "GatewayLoadBalancerArns": list(service.load_balancers),
        "Tags": tags.answer(service.tags),
    }


def _describe_service(ctx: Context, view: View, service: EndpointService) -> dict[str, Any]:
    """Tags are the owner's: other accounts do not see them."""
    return {
        **_common(view, service),
        "ServiceRegion": service.region,
        "Owner": service.account,
        "VpcEndpointPolicySupported": False,
        "Tags": tags.answer(service.tags if service.account == ctx.account else {}),
    }


def _common(view: View, service: EndpointService) -> dict[str, Any]:
    offered = offered_zones(view, service)
    return {
        "ServiceType": [{"ServiceType": "GatewayLoadBalancer"}],
        "ServiceId": service.id,
        "ServiceName": service.name,
        "AvailabilityZones": [zone.name for zone in offered],
        "AvailabilityZoneIds": [zone.id for zone in offered],
        "AcceptanceRequired": service.acceptance_required,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": list(service.supported_ip_address_types),
    }


def _gateway_arns(params: Parameters) -> tuple[str, ...]:
    arns, network = params.get("GatewayLoadBalancerArns"), params.get("NetworkLoadBalancerArns")
    if bool(arns) == bool(network):
        raise AwsError(
            "InvalidParameter",
            "exactly one of network_load_balancer_arn or gateway_load_balancer_arn is a required member",
        )
    refuse(params, _NETWORK, because="endpoint services here serve Gateway Load Balancers.")
    return tuple(dict.fromkeys(arns or ()))


def _require_gateway(ctx: Context, tx: Transaction, arn: str) -> None:
    if find(ctx, tx, LoadBalancer, arn) is None:
        raise AwsError("InvalidParameter", f"The load balancer '{arn}' does not exist")


def _check_removable(tx: Transaction, service: EndpointService, arn: str) -> None:
    if arn not in service.load_balancers:
        raise AwsError("InvalidParameter", f"The load balancer '{arn}' is not part of the service '{service.id}'")
    served = [
        endpoint.id
        for endpoint in connections(tx, service.id)
        if endpoint.load_balancer == arn and endpoint.state in ALIVE
    ]
    if served:
        raise AwsError("ResourceInUse", f"The load balancer '{arn}' serves the endpoints {', '.join(served)}")


def _check_regions(ctx: Context, regions: list[str] | None) -> None:
    for region in regions or ():
        if region != ctx.region:
            raise AwsError("InvalidParameter", f"Services are available in their own region only, not in '{region}'.")


def _ip_address_types(types: list[str] | None) -> tuple[str, ...]:
    for kind in types or ():
        if kind not in ("ipv4", "ipv6"):
            raise AwsError("InvalidParameter", f"'{kind}' is not an IP address type; use 'ipv4' or 'ipv6'.")
    return tuple(dict.fromkeys(types or ()))


def _check_types_unused(view: View, service: EndpointService, types: Iterable[str]) -> None:
    """An IP address type goes only when no endpoint uses it; that AWS's error is this one is inferred."""
    needed = {"ipv4": ("ipv4",), "dualstack": ("ipv4", "ipv6"), "ipv6": ("ipv6",)}
    for endpoint in connections(view, service.id):
        if endpoint.state in ALIVE and not set(needed[endpoint.ip_address_type]) <= set(types):
            raise AwsError(
                "InvalidParameter", f"The endpoint {endpoint.id} uses the IP address type '{endpoint.ip_address_type}'."
            )


def _check_dualstack(view: View, types: Iterable[str], load_balancers: Iterable[str]) -> None:
    """A service that supports IPv6 has load balancers that do."""
    if "ipv6" not in types:
        return
    for arn in load_balancers:
        load_balancer = view.get(LoadBalancer, arn)
        if load_balancer is not None and load_balancer.ip_address_type != "dualstack":
            raise AwsError(
                "InvalidParameter",
                f"IP address type 'ipv6' needs load balancers of IP address type 'dualstack'; '{arn}' is not.",
            )
