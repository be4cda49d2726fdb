"""Inner packets leave as they came, byte for byte: from an endpoint through an appliance and back out of the endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP, IPOption_RR, fragment
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.packet import Packet, Raw

from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Lab, arrived, into
from .test_bulk import echoing

V4 = IP(src=CLIENT, dst=SERVER, ttl=3, id=0x1234, tos=0x2A)
V6 = IPv6(src=CLIENT6, dst=SERVER6, hlim=3, tc=0x2A, fl=0x98765)
DATA = bytes(range(256))

WHOLE: dict[str, Packet | bytes] = {
    "no_payload": V4,
    "protocol_253": IP(src=CLIENT, dst=SERVER, proto=253) / Raw(DATA),
    "protocol_254_one_byte": IP(src=CLIENT, dst=SERVER, proto=254) / Raw(b"x"),
    "esp": IP(src=CLIENT, dst=SERVER, proto=50) / Raw(b"\0\0\0\1\0\0\0\2" + DATA),
    "ah": IP(src=CLIENT, dst=SERVER, proto=51) / Raw(b"\x11\x04\0\0" + bytes(20) + DATA),
    "gre": V4 / GRE(proto=0x0800) / IP(src="1.1.1.1", dst="2.2.2.2") / UDP() / Raw(DATA),
    "sctp": IP(src=CLIENT, dst=SERVER, proto=132) / Raw(b"\x0b\x59\x0b\x59\0\0\0\0\xde\xad\xbe\xef" + DATA),
    "ip_in_ip": V4 / IP(src="1.1.1.1", dst="2.2.2.2") / TCP() / Raw(DATA),
    "udp_lite": IP(src=CLIENT, dst=SERVER, proto=136) / Raw(b"\0\1\0\2\0\x08\x12\x34" + DATA),
    "udp_without_checksum": V4 / UDP(sport=1, dport=2, chksum=0) / Raw(DATA),
    "udp_with_wrong_checksum": V4 / UDP(sport=1, dport=2, chksum=0xBAD) / Raw(DATA),
    "udp_empty": V4 / UDP(sport=1, dport=2),
    "udp_one_byte": V4 / UDP(sport=1, dport=2) / Raw(b"x"),
    "udp_odd_length": V4 / UDP(sport=1, dport=2) / Raw(b"x" * 1001),
    "udp_short_of_its_packet": V4 / UDP(sport=1, dport=2, len=12) / Raw(DATA),
    "udp_8500": V4 / UDP(sport=1, dport=2) / Raw(DATA * 33 + b"x" * 24),
    "tcp_with_every_flag_of_a_first_packet": V4
    / TCP(sport=1, dport=2, flags="SFPUEC", urgptr=7, reserved=5)
    / Raw(DATA),
    "tcp_syn_without_options": V4 / TCP(sport=5, dport=2, flags="S"),
    "tcp_syn_with_small_mss": V4 / TCP(sport=6, dport=2, flags="S", options=[("NOP", None), ("MSS", 8460)]),
    "ping_odd_length": V4 / ICMP(type=8, id=1) / Raw(b"x" * 57),
    "options_record_route": IP(src=CLIENT, dst=SERVER, options=[IPOption_RR(routers=["0.0.0.0"] * 9)])
    / UDP()
    / Raw(DATA),
    "options_of_40_bytes": IP(src=CLIENT, dst=SERVER, options=[b"\x01" * 40]) / TCP(flags="S") / Raw(DATA),
    "first_fragment": fragment(V4 / UDP(sport=1, dport=2) / Raw(DATA * 8), fragsize=1000)[0],
    "evil_bit": IP(src=CLIENT, dst=SERVER, flags="evil") / UDP() / Raw(DATA),
    "v6_no_next_header": IPv6(src=CLIENT6, dst=SERVER6, nh=59) / Raw(DATA),
    "v6_no_payload": V6,
    "v6_protocol_253": IPv6(src=CLIENT6, dst=SERVER6, nh=253) / Raw(DATA[:-1]),
    "v6_esp": IPv6(src=CLIENT6, dst=SERVER6, nh=50) / Raw(b"\0\0\0\1\0\0\0\2" + DATA),
    "v6_udp_8500": V6 / UDP(sport=1, dport=2) / Raw(b"y" * (8500 - 48)),
    "v6_ping_odd_length": V6 / ICMPv6EchoRequest(data=b"x" * 33),
    "v6_extension_headers": V6
    / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])
    / IPv6ExtHdrRouting(addresses=["fd00::9"], segleft=0)
    / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 12)])
    / UDP(sport=1, dport=2)
    / Raw(DATA),
    "v6_atomic_fragment": V6 / IPv6ExtHdrFragment(id=77, offset=0, m=0) / UDP(sport=1, dport=2) / Raw(DATA),
}
assert {len(bytes(WHOLE[name])) for name in WHOLE if "8500" in name} == {8500}


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Iterator[Lab]:
    """An in-kernel appliance and one of user space."""
    made = labs("bytes", endpoints=1, appliances=2, inspectors=1)
    with echoing(made.appliances[1]):
        yield made


@pytest.mark.parametrize("appliance", [0, 1], ids=["kernel", "user_space"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_packet_passes_endpoint_appliance_and_node_byte_for_byte(lab: Lab, name: str, appliance: int) -> None:
    lab.healthy = {lab.appliances[appliance].slot}
    lab.generations = {one.slot: lab.generations.get(one.slot, 1) + 1 for one in lab.appliances}
    assert lab.apply() == {}
    packet, door = bytes(WHOLE[name]), lab.endpoints[0]
    # The server may answer what it does not know, but not from the client's address.
    source = packet[12:16] if packet[0] >> 4 == 4 else packet[8:24]
    with door.outer.opened() as raw:
        door.outer.send(into(door, packet))
        frame = arrived(raw, lambda got: got[12:14] != b"\x08\x06" and source in (got[26:30], got[22:38]))
    assert bytes(frame)[14:] == packet
