"""What is right and wrong about a walk: complete, one appliance, one cookie, bytes as they came. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence

from . import frames
from .places import Role
from .walk import Check, Leg, Plan, Question, Sighting, plan_of


def checks(
    legs: Sequence[Leg], *, request: Sequence[Sighting], reply: Sequence[Sighting], question: Question
) -> Iterator[Check]:
    """What must hold, of what is watched."""
    for leg, packets in zip(legs, (request, reply), strict=False):
        yield _complete(leg, plan=plan_of(packets), roles=question.roles)
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
    appliances = {leg.appliance for leg in legs}
    yield Check(
        name="one appliance",
        ok=len(appliances) == 1 and None not in appliances,
        sentence=f"Request and reply met the same appliance, {legs[0].appliance}."
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
        one.captured.incoming: frames.comparable(one.seen.packet)
        for one in packets
        if one.direction[0] is Role.APPLIANCE
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


def notes(legs: Iterable[Leg]) -> Iterator[str]:
    """What was changed on purpose."""
    for leg in legs:
        flows = list(dict.fromkeys((hop.flow.source, hop.flow.destination) for hop in leg.hops))
        for before, after in itertools.pairwise(flows):
            for old, new in zip(before, after, strict=True):
                if old != new:
                    yield f"The internet gateway translated {old} to {new} in the {leg.name}."
        sizes = list(dict.fromkeys(hop.mss for hop in leg.hops if hop.mss is not None))
        if len(sizes) == 2:
            yield f"The endpoint lowered the segment size that the {leg.name} announces from {sizes[0]} to {sizes[1]}."
