"""Traffic class through the tunnel: DSCP copied, ECN by RFC 6040, one test for each cell of its table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from . import geneve
from .harness import CLIENT, CLIENT6, SERVER, SERVER6, Lab

NOT_ECT, ECT_1, ECT_0, CE = 0, 1, 2, 3
NAMES = {NOT_ECT: "not_ect", ECT_1: "ect_1", ECT_0: "ect_0", CE: "ce"}
EXPEDITED = 46 << 2
DROPPED = None

# RFC 6040, figure 4: (inner, outer) on arrival -> inner on departure.
TABLE: dict[tuple[int, int], int | None] = {
    (NOT_ECT, NOT_ECT): NOT_ECT,
    (NOT_ECT, ECT_0): NOT_ECT,
    (NOT_ECT, ECT_1): NOT_ECT,
    (NOT_ECT, CE): DROPPED,
    (ECT_0, NOT_ECT): ECT_0,
    (ECT_0, ECT_0): ECT_0,
    (ECT_0, ECT_1): ECT_1,
    (ECT_0, CE): CE,
    (ECT_1, NOT_ECT): ECT_1,
    (ECT_1, ECT_0): ECT_1,
    (ECT_1, ECT_1): ECT_1,
    (ECT_1, CE): CE,
    (CE, NOT_ECT): CE,
    (CE, ECT_0): CE,
    (CE, ECT_1): CE,
    (CE, CE): CE,
}


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("ecn", forwards=False)


def packet_of(family: int, traffic_class: int) -> Packet:
    if family == 6:
        head: Packet = IPv6(src=CLIENT6, dst=SERVER6, tc=traffic_class, fl=0xABCDE)
    else:
        head = IP(src=CLIENT, dst=SERVER, tos=traffic_class, id=7, options=[b"\x01" * 4])
    return head / UDP(sport=600, dport=53) / Raw(b"data")


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("ecn", NAMES, ids=NAMES.values())
def test_the_outer_header_gets_dscp_and_ecn_of_the_inner(lab: Lab, family: int, ecn: int) -> None:
    packet = packet_of(family, EXPEDITED | ecn)
    frame = lab.through(packet)
    assert Ether(frame)[IP].tos == EXPEDITED | ecn
    assert geneve.read(frame).inner == bytes(packet)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("inner", "outer"), TABLE, ids=[f"inner_{NAMES[inner]}-outer_{NAMES[outer]}" for inner, outer in TABLE]
)
def test_ecn_leaves_the_tunnel_as_rfc_6040_says(lab: Lab, family: int, inner: int, outer: int) -> None:
    """The inner DSCP stays whatever the outer one became; the whole packet is compared, checksums with it."""
    back = geneve.read(lab.through(packet_of(family, EXPEDITED | inner))).returned()
    marked = back.change(ip=(("tos", (10 << 2) | outer),))
    expected = TABLE[inner, outer]
    if expected is DROPPED:
        with lab.exactly(lab.node, "return_congestion_mark"):
            lab.provider_node.send(bytes(marked))
    else:
        assert lab.back(marked)[14:] == bytes(packet_of(family, EXPEDITED | expected))


def test_an_appliance_that_writes_its_own_outer_header_leaves_the_inner_packet_as_it_is(lab: Lab) -> None:
    for ecn in NAMES:
        packet = packet_of(4, EXPEDITED | ecn)
        back = (
            geneve.read(lab.through(packet)).returned().change(ip=(("tos", 0), ("flags", 0), ("id", 4711), ("ttl", 2)))
        )
        assert lab.back(back)[14:] == bytes(packet)
