"""The eight-step walk, as values: one connection's first packet each way, followed through every box.

`walker.py` captures, `assembly.py` makes a `Walk` of the frames, `checks.py` judges it, `walk_text.py` draws it. The steps are those of
AWS's own picture: internet gateway, translation, endpoint, load balancer, appliance in, appliance out, load balancer, application;
the reply walks them backwards through the same appliance.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from opengwlb.policy.lint import Language

from .dissect import Node
from .frames import FlowTuple, Seen
from .places import Place, Role

Direction = tuple[Role, bool]
"""A place and whether the packet came in there."""

Plan = tuple[tuple[str, tuple[Direction, ...]], ...]

_THROUGH_BALANCER: Plan = (
    ("endpoint", ((Role.ENDPOINT_ROUTER, False), (Role.ENDPOINT_BALANCER, True))),
    ("load balancer sends", ((Role.NODE, False),)),
    ("appliance receives", ((Role.APPLIANCE, True),)),
    ("appliance returns", ((Role.APPLIANCE, False),)),
    (
        "load balancer returns",
        ((Role.NODE, True), (Role.ENDPOINT_BALANCER, False), (Role.ENDPOINT_ROUTER, True)),
    ),
)


def _inward(gateway: str) -> Plan:
    return (
        ("from the internet", ((Role.INTERNET, True),)),
        (gateway, ((Role.GATEWAY, False),)),
        *_THROUGH_BALANCER,
        ("application receives", ((Role.APPLICATION, True),)),
    )


INWARD = _inward("translated")
INWARD6 = _inward("enters the VPC")
"""An internet gateway leaves IPv6 as it is."""
OUTWARD: Plan = (
    ("application sends", ((Role.APPLICATION, False),)),
    *_THROUGH_BALANCER,
    ("leaves the VPC", ((Role.GATEWAY, True),)),
    ("to the internet", ((Role.INTERNET, False),)),
)
BYTES_SHOWN = 256
"""Of a frame, in a walk."""
WITHIN: Plan = (
    ("application sends", ((Role.APPLICATION, False),)),
    *_THROUGH_BALANCER,
    ("application receives", ((Role.APPLICATION, True),)),
)
"""Between two instances of one VPC."""
INSPECTING = frozenset({Role.ENDPOINT_ROUTER, Role.ENDPOINT_BALANCER, Role.NODE, Role.APPLIANCE})
"""Roles of places that a packet meets on its way through a load balancer."""
ENDS: tuple[Direction, ...] = ((Role.APPLICATION, True), (Role.INTERNET, False), (Role.GATEWAY, True))
"""Where a packet's way ends, as far as it is watched."""
DECIDED: Mapping[Direction, str] = {
    (Role.GATEWAY, False): "igw_in",
    (Role.ENDPOINT_ROUTER, False): "eni_forwarded",
    (Role.NODE, False): "encapsulated",
    (Role.APPLIANCE, True): "eni_forwarded",
    (Role.NODE, True): "eni_forwarded",
    (Role.ENDPOINT_BALANCER, False): "decapsulated",
    (Role.APPLICATION, True): "eni_forwarded",
    (Role.GATEWAY, True): "eni_forwarded",
    (Role.INTERNET, False): "igw_out",
}
"""Which verdict a packet has got when it is met here. At other places it has just been sent, or only crossed a link."""
ORIGINS: tuple[Direction, ...] = ((Role.INTERNET, True), (Role.APPLICATION, False))
"""Where a packet's way begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A frame as a place saw it."""

    place: Place
    incoming: bool
    at_ns: int
    """The kernel's wall clock."""
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneveSeen:
    vni: int
    endpoint: str
    """`vpce-…`, from the 64-bit option."""
    attachment: int
    cookie: int
    outer_source: str
    outer_destination: str
    outer_source_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """The packet at one place."""

    step: int
    """1 to 8."""
    title: str
    resource: str
    box: str
    device: str
    incoming: bool
    after_us: float
    """Since the connection's first packet was first seen."""
    flow: FlowTuple
    ttl: int
    length: int
    mss: int | None = None
    geneve: GeneveSeen | None = None
    since_last_us: float | None = None
    """Since the hop before it; None for a leg's first."""
    verdict: str | None = None
    """What the box decided that it had passed on its way here; None where no program of ours decides."""
    sentence: str = ""
    """The verdict's."""
    frame_length: int = 0
    """From the Ethernet header on."""
    bytes: str = ""
    """Of the frame's first `BYTES_SHOWN`, in hex."""
    tree: tuple[Node, ...] = ()
    """The same bytes taken apart, header by header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Where a packet ended, as the programs' samples of dropped packets say."""

    resource: str
    verdict: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One packet on its way."""

    name: str
    """`request` or `reply`."""
    hops: tuple[Hop, ...]
    arrived: bool = True
    """Whether it was met where its way ends, as far as that is watched."""
    by_passed: bool = False
    """It arrived and met no endpoint."""
    ended: Ended | None = None

    @property
    def steps(self) -> set[int]:
        return {hop.step for hop in self.hops}

    @property
    def appliance(self) -> str | None:
        """The instance that received it."""
        return next((hop.resource for hop in self.hops if hop.title == "appliance receives"), None)

    @property
    def tunnelled(self) -> tuple[Hop, ...]:
        return tuple(hop for hop in self.hops if hop.geneve is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The target of the flow, told to who runs the load balancer."""

    target: str
    name: str | None
    """The instance's tag `Name`."""
    address: str
    zone: str | None
    state: str | None
    why: str
    """`hash`, `fail-open`, `adopted`, `rebalanced from …`, as in `flows`."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    name: str
    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    connection: FlowTuple
    """As its first packet was first seen."""
    legs: tuple[Leg, ...]
    appliance: str | None
    """The instance that inspected the request."""
    cookie: int | None
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    """What was changed on purpose: translation, a lowered segment size."""
    warnings: tuple[str, ...]
    """Routing loops on the path, by name."""
    ok: bool = True
    """Whether every check is."""
    chosen: Chosen | None = None
    """None for who may not know it, and when no flow was met."""
    established: bool = False
    """Whether the connection was there before it was watched."""
    at: float = 0.0
    """When its first packet was first seen, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which connection to follow; None and empty match any."""

    endpoints: tuple[str, ...]
    vpcs: frozenset[str] = frozenset()
    """Where the endpoints are, or where the server is when nothing inspects its VPC."""
    clients: frozenset[str] = frozenset()
    """Private and public address of the client."""
    servers: frozenset[str] = frozenset()
    """Private and public address of the server."""
    port: int | None = None
    client_port: int | None = None
    protocol: int | None = None
    established: bool = False
    """Also one that is there already: any of its packets will do."""
    language: Language = "en"
    roles: frozenset[Role] = frozenset(Role)
    """What is watched: a consumer does not see into the provider's boxes, nor a provider into the consumer's."""

    @property
    def origins(self) -> tuple[Direction, ...]:
        """Where a packet's way begins, as far as it is watched."""
        seen = tuple(place for place in ORIGINS if place[0] in self.roles)
        return seen or ((Role.ENDPOINT_BALANCER, True),)

    def matches(self, flow: FlowTuple) -> bool:
        """Whether the packet belongs to such a connection, in either direction."""
        return self.is_request(flow) or self.is_request(flow.reversed())

    def is_request(self, flow: FlowTuple) -> bool:
        """Whether it goes from such a client to such a server."""
        return (
            (not self.clients or flow.source in self.clients)
            and (not self.servers or flow.destination in self.servers)
            and self.port in (None, flow.destination_port)
            and self.client_port in (None, flow.source_port)
            and self.protocol in (None, flow.protocol)
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet of the connection at one place."""

    captured: Captured
    seen: Seen
    flow: FlowTuple
    """With public addresses replaced by private ones: the same at every place."""

    @property
    def direction(self) -> Direction:
        return self.captured.place.role, self.captured.incoming


def plan_of(packets: Collection[Sighting]) -> Plan:
    """Away from the application if it sends, or if the gateway receives from inside; else toward it."""
    met = {one.direction for one in packets}
    if {(Role.APPLICATION, False), (Role.APPLICATION, True)} <= met:
        return WITHIN
    if met & {(Role.APPLICATION, False), (Role.GATEWAY, True), (Role.INTERNET, False)}:
        return OUTWARD
    return INWARD6 if any(one.flow.family == 6 for one in packets) else INWARD
