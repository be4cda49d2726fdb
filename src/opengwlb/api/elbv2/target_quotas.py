"""How many targets a group, a load balancer, and each zone of them may have (facts 4.7)."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address, IPv4Network

from opengwlb.api.common import quotas
from opengwlb.api.context import Context
from opengwlb.model.compute import Instance
from opengwlb.model.elb import Listener, Target, TargetGroup
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Subnet

from .lookup import targets_of


def check_targets(ctx: Context, view: View, target_group: str, *, load_balancer: str | None = None) -> None:
    """Raise TooManyTargets when a group has more registered targets than it may, alone or with its load balancer.

    Draining targets do not count. `load_balancer` is one that is about to use the group.
    """
    group = view.get(TargetGroup, target_group)
    assert group is not None
    registered = [target for target in targets_of(view, target_group) if target.deregistered is None]
    quotas.check(ctx, view, "targets-per-target-group", count=len(registered))
    zones = Counter(zone_of_target(view, group, target) for target in registered)
    everywhere = zones.pop("all", 0)
    fullest = max(zones.values(), default=0) + everywhere
    quotas.check(ctx, view, "targets-per-availability-zone-per-target-group", count=fullest)
    used = load_balancer or any(listener.target_group == target_group for listener in view.values(Listener))
    if used:
        quotas.check(ctx, view, "targets-per-gateway-load-balancer", count=len(registered))
        quotas.check(ctx, view, "targets-per-availability-zone-per-gateway-load-balancer", count=fullest)


def zone_of_target(view: View, group: TargetGroup, target: Target) -> str | None:
    """A zone, `all`, or None for an instance that is gone."""
    if target.zone is not None:
        return target.zone
    if group.target_type == "instance":
        instance = view.get(Instance, target.target)
        return None if instance is None else instance.zone
    return zone_of_address(view, group.vpc, target.target)


def zone_of_address(view: View, vpc: str, address: str) -> str | None:
    """The zone of the VPC's subnet that an IPv4 address is in."""
    for subnet in view.values(Subnet):
        if subnet.vpc == vpc and IPv4Address(address) in IPv4Network(subnet.cidr):
            return subnet.zone
    return None
