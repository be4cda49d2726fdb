"""The zones of a load balancer: one subnet and one network interface in each. They can be added, never taken away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from opengwlb.api.common import quotas
from opengwlb.api.common.interfaces import make_network_interface
from opengwlb.api.common.private_addresses import taken_addresses
from opengwlb.api.common.resources import find as find_owned
from opengwlb.api.common.resources import owned
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import LoadBalancer, LoadBalancerZone
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Subnet
from opengwlb.policy.addressing import assignable
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .lookup import find, refuse, validation_error

_FREE_ADDRESSES = 8


@action("elbv2", "SetSubnets")
def set_subnets(ctx: Context, params: Parameters) -> Answer:
    """The whole list: every subnet that is enabled already, and those to add."""
    refuse(params, ("EnablePrefixForIpv6SourceNat",), "is not supported for load balancers of type 'gateway'")

    def work(tx: Transaction) -> LoadBalancer:
        load_balancer = find(ctx, tx, LoadBalancer, params["LoadBalancerArn"])
        enabled = {zone.subnet for zone in load_balancer.zones}
        subnets = asked_subnets(ctx, tx, params, enabled=enabled)
        if not enabled <= {subnet.id for subnet in subnets}:
            raise AwsError(
                "InvalidConfigurationRequest",
                "Subnets cannot be removed from load balancers of type 'gateway': repeat all that are enabled",
            )
        if subnets[0].vpc != load_balancer.vpc:
            raise AwsError("InvalidConfigurationRequest", f"All subnets must be in the VPC '{load_balancer.vpc}'")
        kind = params.get("IpAddressType") or load_balancer.ip_address_type
        check_ip_address_type(kind, subnets=subnets)
        new = [subnet for subnet in subnets if subnet.id not in enabled]
        load_balancer = replace(add_zones(ctx, tx, load_balancer, subnets=new), ip_address_type=kind)
        tx.put(load_balancer)
        return load_balancer

    load_balancer = ctx.store.transact(work)
    return {"AvailabilityZones": describe_zones(load_balancer), "IpAddressType": load_balancer.ip_address_type}


@action("elbv2", "SetIpAddressType")
def set_ip_address_type(ctx: Context, params: Parameters) -> Answer:
    """IPv6 of its endpoints passes, or does not, from now on. Nodes speak IPv4 to their targets either way."""
    kind = params["IpAddressType"]

    def work(tx: Transaction) -> None:
        load_balancer = find(ctx, tx, LoadBalancer, params["LoadBalancerArn"])
        subnets = [subnet for zone in load_balancer.zones if (subnet := tx.get(Subnet, zone.subnet)) is not None]
        check_ip_address_type(kind, subnets=subnets)
        tx.put(replace(load_balancer, ip_address_type=kind))

    ctx.store.transact(work)
    return {"IpAddressType": kind}


@action("elbv2", "SetSecurityGroups")
def set_security_groups(ctx: Context, params: Parameters) -> Answer:
    find(ctx, ctx.store.snapshot(), LoadBalancer, params["LoadBalancerArn"])
    raise AwsError(
        "InvalidConfigurationRequest", "Security groups are not supported for load balancers of type 'gateway'"
    )


def asked_subnets(ctx: Context, view: View, params: Parameters, *, enabled: Collection[str] = ()) -> list[Subnet]:
    """The subnets that `Subnets` or `SubnetMappings` name: of one VPC, one per zone, with room for an interface.

    `enabled` have their interface already.
    Errors: ValidationError, SubnetNotFound, InvalidSubnet, InvalidConfigurationRequest.
    """
    mappings = params.get("SubnetMappings") or []
    if bool(mappings) == bool(params.get("Subnets")):
        raise validation_error("You must specify either subnets or subnet mappings")
    for mapping in mappings:
        refuse(
            mapping,
            ("AllocationId", "PrivateIPv4Address", "IPv6Address", "SourceNatIpv6Prefix"),
            "is not supported for load balancers of type 'gateway'",
        )
        if not mapping.get("SubnetId"):
            raise validation_error("A subnet ID must be specified in each subnet mapping")
    subnets = [
        _usable(ctx, view, subnet_id, new=subnet_id not in enabled)
        for subnet_id in params.get("Subnets") or [mapping["SubnetId"] for mapping in mappings]
    ]
    vpcs = {subnet.vpc for subnet in subnets}
    if len(vpcs) > 1:
        raise AwsError(
            "InvalidConfigurationRequest", f"All subnets must belong to the same VPC: '{', '.join(sorted(vpcs))}'"
        )
    if len({subnet.zone for subnet in subnets}) != len(subnets):
        raise AwsError(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    return subnets


def _usable(ctx: Context, view: View, subnet_id: str, *, new: bool) -> Subnet:
    subnet = find_owned(ctx, view, Subnet, subnet_id)
    if subnet is None:
        raise AwsError("SubnetNotFound", f"The subnet ID '{subnet_id}' does not exist")
    if new and assignable(IPv4Network(subnet.cidr)) - len(taken_addresses(view, subnet.id)) < _FREE_ADDRESSES:
        raise AwsError(
            "InvalidSubnet",
            f"Not enough IP space available in {subnet_id}. "
            f"ELB requires at least {_FREE_ADDRESSES} free IP addresses in each subnet.",
        )
    return subnet


def check_ip_address_type(kind: str, *, subnets: Sequence[Subnet]) -> None:
    """`ipv4`, or `dualstack` in subnets that all have an IPv6 block. Errors: InvalidSubnet, InvalidConfigurationRequest."""
    if kind == "dualstack":
        without = [subnet.id for subnet in subnets if subnet.ipv6 is None]
        if without:
            raise AwsError(
                "InvalidSubnet",
                f"You must specify subnets with an associated IPv6 CIDR block: {', '.join(without)} have none",
            )
        return
    if kind != "ipv4":
        raise AwsError(
            "InvalidConfigurationRequest",
            f"IP address type '{kind}' is not supported for load balancers of type 'gateway'",
        )


def add_zones(ctx: Context, tx: Transaction, load_balancer: LoadBalancer, *, subnets: Sequence[Subnet]) -> LoadBalancer:
    """The load balancer with a node's network interface in each of `subnets`; only the interfaces are put.

    Errors: TooManyLoadBalancers beyond the VPC's interfaces of load balancers (the code is inferred).
    """
    used = sum(len(one.zones) for one in owned(ctx, tx, LoadBalancer) if one.vpc == load_balancer.vpc)
    quotas.check(ctx, tx, "gateway-load-balancer-enis-per-vpc", count=used + len(subnets))
    zones = [
        LoadBalancerZone(
            zone=subnet.zone,
            subnet=subnet.id,
            network_interface=make_network_interface(
                ctx,
                tx,
                subnet=subnet,
                interface_type="gateway_load_balancer",
                requester_id="amazon-elb",
                owner_object=load_balancer.id,
                description=f"ELB gwy/{load_balancer.name}/{load_balancer.hex}",
                source_dest_check=False,
            ).id,
        )
        for subnet in subnets
    ]
    every = sorted((*load_balancer.zones, *zones), key=lambda zone: zone.zone)
    return replace(load_balancer, zones=tuple(every))


def describe_zones(load_balancer: LoadBalancer) -> list[dict[str, Any]]:
    return [{"ZoneName": zone.zone, "SubnetId": zone.subnet} for zone in load_balancer.zones]
