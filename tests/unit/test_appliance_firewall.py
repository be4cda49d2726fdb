"""The firewall's verdicts, packet by packet: header rules, patterns over split segments, replies, retransmissions."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet as Scapy
from scapy.packet import Raw

from opengwlb.instances.builtin.engine import Firewall
from opengwlb.instances.builtin.rules import parse_policy
from opengwlb.instances.builtin.streams import NoRoom, Room, Stream
from opengwlb_appliance import Header, Packet, Verdict, decode, encode

CLIENT, SERVER = "198.51.100.7", "10.0.0.37"
RULES = b"""
default: allow
rules:
  - {name: no-telnet, action: deny, protocol: tcp, ports: 23}
  - {name: no-secret, action: deny, protocol: tcp, ports: 80, payload: TOP-SECRET}
  - {name: no-cards, action: deny, protocol: tcp, ports: 80, payload: {regex: "card=[0-9]{16}"}}
  - {name: no-tunnel, action: deny, protocol: udp, payload: {hex: "deadbeef"}}
"""


class Rig:
    """A firewall, and a conversation through it."""

    def __init__(self, rules: bytes = RULES) -> None:
        self.log: list[dict[str, Any]] = []
        self.firewall = Firewall(parse_policy(rules), log=self.log.append)
        self.sequences = {True: 1000, False: 5000}

    def push(self, inner: Scapy, *, cookie: int = 1) -> bool:
        """Whether the packet is returned."""
        header = encode(Header(protocol=0x0800, endpoint=0x1234, cookie=cookie))
        data = header + bytes(inner)
        return self.firewall(Packet(data, decode(data))) in (Verdict.RETURN, Verdict.RETURN_FLOW)

    def tcp(
        self, *, up: bool = True, port: int = 80, flags: str = "PA", at: int | None = None, payload: bytes = b""
    ) -> bool:
        """A segment from the client (`up`) or the server; `at` is its place in the stream in place of the next."""
        sequence = self.sequences[up] if at is None else at
        ip = IP(src=CLIENT, dst=SERVER) if up else IP(src=SERVER, dst=CLIENT)
        ports = {"sport": 40000, "dport": port} if up else {"sport": port, "dport": 40000}
        returned = self.push(ip / TCP(**ports, flags=flags, seq=sequence & 0xFFFFFFFF) / Raw(payload))
        if at is None:
            self.sequences[up] += len(payload) + ("S" in flags)
        return returned

    def handshake(self, port: int = 80) -> None:
        assert self.tcp(flags="S", port=port)
        assert self.tcp(up=False, flags="SA", port=port)
        assert self.tcp(flags="A", port=port)


def test_a_forbidden_port_is_denied_from_the_first_packet_and_named_once() -> None:
    rig = Rig()
    assert not rig.tcp(port=23, flags="S")
    assert not rig.tcp(port=23, flags="S")
    assert [(e["rule"], e["destination_port"], e["endpoint"]) for e in rig.log] == [
        ("no-telnet", 23, "vpce-00000000000001234")
    ]


def test_replies_of_an_allowed_flow_pass_although_no_rule_names_them() -> None:
    rig = Rig(b"default: deny\nrules: [{name: web, action: allow, source: 198.51.100.0/24, protocol: tcp, ports: 80}]")
    rig.handshake()
    assert rig.tcp(up=False, payload=b"hello")
    assert not rig.push(IP(src=SERVER, dst=CLIENT) / TCP(sport=4444, dport=80, flags="S"), cookie=2)
    assert rig.log[0]["rule"] == "default"


@pytest.mark.parametrize("up", [True, False], ids=["request", "reply"])
def test_a_pattern_in_one_segment_is_dropped_and_the_flow_denied_in_both_directions(up: bool) -> None:
    rig = Rig()
    rig.handshake()
    assert rig.tcp(up=up, payload=b"a near miss: TOP-SECRE_")
    assert not rig.tcp(up=up, payload=b"now TOP-SECRET here")
    assert not rig.tcp(payload=b"harmless")
    assert not rig.tcp(up=False, payload=b"harmless")
    assert [(e["rule"], e["reason"]) for e in rig.log] == [("no-secret", "payload")]


@pytest.mark.parametrize("up", [True, False], ids=["request", "reply"])
@pytest.mark.parametrize("cut", range(1, 10))
def test_a_pattern_split_over_two_segments_is_dropped_with_the_second(cut: int, up: bool) -> None:
    rig = Rig()
    rig.handshake()
    assert rig.tcp(up=up, payload=b"GET /" + b"TOP-SECRET"[:cut])
    assert not rig.tcp(up=up, payload=b"TOP-SECRET"[cut:])
    assert rig.log[0]["rule"] == "no-secret"


def test_a_pattern_of_single_bytes_is_found() -> None:
    rig = Rig()
    rig.handshake()
    verdicts = [rig.tcp(payload=bytes([byte])) for byte in b"TOP-SECRET"]
    assert verdicts == [True] * 9 + [False]


def test_halves_in_different_directions_or_flows_are_no_match() -> None:
    rig = Rig()
    rig.handshake()
    assert rig.tcp(payload=b"TOP-SE")
    assert rig.tcp(up=False, payload=b"CRET")
    assert rig.push(
        IP(src=CLIENT, dst=SERVER) / TCP(sport=40001, dport=80, seq=1006, flags="PA") / Raw(b"CRET"), cookie=2
    )
    assert rig.log == []


def test_a_retransmission_neither_hides_nor_invents_a_pattern() -> None:
    rig = Rig()
    rig.handshake()
    start = rig.sequences[True]
    assert rig.tcp(payload=b"TOP-SE")
    assert rig.tcp(at=start, payload=b"TOP-SE")
    assert not rig.tcp(payload=b"CRET")

    rig = Rig()
    rig.handshake()
    start = rig.sequences[True]
    assert rig.tcp(payload=b"CRET TOP-SE")
    assert rig.tcp(at=start, payload=b"CRET TOP-SE"), "joined to its own repetition it would read TOP-SECRET"
    assert rig.tcp(payload=b"ASON")


def test_a_retransmission_with_more_at_its_end_is_joined_with_what_follows() -> None:
    rig = Rig()
    rig.handshake()
    start = rig.sequences[True]
    assert rig.tcp(payload=b"TOP")
    assert rig.tcp(at=start, payload=b"TOP-SE")
    assert not rig.tcp(at=start + 6, payload=b"CRET")


def test_segments_out_of_order_are_found_when_the_gap_is_filled() -> None:
    rig = Rig()
    rig.handshake()
    start = rig.sequences[True]
    assert rig.tcp(at=start + 6, payload=b"CRET and more")
    assert not rig.tcp(at=start, payload=b"TOP-SE")
    assert rig.log[0]["rule"] == "no-secret"


def test_of_two_copies_of_one_place_either_may_complete_the_pattern() -> None:
    rig = Rig()
    rig.handshake()
    start = rig.sequences[True]
    assert rig.tcp(at=start + 5, payload=b"ECRET")
    assert not rig.tcp(at=start, payload=b"TOP-Sxxxxx")


def test_a_stray_syn_does_not_move_the_firewalls_place_in_the_stream() -> None:
    rig = Rig()
    rig.handshake()
    assert rig.tcp(payload=b"TOP-SE")
    assert not rig.tcp(flags="S", at=rig.sequences[True] - 1)
    assert not rig.tcp(payload=b"CRET")


def test_a_closed_connection_may_use_its_ports_again() -> None:
    rig = Rig()
    rig.handshake()
    assert rig.tcp(flags="FA")
    rig.sequences = {True: 900000, False: 700000}
    rig.handshake()
    assert rig.tcp(payload=b"TOP-SE")
    assert not rig.tcp(payload=b"CRET")


def test_a_regular_expression_is_found_over_segments_and_sequence_numbers_wrap() -> None:
    rig = Rig()
    rig.sequences[True] = 2**32 - 8
    rig.handshake()
    assert rig.tcp(payload=b"card=12345678")
    assert rig.tcp(payload=b"9012345"), "fifteen digits are no card"
    assert not rig.tcp(payload=b"6")
    assert rig.log[0]["rule"] == "no-cards"


def test_a_flow_that_no_payload_rule_names_is_decided_once() -> None:
    rig = Rig()
    header = encode(Header(protocol=0x0800, endpoint=1, cookie=9))
    data = header + bytes(IP(src=CLIENT, dst=SERVER) / TCP(sport=4, dport=5001, flags="S"))
    assert rig.firewall(Packet(data, decode(data))) is Verdict.RETURN_FLOW
    assert rig.tcp(port=5001, payload=b"TOP-SECRET")


def test_udp_payloads_are_searched_in_both_directions() -> None:
    rig = Rig()
    assert rig.push(IP(src=CLIENT, dst=SERVER) / UDP(sport=5, dport=6) / Raw(b"\xde\xad\xbe\xee"))
    assert not rig.push(IP(src=SERVER, dst=CLIENT) / UDP(sport=6, dport=5) / Raw(b"..\xde\xad\xbe\xef"))
    assert not rig.push(IP(src=CLIENT, dst=SERVER) / UDP(sport=5, dport=6) / Raw(b"fine"))
    assert rig.log[0]["rule"] == "no-tunnel"


def test_fragments_of_a_flow_that_must_be_looked_into_are_dropped() -> None:
    rig = Rig()
    rig.handshake()
    assert not rig.push(IP(src=CLIENT, dst=SERVER, frag=4, proto=6) / Raw(b"SECRET"))
    assert rig.log[0]["reason"].startswith("fragment")


def test_ping_and_its_reply_pass_and_an_icmp_error_follows_the_flow_that_it_quotes() -> None:
    rules = b"""
