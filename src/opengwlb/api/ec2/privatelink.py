"""What endpoint services and endpoints share: who may use a service, and the zones it offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opengwlb.api.common import quotas
from opengwlb.api.common.zones import Zone, zones
from opengwlb.api.context import Context
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.privatelink import EndpointService, InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import View
from opengwlb.wire.errors import AwsError

ALIVE = ("pendingAcceptance", "pending", "available")
"""States of endpoints that keep their service, and their load balancer in it, from being removed."""


def offered_zones(view: View, service: EndpointService) -> list[Zone]:
    """The union of the zones of the service's load balancers."""
    enabled = {zone.zone for arn in service.load_balancers for zone in _zones_of(view, arn)}
    return [zone for zone in zones(service.region) if zone.name in enabled]


def serving(view: View, service: EndpointService, *, zone: str) -> str | None:
    """The ARN of the load balancer that serves an endpoint in `zone`: the first that is enabled there."""
    for arn in service.load_balancers:
        if any(one.zone == zone for one in _zones_of(view, arn)):
            return arn
    return None


def may_use(ctx: Context, service: EndpointService) -> bool:
    """Whether the caller sees the service and may make endpoints to it: its owner, and whom it permits.

    A permitted account means everybody in it; a permitted role only its own sessions.
    """
    wanted = {"*", f"arn:aws:iam::{ctx.account}:root", *((ctx.role,) if ctx.role else ())}
    return ctx.account == service.account or not wanted.isdisjoint(service.allowed_principals)


def usable_services(ctx: Context, view: View) -> list[EndpointService]:
    """The services of this region that the caller may use, in order of creation."""
    return [
        service for service in view.values(EndpointService) if service.region == ctx.region and may_use(ctx, service)
    ]


def check_room(ctx: Context, view: View, vpc: str) -> None:
    """Raise VpcEndpointLimitExceeded when the VPC has as many endpoints as it may, of both types together."""
    carried = sum(endpoint.vpc == vpc for endpoint in view.values(VpcEndpoint))
    count = carried + sum(endpoint.vpc == vpc for endpoint in view.values(InterfaceEndpoint))
    quotas.check(ctx, view, "endpoints-per-vpc", count=count + 1)


def connections(view: View, service: str) -> Iterable[VpcEndpoint]:
    return (endpoint for endpoint in view.values(VpcEndpoint) if endpoint.service == service)


def no_such_service(name: str) -> AwsError:
    return AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")


def unsuccessful(resource_id: str, error: AwsError) -> dict[str, Any]:
    """One item of `Unsuccessful`: the calls on several ids do what they can, and name the rest."""
    return {"ResourceId": resource_id, "Error": {"Code": error.code, "Message": error.message}}


def _zones_of(view: View, load_balancer: str) -> Iterable[Any]:
    found = view.get(LoadBalancer, load_balancer)
    return found.zones if found is not None else ()
