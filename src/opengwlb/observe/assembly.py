"""From captured frames to a walk: which connection is meant, which of its packets is followed, where that was met.

Pure: captured frames and a snapshot in, a `Walk` out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from opengwlb.model.snapshot import Snapshot
from opengwlb.policy.lint import Language
from opengwlb.policy.lint.words import SENTENCES
from opengwlb.policy.routing import RoutingLoop, loops
from opengwlb_appliance.inner import ACK, SYN, TCP, Inner

from . import by_pass, checks, dissect, frames, places
from .frames import FlowTuple
from .places import Role
from .walk import (
    BYTES_SHOWN,
    DECIDED,
    INSPECTING,
    Captured,
    GeneveSeen,
    Hop,
    Leg,
    Question,
    Sighting,
    Walk,
    plan_of,
)

CANDIDATES = 32
"""Packets of an established connection that are tried as the one to follow: super-packets are cut up on their way, others are not."""
Packets = Mapping[FlowTuple, Sequence[Sequence[Sighting]]]
"""Flow -> its packets in the order in which they were first seen, each with all its sightings."""


def opens(sighting: Sighting, *, question: Question) -> bool:
    """Whether a connection begins with this packet, here, as far as one packet shows that; of an established one any packet will do."""
    flags = Inner(sighting.seen.packet).tcp_flags
    begins = question.established or sighting.flow.protocol != TCP or flags & (SYN | ACK) == SYN
    return begins and sighting.direction in question.origins


def assemble(captured: Iterable[Captured], *, question: Question, snapshot: Snapshot) -> Walk | None:
    """The walk of the first matching connection that was answered (else of the first one), or None when none was seen.

    Its first packet is the request, the first one the other way the reply; each is followed by its identity, so that
    retransmissions and other packets of the connection do not mix in. Of an established connection it is the first packet each way
    that was met at the most places.
    """
    private = places.translations(snapshot, question.endpoints, vpcs=question.vpcs)
    looked = (sight(one, question=question, private=private) for one in captured)
    sightings = sorted((one for one in looked if one is not None), key=_when)
    if not sightings:
        return None
    if question.established:
        request, reply = _any_packets(sightings, question=question)
    else:
        first = _first(sightings, question=question)
        since = _packets(one for one in sightings if _when(one) >= _when(first))
        request, reply = (_met(_opening(since, flow)) for flow in (first.flow, first.flow.reversed()))
    start_ns = _when(request[0])
    legs = tuple(
        _leg(name, packets, question=question, start_ns=start_ns)
        for name, packets in (("request", request), ("reply", reply))
        if packets
    )
    past = {leg.name: by_pass.reason(snapshot, leg, language=question.language) for leg in legs if leg.by_passed}
    judged = tuple(checks.checks(legs, request=request, reply=reply, question=question, past=past))
    tunnelled = [hop for hop in legs[0].tunnelled if hop.geneve is not None]
    return Walk(
        connection=request[0].seen.flow,
        legs=legs,
        appliance=legs[0].appliance,
        cookie=tunnelled[0].geneve.cookie if tunnelled and tunnelled[0].geneve else None,
        checks=judged,
        ok=all(check.ok for check in judged),
        notes=tuple(checks.notes(legs, question=question)),
        warnings=tuple(
            _warned(loop, question.language) for loop in loops(snapshot) if loop.endpoint in question.endpoints
        ),
        established=not _is_beginning(request[0]),
        at=start_ns / 1e9,
    )


def _warned(loop: RoutingLoop, language: Language) -> str:
    """In the design checker's words."""
    return SENTENCES["endpoint-loop"][language].format(destination=loop.destination, endpoint=loop.endpoint)


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


def _is_beginning(sighting: Sighting) -> bool:
    return sighting.flow.protocol != TCP or bool(Inner(sighting.seen.packet).tcp_flags & SYN)


def _first(sightings: Sequence[Sighting], *, question: Question) -> Sighting:
    """Of a connection that began while every place was watched, if there is one."""
    flows = {one.flow for one in sightings}
    opening = [one for one in sightings if opens(one, question=question)]
    answered = [one for one in opening if one.flow.reversed() in flows]
    return (answered or opening or list(sightings))[0]


def _when(sighting: Sighting) -> int:
    return sighting.captured.at_ns


