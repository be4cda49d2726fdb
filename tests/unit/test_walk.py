"""The eight-step walk from frames that scapy made: what it finds, and what it refuses to call right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw
from watched_lab import (
    APPLIANCE,
    CLIENT,
    CLIENT6,
    COOKIE,
    ENDPOINT,
    NODE,
    PRIVATE,
    PUBLIC,
    SERVER6,
    TO_ENDPOINT,
    Recorder,
    captured,
    dualstack,
    lab,
    question,
)

from opengwlb.model.vpc import Route
from opengwlb.observe import places, walk_text, walker
from opengwlb.observe.assembly import assemble
from opengwlb.observe.capture import Frame
from opengwlb.observe.frames import FlowTuple, comparable
from opengwlb.observe.places import Role
from opengwlb.observe.walk import Walk


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(lab())


def walk_of(recorder: Recorder) -> Walk:
    # The order of reading says nothing about the order of happening.
    found = assemble(reversed(recorder.frames), question=question(), snapshot=recorder.snapshot)
    assert found is not None
    return found


def failed(walk: Walk) -> set[str]:
    return {check.name for check in walk.checks if not check.ok}


def test_a_connection_that_went_there_and_back_passes_every_check(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    walk = walk_of(recorder)
    assert failed(walk) == set() and walk.ok
    assert walk.connection == FlowTuple(CLIENT, PUBLIC, 6, 40000, 80)
    assert [leg.steps for leg in walk.legs] == [set(range(1, 9))] * 2
    assert (walk.cookie, walk.appliance) == (COOKIE, f"i-{'2':0>17}")


def test_the_steps_come_in_the_order_of_the_packets_way_with_times_since_the_start(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    request, reply = walk_of(recorder).legs
    assert [hop.step for hop in request.hops] == [1, 2, 3, 3, 4, 5, 6, 7, 7, 7, 8]
    assert [hop.after_us for hop in request.hops] == [float(n) for n in range(11)]
    assert reply.hops[0].title == "application sends" and reply.hops[-1].title == "to the internet"


def test_the_geneve_header_is_decoded_at_the_appliance(recorder: Recorder) -> None:
    recorder.request()
    hop = next(hop for hop in walk_of(recorder).legs[0].hops if hop.title == "appliance receives")
    assert hop.geneve is not None
    assert (hop.geneve.vni, hop.geneve.endpoint, hop.geneve.attachment) == (0, ENDPOINT, 0)
    assert (hop.geneve.cookie, hop.geneve.outer_source, hop.geneve.outer_destination) == (COOKIE, NODE, APPLIANCE)


def test_the_translation_at_the_gateway_is_a_note_and_no_failure(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    assert walk_of(recorder).notes == (
        f"The internet gateway translated {PUBLIC} to {PRIVATE} in the request.",
        f"The internet gateway translated {PRIVATE} to {PUBLIC} in the reply.",
    )


def test_another_cookie_in_the_reply_fails(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply(cookie=COOKIE + 1)
    assert failed(walk_of(recorder)) == {"one cookie"}


def test_a_packet_that_ends_at_the_appliance_is_incomplete_and_without_reply(recorder: Recorder) -> None:
    recorder.request(until=6)
    walk = walk_of(recorder)
    assert failed(walk) == {"request complete", "reply", "request unchanged"}
    assert "step 6, 7, 8" in next(check.sentence for check in walk.checks if check.name == "request complete")


def test_bytes_that_the_appliance_changed_fail(recorder: Recorder) -> None:
    recorder.request(UDP(sport=40000, dport=80) / Raw(b"question"))
    same_length = [bytes(one.data).replace(b"question", b"QUESTION") for one in recorder.frames[6:]]
    recorder.frames[6:] = [
        captured(one.place, one.incoming, one.at_ns, IP(data[14:]))
        for one, data in zip(recorder.frames[6:], same_length, strict=True)
    ]
    assert "request unchanged" in failed(walk_of(recorder))


def test_a_checksum_that_a_kernel_left_unfinished_is_not_a_change(recorder: Recorder) -> None:
    whole = IP(bytes(IP(src=CLIENT, dst=PRIVATE) / TCP(sport=1, dport=80) / Raw(b"odd")))
    unfinished = whole.copy()
    # What Linux leaves there: the sum of addresses, protocol and length.
    total = sum([0xC000, 0x0207, 0x0A00, 0x0025, 6, len(bytes(whole[TCP]))])
    unfinished[TCP].chksum = (total & 0xFFFF) + (total >> 16)
    assert unfinished[TCP].chksum != whole[TCP].chksum
    unfinished[IP].ttl = 3
    assert comparable(bytes(unfinished)) == comparable(bytes(whole))


def test_a_retransmission_does_not_mix_into_the_first_packets_way(recorder: Recorder) -> None:
    recorder.request()
    recorder.request(ident=8)
    recorder.reply()
    walk = walk_of(recorder)
    assert [len(leg.hops) for leg in walk.legs] == [11, 11]


def test_another_tenants_flow_with_equal_addresses_is_left_out(recorder: Recorder) -> None:
    recorder.request(until=5)
    appliance = next(
        place for place in places.path(recorder.snapshot, endpoints=(ENDPOINT,)).places if place.role is Role.APPLIANCE
    )
    theirs = Recorder(recorder.snapshot, at_ns=recorder.at_ns)
    theirs.request(endpoint="vpce-0123456789abcdef0")
    recorder.frames += [one for one in theirs.frames if one.place == appliance]
    assert all(hop.title != "appliance receives" for hop in walk_of(recorder).legs[0].hops)


def test_a_providers_own_packet_with_the_servers_address_is_left_out(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    node = next(one.place for one in recorder.frames if one.place.role is Role.NODE)
    recorder.frames.append(captured(node, False, 0, IP(src=NODE, dst=PRIVATE) / TCP(dport=80)))
    assert walk_of(recorder).ok


def test_a_routing_loop_is_warned_of_by_name_and_shows_once_per_ttl() -> None:
    looping = lab(endpoint_routes=(Route(destination="0.0.0.0/0", **TO_ENDPOINT),))
    recorder = Recorder(looping)
    recorder.reply(until=9)
    recorder.reply(until=9, ttl=59)
    walk = walk_of(recorder)
    assert len(walk.warnings) == 1 and ENDPOINT in walk.warnings[0]
    assert len([hop for hop in walk.legs[0].hops if hop.step == 3]) == 2


def test_a_ping_is_followed_as_well(recorder: Recorder) -> None:
    recorder.request(ICMP(type=8, id=9, seq=1) / Raw(b"x" * 56))
    recorder.reply(ICMP(type=0, id=9, seq=1) / Raw(b"x" * 56))
    assert walk_of(recorder).ok


@pytest.fixture
def recorder6() -> Recorder:
    return Recorder(dualstack(), family=6)


def test_a_connection_over_ipv6_passes_every_check_untranslated(recorder6: Recorder) -> None:
    recorder6.request()
    recorder6.reply()
    walk = walk_of(recorder6)
    assert failed(walk) == set() and walk.ok
    assert walk.connection == FlowTuple(CLIENT6, SERVER6, 6, 40000, 80)
    assert [leg.steps for leg in walk.legs] == [set(range(1, 9))] * 2
    assert (walk.cookie, walk.notes) == (COOKIE, ())
    assert [hop.title for hop in walk.legs[0].hops][:2] == ["from the internet", "enters the VPC"]
    assert {hop.ttl for hop in walk.legs[0].hops} == {60}
    assert f"tcp [{CLIENT6}]:40000 → [{SERVER6}]:80" in walk_text.to_text(walk, width=250)


def test_a_ping_over_ipv6_is_followed_and_its_bytes_are_compared(recorder6: Recorder) -> None:
    recorder6.request(ICMPv6EchoRequest(id=9, seq=1, data=b"x" * 56))
    recorder6.reply(ICMPv6EchoReply(id=9, seq=1, data=b"x" * 56))
    assert walk_of(recorder6).ok
    changed = Recorder(recorder6.snapshot, family=6)
    changed.request(ICMPv6EchoRequest(id=9, seq=1, data=b"x" * 56))
    at = next(number for number, one in enumerate(changed.frames) if one.place.role is Role.APPLIANCE) + 1
    one = changed.frames[at]
    changed.frames[at] = replace(one, data=one.data[:-1] + b"y")
    assert "request unchanged" in failed(walk_of(changed))


def test_a_retransmission_over_ipv6_does_not_mix_in(recorder6: Recorder) -> None:
    recorder6.request()
    recorder6.request(ident=8)
    recorder6.reply()
    assert [len(leg.hops) for leg in walk_of(recorder6).legs] == [11, 11]


def test_the_two_families_of_one_server_are_two_connections(recorder6: Recorder) -> None:
    over4 = Recorder(recorder6.snapshot, at_ns=500)
    over4.request(until=4)
    recorder6.request()
    recorder6.reply()
    recorder6.frames += over4.frames
    assert walk_of(recorder6).connection.source == CLIENT6


@pytest.mark.parametrize(
    ("source", "destination"), [("fe80::1", SERVER6), (CLIENT6, "ff02::1"), ("::", SERVER6), (CLIENT6, "fe80::2")]
)
def test_what_no_vpc_carries_is_no_connection(recorder6: Recorder, source: str, destination: str) -> None:
    recorder6.request()
    at = recorder6.frames[0].place
    frame = captured(at, True, 0, IPv6(src=source, dst=destination) / ICMPv6EchoRequest())
    asked = question(servers=frozenset())
    assert assemble([frame], question=asked, snapshot=recorder6.snapshot) is None


def test_a_checksum_over_ipv6_that_a_kernel_left_unfinished_is_not_a_change() -> None:
    whole = IPv6(bytes(IPv6(src="1::2", dst="3::4") / UDP(sport=1, dport=80) / Raw(b"odd")))
    unfinished = whole.copy()
    unfinished[UDP].chksum = 1 + 2 + 3 + 4 + 17 + 11
    unfinished.hlim = 3
    assert comparable(bytes(unfinished)) == comparable(bytes(whole))
    unfinished[UDP].chksum += 1
    assert comparable(bytes(unfinished)) != comparable(bytes(whole))


def test_a_lowered_segment_size_is_noted(recorder: Recorder) -> None:
    recorder.request(TCP(sport=40000, dport=80, seq=100, flags="S", options=[("NOP", None), ("MSS", 8961)]))
    later = Recorder(recorder.snapshot, at_ns=recorder.frames[4].at_ns)
    later.request(TCP(sport=40000, dport=80, seq=100, flags="S", options=[("NOP", None), ("MSS", 8460)]))
    recorder.frames[4:] = later.frames[4:]
    assert (
        "The endpoint lowered the segment size that the request announces from 8961 to 8460." in walk_of(recorder).notes
    )


def test_nothing_seen_is_no_walk() -> None:
    assert assemble([], question=question(), snapshot=lab()) is None


def test_the_json_form_makes_the_same_walk_and_the_text_names_what_matters(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    walk = walk_of(recorder)
    form = json.loads(json.dumps(walk_text.to_json(walk)))
    assert form["ok"] is True
    assert walk_text.from_json(form) == walk
    text = walk_text.to_text(walk, width=200)
    for wanted in (ENDPOINT, "VNI 0", f"cookie 0x{COOKIE:08x}", PUBLIC, PRIVATE, "appliance returns"):
        assert wanted in text


def test_the_connection_that_began_under_watch_and_was_answered_is_walked(recorder: Recorder) -> None:
    recorder.reply(TCP(sport=80, dport=39999, seq=5, flags="A"), ident=1)  # of a connection that was there before
    recorder.reply(TCP(sport=80, dport=40000, seq=5, flags="R"), ident=9)  # of one that had the same ports
    recorder.request(TCP(sport=40001, dport=80, seq=7, flags="S"), ident=2, until=6)  # denied
    recorder.request(ident=3)
    recorder.reply(ident=4)
    walk = walk_of(recorder)
    assert walk.connection.source_port == 40000 and walk.ok


def test_a_consumer_is_told_about_the_steps_that_it_may_watch(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    private = {Role.NODE, Role.APPLIANCE}
    frames = [one for one in recorder.frames if one.place.role not in private]
    asked = question(roles=frozenset(Role) - private)
    walk = assemble(frames, question=asked, snapshot=recorder.snapshot)
    assert walk is not None and walk.ok and walk.cookie is None
    assert walk.checks[0].sentence == "The request was seen at the 5 of eight steps that you may watch."


def test_a_provider_is_told_about_its_own_boxes_both_ways(recorder: Recorder) -> None:
    recorder.request()
    recorder.reply()
    own = frozenset({Role.ENDPOINT_ROUTER, Role.ENDPOINT_BALANCER, Role.NODE, Role.APPLIANCE})
    frames = [one for one in recorder.frames if one.place.role in own]
    walk = assemble(frames, question=question(roles=own), snapshot=recorder.snapshot)
    assert walk is not None and walk.ok
    assert walk.connection.source == CLIENT and walk.cookie == COOKIE


def test_a_watcher_that_reads_slowly_still_sees_the_whole_way(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine: between two frames that wait, more time passes than a walk needs to settle."""
    recorder.request()
    recorder.reply()
    clock = iter(range(10_000))
    monkeypatch.setattr(walker.time, "monotonic", lambda: float(next(clock)))

    class Waiting:
        missing = ()

        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> Waiting:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def frames(self, *_: object, **__: object) -> Iterator[Frame]:
            for one in recorder.frames:
                yield Frame(
                    port=one.place.port, incoming=one.incoming, at_ns=one.at_ns, data=one.data, length=len(one.data)
                )

    monkeypatch.setattr(walker, "Capture", Waiting)
    path = places.path(recorder.snapshot, endpoints=(ENDPOINT,))
    watched = walker.watch(
        question(), path=path, snapshot=recorder.snapshot, open_socket=lambda *_: pytest.fail("not asked"), seconds=9
    )
    assert watched.walk is not None and watched.walk.ok
    assert watched.frames == len(recorder.frames)
