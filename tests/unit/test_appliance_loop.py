"""What the packet loop remembers and hands back, without sockets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet as Scapy
from scapy.packet import Raw

from opengwlb_appliance import Header, Packet, Verdict, encode
from opengwlb_appliance.health import loops_alive
from opengwlb_appliance.heartbeat import Heartbeats
from opengwlb_appliance.loop import Decider, flow_key, outer_header

SEGMENT = IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40000, dport=80, flags="PA")


def geneve(inner: Scapy | bytes, *, cookie: int = 1, endpoint: int = 1) -> bytes:
    raw = bytes(inner)
    protocol = 0x86DD if raw and raw[0] >> 4 == 6 else 0x0800
    return encode(Header(protocol=protocol, endpoint=endpoint, cookie=cookie)) + raw


def test_packets_of_one_flow_and_direction_share_a_key_whatever_they_carry() -> None:
    first = flow_key(geneve(SEGMENT / Raw(b"a")))
    assert first is not None
    assert first == flow_key(
        geneve(IP(src="198.51.100.7", dst="10.0.0.37", ttl=9, id=7) / TCP(sport=40000, dport=80, seq=5))
    )


def test_everything_that_tells_flows_apart_changes_the_key() -> None:
    v6 = IPv6(src="2001:db8::7", dst="2001:db8::37")
    packets = [
        geneve(SEGMENT),
        geneve(SEGMENT, cookie=2),
        geneve(SEGMENT, endpoint=2),
        geneve(IP(src="198.51.100.8", dst="10.0.0.37") / TCP(sport=40000, dport=80)),
        geneve(IP(src="10.0.0.37", dst="198.51.100.7") / TCP(sport=80, dport=40000)),
        geneve(IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40001, dport=80)),
        geneve(IP(src="198.51.100.7", dst="10.0.0.37") / UDP(sport=40000, dport=80)),
        geneve(IP(src="198.51.100.7", dst="10.0.0.37") / ICMP()),
        geneve(v6 / TCP(sport=40000, dport=80)),
        geneve(v6 / UDP(sport=40000, dport=80)),
    ]
    keys = [flow_key(data) for data in packets]
    assert None not in keys
    assert len(set(keys)) == len(packets)


@pytest.mark.parametrize(
    "inner",
    [
        IP(frag=5, proto=6) / Raw(bytes(40)),
        IP(options=b"\x94\x04\x00\x00") / TCP(),
        bytes(SEGMENT) + b"trailing",
        bytes(SEGMENT)[:-1],
        b"",
    ],
    ids=["later fragment", "IP options", "too long", "too short", "nothing"],
)
def test_packets_that_need_a_closer_look_have_no_key(inner: Scapy | bytes) -> None:
    assert flow_key(geneve(inner)) is None


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_decided_without_an_error(data: bytes) -> None:
    decider = Decider(lambda packet: Verdict.RETURN if packet.inner.protocol else Verdict.DROP)
    assert decider.decide(data, flow_key(data)) in (None, data)


@pytest.mark.parametrize(
    ("verdict", "returned", "remembered"),
    [
        (Verdict.RETURN, True, None),
        (Verdict.RETURN_FLOW, True, True),
        (Verdict.DROP, False, None),
        (Verdict.DROP_FLOW, False, False),
    ],
)
def test_verdicts_for_flows_are_remembered_and_those_for_packets_are_not(
    verdict: Verdict, returned: bool, remembered: bool | None
) -> None:
    decider = Decider(lambda _: verdict)
    data = geneve(SEGMENT)
    key = flow_key(data)
    assert key is not None
    assert decider.decide(data, key) == (data if returned else None)
    assert decider.flows.get(key) is remembered


def test_malformed_packets_are_counted_and_dropped() -> None:
    decider = Decider(lambda packet: Verdict.RETURN if packet.inner else Verdict.DROP)
    for bad in (b"", b"\x08\x00", geneve(b"\x45"), geneve(bytes(SEGMENT)[:-1])):
        assert decider.decide(bad, flow_key(bad)) is None
    assert decider.malformed == 4


def test_a_rewritten_packet_keeps_its_header() -> None:
    def rewrite(packet: Packet) -> Verdict:
        packet.rewrite(b"another")
        return Verdict.RETURN

    data = geneve(SEGMENT)
    assert Decider(rewrite).decide(data, None) == data[:40] + b"another"


def test_what_the_callback_raises_is_not_swallowed() -> None:
    def broken(packet: Packet) -> Verdict:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        Decider(broken).decide(geneve(SEGMENT), None)


def test_the_outer_header_is_swapped_and_unfragmentable() -> None:
    outer = IP(bytes(outer_header(source=bytes([192, 0, 2, 2]), destination="192.0.2.1", source_port=50001)))
    assert (outer.src, outer.dst, outer.ihl, str(outer.flags), outer.proto) == ("192.0.2.2", "192.0.2.1", 5, "DF", 17)
    assert (outer[UDP].sport, outer[UDP].dport, outer[UDP].chksum) == (50001, 6081, 0)


def test_health_is_bad_until_every_loop_has_beaten() -> None:
    heartbeats = Heartbeats(2)
    assert not loops_alive(heartbeats)[0]
    heartbeats.beat(0, (5, 4, 1, 0, 0, 100))
    well, body = loops_alive(heartbeats)
    assert not well
    assert "packet loop 1" in str(body["status"])
    heartbeats.beat(1, (1, 1, 0, 0, 0, 10))
    well, body = loops_alive(heartbeats)
    assert well
    assert body["counters"] == {
        "received": 6, "returned": 5, "dropped": 1, "malformed": 0, "send_errors": 0, "received_bytes": 110
    }  # fmt: skip
