"""What is right and wrong about a walk: complete, inspected, one appliance, one cookie, bytes as they came. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from . import frames
from .places import Role
from .walk import Check, Leg, Plan, Question, Sighting, plan_of
from .walk_words import say


def checks(
    legs: Sequence[Leg],
    *,
    request: Sequence[Sighting],
    reply: Sequence[Sighting],
    question: Question,
    past: Mapping[str, str],
) -> Iterator[Check]:
    """What must hold, of what is watched. `past` says of each leg that by-passed the appliances which route did it."""
    language = question.language
    for leg, packets in zip(legs, (request, reply), strict=False):
        if leg.by_passed:
            ends = {"first": leg.hops[0].resource, "last": leg.hops[-1].resource, "reason": past[leg.name]}
            sentence = say("by-passed", language, leg=leg.name, **ends).strip()
            yield Check(name=f"{leg.name} inspected", ok=False, sentence=sentence)
        else:
            yield _complete(leg, plan=plan_of(packets), question=question)
    if len(legs) < 2:
        yield Check(name="reply", ok=False, sentence=say("no-reply", language))
    if not {Role.NODE, Role.APPLIANCE} <= question.roles:
        return
    through = [leg for leg in legs if not leg.by_passed]
    if through:
        yield from _one_flow(through, question=question)
    by_passing = {leg.name for leg in legs if leg.by_passed}
    for name, packets in (("request", request), ("reply", reply)):
        if packets and name not in by_passing:
            yield _unchanged(name, packets, question=question)


def _one_flow(legs: Sequence[Leg], *, question: Question) -> Iterator[Check]:
    """One cookie, one appliance, the right endpoint."""
    language = question.language
    cookies = {hop.geneve.cookie for leg in legs for hop in leg.tunnelled if hop.geneve}
    code = {0: "no-cookie", 1: "one-cookie"}.get(len(cookies), "several-cookies")
    yield Check(name="one cookie", ok=len(cookies) == 1, sentence=say(code, language, cookies=_cookies(cookies)))
    appliances = {leg.appliance for leg in legs}
    one = len(appliances) == 1
    yield Check(
        name="one appliance",
        ok=one and None not in appliances,
        sentence=say("one-appliance", language, appliance=legs[0].appliance)
        if one
        else say("several-appliances", language, appliances=", ".join(sorted(map(str, appliances)))),
    )
    named = {hop.geneve.endpoint for leg in legs for hop in leg.tunnelled if hop.geneve}
    yield Check(
        name="endpoint id",
        ok=bool(named) and named <= set(question.endpoints),
        sentence=say("endpoint-id" if named else "no-endpoint-id", language, endpoints=", ".join(sorted(named))),
    )


def _complete(leg: Leg, *, plan: Plan, question: Question) -> Check:
    """Seen at every step of which a place is watched."""
    watched = {
        step for step, (_, group) in enumerate(plan, start=1) if any(role in question.roles for role, _ in group)
    }
    missing = sorted(watched - leg.steps)
    code = "incomplete" if missing else "complete" if len(watched) == len(plan) else "complete-as-watched"
    sentence = say(
        code,
        question.language,
        leg=leg.name,
        steps=len(plan),
        watched=len(watched),
        missing=", ".join(map(str, missing)),
    )
    return Check(name=f"{leg.name} complete", ok=not missing, sentence=sentence)


def _cookies(cookies: Iterable[int]) -> str:
    return ", ".join(f"0x{cookie:08x}" for cookie in sorted(cookies))


def _unchanged(name: str, packets: Collection[Sighting], *, question: Question) -> Check:
    """The packet as the appliance got it and as it gave it back."""
    forms = {
        one.captured.incoming: frames.comparable(one.seen.packet)
        for one in packets
        if one.direction[0] is Role.APPLIANCE
    }
    same = len(forms) == 2 and forms[True] == forms[False]
    code = "not-returned" if len(forms) < 2 else "unchanged" if same else "changed"
    return Check(name=f"{name} unchanged", ok=same, sentence=say(code, question.language, leg=name))


def notes(legs: Iterable[Leg], *, question: Question) -> Iterator[str]:
    """What was changed on purpose."""
    for leg in legs:
        flows = list(dict.fromkeys((hop.flow.source, hop.flow.destination) for hop in leg.hops))
        for before, after in itertools.pairwise(flows):
            for old, new in zip(before, after, strict=True):
                if old != new:
                    yield say("translated", question.language, leg=leg.name, old=old, new=new)
        sizes = list(dict.fromkeys(hop.mss for hop in leg.hops if hop.mss is not None))
        if len(sizes) == 2:
            yield say("mss-lowered", question.language, leg=leg.name, old=sizes[0], new=sizes[1])
