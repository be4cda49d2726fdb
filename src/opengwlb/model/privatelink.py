"""Endpoint services (the provider's side) and Gateway Load Balancer endpoints (the consumer's)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .vpc import Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointService:
    id: str
    """`vpce-svc-…`."""
    account: str
    region: str
    load_balancers: tuple[str, ...]
    acceptance_required: bool = True
    supported_ip_address_types: tuple[str, ...] = ("ipv4",)
    allowed_principals: dict[str, str] = field(default_factory=dict)
    """Principal ARN (or `*`) -> `vpce-svc-perm-…`."""
    state: Literal["Pending", "Available", "Deleting", "Deleted", "Failed"] = "Available"
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"com.amazonaws.vpce.{self.region}.{self.id}"


EndpointState = Literal[
    "pendingAcceptance", "pending", "available", "deleting", "deleted", "rejected", "failed", "expired"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcEndpoint:
    id: str
    """`vpce-…`; its hex part is the endpoint id in the GENEVE TLV."""
    account: str
    region: str
    service: str
    """`vpce-svc-…`."""
    service_name: str
    vpc: str
    subnet: str
    zone: str
    network_interface: str
    ip_address_type: Literal["ipv4", "dualstack", "ipv6"] = "ipv4"
    created: float
    load_balancer: str
    """The GWLB that serves this endpoint's zone (one per zone, chosen at creation)."""
    state: EndpointState = "pending"
    """`pendingAcceptance`, `rejected` and `deleting` are set by calls; `pending` becomes `available` by control."""
    last_error: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceEndpoint:
    """An endpoint of type Interface: the server's own API, reached by addresses in the VPC."""

    id: str
    """`vpce-…`."""
    account: str
    region: str
    service_name: str
    """`com.amazonaws.REGION.ec2`."""
    vpc: str
    network_interfaces: dict[str, str]
    """Subnet -> `eni-…`; one subnet of each zone at most."""
    groups: tuple[str, ...] = ()
    private_dns: bool = True
    """The service's public name leads here, inside the VPC."""
    policy: str = ""
    """What may be called through it, as given; empty: everything."""
    created: float
    state: EndpointState = "pending"
    """`deleting` is set by a call; `pending` becomes `available` by control."""
    last_error: str = ""
    tags: Tags = field(default_factory=dict)

    @property
    def service(self) -> str:
        """`ec2`, `sts`, `elasticloadbalancing` …: also the name that its requests are signed for."""
        return self.service_name.rsplit(".", 1)[-1]
