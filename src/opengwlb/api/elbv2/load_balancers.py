"""Gateway load balancers: create, describe, delete.

Other types get a clear error instead of something that only looks like one.
"""

from __future__ import annotations

import secrets
from typing import Any

from opengwlb.api.common import quotas
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.interfaces import remove_network_interface
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.common.resources import owned
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import Listener, LoadBalancer
from opengwlb.model.privatelink import EndpointService
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy.attributes import deletion_protected
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import check_name, find, parse_tags, refuse, validation_error
from .zones import add_zones, asked_subnets, check_ip_address_type, describe_zones

_FOREIGN = ("Scheme", "SecurityGroups", "CustomerOwnedIpv4Pool", "EnablePrefixForIpv6SourceNat", "IpamPools")


@action("elbv2", "CreateLoadBalancer")
def create_load_balancer(ctx: Context, params: Parameters) -> Answer:
    """One network interface per zone; control makes it `active`.

    Repeating the call with the same settings answers with the load balancer made the first time.
    """
    kind = params.get("Type") or "application"
    if kind != "gateway":
        raise AwsError(
            "InvalidConfigurationRequest",
            f"Load balancers of type '{kind}' are not supported here; the type must be 'gateway'",
        )
    name = params["Name"]
    check_name("Load balancer", name)
    if name.startswith("internal-"):
        raise validation_error(f"Load balancer name '{name}' cannot begin with 'internal-'")
    refuse(params, _FOREIGN, "is not supported for load balancers of type 'gateway'")
    tags = parse_tags(params.get("Tags") or [])

    def work(tx: Transaction) -> LoadBalancer:
        subnets = asked_subnets(ctx, tx, params)
        kind: Any = params.get("IpAddressType") or "ipv4"
        check_ip_address_type(kind, subnets=subnets)
        existing = owned(ctx, tx, LoadBalancer)
        for known in existing:
            if known.name == name:
                same = {zone.subnet for zone in known.zones} == {subnet.id for subnet in subnets}
                if not same or (known.tags, known.ip_address_type) != (tags, kind):
                    raise AwsError(
                        "DuplicateLoadBalancerName",
                        f"A load balancer with the same name '{name}' exists, but with different settings",
                    )
                return known
        in_vpc = sum(one.vpc == subnets[0].vpc for one in existing)
        quotas.check(ctx, tx, "gateway-load-balancers", count=len(existing) + 1)
        quotas.check(ctx, tx, "gateway-load-balancers-per-vpc", count=in_vpc + 1)
        made = LoadBalancer(
            id=ctx.arn("elasticloadbalancing", f"loadbalancer/gwy/{name}/{secrets.token_hex(8)}"),
            account=ctx.account,
            region=ctx.region,
            name=name,
            vpc=subnets[0].vpc,
            zones=(),
            ip_address_type=kind,
            created=ctx.now,
            tags=tags,
        )
        made = add_zones(ctx, tx, made, subnets=subnets)
        tx.put(made)
        return made

    return {"LoadBalancers": [_describe(ctx.store.transact(work))]}


@action("elbv2", "DescribeLoadBalancers")
def describe_load_balancers(ctx: Context, params: Parameters) -> Answer:
    arns, names = params.get("LoadBalancerArns"), params.get("Names")
    if arns and names:
        raise validation_error("Load balancer ARNs and load balancer names cannot be specified at the same time")
    if len(arns or names or []) > 20:
        raise validation_error("You can describe at most 20 load balancers by ARN or name in one call")
    snapshot = ctx.store.snapshot()
    load_balancers = owned(ctx, snapshot, LoadBalancer)
    if arns or names:
        asked = set(arns or names or [])
        load_balancers = [one for one in load_balancers if (one.id if arns else one.name) in asked]
        if len(load_balancers) != len(asked):
            raise AwsError("LoadBalancerNotFound", "One or more load balancers not found")
    shown, more = slice_elbv2(load_balancers, params)
    return {"LoadBalancers": [_describe(load_balancer) for load_balancer in shown], **more}


@action("elbv2", "DeleteLoadBalancer")
def delete_load_balancer(ctx: Context, params: Parameters) -> Answer:
    """Its listeners and interfaces go with it; target groups and targets stay. Deleting what is not there succeeds."""

    def work(tx: Transaction) -> None:
        try:
            load_balancer = find(ctx, tx, LoadBalancer, params["LoadBalancerArn"])
        except AwsError as error:
            if error.code != "LoadBalancerNotFound":
                raise
            return
        if deletion_protected(load_balancer.attributes):
            raise AwsError(
                "OperationNotPermitted",
                f"Load balancer '{load_balancer.id}' cannot be deleted because deletion protection is enabled",
            )
        if any(load_balancer.id in service.load_balancers for service in tx.values(EndpointService)):
            raise AwsError(
                "ResourceInUse",
                f"Load balancer '{load_balancer.id}' cannot be deleted because it is currently associated with "
                "another service",
            )
        for listener in list(tx.values(Listener)):
            if listener.load_balancer == load_balancer.id:
                tx.delete(Listener, listener.id)
        for interface in list(tx.values(NetworkInterface)):
            if interface.owner_object == load_balancer.id:
                remove_network_interface(tx, interface)
        tx.delete(LoadBalancer, load_balancer.id)

    ctx.store.transact(work)
    return {}


def _describe(load_balancer: LoadBalancer) -> dict[str, Any]:
    """As AWS answers for gateway: no DNSName, no hosted zone, no Scheme, no security groups."""
    state: dict[str, str] = {"Code": load_balancer.state}
    if load_balancer.state_reason:
        state["Reason"] = load_balancer.state_reason
    return {
        "LoadBalancerArn": load_balancer.id,
        "CreatedTime": timestamp(load_balancer.created),
        "LoadBalancerName": load_balancer.name,
        "VpcId": load_balancer.vpc,
        "State": state,
        "Type": "gateway",
        "AvailabilityZones": describe_zones(load_balancer),
        "IpAddressType": load_balancer.ip_address_type,
    }