def _packets(sightings: Iterable[Sighting]) -> Packets:
    found: dict[FlowTuple, dict[object, list[Sighting]]] = {}
    for one in sightings:
        found.setdefault(one.flow, {}).setdefault(one.seen.identity, []).append(one)
    return {flow: list(packets.values()) for flow, packets in found.items()}


def _opening(packets: Packets, flow: FlowTuple) -> Sequence[Sighting]:
    return next(iter(packets.get(flow, ())), ())


def _any_packets(sightings: Sequence[Sighting], *, question: Question) -> tuple[list[Sighting], list[Sighting]]:
    """A packet each way of a connection that is there: those that were watched from where their way begins, if there are such."""
    flow = _living(sightings, question=question)
    packets = _packets(one for one in sightings if one.flow in (flow, flow.reversed()))
    request = _furthest(packets.get(flow, ()), question=question)
    since = [one for one in packets.get(flow.reversed(), ()) if _when(one[0]) >= _when(request[0])]
    return request, _furthest(since, question=question)


def _living(sightings: Sequence[Sighting], *, question: Question) -> FlowTuple:
    """The first connection of which both directions were watched from where they begin; else the first that was seen at all."""
    begun = {one.flow: None for one in sightings if one.direction in question.origins}
    both = [flow for flow in begun if flow.reversed() in begun]
    for flow in (*both, *begun, sightings[0].flow):
        for way in (flow, flow.reversed()):
            if way in {one.flow for one in sightings} and question.is_request(way):
                return way
    return next(iter(begun), sightings[0].flow)


def _furthest(packets: Iterable[Sequence[Sighting]], *, question: Question) -> list[Sighting]:
    """The first of those that were met at the most places."""
    listed = list(packets)
    whole = [one for one in listed if one[0].direction in question.origins] or listed
    return max((_met(one) for one in islice(whole, CANDIDATES)), key=len, default=[])


def _met(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Every place where a packet was met, once per TTL: a loop shows, a retransmission does not."""
    found: dict[tuple[object, ...], Sighting] = {}
    for one in sightings:
        endpoint = one.seen.tunnel.header.endpoint if one.seen.tunnel else None
        found.setdefault((one.captured.place.port, one.captured.incoming, one.seen.ttl, endpoint), one)
    return list(found.values())


def _leg(name: str, packets: Sequence[Sighting], *, question: Question, start_ns: int) -> Leg:
    plan = plan_of(packets)
    order = {
        place: (step, title, at) for step, (title, group) in enumerate(plan, start=1) for at, place in enumerate(group)
    }
    hops: list[Hop] = []
    last: Sighting | None = None
    for one in sorted(packets, key=lambda one: (_when(one), order.get(one.direction, (9, "", 0)))):
        if (known := order.get(one.direction)) is not None:
            hops.append(_hop(one, step=known[0], title=known[1], start_ns=start_ns, last=last))
            last = one
    met = {one.direction for one in packets}
    ends = [place for _, group in plan for place in group if place[0] in question.roles]
    arrived = bool(ends) and ends[-1] in met
    watches_endpoints = Role.ENDPOINT_ROUTER in question.roles or not question.endpoints
    return Leg(
        name=name,
        hops=tuple(hops),
        arrived=arrived,
        by_passed=arrived and watches_endpoints and not any(role in INSPECTING for role, _ in met) and len(met) > 1,
    )


def _hop(one: Sighting, *, step: int, title: str, start_ns: int, last: Sighting | None) -> Hop:
    place, tunnel = one.captured.place, one.seen.tunnel
    verdict = DECIDED.get(one.direction)
    if verdict == "decapsulated" and last is not None and last.flow != one.flow:
        verdict = "decapsulated_changed"
    return Hop(
        step=step,
        title=title,
        resource=place.resource,
        box=place.port.box,
        device=place.port.device,
        incoming=one.captured.incoming,
        after_us=(_when(one) - start_ns) / 1000,
        since_last_us=(_when(one) - _when(last)) / 1000 if last is not None else None,
        verdict=verdict,
        flow=one.seen.flow,
        ttl=one.seen.ttl,
        length=len(one.seen.packet),
        mss=frames.mss(one.seen.packet),
        frame_length=len(one.captured.data),
        bytes=one.captured.data[:BYTES_SHOWN].hex(),
        tree=dissect.frame(one.captured.data),
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
