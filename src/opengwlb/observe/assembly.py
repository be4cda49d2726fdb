"""From captured frames to a walk: which connection is meant, which of its packets is followed, where that was met.

Pure: captured frames and a snapshot in, a `Walk` out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy.routing import loops
from opengwlb_appliance.inner import ACK, SYN, TCP, Inner

from . import checks, frames, places
from .frames import FlowTuple
from .places import Role
from .walk import Captured, GeneveSeen, Hop, Leg, Question, Sighting, Walk, plan_of


def opens(sighting: Sighting, *, question: Question) -> bool:
    """Whether a connection begins with this packet, here, as far as one packet shows that."""
    flags = Inner(sighting.seen.packet).tcp_flags
    begins = sighting.flow.protocol != TCP or flags & (SYN | ACK) == SYN
    return begins and sighting.direction in question.origins


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
    start = first.captured.at_ns
    since = [one for one in sightings if one.captured.at_ns >= start]
    request, reply = _follow(since, first.flow), _follow(since, first.flow.reversed())
    legs = tuple(
        _leg(name, packets, start_ns=start) for name, packets in (("request", request), ("reply", reply)) if packets
    )
    tunnelled = [hop for hop in legs[0].tunnelled if hop.geneve is not None]
    judged = tuple(checks.checks(legs, request=request, reply=reply, question=question))
    return Walk(
        connection=first.seen.flow,
        legs=legs,
        appliance=legs[0].appliance,
        cookie=tunnelled[0].geneve.cookie if tunnelled and tunnelled[0].geneve else None,
        checks=judged,
        ok=all(check.ok for check in judged),
        notes=tuple(checks.notes(legs)),
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
    plan = plan_of(packets)
    order = {
        place: (step, title, at) for step, (title, group) in enumerate(plan, start=1) for at, place in enumerate(group)
    }
    hops = []
    for one in sorted(packets, key=lambda one: (one.captured.at_ns, order.get(one.direction, (9, "", 0)))):
        if (known := order.get(one.direction)) is not None:
            hops.append(_hop(one, step=known[0], title=known[1], start_ns=start_ns))
    return Leg(name=name, hops=tuple(hops))


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