default: deny
rules:
  - {name: ping, action: allow, source: 198.51.100.0/24, protocol: icmp}
  - {name: web, action: allow, source: 198.51.100.0/24, protocol: tcp, ports: 80}
"""
    rig = Rig(rules)
    assert rig.push(IP(src=CLIENT, dst=SERVER) / ICMP(type=8))
    assert rig.push(IP(src=SERVER, dst=CLIENT) / ICMP(type=0))
    assert not rig.push(IP(src=SERVER, dst="203.0.113.9") / ICMP(type=8), cookie=2)
    about = bytes(IP(src=SERVER, dst=CLIENT) / TCP(sport=80, dport=40000))[:28]
    assert rig.push(IP(src="192.0.2.1", dst=SERVER) / ICMP(type=3, code=4) / Raw(about), cookie=3)
    about = bytes(IP(src=SERVER, dst=CLIENT) / TCP(sport=22, dport=40000))[:28]
    assert not rig.push(IP(src="192.0.2.1", dst=SERVER) / ICMP(type=3, code=4) / Raw(about), cookie=4)


def test_the_same_tuple_with_another_cookie_is_another_flow() -> None:
    rig = Rig()
    rig.handshake()
    assert not rig.tcp(payload=b"TOP-SECRET")
    assert rig.push(IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=80, flags="S", seq=1), cookie=2)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(min_size=0, max_size=40).map(lambda b: bytes(c % 4 + 65 for c in b)),
    st.lists(st.integers(1, 7), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_however_a_stream_is_cut_shuffled_and_repeated_a_pattern_never_gets_through_whole(noise, sizes, random) -> None:
    """A model receiver puts together what passed; the pattern must not be in it, and without the pattern all must pass."""
    policy = parse_policy(b"rules: [{name: x, action: deny, protocol: tcp, payload: ABCA}]")
    place = random.randrange(len(noise) + 1)
    text = noise[:place] + b"ABCA" + noise[place:] if random.random() < 0.5 else noise
    segments, at = [], 0
    for size in itertools.cycle(sizes):
        if at >= len(text):
            break
        segments.append((at, text[at : at + size]))
        at += size
    sent = segments + random.choices(segments, k=3) if segments else []
    random.shuffle(sent)
    stream = Stream(policy.payload_rules, room=Room())
    stream.opened(2**32 - 11)
    got = bytearray(len(text))
    mask = bytearray(len(text))
    denied = False
    for start, data in sent:
        if denied:
            break
        denied = stream.segment((2**32 - 10 + start) % 2**32, data) is not None
        if not denied:
            got[start : start + len(data)] = data
            mask[start : start + len(data)] = b"\x01" * len(data)
    whole = next((i for i, seen in enumerate(mask) if not seen), len(mask))
    assert b"ABCA" not in bytes(got[:whole])
    assert denied == (b"ABCA" in text)


def test_what_is_kept_ahead_of_a_gap_is_bounded_and_given_back() -> None:
    policy = parse_policy(b"rules: [{name: x, action: deny, protocol: tcp, payload: ABCA}]")
    room = Room(100)
    stream = Stream(policy.payload_rules, room=room)
    stream.opened(0)
    assert stream.segment(50, bytes(80)) is None
    with pytest.raises(NoRoom):
        stream.segment(200, bytes(30))
    assert room.free == 20
    assert stream.segment(1, bytes(49)) is None
    assert room.free == 100
    stream.segment(500, bytes(60))
    stream.close()
    assert room.free == 100


def test_a_new_policy_is_also_for_flows_that_go_on() -> None:
    rig = Rig(b"")
    rig.handshake()
    rig.firewall.adopt(parse_policy(b"rules: [{name: closed, action: deny, protocol: tcp, ports: 80}]"))
    # Also for the answers, whose own destination port is the client's.
    assert not rig.tcp(up=False, payload=b"hello")
    assert not rig.tcp(payload=b"hello")
    rig.firewall.adopt(
        parse_policy(b"rules: [{name: no-secret, action: deny, protocol: tcp, ports: 80, payload: SECRET}]")
    )
    assert rig.tcp(payload=b"hello")
    assert not rig.tcp(payload=b"a SECRET")
    assert rig.log[-1]["rule"] == "no-secret"
