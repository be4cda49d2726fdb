"""The eight-step walk: one connection's first packet each way, followed through every box from captures.

Pure: captured frames and a snapshot in, a `Walk` out. `walker.py` captures, `walk_text.py` draws. The steps are those of AWS's own
picture: internet gateway, translation, endpoint, load balancer, appliance in, appliance out, load balancer, application; the
reply walks them backwards through the same appliance.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy.routing import loops
from opengwlb_appliance.inner import ACK, SYN, TCP, Inner

from . import frames, places
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
INWARD: Plan = (
    ("from the internet", ((Role.INTERNET, True),)),
    ("translated", ((Role.GATEWAY, False),)),
    *_THROUGH_BALANCER,
    ("application receives", ((Role.APPLICATION, True),)),
)
OUTWARD: Plan = (
    ("application sends", ((Role.APPLICATION, False),)),
    *_THROUGH_BALANCER,
    ("leaves the VPC", ((Role.GATEWAY, True),)),
    ("to the internet", ((Role.INTERNET, False),)),
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One packet on its way."""

    name: str
    """`request` or `reply`."""
    hops: tuple[Hop, ...]

    @property
    def steps(self) -> set[int]:
        return {hop.step for hop in self.hops}

    @property
    def tunnelled(self) -> tuple[Hop, ...]:
        return tuple(hop for hop in self.hops if hop.geneve is not None)


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

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which connection to follow; None and empty match any."""

    endpoints: tuple[str, ...]
    clients: frozenset[str] = frozenset()
    """Private and public address of the client."""
    servers: frozenset[str] = frozenset()
    """Private and public address of the server."""
    port: int | None = None
    protocol: int | None = None
    roles: frozenset[Role] = frozenset(Role)
    """What is watched: a consumer does not see into the provider's boxes, nor a provider into the consumer's."""

    @property
    def origins(self) -> tuple[Direction, ...]:
        """Where a packet's way begins, as far as it is watched."""
        seen = tuple(place for place in ORIGINS if place[0] in self.roles)
        return seen or ((Role.ENDPOINT_BALANCER, True),)

    def matches(self, flow: FlowTuple) -> bool:
        """Whether the packet belongs to such a connection, in either direction."""
        return self._one_way(flow) or self._one_way(flow.reversed())

    def _one_way(self, flow: FlowTuple) -> bool:
        return (
            (not self.clients or flow.source in self.clients)
            and (not self.servers or flow.destination in self.servers)
            and self.port in (None, flow.destination_port)
            and self.protocol in (None, flow.protocol)
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet of the connection at one place."""

    captured: Captured
    seen: Seen
    flow: FlowTuple
    """With public addresses replaced by private ones: the same at every place."""


def opens(sighting: Sighting, *, question: Question) -> bool:
    """Whether a connection begins with this packet, here, as far as one packet shows that."""
    flags = Inner(sighting.seen.packet).tcp_flags
    begins = sighting.flow.protocol != TCP or flags & (SYN | ACK) == SYN
    return begins and _place(sighting) in question.origins


def assemble(captured: Iterable[Captured], *, question: Question, snapshot: Snapshot) -> Walk | None:
    """The walk of the first matching connection that was answered (else of the first one), or None when none was seen.

    Its first packet is the request, the first one the other way the reply; each is followed by its identity, so that
    retransmissions and other packets of the connection do not mix in.
    """
    private = places.translations(snapshot, question.endpoints)
    looked = (sight(one, question=question, private=private) for one in captured)
    sightings = sorted((one for one in looked if one is not None), key=_when)
    if not sightings:
        return None
    first = _first(sightings, question=question)
    request = _follow(sightings, first.flow)
    reply = _follow(sightings, first.flow.reversed())
    start = first.captured.at_ns
    legs = tuple(
        _leg(name, packets, start_ns=start) for name, packets in (("request", request), ("reply", reply)) if packets
    )
    tunnelled = [hop for hop in legs[0].tunnelled if hop.geneve is not None]
    return Walk(
        connection=first.seen.flow,
        legs=legs,
        appliance=_appliance(legs[0]),
        cookie=tunnelled[0].geneve.cookie if tunnelled and tunnelled[0].geneve else None,
        checks=tuple(_checks(legs, request=request, reply=reply, question=question)),
        notes=tuple(_notes(legs)),
        warnings=tuple(loop.sentence for loop in loops(snapshot) if loop.endpoint in question.endpoints),
    )


def sight(captured: Captured, *, question: Question, private: Mapping[str, str]) -> Sighting | None:
    """What was captured, if it belongs to a connection that was asked for. `private` is `places.translations`.

    Inside the tunnel only where the tunnel is: the provider's own traffic, and other tenants', may have equal addresses.
    """
    seen = frames.read(captured.data)
    if seen is None or not question.matches(seen.flow):
        return None
    if (seen.tunnel is not None) is not (captured.place.role in (Role.NODE, Role.APPLIANCE)):
        return None
    if seen.tunnel is not None and seen.tunnel.header.endpoint_id not in question.endpoints:
        return None
    return Sighting(captured, seen, places.translated(seen.flow, private))


def _first(sightings: Sequence[Sighting], *, question: Question) -> Sighting:
    """Of a connection that began while every place was watched, if there is one."""
    flows = {one.flow for one in sightings}
    opening = [one for one in sightings if opens(one, question=question)]
    answered = [one for one in opening if one.flow.reversed() in flows]
    return (answered or opening or list(sightings))[0]


def _when(sighting: Sighting) -> int:
    return sighting.captured.at_ns


def _follow(sightings: Sequence[Sighting], flow: FlowTuple) -> list[Sighting]:
    """Every place where the flow's first packet was met, once per TTL: a loop shows, a retransmission does not."""
    ours = [one for one in sightings if one.flow == flow]
    if not ours:
        return []
    identity = ours[0].seen.identity
    found: dict[tuple[object, ...], Sighting] = {}
    for one in ours:
        if one.seen.identity == identity:
            endpoint = one.seen.tunnel.header.endpoint if one.seen.tunnel else None
            found.setdefault((one.captured.place.port, one.captured.incoming, one.seen.ttl, endpoint), one)
    return list(found.values())


def _leg(name: str, packets: Sequence[Sighting], *, start_ns: int) -> Leg:
    plan = OUTWARD if _outward(packets) else INWARD
    order = {
        place: (step, title, at) for step, (title, group) in enumerate(plan, start=1) for at, place in enumerate(group)
    }
    hops = []
    for one in sorted(packets, key=lambda one: (one.captured.at_ns, order.get(_place(one), (9, "", 0)))):
        if (known := order.get(_place(one))) is not None:
            hops.append(_hop(one, step=known[0], title=known[1], start_ns=start_ns))
    return Leg(name=name, hops=tuple(hops))


def _place(one: Sighting) -> Direction:
    return one.captured.place.role, one.captured.incoming


def _outward(packets: Iterable[Sighting]) -> bool:
    """Away from the application: it sends, or the gateway's inside receives."""
    signs: Collection[Direction] = ((Role.APPLICATION, False), (Role.GATEWAY, True), (Role.INTERNET, False))
    return any(_place(one) in signs for one in packets)


def _hop(one: Sighting, *, step: int, title: str, start_ns: int) -> Hop:
    place, tunnel = one.captured.place, one.seen.tunnel
    return Hop(
        step=step,
        title=title,
        resource=place.resource,
        box=place.port.box,
        device=place.port.device,
        incoming=one.captured.incoming,
        after_us=(one.captured.at_ns - start_ns) / 1000,
        flow=one.seen.flow,
        ttl=one.seen.ttl,
        length=len(one.seen.packet),
        mss=frames.mss(one.seen.packet),
        geneve=None
        if tunnel is None
        else GeneveSeen(
            vni=tunnel.header.vni,
            endpoint=tunnel.header.endpoint_id,
            attachment=tunnel.header.attachment,
            cookie=tunnel.header.cookie,
            outer_source=tunnel.source,
            outer_destination=tunnel.destination,
            outer_source_port=tunnel.source_port,
        ),
    )


def _appliance(leg: Leg) -> str | None:
    return next((hop.resource for hop in leg.hops if hop.title == "appliance receives"), None)


def _checks(
    legs: Sequence[Leg], *, request: Sequence[Sighting], reply: Sequence[Sighting], question: Question
) -> Iterator[Check]:
    for leg, packets in zip(legs, (request, reply), strict=False):
        yield _complete(leg, plan=OUTWARD if _outward(packets) else INWARD, roles=question.roles)
    if len(legs) < 2:
        yield Check(name="reply", ok=False, sentence="No reply was seen.")
    if not {Role.NODE, Role.APPLIANCE} <= question.roles:
        return
    cookies = {hop.geneve.cookie for leg in legs for hop in leg.tunnelled if hop.geneve}
    yield Check(
        name="one cookie",
        ok=len(cookies) == 1,
        sentence=f"One flow cookie both ways: {_cookies(cookies)}."
        if len(cookies) == 1
        else f"The flow cookies are {_cookies(cookies) or 'missing'}, not one.",
    )
    appliances = {_appliance(leg) for leg in legs}
    yield Check(
        name="one appliance",
        ok=len(appliances) == 1 and None not in appliances,
        sentence=f"Request and reply met the same appliance, {_appliance(legs[0])}."
        if len(appliances) == 1
        else f"Request and reply met different appliances: {', '.join(sorted(map(str, appliances)))}.",
    )
    named = {hop.geneve.endpoint for leg in legs for hop in leg.tunnelled if hop.geneve}
    yield Check(
        name="endpoint id",
        ok=bool(named) and named <= set(question.endpoints),
        sentence=f"The endpoint id in the GENEVE header is {', '.join(sorted(named)) or 'missing'}.",
    )
    for name, packets in (("request", request), ("reply", reply)):
        if packets:
            yield _unchanged(name, packets)


def _complete(leg: Leg, *, plan: Plan, roles: Collection[Role]) -> Check:
    """Seen at every step of which a place is watched."""
    watched = {step for step, (_, group) in enumerate(plan, start=1) if any(role in roles for role, _ in group)}
    missing = sorted(watched - leg.steps)
    how_many = (
        "all eight steps" if len(watched) == len(plan) else f"the {len(watched)} of eight steps that you may watch"
    )
    return Check(
        name=f"{leg.name} complete",
        ok=not missing,
        sentence=f"The {leg.name} was seen at {how_many}."
        if not missing
        else f"The {leg.name} was not seen at step {', '.join(map(str, missing))}: `gwlb drops` may say why.",
    )


def _cookies(cookies: Iterable[int]) -> str:
    return ", ".join(f"0x{cookie:08x}" for cookie in sorted(cookies))


def _unchanged(name: str, packets: Sequence[Sighting]) -> Check:
    """The packet as the appliance got it and as it gave it back."""
    forms = {
        one.captured.incoming: frames.comparable(one.seen.packet) for one in packets if _place(one)[0] is Role.APPLIANCE
    }
    if len(forms) < 2:
        return Check(name=f"{name} unchanged", ok=False, sentence=f"The appliance did not return the {name}.")
    same = forms[True] == forms[False]
    return Check(
        name=f"{name} unchanged",
        ok=same,
        sentence=f"The {name} left the appliance byte for byte as it came (TTL aside)."
        if same
        else f"The appliance changed bytes of the {name}.",
    )


def _notes(legs: Iterable[Leg]) -> Iterator[str]:
    for leg in legs:
        flows = list(dict.fromkeys((hop.flow.source, hop.flow.destination) for hop in leg.hops))
        for before, after in itertools.pairwise(flows):
            for old, new in zip(before, after, strict=True):
                if old != new:
                    yield f"The internet gateway translated {old} to {new} in the {leg.name}."
        sizes = list(dict.fromkeys(hop.mss for hop in leg.hops if hop.mss is not None))
        if len(sizes) == 2:
            yield f"The endpoint lowered the segment size that the {leg.name} announces from {sizes[0]} to {sizes[1]}."
