"""Which flow a packet that leaves the tunnel interface belongs to."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from opengwlb_appliance.tunnel import Flows, Return, Tunnel, flow_names

A, B = b"\xc6\x33\x64\x07", b"\x0a\0\0\x05"
BACK = Return(b"header", "10.9.0.4", 50001, b"\x0a\x09\0\x05")


def packet(source: bytes, destination: bytes, ports: bytes, *, protocol: int = 6, offset: int = 0) -> bytes:
    return struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, offset, 64, protocol, 0) + source + destination + ports + bytes(16)


FORTH, BACKWARD = packet(A, B, b"\x0f\xa0\0\x50"), packet(B, A, b"\0\x50\x0f\xa0")


def test_both_directions_have_one_name():
    assert flow_names(FORTH) == flow_names(BACKWARD) and len(flow_names(FORTH)) == 2


def test_swapped_ports_are_another_flow():
    assert flow_names(FORTH)[0] != flow_names(packet(A, B, b"\0\x50\x0f\xa0"))[0]


def test_a_later_fragment_goes_the_way_of_the_latest_flow_between_its_ends():
    flows = Flows()
    flows.learn(FORTH, BACK)
    assert flows.find(packet(A, B, b"payl", offset=100)) is BACK
    assert flows.find(packet(A, B, b"payl", offset=100, protocol=17)) is None


def test_an_icmp_error_is_of_the_flow_that_it_quotes():
    flows = Flows()
    flows.learn(FORTH, BACK)
    error = packet(b"\x08\x08\x08\x08", A, b"\x03\x04\0\0" + bytes(4) + FORTH, protocol=1)
    assert flows.find(error) is BACK
    echo = packet(b"\x08\x08\x08\x08", A, b"\x08\0\0\0" + bytes(4) + FORTH, protocol=1)
    assert flows.find(echo) is None


def test_ipv6_flows_have_names_too():
    head = b"\x60\0\0\0\0\x14\x06\x40"
    one, other = bytes(15) + b"\1", bytes(15) + b"\2"
    there = head + one + other + b"\x0f\xa0\0\x50" + bytes(16)
    assert flow_names(there) == flow_names(head + other + one + b"\0\x50\x0f\xa0" + bytes(16)) != ()


def test_the_oldest_flow_is_forgotten_when_there_are_too_many():
    flows = Flows(most=2)
    flows.learn(FORTH, BACK)
    flows.learn(packet(A, b"\x0a\0\0\x06", b"\x0f\xa0\0\x50"), BACK)
    assert flows.find(FORTH) is None


@given(st.binary(max_size=120))
def test_noise_never_breaks_it(data: bytes):
    flow_names(data)


def test_a_device_is_named_by_the_last_ten_digits_of_its_endpoint():
    tunnel = Tunnel(0x0123456789ABCDEF, 3)
    assert (tunnel.endpoint_id, tunnel.device, tunnel.mark) == ("vpce-00123456789abcdef", "gw-6789abcdef", 0x10003)
