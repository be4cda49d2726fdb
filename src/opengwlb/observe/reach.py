"""Whether two ends reach each other: both directions of a connection by the real programs, what stops it, what would mend it, and
whether both directions meet the same appliance."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opengwlb.model.compute import Instance
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import InternetGateway, NetworkInterface
from opengwlb.policy import network
from opengwlb.policy.lint import Language
from opengwlb.wire.errors import AwsError

from . import crafted, frames, reach_fixes, reach_steps, rehearsal
from . import why as rules
from .asked import ReachAsked
from .crafted import Craft
from .frames import FlowTuple
from .reach_answer import Appliance, Appliances, Blocked, Direction, Reach, Way
from .reach_steps import Told
from .reach_words import say
from .visibility import Viewer

SOME_CLIENT = {4: "192.0.2.1", 6: "2001:db8:ffff::1"}
"""Who is in the internet, when nobody is named: the lab's own first client there."""
SOME_PORT = 49152
TCP = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and whom."""

    viewer: Viewer
    find_flow: rules.FindFlow
    programs: rehearsal.Programs | None = None
    """None with `--data-plane none`."""
    run_in: rehearsal.RunIn | None = None
    ifindex: Mapping[PortRef, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trip:
    by: str
    there: Sequence[Told]
    arrived: bool
    back: Sequence[Told] | None
    returned: bool


def reach(snapshot: Snapshot, want: ReachAsked, asker: Asker) -> Reach:
    """Raises AwsError. What may be seen of source and destination is for the caller to check."""
    source, flow = ends(snapshot, want)
    trip = _by_programs(snapshot, source, flow, asker) or _by_rules(snapshot, source, flow, asker)
    language = want.language
    forward = reach_steps.steps(trip.there, arrived=trip.arrived, language=language)
    back = None
    if trip.back is not None:
        back = reach_steps.steps(trip.back, arrived=trip.returned, language=language)
    blocked = _blocked(snapshot, "forward", trip.there, forward, asker, language)
    if blocked is None and back is not None and trip.back is not None:
        blocked = _blocked(snapshot, "back", trip.back, back, asker, language)
    met = Appliances(forward=_met(forward), back=_met(back) if back is not None else None)
    ways = [way for way in (forward, back) if way is not None and way.arrives]
    by_passes = any(not _flows(way) for way in ways)
    symmetric = None
    if len(ways) == 2 and any(_flows(way) for way in ways):
        symmetric = _flows(forward) == _flows(ways[1])
    return Reach(
        by="programs" if trip.by == "programs" else "rules",
        forward=forward,
        back=back,
        blocked=blocked,
        appliances=met,
        symmetric=symmetric,
        by_passes=by_passes,
        sentence=_sentence(blocked, forward, back, met, symmetric=symmetric, by_passes=by_passes, language=language),
    )


def ends(snapshot: Snapshot, want: ReachAsked) -> tuple[str, FlowTuple]:
    """Where the packet begins (`eni-…`, `igw-…`), and between whom it goes. Raises AwsError for what cannot be."""
    outside = snapshot.get(InternetGateway, want.source) is not None
    sender = _interface(snapshot, want.source)
    if sender is None and not outside:
        raise _wrong("source: name an i-… or eni-…, or an igw-… for who is in the internet.")
    destination = want.destination
    if destination.startswith("i-"):
        receiver = _interface(snapshot, destination)
        if receiver is None:
            raise _wrong(f"destination: there is no {destination} with a network interface.")
        asked_from = want.source_address or (sender.private_ip if sender is not None else SOME_CLIENT[4])
        destination = _address(snapshot, receiver, six=":" in asked_from, outside=outside)
    six = ":" in destination
    begin = want.source_address
    if begin is None:
        begin = SOME_CLIENT[6 if six else 4] if sender is None else _own(sender, six=six)
    port = SOME_PORT if want.source_port is None else want.source_port
    has_ports = want.protocol in (TCP, 17)
    flow = FlowTuple(
        begin, destination, want.protocol, port if has_ports else 0, want.destination_port if has_ports else 0
    )
    return (sender.id if sender is not None else want.source), flow


def _wrong(sentence: str) -> AwsError:
    return AwsError("ValidationError", sentence)


def _interface(snapshot: Snapshot, resource: str) -> NetworkInterface | None:
    instance = snapshot.get(Instance, resource)
    if instance is not None and instance.network_interfaces:
        resource = instance.network_interfaces[0]
    return snapshot.get(NetworkInterface, resource)


def _own(interface: NetworkInterface, *, six: bool) -> str:
    if not six:
        return interface.private_ip
    if not interface.ipv6_addresses:
        raise _wrong(f"source: {interface.id} has no IPv6 address.")
    return interface.ipv6_addresses[0]


def _address(snapshot: Snapshot, interface: NetworkInterface, *, six: bool, outside: bool) -> str:
    if six or not outside:
        return _own(interface, six=six)
    for public, private in network.public_addresses(snapshot).get(interface.vpc, ()):
        if private == interface.private_ip:
            return public
    raise _wrong(f"destination: {interface.id} has no public IPv4 address.")


def _by_programs(snapshot: Snapshot, source: str, flow: FlowTuple, asker: Asker) -> _Trip | None:
    """None where the way is not built, or nothing carries packets."""
    if asker.programs is None or asker.run_in is None:
        return None
    with contextlib.suppress(rehearsal.NotBuilt), rehearsal.refusing():
        trial = rehearsal.of(
            snapshot, programs=asker.programs, run_in=asker.run_in, ifindex=asker.ifindex, viewer=asker.viewer
        )
        there, back = trial.there_and_back(source, crafted.packet(Craft(flow=flow)), _answer)
        return _Trip(
            by="programs",
            there=[reach_steps.told(step) for step in there.steps],
            arrived=there.arrived,
            back=[reach_steps.told(step) for step in back.steps] if back is not None else None,
            returned=back is not None and back.arrived,
        )
    return None


def _answer(frame: bytes) -> bytes:
    """What who is there sends back."""
    seen = frames.read(frame)
    if seen is None:
        raise ValueError("what arrived is no packet that can be answered")
    return crafted.packet(Craft(flow=seen.flow.reversed(), flags="SA", answers=True))


def _by_rules(snapshot: Snapshot, source: str, flow: FlowTuple, asker: Asker) -> _Trip:
    def ask(begin: str, packet: FlowTuple) -> list[rules.Step]:
        return rules.why(snapshot, source=begin, flow=packet, find_flow=asker.find_flow, viewer=asker.viewer)

    try:
        there = ask(source, flow)
        arrived = there[-1].decision in ("delivered", "igw_out")
        back = ask(there[-1].at, _answered(snapshot, source, flow, there[-1])) if arrived else None
    except (LookupError, ValueError) as error:
        raise _wrong(f"By the rules alone this cannot be told: {error}.") from error
    return _Trip(
        by="rules",
        there=[reach_steps.told_by_rules(step, flow) for step in there],
        arrived=arrived,
        back=[reach_steps.told_by_rules(step, flow.reversed()) for step in back] if back is not None else None,
        returned=back is not None and back[-1].decision in ("delivered", "igw_out"),
    )


def _answered(snapshot: Snapshot, source: str, flow: FlowTuple, last: rules.Step) -> FlowTuple:
    """The way back as it begins: behind a gateway with private addresses, in front of it with public ones."""
    gateway = snapshot.get(InternetGateway, last.at if last.decision == "igw_out" else source)
    pairs = network.public_addresses(snapshot).get(gateway.vpc or "", ()) if gateway is not None else ()
    if last.decision == "igw_out":
        outside = {private: public for public, private in pairs}
        return flow._replace(source=outside.get(flow.source, flow.source)).reversed()
    return flow._replace(destination=dict(pairs).get(flow.destination, flow.destination)).reversed()


def _flows(way: Way) -> set[tuple[str, str | None]]:
    """The flows that a direction met, by endpoint and cookie."""
    return {(step.at, step.cookie) for step in way.steps if step.decision == "encapsulated"}


def _met(way: Way) -> Appliance | None:
    step = next((step for step in reversed(way.steps) if step.decision == "encapsulated"), None)
    if step is None or step.cookie is None:
        return None
    return Appliance(target=step.target, address=step.address, zone=step.zone, endpoint=step.at, cookie=step.cookie)


def _blocked(
    snapshot: Snapshot,
    direction: Direction,
    told: Sequence[Told],
    way: Way,
    asker: Asker,
    language: Language,
) -> Blocked | None:
    if way.arrives:
        return None
    last = len(way.steps) - 1
    if last < 0 or not way.steps[last].blocked:
        sentence = say("blocked-hidden", language)
        return Blocked(direction=direction, step=max(last, 0), verdict="hidden", sentence=sentence, by=None, fix=None)
    step = told[last]
    ended = reach_fixes.Ended(
        at=step.at, verdict=step.decision, flow=step.flow, route_table=step.route_table, refused=step.refused
    )
    by, fix = reach_fixes.cause(snapshot, ended, viewer=asker.viewer)
    shown = way.steps[last]
    return Blocked(direction=direction, step=last, verdict=shown.decision, sentence=shown.sentence, by=by, fix=fix)


def _sentence(
    blocked: Blocked | None,
    forward: Way,
    back: Way | None,
    met: Appliances,
    *,
    symmetric: bool | None,
    by_passes: bool,
    language: Language,
) -> str:
    if blocked is not None:
        way = forward if blocked.direction == "forward" else back
        at = way.steps[blocked.step].at if way is not None and way.steps else ""
        past = "-past" if blocked.direction == "back" and by_passes else ""
        code = "blocked-hidden" if blocked.verdict == "hidden" else f"blocked-{blocked.direction}{past}"
        return say(code, language, at=at, sentence=blocked.sentence).strip()
    if back is None:
        return say("one-way", language)
    if symmetric:
        where = met.forward
        named = f", {where.target} ({where.zone})" if where is not None and where.target else ""
        return say(
            "symmetric", language, appliance=named if language == "en" else named.lstrip(",") and f" {named[2:]}"
        )
    if by_passes:
        return say("by-passes" if symmetric is None else "by-passes-half", language)
    return say("asymmetric", language)
