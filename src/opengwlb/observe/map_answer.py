"""What `map` answers: a picture of the network as nodes and edges, as types from which the console's own are made."""

from __future__ import annotations

from typing import Literal

import msgspec

NodeKind = Literal[
    "vpc",
    "subnet",
    "route-table",
    "internet-gateway",
    "network-interface",
    "endpoint",
    "endpoint-service",
    "load-balancer",
    "target-group",
    "target",
    "instance",
]
"""`network-interface` only where a route leads to one that is on no instance of the picture."""
EdgeKind = Literal["contains", "associated", "routes", "serves", "forwards", "registered", "runs"]


ReasonCode = Literal["gone", "lost", "none", "unhealthy", "waiting"]


class MapRoute(msgspec.Struct, kw_only=True, frozen=True):
    """A route of a route table."""

    destination: str
    target: str
    """`local`, `igw-…`, `eni-…` or `vpce-…`."""
    state: Literal["active", "blackhole"]
    origin: str


class MapZone(msgspec.Struct, kw_only=True, frozen=True):
    """A load balancer's node."""

    zone: str
    subnet: str
    network_interface: str
    address: str | None


class MapCheck(msgspec.Struct, kw_only=True, frozen=True):
    """How a target group's targets are probed."""

    protocol: str
    port: str
    path: str | None
    """None for TCP."""
    matcher: str | None
    interval_s: int
    timeout_s: int
    healthy_threshold: int
    unhealthy_threshold: int


class MapDetail(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What a side panel shows of a node. What a kind does not have, or the viewer may not know, is left out."""

    cidrs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    """Private, IPv4 and IPv6."""
    public_addresses: tuple[str, ...] = ()
    subnet: str | None = None
    main: bool = False
    """The VPC's main route table."""
    associations: tuple[str, ...] = ()
    """The subnets and gateways whose route table it is by name, not as the main one."""
    routes: tuple[MapRoute, ...] = ()
    network_interfaces: tuple[str, ...] = ()
    service: str | None = None
    """`vpce-svc-…`."""
    service_name: str | None = None
    acceptance_required: bool | None = None
    load_balancers: tuple[str, ...] = ()
    """ARNs."""
    zones: tuple[MapZone, ...] = ()
    attributes: dict[str, str] = {}
    """Only what was set."""
    target_type: str | None = None
    port: int | None = None
    check: MapCheck | None = None
    target_group: str | None = None
    """Its ARN."""
    target: str | None = None
    """`i-…` or an address, as registered."""
    image: str | None = None
    instance_type: str | None = None
    tags: dict[str, str] = {}


class MapReason(msgspec.Struct, kw_only=True, frozen=True):
    """A reason of ours, for who says it in another language: the console's `map:reason` has a sentence for each code."""

    code: ReasonCode
    values: dict[str, str] = {}


class MapNode(msgspec.Struct, kw_only=True, frozen=True):
    """One resource."""

    id: str
    """AWS's id or ARN; a target's is `<target group ARN>|<i-… or address>`."""
    kind: NodeKind
    name: str
    """The tag `Name`, or the name by which AWS knows it, or its id."""
    account: str | None
    """None of what is no more and only a route still names."""
    vpc: str | None
    zone: str | None
    state: str
    """AWS's word. `deleted` of what only a route still names."""
    healthy: bool | None
    """None: neither, as with a target that is not checked yet, or there is nothing that could be unhealthy."""
    reason: str
    """Why it is not healthy, or what it waits for; else empty."""
    why: MapReason | None = None
    """The same, where the words are ours and not AWS's."""
    detail: MapDetail


class MapEdge(msgspec.Struct, kw_only=True, frozen=True):
    """How two nodes belong together, from left to right."""

    id: str
    source: str
    target: str
    kind: EdgeKind
    label: str
    """Of `routes` the destination, or destinations with commas; else empty."""
    ports: tuple[str, ...]
    """Resources of the event `traffic` whose rates flow along it."""
    state: Literal["ok", "bad"]


class NetworkMap(msgspec.Struct, kw_only=True, frozen=True):
    """The answer of `map`."""

    revision: int
    nodes: tuple[MapNode, ...]
    edges: tuple[MapEdge, ...]
