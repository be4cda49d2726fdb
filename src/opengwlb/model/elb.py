"""Gateway load balancers, target groups, listeners. `id` is the ARN."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from .vpc import Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerZone:
    zone: str
    subnet: str
    network_interface: str
    """The `eni-…` of this zone's node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    id: str
    """`arn:aws:elasticloadbalancing:REGION:ACCOUNT:loadbalancer/gwy/NAME/16hex`."""
    account: str
    region: str
    name: str
    vpc: str
    zones: tuple[LoadBalancerZone, ...]
    ip_address_type: Literal["ipv4", "dualstack"] = "ipv4"
    created: float
    state: Literal["provisioning", "active", "active_impaired", "failed"] = "provisioning"
    """Status, written by control."""
    state_reason: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    """Only what was set; defaults are in `policy.attributes`."""
    tags: Tags = field(default_factory=dict)

    @property
    def hex(self) -> str:
        """The 16 hex digits at the ARN's end: names the box `gwlb-<last 10>`."""
        return self.id.rsplit("/", 1)[-1]


class TargetState(StrEnum):
    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    protocol: Literal["TCP", "HTTP", "HTTPS"] = "TCP"
    port: str = "80"
    """`1`-`65535` or `traffic-port`."""
    path: str = "/"
    interval_s: int = 10
    timeout_s: int = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200-399"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    id: str
    """`arn:…:targetgroup/NAME/18hex`."""
    account: str
    region: str
    name: str
    vpc: str
    target_type: Literal["instance", "ip"]
    port: int = 6081
    health_check: HealthCheck = field(default_factory=HealthCheck)
    attributes: dict[str, str] = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A registration. `id` is `<target group ARN>|<i-… or IP>`. Health is status, written by control."""

    id: str
    target_group: str
    target: str
    """`i-…` or an IPv4 address."""
    zone: str | None = None
    """`all` or a zone, as registered (IP targets outside the VPC)."""
    registered: float
    deregistered: float | None = None
    """Set by DeregisterTargets; the reconciler deletes the target when the deregistration delay is over."""
    state: TargetState = TargetState.INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    condemned_at: float | None = None
    """When passive detection made it unhealthy; None again once its health checks made it healthy."""
    condemned: int = 0
    """How often in a row, without having returned packets for a while in between: each time it takes longer to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    id: str
    """`arn:…:listener/gwy/NAME/16hex/16hex`."""
    account: str
    region: str
    load_balancer: str
    target_group: str
    attributes: dict[str, str] = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)
    rule_tags: Tags = field(default_factory=dict)
    """Of the default rule, which is no object of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A small number the kernel's arrays know an object by; given by control, kept until the object is gone.

    `id` is `node|<lb ARN>|<zone>` or `target|<Target.id>|<eni ip>`; numbers are unique per first word.
    """

    id: str
    number: int
    generation: int
    """Grows each time the number is given out again, so that old flows do not take a newcomer for their target; and each time flows
    are to leave their target (`rebalance`)."""
    left: Literal["", "unhealthy", "deregistered"] = ""
    """Why flows left the target when they last were told to; empty again once that no longer holds."""
