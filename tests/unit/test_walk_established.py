"""Walks of connections that were there before, of packets that went past the appliances, and what the programs' books add."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from scapy.layers.inet import TCP, UDP
from scapy.packet import Raw
from test_observe_rows import FLOW
from watched_lab import CLIENT, COOKIE, ENDPOINT, INBOUND, PRIVATE, PUBLIC, Recorder, dualstack, lab, question

from opengwlb.dataplane.samples import Sample
from opengwlb.dataplane.verdicts import parse_verdicts
from opengwlb.model.ids import device_name
from opengwlb.model.topology import PortRef
from opengwlb.observe import places, verdict_words, walk_context, walk_text, walk_words
from opengwlb.observe.assembly import assemble
from opengwlb.observe.flows import Named
from opengwlb.observe.frames import FlowTuple
from opengwlb.observe.places import Role
from opengwlb.observe.visibility import Where
from opengwlb.observe.walk import Walk
from opengwlb.observe.walk_context import Known

VERDICTS = parse_verdicts((Path(__file__).parents[2] / "bpf/shared/verdicts.h").read_text())
APPLIANCE_ID = f"i-{'2':0>17}"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(lab())


def walk_of(recorder: Recorder, **asked: object) -> Walk:
    found = assemble(reversed(recorder.frames), question=question(**asked), snapshot=recorder.snapshot)
    assert found is not None
    return found


def failed(walk: Walk) -> set[str]:
    return {check.name for check in walk.checks if not check.ok}


def going_on(recorder: Recorder) -> None:
    """A connection in the middle: what was already on its way, then some packets each way."""
    there = len(recorder.frames)
    recorder.reply(TCP(sport=80, dport=40000, seq=500, ack=7, flags="A"), ident=1)
    del recorder.frames[there : there + 4]
    for number in range(3):
        ours = TCP(sport=40000, dport=80, seq=100 + number, ack=900, flags="PA") / Raw(b"more")
        recorder.request(ours, ident=20 + number)
        recorder.reply(TCP(sport=80, dport=40000, seq=900, ack=104 + number, flags="A"), ident=30 + number)


def test_an_established_connection_is_walked_both_ways_from_its_middle(recorder: Recorder) -> None:
    going_on(recorder)
    walk = walk_of(recorder, established=True, client_port=40000, port=80)
    assert failed(walk) == set() and walk.established
    assert walk.connection == FlowTuple(CLIENT, PUBLIC, 6, 40000, 80)
    assert [len(leg.hops) for leg in walk.legs] == [11, 11]


def test_a_packet_that_is_cut_up_on_its_way_is_not_the_one_that_is_followed(recorder: Recorder) -> None:
    recorder.request(TCP(sport=40000, dport=80, seq=1, ack=9, flags="A") / Raw(bytes(4000)), ident=1, until=5)
    going_on(recorder)
    walk = walk_of(recorder, established=True)
    assert failed(walk) == set() and walk.legs[0].hops[0].length == 44


def test_another_connection_of_the_same_pair_is_left_out(recorder: Recorder) -> None:
    recorder.request(TCP(sport=39999, dport=80, seq=1, ack=9, flags="A"), ident=1)
    recorder.reply(TCP(sport=80, dport=39999, seq=9, ack=1, flags="A"), ident=2)
    going_on(recorder)
    assert walk_of(recorder, established=True, client_port=40000).connection.source_port == 40000
    assert walk_of(recorder, established=True).connection.source_port == 39999


def test_an_established_connection_over_ipv6_with_equal_acknowledgements_is_told_apart() -> None:
    recorder = Recorder(dualstack(), family=6)
    going_on(recorder)
    assert failed(walk_of(recorder, established=True)) == set()


def test_datagrams_are_followed_each_way(recorder: Recorder) -> None:
    recorder.request(UDP(sport=5000, dport=53) / Raw(b"question"))
    recorder.reply(UDP(sport=53, dport=5000) / Raw(b"answer"))
    walk = walk_of(recorder, established=True, client_port=5000)
    assert failed(walk) == set() and not walk.established


def test_each_hop_has_its_bytes_their_tree_its_verdict_and_the_time_since_the_last(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    hops = walk_of(recorder).legs[0].hops
    assert all(bytes.fromhex(hop.bytes) == frame.data[:256] for hop, frame in zip(hops, recorder.frames, strict=False))
    assert [hop.since_last_us for hop in hops] == [None, *[1.0] * 10]
    assert [hop.verdict for hop in hops if hop.verdict] == [
        "igw_in", "eni_forwarded", "encapsulated", "eni_forwarded", "eni_forwarded", "decapsulated", "eni_forwarded",
    ]  # fmt: skip
    tunnelled = next(hop for hop in hops if hop.title == "appliance receives")
    assert [node.name for node in tunnelled.tree] == ["Ethernet", "IPv4", "UDP", "GENEVE", "IPv4", "TCP"]


def past(recorder: Recorder) -> None:
    """The edge route is gone: the request arrives uninspected, the reply ends at the endpoint."""
    seen = {
        (role, incoming)
        for role, incoming, _, tunnelled in INBOUND
        if role in (Role.INTERNET, Role.GATEWAY, Role.APPLICATION)
    }
    recorder.request()
    recorder.frames = [one for one in recorder.frames if (one.place.role, one.incoming) in seen]
    recorder.reply(until=3)


def test_a_request_that_went_past_the_appliances_is_said_to_with_what_led_it() -> None:
    recorder = Recorder(lab(without=("rtb-edge",)))
    past(recorder)
    walk = walk_of(recorder)
    request, reply = walk.legs
    assert (request.by_passed, reply.by_passed, walk.ok) == (True, False, False)
    assert [hop.step for hop in request.hops] == [1, 2, 8]
    said = next(check.sentence for check in walk.checks if check.name == "request inspected")
    assert "went past the appliances" in said and f"igw-{'9':0>17} has no route table of its own" in said
    assert "어플라이언스를 우회했습니다" in next(
        check.sentence for check in walk_of(recorder, language="ko").checks if check.name == "request inspected"
    )
    assert "past the appliances" in walk_text.to_text(walk, width=300)


def test_a_server_in_a_vpc_that_nothing_inspects_is_walked_as_by_passing() -> None:
    snapshot = lab(without=("rtb-edge", ENDPOINT))
    vpc = f"vpc-{'c':0>17}"
    roles = {place.role for place in places.path(snapshot, endpoints=(), vpcs=(vpc,)).places}
    assert roles == {Role.INTERNET, Role.GATEWAY, Role.APPLICATION}
    whole = Recorder(lab())
    whole.request()
    whole.reply()
    frames = [one for one in whole.frames if one.place.role in roles]
    asked = replace(question(roles=frozenset(roles)), endpoints=(), vpcs=frozenset({vpc}))
    walk = assemble(frames, question=asked, snapshot=snapshot)
    assert walk is not None and failed(walk) == {"request inspected", "reply inspected"}


def test_two_instances_of_one_vpc_are_walked_in_seven_steps(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    inside = next(one.place for one in recorder.frames if one.place.role is Role.APPLICATION)
    sender = replace(inside, port=PortRef("i-other", "eth0"), resource="i-other")
    request = [one for one in recorder.frames[:11] if one.place.role not in (Role.INTERNET, Role.GATEWAY)]
    request.insert(0, replace(recorder.frames[1], place=sender, incoming=False))
    walk = assemble(request, question=question(), snapshot=recorder.snapshot)
    assert walk is not None and [hop.title for hop in walk.legs[0].hops][:2] == ["application sends", "endpoint"]
    assert walk.checks[0].sentence == "The request was seen at all seven steps."


def known(**more: object) -> Known:
    return Known(**({"verdicts": VERDICTS, "samples": (), "now_s": 2.0, "places": {}} | more))  # type: ignore[arg-type]


def test_the_books_say_what_verdicts_mean_and_why_the_target(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    named = Named(target=APPLIANCE_ID, name="fw-1", address="10.9.0.10", zone="a", state="healthy")
    walk = walk_context.explained(
        walk_of(recorder), known(flow=replace(FLOW, cookie=COOKIE), target=named), language="en"
    )
    assert walk.chosen is not None and (walk.chosen.target, walk.chosen.why) == (APPLIANCE_ID, "hash")
    assert walk.chosen.sentence.startswith("Chosen among the healthy targets")
    sent = next(hop for hop in walk.legs[0].hops if hop.verdict == "encapsulated")
    assert sent.sentence == "Sent to a target in GENEVE."
    assert all(leg.ended is None for leg in walk.legs)
    korean = walk_context.explained(walk_of(recorder), known(), language="ko")
    assert korean.legs[0].hops[1].sentence.startswith("인터넷에서 들어왔습니다")


def test_a_packet_that_did_not_arrive_ended_where_the_samples_of_dropped_packets_say(recorder: Recorder) -> None:
    recorder.request(until=4)
    lost = recorder.frames[-1]
    there = {1: Where(port=PortRef("gwlb-1", device_name(ENDPOINT)), resource=ENDPOINT, accounts=frozenset())}
    sample = Sample(ifindex=1, verdict=44, age_s=1.0, length=40, head=lost.data[:128])
    walk = walk_context.explained(walk_of(recorder), known(samples=(sample,), places=there), language="en")
    ended = walk.legs[0].ended
    assert ended is not None and (ended.resource, ended.verdict) == (ENDPOINT, "no_targets")
    before = walk_context.explained(
        walk_of(recorder), known(samples=(replace(sample, age_s=1.5),), places=there), language="en"
    )
    assert before.legs[0].ended is None


def test_a_packet_that_the_appliance_kept_ended_there(recorder: Recorder) -> None:
    recorder.request(until=6)
    ended = walk_context.explained(walk_of(recorder), known(), language="en").legs[0].ended
    assert ended is not None and (ended.resource, ended.verdict) == (APPLIANCE_ID, "not_returned")


def test_the_beginning_of_a_frame_tells_its_innermost_flow(recorder: Recorder) -> None:
    recorder.request(
        TCP(sport=40000, dport=80, flags="S", options=[("MSS", 1460), ("Timestamp", (1, 2)), ("WScale", 7)])
    )
    cut = next(one for one in recorder.frames if one.place.role is Role.NODE).data[:128]
    assert walk_context.flow_of(cut) == FlowTuple(CLIENT, PRIVATE, 6, 40000, 80)
    assert walk_context.flow_of(b"\0" * 60) is None


def test_every_verdict_and_every_sentence_of_a_walk_has_both_languages() -> None:
    assert verdict_words.KOREAN.keys() == {one.name for one in VERDICTS.values()}
    for said in walk_words.SENTENCES.values():
        assert said.keys() == {"en", "ko"}
