"""What the programs' own books add to a walk: the sentence of each verdict, why this target, and where a packet ended that did not arrive.

`read` reads them; the rest is pure: a walk and what was read in, a walk out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from opengwlb.dataplane.flows import Flow, Found
from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.ids import endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy.lint import Language

from . import dissect, verdict_words, visibility
from .flows import Named, Targets
from .frames import FlowTuple
from .visibility import Viewer, Where
from .walk import Chosen, Ended, Leg, Walk
from .walk_words import say

FLOWS_READ = 5000
"""Of the endpoint's, those seen last: the walk's own was seen just now."""
CLOCKS_DIFFER_S = 0.05
"""A frame's time is the kernel's wall clock, a sample's that of its monotonic one, in steps of some milliseconds."""
_NUMBERS = {"ICMP": 1, "TCP": 6, "UDP": 17, "ICMPv6": 58}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Read after the walk, of what its asker may see."""

    verdicts: Mapping[int, Verdict]
    samples: Sequence[Sample]
    now_s: float
    """The wall clock when `samples` were read."""
    places: Mapping[int, Where]
    """By ifindex."""
    flow: Flow | None = None
    target: Named | None = None
    """None for who may not know it."""


def explained(walk: Walk, known: Known, *, language: Language) -> Walk:
    sentences = {one.name: verdict_words.sentence(one.name, one.sentence, language) for one in known.verdicts.values()}
    legs = tuple(
        replace(
            leg,
            hops=tuple(replace(hop, sentence=sentences.get(hop.verdict or "", "")) for hop in leg.hops),
            ended=_ended(leg, known, since_s=walk.at, sentences=sentences, language=language),
        )
        for leg in walk.legs
    )
    return replace(walk, legs=legs, chosen=_chosen(known, language=language))


def _chosen(known: Known, *, language: Language) -> Chosen | None:
    flow, target = known.flow, known.target
    if flow is None or target is None:
        return None
    return Chosen(
        target=target.target,
        name=target.name,
        address=target.address,
        zone=target.zone,
        state=target.state,
        why=str(flow.why),
        sentence=say(f"chosen-{flow.why}", language),
    )


def _ended(leg: Leg, known: Known, *, since_s: float, sentences: Mapping[str, str], language: Language) -> Ended | None:
    """None for a leg that arrived, and where nothing tells."""
    if leg.arrived:
        return None
    flows = {hop.flow for hop in leg.hops}
    for sample in sorted(known.samples, key=lambda one: one.age_s):
        place, verdict = known.places.get(sample.ifindex), known.verdicts.get(sample.verdict)
        if place is None or verdict is None or known.now_s - sample.age_s < since_s - CLOCKS_DIFFER_S:
            continue
        if flow_of(sample.head) in flows:
            return Ended(resource=place.resource, verdict=verdict.name, sentence=sentences[verdict.name])
    if leg.appliance is not None and all(hop.title != "appliance returns" for hop in leg.hops):
        said = say("ended-at-appliance", language, appliance=leg.appliance)
        return Ended(resource=leg.appliance, verdict="not_returned", sentence=said)
    return None


def flow_of(head: bytes) -> FlowTuple | None:
    """Of the innermost packet in a frame's beginning; None for what is not IP."""
    tree = dissect.frame(head)
    networks = [node for node in tree if node.name in ("IPv4", "IPv6") and node.children]
    if not networks:
        return None
    network = networks[-1]
    behind = tree[tree.index(network) + 1 :]
    source, destination = (_said(network, name) for name in ("Source", "Destination"))
    transport = next((node for node in behind if node.name in _NUMBERS), None)
    if transport is None:
        protocol = _said(network, "Protocol") or _said(network, "Next header")
        return FlowTuple(source, destination, int(protocol) if protocol.isdecimal() else 0, 0, 0)
    ports = (int(_said(transport, name) or 0) for name in ("Source port", "Destination port"))
    return FlowTuple(source, destination, _NUMBERS[transport.name], *ports)


def _said(node: dissect.Node, name: str) -> str:
    return next((child.value for child in node.children if child.name == name), "")


class Books(Protocol):
    """What is read of `dataplane.DataPlane`."""

    @property
    def verdicts(self) -> Mapping[int, Verdict]: ...
    def samples(self) -> Iterable[Sample]: ...
    def find_flows(self, wanted: Wanted, *, limit: int) -> Found: ...


def read(
    walk: Walk, books: Books, *, snapshot: Snapshot, ports: Mapping[int, Where], viewer: Viewer, now_s: float
) -> Known:
    """`ports` are all there are, by ifindex: what is not the viewer's is left out here."""
    hop = next((hop for leg in walk.legs for hop in leg.tunnelled), None)
    of = hop.geneve if hop is not None else None
    flow, target = None, None
    if of is not None:
        wanted = Wanted(endpoints=frozenset({endpoint_number(of.endpoint)}))
        found = books.find_flows(wanted, limit=FLOWS_READ).flows
        flow = next((one for one in found if one.cookie == of.cookie), None)
        endpoint = snapshot.get(VpcEndpoint, of.endpoint)
        if flow is not None and endpoint is not None and viewer.sees(visibility.provider(snapshot, endpoint)):
            target = Targets(snapshot).get(flow.target)
    return Known(
        verdicts=books.verdicts,
        samples=tuple(books.samples()),
        now_s=now_s,
        places={number: place for number, place in ports.items() if viewer.sees(place.accounts)},
        flow=flow,
        target=target,
    )
