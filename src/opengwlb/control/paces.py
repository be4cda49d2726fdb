"""When each reconciler runs: what it never looks at, and how soon after a change it begins."""

from __future__ import annotations

from typing import Any

from opengwlb.model import account, elb, privatelink, vpc

_OF_PACKETS = (
    vpc.RouteTable,
    vpc.SecurityGroup,
    vpc.NetworkAcl,
    elb.Slot,
    account.ClientToken,
    privatelink.EndpointService,
)
IGNORED: dict[str, tuple[type[Any], ...]] = {
    "instances": (*_OF_PACKETS, elb.Target, elb.TargetGroup, elb.Listener, privatelink.VpcEndpoint),
    "lifecycle": _OF_PACKETS,
    "health": (*_OF_PACKETS, privatelink.VpcEndpoint),
    "images": (*_OF_PACKETS, elb.Target, elb.TargetGroup, elb.Listener, elb.LoadBalancer, privatelink.VpcEndpoint),
}
"""Reconciler -> kinds that it never looks at."""
AFTER_S = {
    "instances": 0.02,
    **dict.fromkeys(("lifecycle", "health", "images", "metrics", "flow-logs", "cloudwatch", "targets", "owners"), 0.05),
}
"""Reconciler -> how long after a change it begins: packets obey first, and many changes are one pass."""
ABSENT_AFTER_S = AFTER_S | {"network": 0.02}
"""Where there are no packets that could wait for it."""
