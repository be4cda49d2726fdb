"""A rehearsal's steps as `reach` tells them, in English or Korean. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opengwlb.policy import refusals
from opengwlb.policy.lint import Language
from opengwlb.policy.refusals import Asked
from opengwlb.policy.rules import ICMP, PROTOCOLS, WITH_PORTS

from . import rehearsal, why
from .frames import FlowTuple
from .reach_answer import Step, Way
from .reach_words import say
from .refused import Refused
from .verdict_words import KOREAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one box does, by the programs or by the rules."""

    at: str
    decision: str
    sentence: str
    """In English."""
    flow: FlowTuple
    """Of the packet as it came there."""
    packet: str = ""
    route_table: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    refused: Refused | None = None


def told(step: rehearsal.Step) -> Told:
    return Told(
        at=step.at,
        decision=step.decision,
        sentence=step.sentence,
        flow=step.flow or FlowTuple("", "", 0, 0, 0),
        packet=step.packet,
        route_table=step.details.get("route_table"),
        details=step.details,
        refused=step.refused,
    )


def told_by_rules(step: why.Step, flow: FlowTuple) -> Told:
    table = step.at if step.at.startswith("rtb-") else None
    return Told(at=step.at, decision=step.decision, sentence=step.sentence, flow=flow, route_table=table)


def steps(found: Sequence[Told], *, arrived: bool, language: Language) -> Way:
    listed = []
    for number, one in enumerate(found):
        # The last one that its viewer may see need not be the one that ended it.
        ended = not arrived and number == len(found) - 1 and one.decision not in _GOES_ON
        listed.append(_step(one, blocked=ended, language=language))
    return Way(arrives=arrived, steps=tuple(listed))


_GOES_ON = frozenset(
    {"eni_forwarded", "encapsulated", "decapsulated", "decapsulated_changed", "igw_in", "returned", "routed"}
)


def _step(one: Told, *, blocked: bool, language: Language) -> Step:
    details = one.details
    return Step(
        at=one.at,
        decision=one.decision,
        sentence=one.sentence if language == "en" else _korean(one),
        packet=one.packet,
        blocked=blocked,
        route_table=one.route_table,
        to=details.get("to"),
        target=details.get("target"),
        address=details.get("address"),
        zone=details.get("zone"),
        chosen=details.get("chosen"),
        cookie=details.get("cookie"),
    )


def _korean(one: Told) -> str:
    if one.decision in ("returned", "delivered"):
        return say(one.decision, "ko", at=one.at)
    if one.decision == "routed":
        return say("routing", "ko", at=one.at)
    parts = [KOREAN.get(one.decision, one.sentence)]
    details = one.details
    if one.refused is not None:
        parts.append(_refused(one.refused))
    elif details.get("to"):
        code = "routed" if one.route_table else "routed-to"
        parts.append(say(code, "ko", table=one.route_table, to=details["to"]))
    elif one.route_table:
        parts.append(say("refused-table", "ko", table=one.route_table))
    if chosen := details.get("chosen"):
        parts.append(say(str(chosen), "ko", cookie=details.get("cookie")))
    if details.get("target"):
        parts.append(say("target", "ko", target=details["target"], address=details.get("address")))
    return " ".join(parts)


def _refused(refused: Refused) -> str:
    asked = _asked(refused.asked)
    if refused.acl is not None:
        entry = refusals.first_entry(refused.acl, refused.asked)
        return say(
            "acl-refuses",
            "ko",
            acl=refused.acl.id,
            entry=f"항목 {entry.number}" if entry else "마지막 항목 *",
            asked=asked,
        )
    interface = refused.interface
    if interface is None:
        return ""
    return say("groups-refuse", "ko", groups=", ".join(interface.groups), interface=interface.id, asked=asked)


def _asked(asked: Asked) -> str:
    what = {number: name for name, number in PROTOCOLS.items()}.get(asked.protocol, f"프로토콜 {asked.protocol}")
    if asked.protocol in WITH_PORTS:
        what += f" 포트 {asked.port}"
    elif asked.protocol in ICMP:
        what += f" 유형 {asked.icmp_type} 코드 {asked.icmp_code}"
    return f"{asked.peer}{'(으)로 가는' if asked.egress else '에서 오는'} {what}"
